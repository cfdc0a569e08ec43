// Columns of a span: UTF-16 units of the line as it is shown, whatever bytes stand in it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, readable } from '../../src/change/encode.ts';
import type { Crontab } from '../../src/crontab/crontab.ts';
import { columnsOf } from '../../src/survey/columns.ts';

const crontab = (text: string) => ({ text }) as Crontab;
const spot = (text: string, word: string) => {
  const start = text.indexOf(word);
  return columnsOf(crontab(text), { start, end: start + word.length });
};

test.each([
  ['plain', 'a\n0 3 * * * word x\n', 11],
  ['behind tabs, which are one unit each', '0\t3\t*\t*\t*\tword\n', 11],
  ['behind umlauts', bytesOf('# äöü\n* * * * * /ä/ word\n'), 15],
  ['behind wide signs and emoji, which are two units', bytesOf('* * * * * 日本 😀 word\n'), 17],
  ['behind bytes that are no UTF-8, one unit each', '* * * * * \xff\xe4 word\n', 14],
  ['in the first line', 'word\n', 1],
])('%s', (_, text, column) => {
  expect(spot(text, 'word')).toEqual({ column, endColumn: column + 4 });
});

test('the columns cut the shown line where the span’s bytes are, for any text and any span on whole signs', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 4 }), { maxLength: 6 }),
      fc.nat(5),
      (parts, at) => {
        const words = parts.map((part) => part.replace(/[\n\r]/g, ' '));
        const word = words[at] ?? '';
        const before = words.slice(0, at).join('');
        const text = bytesOf(`first\n${words.join('')}\nlast\n`);
        const start = 6 + bytesOf(before).length;
        const { column, endColumn } = columnsOf(crontab(text), { start, end: start + bytesOf(word).length });
        expect(readable(text.split('\n')[1] ?? '').slice(column - 1, endColumn - 1)).toBe(word);
      },
    ),
  );
});
