// When a watched worker is due: by its schedule, until the watch ends, and over the days on which the clock is changed.
import { describe, expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { watchedOf } from '../../src/commands/monitorRun.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { incident, script } from '../support/site.ts';

/** Seconds after `from` at which a worker with this schedule is due within `lasts` seconds. */
async function due(schedule: string, from: string, lasts: number, zone = 'UTC'): Promise<number[]> {
  const server = memoryServer(incident());
  const { ctx } = await contextFor({ ...server, self: { ...server.self, zone } }, 'monitor');
  const worker = { name: 'w', script, schedule, live: true, lock: undefined } as unknown as Latched;
  const at = Date.parse(from);
  const watched = await watchedOf(ctx, worker, undefined, { from: at, lasts });
  return watched.due.map((moment) => (moment - at) / 1000);
}

describe('a worker is due', () => {
  test.each([
    ['* * * * *', '2026-11-24T10:00:30Z', 180, [30, 90, 150]],
    ['*/5 * * * *', '2026-11-24T10:02:10Z', 660, [170, 470]],
    ['10-12 10 * * *', '2026-11-24T10:09:59Z', 3600, [1, 61, 121]],
    ['0 3 * * *', '2026-11-24T10:00:00Z', 3600, []],
    ['@hourly', '2026-11-24T10:59:00Z', 3600, [60]],
    ['@reboot', '2026-11-24T10:59:00Z', 3600, []],
  ])('%s from %s for %i s', async (schedule, from, lasts, expected) => {
    expect(await due(schedule, from, lasts)).toEqual(expected);
  });

  test('a job of the hour that is skipped in spring starts right after it', async () => {
    // 01:59 in Berlin; at 02:00 it is 03:00.
    expect(await due('30 2 * * *', '2026-03-29T00:59:00Z', 3600, 'Europe/Berlin')).toEqual([60]);
    expect(await due('*/30 * * * *', '2026-03-29T00:59:00Z', 3600, 'Europe/Berlin')).toEqual([60, 1860]);
  });

  test('a job of the hour that comes twice in autumn starts once, one that follows the clock in both', async () => {
    // 01:59 in Berlin; at 03:00 it is 02:00 again.
    const from = '2026-10-24T23:59:00Z';
    expect(await due('30 2 * * *', from, 9000, 'Europe/Berlin')).toEqual([1860]);
    expect(await due('*/30 * * * *', from, 7500, 'Europe/Berlin')).toEqual([60, 1860, 3660, 5460, 7260]);
  });
});
