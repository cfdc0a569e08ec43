// One look at the server: crontabs, what their entries run, the scripts, and what runs now.
import type { Settings } from '../ask/settings.ts';
import { readable } from '../change/encode.ts';
import { kindOfScript } from '../command/interpreter.ts';
import type { Crontab, Dialect, Release } from '../crontab/crontab.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { settingsAt } from '../crontab/settings.ts';
import type { Pair } from '../plesk/match.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Route, Server } from '../server/server.ts';
import { columnsOf } from './columns.ts';
import { type Around, aroundEntry, lookAtEntry, type SeenEntry } from './entry.ts';
import {
  type CrontabFacts,
  type EntryFacts,
  type Facts,
  type Finding,
  type Job,
  sourceName,
} from './facts.ts';
import { crontabFindings } from './findings.ts';
import { isLive, lookAtJob } from './job.ts';
import { type Look, realScript, type Sight, workersOf } from './look.ts';
import { isClosed, peek } from './peek.ts';
import { claimsOf } from './places.ts';
import { levels } from './rules/levels.ts';
import { isGuarded } from './rules/lock.ts';
import type { FileView } from './rules/rule.ts';
import { knowsOnce } from './script.ts';
import { cronOf, sourcesOf } from './sources.ts';

/** Says what is being waited for. */
export type Tell = (event: { readonly code: string; readonly [key: string]: unknown }) => void;

/** A crontab with its workers sighted; they are looked at when those of all crontabs are. */
interface SeenCrontab extends Omit<CrontabFacts, 'entries'> {
  readonly entries: readonly SeenEntry[];
}

/**
 * Reads what the settings are about. Only reads; throws a Problem on any read that fails. Of every entry it is told what
 * runs there. With `meant`, places, processes and findings are looked up for these workers alone.
 */
export async function survey(
  server: Server,
  settings: Settings,
  meant?: (worker: Sight) => boolean,
  tell: Tell = () => {},
): Promise<Facts> {
  const isMeant = meant ?? (() => true);
  const cron = await cronOf(server);
  const { sources, unseen: closed } = await sourcesOf(server, settings.scope);
  const unseen = [...closed];
  const look: Look = {
    server,
    latching: settings.latching,
    pick: settings.pick,
    earlier: settings.earlier ?? [],
    dialect: settings.dialect ?? cron.dialect,
    release: cron.release,
    paths: new Map(),
    onTheWay: new Map(),
    found: new Map(),
    ...(await panelFor(server, sources, tell)),
  };
  const seen: SeenCrontab[] = [];
  for (const [done, source] of sources.entries()) {
    if (done > 0 && done % 100 === 0) tell({ code: 'reading', done, all: sources.length });
    const facts = await lookAtCrontab(look, source).catch((error: unknown) => {
      // Of everything, one closed crontab is a gap to be told; one that was named is a failure.
      if (settings.scope.is !== 'everything' || !isClosed(error)) throw error;
      unseen.push(sourceName(source));
      return 'none' as const;
    });
    if (facts !== 'none') seen.push(facts);
  }
  // A guard further down may hold the name that a worker further up would get: all are seen before any is named.
  const sights: Sight[] = [];
  for (const { entries } of seen) for (const { sight } of entries) if (sight !== 'none') sights.push(sight);
  // What is looked up for the few that are meant need not be put together for thousands that are not.
  const scripts = new Set(sights.filter(isMeant).map(realScript));
  const alike = sights.filter((sight) => scripts.has(realScript(sight)));
  const among = { workers: workersOf(alike), claims: claimsOf(sights), before: alikeBefore(alike) };
  const crontabs: CrontabFacts[] = [];
  for (const { entries, ...crontab } of seen) {
    const whole: EntryFacts[] = [];
    for (const { sight, entry, line, user, reading, task, judge } of entries) {
      const job = sight === 'none' || !isMeant(sight) ? 'none' : await lookAtJob(look, sight, among);
      const before = sight === 'none' ? undefined : among.before.get(sight);
      const twice = job === 'none' || before === undefined ? [] : [sameTwice(job, before)];
      const findings = job === 'none' && meant !== undefined ? [] : judge();
      const all = job === 'none' ? findings : [...findings, ...job.findings, ...twice];
      whole.push({ entry, line, user, reading, ...(task === undefined ? {} : { task }), job, findings: all });
    }
    crontabs.push({ ...crontab, entries: whole });
  }
  return {
    crontabs,
    unseen,
    plesk: await pleskFacts(look, seen, settings.scope.is === 'everything'),
    workers: sights,
    paths: look.paths,
    ...(settings.latching.worker === undefined
      ? {}
      : { worker: await workerFile(server, settings.latching.worker) }),
  };
}

