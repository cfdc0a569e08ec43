// Changes of a zone's clock, and what cron does around them.
import { DAY, firesAt, HOUR, MINUTE } from './calendar.ts';
import type { Times } from './crontab.ts';

/** Cron catches up on a jump of the clock up to this long; a longer one it takes for a clock that was set. */
export const CATCH_UP = 3 * HOUR;

export type OffsetAt = (at: number) => number;

/** Milliseconds the zone's clock is ahead of UTC at a moment. Throws a RangeError for a zone nobody knows. */
export function offsets(zone: string | undefined): OffsetAt {
  if (zone === undefined) return (at) => -new Date(at).getTimezoneOffset() * MINUTE;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (at) => {
    const whole = Math.floor(at / MINUTE) * MINUTE;
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0] = (
      format.format(whole).match(/\d+/g) ?? []
    ).map(Number);
    return Date.UTC(year, month - 1, day, hour, minute) - whole;
  };
}

/** Is this a zone whose clock is known here? The zone of this process (undefined) is. */
export function isZone(zone: string | undefined): boolean {
  try {
    offsets(zone);
    return true;
  } catch {
    return false;
  }
}

/** No change of the clock between two moments, looked at once a week. */
export function isSteady(offsetAt: OffsetAt, from: number, to: number): boolean {
  const offset = offsetAt(from);
  for (let at = from - DAY; at < to + DAY; at += 7 * DAY) if (offsetAt(at) !== offset) return false;
  return offsetAt(to) === offset && offsetAt(to + DAY) === offset;
}

/** The hours around a jump of the clock, in which only our own walk counts; `runs` are the starts in them. */
export interface Jump {
  readonly start: number;
  readonly end: number;
  readonly runs: readonly number[];
}

function jumpAt(times: Times, moment: number, offsetAt: OffsetAt): Jump {
  const before = offsetAt(moment - MINUTE);
  const after = offsetAt(moment);
  const size = Math.abs(after - before);
  const reach = Math.max(size, CATCH_UP);
  // At a jump of just three hours back cron still waits; forward it is one minute more, and the clock counts as set.
  const caughtUp = after < before ? size <= CATCH_UP : size < CATCH_UP;
  const fixed = !times.star.minute && !times.star.hour && caughtUp;
  const runs: number[] = [];
  for (let at = moment - reach; at < moment + reach; at += MINUTE) {
    const repeated = after < before && at >= moment && at < moment + size;
    if (fixed && repeated) continue;
    let due = firesAt(times, at + (at < moment ? before : after));
    if (fixed && at === moment) {
      for (let skipped = at + before; skipped < at + after; skipped += MINUTE)
        due ||= firesAt(times, skipped);
    }
    if (due) runs.push(at);
  }
  return { start: moment - reach, end: moment + reach, runs };
}

/** The moments after `from` and up to `to` at which the zone's clock jumps; at most one a day is looked for. */
export function jumpsBetween(times: Times, from: number, to: number, offsetAt: OffsetAt): Jump[] {
  const jumps: Jump[] = [];
  for (let at = from; at < to; at += DAY) {
    let low = Math.floor(at / MINUTE);
    let high = low + DAY / MINUTE;
    const offset = offsetAt(low * MINUTE);
    if (offsetAt(high * MINUTE) === offset) continue;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (offsetAt(middle * MINUTE) === offset) low = middle;
      else high = middle;
    }
    jumps.push(jumpAt(times, high * MINUTE, offsetAt));
  }
  return jumps;
}
