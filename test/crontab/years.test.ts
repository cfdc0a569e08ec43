// The shipped table over two years, minute by minute: nextRuns against cron's documented rule, told here once more from
// the man page (fields, day rule, clock changes) with none of the product's code.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { nextRuns } from '../../src/crontab/schedule.ts';
import { stress } from './arbitrary.ts';

const MINUTE = 60_000;
const from = Date.UTC(2026, 0, 1);
const to = Date.UTC(2028, 0, 2);

const table = readFileSync(new URL('../corpus/cron-expressions.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('"'))
  .map((line) => line.split('\t'))
  .filter(([, debian]) => debian === 'true')
  .map(([expr = '']) => String(JSON.parse(expr)))
  .filter((expr) => expr !== '@reboot');

const NAMES: Record<number, string> = {
  3: 'janfebmaraprmayjunjulaugsepoctnovdec',
  4: 'sunmontuewedthufrisat',
};
const NICKNAMES: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 1-31 * 0-6',
  '@midnight': '0 0 1-31 * 0-6',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

/** One byte for each value of a field: Debian stops at what is no part of a list. */
function bitmap(field: string, index: number): Uint8Array {
  const [low, high] = [
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 7],
  ][index] as [number, number];
  const numberOf = (word: string): number =>
    /^\d/.test(word)
      ? Number(BigInt.asUintN(32, BigInt(word)))
      : (NAMES[index] ?? '').indexOf(word.toLowerCase()) / 3 + low;
  const bits = new Uint8Array(60);
  let rest = field;
  for (;;) {
    const part = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?/.exec(rest);
    if (part === null) throw new Error(`${field} is not understood`);
    const [whole, star, first = '', last = first, step = '1'] = part;
    const [start, end] = star === undefined ? [numberOf(first), numberOf(last)] : [low, high];
    for (let value = start; value <= end; value += Number(step)) bits[value] = 1;
    rest = rest.slice(whole.length);
    if (!rest.startsWith(',')) break;
    rest = rest.slice(1);
  }
  if (index === 4 && bits[7] === 1) bits[0] = 1;
  return bits;
}

/** Minutes Berlin's clock is ahead: summer time from 01:00 UTC on the last Sunday of March to that of October. */
function ahead(at: number): number {
  const year = new Date(at).getUTCFullYear();
  const lastSunday = (month: number): number => {
    const end = new Date(Date.UTC(year, month + 1, 0, 1));
    return end.getTime() - end.getUTCDay() * 24 * 60 * MINUTE;
  };
  return at >= lastSunday(2) && at < lastSunday(9) ? 120 : 60;
}

const minutes = (to - from) / MINUTE;
/** Local minutes since 1970, for each minute of the two years. */
const clock = Int32Array.from({ length: minutes }, (_, i) => {
  const at = from + i * MINUTE;
  return at / MINUTE + (i % 60 === 0 ? ahead(at) : 0);
});
for (let i = 0; i < minutes; i++) if (i % 60 !== 0) clock[i] = (clock[i - (i % 60)] ?? 0) + (i % 60);

/** What cron starts: its virtual clock runs after the wall clock, and catches up on jumps of up to three hours. */
function model(expr: string): number[] {
  const nickname = expr.split(/[ \t]/)[0] ?? '';
  const fields = (NICKNAMES[nickname] ?? expr).trim().split(/[ \t]+/);
  const [minute, hour, day, month, weekday] = [0, 1, 2, 3, 4].map((index) =>
    bitmap(fields[index] ?? '', index),
  ) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const stars = fields.map((field) => field.startsWith('*'));
  const wild = stars[0] === true || stars[1] === true;
  const both = stars[2] === true || stars[4] === true;
  const days = new Map<number, boolean>();
  const dayFits = (local: number): boolean => {
    const number = Math.floor(local / 1440);
    const known = days.get(number);
    if (known !== undefined) return known;
    const date = new Date(number * 1440 * MINUTE);
    const byDay = day[date.getUTCDate()] === 1;
    const byWeekday = weekday[date.getUTCDay()] === 1;
    const fits = month[date.getUTCMonth() + 1] === 1 && (both ? byDay && byWeekday : byDay || byWeekday);
    days.set(number, fits);
    return fits;
  };
  const due = (local: number): boolean =>
    minute[local % 60] === 1 && hour[Math.floor(local / 60) % 24] === 1 && dayFits(local);
  const starts: number[] = [];
  let virtual = (clock[0] ?? 0) - 1;
  for (let i = 0; i < minutes; i++) {
    const now = clock[i] ?? 0;
    let started = false;
    if (now === virtual + 1) started = due(++virtual);
    else if (now > virtual) {
      started = wild && due(now);
      while (virtual < now) if (due(++virtual) && !wild) started = true;
    } else started = wild && due(now);
    if (started) starts.push(from + i * MINUTE);
  }
  return starts;
}

const changes = [Date.UTC(2026, 2, 29), Date.UTC(2026, 9, 25), Date.UTC(2027, 2, 28), Date.UTC(2027, 9, 31)];

test('the table has many schedules that Debian takes', () => {
  expect(table.length).toBeGreaterThan(90);
});

test.each(table)(
  '%s starts when cron starts it',
  async (expr) => {
    const line = parseCrontab(`${expr} x\n`, { dialect: 'debian', system: false }).lines[0];
    if (line?.is !== 'entry') throw new Error(`${expr} is no entry`);
    const expected = model(expr);
    const ask = async (after: number, count: number): Promise<void> => {
      const first = expected.findIndex((at) => at > after);
      const these = first < 0 ? [] : expected.slice(first, first + count);
      const found = await nextRuns(line.schedule, after, Math.max(1, these.length), 'Europe/Berlin');
      expect(found.filter((at) => at < to)).toEqual(these);
    };
    // Every start where they are few, and where they are many the days round the changes of the clock and some others.
    if (expected.length < 2_000) return ask(from - MINUTE, expected.length);
    const stretches = [from, ...changes, Date.UTC(2026, 5, 30), Date.UTC(2027, 1, 28)];
    for (const at of stretches) await ask(at - MINUTE, stress ? 2_500 : 500);
  },
  120_000,
);
