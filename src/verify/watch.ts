// Watching one worker over its next runs: who runs, who holds the lock, and when it is free again.
import type { Latched } from '../change/plan.ts';
import type { ProcessRow, Server, Target } from '../server/server.ts';
import { instancesOf, lockInode } from '../survey/instances.ts';
import type { Forms } from './form.ts';
import { type Seen, tellForms } from './seen.ts';

/** A quarter of a second between two looks. */
const pace = 250;
/** After a tick a few quick ones, since a run may be over in a moment; not where a look costs more than so many milliseconds. */
const quick = { pace: 25, looks: 40, cost: 60 };
/**
 * A loser is there while its interpreter starts, and the guard looks for up to two seconds before it calls a holder
 * dead. Who runs without the lock for so many milliseconds is no loser.
 */
const settled = 4000;
/** Goes on past the last tick for as long as it takes to tell whether what it started is a loser. */
const tail = settled + 500;

export interface Watched {
  /** Runs seen to begin. */
  readonly runs: number;
  /** Most instances at one time, losers on their way out not counted. */
  readonly most: number;
  readonly mostPids: readonly number[];
  /** Lock-less for longer than a loser lives. */
  readonly lockless: readonly number[];
  readonly held: boolean;
  readonly free: boolean;
  /** Schedule ticks that passed while we watched. */
  readonly ticks: number;
  /** Could /proc be read well enough to tell who holds the lock? */
  readonly lockSeen: boolean;
  /** Runs that the guard's own record tells of. */
  readonly recorded: number;
  /** Runs that look like the entry as it is now, and as it was before, a line of evidence each. */
  readonly forms: Pick<Seen, 'now' | 'old' | 'last' | 'holder'>;
}

export interface Wait {
  /** When the runs to be watched are due, ms since the epoch. */
  readonly due: readonly number[];
  /** How many runs were to be watched. */
  readonly asked: number;
  /** When the first run after now is due, in time or not. */
  readonly next: number | 'never';
  /** Never watch longer than until then. */
  readonly until: number;
}

export interface Watching {
  readonly worker: Latched;
  readonly wait: Wait;
  readonly forms: Forms | 'same';
}

interface State {
  runs: Set<string>;
  recorded: number;
  /** When each instance was first seen, by our own count of the time. */
  since: Map<string, number>;
  forms: Seen;
  most: number;
  mostPids: number[];
  lockless: Set<number>;
  held: boolean;
  free: boolean;
  lockSeen: boolean;
  record: string;
}

/**
 * Watches all workers together until each has seen its ticks, and its lock both held and free (for which it gets
 * two more intervals), or the time is over.
 */
export async function watch(
  server: Server,
  workers: readonly Watching[],
  tell: (event: { code: string; [key: string]: unknown }) => void,
  interrupted: () => boolean,
): Promise<Map<Latched, Watched>> {
  const states = new Map<Latched, State>();
  for (const { worker } of workers) {
    const record = await recordOf(server, worker);
    states.set(worker, {
      runs: new Set(),
      recorded: 0,
      since: new Map(),
      forms: { early: new Set(), told: new Set(), now: [], old: [], last: 'none' },
      most: 0,
      mostPids: [],
      lockless: new Set(),
      held: false,
      free: false,
      lockSeen: worker.lock === undefined,
      record,
    });
  }
  /** Milliseconds we have waited: the server's clock may be a fast one. */
  let passed = 0;
  let after = 0;
  let hurry = 0;
  let ticks = 0;
  for (;;) {
    const began = server.elapsed();
    const rows = await server.processes.list();
    for (const one of workers) await look(server, one, states.get(one.worker) as State, rows, passed);
    const now = server.now();
    const open = workers.filter(
      ({ worker, wait }) => !isDone(states.get(worker) as State, worker, wait, now),
    );
    // On past the last tick, so that what it started is seen settled.
    if (open.length > 0) after = passed;
    if (passed - after > tail || interrupted()) break;
    const next = Math.min(...open.flatMap(({ wait }) => wait.due.filter((due) => due > now)));
    tell({
      code: 'watching',
      open: open.length,
      ticks: ticksPassed(workers, now),
      next: Number.isFinite(next) ? next - now : 0,
    });
    const due = workers.reduce((sum, { wait }) => sum + wait.due.filter((at) => at <= now).length, 0);
    const unproven = workers.some(
      ({ worker, forms }) => forms !== 'same' && states.get(worker)?.forms.last !== 'now',
    );
    hurry = due > ticks && unproven ? quick.looks : hurry - 1;
    ticks = due;
    const pause = hurry > 0 && server.elapsed() - began <= quick.cost ? quick.pace : pace;
    await server.wait(pause);
    passed += pause;
  }
  const now = server.now();
  return new Map(
    workers.map(({ worker, wait }) => {
      const state = states.get(worker) as State;
      return [
        worker,
        {
          runs: state.runs.size,
          most: state.most,
          mostPids: state.mostPids,
          lockless: [...state.lockless],
          held: state.held,
          free: state.free,
          ticks: wait.due.filter((due) => due <= now).length,
          lockSeen: state.lockSeen,
          recorded: state.recorded,
          forms: state.forms,
        },
      ];
    }),
  );
}

