// Whatever is not opaque runs as it was read: pieces of shell thrown together, the survivors run under a real shell.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCommand } from '../../src/command/read.ts';
import { makeScratch, type Scratch } from './execution.ts';
import { type Parts, pick, placed, valuesOf } from './grammar.ts';

const RUNS = process.env['CRONLATCH_STRESS'] ? 30_000 : 800;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch({ APP: 'app' });
  await mkdir(join(scratch.home, 'app'));
  await scratch.file(join(scratch.home, 'input.txt'), 'FROM FILE\n');
  await scratch.file(join(scratch.home, 'env.sh'), 'export B=from-file\n');
});
afterAll(() => scratch.remove());

describe('a soup of shell pieces', () => {
  const pieces = pick(
    ...`php node worker.php cd app cd && ; & || | > >> 2> 2>&1 < own.log input.txt /dev/null ~ $HOME $APP " ' \\ # = A=1
    { } ( ) [ ] ! * ? -f -q -- -d nice env 1 2 5 if then fi time $'x' {a,b} $ \` >& &> >| |& <( export . ./env.sh -n missing`.split(
      /\s+/,
    ),
  );
  const soup = fc
    .tuple(fc.array(fc.tuple(pieces, pick(' ', ' ', ' ', '')), { maxLength: 9 }), fc.boolean())
    .map(([list, bash]): Parts => ({ text: `php ${list.flat().join('')}`, bash }));

  test('is opaque, or runs as it was read', async () => {
    let workers = 0;
    await fc.assert(
      fc.asyncProperty(soup, async (parts) => {
        const { text, surroundings } = placed(parts, scratch);
        const command = readCommand(text, surroundings);
        if (command.is === 'opaque') return;
        workers++;
        const run = await scratch.run(surroundings.shell, text, []);
        if (run.argv === undefined) {
          // A file to read from, or a directory, was not there: then the shell said so.
          // What stands behind the worker has an exit code of its own.
          if (!command.background && !command.involved) expect(run.exitCode, text).not.toBe(0);
          return;
        }
        expect(run.cwd, text).toBe(command.directory);
        const words = [...command.flags, command.script, ...command.args];
        if (words.some(({ open }) => open)) return;
        expect(run.argv.slice(1), text).toEqual(valuesOf(words));
      }),
      { numRuns: RUNS },
    );
    if (process.env['CRONLATCH_COUNTS']) process.stderr.write(`soup: ${workers} workers\n`);
    expect(workers).toBeGreaterThan(0);
  }, 1_200_000);
});
