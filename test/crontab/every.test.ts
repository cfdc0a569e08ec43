// How far apart runs are: only where it is the same all year.
import { expect, test } from 'vitest';
import { everySeconds } from '../../src/crontab/every.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';

test.each([
  ['* * * * *', 60],
  ['*/2 * * * *', 120],
  ['*/7 * * * *', undefined],
  ['0,30 * * * *', 1800],
  ['5 * * * *', 3600],
  ['5,6 * * * *', undefined],
  ['0 */6 * * *', 21_600],
  ['0 */5 * * *', undefined],
  ['*/10 */6 * * *', undefined],
  ['0 3 * * *', 86_400],
  ['* 8-18 * * *', undefined],
  ['* * * * 1-5', undefined],
  ['* * 1 * *', undefined],
  ['* * * 6 *', undefined],
  ['@hourly', 3600],
  ['@reboot', undefined],
])('%s', (schedule, expected) => {
  const { lines } = parseCrontab(`${schedule} true\n`, { dialect: 'debian', system: false });
  const [entry] = lines;
  if (entry?.is !== 'entry') throw new Error(`no entry: ${schedule}`);
  expect(everySeconds(entry.schedule)).toBe(expected);
});
