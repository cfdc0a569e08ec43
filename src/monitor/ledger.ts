// The book the fold keeps: what is known of each worker so far, and the incidents that are open.
import type { JobCounts } from '../database/jobs.ts';
import type { Limit } from '../database/limits.ts';
import { type Counters, noTries, type OwnTries } from '../database/refusals.ts';
import type { Gap, Incident, IncidentKind, RunRecord, Sample, Watched, WatchStart } from './records.ts';

/** One run, by the wall clock. */
export interface Run {
  readonly pid: number;
  readonly from: number;
  readonly to: number;
}

/** What happened within one minute of the wall clock. */
export interface Minute {
  /** When it begins, ms since the epoch. */
  readonly at: number;
  samples: number;
  instances: number;
  /** The most that were seen; absent when nobody was asked, which is not none. */
  connections: number | undefined;
  refusedInLog: number;
  low: number;
  high: number;
  errors: number;
  starts: number;
  pending: number | undefined;
  done: number | undefined;
}

/** A moment of the account: how many connections it had, or that it was full. */
export interface Use {
  readonly t: number;
  readonly w: number;
  readonly used: number | 'refused';
}

export interface Worker {
  readonly index: number;
  readonly watched: Watched;
  /** Instances that are there now, by PID and start. */
  readonly seen: Map<
    string,
    {
      /** By the clock of `t`, and the age it had then: the wall clock may be set while it runs. */
      readonly first: number;
      readonly age: number;
      readonly born: number;
      readonly pid: number;
      /** The last sample that saw it. */
      last: { readonly t: number; readonly w: number };
      held: boolean;
    }
  >;
  now: number;
  most: number;
  mostAt: number | undefined;
  mostPids: readonly number[];
  held: number;
  everHeld: boolean;
  freed: boolean;
  unseenLock: number;
  /** Since when the lock is held and nobody runs, and ticks of that time at which nobody ran either. */
  leftSince: { readonly t: number; readonly w: number } | undefined;
  leftTicks: number;
  /** The same over the whole watch. */
  leftInAll: number;
  /** Longest run seen so far, in seconds, also while it goes on. */
  running: number;
  /** Runs that were seen to go, and runs that the guard wrote down. */
  readonly observed: Run[];
  readonly recorded: Run[];
  readonly endings: string[];
  record: RunRecord | undefined;
  /** Moments at which a run began, by the wall clock. */
  readonly starts: number[];
  skips: number;
  readonly skippedAt: number[];
  readonly grownAt: number[];
  readonly ticks: { run: number; skipped: number; missed: number; unseen: number };
  readonly missed: number[];
  /** The next tick that is not yet decided. */
  tick: number;
  logGrown: number;
  /** Bytes that came too fast to be read. */
  logUnread: number;
  logRefused: number;
  logErrors: number;
  erroredAt: number | undefined;
  refusedAt: number | undefined;
  readonly uses: Use[];
  looks: number;
  unreached: number;
  account: string | undefined;
  by: 'account' | 'administrator' | 'kernel' | undefined;
  limit: Limit | undefined;
  counters: Counters | undefined;
  /** Tries of ours that failed, and that no counters were read after. */
  own: OwnTries;
  ownFull: number;
  ownAll: number;
  /** Denials that were counted before the connection they end: an allowance for the next interval. */
  carry: number;
  refusals: { low: number; high: number; full: number; resets: number; intervals: number };
  fullAt: number | undefined;
  firstJobs: { readonly t: number; readonly counts: JobCounts } | undefined;
  lastJobs: { readonly t: number; readonly counts: JobCounts } | undefined;
  readonly minutes: Map<number, Minute>;
  minute(wall: number): Minute;
}

export interface Ledger {
  readonly start: WatchStart;
  readonly workers: readonly Worker[];
  readonly incidents: Incident[];
  /** Numbers of the incidents that the last record made, changed or ended. */
  news: number[];
  /** Open ones, by kind and worker. */
  readonly open: Map<string, number>;
  samples: number;
  readonly gaps: Gap[];
  last: Sample | undefined;
  cron: 'seen' | 'none' | 'unseen' | 'unasked';
}

/** An empty book. */
export function ledger(start: WatchStart): Ledger {
  return {
    start,
    workers: start.workers.map(workerOf),
    incidents: [],
    news: [],
    open: new Map(),
    samples: 0,
    gaps: [],
    last: undefined,
    cron: 'unasked',
  };
}

