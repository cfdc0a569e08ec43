// One look a second at a worker without its database: who runs, who holds the lock, what guard and log have written.
import { basename, dirname } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import { refusalLines } from '../database/logLines.ts';
import { Problem } from '../problem.ts';
import type { Owner, ProcessRow, Server } from '../server/server.ts';
import { instancesOf } from '../survey/instances.ts';
import { peek, peekLock } from '../survey/peek.ts';
import { readRecord } from '../worker/record.ts';
import { errorLines } from './logErrors.ts';
import type { LogRecord, Observation, RunRecord, SeenInstance, SkipRecord, WorkerState } from './records.ts';

/** Linux counts the birth of a process in these (USER_HZ). */
const ticks = 100;
/** Between two looks into a log; how much of it is read at most; how many lines are kept. */
const log = { every: 2000, bytes: 256 * 1024, lines: 3, quiet: 10_000 };

/** A file that is read from where it was left. */
interface Tail {
  size: number;
  inode: string;
  at: number;
  grown: number;
  told: number;
}

export interface Eyes {
  /** What is there now; further records are what was written down since the look before. */
  look(
    rows: readonly ProcessRow[],
    at: { readonly t: number; readonly w: number },
  ): Promise<{ state: WorkerState; more: Observation[] }>;
}

/** Eyes on a worker; `index` is its place in the watch. */
export async function eyesOn(server: Server, worker: Latched, index: number): Promise<Eyes> {
  const own: Owner = server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
  const lock = worker.lock === undefined ? undefined : `${worker.lock.directory}/${worker.lock.name}`;
  const output = worker.log;
  const opener = server.self.root ? (worker.logOwner ?? own) : own;
  let boot = await bootTime(server);
  let ahead: number | undefined;
  const logTail = output === undefined ? undefined : await tailOf(server, output, opener);
  const guardTail = lock === undefined ? undefined : await tailOf(server, `${lock}.log`, own);
  let told = '';
  if (lock !== undefined) {
    const seen = await lookAtLock(server, `${lock}.lock`, own);
    // What stands there is about a run of before, but for the one that is going on.
    if (seen.record !== 'none' && seen.record.ended !== undefined) told = keyOf(seen.record);
  }
  return {
    async look(rows, at) {
      const more: Observation[] = [];
      // The kernel counts from the boot: where that lies by the wall clock changes when the clock is set.
      if (ahead !== undefined && Math.abs(at.w - at.t - ahead) >= 1000) boot = await bootTime(server);
      ahead = at.w - at.t;
      const seen =
        lock === undefined
          ? ({ inode: 'none', record: 'none' } as const)
          : await lookAtLock(server, `${lock}.lock`, own);
      if (seen.record !== 'none') {
        const key = keyOf(seen.record);
        if (key !== told) {
          told = key;
          more.push({ ...seen.record, is: 'run', worker: index, ...at });
        }
      }
      const who = {
        script: worker.script,
        uid: worker.uid,
        interpreter: worker.interpreter.kind,
        ...(worker.lock?.place === 'entry' ? { args: worker.args } : {}),
      };
      const instances = (await instancesOf(server, who, seen.inode, rows)).map(
        (one): SeenInstance => ({
          pid: one.pid,
          start: one.start,
          born: boot === 0 ? 0 : boot + (Number(one.start) * 1000) / ticks,
          holds: one.holds,
        }),
      );
      const held =
        lock === undefined
          ? 'none'
          : seen.inode === 'unseen'
            ? 'unseen'
            : instances.some(({ holds }) => holds === true)
              ? true
              : seen.inode === 'none'
                ? false
                : await server.processes.locked(seen.inode);
      if (logTail !== undefined && output !== undefined && at.t - logTail.at >= log.every) {
        const record = await readLog(server, { path: output, as: opener, tail: logTail, index }, at);
        if (record !== 'nothing') more.push(record);
      }
      if (guardTail !== undefined && at.t - guardTail.at >= log.every) {
        const record = await readGuard(server, `${lock}.log`, own, guardTail, index, at);
        if (record !== 'nothing') more.push(record);
      }
      const state: WorkerState = {
        instances,
        lock: held === true ? 'held' : held === false ? 'free' : held,
      };
      return { state, more };
    },
  };
}

