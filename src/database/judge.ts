// What samples of a database come to: refusals by log and counters, and whether the peak leaves room and does not rise.
import { type Limit, leavesRoom } from './limits.ts';
import { type Interval, provenBy } from './refusals.ts';

/** An answer with its reason as a code; the verdict's words are made in show/. */
export interface Judged {
  readonly is: 'pass' | 'warn' | 'fail' | 'inconclusive' | 'skip';
  readonly because: string;
  readonly args: Readonly<Record<string, string | number>>;
}

/**
 * No refusal since the deployment? The worker's own log convicts, counters of the whole server only acquit: they are
 * everybody's. `log` is 'unknown' where the worker has none that can be read.
 */
export function judgeRefusals(log: number | 'unknown', interval: Interval | 'unknown'): Judged {
  const say = (is: Judged['is'], because: string, args: Judged['args'] = {}): Judged => ({
    is,
    because,
    args,
  });
  if (log !== 'unknown' && log > 0) return say('fail', 'in-log', { count: log });
  if (interval === 'unknown') return say('inconclusive', 'no-counters');
  if (interval.is === 'reset') return say('inconclusive', 'counters-reset');
  const { low, high, full } = interval;
  switch (provenBy(interval)) {
    case 'none':
      return say('pass', 'none');
    case 'some':
      return say('warn', 'somebody', { low, high, full });
    default:
      return say('inconclusive', 'unclear', { low, high });
  }
}

/** One look at the account while the runs were watched. */
export interface Sample {
  /** Seconds since the first one. */
  readonly at: number;
  /** Connections of the account, ours left out; 'refused' when it was full just then. */
  readonly used: number | 'refused';
}

/** Below 60 % of the limit at the highest, and not rising? */
export function judgePeak(samples: readonly Sample[], limit: Limit | undefined): Judged {
  const refused = samples.filter((one) => one.used === 'refused').length;
  const points = samples.flatMap(({ at, used }) => (used === 'refused' ? [] : [{ at, used }]));
  // Nobody told us the limit, but each look that was refused has met it.
  if (limit === undefined && refused > 0) return { is: 'fail', because: 'full', args: { refused } };
  if (limit === undefined || samples.length === 0)
    return { is: 'inconclusive', because: 'no-samples', args: {} };
  const peak = refused > 0 ? limit.connections : Math.max(0, ...points.map((one) => one.used));
  const share = limit.connections === 0 ? 100 : Math.round((100 * peak) / limit.connections);
  const args = { peak, limit: limit.connections, share, samples: samples.length, refused };
  if (limit.is === 'administrators-only') return { is: 'fail', because: 'administrators-only', args };
  if (!leavesRoom(peak, limit.connections)) return { is: 'fail', because: 'too-high', args };
  const slope = slopeOf(points);
  const [first, last] = [median(third(points, 0)), median(third(points, 2))];
  if (last > first + 1) return { is: 'fail', because: 'rising', args: { ...args, first, last } };
  // A worker that comes and goes swings by one: a slope counts when it is more than such a swing makes by chance.
  if (slope.perMinute - 2 * slope.error > 0.1)
    return {
      is: 'fail',
      because: 'rising-slowly',
      args: { ...args, slope: Math.round(slope.perMinute * 100) / 100 },
    };
  if (limit.is === 'server') return { is: 'warn', because: 'no-limit', args };
  return { is: 'pass', because: 'room', args };
}

type Point = { readonly at: number; readonly used: number };

function third(points: readonly Point[], which: 0 | 2): number[] {
  const size = Math.max(1, Math.floor(points.length / 3));
  const part = which === 0 ? points.slice(0, size) : points.slice(-size);
  return part.map((one) => one.used);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Least squares, per minute, with its standard error. Of fewer than a minute's samples no trend is made. */
function slopeOf(points: readonly Point[]): { perMinute: number; error: number } {
  const n = points.length;
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (n < 6 || span < 60) return { perMinute: 0, error: 0 };
  const mean = (pick: (one: Point) => number): number => points.reduce((sum, one) => sum + pick(one), 0) / n;
  const [x, y] = [mean((one) => one.at / 60), mean((one) => one.used)];
  const spread = points.reduce((sum, one) => sum + (one.at / 60 - x) ** 2, 0);
  const perMinute = points.reduce((sum, one) => sum + (one.at / 60 - x) * (one.used - y), 0) / spread;
  const rest = points.reduce((sum, one) => sum + (one.used - y - perMinute * (one.at / 60 - x)) ** 2, 0);
  return { perMinute, error: Math.sqrt(rest / (n - 2) / spread) };
}
