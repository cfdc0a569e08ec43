// Observations become incidents: each kind by its own story, none by another's.
import { describe, expect, test } from 'vitest';
import { foldOf } from '../../src/monitor/incidents.ts';
import type { Incident, Observation } from '../../src/monitor/records.ts';
import { badHour, begins, moment, type Story, tell, worker } from '../support/watchStory.ts';

function incidentsOf({ start, records }: Story): readonly Incident[] {
  const fold = foldOf(start);
  for (const record of records) fold.take(record as Observation);
  return fold.incidents;
}
const kinds = (story: Story): string[] => incidentsOf(story).map(({ kind }) => kind);
const only = (story: Story): Incident => {
  const found = incidentsOf(story);
  expect(found.map(({ kind }) => kind)).toHaveLength(1);
  return found[0] as Incident;
};

describe('incidents', () => {
  test('an hour in which all went well has none', () => {
    expect(kinds(tell())).toEqual([]);
  });

  test('two instances at once are one incident with both PIDs, and it ends when one of them goes', () => {
    const story = tell({
      seconds: 300,
      runs: [
        { from: 31, to: 200, pid: 9000 },
        { from: 100, to: 180, pid: 9001, lockless: true },
      ],
    });
    const [two, lockless] = incidentsOf(story).filter(({ kind }) => kind !== 'long-run');
    expect(two).toMatchObject({ kind: 'two-instances', level: 'violation', pids: [9000, 9001] });
    // A loser of the lock lives up to four seconds: only who stays longer counts.
    expect(two?.t).toBe(104_000);
    expect(two?.until).toBe(180_000);
    expect(lockless).toMatchObject({ kind: 'lockless', pids: [9001] });
  });

  test('a start that the guard sends home is no second instance', () => {
    const runs = [
      { from: 31, to: 200, pid: 9000 },
      { from: 151, to: 153, pid: 9001, lockless: true },
    ];
    expect(kinds(tell({ seconds: 200, runs }))).toEqual(['long-run']);
  });

  test('without a guard there are no losers: two instances count after a second', () => {
    const { lock: _, ...bare } = worker;
    const story = tell({
      seconds: 200,
      watched: { ...bare, lock: undefined as never },
      runs: [
        { from: 31, to: 90, pid: 9000 },
        { from: 60, to: 80, pid: 9001 },
      ],
    });
    expect(incidentsOf(story)[0]).toMatchObject({ kind: 'two-instances', t: 61_000 });
  });

  test('a tick without a run is missed, one that finds a run in its way is not', () => {
    const missed = tell({
      seconds: 600,
      runs: [
        { from: 31, to: 40, pid: 9000 },
        { from: 271, to: 500, pid: 9001 },
        { from: 511, to: 520, pid: 9002 },
      ],
    });
    const found = incidentsOf(missed).filter(({ kind }) => kind === 'missed-tick');
    // 9:59:30 plus 150 s is the second tick; the one at 390 s meets a run.
    expect(found).toMatchObject([{ w: begins + 150_000, args: { count: 1 }, level: 'violation' }]);
  });

  test('ticks missed in a row are one incident with their number', () => {
    const story = tell({ seconds: 900, runs: [{ from: 31, to: 40, pid: 9000 }] });
    const found = only(story);
    expect(found).toMatchObject({ kind: 'missed-tick', args: { count: 6 } });
  });

  test('a tick in a hole of the watch is not called missed', () => {
    const runs = [
      { from: 31, to: 40, pid: 9000 },
      { from: 271, to: 280, pid: 9002 },
    ];
    expect(kinds(tell({ seconds: 300, runs, hole: [145, 200] }))).toEqual(['gap']);
  });

  test('a start that the guard’s log tells of is a tick that was seen', () => {
    const runs = [
      { from: 31, to: 40, pid: 9000 },
      { from: 271, to: 280, pid: 9002 },
    ];
    const skip = { is: 'skip', worker: 0, count: 1, ...moment(152) } as const;
    expect(kinds(tell({ seconds: 300, runs, more: [skip] }))).toEqual([]);
  });

  test('of a worker without a guard whose runs are over in a moment no tick is claimed to be missed', () => {
    const { lock: _, log: __, ...bare } = worker;
    const story = tell({
      seconds: 600,
      watched: { ...bare, lock: undefined as never, log: undefined as never },
      runs: [],
    });
    expect(kinds(story)).toEqual([]);
  });

  test('a run longer than the interval is told while it goes on', () => {
    const found = only(
      tell({ seconds: 400, runs: [{ from: 31, to: 300, pid: 9000 }], watched: { due: [] } }),
    );
    expect(found).toMatchObject({ kind: 'long-run', level: 'warning', pids: [9000] });
    expect(found.args).toEqual({ seconds: 268, gap: 120 });
  });

  test('a lock held beyond --max-runtime without a sign of life is an incident; a heartbeat is a sign', () => {
    const told = {
      seconds: 400,
      runs: [{ from: 31, to: 390, pid: 9000 }],
      watched: { maxRuntime: 100, due: [], gap: 3600 },
    };
    const stalled = only(tell(told));
    expect(stalled).toMatchObject({ kind: 'stalled', level: 'violation', pids: [9000], t: 132_000 });
    const beats = [100, 180, 260, 340].map((second) => ({
      is: 'run' as const,
      worker: 0,
      ...moment(second),
      pid: 9000,
      start: '90000',
      started: begins / 1000 + 31,
      heartbeat: begins / 1000 + second,
    }));
    expect(kinds(tell({ ...told, more: beats }))).toEqual([]);
  });

  test('a lock that is held while nobody runs was left with somebody', () => {
    const { start, records } = tell({ seconds: 100, runs: [], watched: { due: [] } });
    const story = {
      start,
      records: records.map((record) =>
        record.is === 'sample' && record.n >= 40
          ? { ...record, workers: [{ instances: [], lock: 'held' as const }] }
          : record,
      ),
    };
    expect(only(story)).toMatchObject({ kind: 'lock-left', t: 50_000 });
  });

  test('60 % of the limit is too high, 2 of 5 is not', () => {
    expect(kinds(tell({ seconds: 120, used: () => 2 }))).toEqual([]);
    const found = only(tell({ seconds: 120, used: (second) => (second === 50 ? 3 : 1) }));
    expect(found).toMatchObject({ kind: 'too-high', args: { used: 3, limit: 5 }, t: 50_000, until: 55_000 });
  });

  test('refusals that only the counters tell of are a warning: they are everybody’s', () => {
    const found = only(tell({ seconds: 300, refused: (second) => (second >= 100 ? 6 : 0) }));
    expect(found).toMatchObject({ kind: 'refused', level: 'warning', args: { low: 6, high: 6, full: 0 } });
  });

  test('of an account that was full at the time they are its own', () => {
    const found = incidentsOf(
      tell({
        seconds: 300,
        used: (second) => (second === 95 ? 5 : 1),
        refused: (second) => (second >= 100 ? 6 : 0),
      }),
    );
    expect(found.map(({ kind, level }) => [kind, level])).toEqual([
      ['full', 'violation'],
      ['refused', 'violation'],
    ]);
  });

  test('our own refused look is not counted among the refusals', () => {
    const found = incidentsOf(
      tell({
        seconds: 300,
        used: (second) => (second === 100 ? 'refused' : 1),
        refused: (second) => (second >= 105 ? 1 : 0),
      }),
    );
    expect(found.map(({ kind }) => kind)).toEqual(['full']);
  });

  test('a refusal in the log is a violation with the line, and grows with what comes within a minute', () => {
    const line = (second: number) =>
      ({
        is: 'log',
        worker: 0,
        ...moment(second),
        grown: 9,
        refusals: [`[1203] at ${second}`],
        errors: [],
      }) as const;
    const found = incidentsOf(tell({ seconds: 400, more: [line(50), line(60), line(200)] }));
    expect(found.map(({ args }) => args)).toEqual([{ log: 2 }, { log: 1 }]);
    expect(found[0]?.evidence).toEqual(['[1203] at 50', '[1203] at 60']);
  });

  test('the records that make an incident say when it began, got worse and ended; told twice they are the same', () => {
    const { start, records } = badHour();
    const fold = foldOf(start);
    const news = records.flatMap((record) => [...fold.take(record as Observation)]);
    const last = new Map(news.map((one) => [one.number, one]));
    for (const one of fold.incidents) expect(last.get(one.number)?.kind).toBe(one.kind);
    expect(incidentsOf(badHour())).toEqual(fold.incidents);
    expect(new Set(fold.incidents.map(({ kind }) => kind))).toEqual(
      new Set(['two-instances', 'lockless', 'full', 'too-high', 'refused', 'missed-tick', 'errors', 'gap']),
    );
  });
});
