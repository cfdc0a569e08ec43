// When a schedule fires: its shortest gap, whether it ever fires, and its next runs with cron's treatment of DST.
import type { Schedule, Times } from './crontab.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Most days each month can have, January first. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** After 28 years days of the month meet the same weekdays again, as long as no leap year is left out (2100 is). */
const CYCLE = 28 * 365 + 7;
const CYCLE_START = Date.UTC(2000, 0, 1);
/** Cron catches up on a jump of the clock up to this long; a longer one it takes for a clock that was set. */
const CATCH_UP = 3 * HOUR;

/** Cron's day rule: with a `*` at the start of either day field both must match, else one is enough (crontab.md 2.4). */
export function needsBothDays(times: Times): boolean {
  return times.star.day || times.star.weekday;
}

/** Does the schedule start something on this day? `month` from 1, `weekday` from 0 for Sunday. */
export function dayMatches(times: Times, month: number, day: number, weekday: number): boolean {
  if (!times.months.includes(month)) return false;
  const byDay = times.days.includes(day);
  const byWeekday = times.weekdays.includes(weekday);
  return needsBothDays(times) ? byDay && byWeekday : byDay || byWeekday;
}

/** True when no moment can match: an empty field, or only days that no month has. `@reboot` does fire. */
export function neverFires(schedule: Schedule): boolean {
  if (schedule.is === 'reboot') return false;
  const { minutes, hours, days, months, weekdays } = schedule;
  if (minutes.length === 0 || hours.length === 0 || months.length === 0) return true;
  const first = days[0];
  const possible = first !== undefined && months.some((month) => first <= (LONGEST[month - 1] ?? 0));
  // Over the years every possible date falls on every day of the week, the 29th of February too.
  return needsBothDays(schedule) ? !possible || weekdays.length === 0 : !possible && weekdays.length === 0;
}

/** A local time as milliseconds that read as that time in UTC; -1 when none is found within two cycles. */
function nextDay(times: Times, from: number): number {
  for (let at = from, tries = 0; tries < 2 * CYCLE; at += DAY, tries++) {
    const date = new Date(at);
    if (dayMatches(times, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())) return at;
  }
  return -1;
}

/** Minutes of the day at which it fires, sorted. */
function minutesOfDay(times: Times): number[] {
  return times.hours.flatMap((hour) => times.minutes.map((minute) => hour * 60 + minute));
}

/**
 * The shortest time in seconds between two starts, clock changes left out; `never` when it does not fire, `boot`
 * for `@reboot`. Looked up over 28 years, in which the calendar repeats.
 */
export function shortestGap(schedule: Schedule): number | 'never' | 'boot' {
  if (schedule.is === 'reboot') return 'boot';
  if (neverFires(schedule)) return 'never';
  const starts = minutesOfDay(schedule);
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < starts.length; i++) gap = Math.min(gap, (starts[i] ?? 0) - (starts[i - 1] ?? 0));
  const overnight = (starts[0] ?? 0) - (starts[starts.length - 1] ?? 0);
  const end = CYCLE_START + 2 * CYCLE * DAY;
  let day = nextDay(schedule, CYCLE_START);
  let nights = Number.POSITIVE_INFINITY;
  // Two days in a row is as short as it gets, so most schedules are through after a few steps.
  while (nights > 1 && day >= 0 && day < end) {
    const next = nextDay(schedule, day + DAY);
    if (next >= 0) nights = Math.min(nights, (next - day) / DAY);
    day = next;
  }
  return Math.min(gap, nights * 1440 + overnight) * 60;
}

/** Local times (as UTC milliseconds) after `from`, at most `count`, for a clock that never jumps. */
function walk(times: Times, from: number, count: number): number[] {
  const starts = minutesOfDay(times);
  const found: number[] = [];
  let day = nextDay(times, Math.floor(from / DAY) * DAY);
  while (day >= 0) {
    for (const minute of starts) {
      const at = day + minute * MINUTE;
      if (at > from) found.push(at);
      if (found.length >= count) return found;
    }
    day = nextDay(times, day + DAY);
  }
  return found;
}

/** Does it fire at this local time (as UTC milliseconds)? */
function firesAt(times: Times, local: number): boolean {
  const date = new Date(local);
  return (
    times.minutes.includes(date.getUTCMinutes()) &&
    times.hours.includes(date.getUTCHours()) &&
    dayMatches(times, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())
  );
}

type OffsetAt = (at: number) => number;

