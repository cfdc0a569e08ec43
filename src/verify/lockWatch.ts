// A worker's lock over the time it is watched: who holds it, when it is free, and what the guard has written of its starts.
import type { Latched } from '../change/plan.ts';
import type { ProcessRow, Server } from '../server/server.ts';
import type { Instance } from '../survey/instances.ts';
import { peekLock } from '../survey/peek.ts';

/** The kernel frees a lock with its holder. Who still has it so many milliseconds after is another. */
const freed = 1000;

export interface LockState {
  held: boolean;
  free: boolean;
  /** Could the kernel's list be read? */
  seen: boolean;
  /** No instance held it, and whether anybody did could not be told: in a PID namespace the list is no proof. */
  untold: boolean;
  /** The guard's record of the last run. */
  record: string;
  /** Records that came while we watched: each is a start. */
  starts: Set<string>;
  /** Held by somebody who is no instance, since when by our own count, and who that is. */
  foreign: { since: number; pids: readonly number[] } | 'none';
  /** Such a one for longer than the kernel needs. */
  others: readonly number[] | 'none';
  /** A PID file that names nobody who lives, and the record it was first seen with. */
  stale: { readonly pid: number; readonly record: string } | 'none';
  /** The same after a further run: nobody tidies it up. */
  staysStale: number | 'none';
  /** Where the guard's log ended when we began. */
  logEnd: { readonly inode: string; readonly size: number } | 'absent' | 'unseen';
}

/** As it is before anything was watched. */
export async function lockState(server: Server, worker: Latched): Promise<LockState> {
  const log = guardLog(worker);
  const tail = log === undefined ? 'unseen' : await tailOf(server, worker, log, 0, 0);
  return {
    held: false,
    free: false,
    seen: worker.lock === undefined,
    untold: false,
    record: await recordOf(server, worker),
    starts: new Set(),
    foreign: 'none',
    others: 'none',
    stale: 'none',
    staysStale: 'none',
    logEnd: typeof tail === 'string' ? tail : { inode: tail.inode, size: tail.size },
  };
}

/** One look; `passed` is our own count of the time. Says whether a run came that only the record tells of. */
export async function lookAtLock(
  server: Server,
  worker: Latched,
  state: LockState,
  inode: string,
  {
    instances,
    rows,
    passed,
  }: { instances: readonly Instance[]; rows: readonly ProcessRow[]; passed: number },
): Promise<void> {
  if (worker.lock === undefined || inode === 'none' || inode === 'unseen') return;
  const holder = instances.some((one) => one.holds === true);
  const locked = holder ? true : await server.processes.locked(inode);
  if (locked === 'unseen') state.untold = true;
  else state.seen = true;
  if (locked === true) state.held = true;
  const unsure = holder || locked !== true || instances.some((one) => one.holds === 'unseen');
  if (unsure) state.foreign = 'none';
  else await lookAtForeigner(server, worker, state, inode, rows, passed);
  // Free counts once it was held, or once the guard's own record says that a run has come and gone.
  const record = await recordOf(server, worker);
  if (record !== state.record) {
    state.record = record;
    if (record !== '') state.starts.add(record);
    state.held ||= record !== '';
  }
  if (locked === false && state.held) state.free = true;
  if (locked === false) await lookAtPidFile(server, worker, state, rows);
}

/** Held, and by no instance: a child of one, or somebody else. One who is about to start has a moment to become one. */
async function lookAtForeigner(
  server: Server,
  worker: Latched,
  state: LockState,
  inode: string,
  rows: readonly ProcessRow[],
  passed: number,
): Promise<void> {
  const pids: number[] = [];
  for (const row of rows)
    if (row.uid === worker.uid && (await server.processes.holds(row.pid, inode)) === true) pids.push(row.pid);
  state.foreign = state.foreign === 'none' ? { since: passed, pids } : { since: state.foreign.since, pids };
  if (passed - state.foreign.since >= freed) state.others = pids;
}

async function lookAtPidFile(
  server: Server,
  worker: Latched,
  state: LockState,
  rows: readonly ProcessRow[],
): Promise<void> {
  const path = lockPath(worker)?.replace(/\.lock$/, '.pid');
  const seen = path === undefined ? 'absent' : await tailOf(server, worker, path, 0, 20);
  const pid = typeof seen === 'string' ? 0 : Number(/^\d+/.exec(seen.text)?.[0] ?? 0);
  if (pid === 0 || rows.some((row) => row.pid === pid)) state.stale = 'none';
  else if (state.stale === 'none' || state.stale.pid !== pid) state.stale = { pid, record: state.record };
  else if (state.stale.record !== state.record) state.staysStale = pid;
}

/** Starts that the guard refused since then, by its own log; 'unseen' where that was turned over, is full or not there to read. */
export async function refusedStarts(
  server: Server,
  worker: Latched,
  { logEnd }: LockState,
): Promise<number | 'unseen'> {
  const log = guardLog(worker);
  if (log === undefined || logEnd === 'unseen') return 'unseen';
  const from = logEnd === 'absent' ? 0 : logEnd.size;
  const tail = await tailOf(server, worker, log, from, most);
  // It is made with the first line there is to write.
  if (tail === 'absent') return logEnd === 'absent' ? 0 : 'unseen';
  if (tail === 'unseen' || (logEnd !== 'absent' && tail.inode !== logEnd.inode)) return 'unseen';
  // A full one takes no more lines.
  if (tail.size >= most) return 'unseen';
  return tail.text.match(/^\S+ \[\d+\] Another instance is already running/gm)?.length ?? 0;
}

/** The guard turns its log over there. */
const most = 1024 * 1024;

/** pid and start of the last run, as the guard wrote them into the lock file; '' when there is none. */
async function recordOf(server: Server, worker: Latched): Promise<string> {
  const path = lockPath(worker);
  if (path === undefined) return '';
  const seen = await peekLock(server, path, eyesOf(server, worker));
  if (seen.is !== 'file') return '';
  try {
    const record = JSON.parse(seen.bytes) as { pid?: number; start?: number | string };
    return record.pid === undefined ? '' : `${record.pid}:${record.start ?? ''}`;
  } catch {
    return '';
  }
}

async function tailOf(server: Server, worker: Latched, path: string, from: number, bytes: number) {
  return server.files.tail(path, from, bytes, eyesOf(server, worker)).catch(() => 'unseen' as const);
}

function eyesOf(server: Server, worker: Latched): { uid: number; gid: number } {
  return server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
}

/** Path of the worker's lock file. */
export function lockPath(worker: Latched): string | undefined {
  return worker.lock === undefined ? undefined : `${worker.lock.directory}/${worker.lock.name}.lock`;
}

function guardLog(worker: Latched): string | undefined {
  return lockPath(worker)?.replace(/\.lock$/, '.log');
}
