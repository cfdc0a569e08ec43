// Observations folded into incidents: what went wrong, since when, with which processes. The same records give the same incidents.
import { judgeLooks } from './databaseIncidents.ts';
import { type Ledger, ledger, raise, settle, type Worker } from './ledger.ts';
import type { Incident, Observation, Sample, WatchStart } from './records.ts';
import { judgeTicks, noteStart } from './ticks.ts';

/** Who runs without the lock for so many milliseconds is no loser on its way out: see verify/watch.ts. */
const loser = 4000;
/** Where there is no guard there are no losers; one sample may have caught a run that hands over to the next. */
const handover = 1000;
/** What comes one by one is over when nothing has followed for so long. */
const quiet = 60_000;
/** A lock that nobody seems to hold for so long was left with a child. */
const left = 10_000;
/** So many ticks on end without a run are no child that is about to end. */
const leftTicks = 3;

export interface Fold {
  /** All so far, in the order in which they were noticed. */
  readonly incidents: readonly Incident[];
  /** Takes the next record; gives back the incidents that are new, got worse or are over. */
  take(record: Observation): readonly Incident[];
  /** What the fold knows of each worker by now. */
  readonly workers: readonly Worker[];
  readonly ledger: Ledger;
}

/** Begins a fold for a watch. */
export function foldOf(start: WatchStart): Fold {
  const book = ledger(start);
  return {
    incidents: book.incidents,
    workers: book.workers,
    ledger: book,
    take(record) {
      book.news = [];
      take(book, record);
      return book.news.map((number) => book.incidents[number - 1] as Incident);
    },
  };
}

function take(book: Ledger, record: Observation): void {
  switch (record.is) {
    case 'sample':
      book.samples++;
      book.last = record;
      for (const worker of book.workers) sample(book, worker, record);
      return;
    case 'run':
      run(book, record);
      return;
    case 'skip': {
      const worker = book.workers[record.worker];
      if (worker === undefined) return;
      worker.skips += record.count;
      worker.skippedAt.push(record.w);
      return;
    }
    case 'database':
      judgeLooks(book, record);
      return;
    case 'log':
      log(book, record);
      return;
    case 'gap':
      book.gaps.push(record);
      if (record.why !== 'clock' || Math.abs(record.jump ?? 0) >= 1000) {
        const missing = record.why === 'clock' ? 0 : record.to - record.from + 1;
        raise(book, record, {
          kind: 'gap',
          level: 'warning',
          worker: -1,
          args: { why: record.why, samples: missing, jump: record.jump ?? 0 },
          once: true,
        });
      }
      return;
    case 'cron':
      book.cron = record.cron;
      if (record.cron === 'none')
        raise(book, record, { kind: 'no-cron', level: 'warning', worker: -1, args: {} });
      else settle(book, record, 'no-cron', -1);
      return;
    case 'end':
      for (const worker of book.workers) judgeTicks(book, worker, record);
  }
}

function sample(book: Ledger, worker: Worker, at: Sample): void {
  const state = at.workers[worker.index];
  if (state === undefined) return;
  const { watched } = worker;
  const guarded = watched.lock !== undefined;
  const here = new Set<string>();
  const counted: number[] = [];
  const lockless: number[] = [];
  for (const one of state.instances) {
    const key = `${one.pid}:${one.start}`;
    here.add(key);
    const known = worker.seen.get(key);
    if (known === undefined) {
      const born = one.born > 0 ? one.born : at.w;
      worker.seen.set(key, {
        first: at.t,
        age: Math.max(0, at.w - born),
        born,
        pid: one.pid,
        last: { t: at.t, w: at.w },
        held: one.holds === true,
      });
      noteStart(worker, born);
    }
    const age = at.t - (known?.first ?? at.t);
    if (known !== undefined) {
      known.last = { t: at.t, w: at.w };
      known.held ||= one.holds === true;
    }
    if (one.holds === true || age >= (guarded ? loser : handover)) counted.push(one.pid);
    if (guarded && one.holds === false && age >= loser) lockless.push(one.pid);
  }
  for (const [key, known] of worker.seen) {
    if (here.has(key)) continue;
    worker.seen.delete(key);
    // A loser is no run; who was never asked for a lock is one.
    if (known.held || !guarded || at.t - known.first >= loser) {
      // Nothing is known of a run after the last sample that saw it, where the next one came late.
      const to = at.t - known.last.t > 2 * book.start.every ? known.last : at;
      worker.observed.push({ pid: known.pid, from: to.w - ageOf(known, to.t), to: to.w });
    }
  }
  worker.now = counted.length;
  const minute = worker.minute(at.w);
  minute.samples++;
  minute.instances = Math.max(minute.instances, counted.length);
  if (counted.length > worker.most) {
    worker.most = counted.length;
    worker.mostAt = at.w;
    worker.mostPids = counted;
  }
  if (state.lock === 'held') {
    worker.held++;
    worker.everHeld = true;
  }
  if (state.lock === 'free' && worker.everHeld) worker.freed = true;
  if (state.lock === 'unseen') worker.unseenLock++;
  if (counted.length > 1)
    raise(book, at, {
      kind: 'two-instances',
      level: 'violation',
      worker: worker.index,
      args: { count: counted.length },
      pids: counted,
    });
  else settle(book, at, 'two-instances', worker.index);
  if (lockless.length > 0)
    raise(book, at, {
      kind: 'lockless',
      level: 'violation',
      worker: worker.index,
      args: {},
      pids: lockless,
      evidence: [watched.lock ?? ''],
    });
  else settle(book, at, 'lockless', worker.index);
  calm(book, worker, at);
  length(book, worker, at);
  held(book, worker, at);
  judgeTicks(book, worker, at);
}

