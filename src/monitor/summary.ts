// Everything a report says of a watch, worked out from its records alone: figures, series, incidents, verdicts.
import type { JobCounts } from '../database/jobs.ts';
import type { Limit } from '../database/limits.ts';
import type { Answer, Verdict } from '../verify/verdict.ts';
import { criteriaOf } from './criteria.ts';
import { iso, workerSummary } from './figures.ts';
import { foldOf } from './incidents.ts';
import type { EndedBy, Gap, Incident, Observation, Sample, Watch, WatchStart } from './records.ts';

const summarySchema = 1;

/** A value and when it was there, in ISO. */
export interface At<T> {
  readonly value: T;
  readonly at: string;
}

/** A step path: the value from each moment (seconds since the beginning) on. `null`: nothing is known from there. */
export type Steps<T> = readonly (readonly [seconds: number, value: T | null])[];

export interface MinuteRow {
  /** ISO, to the minute. */
  readonly minute: string;
  readonly samples: number;
  readonly instances: number;
  /** null: nobody was asked in this minute. */
  readonly connections: number | null;
  readonly refusals: { readonly log: number; readonly low: number; readonly high: number };
  readonly errors: number;
  readonly starts: number;
  readonly pending: number | null;
  readonly done: number | null;
}

export interface RunFigures {
  readonly seen: number;
  /** Seconds. */
  readonly longest: number;
  readonly median: number;
  readonly p95: number;
  /** Least seconds between two starts. */
  readonly gap?: number;
  /** The longest in percent of the gap: "your runs take 94 % of the interval". */
  readonly share?: number;
  /** Runs longer than the gap. */
  readonly over: number;
  /** Where they are known from. */
  readonly by: 'guard' | 'kernel';
}

export interface ConnectionFigures {
  readonly account?: string;
  readonly by: 'account' | 'administrator' | 'kernel';
  readonly limit?: Limit;
  /** First number that is too high: 60 % of the limit. */
  readonly line?: number;
  readonly samples: number;
  readonly refused: number;
  readonly peak?: At<number>;
  /** The peak in percent of the limit. */
  readonly share?: number;
  readonly average?: number;
  readonly firstFull?: string;
}

export interface WorkerSummary {
  readonly name: string;
  readonly script: string;
  readonly source: string;
  readonly line: number;
  readonly user: string;
  readonly schedule: string;
  readonly gap?: number;
  readonly lock?: string;
  readonly log?: string;
  readonly instances: { readonly most: number; readonly at?: string; readonly pids: readonly number[] };
  /** In percent of the samples; absent without a guard. */
  readonly lockHeld?: number;
  readonly ticks: {
    readonly due: number;
    readonly run: number;
    readonly skipped: number;
    readonly missed: number;
    readonly unseen: number;
    /** Still open when the watch ended. */
    readonly open: number;
    readonly missedAt: readonly string[];
  };
  readonly runs?: RunFigures;
  /** When the last run ended, as the guard wrote it down. */
  readonly lastEnd?: string;
  readonly connections?: ConnectionFigures;
  readonly refusals: {
    /** Lines of the worker's log; 'unknown' without a log. */
    readonly log: number | 'unknown';
    /** By the server's counters, of anybody; absent when they were not read twice. */
    readonly low?: number;
    readonly high?: number;
    readonly full?: number;
    /** Ours, left out of the counters' figures. */
    readonly own: number;
    readonly resets: number;
  };
  readonly errors: number;
  readonly jobs?: {
    readonly before: JobCounts;
    readonly after: JobCounts;
    readonly done?: number;
    readonly perMinute?: number;
    /** Seconds until the backlog is drained; absent when it does not shrink. */
    readonly drain?: number;
  };
  readonly series: {
    readonly connections: Steps<number>;
    readonly instances: Steps<number>;
    readonly pending: Steps<number>;
  };
  readonly minutes: readonly MinuteRow[];
}

export interface SaidIncident extends Omit<Incident, 'is' | 't' | 'w' | 'until'> {
  readonly at: string;
  /** Seconds since the beginning. */
  readonly second: number;
  /** Seconds it lasted; absent when it still went on at the end. */
  readonly lasted?: number;
  /** The worker's name; '' is the machine. */
  readonly name: string;
}

