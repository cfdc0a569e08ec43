// One look at the server: crontabs, what their entries run, the scripts, and what runs now.
import { dirname, join } from 'node:path/posix';
import type { Settings } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { Command } from '../command/command.ts';
import { readCommand } from '../command/read.ts';
import type { Crontab, EntryLine } from '../crontab/crontab.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { settingsAt } from '../crontab/settings.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Person, Server } from '../server/server.ts';
import { type CrontabFacts, type EntryFacts, type Facts, sourceName } from './facts.ts';
import { crontabFindings, entryFindings } from './findings.ts';
import { eyesFor, lookAtJob, sightJob } from './job.ts';
import type { Look, Sight } from './look.ts';
import { isClosed } from './peek.ts';
import { claimsOf } from './places.ts';
import { dialectOf, sourcesOf, vhostsDirectory } from './sources.ts';

const debianPath = '/usr/bin:/bin';
/** A crontab with its workers sighted; they are looked at when those of all crontabs are. */
interface SeenCrontab extends Omit<CrontabFacts, 'entries'> {
  readonly entries: readonly SeenEntry[];
}

interface SeenEntry extends Omit<EntryFacts, 'job'> {
  readonly sight: Sight | 'none';
}

/** Reads what the settings are about. Only reads; throws a Problem on any read that fails. */
export async function survey(server: Server, settings: Settings): Promise<Facts> {
  const dialect = settings.dialect ?? (await dialectOf(server));
  const { sources, unseen: closed } = await sourcesOf(server, settings.scope);
  const unseen = [...closed];
  const look: Look = {
    server,
    latching: settings.latching,
    pick: settings.pick,
    earlier: settings.earlier ?? [],
    dialect,
    paths: new Map(),
    onTheWay: new Map(),
    found: new Map(),
    vhosts: await vhostsDirectory(server),
  };
  const seen: SeenCrontab[] = [];
  for (const source of sources) {
    const facts = await lookAtCrontab(look, source).catch((error: unknown) => {
      // Of everything, one closed crontab is a gap to be told; one that was named is a failure.
      if (settings.scope.is !== 'everything' || !isClosed(error)) throw error;
      unseen.push(sourceName(source));
      return 'none' as const;
    });
    if (facts !== 'none') seen.push(facts);
  }
  // A guard further down may hold the name that a worker further up would get: all are seen before any is named.
  const sights = seen.flatMap((c) => c.entries.flatMap((e) => (e.sight === 'none' ? [] : [e.sight])));
  const among = { sights, claims: claimsOf(sights) };
  const crontabs: CrontabFacts[] = [];
  for (const { entries, ...crontab } of seen) {
    const whole: EntryFacts[] = [];
    for (const entry of entries) whole.push(await withJob(look, entry, among));
    crontabs.push({ ...crontab, entries: withDuplicates(whole) });
  }
  return {
    crontabs,
    unseen,
    paths: look.paths,
    ...(settings.latching.worker === undefined
      ? {}
      : { worker: await workerFile(server, settings.latching.worker) }),
  };
}

async function withJob(
  look: Look,
  { sight, ...entry }: SeenEntry,
  among: Parameters<typeof lookAtJob>[2],
): Promise<EntryFacts> {
  if (sight === 'none') return { ...entry, job: 'none' };
  const job = await lookAtJob(look, sight, among);
  return { ...entry, job, findings: [...entry.findings, ...job.findings] };
}

async function lookAtCrontab(look: Look, source: CrontabSource): Promise<SeenCrontab | 'none'> {
  const seen = await look.server.crontabs.read(source);
  if (seen.is === 'none') return 'none';
  const system = source.is === 'system' || source.is === 'cron.d' || (source.is === 'file' && source.system);
  const crontab = parseCrontab(seen.text, { dialect: look.dialect, system });
  const owner =
    source.is === 'user'
      ? source.user
      : source.is === 'file' && seen.route.by !== 'command'
        ? seen.route.look.uid
        : 0;
  const entries: SeenEntry[] = [];
  for (const line of crontab.lines) {
    if (line.is === 'entry')
      entries.push(
        await lookAtEntry(look, source, crontab, line, line.user === undefined ? owner : readable(line.user)),
      );
  }
  return {
    source,
    name: sourceName(source),
    dialect: look.dialect,
    crontab,
    route: seen.route,
    entries,
    findings: crontabFindings(sourceName(source), source, crontab),
  };
}