/** Milliseconds the zone's clock is ahead of UTC at a moment. Throws a RangeError for a zone nobody knows. */
function offsets(zone: string | undefined): OffsetAt {
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

/** No change of the clock between two moments, looked at once a week. */
function isSteady(offsetAt: OffsetAt, from: number, to: number): boolean {
  const offset = offsetAt(from);
  for (let at = from - DAY; at < to + DAY; at += 7 * DAY) if (offsetAt(at) !== offset) return false;
  return offsetAt(to) === offset && offsetAt(to + DAY) === offset;
}

/**
 * The next starts after `from`, as milliseconds since 1970, at most `count`; none for `@reboot`.
 *
 * Cron's rules for a clock that jumps by up to three hours (crontab.md 2.4): where the minute or hour field starts
 * with `*` the job follows the wall clock. Any other job of a skipped hour starts right after the jump (once here,
 * however many starts fell into the hole), and does not start again when an hour is repeated.
 *
 * @param zone IANA name; undefined for the zone of this process
 */
export async function nextRuns(
  schedule: Schedule,
  from: number,
  count: number,
  zone: string | undefined,
): Promise<number[]> {
  if (schedule.is === 'reboot' || count < 1 || neverFires(schedule)) return [];
  const offsetAt = offsets(zone);
  const offset = offsetAt(from);
  const runs = walk(schedule, from + offset, count).map((local) => local - offset);
  const last = runs[runs.length - 1];
  if (last === undefined || isSteady(offsetAt, from, last)) return runs;
  return walkZone(schedule, from, count, zone, offsetAt);
}

/** Around a jump of the clock cron has rules of its own; `runs` are the starts in it, from `start` up to `end`. */
interface Jump {
  readonly start: number;
  readonly end: number;
  readonly runs: readonly number[];
}

function jumpAt(times: Times, moment: number, offsetAt: OffsetAt): Jump {
  const before = offsetAt(moment - MINUTE);
  const after = offsetAt(moment);
  const size = Math.abs(after - before);
  const wild = times.star.minute || times.star.hour;
  const caughtUp = !wild && size <= CATCH_UP;
  const runs: number[] = [];
  if (after > before) {
    let due = firesAt(times, moment + after);
    if (caughtUp) for (let t = moment + before; t < moment + after; t += MINUTE) due ||= firesAt(times, t);
    if (due) runs.push(moment);
    return { start: moment, end: moment + MINUTE, runs };
  }
  for (let at = moment - size; at < moment + size; at += MINUTE) {
    const again = at >= moment;
    if (!(again && caughtUp) && firesAt(times, at + (again ? after : before))) runs.push(at);
  }
  return { start: moment - size, end: moment + size, runs };
}

/** The moments after `from` and up to `to` at which the zone's clock jumps; at most one a day is looked for. */
function jumpsBetween(times: Times, from: number, to: number, offsetAt: OffsetAt): Jump[] {
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

/** The bitmaps as an expression every value of which is named. The AND of the day fields is left to the caller. */
function expression(times: Times): string {
  const both = needsBothDays(times);
  const allDays = times.days.length === 31;
  const allWeekdays = times.weekdays.length === 7;
  // One day field that matches every day makes an OR match every day.
  const everyDay = !both && (allDays || allWeekdays);
  const days = everyDay || allDays || times.days.length === 0 ? '*' : times.days.join(',');
  // For an AND only the days of the month are handed over: cron-parser would OR the two.
  const weekdays =
    everyDay || allWeekdays || (both && days !== '*') || times.weekdays.length === 0
      ? '*'
      : times.weekdays.join(',');
  return `${times.minutes.join(',')} ${times.hours.join(',')} ${days} ${times.months.join(',')} ${weekdays}`;
}

/** cron-parser walks the zone's calendar; its answers count where our bitmaps agree and the clock does not jump. */
async function walkZone(
  times: Times,
  from: number,
  count: number,
  zone: string | undefined,
  offsetAt: OffsetAt,
): Promise<number[]> {
  const { CronExpressionParser } = await import('cron-parser');
  const dates = CronExpressionParser.parse(expression(times), {
    currentDate: new Date(from),
    ...(zone === undefined ? {} : { tz: zone }),
  });
  const runs: number[] = [];
  const jumps: Jump[] = [];
  let scanned = Math.floor(from / MINUTE) * MINUTE - 2 * DAY;
  while (runs.length < count) {
    const at = dates.next().getTime();
    const ahead = at + DAY;
    if (ahead > scanned) {
      jumps.push(...jumpsBetween(times, scanned, ahead, offsetAt));
      scanned += Math.ceil((ahead - scanned) / DAY) * DAY;
    }
    for (let jump = jumps[0]; jump !== undefined && jump.end <= at; jump = jumps[0]) {
      runs.push(...jump.runs.filter((run) => run > from));
      jumps.shift();
    }
    const local = at + offsetAt(at);
    const jump = jumps[0];
    if (jump !== undefined && at >= jump.start) continue;
    if (firesAt(times, local)) runs.push(at);
    else {
      // The other day field says no to this day: go on near its end, not minute by minute.
      const left = DAY - (local % DAY) - CATCH_UP;
      if (left > 0) dates.reset(new Date(at + left));
    }
  }
  return runs.slice(0, count);
}
