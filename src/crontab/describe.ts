// A schedule as a few plain facts, for whoever has to put it into words. Clock changes are left out.
import { needsBothDays } from './calendar.ts';
import type { Schedule, Times } from './crontab.ts';
import { neverFires } from './schedule.ts';

/** Minutes since midnight. */
type MinuteOfDay = number;

/** When on a day that counts. */
export type TimesOfDay =
  /** From one minute of the day to another (both start something), every `n` minutes; all day long for whole days. */
  | { readonly is: 'every-minutes'; readonly n: number; readonly span: Stretch | 'all-day' }
  /** Every `n` hours at one minute; `all-day`: from the first hour to the last. */
  | {
      readonly is: 'every-hours';
      readonly n: number;
      readonly minute: number;
      readonly span: Stretch | 'all-day';
    }
  | { readonly is: 'at'; readonly times: readonly MinuteOfDay[] }
  | {
      readonly is: 'minutes-of-hours';
      readonly minutes: readonly number[];
      /** The step, where the minutes are 0, n, 2n … up to the hour and more than two. */
      readonly every: number | 'none';
      readonly hours: readonly number[] | 'all';
    };

interface Stretch {
  readonly from: MinuteOfDay;
  readonly to: MinuteOfDay;
}

/** Which days count, by the day rule of crontab.md 2.4. */
export type Days =
  | { readonly is: 'all' }
  | { readonly is: 'days'; readonly days: readonly number[] }
  /** 0 is Sunday. */
  | { readonly is: 'weekdays'; readonly weekdays: readonly number[] }
  | {
      readonly is: 'either' | 'both';
      readonly days: readonly number[];
      readonly weekdays: readonly number[];
    };

export type Rhythm =
  | { readonly is: 'boot' }
  | { readonly is: 'never' }
  | {
      readonly is: 'times';
      readonly times: TimesOfDay;
      readonly days: Days;
      /** 1 is January. */
      readonly months: readonly number[] | 'all';
    };

/** What a schedule amounts to. Two that start something at other moments never amount to the same. */
export function rhythm(schedule: Schedule): Rhythm {
  if (schedule.is === 'reboot') return { is: 'boot' };
  if (neverFires(schedule)) return { is: 'never' };
  return {
    is: 'times',
    times: timesOfDay(schedule.minutes, schedule.hours),
    days: deciding(schedule),
    months: schedule.months.length === 12 ? 'all' : schedule.months,
  };
}

/** As many clock times as are read at a glance. */
const FEW = 6;

function timesOfDay(minutes: readonly number[], hours: readonly number[]): TimesOfDay {
  const allDay = hours.length === 24;
  const every = evenStep(minutes, 60);
  const [hour = 0] = hours;
  const [minute = 0] = minutes;
  const last = hours[hours.length - 1] ?? hour;
  const hourStep = progression(hours);
  if (minutes.length === 1) {
    const few = hours.length <= (hourStep === undefined ? FEW : 3);
    if (few) return { is: 'at', times: hours.map((one) => one * 60 + minute) };
    if (hourStep !== undefined) {
      const whole = hour === 0 && last + hourStep === 24;
      const span = whole ? 'all-day' : { from: hour * 60 + minute, to: last * 60 + minute };
      return { is: 'every-hours', n: hourStep, minute, span };
    }
  }
  if (every !== undefined && minutes.length > 2 && hourStep === 1) {
    const span = allDay ? 'all-day' : { from: hour * 60, to: last * 60 + 60 - every };
    return { is: 'every-minutes', n: every, span };
  }
  if (every === 30 && allDay) return { is: 'every-minutes', n: 30, span: 'all-day' };
  if (minutes.length * hours.length <= FEW) {
    return { is: 'at', times: hours.flatMap((one) => minutes.map((other) => one * 60 + other)) };
  }
  if (every === 30 && hourStep === 1) {
    return { is: 'every-minutes', n: 30, span: { from: hour * 60, to: last * 60 + 30 } };
  }
  return {
    is: 'minutes-of-hours',
    minutes,
    every: every !== undefined && minutes.length > 2 ? every : 'none',
    hours: allDay ? 'all' : hours,
  };
}

/** The step of 0, n, 2n … up to the whole, when the values are just that and n divides it. */
function evenStep(values: readonly number[], whole: number): number | undefined {
  const step = whole / values.length;
  if (values.length < 2 || !Number.isInteger(step)) return undefined;
  return values.every((value, index) => value === index * step) ? step : undefined;
}

/** The step from each value to the next, where it is always the same; 1 for a value that stands alone. */
function progression(values: readonly number[]): number | undefined {
  const step = values.length < 2 ? 1 : (values[1] ?? 0) - (values[0] ?? 0);
  return values.every((value, index) => value === (values[0] ?? 0) + index * step) ? step : undefined;
}

function deciding({ days, weekdays, ...times }: Times): Days {
  const everyDay = days.length === 31;
  const everyWeekday = weekdays.length === 7;
  if (needsBothDays({ days, weekdays, ...times })) {
    if (everyDay) return everyWeekday ? { is: 'all' } : { is: 'weekdays', weekdays };
    return everyWeekday ? { is: 'days', days } : { is: 'both', days, weekdays };
  }
  if (everyDay || everyWeekday) return { is: 'all' };
  if (days.length === 0) return { is: 'weekdays', weekdays };
  return weekdays.length === 0 ? { is: 'days', days } : { is: 'either', days, weekdays };
}
