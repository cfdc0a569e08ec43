// What a watch comes to: coverage, peaks, runs against the gap, ticks, jobs and the criteria as verdicts.
import { describe, expect, test } from 'vitest';
import { type Summary, summarise } from '../../src/monitor/summary.ts';
import { badHour, goodHour, moment, type Story, tell } from '../support/watchStory.ts';

const verdicts = (summary: Summary): Record<string, string> =>
  Object.fromEntries(summary.criteria.map(({ check, is, because }) => [check, `${is} ${because}`]));
const of = (story: Story) => {
  const summary = summarise(story);
  const [worker] = summary.workers;
  if (worker === undefined) throw new Error('no worker');
  return { summary, worker, verdicts: verdicts(summary) };
};

describe('a good hour', () => {
  const { summary, worker, verdicts: said } = of(goodHour());

  test('passes every criterion', () => {
    expect(said).toEqual({
      'single-instance': 'pass one',
      refusals: 'pass none',
      database: 'pass room',
      jobs: 'pass done',
      'lock-held': 'pass held',
      'lock-free': 'pass free',
      ticks: 'pass seen',
      'run-length': 'pass fits',
      progress: 'pass moves',
      'log-errors': 'pass none',
      coverage: 'pass whole',
    });
    expect(summary.outcome).toEqual({ is: 'pass', exit: 0 });
  });

  test('tells its figures', () => {
    expect(summary.samples).toEqual({ planned: 3600, taken: 3600, share: 100, every: 1000 });
    expect(summary.clock).toEqual({ drift: 0, late: 0 });
    expect(worker.ticks).toMatchObject({ due: 30, run: 30, skipped: 0, missed: 0, open: 0 });
    expect(worker.runs).toEqual({
      seen: 30,
      longest: 20,
      median: 20,
      p95: 20,
      gap: 120,
      share: 17,
      over: 0,
      by: 'guard',
    });
    expect(worker.connections).toMatchObject({ line: 3, samples: 720, refused: 0, share: 20, average: 1 });
    expect(worker.connections?.peak?.value).toBe(1);
    expect(worker.jobs).toMatchObject({ done: 119, perMinute: 2 });
    expect(worker.refusals).toEqual({ log: 0, low: 0, high: 0, full: 0, own: 0, resets: 0 });
  });

  test('has a row a minute that adds up to the whole', () => {
    // It begins half-way into a minute.
    expect(worker.minutes).toHaveLength(61);
    const sum = worker.minutes.reduce((all, row) => all + row.samples, 0);
    expect(sum).toBe(summary.samples.taken);
    expect(worker.minutes.reduce((all, row) => all + row.starts, 0)).toBe(30);
  });

  test('has series of changes only', () => {
    expect(worker.series.connections).toEqual([[0, 1]]);
    expect(worker.series.instances).toHaveLength(61);
    expect(worker.series.instances.slice(0, 3)).toEqual([
      [0, 0],
      [31, 1],
      [51, 0],
    ]);
  });
});

describe('a bad hour', () => {
  const { summary, worker, verdicts: said } = of(badHour());

  test('fails where it should, with evidence', () => {
    expect(said).toMatchObject({
      'single-instance': 'fail several',
      refusals: 'fail in-log',
      database: 'fail too-high',
      'lock-held': 'fail runs-without',
      ticks: 'fail missed',
      'run-length': 'warn tight',
      'log-errors': 'warn errors',
      coverage: 'inconclusive gaps',
    });
    expect(summary.outcome).toEqual({ is: 'fail', exit: 3 });
    for (const verdict of summary.criteria)
      if (verdict.is === 'fail') expect(verdict.evidence, verdict.check).not.toEqual([]);
  });

  test('says that the runs take 94 % of the interval', () => {
    const { worker: long } = of(tell({ length: 113 }));
    expect(long.runs).toMatchObject({ longest: 113, share: 94 });
    expect(verdicts(summarise(tell({ length: 113 })))['run-length']).toBe('warn tight');
    expect(worker.runs?.share).toBe(100);
  });

  test('a hole is a hole and not nought: in the count, in the series and in the list', () => {
    expect(summary.samples).toMatchObject({ planned: 3600, taken: 3540, share: 98.3 });
    expect(summary.gaps).toMatchObject([{ samples: 60, why: 'late' }]);
    expect(worker.series.instances.some(([, value]) => value === null)).toBe(true);
  });

  test('the first violation is named with its time and its processes', () => {
    expect(summary.firstViolation).toMatchObject({ kind: 'too-high', name: 'process_import_jobs' });
    expect(summary.firstViolation?.second).toBe(660);
    const two = summary.incidents.find(({ kind }) => kind === 'two-instances');
    expect(two).toMatchObject({ pids: [9010, 9011], second: 664, lasted: 86 });
  });

  test('the counters’ interval has what the workers met, our own tries left out', () => {
    // Ten refused in all, four of them looks of ours.
    expect(worker.refusals).toMatchObject({ log: 1, low: 6, high: 6, own: 4 });
  });
});

describe('what could not be measured', () => {
  test.each<[string, Parameters<typeof tell>[0], string, string]>([
    ['nothing to do', { pending: () => 0, done: () => 0 }, 'jobs', 'inconclusive nothing-pending'],
    ['no run at all', { runs: [], watched: { due: [] } }, 'single-instance', 'inconclusive no-run-seen'],
    ['one run only', { seconds: 130 }, 'single-instance', 'inconclusive one-run'],
    ['a watch that was interrupted', { end: 'SIGINT' }, 'coverage', 'inconclusive cut-short'],
    ['a watch that was killed', { end: 'none' }, 'coverage', 'inconclusive cut-short'],
    [
      'wrong passwords beside it',
      {
        more: [
          {
            is: 'database',
            worker: 0,
            ...moment(3599),
            by: 'account',
            used: 1,
            counters: { aborted: 9, preauth: 0, denied: 2, full: 0, uptime: 12_599 },
          },
        ],
      },
      'refusals',
      'inconclusive unclear',
    ],
  ])('%s is said, never passed', (_, told, check, answer) => {
    const summary = summarise(tell(told));
    expect(verdicts(summary)[check]).toBe(answer);
    expect(summary.outcome.exit).toBe(6);
  });

  test('refusals on a server that no log of the worker speaks of are not passed', () => {
    const story = tell({ refused: (second) => (second > 99 ? 6 : 0), watched: { log: undefined as never } });
    expect(verdicts(summarise(story))['refusals']).toBe('inconclusive somebody-no-log');
    expect(verdicts(summarise(tell({ refused: (second) => (second > 99 ? 6 : 0) })))['refusals']).toBe(
      'warn somebody',
    );
  });

  test('a restart of the server in between is told, and what was counted before and after stands', () => {
    const again = {
      is: 'database',
      worker: 0,
      ...moment(3598),
      by: 'account',
      used: 1,
      counters: { aborted: 0, preauth: 0, denied: 0, full: 0, uptime: 3 },
    } as const;
    const { verdicts: said, worker } = of(tell({ more: [again] }));
    expect(worker.refusals.resets).toBe(1);
    expect(said['refusals']).toBe('pass none-restarted');
  });
});
