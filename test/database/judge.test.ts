// What samples come to: the log convicts, counters acquit, and a peak or a rise is judged by its figures.
import { describe, expect, test } from 'vitest';
import { judgePeak, judgeRefusals, type Sample } from '../../src/database/judge.ts';
import type { Interval } from '../../src/database/refusals.ts';

const interval = (low: number, high: number, full = 0): Interval => ({ is: 'interval', low, high, full });

describe('refusals', () => {
  test.each([
    [1, interval(0, 0), 'fail', 'in-log'],
    [0, interval(0, 0), 'pass', 'none'],
    ['unknown', interval(0, 0), 'pass', 'none'],
    [0, interval(3, 3), 'warn', 'somebody'],
    [0, interval(0, 0, 4), 'warn', 'somebody'],
    [0, interval(0, 3), 'inconclusive', 'unclear'],
    [0, { is: 'reset' }, 'inconclusive', 'counters-reset'],
    [2, { is: 'reset' }, 'fail', 'in-log'],
    [0, 'unknown', 'inconclusive', 'no-counters'],
  ] as const)('%s lines, counters %j', (log, counters, is, because) => {
    expect(judgeRefusals(log, counters as Interval | 'unknown')).toMatchObject({ is, because });
  });
});

describe('the peak', () => {
  const account = { is: 'account', connections: 5 } as const;
  const every = (seconds: number, used: readonly (number | 'refused')[]): Sample[] =>
    used.map((one, i) => ({ at: i * seconds, used: one }));
  test.each([
    ['one of five, coming and going', every(1, [1, 0, 1, 1, 0, 1]), 'pass', 'room'],
    ['two of five', every(1, [2, 2, 1]), 'pass', 'room'],
    ['three of five', every(1, [1, 3, 1]), 'fail', 'too-high'],
    ['a sample that was refused', every(1, [1, 'refused', 1]), 'fail', 'too-high'],
    ['nothing sampled', [], 'inconclusive', 'no-samples'],
    [
      'an hour of coming and going',
      every(
        10,
        Array.from({ length: 360 }, (_, i) => (i % 3 === 0 ? 0 : 1)),
      ),
      'pass',
      'room',
    ],
  ] as const)('%s', (_, samples, is, because) => {
    expect(judgePeak(samples, account)).toMatchObject({ is, because });
  });

  test('a rise is seen in its thirds, and a slow one in its slope', () => {
    const wide = { is: 'global', connections: 100 } as const;
    expect(judgePeak(every(1, [0, 0, 1, 2, 3, 3]), wide)).toMatchObject({ is: 'fail', because: 'rising' });
    const slow = every(
      10,
      Array.from({ length: 30 }, (_, i) => 4 + (i >= 15 ? 1 : 0)),
    );
    expect(judgePeak(slow, wide)).toMatchObject({ is: 'fail', because: 'rising-slowly' });
    expect(judgePeak(every(10, [4, 5, 4, 5, 4, 5, 4, 5]), wide)).toMatchObject({ is: 'pass' });
  });

  test('an account that lets nobody in to ask is full, whatever its limit', () => {
    expect(judgePeak(every(5, ['refused', 0, 'refused']), undefined)).toMatchObject({
      is: 'fail',
      because: 'full',
    });
    expect(judgePeak(every(5, [0]), undefined)).toMatchObject({ is: 'inconclusive' });
  });

  test('without a limit of the account’s the server’s is judged, with a warning', () => {
    const server = { is: 'server', connections: 151 } as const;
    expect(judgePeak(every(1, [1, 2]), server)).toMatchObject({ is: 'warn', because: 'no-limit' });
    expect(judgePeak(every(1, [1, 120]), server)).toMatchObject({ is: 'fail', because: 'too-high' });
    expect(judgePeak(every(1, [0]), { is: 'administrators-only', connections: 0 })).toMatchObject({
      is: 'fail',
    });
  });
});
