// One worker entry: first what it runs, then, when all entries are seen, where its lock goes and what runs now.
import { dirname, join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { CrontabSource, Owner } from '../server/server.ts';
import { entryGuard } from '../worker/entry.ts';
import { readShared } from '../worker/line.ts';
import { guardFileName, isConsole, sharedFileName } from '../worker/place.ts';
import { chosenInterpreter } from './choice.ts';
import { type Finding, type Job, sourceName, type TaskFacts, tellingArgs } from './facts.ts';
import { jobFindings } from './findings.ts';
import { lookAtFramework } from './framework.ts';
import { type Instance, instancesOf, lockInode } from './instances.ts';
import { findInterpreter } from './interpreter.ts';
import { type Look, latchingOf, once, realScript, type Sight, type Workers } from './look.ts';
import { isClosed, peek } from './peek.ts';
import { type Claims, placesFor } from './places.ts';
import { measuredRun } from './runs.ts';
import { lookAtScript } from './script.ts';

/** The users a job runs as and its log is opened by, and their homes. */
export type Runs = Pick<Sight, 'person' | 'opener' | 'stranger' | 'home' | 'openersHome'>;

/** What the entry runs, and the guard that stands there already. */
export async function sightJob(
  look: Look,
  of: Pick<Sight, 'source' | 'crontab' | 'entry' | 'path' | 'chroot' | 'task'>,
  command: Sight['command'],
  { person, opener, stranger, home, openersHome }: Runs,
): Promise<Sight> {
  const { source, crontab, entry, path, chroot, task } = of;
  const owner: Owner = { uid: person.uid, gid: person.gid };
  const eyes = eyesFor(look, owner);
  const scriptPath = readable(command.scriptPath);
  const { kind } = command.interpreter;
  const key = `script ${stranger} ${kind} ${eyes.uid} ${scriptPath}`;
  let script = look.found.get(key) as Sight['script'] | undefined;
  if (script === undefined) {
    const absent = stranger || (await isThereBelow(look, scriptPath, eyes)) === false;
    script = absent ? 'absent' : await lookAtScript(look.server, scriptPath, kind, eyes);
    look.found.set(key, script);
  }
  const inScript = typeof script === 'string' ? 'none' : script.guard;
  const args = command.args.map((arg) => readable(arg.value));
  const held = inScript === 'none' ? entryGuard(command) : inScript;
  // Field by field: spreading objects costs more than all of the above, thousands of times.
  const sight: Sight = {
    source,
    crontab,
    entry,
    command,
    person,
    opener,
    stranger,
    owner,
    eyes,
    path,
    home,
    openersHome,
    scriptPath,
    script,
    args,
    held,
  };
  if (chroot === undefined && task === undefined) return sight;
  return { ...sight, ...(chroot === undefined ? {} : { chroot }), ...(task === undefined ? {} : { task }) };
}

/**
 * Is anything there? A link that leads nowhere is none. In a crontab for another machine whole sites are not here: that
 * is asked once for all that would be in them.
 */
export async function isThereBelow(look: Look, path: string, eyes: Owner): Promise<boolean | 'unseen'> {
  const ask = (where: string) => once(look, `there ${eyes.uid} ${where}`, () => isThere(look, where, eyes));
  return (await ask(dirname(path))) === false ? false : ask(path);
}

async function isThere(look: Look, path: string, eyes: Owner): Promise<boolean | 'unseen'> {
  try {
    return (await look.server.files.real(path, eyes)) !== 'absent';
  } catch (error) {
    if (isClosed(error)) return 'unseen';
    throw error;
  }
}

/** Whose rights to look with at what belongs to `owner`. */
export function eyesFor({ server }: Look, owner: Owner): Owner {
  return server.self.root ? { uid: owner.uid, gid: owner.gid } : server.self.owner;
}

/** The whole of the job, places and running instances included. */
export async function lookAtJob(
  look: Look,
  sight: Sight,
  among: { readonly workers: Workers; readonly claims: Claims },
): Promise<Job> {
  const { source, crontab, entry, command, person, owner, eyes, scriptPath, script, args } = sight;
  const interpreter = await chosenInterpreter(look, sight, await findInterpreter(look, sight));
  const places = await placesFor(look, sight, among.claims);
  if (typeof script !== 'string') {
    const beside = join(dirname(script.path), guardFileName(command.interpreter.kind));
    look.paths.set(beside, await peek(look.server, beside, eyes));
  }
  await lookAtSecondLock(look, sight, places === 'none' ? undefined : places.guardInBase);
  const lock = places === 'none' ? undefined : `${places.directory}/${places.name}.lock`;
  const instances = await runningNow(look, sight, among.workers, lock);
  // A worker that is not here, or of another machine's crontab, has no run to measure.
  const runs =
    typeof script === 'string' || !isLive(source) || entry.schedule.is === 'reboot'
      ? 'unseen'
      : await measuredRun(look, instances, sight.held === 'none' ? undefined : lock, eyes);
  const job = {
    source,
    sourceName: sourceName(source),
    live: isLive(source),
    crontab,
    entry,
    line: entry.number,
    command,
    user: person,
    owner,
    ...((await isClosedTo(look, sight)) ? { directoryClosed: true as const } : {}),
    foreign: !look.server.self.root && person.uid !== look.server.self.owner.uid,
    interpreter,
    script,
    scriptPath,
    args,
    framework: await lookAtFramework(look, sight),
    places,
    instances,
    ...(sight.chroot === undefined ? {} : { chroot: sight.chroot }),
    ...(sight.task === undefined ? {} : { task: withVersion(look, sight, sight.task) }),
    ...(runs === 'unseen' ? {} : { runs }),
  };
  const { obstacles, findings } = jobFindings(job, look.paths);
  return { ...job, obstacles: [...obstacles, ...locked(job)], findings };
}

/** The second lock's file, wherever the guard is to stand, and the credentials it is told to read. */
async function lookAtSecondLock(look: Look, sight: Sight, inBase: string | undefined): Promise<void> {
  const held = sight.held === 'none' ? undefined : sight.held.shared;
  const option = latchingOf(look, sight).shared ?? (held === undefined ? undefined : readable(held));
  if (option === undefined) return;
  const { from } = readShared(option);
  const file = sharedFileName(sight.command.interpreter.kind);
  const guards = [inBase, typeof sight.script === 'string' ? undefined : sight.script.path];
  for (const path of [...guards.map((at) => at && join(dirname(at), file)), from])
    if (path?.startsWith('/') && !look.paths.has(path))
      look.paths.set(path, await peek(look.server, path, sight.eyes));
}

/** In the chroot no form of a command is safe. As a task that runs a PHP script it may be: that takes a task. */
function locked({
  chroot,
  task,
  live,
  sourceName: source,
  line,
}: Omit<Job, 'obstacles' | 'findings'>): Finding[] {
  if (chroot === undefined || (live && task !== undefined)) return [];
  return [{ level: 'warn', code: 'chrooted-task', where: { source, line }, args: { why: 'no-task' } }];
}

/** With the full version of the site's PHP, which the scheduler wants when a task is to run a script. */
function withVersion({ panel }: Look, { person, script, scriptPath }: Sight, task: TaskFacts): TaskFacts {
  if (panel === 'none') return task;
  const site = panel.siteOf(person.name, realScript({ script, scriptPath }));
  const full = site === 'none' ? undefined : panel.handlers.find(({ id }) => id === site.handler)?.full;
  return full === undefined ? task : { ...task, php: full };
}

/** Where a command switches to another user, that one may inherit a directory that he could not enter himself. */
async function isClosedTo(look: Look, { command, eyes, stranger }: Sight): Promise<boolean> {
  if (command.user === undefined || command.cd !== undefined || stranger) return false;
  const inside = await peek(look.server, `${readable(command.directory)}/.`, eyes);
  return inside.is === 'other' && inside.what === 'unreadable';
}

/** Does this machine's cron run the entries? */
export function isLive(source: CrontabSource): boolean {
  return source.is !== 'file' || source.live;
}

async function runningNow(
  look: Look,
  sight: Sight,
  workers: Workers,
  lock: string | undefined,
): Promise<Instance[]> {
  const { script, command, person, eyes } = sight;
  if (typeof script === 'string' || !isLive(sight.source)) return [];
  look.rows ??= await look.server.processes.list();
  const who = {
    script: script.path,
    uid: person.uid,
    interpreter: command.interpreter.kind,
    // One script may be many workers: then only the same job counts.
    ...(isManyWorkers(script.path, workers) ? { args: tellingArgs(sight.args) } : {}),
  };
  return instancesOf(look.server, who, await lockInode(look.server, lock, eyes), look.rows);
}

function isManyWorkers(script: string, workers: Workers): boolean {
  return isConsole(script) || (workers.get(script)?.size ?? 0) > 1;
}
