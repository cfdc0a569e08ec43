// What one survey carries along: the server, what was asked, and what has been seen so far.
import { basename } from 'node:path/posix';
import { type EarlierLock, type Latching, latchingFor, type Settings } from '../ask/settings.ts';
import type { Command } from '../command/command.ts';
import type { Crontab, Dialect, EntryLine, Release } from '../crontab/crontab.ts';
import type { CrontabSource, Owner, Person, ProcessRow, Seen, Server } from '../server/server.ts';
import type { Held } from '../worker/entry.ts';
import { type ScriptFacts, sourceName, type TaskFacts, tellingArgs } from './facts.ts';
import type { Panel } from './panel.ts';

export interface Look {
  readonly server: Server;
  readonly latching: Latching;
  /** Which entries are meant: what is asked for holds for all, or for those named. */
  readonly pick: Settings['pick'];
  readonly earlier: readonly EarlierLock[];
  readonly dialect: Dialect;
  /** Of Debian's cron on this machine; a crontab kept as a file may be for another, and is read by the older rules. */
  readonly release: Release;
  readonly paths: Map<string, Seen>;
  /** Seen with our own eyes on the way to logs, kept because many logs share it. */
  readonly onTheWay: Map<string, Seen>;
  readonly vhosts: string | 'none';
  readonly panel: Panel | 'none';
  rows?: readonly ProcessRow[];
  /** What was found out once and holds for the whole survey, by a key that says what of. */
  readonly found: Map<string, unknown>;
}

/** A worker entry as first seen: what it runs and whether a guard stands there. Its places are found when all are seen. */
export interface Sight {
  readonly source: CrontabSource;
  readonly crontab: Crontab;
  readonly entry: EntryLine;
  readonly command: Command;
  /** The directory the command sees as its root. */
  readonly chroot?: string;
  readonly task?: TaskFacts;
  /** The user the job runs as, and the one whose shell opens its log. */
  readonly person: Person;
  readonly opener: Person;
  /** Nobody of that name is here: the crontab is another machine's, and so is the script. */
  readonly stranger: boolean;
  readonly owner: Owner;
  /** Whose rights we look with: an ordinary user has only his own; root takes those of the job's user. */
  readonly eyes: Owner;
  /** PATH in force for the entry, and the homes of the two users as their processes see them. */
  readonly path: string;
  readonly home: string;
  readonly openersHome: string;
  readonly scriptPath: string;
  readonly script: ScriptFacts | 'absent' | 'unreadable';
  readonly args: readonly string[];
  /** The lock of a guard in the script or in the entry. */
  readonly held: Held | 'none';
}

/** The answers that hold for this worker. */
export function latchingOf(look: Look, { source, entry }: Pick<Sight, 'source' | 'entry'>): Latching {
  return look.pick.is === 'chosen' ? latchingFor(look, sourceName(source), entry.number) : look.latching;
}

/** The script with symbolic links resolved, where it can be seen. */
export function realScript({ script, scriptPath }: Pick<Sight, 'script' | 'scriptPath'>): string {
  return typeof script === 'string' ? scriptPath : script.path;
}

/** Finds something out once a survey: entries share scripts, interpreters and directories. */
export async function once<T>(look: Look, key: string, find: () => Promise<T>): Promise<T> {
  if (!look.found.has(key)) look.found.set(key, await find());
  return look.found.get(key) as T;
}

/** The workers of each script, by its real path: one for each way of being told what to do. */
export type Workers = ReadonlyMap<string, ReadonlySet<string>>;

/** Which workers each script is. */
export function workersOf(sights: readonly Sight[]): Workers {
  const workers = new Map<string, Set<string>>();
  for (const sight of sights) {
    const script = realScript(sight);
    const known = workers.get(script);
    const args = JSON.stringify(tellingArgs(sight.args));
    if (known === undefined) workers.set(script, new Set([args]));
    else known.add(args);
  }
  return workers;
}

/** Does the path, or the end of one, name the worker's script? */
export function isScript(
  { scriptPath, command, script }: Pick<Sight, 'scriptPath' | 'command' | 'script'>,
  path: string,
): boolean {
  if (scriptPath === path || command.script.value === path) return true;
  if (typeof script !== 'string' && script.path === path) return true;
  return path.includes('/') ? scriptPath.endsWith(`/${path}`) : basename(scriptPath) === path;
}
