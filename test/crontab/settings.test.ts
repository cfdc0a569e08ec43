// Settings count for what stands below them; and what a schedule amounts to.
import { describe, expect, test } from 'vitest';
import { rhythm } from '../../src/crontab/describe.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { settingsAt } from '../../src/crontab/settings.ts';

const parse = (text: string) => parseCrontab(text, { dialect: 'debian', system: false });

describe('settings in force', () => {
  const crontab = parse('@daily a\nSHELL=/bin/bash\nA=1\n@daily b\n\nSHELL="/bin/sh"\n@daily c\nA=2\n');
  const at = (line: number) => Object.fromEntries(settingsAt(crontab, line));

  test('are those above the entry, the lowest winning', () => {
    expect(at(1)).toEqual({});
    expect(at(4)).toEqual({ SHELL: '/bin/bash', A: '1' });
    expect(at(7)).toEqual({ SHELL: '/bin/sh', A: '1' });
  });

  test('are the same in whatever order they are asked for', () => {
    expect([7, 1, 4, 7, 8, 9].map((line) => at(line)['A'])).toEqual(['1', undefined, '1', '1', '1', '2']);
  });
});

describe('the rhythm of a schedule', () => {
  test.each([
    ['@reboot', { is: 'boot' }],
    ['5-1 * * * *', { is: 'never' }],
    ['* * * * *', { is: 'every-minutes', n: 1 }],
    ['*/2 * * * *', { is: 'every-minutes', n: 2 }],
    ['0,15,30,45 * * * *', { is: 'every-minutes', n: 15 }],
    ['*/7 * * * *', { is: 'other' }],
    ['5 * * * *', { is: 'hourly', minute: 5 }],
    ['@hourly', { is: 'hourly', minute: 0 }],
    ['5 */6 * * *', { is: 'every-hours', n: 6, minute: 5 }],
    ['5 1,3 * * *', { is: 'other' }],
    ['30 4 * * *', { is: 'daily', hour: 4, minute: 30 }],
    ['@midnight', { is: 'daily', hour: 0, minute: 0 }],
    ['30 4 1-31 * 1', { is: 'daily', hour: 4, minute: 30 }],
    ['30 4 * * 1-5', { is: 'weekly', weekdays: [1, 2, 3, 4, 5], hour: 4, minute: 30 }],
    ['@weekly', { is: 'weekly', weekdays: [0], hour: 0, minute: 0 }],
    ['0 0 31-1 * 1', { is: 'weekly', weekdays: [1], hour: 0, minute: 0 }],
    ['@monthly', { is: 'monthly', day: 1, hour: 0, minute: 0 }],
    ['0 0 1,15 * *', { is: 'other' }],
    ['@yearly', { is: 'yearly', month: 1, day: 1, hour: 0, minute: 0 }],
    ['0 0 */2 * 1', { is: 'other' }],
    ['0 0 1 * 1', { is: 'other' }],
  ])('of %s', (expr, expected) => {
    const line = parse(`${expr} x\n`).lines[0];
    if (line?.is !== 'entry') throw new Error('no entry');
    expect(rhythm(line.schedule)).toEqual(expected);
  });
});
