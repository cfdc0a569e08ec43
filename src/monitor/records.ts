// What an hour's watch leaves behind: its records, one JSON document a line, and how they are read back after a crash.
import type { Latched } from '../change/plan.ts';
import type { JobCounts } from '../database/jobs.ts';
import type { Limit } from '../database/limits.ts';
import type { Counters, OwnTries } from '../database/refusals.ts';
import { Problem } from '../problem.ts';
import type { Verdict } from '../verify/verdict.ts';
import { isRecord } from './wellFormed.ts';

export const watchSchema = 1;

/** A worker as the watch begins; everything later names it by its place in the list. */
export interface Watched {
  readonly name: string;
  readonly script: string;
  readonly source: string;
  readonly line: number;
  readonly user: string;
  readonly schedule: string;
  /** Least seconds between two starts; absent where there is no such thing. */
  readonly gap?: number;
  /** When cron is to start it, ms since the epoch: counted with cron's rules for clock changes before the watch begins. */
  readonly due: readonly number[];
  /** Path of its lock; absent without a guard. */
  readonly lock?: string;
  readonly log?: string;
  /** Seconds after which a run without a sign of progress counts as stuck. */
  readonly maxRuntime: number;
  /** Its database, where the credentials are known. */
  readonly database?: { readonly user: string; readonly place: string };
}

export interface WatchStart {
  readonly is: 'start';
  readonly schema: number;
  readonly id: string;
  /** ISO. */
  readonly at: string;
  /** The same, ms since the epoch. */
  readonly wall: number;
  readonly by: {
    readonly user: string;
    readonly host: string;
    readonly pid: number;
    /** Ticks since boot: with the PID it names the process that watches. */
    readonly born: string;
    /** The kernel's name for this boot, where it tells one: after the next, the same number and birth may be another's. */
    readonly boot?: string;
    readonly version: string;
  };
  readonly deployment: readonly string[];
  /** Seconds the watch is to last. */
  readonly lasts: number;
  /** Milliseconds from one sample to the next. */
  readonly every: number;
  readonly workers: readonly Watched[];
  /** The same as the checks know them, for a watch that goes on after a crash. */
  readonly latched: readonly Latched[];
  /** What the guard's own trials said before the watch began. */
  readonly probes: readonly Verdict[];
}

export interface SeenInstance {
  readonly pid: number;
  /** Ticks since boot: with the PID a name for ever. */
  readonly start: string;
  /** When it was started, ms since the epoch, as the kernel tells it; 0 where it does not. */
  readonly born: number;
  readonly holds: boolean | 'unseen';
}

export interface WorkerState {
  readonly instances: readonly SeenInstance[];
  readonly lock: 'held' | 'free' | 'unseen' | 'none';
}

/** `t` is milliseconds since the watch began by a clock that nobody sets, `w` the wall clock's. */
interface Timed {
  readonly t: number;
  readonly w: number;
}

export interface Sample extends Timed {
  readonly is: 'sample';
  /** Its number in the plan, from 0: what is not there was not taken. */
  readonly n: number;
  readonly workers: readonly WorkerState[];
}

/** A run that the guard itself wrote down. */
export interface RunRecord extends Timed {
  readonly is: 'run';
  readonly worker: number;
  readonly pid: number;
  readonly start: string;
  /** Unix seconds. */
  readonly started: number;
  readonly heartbeat?: number;
  readonly ended?: number;
  readonly why?: string;
}

/** One look at the database of a worker. */
export interface DatabaseSample extends Timed {
  readonly is: 'database';
  readonly worker: number;
  readonly by: 'account' | 'administrator' | 'kernel';
  /** Connections of the account, ours left out; 'refused' when it was full just then; absent when nobody answered. */
  readonly used?: number | 'refused';
  readonly account?: string;
  readonly limit?: Limit;
  readonly counters?: Counters;
  readonly jobs?: JobCounts;
  /** Tries of ours that failed since the look before, and those that met a full server: they are nobody else's refusals. */
  readonly own?: OwnTries;
  readonly ownFull?: number;
  /** Why nobody answered. */
  readonly unreached?: string;
  /** Processes that hold connections, by how many. */
  readonly holders?: readonly (readonly [pid: number, connections: number])[];
}

/** What the worker's log has said since the look before; only where it said something of note. */
export interface LogRecord extends Timed {
  readonly is: 'log';
  readonly worker: number;
  readonly grown: number;
  readonly refusals: readonly string[];
  readonly errors: readonly string[];
  /** How many lines of each kind there were; of many only the first are kept. */
  readonly refused?: number;
  readonly errored?: number;
  /** Of what it has grown by, bytes that came too fast to be read. */
  readonly unread?: number;
  readonly rotated?: true;
}

