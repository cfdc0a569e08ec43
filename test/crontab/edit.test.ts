// Replacing one command or a few lines: what was meant changes, and no other byte does.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Crontab, Dialect } from '../../src/crontab/crontab.ts';
import { replaceCommand, replaceLines } from '../../src/crontab/edit.ts';
import { decodeCommand, encodeCommand, offsetOf } from '../../src/crontab/escape.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { anyBytes, commandText, crontabBytes, crontabFile, dialect, runs } from './arbitrary.ts';
import { preserved } from './preserved.ts';

const parse = (text: string, which: Dialect = 'debian', system = false) =>
  parseCrontab(text, { dialect: which, system });

function edited(crontab: Crontab, line: number, command: string): string {
  const edit = replaceCommand(crontab, line, command);
  if (edit.is === 'refused') throw new Error(edit.why);
  return edit.text;
}

const why = (text: string, command: string, which: Dialect = 'debian') => {
  const edit = replaceCommand(parse(text, which), 1, command);
  return edit.is === 'refused' ? edit.why : edit.text;
};

describe('escapes', () => {
  test.each([
    ['a%b', 'a', 'b\n', 'a', 'b\n'],
    ['a\\%b', 'a%b', undefined, 'a%b', undefined],
    ['a\\\\b', 'a\\b', undefined, 'a\\\\b', undefined],
    ['a\\nb', 'a\\nb', undefined, 'a\\nb', undefined],
    ['a\\\\%b', 'a\\', 'b\n', 'a\\\\', 'b\n'],
    ['a\\\\\\%b', 'a\\%b', undefined, 'a\\\\%b', undefined],
    ['a\\', 'a\\', undefined, 'a\\', undefined],
    ['a%', 'a', '', 'a', ''],
    ['a%b%c', 'a', 'b\nc\n', 'a', 'b\nc\n'],
    ['a%b\\%c\\\\d%', 'a', 'b%c\\\\d\n', 'a', 'b%c\\\\d\n'],
    ['mail joe%Dear Joe,%%bye%', 'mail joe', 'Dear Joe,\n\nbye\n', 'mail joe', 'Dear Joe,\n\nbye\n'],
  ])('%s', (raw, debian, debianStdin, cronie, cronieStdin) => {
    expect(decodeCommand(raw, 'debian', 0)).toMatchObject({ text: debian });
    expect(decodeCommand(raw, 'debian', 0).stdin).toBe(debianStdin);
    expect(decodeCommand(raw, 'cronie', 0)).toMatchObject({ text: cronie });
    expect(decodeCommand(raw, 'cronie', 0).stdin).toBe(cronieStdin);
  });

  // Run by the real daemon of Debian 12; the right side is what the shell and the command's input got.
  test.each([
    ['cat%x\\%y\\\\%z\\\\\\%w\\q', 'cat', 'x%y\\%z\\\\%w\\q\n'],
    ["printf '\\%s' 'a\\\\\\\\b\\\\\\%c\\d\\\\\\\\\\%e'", "printf '%s' 'a\\\\b\\%c\\d\\\\%e'", undefined],
    ['cat%', 'cat', ''],
    ['cat%\\\\', 'cat', '\\\\'],
    ['cat%x\\', 'cat', 'x\\\n'],
    ['cat%x%', 'cat', 'x\n'],
    ["echo '\\\\%in'", "echo '\\", "in'\n"],
  ])('%s is decoded as the daemon does', (raw, text, stdin) => {
    const decoded = decodeCommand(raw, 'debian', 0);
    expect(decoded.text).toBe(text);
    expect(decoded.stdin).toBe(stdin);
  });

  test('the offsets lead from each decoded byte to its first raw byte', () => {
    const offsets = (raw: string, dialect: 'debian' | 'cronie') => {
      const command = decodeCommand(raw, dialect, 100);
      return Array.from({ length: command.text.length + 1 }, (_, index) => offsetOf(command, index));
    };
    expect(offsets('a\\%b\\\\c%d', 'debian')).toEqual([100, 101, 103, 104, 106, 107]);
    expect(offsets('a\\%b\\\\c%d', 'cronie')).toEqual([100, 101, 103, 104, 105, 106, 107]);
  });

  test('a text that can be written decodes to itself', () => {
    fc.assert(
      fc.property(fc.oneof(commandText, anyBytes), dialect, fc.boolean(), (text, which, before) => {
        const raw = encodeCommand(text, which, before);
        if (raw === undefined) {
          expect(which === 'cronie' || /[\n\0]/.test(text)).toBe(true);
          return;
        }
        expect(decodeCommand(before ? `${raw}%in` : raw, which, 0).text).toBe(text);
        expect(decodeCommand(raw, which, 0).stdin).toBeUndefined();
      }),
      runs(5_000),
    );
  });

  test('no backslash is written that could be left out', () => {
    fc.assert(
      fc.property(commandText, dialect, (text, which) => {
        const raw = encodeCommand(text, which);
        if (raw === undefined) return;
        for (let at = raw.indexOf('\\'); at >= 0; at = raw.indexOf('\\', at + 1)) {
          const less = raw.slice(0, at) + raw.slice(at + 1);
          const read = decodeCommand(less, which, 0);
          expect(read.text === text && read.stdin === undefined).toBe(false);
        }
      }),
      runs(2_000),
    );
  });

  test('every raw command can be written again', () => {
    fc.assert(
      fc.property(commandText, dialect, (raw, which) => {
        const { text, stdin } = decodeCommand(raw, which, 0);
        expect(encodeCommand(text, which, stdin !== undefined)).toBeDefined();
      }),
      runs(3_000),
    );
  });

  test('cronie cannot write an odd number of backslashes in front of a percent sign', () => {
    expect(encodeCommand('a\\%', 'cronie')).toBeUndefined();
    expect(encodeCommand('a\\\\%', 'cronie')).toBe('a\\\\\\%');
    expect(encodeCommand('a\\%', 'debian')).toBe('a\\\\\\%');
    expect(encodeCommand("printf 'a\\n'", 'debian')).toBe("printf 'a\\n'");
  });
});

