// The mark stands under the very spot: with tabs, wide signs, control characters, hidden secrets, narrow terminals.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { excerpt, markUnder, snippetOf, wrap } from '../../src/show/snippet.ts';

/** What stands above the mark. */
const under = (line: string, word: string, unicode = true): string => {
  const snippet = snippetOf(line, unicode);
  const at = line.indexOf(word);
  const mark = markUnder(snippet, at + 1, at + 1 + word.length);
  expect(mark.trimStart()).toMatch(/^\^~*$/);
  return columns(snippet.text).slice(mark.indexOf('^'), mark.length).join('');
};

/** One element for each column; the second of a wide sign is empty. */
const columns = (text: string): string[] =>
  [...text].flatMap((sign) =>
    /[\u3040-\u9fff\uff00-\uff60]|\p{Emoji_Presentation}/u.test(sign)
      ? [sign, '']
      : /\p{M}/u.test(sign)
        ? []
        : [sign],
  );

describe('the mark', () => {
  test.each([
    ['in plain text', '0 3 * * * word x', 'word', 'word'],
    ['behind tabs', '0\t3\t*\t*\t*\tword', 'word', 'word'],
    ['behind wide signs', '* * * * * 日本/x word', 'word', 'word'],
    ['under wide signs', '* * * * * 日本 x', '日本', '日本'],
    ['behind emoji', '* * * * * 😀 word', 'word', 'word'],
    ['behind a letter made of two', '* * * * * e\u0301 word', 'word', 'word'],
    ['behind a control character, which is written out', '* * * * * \x1b[31m word', 'word', 'word'],
    ['behind a secret, which is hidden', 'x --password=hunter2hunter2 word', 'word', 'word'],
    ['under a secret', 'x --password=hunter2hunter2 y', 'hunter2hunter2', '***'],
    ['over a tab, which it covers', 'a\tb', '\t', '       '],
  ])('%s', (_, line, word, seen) => {
    expect(under(line, word)).toBe(seen);
  });

  test('behind a sign that has a longer form in ASCII', () => {
    expect(snippetOf('a … word', false).text).toBe('a ... word');
    expect(under('a … word', 'word', false)).toBe('word');
  });

  test('at the end of the line is one sign wide', () => {
    expect(markUnder(snippetOf('abc', true), 4, 4)).toBe('   ^');
  });

  test('no control character and no secret comes through, whatever the line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (line) => {
        const { text, columns: at } = snippetOf(line, true);
        expect(text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
        expect(at).toHaveLength(line.length + 1);
        expect([...at].sort((a, b) => a - b)).toEqual(at);
      }),
    );
  });
});

describe('a line wider than the terminal', () => {
  test('is cut around the mark, which stays under its spot', () => {
    fc.assert(
      fc.property(
        fc.nat(150),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 20, max: 80 }),
        (from, length, width) => {
          const word = 'W'.repeat(length);
          const line = `${'a'.repeat(from)}${word}${'b'.repeat(160 - from)}`;
          const { line: part, mark } = excerpt(line, `${' '.repeat(from)}^${'~'.repeat(length - 1)}`, width);
          expect(part.length).toBeLessThanOrEqual(width);
          expect(mark.length).toBeLessThanOrEqual(width);
          expect(part.slice(mark.indexOf('^'), mark.length)).toBe(
            word.slice(0, mark.length - mark.indexOf('^')),
          );
          expect(part.slice(mark.indexOf('^'))[0]).toBe('W');
        },
      ),
    );
  });

  test('that fits stays whole', () => {
    expect(excerpt('abc', '^', 20)).toEqual({ line: 'abc', mark: '^' });
  });
});

describe('a sentence', () => {
  test('wraps at blanks, and only where it has to', () => {
    const text = 'cron ends the command at the first % and feeds the rest to its standard input.';
    expect(wrap(text, 200)).toEqual([text]);
    const lines = wrap(text, 30);
    expect(lines.join(' ')).toBe(text);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(30);
  });
});
