// The course of a watch: what the charts of a report show, and the same in words for who cannot see them.
import type { Steps, Summary, WorkerSummary } from '../monitor/summary.ts';
import type { Span, StepChart } from './reportChart.ts';
import { inSeconds, utc } from './reportTables.ts';

export type Course = Omit<StepChart, 'id' | 'columns'>;

/** Seconds since the beginning of a moment. */
const secondOf = (summary: Summary, at: string): number =>
  Math.round((Date.parse(at) - Date.parse(summary.from)) / 1000);

/** How long it went on; never nothing, for a chart divides by it. */
export const lengthOf = ({ seconds }: Summary): number => Math.max(1, Math.round(seconds.watched));

/** Times in which nobody watched. A clock that was set is no such time. */
export function holesOf(summary: Summary): Span[] {
  return summary.gaps
    .filter(({ samples }) => samples > 0)
    .map(({ from, to }): Span => [secondOf(summary, from), secondOf(summary, to)])
    .filter(([from, to]) => to > from);
}

/** What can be drawn of a worker. */
export function coursesOf(summary: Summary, worker: WorkerSummary): Course[] {
  const begins = Date.parse(summary.from);
  const seconds = lengthOf(summary);
  const gaps = holesOf(summary);
  const unreached = summary.incidents
    .filter((one) => one.kind === 'unreachable' && one.name === worker.name)
    .map(({ second, lasted }): Span => [second, lasted === undefined ? seconds : second + lasted]);
  const base = { begins, seconds, marks: [] };
  const blind = [...gaps, ...unreached];
  const minutes = worker.minutes.map((row): readonly [number, typeof row] => [
    Math.max(0, secondOf(summary, `${row.minute.slice(0, 16)}:00Z`)),
    row,
  ]);
  const refused = minutes.filter(([, { refusals }]) => refusals.log + refusals.low > 0).map(([at]) => at);
  const { connections: use, ticks } = worker;
  const limit = use?.limit?.connections ?? 0;
  const courses: Course[] = [];
  if (worker.series.connections.length > 0)
    courses.push({
      ...base,
      title: 'Database connections',
      unit: 'connections of the account',
      series: worker.series.connections,
      gaps: blind,
      marks: refused,
      marked: 'a minute with refusals',
      lines: [
        ...(limit > 0 ? [{ value: limit, is: 'limit' as const, said: `limit ${limit}` }] : []),
        ...(limit > 0 && use?.line !== undefined
          ? [{ value: use.line, is: 'line60' as const, said: `60 % line ${use.line}` }]
          : []),
      ],
      told: toldConnections(worker, refused.length),
    });
  courses.push({
    ...base,
    title: 'Instances of the worker',
    unit: 'instances at once',
    series: worker.series.instances,
    gaps,
    lines: [],
    told: `At most ${worker.instances.most} at once${worker.instances.at === undefined ? '' : `, at ${utc(worker.instances.at)} UTC`}. ${told(worker.series.instances)}`,
  });
  courses.push({
    ...base,
    title: 'Runs begun each minute, and ticks missed',
    unit: 'runs begun',
    series: perMinute(minutes.map(([at, { starts }]) => [at, starts])),
    gaps,
    lines: [],
    marks: ticks.missedAt.map((at) => secondOf(summary, at)),
    marked: 'a tick was missed',
    told: `${ticks.due} ticks were due: ${ticks.run} run, ${ticks.skipped} skipped, ${ticks.missed} missed.`,
  });
  if (worker.series.pending.length > 0)
    courses.push({
      ...base,
      title: 'Jobs that wait',
      unit: 'jobs',
      series: worker.series.pending,
      gaps: blind,
      lines: [],
      told: told(worker.series.pending),
    });
  return courses;
}

/** A minute that has no row was not watched. */
function perMinute(rows: readonly (readonly [number, number])[]): Steps<number> {
  return rows.flatMap(([at, value], index): [number, number | null][] => {
    const end = at === 0 && (rows[1]?.[0] ?? 60) < 60 ? (rows[1]?.[0] ?? 60) : at + 60;
    const next = rows[index + 1]?.[0];
    return next !== undefined && next > end
      ? [
          [at, value],
          [end, null],
        ]
      : [[at, value]];
  });
}

function toldConnections({ connections: use, series }: WorkerSummary, refused: number): string {
  const limit = use?.limit === undefined ? '' : ` of ${use.limit.connections}`;
  const peak =
    use?.peak === undefined ? '' : `At most ${use.peak.value}${limit}, at ${utc(use.peak.at)} UTC. `;
  return `${peak}${told(series.connections)}${refused === 0 ? '' : ` Refusals in ${refused} minute(s).`}`;
}

/** The numbers of a series that matter. */
function told(series: Steps<number>): string {
  const values = series.flatMap(([, value]) => (value === null ? [] : [value]));
  const [first] = values;
  const last = values.at(-1);
  if (first === undefined || last === undefined) return 'Nothing was seen.';
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [first, first]);
  return `${first} at the beginning, ${last} at the end, between ${low} and ${high}.`;
}

/** Where nothing is known, in words. */
export function toldHoles(summary: Summary): string {
  const holes = holesOf(summary);
  const lost = holes.reduce((sum, [from, to]) => sum + to - from, 0);
  return holes.length === 0 ? '' : ` Nothing is known of ${inSeconds(lost)} in ${holes.length} gap(s).`;
}
