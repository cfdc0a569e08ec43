// When schedules fire: gaps, and the next runs across clock changes against a minute-by-minute model of cron's loop.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayMatches } from '../../src/crontab/calendar.ts';
import type { Schedule, Times } from '../../src/crontab/crontab.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { nextRuns, shortestGap } from '../../src/crontab/schedule.ts';
import { runs } from './arbitrary.ts';

function schedule(expr: string): Schedule {
  const line = parseCrontab(`${expr} x\n`, { dialect: 'debian', system: false }).lines[0];
  if (line?.is !== 'entry') throw new Error(`${expr} is no entry`);
  return line.schedule;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

async function next(expr: string, from: string, count: number, zone = 'Europe/Berlin'): Promise<string[]> {
  const found = await nextRuns(schedule(expr), Date.parse(from), count, zone);
  return found.map((at) => new Date(at).toISOString().slice(5, 16));
}

const list = (low: number, high: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 2, arbitrary: fc.integer({ min: low, max: high }).map(String) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 9 }).map((step) => `*/${step}`) },
    {
      weight: 1,
      arbitrary: fc
        .uniqueArray(fc.integer({ min: low, max: high }), { minLength: 1, maxLength: 4 })
        .map(String),
    },
    { weight: 1, arbitrary: fc.constant(`${low}-${high}`) },
    { weight: 1, arbitrary: fc.constant(`${high}-${low}`) },
  );
const hours = fc.oneof(fc.constantFrom('1', '2', '2-3', '1,2,3', '*', '0-3'), list(0, 23));
const expression = fc
  .tuple(list(0, 59), hours, list(1, 31), fc.oneof(fc.constant('*'), list(1, 12)), list(0, 6))
  .map((fields) => fields.join(' '));

describe('the shortest gap', () => {
  test.each([
    ['* * * * *', 60],
    ['*/2 * * * *', 120],
    ['*/7 * * * *', 240],
    ['5,7 * * * *', 120],
    ['0 * * * *', 3_600],
    ['0 23,0 * * *', 3_600],
    ['59 23 * * *', 86_400],
    ['0 0 * * 1', 604_800],
    ['0 0 * * 5,0', 172_800],
    ['0 0 1,31 * *', 86_400],
    ['0,59 0,23 1,31 * *', 60],
    ['@monthly', 28 * 86_400],
    ['@yearly', 365 * 86_400],
    ['0 0 29 2 *', 1_461 * 86_400],
    ['0 0 */2 * 1', 7 * 86_400],
    ['@reboot', 'boot'],
    ['5-1 * * * *', 'never'],
    ['0 0 30 2 *', 'never'],
  ])('of %s is %s seconds', (expr, gap) => {
    expect(shortestGap(schedule(expr))).toBe(gap);
  });
});

test('the shortest gap is the least between any two starts in 28 years', () => {
  fc.assert(
    fc.property(expression, (expr) => {
      const times = schedule(expr);
      if (times.is === 'reboot') return;
      const clocks = times.hours.flatMap((hour) => times.minutes.map((minute) => hour * 60 + minute));
      let least = Number.POSITIVE_INFINITY;
      let last = Number.NEGATIVE_INFINITY;
      for (let day = 0; day < 28 * 365.25 && clocks.length > 0; day++) {
        const date = new Date(Date.UTC(2000, 0, 1 + day));
        const [month, weekday] = [date.getUTCMonth() + 1, date.getUTCDay()];
        if (!dayMatches(times, month, date.getUTCDate(), weekday)) continue;
        for (const clock of clocks) {
          least = Math.min(least, day * 1440 + clock - last);
          last = day * 1440 + clock;
        }
      }
      expect(shortestGap(times)).toBe(least === Number.POSITIVE_INFINITY ? 'never' : least * 60);
    }),
    runs(150, 3_000),
  );
}, 600_000);

