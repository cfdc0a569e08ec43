// Watching one worker over its next runs: who runs, who holds the lock, and when it is free again.
import type { Latched } from '../change/plan.ts';
import type { ProcessRow, Server, Target } from '../server/server.ts';
import { instancesOf, lockInode } from '../survey/instances.ts';
import type { Forms } from './form.ts';
import { type LockState, lockPath, lockState, lookAtLock, refusedStarts } from './lockWatch.ts';
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
/** Without a guard there is no loser, but a script's own lock may send one home: who is there for so long is none. */
const unguarded = 500;
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
  /** Between two runs nobody could tell whether it was free. */
  readonly freeUntold: boolean;
  /** Runs that the guard's own record tells of. */
  readonly recorded: number;
  /** Instances that were seen with the lock. */
  readonly holders: readonly number[];
  /** Who holds the lock and is no instance, for longer than the kernel needs to free it. */
  readonly others: readonly number[] | 'none';
  /** A dead PID in the PID file, over a further run. */
  readonly stalePid: number | 'none';
  /** Runs that began under our eyes, and starts that the guard's log says it refused. */
  readonly began: number;
  readonly refused: number | 'unseen';
  /** From when to when, by the server's clock. */
  readonly from: number;
  readonly to: number;
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
  /** Those that were there when we came. */
  early: Set<string>;
  holders: Set<number>;
  /** When each instance was first seen, by our own count of the time. */
  since: Map<string, number>;
  forms: Seen;
  most: number;
  mostPids: number[];
  lockless: Set<number>;
  lock: LockState;
  /** Several at once, not yet known whether they stay. */
  young: boolean;
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
  const from = server.now();
  for (const { worker } of workers)
    states.set(worker, {
      runs: new Set(),
      early: new Set(),
      holders: new Set(),
      since: new Map(),
      forms: { early: new Set(), told: new Set(), now: [], old: [], last: 'none' },
      most: 0,
      mostPids: [],
      lockless: new Set(),
      lock: await lockState(server, worker),
      young: false,
    });
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
    const young = [...states.values()].some((state) => state.young);
    hurry = young || (due > ticks && unproven) ? quick.looks : hurry - 1;
    ticks = due;
    const pause = hurry > 0 && server.elapsed() - began <= quick.cost ? quick.pace : pace;
    await server.wait(pause);
    passed += pause;
  }
  const to = server.now();
  const seen = new Map<Latched, Watched>();
  for (const { worker, wait } of workers) {
    const { lock, ...state } = states.get(worker) as State;
    const runs = new Set([...state.runs, ...lock.starts]);
    seen.set(worker, {
      runs: runs.size,
      most: state.most,
      mostPids: state.mostPids,
      lockless: [...state.lockless],
      held: lock.held,
      free: lock.free,
      ticks: wait.due.filter((due) => due <= to).length,
      lockSeen: lock.seen,
      freeUntold: lock.untold,
      recorded: lock.starts.size,
      holders: [...state.holders],
      others: lock.others,
      stalePid: lock.staysStale,
      began: [...runs].filter((key) => !state.early.has(key)).length,
      refused: await refusedStarts(server, worker, lock),
      from,
      to,
      forms: state.forms,
    });
  }
  return seen;
}

function ticksPassed(workers: readonly { readonly wait: Wait }[], now: number): number {
  return Math.min(...workers.map(({ wait }) => wait.due.filter((due) => due <= now).length));
}

function isDone(state: State, worker: Latched, wait: Wait, now: number): boolean {
  if (now >= wait.until || wait.due.length === 0) return true;
  const last = wait.due[wait.due.length - 1] ?? now;
  if (now < last) return false;
  const seen =
    (worker.lock === undefined || !state.lock.seen || (state.lock.held && state.lock.free)) &&
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
  const patience = worker.lock === undefined ? unguarded : settled;
  for (const instance of instances) {
    const key = `${instance.pid}:${instance.start}`;
    keys.add(key);
    if (passed === 0) state.early.add(key);
    const since = state.since.get(key) ?? passed;
    state.since.set(key, since);
    const age = passed - since;
    // Without a guard nobody waits for anything: the kernel's own age counts, however rarely we come to look.
    const old = worker.lock === undefined ? Math.max(age, 1000 * (instance.age ?? 0)) : age;
    if (instance.holds === true) {
      state.runs.add(key);
      state.holders.add(instance.pid);
    }
    if (instance.holds === true || old >= patience) counted.push(instance);
    if (instance.holds === false && age >= settled && worker.lock !== undefined)
      state.lockless.add(instance.pid);
    if (worker.lock === undefined && old >= patience) state.runs.add(key);
  }
  state.young = worker.lock === undefined && instances.length > 1 && counted.length < instances.length;
  for (const key of state.since.keys()) if (!keys.has(key)) state.since.delete(key);
  if (counted.length > state.most) {
    state.most = counted.length;
    state.mostPids = counted.map((t) => t.pid);
  }
  if (forms !== 'same') {
    const before = server.now() < (wait.due[0] ?? Number.POSITIVE_INFINITY);
    await tellForms(server, { worker, forms, before }, state.forms, rows, instances);
  }
  await lookAtLock(server, worker, state.lock, inode, { instances, rows, passed });
}
