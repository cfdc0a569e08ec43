// Quoted words come back from the shell as they were.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shellQuote } from '../../src/command/quote.ts';

test('a harmless word stays bare', () => {
  for (const word of ['/usr/local/php84/bin/php', 'auto_prepend_file=/x.php', '-d', 'a.b-c_d@e:f,g+1%']) {
    expect(shellQuote(word)).toBe(word);
  }
});

test('anything else goes in single quotes', () => {
  expect(shellQuote('')).toBe("''");
  expect(shellQuote('a b')).toBe("'a b'");
  expect(shellQuote("it's")).toBe("'it'\\''s'");
  expect(shellQuote('~')).toBe("'~'");
  expect(shellQuote('caf\xe9')).toBe("'caf\xe9'");
});

test.each(['/bin/sh', '/bin/bash'])('%s reads every quoted word back, to the byte', (shell) => {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-quote-'));
  const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
  const word = fc.array(byte, { maxLength: 12 }).map((bytes) => bytes.join(''));
  try {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        const script = join(directory, 'script');
        writeFileSync(script, `printf '%s\\0' ${words.map(shellQuote).join(' ')}`, 'latin1');
        const read = execFileSync(shell, [script]).toString('latin1').split('\0').slice(0, -1);
        expect(read).toEqual(words);
      }),
      { numRuns: process.env['CRONLATCH_STRESS'] ? 2000 : 60 },
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});
