// When a real cron starts a job, on days that include both changes of the clock: the daemon is the judge of nextRuns,
// minute by minute.
import { afterEach, describe, expect, test } from 'vitest';
import type { Dialect } from '../../src/crontab/crontab.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { nextRuns } from '../../src/crontab/schedule.ts';
import { cronZone } from '../../src/crontab/settings.ts';
import { stress } from '../crontab/arbitrary.ts';
import {
  type Daemon,
  daemons,
  daysMissing,
  type SteppedCron,
  startStepped,
  workplace,
} from '../support/cronDays.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Zone {
  readonly name: string;
  /** The two changes of 2026: when the clock goes forward and when it goes back. */
  readonly forward: string;
  readonly back: string;
  /** The local hour that is skipped and repeated, and the two dates (day month). */
  readonly hour: number;
  readonly dates: readonly [string, string];
}

const zones: readonly Zone[] = [
  {
    name: 'Europe/Berlin',
    forward: '2026-03-29T01:00Z',
    back: '2026-10-25T01:00Z',
    hour: 2,
    dates: ['29 3', '25 10'],
  },
  // Half an hour, from 02:00 to 02:30 and back to 01:30.
  {
    name: 'Australia/Lord_Howe',
    forward: '2026-10-03T15:30Z',
    back: '2026-04-04T15:00Z',
    hour: 2,
    dates: ['4 10', '5 4'],
  },
  // At midnight, which does not exist on 6 September; the hour from 23:00 on 4 April comes twice.
  {
    name: 'America/Santiago',
    forward: '2026-09-06T04:00Z',
    back: '2026-04-05T03:00Z',
    hour: 0,
    dates: ['6 9', '4 4'],
  },
  {
    name: 'America/New_York',
    forward: '2026-03-08T07:00Z',
    back: '2026-11-01T06:00Z',
    hour: 2,
    dates: ['8 3', '1 11'],
  },
];

/** H is the hour that is skipped, A the one after it, B the one before; D1 M1 and D2 M2 are the dates of the changes. */
const few = [
  '*/30 * * * *',
  '@hourly',
  '*/30 H * * *',
  '* B-A/2 * * *',
  '5,* H * * *',
  '0 H * * *',
  '30 H * * *',
  '0,30 H * * *',
  '0 A * * *',
  '30 B * * *',
  '10 B,H,A * * *',
  '0-59/10 0-23 * * *',
  '@daily',
  '30 H */2 * 0',
  '30 H 1-31 * 1',
  '30 H *,10 * 0',
  '20 H D1 M1 *',
  '20 H D2 M2 6',
  '20 H */D1 M1 0',
  '1:30 H * * *',
  '30 H * * fri-sun',
];

const many = [
  ...few,
  ...['* * * * *', '*/7 * * * *', '0 * * * *', '30 * * * *', '15,45 */3 * * *', '*/15 B-A * * *'],
  ...['* H * * *', '*/20 H,A * * *', '*,5 H * * *', '0 */2 * * *', '*/29 B * * *'],
  ...[
    '59 B * * *',
    '59 H * * *',
    '1 A * * *',
    '30 A * * *',
    '0-59/5 B-A * * *',
    '5 0-23 * * *',
    '0 0-23/2 * * *',
  ],
  ...['45 23 * * *', '@midnight', '@weekly', '@monthly', '@yearly', '0 12 * * *', '29,31 H * * *'],
  ...[
    '30 H * * 0',
    '30 H * * 7',
    '30 H D1 * *',
    '30 H D1,D2 * 1',
    '30 H 1 * 0',
    '30 H 10,* * 1',
    '30 H */31 * 1',
  ],
  ...['0 12 */2 * 1-5', '0 12 1 * */2', '0 12 * * 5#3', '0 4 1-7 * sun', '0 4 */7 * sun', '0 4 * M1,M2 sun'],
  ...[
    '0 4 * * 6,0',
    '10 H D1-30 * *',
    '10 H 1-D2 * *',
    '0 B-A * M1 *',
    '0 B-A */1 M1,M2 6-7',
    '20 H D1 M1 6',
  ],
  ...[
    '20 H D1 M1 0',
    '20 H */D2 M2 sat',
    '20 H */24 M2 sun',
    '1-5-7 H * * *',
    '30~40 H * * *',
    '4294967296 H * * *',
  ],
  ...[
    '5-1 * * * *',
    '0 22-6 * * *',
    '30 H 30 2 *',
    '0 H * * mon',
    '0,15,30,45 H * * 0-6',
    '30 H 1,15 M2 0-7',
  ],
];

