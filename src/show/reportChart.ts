// Charts of a report as inline SVG: step paths of changes only, limits, gaps, and incidents along the time.
import type { Steps } from '../monitor/summary.ts';
import { escaped } from './reportPage.ts';

/** So many columns a chart has at most: an hour of a change every second is no larger than this. */
const finest = 720;
const height = 104;
const foot = 20;

export type Span = readonly [from: number, to: number];

export interface StepChart {
  /** Names it within the page. */
  readonly id: string;
  readonly title: string;
  /** The same for who cannot see it. */
  readonly told: string;
  /** When it begins, ms since the epoch, and for how many seconds it goes on. */
  readonly begins: number;
  readonly seconds: number;
  readonly series: Steps<number>;
  readonly unit: string;
  /** Times of which nothing is known. */
  readonly gaps: readonly Span[];
  readonly lines: readonly {
    readonly value: number;
    readonly is: 'limit' | 'line60';
    readonly said: string;
  }[];
  /** Moments to point at, in seconds. */
  readonly marks: readonly number[];
  readonly marked?: string;
  /** Columns at most; where there are many charts each has fewer. */
  readonly columns?: number;
}

/** A series with nothing where nothing is known; after that the last value that is known holds again. */
export function withHoles(series: Steps<number>, gaps: readonly Span[], seconds: number): Steps<number> {
  const points: [number, number | null][] = [];
  const put = (at: number, value: number | null): void => {
    const last = points.at(-1);
    if (last !== undefined && last[0] === at) points.pop();
    if (points.at(-1)?.[1] !== value) points.push([at, value]);
  };
  const moments = [...new Set([...series.map(([at]) => at), ...gaps.flat()])].sort((a, b) => a - b);
  let index = -1;
  for (const at of moments) {
    if (at > seconds) break;
    while ((series[index + 1]?.[0] ?? Number.POSITIVE_INFINITY) <= at) index++;
    const dark = gaps.some(([from, to]) => from <= at && at < to);
    put(at, dark ? null : (series[index]?.[1] ?? null));
  }
  return points;
}

/** The highest value in each column: a peak of one second is never lost, and nothing is drawn where nothing is known. */
export function columnsOf(series: Steps<number>, seconds: number, count: number): (number | null)[] {
  const columns: (number | null)[] = Array.from({ length: count }, () => null);
  for (const [index, [from, value]] of series.entries()) {
    if (value === null) continue;
    const to = Math.min(seconds, series[index + 1]?.[0] ?? seconds);
    const first = Math.floor((from * count) / seconds);
    const last = Math.max(first, Math.ceil((to * count) / seconds) - 1);
    for (let at = first; at <= last && at < count; at++) columns[at] = Math.max(columns[at] ?? value, value);
  }
  return columns;
}

/** The line, and the surface below it, as path data; a gap begins a new piece. */
function paths(
  columns: readonly (number | null)[],
  top: number,
): { readonly line: string; readonly area: string } {
  const y = (value: number): number => Math.round((100 - (value / top) * 92) * 10) / 10;
  let [line, area] = ['', ''];
  let before: number | null = null;
  for (let at = 0; at <= columns.length; at++) {
    const value = columns[at] ?? null;
    if (at < columns.length && value === before) continue;
    if (before !== null) {
      line += `H${at}`;
      area += `H${at}`;
    }
    if (value === null) {
      if (before !== null) area += 'V100Z';
    } else if (before === null) {
      line += `M${at} ${y(value)}`;
      area += `M${at} 100V${y(value)}`;
    } else {
      line += `V${y(value)}`;
      area += `V${y(value)}`;
    }
    before = value;
  }
  return { line, area };
}

/** A chart with its caption, key and text alternative. */
export function stepChart(chart: StepChart): string {
  const { id, seconds, gaps, lines, marks } = chart;
  const count = chart.columns ?? finest;
  const series = withHoles(chart.series, gaps, seconds);
  const known = series.flatMap(([, value]) => (value === null ? [] : [value]));
  const top = Math.max(1, ...known, ...lines.map(({ value }) => value));
  const { line, area } = paths(columnsOf(series, seconds, count), top);
  const y = (value: number): number => Math.round(((100 - (value / top) * 92) / 100) * height * 10) / 10;
  const across = (value: number, is: string): string => {
    const at = Math.round((100 - (value / top) * 92) * 10) / 10;
    return `<path class="${is}" d="M0 ${at}H${count}"/>`;
  };
  return `<figure class="card">
<figcaption>${escaped(chart.title)}${key(chart)}</figcaption>
<div class="chart"><svg height="${height + foot}" aria-hidden="true">${labels(top, lines, y)}</svg>
<svg height="${height + foot}" role="img" aria-labelledby="${id}t ${id}d"><title id="${id}t">${escaped(chart.title)}</title><desc id="${id}d">${escaped(chart.told)}</desc>
<svg width="100%" height="${height}" viewBox="0 0 ${count} 100" preserveAspectRatio="none">${across(0, 'grid')}${across(top, 'grid')}<path class="wash" d="${area}"/>${lines
    .map(({ value, is }) => across(value, is))
    .join('')}<path class="step" d="${line}"/></svg>
${gaps.map(([from, to]) => band('gapband', from, to, seconds, 0, height)).join('')}${spread(marks, seconds)
  .map((at) => `<rect class="violation" x="${at}%" y="0" width="1" height="7"/>`)
  .join('')}${times(chart.begins, seconds, height)}</svg></div>
</figure>`;
}

