// The quick way of reading an entry against the thorough one: in a crontab of one line there is nothing known yet.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dialect, Line } from '../../src/crontab/crontab.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { readKnown } from '../../src/crontab/plain.ts';
import { commandText, crontabBytes, dialect, runs } from './arbitrary.ts';

const schedules = fc.constantFrom(
  '* * * * *',
  '*/5\t*  * * *',
  '0 3 1-7 * *',
  ' 7 7 * * 1-5',
  '@daily',
  '@reboot',
  '0 0 1 * sun',
  '5-1 * * * *',
  '1 2 3 4 5x',
);
const blanks = fc.constantFrom(' ', ' ', '\t', '  ', '', ' = ', '=', ' -q ', ' * ', ' 5 ', ' /5 ', ' \xff');
const command = fc.oneof(
  commandText,
  crontabBytes.map((text) => text.replaceAll('\n', '')),
  fc.constantFrom('php /srv/a.php', '/usr/bin/php a \\% b % c', 'x'.repeat(1100), 'php x\r', 'a\\\\b'),
);

const linesOf = (text: string, which: Dialect): readonly Line[] =>
  parseCrontab(text, { dialect: which, system: false }).lines;

/** The same with every offset moved back by `by`, and every line number by one. */
function moved(value: unknown, by: number): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, by));
  if (typeof value !== 'object' || value === null) return value;
  const change = (key: string, one: unknown) => {
    if (key === 'escapes') return one;
    if (key === 'start' || key === 'end') return (one as number) - by;
    return key === 'number' ? (one as number) - 1 : moved(one, by);
  };
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(key, one)]));
}

describe('an entry whose schedule stood further up', () => {
  test('is read as it is read alone', () => {
    fc.assert(
      fc.property(
        schedules,
        blanks,
        command,
        fc.constantFrom('\n', '\n', ''),
        dialect,
        (when, blank, what, end, which) => {
          const line = `${when}${blank}${what}${end}`;
          const above = `${when} x\n`;
          const behind = linesOf(`${above}${line}`, which).slice(1);
          expect(moved(behind, above.length), JSON.stringify(line)).toEqual(linesOf(line, which));
        },
      ),
      runs(10_000),
    );
  });

  test('takes the quick way when there is nothing odd about it', () => {
    const text = '*/5 * * * *  php /srv/a.php --x="a  b" >> log 2>&1\n';
    const [first] = linesOf(text, 'debian');
    if (first?.is !== 'entry') throw new Error('no entry');
    const known = new Map([['*/5 * * * *', first.schedule]]);
    expect(readKnown(text, 0, text.length - 1, 1, 'debian', known)).toEqual(first);
    expect(readKnown(text, 0, text.length - 1, 1, 'debian', new Map())).toBeUndefined();
  });
});