describe('replacing a command', () => {
  test.each([9, 10, 11, 12, 13, 15, 16, 17, 18])(
    'in line %i of the 19 leaves the other 18 as they are',
    (number) => {
      const crontab = parse(preserved);
      const before = preserved.split('\n');
      const after = edited(crontab, number, "/usr/bin/php '/srv/new job.php' --at $(date +%F)").split('\n');
      expect(after).toHaveLength(before.length);
      for (const [index, line] of before.entries()) {
        if (index !== number - 1) expect(after[index]).toBe(line);
      }
      expect(after[number - 1]).toContain("/usr/bin/php '/srv/new job.php' --at $(date +\\%F)");
    },
  );

  test.each([
    ['*/5\t*\t*\t*\t*\t php a.php\n', 'php b.php', '*/5\t*\t*\t*\t*\t php b.php\n'],
    ['@daily  php a.php\r\n', 'php b.php', '@daily  php b.php\r\n'],
    ['@daily php a.php\r\n', 'php b.php\r', '@daily php b.php\r\n'],
    ['@daily php a.php%one%two\\%\n', 'php b.php', '@daily php b.php%one%two\\%\n'],
    ['@daily a\\\\%in\n', 'b\\', '@daily b\\\\%in\n'],
    ['@daily date +\\%F\n', 'date +%F >> x', '@daily date +\\%F >> x\n'],
    // A pair of backslashes that needed no pair stays as it was written.
    ["@daily printf 'a\\\\n' x\n", "printf 'a\\n' y", "@daily printf 'a\\\\n' y\n"],
  ])('%j with %j', (text, command, expected) => {
    expect(edited(parse(text), 1, command)).toBe(expected);
  });

  test('keeps the user column and what stands around the line', () => {
    const text = '# a\n0 3 * * *\troot  php a.php\nA=1\n* * * * * root x';
    expect(edited(parse(text, 'debian', true), 2, 'php b.php')).toBe(
      '# a\n0 3 * * *\troot  php b.php\nA=1\n* * * * * root x',
    );
  });

  test.each([
    ['# x\n', 'y', 'not-an-entry'],
    ['A=1\n', 'y', 'not-an-entry'],
    ['60 * * * * x\n', 'y', 'not-an-entry'],
    ['* * * * * x', 'y', 'not-an-entry'],
    ['* * * * * x\n', 'a\nb', 'newline'],
    ['* * * * * x\n', 'a\0b', 'nul-byte'],
    ['* * * * * x\0\n', 'y', 'nul-byte'],
    ['* * * * * x\n', ' ', 'empty'],
    ['* * * * * x\n', ' y', 'misread'],
    ['* * * * * x\n', '* y', 'misread'],
    ['@reboot x\n', '=y', 'misread'],
    ['* * * * * x\n', 'y'.repeat(999), 'too-long'],
    ['* * * * * x\n', '%'.repeat(500), 'too-long'],
    [`* * * * * x%${'z'.repeat(990)}\n`, 'yyyyyyyyy', 'too-long'],
  ])('%j with %j is refused: %s', (text, command, reason) => {
    expect(why(text, command)).toBe(reason);
  });

  test('up to the last byte Debian takes', () => {
    expect(edited(parse('* * * * * x\n'), 1, 'y'.repeat(998))).toBe(`* * * * * ${'y'.repeat(998)}\n`);
  });

  test('of cronie with what cronie cannot write is refused', () => {
    expect(why('* * * * * x\n', 'a\\%', 'cronie')).toBe('unwritable');
    expect(why('* * * * * x\n', '-q y', 'cronie')).toBe('misread');
  });

  test('changes no byte outside the command and reads back as asked', () => {
    const file = fc
      .oneof(crontabBytes, crontabFile)
      .map((text) => `${text}\n*/5 * * * * root a\\%b%c\n${text}`);
    fc.assert(
      fc.property(
        file,
        commandText,
        dialect,
        fc.boolean(),
        fc.nat(),
        (text, command, which, system, pick) => {
          const crontab = parse(text, which, system);
          const entries = crontab.lines.filter((line) => line.is === 'entry');
          const line = entries[pick % entries.length];
          if (line === undefined) return;
          const edit = replaceCommand(crontab, line.number, command);
          if (edit.is === 'refused') return;
          const { start, end } = line.commandSpan;
          const grown = edit.text.length - text.length;
          expect(edit.text.slice(0, start)).toBe(text.slice(0, start));
          expect(edit.text.slice(end + grown)).toBe(text.slice(end));
          const after = parse(edit.text, which, system);
          expect(after.lines).toHaveLength(crontab.lines.length);
          const read = after.lines.find((other) => other.span.start === line.span.start);
          if (read?.is !== 'entry') throw new Error('no entry any more');
          expect([command, `${command}\r`]).toContain(read.command.text);
          expect(read.command.stdin).toBe(line.command.stdin);
          expect(read.schedule).toEqual(line.schedule);
          expect(read.user).toBe(line.user);
        },
      ),
      runs(3_000),
    );
  });

  test('with itself changes nothing at all', () => {
    fc.assert(
      fc.property(crontabFile, dialect, (text, which) => {
        const crontab = parse(text, which);
        for (const line of crontab.lines) {
          if (line.is !== 'entry') continue;
          const edit = replaceCommand(crontab, line.number, line.command.text);
          if (edit.is === 'edited') expect(edit.text).toBe(text);
          else expect(['empty', 'nul-byte']).toContain(edit.why);
        }
      }),
      runs(2_000),
    );
  });
});