function labels(top: number, lines: StepChart['lines'], y: (value: number) => number): string {
  const values = [...new Set([0, ...lines.map(({ value }) => value), top])].sort((a, b) => a - b);
  // A label that would stand upon another one is left out; the key says the number.
  const kept: number[] = [];
  for (const value of [top, 0, ...values])
    if (
      kept.every((other) => other === value || Math.abs(y(other) - y(value)) >= 13) &&
      !kept.includes(value)
    )
      kept.push(value);
  return kept.map((value) => `<text x="85%" y="${y(value) + 4}" text-anchor="end">${value}</text>`).join('');
}

function key({ unit, lines, gaps, marks, marked }: StepChart): string {
  const sign = (inner: string, said: string): string =>
    `<li><svg viewBox="0 0 18 10" aria-hidden="true">${inner}</svg>${escaped(said)}</li>`;
  return `<ul class="key">${[
    sign('<path class="step" d="M0 8H8V3H18"/>', unit),
    ...lines.map(({ is, said }) => sign(`<path class="${is}" d="M0 5H18"/>`, said)),
    ...(marks.length === 0
      ? []
      : [sign('<rect class="violation" x="8" y="2" width="1" height="6"/>', marked ?? '')]),
    ...(gaps.length === 0 ? [] : [sign('<rect class="gapband" width="18" height="10"/>', 'not known')]),
  ].join('')}</ul>`;
}

const percent = (value: number, of: number): number =>
  Math.round(Math.min(100, Math.max(0, (100 * value) / of)) * 10) / 10;

function band(is: string, from: number, to: number, seconds: number, y: number, tall: number): string {
  const x = percent(from, seconds);
  const width = Math.max(0.1, Math.round((percent(to, seconds) - x) * 10) / 10);
  return `<rect class="${is}" x="${x}%" y="${y}" width="${width}%" height="${tall}"/>`;
}

/** Many marks close together are one to the eye. */
function spread(marks: readonly number[], seconds: number): number[] {
  return [...new Set(marks.map((at) => Math.round(percent(at, seconds) * 2) / 2))];
}

const strides = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400];

/** The clock below a chart, at round times, few enough for a phone. */
function times(begins: number, seconds: number, y: number): string {
  const stride = strides.find((one) => seconds / one <= 5) ?? 21_600;
  const first = Math.ceil(begins / 1000 / stride) * stride;
  const found: string[] = [];
  for (let at = first; at * 1000 <= begins + seconds * 1000; at += stride) {
    const x = percent(at - begins / 1000, seconds);
    const anchor = x < 4 ? 'start' : x > 96 ? 'end' : 'middle';
    const clock = new Date(at * 1000).toISOString().slice(11, stride < 60 ? 19 : 16);
    found.push(
      `<line class="grid" x1="${x}%" x2="${x}%" y1="${y}" y2="${y + 4}"/><text x="${x}%" y="${y + 16}" text-anchor="${anchor}">${clock}</text>`,
    );
  }
  return found.join('');
}

export interface Lane {
  readonly name: string;
  readonly bars: readonly {
    readonly from: number;
    readonly to: number;
    readonly level: 'violation' | 'warning';
  }[];
}

/** What happened when: a lane for each kind, over the same time as the charts. */
export function timeline(chart: {
  readonly begins: number;
  readonly seconds: number;
  readonly told: string;
  readonly lanes: readonly Lane[];
  readonly gaps: readonly Span[];
}): string {
  const { begins, seconds, lanes, gaps } = chart;
  const tall = 36;
  const whole = lanes.length * tall;
  const drawn = lanes.map(({ name, bars }, index) => {
    const seen = new Set<string>();
    const all = bars.map(({ from, to, level }) => band(level, from, to, seconds, index * tall + 20, 7));
    const once = all.filter((one) => !seen.has(one) && seen.add(one));
    return `<text x="0" y="${index * tall + 12}">${escaped(name)}</text><line class="grid" x1="0" x2="100%" y1="${index * tall + 23.5}" y2="${index * tall + 23.5}"/>${once.join('')}`;
  });
  return `<figure class="card"><figcaption>When it happened<ul class="key"><li class="violation">${escaped('✖ violation')}</li><li class="warning">${escaped('! warning')}</li></ul></figcaption>
<svg class="lanes" width="100%" height="${whole + foot}" role="img" aria-labelledby="tlt tld"><title id="tlt">When it happened</title><desc id="tld">${escaped(chart.told)}</desc>${gaps
    .map(([from, to]) => band('gapband', from, to, seconds, 0, whole))
    .join('')}${drawn.join('')}${times(begins, seconds, whole)}</svg></figure>`;
}
