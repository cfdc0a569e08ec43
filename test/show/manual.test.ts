// The manual page: everything of the table is in it, and roff's own checkers find nothing to say.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { everywhere } from '../../src/cli/flags.ts';
import { manual } from '../../src/show/manual.ts';

const page = manual('1.2.3', '2026-11-24');
const has = (program: string): boolean => spawnSync('which', [program]).status === 0;

describe('the manual page', () => {
  test('has every command, flag and example', () => {
    const plain = page
      .replace(/\\f[BIR]|\\&/g, '')
      .replaceAll('\\-', '-')
      .replaceAll('\\e', '\\');
    for (const row of commands) {
      expect(plain).toContain(row.usage);
      for (const flag of [...row.flags, ...everywhere]) expect(plain).toContain(`--${flag.name}`);
      for (const [line] of row.examples) expect(plain).toContain(line);
    }
  });

  test.skipIf(!has('mandoc'))('is a page mandoc has no warning about', () => {
    const ran = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], { input: page, encoding: 'utf8' });
    expect(ran.stdout + ran.stderr).toBe('');
  });

  test.skipIf(!has('groff'))('is a page groff has no warning about, and shows as text', () => {
    const ran = spawnSync('groff', ['-man', '-ww', '-T', 'utf8'], { input: page, encoding: 'utf8' });
    expect(ran.stderr).toBe('');
    // Letters are struck twice for a bold one.
    expect(ran.stdout.replace(/.\x08/g, '')).toContain('cronlatch rollback');
  });
});