describe('replacing lines', () => {
  test('comments out, adds and removes without touching the rest', () => {
    const text = '# a\n* * * * * x\r\nA=1\n\n@daily y\n';
    const edits = [
      { line: 5, lines: [] },
      { line: 2, lines: ['# was:\n', '#* * * * * x\r\n'] },
    ];
    expect(replaceLines(parse(text), edits)).toBe('# a\n# was:\n#* * * * * x\r\nA=1\n\n');
  });

  test('leaves a last line without a newline as short as it was', () => {
    expect(replaceLines(parse('# a\n# b'), [{ line: 2, lines: ['# c'] }])).toBe('# a\n# c');
    expect(replaceLines(parse('# a\n# b'), [{ line: 1, lines: ['# c'] }])).toBe('# c\n# b');
  });

  test('replaces all of a line that a NUL splits', () => {
    const text = '* * * * * x\0* * * * * y\n# z\n';
    expect(replaceLines(parse(text), [{ line: 1, lines: ['# gone\n'] }])).toBe('# gone\n# z\n');
  });

  test('refuses a line that is not there or named twice', () => {
    const crontab = parse('# a\n');
    expect(() => replaceLines(crontab, [{ line: 2, lines: [] }])).toThrow(RangeError);
    expect(() =>
      replaceLines(crontab, [
        { line: 1, lines: [] },
        { line: 1, lines: [] },
      ]),
    ).toThrow(RangeError);
  });

  test('put back what they took, byte by byte', () => {
    fc.assert(
      fc.property(fc.oneof(crontabFile, crontabBytes), dialect, fc.nat(), (text, which, pick) => {
        const crontab = parse(text, which);
        const number = crontab.lines[pick % crontab.lines.length]?.number;
        if (number === undefined) return;
        const same = crontab.lines.filter((line) => line.number === number);
        const old = text.slice(same[0]?.span.start, same[same.length - 1]?.span.end);
        const off = replaceLines(crontab, [{ line: number, lines: ['# off\n', `#${old}`] }]);
        expect(off).toBe(`${text.slice(0, same[0]?.span.start)}# off\n#${text.slice(same[0]?.span.start)}`);
        const edits = [
          { line: number, lines: [] },
          { line: number + 1, lines: [old] },
        ];
        expect(replaceLines(parse(off, which), edits)).toBe(text);
      }),
      runs(2_000),
    );
  });
});
