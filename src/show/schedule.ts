// A schedule in plain language, and times as people write them.
import type { EntryLine, Schedule } from '../crontab/crontab.ts';
import { type Days, type Rhythm, rhythm, type TimesOfDay } from '../crontab/describe.ts';

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const monthNames = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];

/** An entry's schedule in words; one with a random time of cronie is said as it is written. */
export function sayEntry(entry: Pick<EntryLine, 'schedule' | 'marks'>, written: string): string {
  const random = entry.marks.some(({ code }) => code === 'random-time');
  return random ? `at a random time (${written})` : saySchedule(entry.schedule);
}

/** "every 5 minutes from 08:00 to 18:55, Monday to Friday", "daily at 03:00", "monthly on day 1 at 03:00" … */
export function saySchedule(schedule: Schedule): string {
  const said = rhythm(schedule);
  if (said.is === 'boot') return 'at boot';
  return said.is === 'never' ? 'never' : sayTimes(said);
}

type Said = Extract<Rhythm, { is: 'times' }>;

function sayTimes({ times, days, months }: Said): string {
  const [day = 0, ...moreDays] = days.is === 'days' ? days.days : [];
  const [month = 1, ...moreMonths] = months === 'all' ? [] : months;
  const clocks = sayClocks(times);
  if (times.is === 'at' && months === 'all') {
    if (days.is === 'all') return `daily ${clocks}`;
    if (days.is === 'days' && moreDays.length === 0) return `monthly on day ${day} ${clocks}`;
    if (days.is === 'weekdays' && days.weekdays.length === 1) {
      return `${dayNames[days.weekdays[0] ?? 0]}s ${clocks}`;
    }
  }
  if (
    times.is === 'at' &&
    days.is === 'days' &&
    months !== 'all' &&
    moreDays.length + moreMonths.length === 0
  ) {
    return `yearly on ${day} ${monthNames[month - 1]} ${clocks}`;
  }
  const parts = [clocks, sayDays(days, times.is === 'at')];
  if (months !== 'all') parts.push(`in ${sayList(months, (one) => monthNames[one - 1] ?? '')}`);
  return parts.filter((part) => part !== '').join(', ');
}

function sayClocks(times: TimesOfDay): string {
  switch (times.is) {
    case 'at':
      return `at ${inWords(times.times.map(clock))}`;
    case 'every-minutes': {
      const every = times.n === 1 ? 'every minute' : `every ${times.n} minutes`;
      return times.span === 'all-day' ? every : `${every} ${fromTo(times.span)}`;
    }
    case 'every-hours': {
      if (times.span !== 'all-day') {
        return `${times.n === 1 ? 'hourly' : `every ${times.n} hours`} ${fromTo(times.span)}`;
      }
      return `${times.n === 1 ? 'hourly' : `every ${times.n} hours`} at minute ${times.minute}`;
    }
    case 'minutes-of-hours': {
      const { minutes, every, hours } = times;
      const of =
        hours === 'all' ? 'every hour' : `${hours.length === 1 ? 'hour' : 'hours'} ${sayList(hours, String)}`;
      if (every === 'none') {
        return `at ${minutes.length === 1 ? 'minute' : 'minutes'} ${sayList(minutes, String)} of ${of}`;
      }
      return `${every === 1 ? 'every minute' : `every ${every} minutes`} of ${of}`;
    }
  }
}

const fromTo = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  `from ${clock(from)} to ${clock(to)}`;

function sayDays(days: Days, daily: boolean): string {
  switch (days.is) {
    case 'all':
      return daily ? 'daily' : '';
    case 'weekdays':
      return sayWeekdays(days.weekdays);
    case 'days':
      return `on ${sayDates(days.days)} of the month`;
    case 'either':
      return `on ${sayDates(days.days)} of the month and also on ${sayWeekdays(days.weekdays)}`;
    case 'both':
      return `on ${sayDates(days.days)} of the month if that is ${sayWeekdays(days.weekdays, 'or')}`;
  }
}

const sayDates = (days: readonly number[]): string =>
  `${days.length === 1 ? 'day' : 'days'} ${sayList(days, String)}`;

/** Begins on Monday: 6 and 0 are "Saturday and Sunday". */
function sayWeekdays(weekdays: readonly number[], word = 'and'): string {
  const fromMonday = weekdays.map((day) => (day + 6) % 7).sort((one, other) => one - other);
  return sayList(fromMonday, (day) => dayNames[(day + 1) % 7] ?? '', word);
}

/** "1 to 5, 7 and 9": three in a row and more become a range. */
function sayList(values: readonly number[], name: (value: number) => string, word = 'and'): string {
  const parts: string[] = [];
  for (let index = 0; index < values.length; ) {
    const first = values[index] ?? 0;
    let length = 1;
    while (values[index + length] === first + length) length++;
    if (length < 3) length = 1;
    parts.push(length === 1 ? name(first) : `${name(first)} to ${name(first + length - 1)}`);
    index += length;
  }
  return inWords(parts, word);
}

function inWords(parts: readonly string[], word = 'and'): string {
  const last = parts[parts.length - 1] ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} ${word} ${last}`;
}

function clock(minuteOfDay: number): string {
  const [hour, minute] = [Math.floor(minuteOfDay / 60), minuteOfDay % 60];
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/** 95 → "1 min 35 s". */
export function sayDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}