export interface Summary {
  readonly schema: typeof summarySchema;
  readonly id: string;
  readonly host: string;
  readonly by: string;
  readonly version: string;
  readonly deployment: readonly string[];
  readonly from: string;
  readonly to: string;
  /** 'cut-off': nothing says how it ended; it goes on, or was killed. */
  readonly ended: EndedBy | 'cut-off';
  readonly seconds: { readonly planned: number; readonly watched: number };
  readonly samples: {
    readonly planned: number;
    readonly taken: number;
    /** Percent of the planned ones. */
    readonly share: number;
    readonly every: number;
  };
  readonly gaps: readonly {
    readonly from: string;
    readonly to: string;
    readonly samples: number;
    readonly why: Gap['why'];
    readonly jump?: number;
  }[];
  /** Milliseconds: the wall clock against the one nobody sets, and the worst lateness of a sample. */
  readonly clock: { readonly drift: number; readonly late: number };
  readonly cron: 'seen' | 'none' | 'unseen' | 'unasked';
  readonly workers: readonly WorkerSummary[];
  readonly incidents: readonly SaidIncident[];
  readonly firstViolation?: SaidIncident;
  /** The seed's success criteria and some more, as the checklist has them. */
  readonly criteria: readonly Verdict[];
  readonly outcome: { readonly is: 'pass' | 'fail' | 'inconclusive'; readonly exit: 0 | 3 | 6 };
}

/** The summary of a watch, over or still going on. */
export function summarise({ start, records }: Pick<Watch, 'start' | 'records'>): Summary {
  const fold = foldOf(start);
  for (const record of records)
    if (record.is !== 'incident' && record.is !== 'resume') fold.take(record as Observation);
  const samples = records.filter((record): record is Sample => record.is === 'sample');
  const end = records.findLast((record) => record.is === 'end');
  const last = end ?? samples.at(-1);
  const over = last ?? { t: 0, w: start.wall };
  const book = fold.ledger;
  const planned = plannedSamples(start, end?.is === 'end' ? end : undefined, last);
  const incidents = fold.incidents.map((one) => sayIncident(start, one));
  const violation = incidents.find((one) => one.level === 'violation');
  const share = planned === 0 ? 0 : Math.floor((1000 * samples.length) / planned) / 10;
  const criteria = criteriaOf(book, { share, ended: end?.is === 'end' ? end.by : 'cut-off', t: over.t });
  return {
    schema: summarySchema,
    id: start.id,
    host: start.by.host,
    by: start.by.user,
    version: start.by.version,
    deployment: start.deployment,
    from: start.at,
    to: iso(over.w),
    ended: end?.is === 'end' ? end.by : 'cut-off',
    seconds: { planned: start.lasts, watched: Math.round(over.t / 1000) },
    samples: { planned, taken: samples.length, share, every: start.every },
    gaps: book.gaps.map((gap) => sayGap(start, gap)),
    clock: clockOf(start, samples, book.gaps),
    cron: book.cron,
    workers: book.workers.map((worker) => workerSummary(book, worker, samples)),
    incidents,
    ...(violation === undefined ? {} : { firstViolation: violation }),
    criteria,
    outcome: outcomeOf(criteria),
  };
}

function plannedSamples(
  start: WatchStart,
  end: { readonly planned: number } | undefined,
  last: { readonly t: number } | undefined,
): number {
  if (end !== undefined) return end.planned;
  // Nothing says that it is over: what was due until the last sign of life.
  return last === undefined ? 0 : Math.floor(last.t / start.every) + 1;
}

/** A failed criterion or a violation fails the watch; what could not be measured leaves it open. */
function outcomeOf(criteria: readonly { readonly is: Answer }[]): Summary['outcome'] {
  if (criteria.some(({ is }) => is === 'fail')) return { is: 'fail', exit: 3 };
  if (criteria.some(({ is }) => is === 'inconclusive')) return { is: 'inconclusive', exit: 6 };
  return { is: 'pass', exit: 0 };
}

function sayIncident(start: WatchStart, { is: _, t, w, until, ...rest }: Incident): SaidIncident {
  return {
    ...rest,
    at: iso(w),
    second: Math.round(t / 1000),
    name: start.workers[rest.worker]?.name ?? '',
    ...(until === undefined ? {} : { lasted: Math.max(0, Math.round((until - t) / 1000)) }),
  };
}

function sayGap(start: WatchStart, gap: Gap): Summary['gaps'][number] {
  const samples = gap.why === 'clock' ? 0 : gap.to - gap.from + 1;
  return {
    from: iso(gap.why === 'clock' ? gap.w : gap.w - samples * start.every),
    to: iso(gap.w),
    samples,
    why: gap.why,
    ...(gap.jump === undefined ? {} : { jump: gap.jump }),
  };
}

function clockOf(start: WatchStart, samples: readonly Sample[], gaps: readonly Gap[]): Summary['clock'] {
  const last = samples.at(-1);
  const set = gaps.reduce((sum, gap) => sum + (gap.why === 'clock' ? (gap.jump ?? 0) : 0), 0);
  return {
    drift: last === undefined ? 0 : Math.round(last.w - start.wall - last.t - set),
    late: Math.round(Math.max(0, ...samples.map(({ t, n }) => t - n * start.every))),
  };
}
