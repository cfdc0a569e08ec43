// Many hosts in one report: the figures of each, the order, the verdict, and what a file from another machine may hold.
import { describe, expect, test } from 'vitest';
import { fleetReport, type HostFigures } from '../../src/fleet/report.ts';
import { type HostResult, readResult } from '../../src/fleet/results.ts';
import { type Summary, summarise } from '../../src/monitor/summary.ts';
import { badHour, goodHour, type Story } from '../support/watchStory.ts';

const good = summarise(goodHour());
const bad = summarise(badHour());

/** As `monitor --json` prints it. */
function printed(summary: Summary): Record<string, unknown> {
  const { schema: _, outcome, ...watch } = summary;
  return { schema: 1, command: 'monitor', watch, records: '/r', outcome };
}
const collected = (host: string, report: unknown, failed = ''): HostResult =>
  readResult(`${host}.json`, JSON.stringify({ host, report, failed }));
const watched = (host: string, story: Story): HostResult => collected(host, printed(summarise(story)));
const figures = (result: HostResult): HostFigures => {
  const [host] = fleetReport([result]).hosts;
  if (host === undefined) throw new Error('no host');
  return host;
};

describe('the figures of a host', () => {
  test('are those of its watch', () => {
    const [worker] = bad.workers;
    expect(figures(watched('web1.example.com', badHour()))).toMatchObject({
      host: 'web1.example.com',
      is: 'fail',
      workers: 1,
      peak: { percent: worker?.connections?.share, connections: worker?.connections?.peak?.value, limit: 5 },
      refusals: { low: (worker?.refusals.low ?? 0) + (worker?.refusals.full ?? 0) },
      instances: { most: worker?.instances.most, worker: worker?.name },
      jobsPerMinute: worker?.jobs?.perMinute,
      ticksMissed: worker?.ticks.missed,
      firstViolation: bad.firstViolation,
    });
    expect(figures(watched('b', goodHour()))).toMatchObject({ is: 'pass', open: [], instances: { most: 1 } });
  });

  /** A host with these workers, each like that of the good hour but for what is named. */
  const host = (...workers: readonly object[]): HostFigures =>
    figures(
      collected(
        'a',
        printed({ ...good, workers: workers.map((one) => ({ ...good.workers[0], ...one })) as never }),
      ),
    );
  const [like] = good.workers;

  test('are the worst of several workers, and the sum of what each has for itself', () => {
    const use = like?.connections;
    const seen = host(
      { name: 'one', instances: { most: 1, pids: [] }, refusals: { log: 2, own: 0, resets: 0 } },
      {
        name: 'two',
        instances: { most: 3, pids: [] },
        refusals: { log: 1, own: 0, resets: 0 },
        connections: { ...use, share: 80, peak: { value: 4, at: good.from } },
      },
    );
    expect(seen.instances).toEqual({ most: 3, worker: 'two' });
    expect(seen.peak).toMatchObject({ percent: 80, connections: 4, worker: 'two' });
    expect(seen.refusals).toEqual({ log: 3 });
  });

  test('count the jobs of one account once, and the counters of one server once', () => {
    const refusals = { log: 0, low: 4, high: 6, full: 1, own: 0, resets: 0 };
    const seen = host({ name: 'one', refusals }, { name: 'two', refusals });
    expect(seen.refusals).toEqual({ log: 0, low: 5, high: 7 });
    expect(seen.jobsPerMinute).toBe(like?.jobs?.perMinute);
    const other = host(
      { name: 'one', jobs: { ...like?.jobs, perMinute: 2 } },
      {
        name: 'two',
        jobs: { ...like?.jobs, perMinute: 3 },
        connections: { ...like?.connections, account: 'other@localhost' },
      },
    );
    expect(other.jobsPerMinute).toBe(5);
  });

  test('say nothing of what was not looked at', () => {
    const bare = {
      name: 'one',
      refusals: { log: 'unknown', own: 0, resets: 0 },
      connections: undefined,
      jobs: undefined,
    };
    const seen = host(bare);
    expect(seen).not.toHaveProperty('peak');
    expect(seen).not.toHaveProperty('jobsPerMinute');
    expect(seen.refusals).toEqual({ log: 'unknown' });
  });
});