describe('the next runs', () => {
  test.each([
    ['*/30 * * * *', ['06-01T10:30', '06-01T11:00', '06-01T11:30']],
    ['0 3 * * *', ['06-02T01:00', '06-03T01:00', '06-04T01:00']],
    ['0 0 1 * *', ['06-30T22:00', '07-31T22:00', '08-31T22:00']],
    ['@reboot', []],
    ['0 0 30 2 *', []],
  ])('of %s on a day in June', async (expr, expected) => {
    expect(await next(expr, '2026-06-01T10:00:00Z', 3)).toEqual(expected);
  });

  test('begin after the moment asked about, not at it', async () => {
    expect(await next('0 * * * *', '2026-06-01T10:00:00Z', 1)).toEqual(['06-01T11:00']);
    expect(await next('0 * * * *', '2026-06-01T09:59:59.999Z', 1)).toEqual(['06-01T10:00']);
  });

  test('of leap days are found across a century without one', async () => {
    const found = await nextRuns(schedule('0 0 29 2 *'), Date.UTC(2095, 0), 2, 'UTC');
    expect(found).toEqual([Date.UTC(2096, 1, 29), Date.UTC(2104, 1, 29)]);
  });

  test('in an unknown zone are an error', async () => {
    await expect(nextRuns(schedule('* * * * *'), 0, 1, 'Example/Nowhere')).rejects.toThrow(RangeError);
  });

  test('without a zone are those of this process', async () => {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const from = Date.UTC(2026, 0, 1);
    const named = await nextRuns(schedule('0 */5 * * *'), from, 2_000, here);
    expect(await nextRuns(schedule('0 */5 * * *'), from, 2_000, undefined)).toEqual(named);
  });
});

// The fixed, wildcard and @hourly rows of both days were also seen in Debian's daemon under a faked clock.
describe('when Berlin skips 02:00 to 03:00 on 29 March 2026', () => {
  const from = '2026-03-28T22:30:00Z';
  test.each([
    ['a fixed job of the hole starts right after it', '30 2 * * *', ['03-29T01:00', '03-30T00:30']],
    ['a fixed job after it starts at its time', '30 3 * * *', ['03-29T01:30', '03-30T01:30']],
    ['a fixed job at its end starts once', '0 3 * * *', ['03-29T01:00', '03-30T01:00']],
    ['several starts in the hole become one', '0,30 2 * * *', ['03-29T01:00', '03-30T00:00', '03-30T00:30']],
    ['a wildcard job misses the hole', '*/30 2 * * *', ['03-30T00:00', '03-30T00:30']],
    ['@daily is not touched', '@daily', ['03-28T23:00', '03-29T22:00']],
    [
      '@hourly follows the wall clock',
      '@hourly',
      ['03-28T23:00', '03-29T00:00', '03-29T01:00', '03-29T02:00'],
    ],
    [
      'a fixed job every half hour',
      '0,30 1-3 * * *',
      ['03-29T00:00', '03-29T00:30', '03-29T01:00', '03-29T01:30'],
    ],
    ['the day fields both count there too', '30 2 */2 * 0', ['03-29T01:00', '04-05T00:30']],
  ])('%s', async (_, expr, expected) => {
    expect(await next(expr, from, expected.length)).toEqual(expected);
  });
});

describe('when Berlin repeats 02:00 to 03:00 on 25 October 2026', () => {
  const from = '2026-10-24T22:30:00Z';
  test.each([
    ['a fixed job starts in the first of the two hours only', '30 2 * * *', ['10-25T00:30', '10-26T01:30']],
    ['a fixed job after it starts once', '0 3 * * *', ['10-25T02:00', '10-26T02:00']],
    [
      'a wildcard job starts in both',
      '*/30 2 * * *',
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-26T01:00'],
    ],
    [
      'a job every minute never rests',
      '*/30 * * * *',
      [
        '10-24T23:00',
        '10-24T23:30',
        '10-25T00:00',
        '10-25T00:30',
        '10-25T01:00',
        '10-25T01:30',
        '10-25T02:00',
      ],
    ],
    [
      'a yearly wildcard job of that hour starts in both',
      '*/30 2 25 10 *',
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30'],
    ],
  ])('%s', async (_, expr, expected) => {
    expect(await next(expr, from, expected.length)).toEqual(expected);
  });

  test('asked in January about the repeated hour, both passes are found', async () => {
    expect(await next('*/30 2 25 10 *', '2026-01-05T00:00:00Z', 4)).toEqual([
      '10-25T00:00',
      '10-25T00:30',
      '10-25T01:00',
      '10-25T01:30',
    ]);
  });

  test('asked in the middle of the repeated hour, a fixed job waits for tomorrow', async () => {
    expect(await next('30 2 * * *', '2026-10-25T01:10:00Z', 1)).toEqual(['10-26T01:30']);
    expect(await next('*/30 2 * * *', '2026-10-25T01:10:00Z', 1)).toEqual(['10-25T01:30']);
  });
});

