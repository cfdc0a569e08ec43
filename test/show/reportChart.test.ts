// Step charts: a peak is never lost, a gap is never a value, and a chart has no more points than columns.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Steps } from '../../src/monitor/summary.ts';
import { columnsOf, type Span, type StepChart, stepChart, withHoles } from '../../src/show/reportChart.ts';

const seconds = 3600;
const series: fc.Arbitrary<Steps<number>> = fc
  .uniqueArray(fc.tuple(fc.nat(seconds - 1), fc.option(fc.nat(200))), {
    selector: ([at]) => at,
    minLength: 1,
  })
  .map((points) => points.sort(([a], [b]) => a - b));
const gaps: fc.Arbitrary<Span[]> = fc.array(
  fc.tuple(fc.nat(seconds - 1), fc.integer({ min: 1, max: 600 })).map(([at, long]): Span => [at, at + long]),
  { maxLength: 4 },
);
/** The value of a series at a moment, read as it is meant. */
const at = (steps: Steps<number>, second: number): number | null =>
  steps.findLast(([from]) => from <= second)?.[1] ?? null;
const chart = (steps: Steps<number>, holes: readonly Span[]): StepChart => ({
  ...{ id: 'c', title: 'Connections', told: 'In words.', begins: Date.UTC(2026, 10, 24, 9, 59, 30), seconds },
  ...{ series: steps, unit: 'connections', gaps: holes, lines: [], marks: [] },
});

describe('a step chart', () => {
  test('knows nothing within a gap, and just what the series says elsewhere', () => {
    fc.assert(
      fc.property(series, gaps, fc.nat(seconds - 1), (steps, holes, second) => {
        const dark = holes.some(([from, to]) => from <= second && second < to);
        expect(at(withHoles(steps, holes, seconds), second)).toBe(dark ? null : at(steps, second));
      }),
    );
  });

  test('never loses the highest value of a moment, however many moments a column holds', () => {
    fc.assert(
      fc.property(series, fc.nat(seconds - 1), fc.integer({ min: 10, max: 720 }), (steps, second, count) => {
        const value = at(steps, second);
        const column = columnsOf(steps, seconds, count)[Math.floor((second * count) / seconds)];
        if (value !== null) expect(column).toBeGreaterThanOrEqual(value);
      }),
    );
  });

  test('draws nothing where nothing is known', () => {
    fc.assert(
      fc.property(series, (steps) => {
        for (const [column, value] of columnsOf(steps, seconds, 720).entries()) {
          const moments = Array.from({ length: 5 }, (_, i) => at(steps, column * 5 + i));
          if (moments.every((one) => one === null)) expect(value).toBeNull();
        }
      }),
    );
    const line = (html: string): string => /class="step" d="([^"]*)"\/><\/svg>\n/.exec(html)?.[1] ?? 'none';
    expect(line(stepChart(chart([[0, 1]], [])))).toBe('M0 8H720');
    expect(line(stepChart(chart([[0, 1]], [[600, 1200]])))).toBe('M0 8H120M240 8H720');
    expect(line(stepChart(chart([[0, null]], [])))).toBe('');
  });

  test('of a change every second is no longer than one of a change every column', () => {
    const busy = Array.from({ length: seconds }, (_, i): [number, number] => [i, (i * 7919) % 50]);
    expect(stepChart(chart(busy, [])).length).toBeLessThan(720 * 2 * 14 + 3000);
  });
});
