// The live screen: whatever happens it fits the terminal, and says the same without colours and in ASCII.
import { describe, expect, test } from 'vitest';
import { foldOf } from '../../src/monitor/incidents.ts';
import type { Observation } from '../../src/monitor/records.ts';
import { type Theme, themeOf } from '../../src/show/theme.ts';
import { frameLines } from '../../src/show/watchScreen.ts';
import { badHour, begins, goodHour, type Story, tell, worker } from '../support/watchStory.ts';

const bare = (line: string): string => line.replace(/\x1b\[\d{1,2}m/g, '');

async function frame(
  { start, records }: Story,
  second: number,
  { width = 80, height = 24, theme }: { width?: number; height?: number; theme?: Theme } = {},
): Promise<string[]> {
  const fold = foldOf(start);
  for (const record of records) if (record.t <= second * 1000) fold.take(record as Observation);
  const w = begins + second * 1000;
  const next = start.workers[0]?.due.find((due) => due > w) ?? 'none';
  return frameLines({
    start,
    now: { fold, t: second * 1000, w, next },
    width,
    height,
    theme: theme ?? (await themeOf({ color: false, unicode: true })),
    zone: 'UTC',
  });
}

describe('the live screen', () => {
  test('of a good hour says how it stands', async () => {
    const lines = await frame(goodHour(), 600);
    expect(lines[0]).toMatch(/^cronlatch {2}✔ no violation +10 min of 1 h, 50 min left$/);
    expect(lines[1]).toMatch(/^process_import_jobs {2}\*\/2 \* \* \* \* +next run in 0:30$/);
    const text = lines.join('\n');
    expect(text).toContain('Connections  1 of 5 (20 %), at most 1 (20 %) at 09:59:30');
    expect(text).toContain('Refusals     0 in the log, 0 by the server’s counters');
    expect(text).toContain('Instances    0 now, at most 1, last start 10:08:01, lock free');
    expect(text).toContain('Ticks        5 seen, none missed');
    expect(text).toContain('Runs         the longest took 20 s, 17 % of the interval');
    expect(text).toContain('80 wait, 0 in work, 20 done, 2 a minute');
    expect(text).toContain('No incidents so far.');
    expect(lines.at(-1)).toContain('Ctrl-C');
  });

  test.each([
    [80, 24],
    [120, 40],
    [200, 60],
    [80, 16],
    [40, 12],
  ])('fits %i columns and %i rows at every moment of a bad hour', async (width, height) => {
    for (const unicode of [true, false]) {
      const theme = await themeOf({ color: true, unicode });
      for (let second = 0; second <= 3600; second += 450) {
        const lines = await frame(badHour(), second, { width, height, theme });
        expect(lines.length).toBeLessThanOrEqual(height);
        for (const line of lines) expect(bare(line).length, line).toBeLessThanOrEqual(width);
        if (!unicode) expect(lines.join('')).toMatch(/^[\x1b -~]*$/);
      }
    }
  });

  test('shows the violation since when, in the head and under the chart, and the newest incidents', async () => {
    const lines = await frame(badHour(), 1600);
    expect(lines[0]).toContain('✖ VIOLATION since 10:10:30');
    const text = lines.join('\n');
    expect(text).toContain('▲ first violation');
    expect(text).toMatch(/10:24:30 ! 1 error\(s\) in the log$/m);
    expect(text).toMatch(/10:14:00 ✖ a run was due and none began, for 2 min$/m);
    const early = (await frame(badHour(), 760)).join('\n');
    expect(early).toContain('10:10:34 ✖ 2 instances at once (PID 9010, 9011), for 1 min 26 s');
  });

  test('of more incidents than there is room for it says how many came before', async () => {
    const lines = await frame(badHour(), 3599, { height: 20 });
    expect(lines.join('\n')).toMatch(/\d+ incident\(s\) before these/);
    expect(lines.at(-1)).toContain('Ctrl-C');
  });

  test('several workers: the one in trouble is shown whole, the others in a line', async () => {
    const story = tell({ seconds: 200 });
    const [first] = story.start.workers;
    if (first === undefined) throw new Error('no worker');
    const second = { ...worker, name: 'mails', due: [] };
    const two: Story = {
      start: { ...story.start, workers: [first, second] },
      records: story.records.map((record) =>
        record.is === 'sample'
          ? {
              ...record,
              workers: [
                ...record.workers,
                {
                  instances: [7, 8].map((pid) => ({
                    pid,
                    start: `${pid}`,
                    born: 0,
                    holds: 'unseen' as const,
                  })),
                  lock: 'unseen' as const,
                },
              ],
            }
          : record,
      ),
    };
    const lines = await frame(two, 100);
    expect(lines[1]).toMatch(/^mails /);
    expect(lines.join('\n')).toContain('process_import_jobs  0 now, at most 1, 0 missed');
    expect(lines.join('\n')).toContain('mails: 2 instances at once (PID 7, 8), goes on');
  });
});
