// The 173 measured schedules: our verdicts, star bits and empty fields against those of Debian 12 and cronie 1.7.2.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { dayMatches } from '../../src/crontab/calendar.ts';
import type { Dialect, Times } from '../../src/crontab/crontab.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { neverFires } from '../../src/crontab/schedule.ts';

const table = readFileSync(new URL('../corpus/cron-expressions.tsv', import.meta.url), 'utf8');
const [head = '', ...lines] = table.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
const columns = head.split('\t');
const rows = lines.map((line) => {
  const cells = line.split('\t');
  const cell = (name: string) => cells[columns.indexOf(name)] ?? '';
  return {
    expr: Buffer.from(JSON.parse(cell('expr'))).toString('latin1'),
    debian: cell('debian12') === 'true',
    cronie: cell('cronie1.7.2') === 'true',
    error: cell('debian-error'),
    flags: cell('debian-flags'),
    empty: cell('empty-fields'),
  };
});

const read = (expr: string, dialect: Dialect) => parseCrontab(`${expr} x\n`, { dialect, system: false });

function times(expr: string, dialect: Dialect = 'debian'): Times {
  const line = read(expr, dialect).lines[0];
  if (line?.is !== 'entry' || line.schedule.is !== 'times') throw new Error(`${expr} is no schedule`);
  return line.schedule;
}

test('the table has its 173 rows', () => {
  expect(rows).toHaveLength(173);
});

test.each(rows)('Debian and cronie judge "$expr" as measured', ({ expr, debian, cronie }) => {
  expect(read(expr, 'debian').accepted).toBe(debian);
  expect(read(expr, 'cronie').accepted).toBe(cronie);
});

const faults = {
  minute: 'minute',
  hour: 'hour',
  day: 'day-of-month',
  month: 'month',
  weekday: 'day-of-week',
};

test.each(rows.filter((row) => !row.debian))('"$expr" is refused for "$error"', ({ expr, error }) => {
  const mark = read(expr, 'debian').lines[0]?.marks[0];
  if (mark?.code === 'bad-nickname') return expect(error).toBe('bad time specifier');
  if (mark?.code === 'star-as-command') return expect(error).toBe('bad command');
  expect(mark?.code).toBe('bad-field');
  const field = mark?.args['field'] as keyof typeof faults;
  // The x that stands for the command becomes a field of a schedule that is too short.
  expect(error).toBe(`bad ${faults[field]}`);
});

test.each(rows.filter((row) => row.debian))(
  '"$expr" has star bits "$flags" and empty fields "$empty"',
  (row) => {
    const line = read(row.expr, 'debian').lines[0];
    if (line?.is !== 'entry') throw new Error('no entry');
    if (line.schedule.is === 'reboot') return expect(row.flags).toBe('R');
    const { star, ...sets } = line.schedule;
    const flags = `${star.minute ? 'M' : ''}${star.hour ? 'H' : ''}${star.day ? 'D' : ''}${star.weekday ? 'W' : ''}`;
    expect(flags).toBe(row.flags);
    const names = {
      min: sets.minutes,
      hour: sets.hours,
      dom: sets.days,
      mon: sets.months,
      dow: sets.weekdays,
    };
    const empty = Object.entries(names).filter(([, values]) => values.length === 0);
    expect(empty.map(([name]) => name).join(',')).toBe(row.empty);
  },
);

describe('what Debian makes of what others refuse', () => {
  const all = Array.from({ length: 60 }, (_, minute) => minute);
  const fives = all.filter((minute) => minute % 5 === 0);
  test.each([
    ['1-5-7', [1, 2, 3, 4, 5]],
    ['1-5/2/3', [1, 3, 5]],
    ['*/5/2', fives],
    ['*/5.5', fives],
    ['*-5', all],
    ['*5', all],
    ['**', all],
    ['1;2', [1]],
    ['1.5', [1]],
    ['1:30', [1]],
    ['1!', [1]],
    ['0~59', [0]],
    ['5~10', [5]],
    ['10~5', [10]],
    ['4294967296', [0]],
    ['*,5', all],
    ['5,*', all],
    ['*/2,*/3', all.filter((minute) => minute % 2 === 0 || minute % 3 === 0)],
    ['1,1,1', [1]],
  ])('minute %s', (field, minutes) => {
    expect(times(`${field} * * * *`).minutes).toEqual(minutes);
  });

  test.each([
    ['0,7', [0]],
    ['5-7', [0, 5, 6]],
    ['0-7', [0, 1, 2, 3, 4, 5, 6]],
    ['*/7', [0]],
    ['1-7/2', [0, 1, 3, 5]],
    ['5#6', [5]],
    ['mon-fri/2', [1, 3, 5]],
    ['sun-0', [0]],
    ['fri-sun', []],
  ])('weekday %s', (field, weekdays) => {
    expect(times(`0 0 * * ${field}`).weekdays).toEqual(weekdays);
  });
});

/** Starts from 2026 to 2 January 2028, the span the table was measured on, minute by minute from the bitmaps. */
function starts(schedule: Times): number {
  let count = 0;
  for (let at = Date.UTC(2026, 0, 1); at <= Date.UTC(2028, 0, 2); at += 60_000) {
    const date = new Date(at);
    if (!schedule.minutes.includes(date.getUTCMinutes()) || !schedule.hours.includes(date.getUTCHours()))
      continue;
    if (dayMatches(schedule, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())) count++;
  }
  return count;
}

describe('a star in one day field makes both count', () => {
  test.each([
    ['0 0 */2 * 1', 53],
    ['0 0 */2 * 1-5', 265],
    ['0 0 1 * */2', 14],
    ['0 0 */31 * 1', 4],
    ['0 0 * * 5#3', 105],
    ['0 0 1 * 5#3', 127],
    ['0 0 1-31 * 1', 732],
    ['0 0 10,* * 1', 732],
    ['0 0 *,10 * 1', 104],
  ])('%s starts %i times in the two years', (expr, count) => {
    expect(starts(times(expr))).toBe(count);
  });
});

test.each([
  '5-1 * * * *',
  '0 0 * * fri-sun',
  '0 0 30 2 *',
  '0 0 31 2 *',
  '0 0 31 4,6,9,11 *',
  '0 0 1 nov-feb *',
])('%s never fires', (expr) => {
  expect(neverFires(times(expr))).toBe(true);
  expect(neverFires(times(expr, 'cronie'))).toBe(true);
});

test('a day no month has does not matter when the weekday alone is enough', () => {
  expect(neverFires(times('0 0 30 2 1'))).toBe(false);
  expect(neverFires(times('0 0 30 2 */2'))).toBe(true);
});
