// No byte is lost and none is changed that nobody meant: random bytes and mutated real crontabs, and how the work grows.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Crontab, Line } from '../../src/crontab/crontab.ts';
import { verdicts } from '../../src/crontab/dialects.ts';
import { replaceCommand, replaceLines } from '../../src/crontab/edit.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { printCrontab } from '../../src/crontab/print.ts';
import { settingsAt } from '../../src/crontab/settings.ts';
import { commandText, stress } from './arbitrary.ts';
import { anything } from './mutants.ts';

const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);

const readings = [
  { dialect: 'debian', system: false, release: 12 },
  { dialect: 'debian', system: true, release: 13 },
  { dialect: 'cronie', system: false },
  { dialect: 'cronie', system: true },
] as const;

/** What a line means, its place in the text left out. */
function meaning(line: Line): unknown {
  switch (line.is) {
    case 'entry':
      return [line.schedule, line.user, line.flags, line.command.text, line.command.stdin];
    case 'setting':
      return [line.name, line.value];
    default:
      return line.is;
  }
}

/** The lines follow each other without a gap and end where the text does. */
function isContiguous({ lines, text }: Crontab): boolean {
  let at = 0;
  const close = lines.every(({ span }) => {
    const fits = span.start === at && span.end > at;
    at = span.end;
    return fits;
  });
  return close && at === text.length;
}

/** Edits one entry and looks at everything else: 1 when there was an edit to look at. */
function editOne(crontab: Crontab, pick: number, command: string): number {
  const entries = crontab.lines.filter((line) => line.is === 'entry');
  const line = entries[pick % Math.max(1, entries.length)];
  if (line === undefined) return 0;
  const { text } = crontab;
  const edit = replaceCommand(crontab, line.number, command);
  if (edit.is === 'refused') return 0;
  const { start, end } = line.commandSpan;
  const grown = edit.text.length - text.length;
  expect(edit.text.slice(0, start)).toBe(text.slice(0, start));
  expect(edit.text.slice(end + grown)).toBe(text.slice(end));
  const {
    dialect,
    system,
    release = 12,
  } = readings.find((one) => one.dialect === crontab.dialect && one.system === crontab.system) as {
    dialect: 'debian' | 'cronie';
    system: boolean;
    release?: 12 | 13;
  };
  const after = parseCrontab(edit.text, { dialect, system, release });
  expect(after.lines).toHaveLength(crontab.lines.length);
  const others = (one: Crontab): string =>
    JSON.stringify(
      one.lines.map((other) => (other.span.start === line.span.start ? 'edited' : meaning(other))),
    );
  expect(others(after)).toBe(others(crontab));
  return 1;
}

test('of any text every byte is printed back, and an edit of one entry changes no other', () => {
  let edits = 0;
  let refused = 0;
  let texts = 0;
  fc.assert(
    fc.property(anything, fc.nat(), commandText, (text, pick, command) => {
      texts++;
      for (const reading of readings) {
        const crontab = parseCrontab(text, reading);
        if (!crontab.accepted) refused++;
        expect(printCrontab(crontab)).toBe(text);
        expect(isContiguous(crontab)).toBe(true);
        edits += editOne(crontab, pick, command);
      }
      const crontab = parseCrontab(text, readings[pick % 4] ?? readings[0]);
      const last = crontab.lines[crontab.lines.length - 1]?.number ?? 0;
      if (last === 0) return;
      const number = (pick % last) + 1;
      const off = replaceLines(crontab, [{ line: number, lines: [] }]);
      const gone = crontab.lines.filter((line) => line.number === number);
      const start = gone[0]?.span.start ?? 0;
      const end = gone[gone.length - 1]?.span.end ?? 0;
      expect(off).toBe(text.slice(0, start) + text.slice(end));
      expect(verdicts(text, pick % 2 === 0).crontabs.debian13.text).toBe(text);
    }),
    { numRuns: stress ? 100_000 : 5_000, seed },
  );
  process.stdout.write(
    `seed ${seed}: ${texts} texts in four readings, ${refused} refused, ${edits} edited\n`,
  );
  expect(edits).toBeGreaterThan(texts / 4);
  expect(refused).toBeGreaterThan(texts / 4);
}, 3_000_000);

describe('the work grows with the text, not with its square:', () => {
  /** Milliseconds of this process's own time, the least of some tries. */
  function cost(work: () => void): number {
    let least = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 3; tries++) {
      const before = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, user + system);
    }
    return least / 1000;
  }

  const everything = (text: string): void => {
    for (const reading of readings) {
      const crontab = parseCrontab(text, reading);
      printCrontab(crontab);
      const last = crontab.lines[crontab.lines.length - 1]?.number ?? 1;
      for (let line = 1; line <= last; line += Math.ceil(last / 50)) settingsAt(crontab, line);
      const entry = crontab.lines.find((line) => line.is === 'entry');
      if (entry !== undefined) replaceCommand(crontab, entry.number, 'y');
    }
    verdicts(text, false);
  };

  test.each([
    ['entries', '', '*/5 * * * * php /srv/a.php\n'],
    ['settings', '', 'A=1\n'],
    ['settings and entries', '', 'A="b c"\n@daily x\n'],
    ['comments', '', '# x\n'],
    ['blank lines', '', '\n'],
    ['carriage returns', '', '\r\n'],
    ['bad lines', '', '60 * * * * x\n'],
    ['NULs in one line', '* * * * * x', '\0* * * * * x'],
    ['bare NULs', '', '\0'],
    ['a long field', '', '1,'],
    ['a long range', '* * * * ', '1-5/2,'],
    ['a long name', '', 'a'],
    ['a long setting', 'A=', 'x'],
    ['a quoted setting', 'A="', ' '],
    ['quotes', 'A=', '"'],
    ['equals signs', '', '='],
    ['blanks', '', ' '],
    ['a long command', '* * * * * x', 'x'],
    ['backslashes', '* * * * * x', '\\'],
    ['percent signs', '* * * * * x', '%'],
    ['escaped percent signs', '* * * * * x', '\\%'],
    ['input of backslashes', '* * * * * x%', 'a\\\\'],
    ['flags', '* * * * * ', '-n '],
    ['byte 255', '', '\xff'],
  ])(
    '%s',
    (_, head, piece) => {
      const text = (size: number): string =>
        `${head}${piece.repeat(Math.ceil(size / piece.length))}\n* * * * * x\n`;
      const size = 2 ** 13;
      everything(text(size));
      const small = cost(() => everything(text(size)));
      const large = cost(() => everything(text(8 * size)));
      // Sixteen times the text: its square would be 256 times the work. Below a millisecond the clock is too coarse.
      expect(large).toBeLessThan(Math.max(1, small) * 96);
    },
    120_000,
  );
});
