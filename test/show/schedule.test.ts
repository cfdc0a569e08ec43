// Schedules in plain language: a table of sentences, and a reader that gets each schedule back out of its sentence.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dialect, EntryLine, Times } from '../../src/crontab/crontab.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { neverFires } from '../../src/crontab/schedule.ts';
import { sayEntry, saySchedule } from '../../src/show/schedule.ts';
import { runs } from '../crontab/arbitrary.ts';

function entry(expr: string, dialect: Dialect = 'debian'): EntryLine {
  const line = parseCrontab(`${expr} x\n`, { dialect, system: false }).lines[0];
  if (line?.is !== 'entry') throw new Error(`${expr} is no entry`);
  return line;
}

describe('in words', () => {
  test.each([
    ['@reboot', 'at boot'],
    ['5-1 * * * *', 'never'],
    ['* * * * *', 'every minute'],
    ['*/2 * * * *', 'every 2 minutes'],
    ['0,30 * * * *', 'every 30 minutes'],
    ['*/5 8-18 * * 1-5', 'every 5 minutes from 08:00 to 18:55, Monday to Friday'],
    ['* 2 * * *', 'every minute from 02:00 to 02:59'],
    ['*/15 1,4,6 * * *', 'every 15 minutes of hours 1, 4 and 6'],
    ['0,30 6-22 * * *', 'every 30 minutes from 06:00 to 22:30'],
    ['*/7 * * * *', 'at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour'],
    ['0-10,30 1-9/4 * * *', 'at minutes 0 to 10 and 30 of hours 1, 5 and 9'],
    ['5 * * * *', 'hourly at minute 5'],
    ['@hourly', 'hourly at minute 0'],
    ['5 */6 * * *', 'every 6 hours at minute 5'],
    ['15 8-18 * * *', 'hourly from 08:15 to 18:15'],
    ['15 1-23/2 * * *', 'every 2 hours from 01:15 to 23:15'],
    ['5 1,3 * * *', 'daily at 01:05 and 03:05'],
    ['0,15 6,18 * * *', 'daily at 06:00, 06:15, 18:00 and 18:15'],
    ['30 4 * * *', 'daily at 04:30'],
    ['@midnight', 'daily at 00:00'],
    ['30 4 1-31 * 1', 'daily at 04:30'],
    ['30 4 * * 1-5', 'at 04:30, Monday to Friday'],
    ['30 4 * * 6,0', 'at 04:30, Saturday and Sunday'],
    ['30 4 * * fri,sat,sun,1', 'at 04:30, Monday and Friday to Sunday'],
    ['@weekly', 'Sundays at 00:00'],
    ['0 0,12 31-1 * 1', 'Mondays at 00:00 and 12:00'],
    ['@monthly', 'monthly on day 1 at 00:00'],
    ['0 0 1,15 * *', 'at 00:00, on days 1 and 15 of the month'],
    ['@yearly', 'yearly on 1 January at 00:00'],
    ['0 0 29 2 *', 'yearly on 29 February at 00:00'],
    ['0 3 * 1-3,7 *', 'at 03:00, daily, in January to March and July'],
    ['*/10 * * 12 *', 'every 10 minutes, in December'],
    ['0 0 1 * 1', 'at 00:00, on day 1 of the month and also on Monday'],
    [
      '0 0 */2 * 1',
      'at 00:00, on days 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29 and 31 of the month if that is Monday',
    ],
    ['0 4 1-7 3 */6', 'at 04:00, on days 1 to 7 of the month if that is Saturday or Sunday, in March'],
  ])('%s: %s', (expr, sentence) => {
    expect(saySchedule(entry(expr).schedule)).toBe(sentence);
  });

  test('a random time of cronie is said as it is written, and its first number on Debian', () => {
    expect(sayEntry(entry('5~10 3 * * *', 'cronie'), '5~10 3 * * *')).toBe('at a random time (5~10 3 * * *)');
    expect(sayEntry(entry('5~10 3 * * *'), '5~10 3 * * *')).toBe('daily at 03:05');
  });
});

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);

/** Every minute of the day, and every kind of day (month, date, weekday), at which something starts. */
interface Meaning {
  readonly clocks: readonly number[];
  readonly days: readonly string[];
}

const LENGTHS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysThat(counts: (month: number, day: number, weekday: number) => boolean): string[] {
  const found: string[] = [];
  for (let month = 1; month <= 12; month++)
    for (let day = 1; day <= (LENGTHS[month - 1] ?? 0); day++)
      for (let weekday = 0; weekday < 7; weekday++)
        if (counts(month, day, weekday)) found.push(`${month}-${day}-${weekday}`);
  return found;
}

function meaningOf({ minutes, hours, days, months, weekdays, star }: Times): Meaning {
  const clocks = hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
  return {
    clocks,
    days: daysThat((month, day, weekday) => {
      const [byDay, byWeekday] = [days.includes(day), weekdays.includes(weekday)];
      return months.includes(month) && (star.day || star.weekday ? byDay && byWeekday : byDay || byWeekday);
    }),
  };
}

const WORD = '[A-Z][a-z]+';
const listOf = (item: string): string =>
  `${item}(?: to ${item})?(?:(?:, | and | or )${item}(?: to ${item})?)*`;
const NUMBERS = listOf('\\d+');
const NAMES = listOf(WORD);
const CLOCK = '\\d\\d:\\d\\d';

function numbers(list: string, numberOf: (word: string) => number = Number, round = 0): number[] {
  return list.split(/, | and | or /).flatMap((part) => {
    const [first = '', last = first] = part.split(' to ');
    const found: number[] = [];
    for (let value = numberOf(first); ; value = round > 0 ? (value + 1) % round : value + 1) {
      found.push(value);
      if (value === numberOf(last)) return found;
    }
  });
}

const minuteOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3));
const weekdaysOf = (list: string): number[] => numbers(list, (name) => DAYS.indexOf(name), 7);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, value) => value);

/** What somebody who reads the sentence expects. */
function readSentence(sentence: string): Meaning {
  let rest = sentence;
  const take = (pattern: string): RegExpExecArray | null => {
    const found = new RegExp(`^(?:${pattern})`).exec(rest);
    if (found !== null) rest = rest.slice(found[0].length);
    return found;
  };
  let day: (month: number, day: number, weekday: number) => boolean = () => true;
  let months = upTo(13);
  let found = take(`(?:daily|monthly on day (\\d+)|(${WORD})s|yearly on (\\d+) (${WORD})) (?=at \\d\\d:)`);
  if (found !== null) {
    const [, date, weekday, yearDay, month] = found;
    if (date !== undefined) day = (_, one) => one === Number(date);
    if (weekday !== undefined) day = (_, __, one) => one === DAYS.indexOf(weekday);
    if (yearDay !== undefined && month !== undefined) {
      day = (one, two) => one === MONTHS.indexOf(month) + 1 && two === Number(yearDay);
    }
  }
  const clocks = readClocks(take);
  if (take(', daily') === null) {
    found = take(`, on days? (${NUMBERS}) of the month(?:( and also on | if that is )(${NAMES}))?`);
    if (found !== null) {
      const [, dates = '', joint, names = ''] = found;
      const [byDate, byWeekday] = [numbers(dates), joint === undefined ? [] : weekdaysOf(names)];
      day = (_, date, weekday) => {
        if (joint === ' if that is ') return byDate.includes(date) && byWeekday.includes(weekday);
        return byDate.includes(date) || byWeekday.includes(weekday);
      };
    } else {
      found = take(`, (?!in )(${NAMES})`);
      const byWeekday = found === null ? upTo(7) : weekdaysOf(found[1] ?? '');
      if (found !== null) day = (_, __, weekday) => byWeekday.includes(weekday);
    }
  }
  found = take(`, in (${NAMES})`);
  if (found !== null) months = numbers(found[1] ?? '', (name) => MONTHS.indexOf(name) + 1);
  if (rest !== '') throw new Error(`"${rest}" of "${sentence}" is not understood`);
  return {
    clocks,
    days: daysThat((month, date, weekday) => months.includes(month) && day(month, date, weekday)),
  };
}

function readClocks(take: (pattern: string) => RegExpExecArray | null): number[] {
  let found = take(`at (${CLOCK}(?:(?:, | and )${CLOCK})*)`);
  if (found !== null) return (found[1] ?? '').split(/, | and /).map(minuteOf);
  found = take(`(?:hourly|every (\\d+) hours) (?:at minute (\\d+)|from (${CLOCK}) to (${CLOCK}))`);
  if (found !== null) {
    const [, step = '1', minute, from = '00:00', to = '23:59'] = found;
    const start = minuteOf(from) + Number(minute ?? 0);
    return upTo(1440).filter(
      (at) => at >= start && at <= minuteOf(to) && (at - start) % (Number(step) * 60) === 0,
    );
  }
  const of = `of (?:every hour|hours? (${NUMBERS}))`;
  found = take(`at minutes? (${NUMBERS}) ${of}`);
  const ofHours = (minutes: number[], hours: string | undefined): number[] =>
    (hours === undefined ? upTo(24) : numbers(hours)).flatMap((hour) =>
      minutes.map((minute) => hour * 60 + minute),
    );
  if (found !== null) return ofHours(numbers(found[1] ?? ''), found[2]);
  found = take(`every (?:minute|(\\d+) minutes) ${of}`);
  const each = (step: string | undefined, whole: number): number[] =>
    upTo(whole).filter((minute) => minute % Number(step ?? 1) === 0);
  if (found !== null) return ofHours(each(found[1], 60), found[2]);
  found = take(`every (?:minute|(\\d+) minutes)(?: from (${CLOCK}) to (${CLOCK}))?`);
  if (found === null) throw new Error('no times');
  const [, step, from = '00:00', to = '23:59'] = found;
  return each(step, 1440).filter((at) => at >= minuteOf(from) && at <= minuteOf(to));
}

const field = (low: number, high: number): fc.Arbitrary<string> => {
  const value = fc.integer({ min: low, max: high });
  const range = fc.tuple(value, value).map((two) => `${Math.min(...two)}-${Math.max(...two)}`);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: value.map(String) },
    { weight: 2, arbitrary: range },
    { weight: 2, arbitrary: fc.integer({ min: 2, max: 30 }).map((step) => `*/${step}`) },
    { weight: 1, arbitrary: fc.tuple(range, fc.integer({ min: 2, max: 8 })).map((parts) => parts.join('/')) },
    {
      weight: 2,
      arbitrary: fc.array(fc.oneof(value.map(String), range), { minLength: 2, maxLength: 4 }).map(String),
    },
  );
};
const expression = fc
  .tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7))
  .map((fields) => fields.join(' '));

describe('any schedule', () => {
  test('is got back out of its sentence: none is wrong, and none stands for two', () => {
    const said = new Map<string, string>();
    fc.assert(
      fc.property(expression, (expr) => {
        const { schedule } = entry(expr);
        if (schedule.is === 'reboot' || neverFires(schedule)) return;
        const sentence = saySchedule(schedule);
        const meaning = meaningOf(schedule);
        expect(readSentence(sentence)).toEqual(meaning);
        const same = JSON.stringify(meaning);
        expect(said.get(sentence) ?? same).toBe(same);
        said.set(sentence, same);
      }),
      runs(1_500, 30_000),
    );
    expect(said.size).toBeGreaterThan(300);
  }, 300_000);
});