describe('where Lord Howe shifts by half an hour and cron-parser 5.10.5 errs', () => {
  test('the starts right after the shift are not left out', async () => {
    expect(await next('31,0 * 4 10 */2', '2026-07-25T15:31:00Z', 5, 'Australia/Lord_Howe')).toEqual([
      '10-03T13:30',
      '10-03T14:01',
      '10-03T14:30',
      '10-03T15:01',
      '10-03T15:31',
    ]);
  });

  test('a daily job goes on through the year', async () => {
    const found = await nextRuns(
      schedule('0 1 1-31 * */3'),
      Date.UTC(2026, 0, 1),
      200,
      'Australia/Lord_Howe',
    );
    expect(found).toHaveLength(200);
  });
});

/** The zone's offsets over some months, by asking at every quarter of an hour. */
function offsetsOf(zone: string, start: number, end: number): (at: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const known: number[] = [];
  for (let at = start; at < end; at += 15 * MINUTE)
    known.push(Date.parse(`${format.format(at).replace(' ', 'T')}Z`) - at);
  return (at) => known[Math.floor((at - start) / (15 * MINUTE))] ?? 0;
}

/** Cron's main loop, told as a story: a virtual clock of minutes that tries to keep up with the wall clock. */
function model(times: Times, start: number, end: number, offsetAt: (at: number) => number): number[] {
  const wild = times.star.minute || times.star.hour;
  const fires = (local: number) => {
    const date = new Date(local);
    return (
      times.minutes.includes(date.getUTCMinutes()) &&
      times.hours.includes(date.getUTCHours()) &&
      dayMatches(times, date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCDay())
    );
  };
  const found: number[] = [];
  let virtual = start + offsetAt(start) - MINUTE;
  for (let now = start; now < end; now += MINUTE) {
    const clock = now + offsetAt(now);
    const behind = clock - virtual;
    let started = false;
    if (behind === MINUTE || behind > 3 * HOUR || behind <= -3 * HOUR) {
      started = fires(clock);
      virtual = clock;
    } else if (behind > 0) {
      started = wild && fires(clock);
      for (; virtual < clock; ) {
        virtual += MINUTE;
        started ||= !wild && fires(virtual);
      }
    } else {
      started = wild && fires(clock);
    }
    if (started) found.push(now);
  }
  return found;
}

describe("against a model of cron's loop, across the clock changes of", () => {
  test.each([
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'America/Santiago',
    'Africa/Casablanca',
    'Asia/Kolkata',
  ])(
    '%s',
    async (zone) => {
      const start = Date.UTC(2026, 0, 1);
      const end = Date.UTC(2027, 2, 1);
      const offsetAt = offsetsOf(zone, start, end + DAY);
      const moments = fc.oneof(
        fc
          .constantFrom('2026-03-28T20:00Z', '2026-10-24T20:10Z', '2026-10-25T01:10Z', '2026-02-14T00:00Z')
          .map(Date.parse),
        fc
          .integer({ min: start / MINUTE, max: Date.UTC(2026, 11, 1) / MINUTE })
          .map((minute) => minute * MINUTE),
      );
      await fc.assert(
        fc.asyncProperty(expression, moments, fc.integer({ min: 1, max: 60 }), async (expr, from, count) => {
          const times = schedule(expr);
          if (times.is === 'reboot') return;
          const found = await nextRuns(times, from, count, zone);
          const until = Math.min(found[found.length - 1] ?? end, from + 70 * DAY, end - MINUTE);
          // The model needs a run-up: it has to have seen a change of the clock that is still being lived through.
          const before = Math.max(start, from - DAY);
          const expected = model(times, before, until + MINUTE, offsetAt).filter((at) => at > from);
          expect(found.filter((at) => at <= until)).toEqual(expected);
          expect([...found].sort((one, other) => one - other)).toEqual(found);
        }),
        runs(80, 3_000),
      );
    },
    600_000,
  );
});