function schedules(list: readonly string[], { hour, dates }: Zone): string[] {
  const [[d1 = '', m1 = ''], [d2 = '', m2 = '']] = [dates[0].split(' '), dates[1].split(' ')];
  const before = (hour + 23) % 24;
  return list.map((schedule) =>
    schedule
      .replace('B-A', hour === 0 ? '23,0-1' : `${before}-${hour + 1}`)
      .replace(/\bB\b/g, String(before))
      .replace(/\bH\b/g, String(hour))
      .replace(/\bA\b/g, String(hour + 1))
      .replace(/D1|D2|M1|M2/g, (name) => ({ D1: d1, D2: d2, M1: m1, M2: m2 })[name] ?? name)
      // A step belongs to a range: 23,0-1/2 is one, 1-D2 may not be.
      .replace(/\b(\d+)-(\d+)\b/g, (range, low, high) =>
        Number(low) > Number(high) ? `${high}-${low}` : range,
      ),
  );
}

const running: SteppedCron[] = [];
afterEach(async () => {
  for (const cron of running.splice(0)) await cron.stop();
});

/** Taken by this cron, and without a time of its own choice. */
function isPlain(schedule: string, dialect: Dialect): boolean {
  const { accepted, lines } = parseCrontab(`${schedule} x\n`, { dialect, system: false });
  return accepted && !lines.some((line) => line.marks.some((mark) => mark.code === 'random-time'));
}

/** All starts that nextRuns gives from one minute to another, both included. */
async function told(
  schedule: string,
  zone: string,
  from: number,
  to: number,
  dialect: Dialect,
): Promise<number[]> {
  const line = parseCrontab(`${schedule} x\n`, { dialect, system: false }).lines[0];
  if (line?.is !== 'entry') throw new Error(`${schedule} is no entry`);
  const starts: number[] = [];
  for (let at = from - MINUTE; ; ) {
    const next = await nextRuns(line.schedule, at, 200, zone);
    starts.push(...next);
    const last = next[next.length - 1];
    if (last === undefined || last > to) break;
    at = last;
  }
  return starts.filter((at) => at <= to);
}

async function judge(
  daemon: Daemon,
  zone: Zone,
  list: readonly string[],
  before: number,
  after: number,
): Promise<void> {
  const place = workplace();
  const dialect = daemon.cron === 'cronie' ? 'cronie' : 'debian';
  const entries = schedules(list, zone).filter((entry) => isPlain(entry, dialect));
  place.install('root', entries.map((entry, index) => `${entry} ${place.note(String(index))}\n`).join(''));
  const windows = [zone.forward, zone.back]
    .map((moment) => Date.parse(moment))
    .sort((one, other) => one - other)
    .map((change) => ({ from: change - before, to: change + after }));
  const cron = await startStepped(place, zone.name, (windows[0]?.from ?? 0) - MINUTE, daemon);
  running.push(cron);
  for (const { from, to } of windows) {
    // From one window to the next the clock jumps by months: cron takes that for a clock that was set.
    await cron.tick(from - MINUTE);
    await cron.live(from, to);
  }
  const forward = Date.parse(zone.forward);
  let total = 0;
  const wrong: unknown[] = [];
  for (const [index, entry] of entries.entries()) {
    const seen = cron.starts(String(index));
    for (const { from, to } of windows) {
      const here = seen.filter((at) => at >= from && at <= to);
      // What was skipped is made up for in the minute of the jump, one start for each that was due.
      const once = here.filter((at, at2) => at !== forward || here.indexOf(at) === at2);
      const ours = await told(entry, zone.name, from, to, dialect);
      total += here.length;
      if (JSON.stringify(once) !== JSON.stringify(ours)) {
        const iso = (at: number): string => new Date(at).toISOString().slice(5, 16);
        wrong.push({
          entry,
          onlyCron: once
            .filter((at, i) => !ours.includes(at) || once.indexOf(at) !== i)
            .map(iso)
            .slice(0, 9),
          onlyWe: ours
            .filter((at) => !once.includes(at))
            .map(iso)
            .slice(0, 9),
        });
      }
    }
  }
  process.stdout.write(
    `${zone.name}: ${entries.length} schedules, ${total} starts of ${daemon.cron}, ${wrong.length} told otherwise\n`,
  );
  expect(wrong).toEqual([]);
  expect(total).toBeGreaterThan(entries.length);
}