async function lookAtCrontab(look: Look, source: CrontabSource): Promise<SeenCrontab | 'none'> {
  const seen = await look.server.crontabs.read(source);
  if (seen.is === 'none') return 'none';
  const system = source.is === 'system' || source.is === 'cron.d' || (source.is === 'file' && source.system);
  const crontab = crontabOf(seen.text, look.dialect, system, isLive(source) ? look.release : 12);
  const owner =
    source.is === 'user'
      ? source.user
      : source.is === 'file' && seen.route.by !== 'command'
        ? seen.route.look.uid
        : 0;
  const entries: SeenEntry[] = [];
  const pairs = source.is === 'user' && look.panel !== 'none' ? look.panel.pairs(source.user, crontab) : [];
  const tasks = new Map(pairs.map((pair) => [pair.line, pair]));
  let around: Around | undefined;
  for (const line of crontab.lines) {
    if (line.is !== 'entry') continue;
    const who = line.user === undefined ? owner : readable(line.user);
    const settings = settingsAt(crontab, line.number);
    if (around?.settings !== settings || around.who !== who)
      around = await aroundEntry(look, source, settings, who);
    entries.push(await lookAtEntry(look, source, crontab, line, around, tasks.get(line.number)));
  }
  return {
    source,
    name: sourceName(source),
    dialect: look.dialect,
    crontab,
    route: seen.route,
    entries,
    findings: [
      ...crontabFindings(sourceName(source), {
        source,
        crontab,
        file: await fileOf(look, source, seen.route),
        person: source.is === 'user' ? await look.server.people.find(source.user) : 'unknown',
      }),
      ...(pairs.length === 0 ? [] : await taskFindings(sourceName(source), pairs)),
    ],
  };
}

/** Nobody pays for a panel where there is none, nor for a crontab that is no user's. */
async function panelFor(
  server: Server,
  sources: readonly CrontabSource[],
  tell: Tell,
): Promise<Pick<Look, 'vhosts' | 'panel'>> {
  const plesk = await server.plesk();
  if (plesk === 'none') return { vhosts: 'none', panel: 'none' };
  const { vhosts } = plesk.conf;
  const users = sources.flatMap((source) => (source.is === 'user' ? [source.user] : []));
  if (users.length === 0) return { vhosts, panel: 'none' };
  const { panelOf } = await import('./panel.ts');
  return { vhosts, panel: await panelOf(server, plesk, tell, users) };
}

async function taskFindings(source: string, pairs: readonly Pair[]): Promise<Finding[]> {
  const { driftFindings } = await import('./panel.ts');
  return pairs.flatMap((pair) => driftFindings(source, pair));
}

/** What is left to say when all crontabs are read: tasks of users who have none. */
async function pleskFacts(look: Look, seen: readonly SeenCrontab[], all: boolean): Promise<Facts['plesk']> {
  const { panel } = look;
  if (panel === 'none') return 'none';
  const users = seen.flatMap(({ source }) => (source.is === 'user' ? [source.user] : []));
  const left = all ? panel.unread(new Set(users)) : [];
  const pairs = left.map((task): Pair => ({ task, line: 'none', drift: [{ is: 'no-line' }] }));
  const found = pairs.length === 0 ? [] : await taskFindings('', pairs);
  return { ...panel.facts, findings: found.map(({ where: _, ...finding }) => finding) };
}

/** The crontab's file as cron finds it: links are counted by it and by nobody else here. */
async function fileOf(look: Look, source: CrontabSource, route: Route): Promise<FileView['file']> {
  if (route.by === 'command' || source.is === 'file') return 'unseen';
  const seen = await peek(look.server, route.path, look.server.self.owner);
  return seen.is === 'file' ? { mode: seen.mode, uid: seen.uid, links: seen.links } : 'unseen';
}

/** A deploy surveys the same crontab several times: it is parsed once a run. */
let last: Crontab | undefined;
let lastRelease: Release | undefined;

function crontabOf(text: string, dialect: Dialect, system: boolean, release: Release): Crontab {
  if (last?.text === text && last.dialect === dialect && last.system === system && lastRelease === release)
    return last;
  const crontab = parseCrontab(text, { dialect, system, release });
  last = crontab;
  lastRelease = release;
  return crontab;
}

/** Workers that an entry further up starts in the same way, be it in another crontab: a user's and the system's, say. */
function alikeBefore(sights: readonly Sight[]): ReadonlyMap<Sight, Before> {
  const first = new Map<string, Before>();
  const later = new Map<Sight, Before>();
  for (const sight of sights) {
    const essence = JSON.stringify([realScript(sight), sight.args]);
    const before = first.get(essence);
    if (before !== undefined) later.set(sight, before);
    else first.set(essence, { source: sourceName(sight.source), line: sight.entry.number });
  }
  return later;
}

interface Before {
  readonly source: string;
  readonly line: number;
}

function sameTwice(job: Job, before: Before): Finding {
  return {
    // Behind one guard the second waits its turn, as the long-running form does on purpose.
    level: isGuarded(job) ? 'note' : levels['same-script-twice'],
    code: 'same-script-twice',
    where: { source: job.sourceName, line: job.line, ...columnsOf(job.crontab, job.entry.commandSpan) },
    args: {
      line: before.line,
      script: job.scriptPath,
      ...(before.source === job.sourceName ? {} : { source: before.source }),
    },
  };
}

async function workerFile(server: Server, path: string): Promise<NonNullable<Facts['worker']>> {
  const seen = await server.files.look(path, server.self.owner);
  if (seen.is === 'absent') throw new Problem('file-missing', { path });
  if (seen.is !== 'file') throw new Problem('worker-file', { path, reason: 'it is not a file' });
  const kind = kindOfScript(path);
  const once = kind === 'none' ? 'unknown' : await knowsOnce(seen.bytes, kind);
  return { path, bytes: seen.bytes, once };
}