/** Milliseconds, by a clock that nobody sets. */
function ageOf(known: { readonly first: number; readonly age: number }, t: number): number {
  return known.age + t - known.first;
}

/** Refusals and errors come one by one: they were over with the last one, when none has followed for a while. */
function calm(book: Ledger, worker: Worker, at: Sample): void {
  const { refusedAt, erroredAt } = worker;
  if (refusedAt !== undefined && at.t - refusedAt > quiet)
    settle(book, { t: refusedAt }, 'refused', worker.index);
  if (erroredAt !== undefined && at.t - erroredAt > quiet)
    settle(book, { t: erroredAt }, 'errors', worker.index);
}

/** A run longer than the gap, and one that shows no progress any more. */
function length(book: Ledger, worker: Worker, at: Sample): void {
  const { gap, maxRuntime } = worker.watched;
  let [longest, pid, quiet, quietPid] = [0, 0, 0, 0];
  for (const known of worker.seen.values()) {
    if (worker.watched.lock !== undefined && !known.held) continue;
    const age = ageOf(known, at.t) / 1000;
    if (age > longest) [longest, pid] = [age, known.pid];
    const { record } = worker;
    const sign = record !== undefined && record.pid === known.pid ? record : undefined;
    const silent = Math.min(age, sign?.heartbeat === undefined ? age : silence(sign, sign.heartbeat, at.t));
    if (silent > quiet) [quiet, quietPid] = [silent, known.pid];
  }
  if (longest > worker.running) worker.running = longest;
  if (gap !== undefined && longest > gap)
    raise(book, at, {
      kind: 'long-run',
      level: 'warning',
      worker: worker.index,
      args: { seconds: Math.round(longest), gap },
      pids: [pid],
    });
  else settle(book, at, 'long-run', worker.index);
  if (quiet > maxRuntime)
    raise(book, at, {
      kind: 'stalled',
      level: 'violation',
      worker: worker.index,
      args: { seconds: Math.round(quiet), most: maxRuntime },
      pids: [quietPid],
    });
  else settle(book, at, 'stalled', worker.index);
}

/** Seconds since a heartbeat: what it was old when it was read, and what has passed since. */
function silence(record: { readonly t: number; readonly w: number }, heartbeat: number, t: number): number {
  return (Math.max(0, record.w - heartbeat * 1000) + t - record.t) / 1000;
}

/** A lock that is held while no instance is there to hold it: a child has inherited it, or somebody else took it. */
function held(book: Ledger, worker: Worker, at: Sample): void {
  const state = at.workers[worker.index];
  if (state?.lock !== 'held' || state.instances.length > 0) {
    worker.leftSince = undefined;
    worker.leftTicks = 0;
    settle(book, at, 'lock-left', worker.index);
    return;
  }
  worker.leftSince ??= { t: at.t, w: at.w };
  const since = at.t - worker.leftSince.t;
  if (since < left) return;
  raise(book, at, {
    kind: 'lock-left',
    // Nobody works for as long as it lasts: a child of a moment is told, one that stays is the worker's standstill.
    level:
      since > worker.watched.maxRuntime * 1000 || worker.leftTicks >= leftTicks ? 'violation' : 'warning',
    worker: worker.index,
    args: { seconds: Math.round(since / 1000) },
    evidence: [worker.watched.lock ?? ''],
  });
}

function run(book: Ledger, record: Extract<Observation, { is: 'run' }>): void {
  const worker = book.workers[record.worker];
  if (worker === undefined) return;
  const before = worker.record;
  worker.record = record;
  const same = before !== undefined && before.pid === record.pid && before.start === record.start;
  if (!same) noteStart(worker, record.started * 1000);
  if (record.ended === undefined) return;
  const to = record.ended * 1000;
  // Both are moments of the wall clock: one that was set between them is no part of the run.
  const from = book.gaps.reduce(
    (sum, gap) => sum + (gap.why === 'clock' && gap.w > sum && gap.w <= to ? (gap.jump ?? 0) : 0),
    record.started * 1000,
  );
  worker.recorded.push({ pid: record.pid, from: Math.min(from, to), to });
  if (record.why !== undefined && record.why !== '') worker.endings.push(record.why);
}

function log(book: Ledger, record: Extract<Observation, { is: 'log' }>): void {
  const worker = book.workers[record.worker];
  if (worker === undefined) return;
  if (record.grown > 0) worker.grownAt.push(record.w);
  worker.logGrown += record.grown;
  worker.logUnread += record.unread ?? 0;
  const refused = record.refused ?? record.refusals.length;
  const errored = record.errored ?? record.errors.length;
  worker.logRefused += refused;
  worker.logErrors += errored;
  if (refused > 0) {
    worker.minute(record.w).refusedInLog += refused;
    raise(book, record, {
      kind: 'refused',
      level: 'violation',
      worker: worker.index,
      args: { log: refused },
      evidence: record.refusals,
      adds: ['log'],
    });
    worker.refusedAt = record.t;
  }
  if (errored > 0) {
    worker.minute(record.w).errors += errored;
    raise(book, record, {
      kind: 'errors',
      level: 'warning',
      worker: worker.index,
      args: { count: errored },
      evidence: record.errors,
      adds: ['count'],
    });
    worker.erroredAt = record.t;
  }
}