function workerOf(watched: Watched, index: number): Worker {
  const minutes = new Map<number, Minute>();
  return {
    index,
    watched,
    seen: new Map(),
    now: 0,
    most: 0,
    mostAt: undefined,
    mostPids: [],
    held: 0,
    everHeld: false,
    freed: false,
    unseenLock: 0,
    leftSince: undefined,
    leftTicks: 0,
    leftInAll: 0,
    running: 0,
    observed: [],
    recorded: [],
    endings: [],
    record: undefined,
    starts: [],
    skips: 0,
    skippedAt: [],
    grownAt: [],
    ticks: { run: 0, skipped: 0, missed: 0, unseen: 0 },
    missed: [],
    tick: 0,
    logGrown: 0,
    logUnread: 0,
    logRefused: 0,
    logErrors: 0,
    erroredAt: undefined,
    refusedAt: undefined,
    uses: [],
    looks: 0,
    unreached: 0,
    account: undefined,
    by: undefined,
    limit: undefined,
    counters: undefined,
    own: noTries,
    ownFull: 0,
    ownAll: 0,
    carry: 0,
    refusals: { low: 0, high: 0, full: 0, resets: 0, intervals: 0 },
    fullAt: undefined,
    firstJobs: undefined,
    lastJobs: undefined,
    minutes,
    minute(wall) {
      const at = Math.floor(wall / 60_000) * 60_000;
      const known = minutes.get(at);
      if (known !== undefined) return known;
      const made: Minute = {
        at,
        samples: 0,
        instances: 0,
        connections: undefined,
        refusedInLog: 0,
        low: 0,
        high: 0,
        errors: 0,
        starts: 0,
        pending: undefined,
        done: undefined,
      };
      minutes.set(at, made);
      return made;
    },
  };
}

interface Raised {
  readonly kind: IncidentKind;
  readonly level: Incident['level'];
  readonly worker: number;
  readonly args: Incident['args'];
  readonly pids?: readonly number[];
  readonly evidence?: readonly string[];
  /** Over as soon as it is told. */
  readonly once?: boolean;
  /** Values that grow from record to record; the others hold their highest. */
  readonly adds?: readonly string[];
}

const most = { evidence: 5, letters: 200, pids: 20 };

/** Something is wrong, or still is: opens an incident, or lets the open one go on. */
export function raise(book: Ledger, at: { readonly t: number; readonly w: number }, what: Raised): void {
  const key = `${what.kind}:${what.worker}`;
  const evidence = (what.evidence ?? [])
    .filter((line) => line !== '')
    .map((line) => line.slice(0, most.letters));
  const number = what.once ? undefined : book.open.get(key);
  const known = number === undefined ? undefined : book.incidents[number - 1];
  if (known === undefined) {
    const made: Incident = {
      is: 'incident',
      number: book.incidents.length + 1,
      t: at.t,
      w: at.w,
      kind: what.kind,
      level: what.level,
      worker: what.worker,
      args: what.args,
      pids: (what.pids ?? []).slice(0, most.pids),
      evidence: evidence.slice(0, most.evidence),
      ...(what.once ? { until: at.t } : {}),
    };
    book.incidents.push(made);
    book.news.push(made.number);
    if (!what.once) book.open.set(key, made.number);
    return;
  }
  const args: Record<string, string | number> = { ...known.args };
  for (const [name, value] of Object.entries(what.args)) {
    const old = args[name];
    if (typeof value !== 'number' || typeof old !== 'number') args[name] = value;
    else args[name] = what.adds?.includes(name) ? old + value : Math.max(old, value);
  }
  const worse = known.level === 'warning' && what.level === 'violation';
  book.incidents[known.number - 1] = {
    ...known,
    level: worse ? 'violation' : known.level,
    args,
    pids: [...new Set([...known.pids, ...(what.pids ?? [])])].slice(0, most.pids),
    evidence: [...new Set([...known.evidence, ...evidence])].slice(0, most.evidence),
  };
  if (worse) book.news.push(known.number);
}

/** It is over, if it was going on. */
export function settle(book: Ledger, at: { readonly t: number }, kind: IncidentKind, worker: number): void {
  const key = `${kind}:${worker}`;
  const number = book.open.get(key);
  const known = number === undefined ? undefined : book.incidents[number - 1];
  if (known === undefined) return;
  book.open.delete(key);
  book.incidents[known.number - 1] = { ...known, until: at.t };
  book.news.push(known.number);
}
