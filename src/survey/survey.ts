// One look at the server: crontabs, what their entries run, the scripts, and what runs now.
import { dirname, isAbsolute, join } from 'node:path/posix';
import type { Latching, Scope, Settings } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { Command } from '../command/command.ts';
import { readCommand } from '../command/read.ts';
import { logOf } from '../command/redirects.ts';
import type { Crontab, Dialect, EntryLine } from '../crontab/crontab.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { settingsAt } from '../crontab/settings.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Owner, Person, ProcessRow, Seen, Server } from '../server/server.ts';
import type { Found } from '../worker/line.ts';
import { apart, guardFileName, isConsole, placesBelow } from '../worker/place.ts';
import type { CrontabFacts, EntryFacts, Facts, InterpreterFacts, Job, Places } from './facts.ts';
import { sourceName } from './facts.ts';
import { crontabFindings, entryFindings, jobFindings } from './findings.ts';
import { instancesOf, lockInode } from './instances.ts';
import { peek } from './peek.ts';
import { lookAtScript } from './script.ts';

const debianPath = '/usr/bin:/bin';
/** Users with no home of their own (www-data …) get one here when root deploys. */
const commonHome = '/var/lib/cronlatch-workers';

/** Reads what the settings are about. Only reads; throws a Problem on any read that fails. */
export async function survey(server: Server, settings: Settings): Promise<Facts> {
  const dialect = settings.dialect ?? (await dialectOf(server));
  const { sources, unseen } = await sourcesOf(server, settings.scope);
  const look: Look = {
    server,
    latching: settings.latching,
    dialect,
    paths: new Map(),
    taken: new Map(),
    vhosts: await vhostsDirectory(server),
  };
  const crontabs: CrontabFacts[] = [];
  for (const source of sources) {
    const facts = await lookAtCrontab(look, source);
    if (facts !== 'none') crontabs.push(facts);
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

interface Look {
  readonly server: Server;
  readonly latching: Latching;
  readonly dialect: Dialect;
  readonly paths: Map<string, Seen>;
  /** Worker names per home, with the script and arguments each stands for. */
  readonly taken: Map<string, Map<string, string>>;
  readonly vhosts: string | 'none';
  rows?: readonly ProcessRow[];
}

async function dialectOf(server: Server): Promise<Dialect> {
  const as = server.self.owner;
  if ((await server.files.look('/etc/debian_version', as)).is === 'file') return 'debian';
  return (await server.files.look('/etc/redhat-release', as)).is === 'absent' ? 'debian' : 'cronie';
}

async function sourcesOf(
  server: Server,
  scope: Scope,
): Promise<{ sources: readonly CrontabSource[]; unseen: readonly string[] }> {
  switch (scope.is) {
    case 'everything':
      return server.crontabs.sources();
    case 'sources':
      return { sources: scope.sources, unseen: [] };
    case 'user': {
      if ((await server.people.find(scope.name)) === 'unknown') {
        throw new Problem('no-such-entry', { what: `There is no user ${scope.name} on this machine.` });
      }
      return { sources: [{ is: 'user', user: scope.name }], unseen: [] };
    }
    case 'site': {
      if (!/^[A-Za-z0-9.-]+$/.test(scope.domain))
        throw new Problem('usage', { what: `${scope.domain} is no domain name.` });
      const vhosts = await vhostsDirectory(server);
      const seen =
        vhosts === 'none'
          ? ({ is: 'absent' } as const)
          : await server.files.look(join(vhosts, scope.domain), server.self.owner);
      const person = seen.is === 'directory' ? await server.people.find(seen.uid) : 'unknown';
      if (person === 'unknown') {
        throw new Problem('no-such-entry', {
          what: `Cannot tell which user owns the site ${scope.domain}: ${vhosts === 'none' ? 'this is no Plesk server' : `no directory ${join(vhosts, scope.domain)}`}. Name the user with --user.`,
        });
      }
      return { sources: [{ is: 'user', user: person.name }], unseen: [] };
    }
    case 'files':
      return {
        sources: scope.paths.map((path): CrontabSource => {
          if (path === '/etc/crontab') return { is: 'system', path };
          if (dirname(path) === '/etc/cron.d') return { is: 'cron.d', path };
          return { is: 'file', path, system: scope.system, live: scope.live };
        }),
        unseen: [],
      };
  }
}

/** Plesk's own name for the directory of all sites; not part of cron's environment, whatever guides say. */
async function vhostsDirectory(server: Server): Promise<string | 'none'> {
  const seen = await server.files.look('/etc/psa/psa.conf', server.self.owner);
  if (seen.is !== 'file') return 'none';
  return /^[ \t]*HTTPD_VHOSTS_D[ \t]+(\S+)/m.exec(seen.bytes)?.[1] ?? 'none';
}

async function lookAtCrontab(look: Look, source: CrontabSource): Promise<CrontabFacts | 'none'> {
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
  const entries: EntryFacts[] = [];
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
    entries: withDuplicates(entries),
    findings: crontabFindings(sourceName(source), source, crontab),
  };
}

async function lookAtEntry(
  look: Look,
  source: CrontabSource,
  crontab: Crontab,
  entry: EntryLine,
  who: string | number,
): Promise<EntryFacts> {
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
  const job: Job | 'none' =
    reading.is === 'worker' && person !== 'unknown'
      ? await lookAtJob(look, {
          source,
          entry,
          command: reading,
          person,
          path: readable(variables.get('PATH') ?? debianPath),
          home: readable(home),
        })
      : 'none';
  const undefinedVariable =
    look.vhosts !== 'none' &&
    !settings.has('HTTPD_VHOSTS_D') &&
    entry.command.text.includes('HTTPD_VHOSTS_D');
  const bare = { entry, line: entry.number, user: name, reading, job };
  return {
    ...bare,
    findings: [
      ...entryFindings(sourceName(source), bare, person !== 'unknown', undefinedVariable),
      ...(job === 'none' ? [] : job.findings),
    ],
  };
}

async function misplaced(look: Look, command: Command, home: string, person: Person): Promise<boolean> {
  if (command.cd !== undefined || command.script.value.startsWith('/') || home === '' || home === '/')
    return false;
  const as = { uid: person.uid, gid: person.gid };
  if ((await look.server.files.real(readable(command.scriptPath), as)) !== 'absent') return false;
  return (
    (await look.server.files.real(join(readable(dirname(home)), readable(command.script.value)), as)) !==
    'absent'
  );
}

interface JobParts {
  readonly source: CrontabSource;
  readonly entry: EntryLine;
  readonly command: Command;
  readonly person: Person;
  readonly path: string;
  readonly home: string;
}

async function lookAtJob(look: Look, parts: JobParts): Promise<Job> {
  const { server } = look;
  const { source, entry, command, person } = parts;
  const as: Owner = { uid: person.uid, gid: person.gid };
  // An ordinary user looks with his own eyes; root looks with the eyes of the user whose job it is.
  const eyes = server.self.root ? as : server.self.owner;
  const scriptPath = readable(command.scriptPath);
  const script = await lookAtScript(server, scriptPath, command.interpreter.kind, eyes);
  const args = command.args.map((arg) => readable(arg.value));
  const interpreter = await findInterpreter(look, command, parts.path, eyes);
  const places = await placesFor(
    look,
    parts,
    as,
    eyes,
    typeof script === 'string' ? scriptPath : script.path,
    typeof script === 'string' ? 'none' : script.guard,
  );
  const live = source.is !== 'file' || source.live;
  const lock = places === 'none' ? undefined : `${places.directory}/${places.name}.lock`;
  if (typeof script !== 'string' && live && look.rows === undefined)
    look.rows = await server.processes.list();
  const instances =
    typeof script === 'string' || !live
      ? []
      : await instancesOf(
          server,
          {
            script: script.path,
            uid: person.uid,
            interpreter: command.interpreter.kind,
            // One console script is many workers: only the same job counts.
            ...(isConsole(script.path) ? { args: args.filter((arg) => arg !== '--once') } : {}),
          },
          await lockInode(server, lock, eyes),
          look.rows,
        );
  if (typeof script !== 'string') {
    const beside = join(dirname(script.path), guardFileName(command.interpreter.kind));
    look.paths.set(beside, await peek(server, beside, eyes));
  }
  const job = {
    source,
    sourceName: sourceName(source),
    live,
    entry,
    line: entry.number,
    command,
    user: person,
    owner: as,
    interpreter,
    script,
    scriptPath,
    args,
    places,
    instances,
  };
  const { obstacles, findings } = jobFindings(job, look.paths);
  return { ...job, obstacles, findings };
}

async function findInterpreter(
  look: Look,
  command: Command,
  path: string,
  as: Owner,
): Promise<InterpreterFacts> {
  const kind = command.interpreter.kind;
  const asked = look.latching.interpreter;
  const wanted =
    asked ?? (command.interpreter.word === undefined ? kind : readable(command.interpreter.word.value));
  const candidates = wanted.includes('/')
    ? [isAbsolute(wanted) ? wanted : join(readable(command.directory), wanted)]
    : path
        .split(':')
        .filter((d) => d.startsWith('/'))
        .map((d) => join(d, wanted));
  for (const candidate of candidates) {
    if (await look.server.files.executable(candidate, as)) return { path: candidate, wanted, kind };
  }
  return { path: 'missing', wanted, kind };
}

async function placesFor(
  look: Look,
  parts: JobParts,
  owner: Owner,
  eyes: Owner,
  script: string,
  guard: Found | 'none',
): Promise<Places | 'none'> {
  const { server, latching } = look;
  const home = await homeFor(look, parts, owner, eyes);
  if (home === 'none') return 'none';
  const args = parts.command.args.map((arg) => readable(arg.value));
  const taken = look.taken.get(home) ?? new Map<string, string>();
  look.taken.set(home, taken);
  const essence = JSON.stringify([script, args]);
  const before = [...taken].find(([, what]) => what === essence)?.[0];
  const name =
    guard === 'none' ? (before ?? apart(script, args, new Set(taken.keys()))) : readable(guard.name);
  taken.set(name, essence);
  const below = placesBelow(home, name, guardFileName(parts.command.interpreter.kind));
  const directory = guard === 'none' ? below.directory : readable(guard.dir);
  const old = logOf(parts.command);
  const asked =
    latching.log === undefined
      ? undefined
      : isAbsolute(latching.log)
        ? latching.log
        : join(readable(parts.command.directory), latching.log);
  const kept = old === 'none' || old === 'null' || old === 'unknown' ? undefined : readable(old);
  const log = asked ?? kept ?? below.log;
  for (const path of [home, below.base, directory, below.guardInBase, log]) {
    for (let at = path; !look.paths.has(at); at = dirname(at))
      look.paths.set(at, await peek(server, at, eyes));
  }
  return {
    ...below,
    directory,
    name,
    log,
    logIs: asked !== undefined ? 'asked' : kept !== undefined ? 'kept' : 'ours',
  };
}

/** The site's home: HOME as cron sets it, when it is a directory of the user's own; for users without one, root's common place. */
async function homeFor(look: Look, parts: JobParts, owner: Owner, eyes: Owner): Promise<string | 'none'> {
  const { server } = look;
  if (parts.home.startsWith('/')) {
    const seen = await peek(server, parts.home, eyes);
    look.paths.set(parts.home, seen);
    if (seen.is === 'directory' && seen.uid === owner.uid) return parts.home;
  }
  if (!server.self.root) return 'none';
  for (const path of [dirname(commonHome), commonHome, join(commonHome, parts.person.name)]) {
    look.paths.set(path, await peek(server, path, server.self.owner));
  }
  return join(commonHome, parts.person.name);
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
