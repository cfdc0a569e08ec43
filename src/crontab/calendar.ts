// Which days and minutes a schedule names, on a calendar without clock changes.
import type { Times } from './crontab.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** After 28 years days of the month meet the same weekdays again, as long as no leap year is left out (2100 is). */
export const CYCLE = 28 * 365 + 7;

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

/** A local time as milliseconds that read as that time in UTC; -1 when none is found within two cycles. */
export function nextDay(times: Times, from: number): number {
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

/** Local times (as UTC milliseconds) after `from`, at most `count`, for a clock that never jumps. */
export function walk(times: Times, from: number, count: number): number[] {
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
export function firesAt(times: Times, local: number): boolean {
  const date = new Date(local);
  return (
    times.minutes.includes(date.getUTCMinutes()) &&
    times.hours.includes(date.getUTCHours()) &&
    dayMatches(times, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())
  );
}
