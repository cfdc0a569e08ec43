// Facts + settings → the plan of a deploy. Pure: no clock, no machine.
import { dirname, join } from 'node:path/posix';
import type { Latching } from '../ask/settings.ts';
import { bytesOf } from '../change/encode.ts';
import { cannotUndoOf, type Latched, type Plan, planOf } from '../change/plan.ts';
import type { Edit, MakeDirectory, PutCrontab, PutFile, Step, StopProcess } from '../change/step.ts';
import type { RewriteNote, Wish } from '../command/command.ts';
import { rewriteCommand } from '../command/rewrite.ts';
import { replaceCommands } from '../crontab/edit.ts';
import { decodeCommand } from '../crontab/escape.ts';
import {
  type CrontabFacts,
  type Facts,
  type Finding,
  type Job,
  sourceName,
  tellingArgs,
} from '../survey/facts.ts';
import { guardWords } from '../worker/entry.ts';
import { isConsole } from '../worker/place.ts';
import { type Guarding, guarding } from './guard.ts';
import { latched } from './latched.ts';
import { lockDirFindings } from './lockDir.ts';
import { endingOf } from './pass.ts';
import { inTheWay } from './places.ts';
import { sharedLockFindings } from './sharedLock.ts';
import { taskStep, type Way, wayOf } from './task.ts';

export interface Planned {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  /** What was changed in each rewritten command, for the reader of the diff. */
  readonly notes: readonly {
    readonly source: string;
    readonly line: number;
    readonly notes: readonly RewriteNote[];
  }[];
}