const keyOf = (record: Omit<RunRecord, 'is' | 'worker' | 't' | 'w'>): string =>
  [record.pid, record.start, record.started, record.heartbeat, record.ended].join(':');

/** Milliseconds since the epoch at which this machine was started; 0 where that is not told. */
async function bootTime(server: Server): Promise<number> {
  const seen = await peek(server, '/proc/stat', server.self.owner);
  const seconds = seen.is === 'file' ? Number(/^btime (\d+)$/m.exec(seen.bytes)?.[1] ?? 0) : 0;
  const up = await peek(server, '/proc/uptime', server.self.owner);
  // btime is whole seconds and may be off by one; the uptime is exact, where the two belong together.
  const exact = up.is === 'file' ? server.now() - Number.parseFloat(up.bytes) * 1000 : Number.NaN;
  return Math.abs(exact - seconds * 1000) < 5000 ? exact : seconds * 1000;
}

type Told = Omit<RunRecord, 'is' | 'worker' | 't' | 'w'>;

/** The lock file's inode and what the guard has written into it, in one look. */
async function lookAtLock(
  server: Server,
  path: string,
  as: Owner,
): Promise<{ inode: string | 'none' | 'unseen'; record: Told | 'none' }> {
  const seen = await peekLock(server, path, as);
  if (seen.is === 'other' && seen.what === 'unreadable') return { inode: 'unseen', record: 'none' };
  if (seen.is !== 'file') return { inode: 'none', record: 'none' };
  const record = readRecord(seen.bytes);
  if (typeof record === 'string' || record.started === undefined)
    return { inode: seen.inode, record: 'none' };
  return {
    inode: seen.inode,
    record: {
      pid: record.pid,
      start: record.start,
      started: record.started,
      ...(record.heartbeat === undefined ? {} : { heartbeat: record.heartbeat }),
      ...(record.ended === undefined ? {} : { ended: record.ended }),
      ...(record.why === '' ? {} : { why: record.why }),
    },
  };
}

async function tailOf(server: Server, path: string, as: Owner): Promise<Tail> {
  const now = await readTail(server, path, as, 0, 0);
  const fresh = { at: Number.NEGATIVE_INFINITY, grown: 0, told: Number.NEGATIVE_INFINITY };
  return now === 'nothing'
    ? { ...fresh, size: 0, inode: '' }
    : { ...fresh, size: now.size, inode: now.inode };
}

type Read = { readonly text: string; readonly size: number; readonly inode: string };

/** Links followed as the shell's `>>` follows them; a log that cannot be read says nothing. */
async function readTail(
  server: Server,
  path: string,
  as: Owner,
  from: number,
  bytes: number,
): Promise<Read | 'nothing'> {
  try {
    const real = await server.files.real(path, as);
    const tail = real === 'absent' ? real : await server.files.tail(real, from, bytes, as);
    return tail === 'absent' ? 'nothing' : tail;
  } catch (error) {
    if (error instanceof Problem && error.code === 'unreadable') return 'nothing';
    throw error;
  }
}

/** The rest of a file that was moved out of the way, under whatever name beside the log. */
async function movedTo(server: Server, path: string, as: Owner, tail: Tail): Promise<Read | 'nothing'> {
  const names = await server.files.list(dirname(path), as).catch(closed);
  for (const name of names === 'absent' ? [] : names) {
    if (!name.startsWith(basename(path)) || name === basename(path)) continue;
    const old = await readTail(server, `${dirname(path)}/${name}`, as, tail.size, log.bytes);
    if (old !== 'nothing' && old.inode === tail.inode) return old.size > tail.size ? old : 'nothing';
  }
  return 'nothing';
}