describe('the report', () => {
  const open = collected('open', printed({ ...good, outcome: { is: 'inconclusive', exit: 6 } }));

  test('has the worst first', () => {
    const report = fleetReport([
      watched('fine', goodHour()),
      open,
      collected('lost', null, 'the host was not reached'),
      watched('worse', badHour()),
    ]);
    expect(report.hosts.map(({ host, is }) => `${host} ${is}`)).toEqual([
      'worse fail',
      'lost unwatched',
      'open inconclusive',
      'fine pass',
    ]);
    expect(report.counts).toEqual({ hosts: 4, pass: 1, fail: 1, inconclusive: 1, unwatched: 1 });
  });

  test.each([
    ['one failed', [watched('a', goodHour()), watched('b', badHour())], { is: 'fail', exit: 3 }],
    [
      'one was not watched',
      [watched('a', goodHour()), collected('b', null, 'lost')],
      { is: 'inconclusive', exit: 6 },
    ],
    ['one could not be measured', [watched('a', goodHour()), open], { is: 'inconclusive', exit: 6 }],
    ['all passed', [watched('a', goodHour()), watched('b', goodHour())], { is: 'pass', exit: 0 }],
    ['there are none', [], { is: 'inconclusive', exit: 6 }],
  ] as const)('where %s', (_, results, outcome) => {
    expect(fleetReport(results).outcome).toEqual(outcome);
  });
});

describe('a file from a host', () => {
  test('may be what Ansible collected, what --json printed, or what --report wrote', () => {
    const same = figures(watched('a', goodHour()));
    expect(figures(readResult('a.json', JSON.stringify(printed(good))))).toEqual(same);
    expect(figures(readResult('a.json', JSON.stringify(good)))).toEqual(same);
  });

  test('may say why there is no watch', () => {
    expect(collected('a', '', 'ssh: no route\n to host ')).toEqual({
      host: 'a',
      is: 'unwatched',
      because: 'ssh: no route to host',
    });
    const problem = {
      schema: 1,
      command: 'monitor',
      outcome: { is: 'problem', exit: 2, message: ['No', 'watch.'] },
    };
    expect(collected('a', problem)).toMatchObject({ is: 'unwatched', because: 'No watch.' });
  });

  test.each(['', '[]', 'null', '{"watch": []}', '{"host": "a", "report": []}', '"text"'])(
    'with %s is no watch, and no failure of the report',
    (text) => {
      expect(readResult('a.json', text)).toMatchObject({ host: 'a', is: 'unwatched' });
    },
  );

  // Whatever a host sends, any part of it may be missing or of another kind: no figure is made of that, and nothing breaks.
  test('with any part of it missing or made something else is read whole or not at all', () => {
    const paths: string[][] = [];
    const walk = (value: unknown, path: string[]): void => {
      paths.push(path);
      if (typeof value !== 'object' || value === null || path.length > 5) return;
      for (const [key, inner] of Object.entries(value).slice(0, 12)) walk(inner, [...path, key]);
    };
    const whole = printed(bad);
    walk(whole, []);
    for (const path of paths.slice(1)) {
      for (const instead of [undefined, null, 'x', -1, [], {}, [null]]) {
        const spoilt = structuredClone(whole);
        let at: Record<string, unknown> = spoilt;
        for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
        at[path.at(-1) ?? ''] = instead;
        const result = readResult('a.json', JSON.stringify(spoilt));
        const host = figures(result);
        for (const number of [
          host.peak?.percent ?? 0,
          host.peak?.connections ?? 0,
          host.jobsPerMinute ?? 0,
          host.ticksMissed ?? 0,
          host.instances?.most ?? 0,
        ])
          expect(Number.isFinite(number), `${path.join('.')} = ${JSON.stringify(instead)}`).toBe(true);
      }
    }
  });
});
