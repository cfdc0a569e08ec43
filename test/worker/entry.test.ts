// The guard in an entry, read back from its options: for every dir and name that were written there.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command, Word } from '../../src/command/command.ts';
import { entryFlags, entryGuard, guardWords } from '../../src/worker/entry.ts';

const commandOf = (
  kind: 'php' | 'node',
  flags: readonly string[],
): Pick<Command, 'flags' | 'interpreter'> => ({
  interpreter: { kind, how: 'absolute' },
  flags: flags.map((value, i): Word => ({ span: { start: i, end: i + 1 }, raw: value, value })),
});
const bytes = fc
  .array(fc.integer({ min: 0x20, max: 0xff }), { minLength: 1, maxLength: 12 })
  .map((all) => String.fromCharCode(...all));
const guardPath = { php: '/srv/cronlatch-guard.php', node: '/srv/cronlatch-guard.mjs' };

test.each(['php', 'node'] as const)('%s: what was written is read back, byte by byte', (kind) => {
  fc.assert(
    fc.property(bytes, bytes, (dir, name) => {
      const flags = entryFlags(kind, { guardPath: guardPath[kind], dir: `/${dir}`, name });
      expect(entryGuard(commandOf(kind, flags))).toMatchObject({ dir: `/${dir}`, name });
    }),
  );
});

const php = entryFlags('php', { guardPath: guardPath.php, dir: '/d', name: 'n' });
const node = entryFlags('node', { guardPath: guardPath.node, dir: '/d', name: 'n', more: { maxTime: 60 } });
test.each([
  ['options between ours', 'php', ['-q', ...php, '-d', 'memory_limit=-1'], { dir: '/d', name: 'n' }, 6],
  [
    'options glued to their sign',
    'php',
    php.flatMap((w) => (w === '-d' ? [] : [`-d${w}`])),
    { dir: '/d' },
    3,
  ],
  [
    'two sets: the last counts',
    'php',
    [...entryFlags('php', { guardPath: guardPath.php, dir: '/e', name: 'm' }), ...php],
    { dir: '/d', name: 'n' },
    12,
  ],
  ['a limit of its own, in Node', 'node', node, { dir: '/d', name: 'n', more: { maxTime: 60 } }, 2],
  ['a glued --import', 'node', [`--import=${node[1]}`], { dir: '/d', name: 'n' }, 1],
  ['somebody else’s prepended file', 'php', ['-d', 'auto_prepend_file=/srv/apm.php'], 'none', 0],
  ['somebody else’s import', 'node', ['--import', 'file:///srv/apm.mjs?dir=/d&name=n'], 'none', 0],
  ['no guard', 'php', ['-d', 'cronlatch.dir=/d', '-d', 'cronlatch.name=n'], 'none', 4],
  ['nothing', 'php', [], 'none', 0],
] as const)('%s', (_, kind, flags, expected, words) => {
  const found = entryGuard(commandOf(kind, flags));
  if (expected === 'none') expect(found).toBe('none');
  else expect(found).toMatchObject(expected);
  expect(guardWords(commandOf(kind, flags))).toHaveLength(words);
});
