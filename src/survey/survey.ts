// One look at the server: crontabs, what their entries run, the scripts, and what runs now.
import { dirname, join } from 'node:path/posix';
import type { Settings } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { Command, Reading } from '../command/command.ts';
import { readCommand } from '../command/read.ts';
import { outletOf } from '../command/redirects.ts';
import type { Crontab, EntryLine } from '../crontab/crontab.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { settingsAt } from '../crontab/settings.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Person, Route, Server } from '../server/server.ts';
import { columnsOf } from './columns.ts';
import { type CrontabFacts, type EntryFacts, type Facts, type Finding, sourceName } from './facts.ts';
import { crontabFindings, entryFindings } from './findings.ts';
import { eyesFor, isLive, lookAtJob, sightJob } from './job.ts';
import type { Look, Sight } from './look.ts';
import { isClosed, peek } from './peek.ts';
import { claimsOf } from './places.ts';
import { levels } from './rules/levels.ts';
import { isGuarded } from './rules/lock.ts';
import type { FileView } from './rules/rule.ts';
import { dialectOf, sourcesOf, vhostsDirectory } from './sources.ts';
import { viewOf } from './view.ts';

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
  const first = new Map<string, { source: string; line: number }>();
  for (const { entries, ...crontab } of seen) {
    const whole: EntryFacts[] = [];
    for (const entry of entries) whole.push(await withJob(look, entry, among));
    crontabs.push({ ...crontab, entries: withDuplicates(whole, first) });
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
    findings: crontabFindings(sourceName(source), {
      source,
      crontab,
      file: await fileOf(look, source, seen.route),
      person: source.is === 'user' ? await look.server.people.find(source.user) : 'unknown',
    }),
  };
}

/** The crontab's file as cron finds it: links are counted by it and by nobody else here. */
async function fileOf(look: Look, source: CrontabSource, route: Route): Promise<FileView['file']> {
  if (route.by === 'command' || source.is === 'file') return 'unseen';
  const seen = await peek(look.server, route.path, look.server.self.owner);
  return seen.is === 'file' ? { mode: seen.mode, uid: seen.uid, links: seen.links } : 'unseen';
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
  const people = new Map<string, Known>();
  let reading = await readWith(look, entry, { shell, home, variables, people });
  if (reading.is === 'worker' && person !== 'unknown' && (await misplaced(look, reading, home, person))) {
    // "example.com/httpdocs/x.php" as people copy it: right as seen from the directory above HOME.
    reading = await readWith(look, entry, { shell, home: dirname(home), variables, people });
  }
  const sight =
    reading.is === 'worker' && person !== 'unknown'
      ? await sightJob(look, {
          source,
          crontab,
          entry,
          command: reading,
          ...(await whoRuns(look, reading, person, readable(home))),
          path: readable(variables.get('PATH') ?? debianPath),
        })
      : ('none' as const);
  const view = await viewOf(
    look,
    { source, crontab, entry, reading, shell, person, user: name },
    settings,
    isLive(source) && person !== 'unknown',
    {
      path: readable(variables.get('PATH') ?? debianPath),
      home: readable(home),
      eyes: person === 'unknown' ? look.server.self.owner : eyesFor(look, person),
    },
  );
  const bare = { entry, line: entry.number, user: name, reading };
  return {
    ...bare,
    sight,
    findings: entryFindings(sourceName(source), view),
  };
}

type Known = { readonly home: string; readonly shell: string } | 'unknown';

/** Reads the command, looking up the users it switches to as it asks for them. */
async function readWith(
  look: Look,
  entry: EntryLine,
  around: Parameters<typeof readCommand>[1] & { readonly people: Map<string, Known> },
): Promise<Reading> {
  for (;;) {
    const reading = readCommand(entry.command.text, around);
    if (reading.is === 'worker' || reading.needs === undefined || around.people.has(reading.needs))
      return reading;
    const person = await look.server.people.find(readable(reading.needs));
    const known =
      person === 'unknown' ? person : { home: bytesOf(person.home), shell: bytesOf(person.shell) };
    around.people.set(reading.needs, known);
  }
}

/** The user the worker runs as and the one who opens its log; mostly both are the entry's. */
async function whoRuns(
  look: Look,
  command: Command,
  entrys: Person,
  home: string,
): Promise<Pick<Sight, 'person' | 'opener' | 'home' | 'openersHome'>> {
  const find = async (name: string | undefined): Promise<Person> => {
    const found = name === undefined ? entrys : await look.server.people.find(readable(name));
    return found === 'unknown' ? entrys : found;
  };
  const person = await find(command.user);
  const opener = await find(outletOf(command).user);
  return {
    person,
    opener,
    home: person === entrys ? home : person.home,
    openersHome: opener === entrys ? home : opener.home,
  };
}

async function misplaced(look: Look, command: Command, home: string, person: Person): Promise<boolean> {
  if (
    command.user !== undefined ||
    command.cd !== undefined ||
    command.script.value.startsWith('/') ||
    home === '' ||
    home === '/'
  )
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

/** Marks scripts that more than one entry starts, be it in another crontab: a user's and the system's, say. */
function withDuplicates(
  entries: readonly EntryFacts[],
  first: Map<string, { source: string; line: number }>,
): EntryFacts[] {
  return entries.map((facts) => {
    const { job } = facts;
    if (job === 'none') return facts;
    const script = typeof job.script === 'string' ? job.scriptPath : job.script.path;
    const essence = JSON.stringify([script, job.args]);
    const before = first.get(essence);
    if (before === undefined) {
      first.set(essence, { source: job.sourceName, line: facts.line });
      return facts;
    }
    const twice: Finding = {
      // Behind one guard the second waits its turn, as the long-running form does on purpose.
      level: isGuarded(job) ? 'note' : levels['same-script-twice'],
      code: 'same-script-twice',
      where: {
        source: job.sourceName,
        line: facts.line,
        ...columnsOf(job.crontab, job.entry.commandSpan),
      },
      args: {
        line: before.line,
        script: job.scriptPath,
        ...(before.source === job.sourceName ? {} : { source: before.source }),
      },
    };
    return { ...facts, findings: [...facts.findings, twice] };
  });
}

async function workerFile(server: Server, path: string): Promise<{ path: string; bytes: string }> {
  const seen = await server.files.look(path, server.self.owner);
  if (seen.is === 'absent') throw new Problem('file-missing', { path });
  if (seen.is !== 'file') throw new Problem('worker-file', { path, reason: 'it is not a file' });
  return { path, bytes: seen.bytes };
}