async function lookAtEntry(
  look: Look,
  source: CrontabSource,
  crontab: Crontab,
  entry: EntryLine,
  who: string | number,
): Promise<SeenEntry> {
  const person = await look.server.people.find(who);
  const name = person === 'unknown' ? String(who) : person.name;
  const settings = settingsAt(crontab, entry.number);
  const home = settings.get('HOME') ?? (person === 'unknown' ? '' : bytesOf(person.home));
  const shell = settings.get('SHELL') ?? '/bin/sh';
  const variables = new Map<string, string>([
    ...(look.vhosts === 'none' ? [] : [['HTTPD_VHOSTS_D', bytesOf(look.vhosts)] as const]),
    ...settings,
    ['SHELL', shell],
    ['PATH', settings.get('PATH') ?? debianPath],
    ['LOGNAME', bytesOf(name)],
    ...(home === '' ? [] : [['HOME', home] as const]),
    ...(look.dialect === 'cronie' ? [['USER', bytesOf(name)] as const] : []),
  ]);
  let reading = readCommand(entry.command.text, { shell, home, variables });
  if (reading.is === 'worker' && person !== 'unknown' && (await misplaced(look, reading, home, person))) {
    // "example.com/httpdocs/x.php" as people copy it: right as seen from the directory above HOME.
    reading = readCommand(entry.command.text, { shell, home: dirname(home), variables });
  }
  const sight =
    reading.is === 'worker' && person !== 'unknown'
      ? await sightJob(look, {
          source,
          entry,
          command: reading,
          person,
          path: readable(variables.get('PATH') ?? debianPath),
          home: readable(home),
        })
      : ('none' as const);
  const undefinedVariable =
    look.vhosts !== 'none' &&
    !settings.has('HTTPD_VHOSTS_D') &&
    entry.command.text.includes('HTTPD_VHOSTS_D');
  const bare = { entry, line: entry.number, user: name, reading };
  return {
    ...bare,
    sight,
    findings: entryFindings(sourceName(source), bare, person !== 'unknown', undefinedVariable),
  };
}

async function misplaced(look: Look, command: Command, home: string, person: Person): Promise<boolean> {
  if (command.cd !== undefined || command.script.value.startsWith('/') || home === '' || home === '/')
    return false;
  const isThere = async (path: string): Promise<boolean | 'unseen'> => {
    try {
      return (await look.server.files.real(path, eyesFor(look, person))) !== 'absent';
    } catch (error) {
      if (isClosed(error)) return 'unseen';
      throw error;
    }
  };
  if ((await isThere(readable(command.scriptPath))) !== false) return false;
  return (await isThere(join(readable(dirname(home)), readable(command.script.value)))) === true;
}

/** Marks scripts that more than one entry of the crontab starts. */
function withDuplicates(entries: readonly EntryFacts[]): EntryFacts[] {
  const first = new Map<string, number>();
  return entries.map((facts) => {
    if (facts.job === 'none') return facts;
    const essence = JSON.stringify([facts.job.scriptPath, facts.job.args, facts.job.user.uid]);
    const before = first.get(essence);
    if (before === undefined) {
      first.set(essence, facts.line);
      return facts;
    }
    const where = { source: facts.job.sourceName, line: facts.line };
    return {
      ...facts,
      findings: [
        ...facts.findings,
        {
          level: 'warn',
          code: 'same-script-twice',
          where,
          args: { line: before, script: facts.job.scriptPath },
        },
      ],
    };
  });
}

async function workerFile(server: Server, path: string): Promise<{ path: string; bytes: string }> {
  const seen = await server.files.look(path, server.self.owner);
  if (seen.is === 'absent') throw new Problem('file-missing', { path });
  if (seen.is !== 'file') throw new Problem('worker-file', { path, reason: 'it is not a file' });
  return { path, bytes: seen.bytes };
}
