// The chart of connections: limit and 60 % line, the peak, holes that are no noughts, the first violation.
import { describe, expect, test } from 'vitest';
import { chartLines } from '../../src/show/chart.ts';

const of = (more: Partial<Parameters<typeof chartLines>[0]> = {}): string[] =>
  chartLines({
    points: [
      [0, 1],
      [10, 0],
      [20, null],
      [30, 2],
      [35, 4],
      [40, 'refused'],
      [50, 1],
    ],
    seconds: 60,
    limit: 5,
    width: 6,
    height: 5,
    unicode: true,
    violation: 35,
    ...more,
  });

describe('the chart', () => {
  test('has the limit, the 60 % line, the highest of each stretch, and the first violation under it', () => {
    expect(of()).toEqual([
      '   5 ────×─ limit',
      '        █× ',
      '   3 ┄┄┄█×┄ 60 %',
      '        █× ',
      '     █· █×█',
      '        ▲ first violation',
    ]);
  });

  test('in ASCII it says the same', () => {
    expect(of({ unicode: false })).toEqual([
      '   5 ----x- limit',
      '        #x ',
      '   3 ===#x= 60 %',
      '        #x ',
      '     #. #x#',
      '        ^ first violation',
    ]);
  });

  test('a large limit is drawn to scale', () => {
    const lines = of({ limit: 100, points: [[0, 50]], height: 4, violation: undefined });
    expect(lines).toEqual([' 100 ────── limit', '  60 ┄┄┄┄┄┄ 60 %', '     █     ', '     █     ', '']);
  });

  test('without a limit there is only what was seen; with nothing there are only the lines', () => {
    expect(of({ limit: undefined, violation: undefined }).join('\n')).not.toMatch(/limit|60 %/);
    expect(of({ points: [], violation: undefined })[0]).toBe('   5 ────── limit');
  });
});