function ticksPassed(workers: readonly { readonly wait: Wait }[], now: number): number {
  return Math.min(...workers.map(({ wait }) => wait.due.filter((due) => due <= now).length));
}

function isDone(state: State, worker: Latched, wait: Wait, now: number): boolean {
  if (now >= wait.until || wait.due.length === 0) return true;
  const last = wait.due[wait.due.length - 1] ?? now;
  if (now < last) return false;
  const seen =
    (worker.lock === undefined || !state.lockSeen || (state.held && state.free)) &&
    state.forms.last !== 'old';
  const interval = wait.due.length > 1 ? last - (wait.due[wait.due.length - 2] ?? last) : 60_000;
  return seen || now >= last + 2 * interval;
}

async function look(
  server: Server,
  { worker, wait, forms }: Watching,
  state: State,
  rows: readonly ProcessRow[],
  passed: number,
): Promise<void> {
  const as = { uid: worker.uid, gid: worker.gid };
  const eyes = server.self.root ? as : server.self.owner;
  const inode = await lockInode(server, lockPath(worker), eyes);
  const who = {
    script: worker.script,
    uid: worker.uid,
    interpreter: worker.interpreter.kind,
    ...(worker.lock?.place === 'entry' ? { args: worker.args } : {}),
  };
  const instances = await instancesOf(server, who, inode, rows);
  const keys = new Set<string>();
  const counted: Target[] = [];
  for (const instance of instances) {
    const key = `${instance.pid}:${instance.start}`;
    keys.add(key);
    const since = state.since.get(key) ?? passed;
    state.since.set(key, since);
    const age = passed - since;
    if (instance.holds === true) state.runs.add(key);
    if (instance.holds === true || age >= settled) counted.push(instance);
    if (instance.holds === false && age >= settled && worker.lock !== undefined)
      state.lockless.add(instance.pid);
    if (worker.lock === undefined && age >= settled) state.runs.add(key);
  }
  for (const key of state.since.keys()) if (!keys.has(key)) state.since.delete(key);
  if (counted.length > state.most) {
    state.most = counted.length;
    state.mostPids = counted.map((t) => t.pid);
  }
  if (forms !== 'same') {
    const before = server.now() < (wait.due[0] ?? Number.POSITIVE_INFINITY);
    await tellForms(server, { worker, forms, before }, state.forms, rows, instances);
  }
  await lookAtLock(
    server,
    worker,
    state,
    inode,
    instances.some((i) => i.holds === true),
  );
}

async function lookAtLock(
  server: Server,
  worker: Latched,
  state: State,
  inode: string,
  holder: boolean,
): Promise<void> {
  if (worker.lock === undefined || inode === 'none' || inode === 'unseen') return;
  const locked = holder ? true : await server.processes.locked(inode);
  if (locked !== 'unseen') state.lockSeen = true;
  if (locked === true) state.held = true;
  // Free counts once it was held, or once the guard's own record says that a run has come and gone.
  const record = await recordOf(server, worker);
  if (record !== state.record) {
    state.record = record;
    state.runs.add(record);
    state.recorded++;
    state.held ||= record !== '';
  }
  if (locked === false && state.held) state.free = true;
}

/** pid and start of the last run, as the guard wrote them into the lock file; '' when there is none. */
async function recordOf(server: Server, worker: Latched): Promise<string> {
  const path = lockPath(worker);
  if (path === undefined) return '';
  const eyes = server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
  const seen = await server.files.look(path, eyes);
  if (seen.is !== 'file') return '';
  try {
    const record = JSON.parse(seen.bytes) as { pid?: number; start?: number | string };
    return record.pid === undefined ? '' : `${record.pid}:${record.start ?? ''}`;
  } catch {
    return '';
  }
}

/** Path of the worker's lock file. */
function lockPath(worker: Latched): string | undefined {
  return worker.lock === undefined ? undefined : `${worker.lock.directory}/${worker.lock.name}.lock`;
}
