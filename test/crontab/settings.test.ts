// Settings count for what stands below them.
import { describe, expect, test } from 'vitest';
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
