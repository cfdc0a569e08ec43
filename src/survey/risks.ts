// What a site owner has to fear of a worker, as codes and values; the worst workers first.
import { shortestGap } from '../crontab/schedule.ts';
import type { Finding, Job } from './facts.ts';
import { isGuarded, isScheduler } from './rules/lock.ts';

export type Risk =
  /** So many run at this moment. */
  | { readonly is: 'piled-up'; readonly count: number }
  /** A run takes longer than the time to the next start. */
  | { readonly is: 'overlaps'; readonly gap: number; readonly seconds: number; readonly atOnce: number }
  | { readonly is: 'no-lock' }
  /** It may never end by itself. */
  | { readonly is: 'no-end' }
  | { readonly is: 'output-lost' }
  | { readonly is: 'log-open' }
  /** It cannot be latched as it stands. */
  | { readonly is: 'blocked'; readonly by: Finding }
  /** Findings that are not said here. */
  | { readonly is: 'more'; readonly count: number };

/** How bad each is; who can pile up comes before all others. */
const weights: Readonly<Record<Risk['is'], number>> = {
  'piled-up': 1000,
  overlaps: 500,
  'no-lock': 100,
  'no-end': 50,
  'log-open': 10,
  'output-lost': 5,
  blocked: -1000,
  more: 1,
};

const said: Readonly<Record<string, true>> = {
  'no-lock': true,
  'piling-up': true,
  overlap: true,
  'never-ends': true,
  'no-once': true,
  'endless-worker': true,
  'no-log': true,
  'log-null': true,
  'log-under-docroot': true,
};

/** What is wrong with a worker, the worst first. */
export function risksOf(job: Job): Risk[] {
  const [by] = job.obstacles;
  const risks: Risk[] = by === undefined ? [] : [{ is: 'blocked', by }];
  const has = (...codes: readonly string[]): boolean => job.findings.some((f) => codes.includes(f.code));
  const open = !isGuarded(job) && !isScheduler(job);
  if (open && job.instances.length > 1) risks.push({ is: 'piled-up', count: job.instances.length });
  const gap = shortestGap(job.entry.schedule);
  if (open && job.runs !== undefined && typeof gap === 'number' && job.runs.seconds > gap) {
    const { seconds } = job.runs;
    risks.push({ is: 'overlaps', gap, seconds, atOnce: Math.floor(seconds / gap) + 1 });
  } else if (has('no-lock')) risks.push({ is: 'no-lock' });
  if (has('never-ends', 'no-once', 'endless-worker')) risks.push({ is: 'no-end' });
  if (has('log-under-docroot')) risks.push({ is: 'log-open' });
  if (has('no-log', 'log-null')) risks.push({ is: 'output-lost' });
  const rest = job.findings.filter(
    (f) => f.level !== 'note' && said[f.code] === undefined && !job.obstacles.includes(f),
  );
  if (rest.length > 0) risks.push({ is: 'more', count: rest.length });
  return risks;
}

/** The workers, those first that need help most; what cannot be latched comes last, and equals keep their order. */
export function worstFirst(jobs: readonly Job[]): Job[] {
  const weigh = (job: Job): number =>
    risksOf(job).reduce(
      (sum, risk) =>
        sum +
        weights[risk.is] +
        (risk.is === 'piled-up' ? risk.count : risk.is === 'overlaps' ? risk.atOnce : 0),
      0,
    );
  return jobs
    .map((job) => ({ job, weight: weigh(job) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ job }) => job);
}