describe.skipIf(daysMissing !== '').each(daemons)(
  `nextRuns and the daemon of $cron agree${daysMissing && ` (${daysMissing})`}`,
  (daemon) => {
    test.each(zones.slice(0, 2))(
      'on the hours round both changes of the clock in $name',
      async (zone) => {
        await judge(daemon, zone, few, 1.25 * HOUR, 1.5 * HOUR);
      },
      300_000,
    );

    test.runIf(stress).each(zones)(
      'on two days round both changes of the clock in $name',
      async (zone) => {
        expect(many.length).toBeGreaterThanOrEqual(60);
        await judge(daemon, zone, many, 26 * HOUR, 24 * HOUR);
      },
      3_000_000,
    );

    test('on what is made up for when the clock goes forward: one start for each that was skipped', async () => {
      const place = workplace();
      const entries = ['0-59/5 2 * * *', '30 2 * * *', '*/5 2 * * *', '0-59/5 2-3 * * *'];
      place.install(
        'root',
        entries.map((entry, index) => `${entry} ${place.note(String(index))}\n`).join(''),
      );
      const jump = Date.parse('2026-03-29T01:00Z');
      const cron = await startStepped(place, 'Europe/Berlin', jump - 3 * MINUTE, daemon);
      running.push(cron);
      await cron.live(jump - 2 * MINUTE, jump + 2 * MINUTE);
      const counts = entries.map((_, index) => cron.starts(String(index)).map((at) => (at - jump) / MINUTE));
      expect(counts.map((starts) => starts.length)).toEqual([12, 1, 0, 13]);
      expect(new Set(counts.flat())).toEqual(new Set([0]));
    });

    test('on whose clock counts below CRON_TZ', async () => {
      const place = workplace();
      const text = [
        `0 9 * * * ${place.note('here')}`,
        'CRON_TZ=Asia/Tokyo',
        `0 9 * * * ${place.note('tokyo')}`,
        `@hourly ${place.note('hourly')}`,
        '',
      ].join('\n');
      place.install('root', text);
      const from = Date.parse('2026-06-01T23:58Z');
      const cron = await startStepped(place, 'UTC', from, daemon);
      running.push(cron);
      await cron.live(from + MINUTE, from + 4 * MINUTE);
      const dialect = daemon.cron === 'cronie' ? 'cronie' : 'debian';
      const zone = cronZone(parseCrontab(text, { dialect, system: false }), 3) ?? 'UTC';
      const ours = await told('0 9 * * *', zone, from + MINUTE, from + 4 * MINUTE, dialect);
      expect(cron.starts('tokyo')).toEqual(ours);
      expect(ours).toHaveLength(dialect === 'cronie' ? 1 : 0);
      expect([cron.starts('here').length, cron.starts('hourly').length]).toEqual([0, 1]);
    });
  },
);
