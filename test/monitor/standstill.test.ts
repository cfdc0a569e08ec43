// A worker that does nothing must not pass: a lock that stays with a child, a dead cron beside a log that others write, unwatched time.
import { describe, expect, test } from 'vitest';
import { summarise } from '../../src/monitor/summary.ts';
import { moment, type Story, type Told, tell } from '../support/watchStory.ts';

const of = (story: Story) => {
  const summary = summarise(story);
  const said: Record<string, string> = Object.fromEntries(
    summary.criteria.map(({ check, is, because }) => [check, `${is} ${because}`]),
  );
  return { summary, said, ticks: summary.workers[0]?.ticks };
};

/** From a second on the lock is held and nobody runs. */
const leftFrom = (second: number, until: number, told: Told = {}): Story => {
  const runs = [
    { from: 31, to: 51, pid: 9000 },
    { from: 151, to: Math.min(172, second), pid: 9001 },
  ];
  const { start, records } = tell({ runs, ...told });
  return {
    start,
    records: records.map((record) =>
      record.is === 'sample' && record.n >= second && record.n < until
        ? { ...record, workers: [{ instances: [], lock: 'held' as const }] }
        : record,
    ),
  };
};

describe('a child that keeps the lock', () => {
  const skips = Array.from({ length: 28 }, (_, i) => ({
    is: 'skip' as const,
    worker: 0,
    count: 1,
    ...moment(272 + i * 120),
  }));

  test.each([
    ['whose guard tells of the starts it sends home', skips],
    ['without a word of the guard', []],
  ])('for an hour fails the lock, the ticks and the progress: one %s', (_, more) => {
    const { summary, said, ticks } = of(leftFrom(172, 3600, { more }));
    expect(said).toMatchObject({
      'lock-free': 'fail left-held',
      ticks: 'fail lock-left',
      progress: 'fail lock-left',
    });
    expect(summary.outcome.exit).toBe(3);
    expect(summary.incidents.find(({ kind }) => kind === 'lock-left')?.level).toBe('violation');
    expect(ticks).toMatchObject({ run: 2, skipped: 28, missed: 0 });
  });

  test('for a moment is told, and nothing fails', () => {
    const { summary, said } = of(leftFrom(51, 70, { runs: [{ from: 31, to: 51, pid: 9000 }], seconds: 120 }));
    expect(said).toMatchObject({ 'lock-free': 'pass free', progress: 'pass moves' });
    expect(summary.incidents.map(({ kind, level }) => [kind, level])).toEqual([['lock-left', 'warning']]);
  });

  test('over one tick is a warning there: nobody ran at that tick', () => {
    const runs = [31, 151, 391].map((from, i) => ({ from, to: from + 20, pid: 9000 + i }));
    const { said } = of(leftFrom(172, 300, { seconds: 500, runs }));
    expect(said['ticks']).toBe('warn lock-left');
  });
});

describe('a log that others write', () => {
  const written = Array.from({ length: 30 }, (_, i) => ({
    is: 'log' as const,
    worker: 0,
    ...moment(33 + i * 120),
    grown: 50,
    refusals: [],
    errors: [],
  }));
  const dead = [{ is: 'cron' as const, ...moment(1), cron: 'none' as const }];

  test.each<[string, Told]>([
    ['of a worker with a guard, whose record does not move', { runs: [{ from: 31, to: 40, pid: 9000 }] }],
    [
      'of a worker without one, where no cron runs',
      { runs: [], more: [...dead, ...written], watched: { lock: undefined as never } },
    ],
  ])('is no run %s', (_, told) => {
    const { said, ticks } = of(tell({ more: written, ...told }));
    expect(ticks?.run).toBeLessThanOrEqual(1);
    expect(ticks?.unseen).toBeGreaterThanOrEqual(28);
    expect(said['ticks']).not.toBe('pass seen');
  });

  test('is a sign of a run where nothing else could tell and a cron is there', () => {
    expect(of(tell({ runs: [], more: written, watched: { lock: undefined as never } })).ticks?.run).toBe(30);
  });
});

describe('time that nobody watched', () => {
  test('a run that was seen before it covers no tick in it, and is no longer than it was seen', () => {
    const runs = [{ from: 31, to: 45, pid: 9000 }];
    const { ticks, summary } = of(tell({ seconds: 900, runs, hole: [40, 700] }));
    expect(ticks).toMatchObject({ run: 1, skipped: 0 });
    expect(ticks?.unseen).toBeGreaterThanOrEqual(5);
    expect(summary.incidents.map(({ kind }) => kind)).not.toContain('long-run');
  });

  test('a run that is there before and after it was in the way of every tick of it', () => {
    const runs = [{ from: 31, to: 800, pid: 9000 }];
    const { ticks } = of(tell({ seconds: 900, runs, hole: [40, 600] }));
    // What was judged within the hole is judged with its first sample after it.
    expect((ticks?.run ?? 0) + (ticks?.skipped ?? 0)).toBe(7);
  });

  test('a watch that stood still until its end does not call ticks missed', () => {
    const { ticks } = of(tell({ seconds: 600, hole: [100, 600] }));
    expect(ticks).toMatchObject({ run: 1, missed: 0 });
  });
});

describe('a clock that is set forward while a worker runs', () => {
  const jump = 3_600_000;
  const set = (told: Told): Story => {
    const { start, records } = tell(told);
    const late = records.map((record) =>
      'w' in record && record.t >= 60_000 ? { ...record, w: record.w + jump } : record,
    );
    const at = late.findIndex((record) => record.t >= 60_000);
    const gap = { is: 'gap', ...moment(60), from: 60, to: 60, why: 'clock', jump } as const;
    late.splice(at, 0, { ...gap, w: gap.w + jump });
    return { start, records: late };
  };

  test('invents no hang and no long run', () => {
    const { summary, said } = of(
      set({ seconds: 100, runs: [{ from: 31, to: 90, pid: 9000 }], watched: { due: [] } }),
    );
    expect(summary.incidents.map(({ kind }) => kind)).toEqual(['gap']);
    expect(said['progress']).toBe('pass moves');
    expect(summary.workers[0]?.runs?.longest).toBeLessThan(62);
  });
});

describe('a log that says nothing', () => {
  const quiet = (told: Told): Story => {
    const { start, records } = tell(told);
    return { start, records: records.filter(({ is }) => is !== 'log') };
  };

  test('proves neither that there are no errors nor that nobody was refused', () => {
    const { said } = of(quiet({ watched: { database: undefined as never } }));
    expect(said).toMatchObject({
      refusals: 'inconclusive log-silent',
      'log-errors': 'inconclusive log-silent',
    });
  });

  test('does not take away what the counters prove', () => {
    expect(of(quiet({})).said).toMatchObject({
      refusals: 'pass none',
      'log-errors': 'inconclusive log-silent',
    });
  });

  test('the parts that came too fast to be read are told and prove nothing', () => {
    const burst = {
      is: 'log' as const,
      worker: 0,
      ...moment(100),
      grown: 9_000_000,
      unread: 8_000_000,
      refusals: [],
      errors: [],
    };
    const { said } = of(tell({ more: [burst], watched: { database: undefined as never } }));
    expect(said).toMatchObject({
      refusals: 'inconclusive log-unread',
      'log-errors': 'inconclusive log-unread',
    });
  });
});
