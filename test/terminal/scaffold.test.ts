// deploy --scaffold: our worker in place of a script, latched, told apart by the script's name, and put back.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectProblem, hasPhp, root, run, scratch, site } from './harness.ts';

/** The program with its templates, where only its owner may write. */
function program(): string {
  const directory = scratch();
  for (const part of ['bin', 'dist', 'templates', 'package.json'])
    cpSync(join(root, part), join(directory, part), { recursive: true });
  return join(directory, 'bin/cronlatch.js');
}

describe('deploy --scaffold', () => {
  const kinds = hasPhp ? (['php', 'node'] as const) : (['node'] as const);
  test.each(kinds)(
    '%s: ships the worker with the guard in it, --once added, and rollback brings the old one back',
    async (kind) => {
      const at = site(kind);
      const before = readFileSync(at.script, 'utf8');
      const bin = program();
      const flags = ['--script', at.script, '--scaffold', '--ci', '--without', 'verify'];
      const ended = await run(['deploy', ...at.on, ...flags], { bin });
      expect({ code: ended.code, err: ended.err }).toMatchObject({ code: 0 });
      const after = readFileSync(at.script, 'utf8');
      expect(after).toContain('A worker for a table of jobs');
      expect(after).toContain('cronlatch-guard');
      expect(at.read().toString()).toMatch(/worker\.(?:php|mjs) --once/);
      expect((await run(['rollback', ...at.stateFlags, '--ci'], { bin })).code).toBe(0);
      expect(readFileSync(at.script, 'utf8')).toBe(before);
    },
  );

  test('without a script it is refused', async () => {
    const at = site();
    expectProblem(await run(['deploy', ...at.on, '--all', '--scaffold', '--ci']), 'usage', 2);
  });
});