function closed(error: unknown): 'absent' {
  if (error instanceof Problem) return 'absent';
  throw error;
}

/** What has been written since, also into a file that was moved out of the way meanwhile. */
async function growth(
  server: Server,
  path: string,
  as: Owner,
  tail: Tail,
): Promise<{ text: string; grown: number; unread: number; rotated: boolean } | 'nothing'> {
  const now = await readTail(server, path, as, 0, 0);
  if (now === 'nothing') return 'nothing';
  const known = tail.inode !== '';
  const rotated = known && now.inode !== tail.inode;
  const cut = !rotated && now.size < tail.size;
  if (!rotated && !cut && now.size === tail.size) return 'nothing';
  let text = '';
  let grown = 0;
  let unread = 0;
  if (rotated) {
    const old = await movedTo(server, path, as, tail);
    if (old !== 'nothing') {
      text += old.text;
      grown += old.size - tail.size;
      unread += old.size - tail.size - old.text.length;
    }
  }
  const from = rotated || cut ? 0 : tail.size;
  // The last line may not be finished; it is read whole the next time.
  const rest = await readTail(server, path, as, from, log.bytes);
  if (rest !== 'nothing') {
    const end = rest.text.lastIndexOf('\n') + 1;
    const kept = rest.text.length >= log.bytes ? rest.text.length : end;
    text += rest.text.slice(0, kept);
    const skipped = rest.size - from - rest.text.length;
    grown += skipped + kept;
    unread += skipped;
    tail.size = from + skipped + kept;
    tail.inode = rest.inode;
  }
  return { text, grown, unread: Math.max(0, unread), rotated: rotated || cut };
}

interface Reading {
  readonly path: string;
  readonly as: Owner;
  readonly tail: Tail;
  readonly index: number;
}

async function readLog(
  server: Server,
  { path, as, tail, index }: Reading,
  at: { readonly t: number; readonly w: number },
): Promise<LogRecord | 'nothing'> {
  tail.at = at.t;
  const found = await growth(server, path, as, tail);
  if (found !== 'nothing') tail.grown += found.grown;
  const text = found === 'nothing' ? '' : found.text;
  const refusals = refusalLines(text);
  const errors = errorLines(text);
  const rotated = found !== 'nothing' && found.rotated;
  const unread = found === 'nothing' ? 0 : found.unread;
  const notable = refusals.length + errors.length + unread > 0 || rotated;
  if (!notable && (tail.grown === 0 || at.t - tail.told < log.quiet)) return 'nothing';
  const { grown } = tail;
  tail.grown = 0;
  tail.told = at.t;
  const say = (line: string): string => Buffer.from(line, 'latin1').toString('utf8').trimEnd().slice(0, 200);
  return {
    is: 'log',
    worker: index,
    ...at,
    grown,
    refusals: refusals.slice(0, log.lines).map(({ line }) => say(line)),
    errors: errors.slice(0, log.lines).map(say),
    ...(refusals.length > log.lines ? { refused: refusals.length } : {}),
    ...(errors.length > log.lines ? { errored: errors.length } : {}),
    ...(unread > 0 ? { unread } : {}),
    ...(rotated ? { rotated: true as const } : {}),
  };
}

/** Starts that were sent home: the guard writes a line for each. */
async function readGuard(
  server: Server,
  path: string,
  as: Owner,
  tail: Tail,
  index: number,
  at: { readonly t: number; readonly w: number },
): Promise<SkipRecord | 'nothing'> {
  tail.at = at.t;
  const found = await growth(server, path, as, tail);
  const count =
    found === 'nothing' ? 0 : (found.text.match(/Another instance is already running/g) ?? []).length;
  return count === 0 ? 'nothing' : { is: 'skip', worker: index, ...at, count };
}
