// A watch as plain text: a line a minute while it goes on, and what it came to.
import type { WatchStart } from '../monitor/records.ts';
import type { Now } from '../monitor/sampler.ts';
import type { SaidIncident, Summary, WorkerSummary } from '../monitor/summary.ts';
import { sayCriterion } from './criteria.ts';
import { sayIncident } from './incidents.ts';
import { headline } from './reportTables.ts';
import { sayDuration } from './schedule.ts';
import type { Theme } from './theme.ts';
import { clock } from './watchScreen.ts';

/** Where a watch begins: what is watched, until when, and where it is written down. */
export function beginLines(start: WatchStart, path: string, zone: string | undefined): string[] {
  const until = clock(start.wall + start.lasts * 1000, zone);
  const names = start.workers.map((one) => one.name || one.script).join(', ');
  return [
    `Watching ${names} for ${sayDuration(start.lasts * 1000)}, until ${until}; written to ${path}`,
    ...start.workers
      .filter(({ database }) => database === undefined)
      .map((one) => `  ${one.name || one.script}: no database is watched (--db-url names one)`),
  ];
}

/** How things stand, in one line for each worker. */
export function minuteLines(
  { start }: { readonly start: WatchStart },
  now: Now,
  zone: string | undefined,
): string[] {
  const left = sayDuration(Math.max(0, start.lasts * 1000 - now.t));
  return now.fold.workers.map((worker) => {
    const last = worker.uses.at(-1);
    const limit = worker.limit === undefined ? '' : ` of ${worker.limit.connections}`;
    const peak = Math.max(0, ...worker.uses.flatMap(({ used }) => (used === 'refused' ? [] : [used])));
    const { refusals, ticks, lastJobs } = worker;
    const high = refusals.high + refusals.full;
    const parts = [
      ...(last === undefined
        ? []
        : [
            last.used === 'refused'
              ? 'connections: the account is full'
              : `connections ${last.used}${limit}, at most ${peak}`,
          ]),
      `refusals ${worker.logRefused} in the log${refusals.intervals === 0 ? '' : `, ${high} counted`}`,
      `instances ${worker.now}, at most ${worker.most}`,
      `ticks ${ticks.run + ticks.skipped} seen, ${ticks.missed} missed`,
      ...(lastJobs === undefined ? [] : [`${lastJobs.counts.pending} jobs wait`]),
      `${left} left`,
    ];
    const name = start.workers.length > 1 ? `${worker.watched.name}: ` : '';
    return `${clock(now.w, zone)}  ${name}${parts.join('; ')}`;
  });
}

const ends: Readonly<Record<Summary['ended'], string>> = {
  time: 'to its end',
  'fail-fast': 'until the first violation (--fail-fast)',
  'too-large': 'until its records had grown to the most that is kept (48 MiB)',
  SIGINT: 'until it was interrupted',
  SIGTERM: 'until it was told to end',
  'cut-off': 'so far as is known: nothing says that it is over',
};

/** What a watch came to: figures, incidents, the criteria with what was seen. */
export function summaryLines(summary: Summary, theme: Theme, zone: string | undefined): string[] {
  const { seconds, samples, incidents } = summary;
  const planned = seconds.watched < seconds.planned ? ` of ${sayDuration(seconds.planned * 1000)}` : '';
  return [
    `Watched for ${sayDuration(seconds.watched * 1000)}${planned}, ${ends[summary.ended]}: ${samples.taken} of ${samples.planned} samples (${samples.share} %).`,
    ...summary.workers.flatMap((worker) => ['', ...workerLines(worker, summary, theme, zone)]),
    '',
    ...summary.criteria.filter(({ worker }) => worker === '').map((one) => criterionLine(one, theme)),
    ...(incidents.length === 0
      ? ['', 'No incidents.']
      : [
          '',
          `${incidents.length} incident(s):`,
          ...incidents.slice(0, 20).map((one) => saidLine(one, theme, zone)),
        ]),
    ...(incidents.length > 20 ? [`  and ${incidents.length - 20} more`] : []),
    '',
    outcomeLine(summary, theme),
  ];
}

function workerLines(
  worker: WorkerSummary,
  summary: Summary,
  theme: Theme,
  zone: string | undefined,
): string[] {
  const { connections: use, runs, jobs } = worker;
  const lines = [
    ...(use?.peak === undefined
      ? []
      : [
          `connections  at most ${use.peak.value}${
            use.limit === undefined ? '' : ` of ${use.limit.connections} (${use.share} %)`
          } at ${clock(Date.parse(use.peak.at), zone)}, ${use.average ?? '?'} on average, ${use.samples} samples${
            use.refused > 0 ? `, ${use.refused} of them refused` : ''
          }`,
        ]),
    ...(runs === undefined
      ? []
      : [
          `runs         ${runs.seen}; the longest took ${sayDuration(runs.longest * 1000)}, half of them ${sayDuration(runs.median * 1000)} or less${
            runs.share === undefined ? '' : `: your runs take ${runs.share} % of the interval`
          }`,
        ]),
    ...(jobs?.done === undefined
      ? []
      : [`jobs         ${jobs.done} done (${jobs.perMinute} a minute), ${jobs.after.pending} wait`]),
  ];
  return [
    theme.bold(`${worker.name || worker.script}  ${worker.schedule}`),
    ...lines.map((text) => `  ${text}`),
    ...summary.criteria
      .filter((one) => one.worker === worker.name && worker.name !== '')
      .map((one) => criterionLine(one, theme)),
  ];
}

function criterionLine(verdict: Summary['criteria'][number], theme: Theme): string {
  const { expected, saw } = sayCriterion(verdict);
  const paint = {
    pass: theme.good,
    warn: theme.odd,
    fail: theme.bad,
    inconclusive: theme.odd,
    skip: theme.dim,
  }[verdict.is];
  return `  ${paint(`${theme.mark[verdict.is]} ${verdict.is}`)}  ${expected}: ${saw}`;
}

function saidLine(one: SaidIncident, theme: Theme, zone: string | undefined): string {
  const sign = one.level === 'violation' ? theme.bad(theme.mark.fail) : theme.odd(theme.mark.warn);
  const lasted =
    one.lasted === undefined
      ? ', went on to the end'
      : one.lasted > 0
        ? `, for ${sayDuration(one.lasted * 1000)}`
        : '';
  return `  ${clock(Date.parse(one.at), zone)} ${sign} ${one.name === '' ? '' : `${one.name}: `}${sayIncident(one)}${lasted}`;
}

function outcomeLine(summary: Summary, theme: Theme): string {
  const { outcome, firstViolation } = summary;
  if (firstViolation !== undefined && outcome.is === 'fail')
    return theme.bad(`Violation: ${sayIncident(firstViolation)}, first at ${firstViolation.at}.`);
  if (outcome.is === 'fail') return theme.bad('A criterion was not met.');
  return outcome.is === 'pass'
    ? theme.good(headline(summary))
    : theme.odd('No violation, but not everything could be measured.');
}
