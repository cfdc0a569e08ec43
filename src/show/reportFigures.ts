// The figures of one worker over a watch, as tables of plain text: its runs, connections, refusals, jobs, minutes.
import type { ConnectionFigures, RunFigures, WorkerSummary } from '../monitor/summary.ts';
import { type Cell, inSeconds, type ReportTable, utc } from './reportTables.ts';

const seenBy: Readonly<Record<ConnectionFigures['by'], string>> = {
  account: 'asked as the account itself, its own connection left out',
  administrator: 'asked as an administrator',
  kernel: 'counted from outside, by the kernel',
};
const limitOf: Readonly<Record<NonNullable<ConnectionFigures['limit']>['is'], string>> = {
  account: 'the account’s own limit',
  global: 'the limit for each account (max_user_connections)',
  'account-or-global': 'the account’s own limit or the one for each account',
  server: 'no limit of the account’s: the whole server’s (max_connections)',
  'administrators-only': 'the server lets in nobody but administrators',
};
const runsBy: Readonly<Record<RunFigures['by'], string>> = {
  guard: 'as the guard wrote them down',
  kernel: 'as they were seen to begin and end',
};

/** All figures of a worker. */
export function figuresTable(worker: WorkerSummary): ReportTable {
  const { instances, lockHeld, ticks, runs, connections, refusals, jobs, errors, gap } = worker;
  const rows: (readonly Cell[])[] = [
    [
      'Schedule',
      gap === undefined ? worker.schedule : `${worker.schedule}, at least ${inSeconds(gap)} apart`,
    ],
    [
      'Instances at once',
      {
        text: `at most ${instances.most}`,
        more: [
          ...(instances.at === undefined ? [] : [`at ${utc(instances.at)}`]),
          ...(instances.pids.length === 0 ? [] : [`PID ${instances.pids.join(', ')}`]),
        ],
      },
    ],
    ...(lockHeld === undefined ? [] : [['Lock held', `${lockHeld} % of the samples`]]),
    [
      'Ticks of cron',
      {
        text: `${ticks.due} due: ${ticks.run} run, ${ticks.skipped} skipped (one was still running), ${ticks.missed} missed`,
        more: [
          `${ticks.unseen} could not be told, ${ticks.open} still open at the end`,
          ...(ticks.missedAt.length === 0
            ? []
            : [
                `missed at ${ticks.missedAt.slice(0, 20).map(utc).join(', ')}${ticks.missedAt.length > 20 ? ', …' : ''}`,
              ]),
        ],
      },
    ],
    ...(runs === undefined ? [] : [['Runs', runsCell(runs)]]),
    ...(worker.lastEnd === undefined ? [] : [['Last run ended', utc(worker.lastEnd)]]),
    ['Database connections', connections === undefined ? 'not watched' : connectionsCell(connections)],
    ['Refused connections', refusalsCell(refusals)],
    ['Errors in the log', worker.log === undefined ? `${errors}, no log is known` : String(errors)],
    ['Jobs', jobs === undefined ? 'not counted: no table of jobs is known' : jobsCell(jobs)],
  ];
  return { title: 'Figures', columns: ['What', 'Value'], rows };
}

/** The runs against the interval, in one line. */
function sayRuns({ longest, gap, share }: RunFigures): string {
  return gap === undefined || share === undefined
    ? `the longest run took ${inSeconds(longest)}`
    : `the longest run took ${inSeconds(longest)}: ${share} % of the ${inSeconds(gap)} from one start to the next`;
}

function runsCell(runs: RunFigures): Cell {
  return {
    text: `${runs.seen} run(s), ${runsBy[runs.by]}; ${sayRuns(runs)}`,
    more: [
      `half of them took ${inSeconds(runs.median)} or less, 95 % ${inSeconds(runs.p95)} or less`,
      ...(runs.gap === undefined ? [] : [`${runs.over} longer than the interval`]),
    ],
  };
}

function connectionsCell(use: ConnectionFigures): Cell {
  const { peak, limit, share, line, average } = use;
  const most =
    peak === undefined
      ? 'never counted'
      : `at most ${peak.value}${limit === undefined ? '' : ` of ${limit.connections} (${share ?? 0} %)`} at ${utc(peak.at)}`;
  return {
    text: `${most}${average === undefined ? '' : `, ${average} on average`}`,
    more: [
      `${use.samples} sample(s), ${use.refused} of them refused because the account was full`,
      ...(use.firstFull === undefined ? [] : [`first full at ${utc(use.firstFull)}`]),
      ...(limit === undefined
        ? ['no limit is known']
        : [
            `limit ${limit.connections}: ${limitOf[limit.is]}`,
            ...(line === undefined ? [] : [`60 % line: ${line} or more is too high`]),
          ]),
      seenBy[use.by],
    ],
  };
}

function refusalsCell({ log, low, high, full, own, resets }: WorkerSummary['refusals']): Cell {
  return {
    text: log === 'unknown' ? 'no log would tell' : `${log} line(s) of the worker’s log`,
    more: [
      low === undefined
        ? 'the server’s counters were not read twice'
        : `by the server’s counters, of anybody: ${low === high ? low : `${low} to ${high}`} for an account’s limit, ${full ?? 0} because it was full`,
      `${own} of this watch’s own, left out of that; ${resets} restart(s) of the server`,
    ],
  };
}

const counts = ['pending', 'processing', 'done', 'failed', 'stuck', 'highest', 'remaining'] as const;

function jobsCell({ before, after, done, perMinute, drain }: NonNullable<WorkerSummary['jobs']>): Cell {
  const pair = (name: string, a: number | undefined, b: number | undefined, unit = ''): string[] =>
    a === undefined && b === undefined
      ? []
      : [`${name}: ${a ?? '?'}${unit} before, ${b ?? '?'}${unit} after`];
  return {
    text:
      done === undefined ? 'how many were done cannot be told' : `${done} done, ${perMinute ?? 0} a minute`,
    more: [
      ...counts.flatMap((name) =>
        pair(name === 'highest' ? 'highest number' : name, before[name], after[name]),
      ),
      ...pair('oldest that waits', before.oldest, after.oldest, ' s'),
      ...pair('counted as stuck after', before.stuckAfter, after.stuckAfter, ' s'),
      ...(drain === undefined ? [] : [`the backlog is drained in ${inSeconds(drain)} at this pace`]),
      ...(after.requeue === undefined ? [] : [`to give the stuck ones back: ${after.requeue}`]),
    ],
  };
}

/** A row for each minute; '–' is not known, never none. */
export function minutesTable({ minutes }: WorkerSummary): ReportTable {
  const known = (value: number | null): string => (value === null ? '–' : String(value));
  return {
    title: 'Minute by minute',
    columns: [
      ...['Minute (UTC)', 'Samples', 'Instances', 'Connections', 'Refused: log', 'Refused: counters'],
      ...['Errors', 'Starts', 'Jobs waiting', 'Jobs done'],
    ],
    rows: minutes.map((row) => [
      row.minute.slice(11, 16),
      String(row.samples),
      String(row.instances),
      known(row.connections),
      String(row.refusals.log),
      row.refusals.low === row.refusals.high
        ? String(row.refusals.low)
        : `${row.refusals.low} to ${row.refusals.high}`,
      String(row.errors),
      String(row.starts),
      known(row.pending),
      known(row.done),
    ]),
  };
}