/** Starts that the guard sent home, as its own log tells. */
export interface SkipRecord extends Timed {
  readonly is: 'skip';
  readonly worker: number;
  readonly count: number;
}

/** Time of which nothing is known. `from` and `to` are numbers of the plan, both included. */
export interface Gap extends Timed {
  readonly is: 'gap';
  readonly from: number;
  readonly to: number;
  /** The watch was too slow or stood still, the wall clock was set, or there was no watch between an end and a --resume. */
  readonly why: 'late' | 'clock' | 'resumed';
  /** Milliseconds by which the wall clock was set. */
  readonly jump?: number;
}

export interface CronSample extends Timed {
  readonly is: 'cron';
  readonly cron: 'seen' | 'none' | 'unseen';
}

export type IncidentKind =
  | 'two-instances'
  | 'lockless'
  | 'refused'
  | 'full'
  | 'too-high'
  | 'missed-tick'
  | 'long-run'
  | 'stalled'
  | 'lock-left'
  | 'errors'
  | 'jobs-stuck'
  | 'backlog'
  | 'unreachable'
  | 'no-cron'
  | 'gap';

export interface Incident extends Timed {
  readonly is: 'incident';
  /** From 1, in the order in which they were noticed. */
  readonly number: number;
  readonly kind: IncidentKind;
  /** A violation fails the watch, a warning is only told. */
  readonly level: 'violation' | 'warning';
  /** Place of the worker in the list; -1: the machine. */
  readonly worker: number;
  readonly args: Readonly<Record<string, string | number>>;
  readonly pids: readonly number[];
  /** Lines that anyone can go and read. */
  readonly evidence: readonly string[];
  /** Until when it was seen, by the clock of `t`; absent while it goes on. */
  readonly until?: number;
}

/** 'too-large': its records had grown to the most that is kept. */
export type EndedBy = 'time' | 'fail-fast' | 'too-large' | 'SIGINT' | 'SIGTERM';

export interface WatchEnd extends Timed {
  readonly is: 'end';
  readonly by: EndedBy;
  /** Samples that the plan had until then. */
  readonly planned: number;
}

export type Observation =
  | Sample
  | RunRecord
  | DatabaseSample
  | LogRecord
  | SkipRecord
  | Gap
  | CronSample
  | WatchEnd;
export type WatchRecord =
  | WatchStart
  | Observation
  | Incident
  | {
      readonly is: 'resume';
      readonly at: string;
      readonly pid: number;
      readonly born: string;
      readonly boot?: string;
      readonly t: number;
      readonly w: number;
    };

export interface Watch {
  readonly path: string;
  /** Ends in a line that a crash cut off; the next record has to begin a new one. */
  readonly torn: boolean;
  readonly start: WatchStart;
  /** All but the start; each sample whole. */
  readonly records: readonly Exclude<WatchRecord, WatchStart>[];
}

/**
 * One record as a line, newline included. A sample in which nothing has changed says so by leaving the workers out:
 * an hour of them is a file of some hundred kilobytes.
 */
export function printWatchRecord(record: WatchRecord, before?: Sample): string {
  if (record.is === 'sample' && before !== undefined && sameStates(record, before)) {
    const { workers: _, ...short } = record;
    return `${JSON.stringify(short)}\n`;
  }
  return `${JSON.stringify(record)}\n`;
}

function sameStates(a: Sample, b: Sample): boolean {
  return JSON.stringify(a.workers) === JSON.stringify(b.workers);
}

/**
 * Reads a watch back. A crash cuts off the last line and no other; it was not durable and is not there. A line that is
 * none in the middle was cut off before a --resume, which begins a new line. Throws a Problem on a file that is no watch.
 */
export function readWatch(path: string, text: string): Watch | 'empty' {
  const lines = text.split('\n');
  const torn = lines.pop() !== '';
  const all = lines.flatMap((line): WatchRecord[] => {
    try {
      const json: unknown = JSON.parse(line);
      return isRecord(json) ? [json] : [];
    } catch {
      return [];
    }
  });
  const [start, ...rest] = all;
  if (start === undefined) {
    if (lines.length === 0) return 'empty';
    throw new Problem('watch-unreadable', { path, reason: 'it does not begin as a watch' });
  }
  if (start.is !== 'start')
    throw new Problem('watch-unreadable', { path, reason: 'it does not begin as a watch' });
  if (start.schema > watchSchema)
    throw new Problem('watch-unreadable', {
      path,
      reason: `it has schema ${start.schema}, this version reads ${watchSchema}`,
    });
  let last: readonly WorkerState[] = start.workers.map(() => ({ instances: [], lock: 'none' }));
  const records = rest.map((record) => {
    if (record.is !== 'sample') return record;
    last = record.workers ?? last;
    return { ...record, workers: last };
  });
  return { path, torn, start, records: records as Watch['records'] };
}
