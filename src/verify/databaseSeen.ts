// What was seen of a worker's database while its runs were watched, and what that proves.
import type { Latched } from '../change/plan.ts';
import { type JobCounts, judgeJobs } from '../database/jobs.ts';
import { type Judged, judgePeak, judgeRefusals, type Sample } from '../database/judge.ts';
import type { Limit } from '../database/limits.ts';
import { otherMachines } from '../database/owners.ts';
import {
  type Counters,
  type Interval,
  noTries,
  type OwnTries,
  refusalsBetween,
  sumOf,
} from '../database/refusals.ts';
import type { DatabaseLook } from '../survey/database.ts';
import { type Refused, withTry } from '../survey/ladder.ts';
import { type Verdict, verdictsOf } from './verdict.ts';

/** Jobs that could not be counted, and why. */
export interface Unseen {
  readonly unseen: string;
}

/** Grows from look to look. */
export interface Seen {
  readonly samples: Sample[];
  /** The counters that the interval begins with: the deployment's, else the first that were seen. */
  first?: Counters | undefined;
  last?: Counters;
  limit?: Limit | undefined;
  /** Our own tries that failed between these two. */
  own: OwnTries;
  /** Those since `last`: no counter that was read has them. */
  since: OwnTries;
  jobs?:
    | { readonly before: JobCounts; readonly after: JobCounts; readonly seconds: number }
    | 'none'
    | Unseen;
  unreached?: string;
  /** Other machines that were seen at the same database with the same account. */
  readonly machines: Set<string>;
}

/** A try of ours that failed between two looks. */
export function noteOwn(seen: Seen, refused: Refused | undefined): void {
  if (refused !== undefined) seen.since = withTry(seen.since, refused);
}

/** A look's own tries were made before its counters were read; those before the first counters belong to no interval. */
export function note(seen: Seen, look: DatabaseLook, at: number): void {
  const failure = look.refused?.failure;
  const full = failure?.is === 'full';
  seen.since = sumOf(seen.since, look.own);
  if (look.by === 'kernel' && !full) {
    if (seen.samples.length === 0) seen.unreached = failure?.is ?? 'lost';
    return;
  }
  if (look.by === 'kernel') seen.samples.push({ at, used: 'refused' });
  const use = look.uses.find(({ account }) => account === look.account) ?? look.uses[0];
  if (use !== undefined) seen.samples.push({ at, used: use.used });
  for (const host of otherMachines(look.connections)) seen.machines.add(host);
  seen.limit = look.limit ?? use?.limit ?? seen.limit;
  if (look.counters === undefined) return;
  if (seen.first !== undefined) seen.own = sumOf(seen.own, seen.since);
  seen.since = noTries;
  seen.first ??= look.counters;
  seen.last = look.counters;
}

/** The checks on the database of one worker. */
export function verdictsOnDatabase(
  worker: Latched,
  seen: Seen,
  log: number | 'unknown',
  runs: number,
): Verdict[] {
  const make = verdictsOf(worker.name);
  const say = (check: string, { is, because, args }: Judged): Verdict => {
    const requeue = check === 'jobs' && /^stuck/.test(because) ? requeueIn(seen) : undefined;
    return make(check, is, because, requeue === undefined ? [] : [requeue], args);
  };
  if (seen.unreached !== undefined)
    return ['database', 'refusals', 'jobs'].map((check) =>
      check === 'refusals' && log !== 'unknown' && log > 0
        ? say(check, judgeRefusals(log, 'unknown'))
        : make(check, 'inconclusive', 'unreached', [], { why: seen.unreached ?? '' }),
    );
  const jobs: Judged =
    seen.jobs === undefined || (seen.jobs !== 'none' && 'unseen' in seen.jobs)
      ? { is: 'inconclusive', because: 'jobs-unseen', args: { why: seen.jobs?.unseen ?? 'lost' } }
      : seen.jobs === 'none'
        ? { is: 'skip', because: 'no-job-table', args: {} }
        : judgeJobs(seen.jobs.before, seen.jobs.after, seen.jobs.seconds, runs);
  return [
    say('database', judgePeak(seen.samples, seen.limit)),
    say('refusals', judgeRefusals(log, intervalOf(seen))),
    say('jobs', jobs),
    ...secondLock(worker, seen),
  ];
}

/** Where one is wanted, or where one costs much; nothing to say otherwise. */
function secondLock(worker: Latched, { machines, limit }: Seen): Verdict[] {
  if (worker.lock === undefined) return [];
  const make = verdictsOf(worker.name);
  const hosts = [...machines].sort();
  if (worker.lock.shared === undefined)
    return hosts.length === 0
      ? []
      : [make('second-lock', 'warn', 'other-machines', hosts, { count: hosts.length })];
  // One of ten is a tenth for as long as the worker runs.
  const small = limit !== undefined && limit.is !== 'administrators-only' && limit.connections < 10;
  return small ? [make('second-lock', 'warn', 'small-limit', [], { limit: limit.connections })] : [];
}

function intervalOf({ first, last, own }: Seen): Interval | 'unknown' {
  return first === undefined || last === undefined ? 'unknown' : refusalsBetween(first, last, own);
}

function requeueIn({ jobs }: Seen): string | undefined {
  return jobs !== undefined && jobs !== 'none' && 'after' in jobs ? jobs.after.requeue : undefined;
}
