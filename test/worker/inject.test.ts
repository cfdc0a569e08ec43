// The guard's line goes in where it is legal, changes nothing else, and comes out without a trace.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { guardFile } from '../../src/worker/guard.ts';
import { injectGuard } from '../../src/worker/inject.ts';
import { type Call, findGuard, removeGuard } from '../../src/worker/line.ts';
import { guardFileName } from '../../src/worker/place.ts';
import { nodeShapes, phpShapes } from './shapes.ts';

const place = mkdtempSync(join(tmpdir(), 'cronlatch-inject-'));
afterAll(() => rmSync(place, { recursive: true }));
const hasPhp = spawnSync('php', ['-v']).status === 0;

const call = (kind: 'php' | 'node', name = 'worker'): Call => ({
  kind,
  dir: join(place, `it's here ${kind}`),
  name,
  guardPath: `./${guardFileName(kind)}`,
});

async function injected(source: string, kind: 'php' | 'node', name?: string): Promise<string> {
  const result = await injectGuard(source, call(kind, name));
  expect(result).toMatchObject({ is: 'injected' });
  return result.is === 'injected' ? result.text : '';
}

/** Where the guard's call starts. */
const starts = (text: string) => text.search(/\(require __DIR__|import '\.\/cronlatch/);

for (const kind of ['php', 'node'] as const) {
  const ending = kind === 'php' ? 'php' : 'mjs';
  const shapes = kind === 'php' ? phpShapes : nodeShapes;
  writeFileSync(join(place, guardFileName(kind)), guardFile(kind), 'latin1');

  describe.skipIf(kind === 'php' && !hasPhp)(`a ${kind} script`, () => {
    it.each(shapes.map(([name, source, behind]) => ({ name, source, behind })))(
      '$name',
      async ({ name, source, behind }) => {
        const text = await injected(source, kind, name.replace(/\W/g, '-'));
        const at = starts(text);
        if (behind !== undefined)
          expect(text.slice(0, at)).toBe(source.slice(0, source.indexOf(behind)) + behind);
        expect(findGuard(text)).toEqual({
          line: text.slice(0, at).split(/\r\n|\n|\r/).length,
          dir: call(kind).dir,
          name: name.replace(/\W/g, '-'),
          guardPath: call(kind).guardPath,
        });
        expect(removeGuard(text)).toEqual({ is: 'removed', text: source });
        expect(await injectGuard(text, call(kind))).toMatchObject({ is: 'already' });

        const before = join(place, `before.${ending}`);
        const after = join(place, `after.${ending}`);
        writeFileSync(before, source, 'latin1');
        writeFileSync(after, text, 'latin1');
        execFileSync(kind, [kind === 'php' ? '-l' : '--check', after]);
        // opcache and warnings off: only the script's own output is compared
        const run = (file: string) =>
          spawnSync(kind, [...(kind === 'php' ? ['-d', 'display_errors=0'] : []), file]);
        const [old, now] = [run(before), run(after)];
        expect(old.status).toBe(0);
        expect([now.stdout.toString('latin1'), now.stderr.toString(), now.status]).toEqual([
          old.stdout.toString('latin1'),
          old.stderr.toString(),
          old.status,
        ]);
        expect(readFileSync(join(call(kind).dir, `${name.replace(/\W/g, '-')}.lock`), 'latin1')).toContain(
          '"state":"done"',
        );
      },
    );
  });
}

it('keeps the line ends of the script', async () => {
  expect((await injected('<?php\r\necho 1;\r\n', 'php')).replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  expect((await injected('<?php\recho 1;\r', 'php')).includes('\n')).toBe(false);
});

it.each([
  ['empty file', '', 'empty'],
  ['only the tag', '<?php\n', 'empty'],
  ['only a comment', '<?php\n// nothing yet\n', 'empty'],
  ['text before the tag', 'Hello\n<?php echo 1;\n', 'html-before-tag'],
  ['a blank line before the tag', '\n<?php echo 1;\n', 'html-before-tag'],
  ['no PHP', 'just text\n', 'no-open-tag'],
  ['echo tag', '<?= 1 ?>\n', 'no-open-tag'],
  ['data behind the code', '<?php\necho 1;\n__halt_compiler();\x00\x01', 'halt-compiler'],
  ['a syntax error', '<?php\necho 1\necho 2;\n', 'unparsable'],
  ['ionCube', "<?php //004fb\nif(!extension_loaded('ionCube Loader')){exit(199);}\n?>\nHR+c", 'encoded'],
  ['SourceGuardian', "<?php\n@sg_load('AAAA');\n", 'encoded'],
  ['Zend Guard', '<?php @Zend;\n4147;\n', 'encoded'],
  ['declare closed by a tag', '<?php declare(strict_types=1) ?>\n<?php echo 1;\n', 'unparsable'],
] as const)('leaves PHP alone: %s', async (_, source, why) => {
  expect(await injectGuard(source, call('php'))).toMatchObject({ is: 'refused', why });
});

it.each([
  ['empty file', '', 'empty'],
  ['require', "const fs = require('node:fs');\nconsole.log(fs);\n", 'commonjs'],
  ['exports', 'module.exports = 1;\n', 'commonjs'],
  ['nothing that shows its kind', 'console.log(1);\n', 'commonjs'],
  ['return at the top', 'if (1) return;\n', 'commonjs'],
  ['a syntax error', 'import from from;\n', 'unparsable'],
] as const)('leaves Node alone: %s', async (_, source, why) => {
  expect(await injectGuard(source, call('node'))).toMatchObject({ is: 'refused', why });
});

it('takes the word of its caller for the kind of module', async () => {
  expect(await injectGuard('console.log(1);\n', { ...call('node'), module: 'esm' })).toMatchObject({
    is: 'injected',
  });
  expect(await injectGuard("import 'x';\n", { ...call('node'), module: 'commonjs' })).toMatchObject({
    why: 'commonjs',
  });
});

it('says in which line a parser stumbled', async () => {
  expect(await injectGuard('<?php\necho 1;\n$x = ;\n', call('php'))).toMatchObject({
    why: 'unparsable',
    line: 3,
  });
});

it('does not find a guard that somebody put out of action', async () => {
  const text = await injected('<?php\necho 1;\n', 'php');
  expect(findGuard(text.replace('(require', '// (require'))).toBe('none');
  expect(findGuard(text.replace('(require', '# (require'))).toBe('none');
  expect(removeGuard('<?php\necho 1; // cronlatch: one instance at a time\n')).toEqual({ is: 'absent' });
});

it('refuses a path that would break the line', async () => {
  expect(await injectGuard('<?php\necho 1;\n', { ...call('php'), dir: '/a\nb' })).toMatchObject({
    why: 'bad-path',
  });
});

it('restores the bytes of any script it changed', async () => {
  const part = fc.constantFrom(
    '<?php',
    '<?php\n',
    ' ',
    '\n',
    '\r\n',
    '\r',
    'declare(strict_types=1);',
    'namespace A;',
    'namespace A {',
    '}',
    'echo 1;',
    '// c',
    '/* c',
    '*/',
    '#!x\n',
    '?>',
    'use B;',
    '\xef\xbb\xbf',
    '\t',
    "'",
    '"',
    '\\',
    '\xff',
    '# ?>',
    "'use strict'",
    "import 'a';",
    'export {};',
    ';',
  );
  const path = fc.string({
    unit: fc
      .integer({ min: 32, max: 255 })
      .filter((n) => n !== 127)
      .map((n) => String.fromCharCode(n)),
  });
  const body = fc.array(part, { maxLength: 14 }).map((parts) => parts.join(''));
  const source = fc.oneof(
    body,
    body.map((text) => `<?php${text}`),
    body.map((text) => `<?php\n${text}`),
  );
  let done = 0;
  await fc.assert(
    fc.asyncProperty(
      source,
      path,
      path,
      fc.constantFrom('php' as const, 'node' as const),
      async (text, dir, name, kind) => {
        const options = { kind, dir: `/${dir}`, name, guardPath: `./${guardFileName(kind)}` };
        const result = await injectGuard(text, options);
        if (result.is !== 'injected') return;
        done++;
        expect(removeGuard(result.text)).toEqual({ is: 'removed', text });
        expect(findGuard(result.text)).toEqual({
          line: result.line,
          dir: `/${dir}`,
          name,
          guardPath: options.guardPath,
        });
      },
    ),
    { numRuns: 3000 },
  );
  expect(done).toBeGreaterThan(100);
});
