// A schedule as a few plain facts, for whoever has to put it into words.

import { needsBothDays } from './calendar.ts';
import type { Schedule, Times } from './crontab.ts';
import { neverFires } from './schedule.ts';

export type Rhythm =
  | { readonly is: 'boot' }
  | { readonly is: 'never' }
  /** Every `n` minutes all day long, counted from the full hour. */
  | { readonly is: 'every-minutes'; readonly n: number }
  | { readonly is: 'hourly'; readonly minute: number }
  /** Every `n` hours, counted from midnight. */
  | { readonly is: 'every-hours'; readonly n: number; readonly minute: number }
  | { readonly is: 'daily'; readonly hour: number; readonly minute: number }
  | {
      readonly is: 'weekly';
      /** 0 is Sunday. */
      readonly weekdays: readonly number[];
      readonly hour: number;
      readonly minute: number;
    }
  | { readonly is: 'monthly'; readonly day: number; readonly hour: number; readonly minute: number }
  | {
      readonly is: 'yearly';
      readonly month: number;
      readonly day: number;
      readonly hour: number;
      readonly minute: number;
    }
  | { readonly is: 'other' };

/** The step of 0, n, 2n … up to the whole, when the values are just that and n divides it. */
function evenStep(values: readonly number[], whole: number): number | undefined {
  const step = whole / values.length;
  return Number.isInteger(step) && values.every((value, index) => value === index * step) ? step : undefined;
}

/** Which of the two day fields decide, by the day rule of crontab.md 2.4. */
function deciding(times: Times): 'none' | 'days' | 'weekdays' | 'both' {
  const everyDay = times.days.length === 31;
  const everyWeekday = times.weekdays.length === 7;
  if (!needsBothDays(times)) return everyDay || everyWeekday ? 'none' : orDeciding(times);
  if (everyDay) return everyWeekday ? 'none' : 'weekdays';
  return everyWeekday ? 'days' : 'both';
}

function orDeciding(times: Times): 'days' | 'weekdays' | 'both' {
  if (times.days.length === 0) return 'weekdays';
  return times.weekdays.length === 0 ? 'days' : 'both';
}

/** What the schedule amounts to; `other` for all that takes more than one of these shapes to say. */
export function rhythm(schedule: Schedule): Rhythm {
  if (schedule.is === 'reboot') return { is: 'boot' };
  if (neverFires(schedule)) return { is: 'never' };
  const { minutes, hours, days, months, weekdays } = schedule;
  const by = deciding(schedule);
  const [minute = 0] = minutes;
  const [hour = 0] = hours;
  const [day = 0] = days;
  const [month = 0] = months;
  if (months.length === 12 && by === 'none' && hours.length > 1) {
    const n = evenStep(minutes, 60);
    if (minutes.length > 1)
      return n !== undefined && hours.length === 24 ? { is: 'every-minutes', n } : { is: 'other' };
    if (hours.length === 24) return { is: 'hourly', minute };
    const every = evenStep(hours, 24);
    return every === undefined ? { is: 'other' } : { is: 'every-hours', n: every, minute };
  }
  if (minutes.length > 1 || hours.length > 1) return { is: 'other' };
  if (months.length === 12 && by === 'none') return { is: 'daily', hour, minute };
  if (months.length === 12 && by === 'weekdays') return { is: 'weekly', weekdays, hour, minute };
  if (by !== 'days' || days.length > 1) return { is: 'other' };
  if (months.length === 12) return { is: 'monthly', day, hour, minute };
  return months.length === 1 ? { is: 'yearly', month, day, hour, minute } : { is: 'other' };
}