/** Plans the latching of the jobs; `own` are the answers of one. Findings of level 'stop' mean: do not apply. */
export async function planDeploy(
  facts: Facts,
  jobs: readonly Job[],
  shared: Latching,
  own: (job: Job) => Latching = () => shared,
): Promise<Planned> {
  const findings: Finding[] = [];
  const directories = new Map<string, MakeDirectory>();
  const files = new Map<string, PutFile>();
  const stops: StopProcess[] = [];
  const workers: Latched[] = [];
  const notes: { source: string; line: number; notes: readonly RewriteNote[] }[] = [];
  const commands = new Map<string, Map<number, string>>();
  const tasks = new Map<string, Extract<Way, { is: 'task' }>[]>();

  if (shared.worker !== undefined && new Set(jobs.map((job) => job.scriptPath)).size > 1) {
    findings.push({ level: 'stop', code: 'worker-for-many', args: { path: shared.worker } });
  }
  for (const job of jobs) {
    const latching = own(job);
    findings.push(...job.obstacles.map((f): Finding => ({ ...f, level: 'stop' })));
    const crontab = facts.crontabs.find((c) => c.name === job.sourceName);
    if (crontab && !crontab.crontab.accepted)
      findings.push(...crontab.findings.filter((f) => f.level === 'stop'));
    const guard = await guarding(facts, job, latching);
    findings.push(...guard.findings, ...guard.obstacles);
    const ending = endingOf(job, latching, facts.worker);
    findings.push(...ending.findings);
    const log = logFor(facts, job, latching);
    const wish: Wish = {
      ...(job.interpreter.path === 'missing' || job.interpreter.nameStays
        ? {}
        : { interpreter: bytesOf(job.interpreter.path) }),
      guarded: guard.place !== 'none',
      ...(job.directoryClosed ? { inherits: true } : {}),
      ...(guard.flags.length === 0 ? {} : { addFlags: guard.flags, insteadOf: guardWords(job.command) }),
      once: ending.flag === '--once',
      ...(ending.flag === undefined || ending.flag === '--once' ? {} : { pass: bytesOf(ending.flag) }),
      ...(log.path === undefined ? {} : { log: bytesOf(log.path) }),
      ...(latching.log === undefined ? {} : { logReplaces: true }),
    };
    const rewritten = rewriteCommand(job.entry.command.text, job.command, wish);
    const way = wayOf(facts, job, latching, guard, wish, rewritten.text);
    findings.push(...way.findings, ...choiceOf(job));
    // A task that runs a PHP script has no shell that would write a log for it.
    const shell = hasShell(way, job);
    findings.push(...(shell ? log.findings : []));
    findings.push(...inTheWay(facts, job, guard).filter(({ code }) => shell || code !== 'log-unwritable'));
    findings.push(...sharedLockFindings(facts, job, guard));
    if (guard.place !== 'none') findings.push(...lockDirFindings(facts, job, latching));
    for (const path of [
      ...(guard.place === 'none' ? [] : [job.places === 'none' ? '' : job.places.directory]),
      ...(shell ? log.needs : []),
      ...(guard.place === 'entry' && guard.guard ? [dirname(guard.guard)] : []),
    ]) {
      for (const step of directoriesTo(facts, job, path))
        if (!directories.has(step.path)) directories.set(step.path, step);
    }
    for (const file of guard.files) files.set(file.path, file);
    if (way.is === 'task') tasks.set(job.sourceName, [...(tasks.get(job.sourceName) ?? []), way]);
    if (way.is === 'line' && rewritten.text !== job.entry.command.text) {
      notes.push({ source: job.sourceName, line: job.line, notes: rewritten.notes });
      const lines = commands.get(job.sourceName) ?? new Map<number, string>();
      commands.set(job.sourceName, lines.set(job.line, rewritten.text));
    }
    const text =
      way.is === 'line'
        ? rewritten.text
        : way.is === 'task'
          ? decodeCommand(way.line, job.crontab.dialect, 0).text
          : job.entry.command.text;
    workers.push(
      latched(job, guard, ending.flag !== undefined, shell ? log.path : undefined, text, facts, way),
    );
    const stop = stopFor(job, guard, latching);
    if (
      stop !== 'none' &&
      !stops.some(
        (s) =>
          s.script === stop.script &&
          s.uid === stop.uid &&
          JSON.stringify(s.args) === JSON.stringify(stop.args),
      )
    )
      stops.push(stop);
  }

  const crontabs: PutCrontab[] = [];
  for (const crontab of facts.crontabs) {
    const wanted = commands.get(crontab.name);
    if (wanted === undefined) continue;
    const step = crontabStep(crontab, wanted);
    if (step.is === 'refused') findings.push(step.finding);
    else crontabs.push(step.step);
  }
  const panel = facts.crontabs.flatMap((crontab) => {
    const ways = tasks.get(crontab.name);
    if (ways === undefined) return [];
    // What Plesk makes of the crontab is compared with the text that stands there when it begins.
    const base = crontabs.find((step) => sourceName(step.source) === crontab.name)?.after;
    return [taskStep(crontab, base ?? crontab.crontab.text, ways)];
  });

  // In this order every prefix is safe: nothing names a file that is not there yet, and the old instances go last,
  // when cron can no longer start new ones.
  const guards = [...files.values()].filter((f) => f.what === 'guard');
  const scripts = [...files.values()].filter((f) => f.what === 'script');
  const steps: Step[] = [
    ...[...directories.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
    ...guards,
    ...scripts,
    ...crontabs,
    ...panel,
    ...stops,
  ];
  const cannotUndo = cannotUndoOf(steps);
  return { plan: planOf({ for: 'deploy', steps, workers, cannotUndo }), findings, notes };
}

/** Does a shell start the worker, and open its log? */
function hasShell(way: Way, job: Job): boolean {
  if (way.is === 'task') return way.change.after.type === 'exec';
  return way.is === 'line' || job.task?.task.type !== 'php';
}

/** Why the worker runs with another program than its entry names. */
function choiceOf({ interpreter, sourceName: source, line }: Job): Finding[] {
  const { because, path, wanted } = interpreter;
  if (because === undefined) return [];
  const { is, site = '', handler = '' } = because;
  const args = { path, wanted, is, site, handler };
  return [{ level: 'note', code: 'interpreter-chosen', where: { source, line }, args }];
}

/** The log the entry is to write, and which directories have to be made for it. */
function logFor(
  facts: Facts,
  job: Job,
  latching: Latching,
): { path: string | undefined; needs: readonly string[]; findings: readonly Finding[] } {
  if (job.places === 'none') return { path: latching.log, needs: [], findings: [] };
  const { log, logIs } = job.places;
  if (logIs === 'piped') return { path: undefined, needs: [], findings: [] };
  const home = facts.paths.get(dirname(job.places.base));
  const directory = facts.paths.get(dirname(log));
  if (directory?.is === 'directory') return { path: log, needs: [], findings: [] };
  if (logIs === 'ours' && home?.is !== 'directory' && home?.is !== 'absent')
    return { path: undefined, needs: [], findings: [] };
  if (!job.live && directory?.is !== 'absent') return { path: log, needs: [], findings: [] };
  if (!job.live) {
    // The file is for another machine: its directories cannot be made from here, and sh runs nothing when the
    // redirect's directory is missing (dash: "cannot create", exit 2).
    const args = { directory: dirname(log) };
    const finding: Finding = {
      level: 'warn',
      code: 'log-directory-missing',
      where: { source: job.sourceName, line: job.line },
      args,
    };
    return job.script === 'absent'
      ? { path: log, needs: [], findings: [finding] }
      : { path: log, needs: [dirname(log)], findings: [] };
  }
  return { path: log, needs: [dirname(log)], findings: [] };
}

/** Steps for every missing directory on the way, outermost first, owned by the user the job runs as, or who opens its log. */
function directoriesTo(facts: Facts, job: Job, path: string): MakeDirectory[] {
  const { places } = job;
  const forLog = places !== 'none' && path === dirname(places.log) && path !== places.directory;
  const user = forLog ? places.logOwner : job.owner;
  const steps: MakeDirectory[] = [];
  for (let at = path; at !== '/' && at !== '' && facts.paths.get(at)?.is === 'absent'; at = dirname(at)) {
    const parent = facts.paths.get(dirname(at));
    const common = at.startsWith('/var/lib/cronlatch-workers');
    // Below root's own directories only root may make one; it then belongs to the job's user.
    const rootMakes = common && at.split('/').length <= 5;
    const shared = at === '/var/lib/cronlatch-workers';
    const rootOwner = { uid: 0, gid: 0 };
    steps.unshift({
      kind: 'make-directory',
      path: at,
      mode: shared ? 0o755 : 0o700,
      owner: shared ? rootOwner : user,
      as: rootMakes ? rootOwner : user,
    });
    if (parent === undefined) break;
  }
  return steps;
}

function stopFor(job: Job, guard: Guarding, latching: Latching): StopProcess | 'none' {
  if (latching.without.includes('stop') || typeof job.script === 'string' || !job.live) return 'none';
  // Without a guard nothing tells an old instance from a new one, unless that is what was asked for.
  if (guard.place === 'none' && !latching.without.includes('guard')) return 'none';
  const lock =
    guard.place === 'none' || job.places === 'none'
      ? undefined
      : join(job.places.directory, `${job.places.name}.lock`);
  return {
    kind: 'stop-process',
    script: job.script.path,
    uid: job.user.uid,
    interpreter: job.interpreter.kind,
    ...(isConsole(job.script.path) || guard.place === 'entry' ? { args: tellingArgs(job.args) } : {}),
    ...(lock === undefined ? {} : { lock }),
    lockAs: job.owner,
    grace: latching.grace,
    ...(latching.killAfter === undefined ? {} : { killAfter: latching.killAfter }),
    seen: job.instances.filter((i) => i.holds === false).map((i) => i.pid),
  };
}

function crontabStep(
  facts: CrontabFacts,
  wanted: ReadonlyMap<number, string>,
): { is: 'step'; step: PutCrontab } | { is: 'refused'; finding: Finding } {
  // Line numbers stay: a command never becomes two lines.
  const edited = replaceCommands(facts.crontab, wanted);
  if (edited.is === 'refused') {
    const where = { source: facts.name, line: edited.line };
    return {
      is: 'refused',
      finding: { level: 'stop', code: 'rewrite-refused', where, args: { why: edited.why } },
    };
  }
  const { source, route } = facts;
  const edits: Edit[] = edited.lines.map(({ line, before, after }) => ({
    line,
    before: [before],
    after: [after],
  }));
  const before = facts.crontab.text;
  return { is: 'step', step: { kind: 'put-crontab', source, route, before, after: edited.text, edits } };
}
