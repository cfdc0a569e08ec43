// Reading a crontab: nothing is lost, and each line is what cron takes it for.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dialect, EntryLine, Line, SettingLine } from '../../src/crontab/crontab.ts';
import { offsetOf } from '../../src/crontab/escape.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { printCrontab } from '../../src/crontab/print.ts';
import { anyBytes, crontabBytes, crontabFile, dialect, runs } from './arbitrary.ts';
import { preserved } from './preserved.ts';

const parse = (text: string, which: Dialect = 'debian', system = false) =>
  parseCrontab(text, { dialect: which, system });

function only(text: string, which: Dialect = 'debian', system = false): Line {
  const { lines } = parse(text, which, system);
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

function entry(text: string, which: Dialect = 'debian', system = false): EntryLine {
  const line = only(text, which, system);
  if (line.is !== 'entry') throw new Error(`${line.is}: ${line.marks.map((mark) => mark.code)}`);
  return line;
}

function setting(text: string, which: Dialect = 'debian'): SettingLine {
  const line = only(text, which);
  if (line.is !== 'setting') throw new Error(line.is);
  return line;
}

const codes = (line: { readonly marks: readonly { readonly code: string }[] }) =>
  line.marks.map((mark) => mark.code);

describe('no byte is lost', () => {
  test.each(['debian', 'cronie'] as const)(
    'of the 19-line crontab that no peer preserves, as %s',
    (which) => {
      const crontab = parse(preserved, which);
      expect(crontab.accepted).toBe(true);
      expect(crontab.lines).toHaveLength(19);
      expect(printCrontab(crontab)).toBe(preserved);
      expect(crontab.lines.filter((line) => line.is === 'entry')).toHaveLength(9);
      expect(crontab.lines.filter((line) => line.is === 'setting')).toHaveLength(4);
    },
  );

  test('of any text, and the lines follow each other without a gap', () => {
    fc.assert(
      fc.property(
        fc.oneof(anyBytes, crontabBytes, crontabFile),
        dialect,
        fc.boolean(),
        (text, which, system) => {
          const crontab = parse(text, which, system);
          expect(printCrontab(crontab)).toBe(text);
          let at = 0;
          let number = 1;
          for (const line of crontab.lines) {
            expect(line.span.start).toBe(at);
            expect(line.span.end).toBeGreaterThan(at);
            expect(line.number).toBe(number);
            if (text[line.span.end - 1] === '\n') number++;
            at = line.span.end;
          }
          expect(at).toBe(text.length);
        },
      ),
      runs(4_000),
    );
  });

  test('and the parts of a line lie inside it', () => {
    fc.assert(
      fc.property(fc.oneof(crontabBytes, crontabFile), dialect, fc.boolean(), (text, which, system) => {
        for (const line of parse(text, which, system).lines) {
          for (const { span } of line.marks) expect(span.end).toBeGreaterThanOrEqual(span.start);
          if (line.is === 'setting') {
            expect(text.slice(line.valueSpan.start, line.valueSpan.end)).toBe(line.value);
          }
          if (line.is !== 'entry') continue;
          const textEnd = offsetOf(line.command, line.command.text.length);
          expect(textEnd).toBeLessThanOrEqual(line.commandSpan.end);
          const inside = [line.scheduleSpan, line.commandSpan, ...(line.userSpan ? [line.userSpan] : [])];
          for (const span of inside) {
            expect(span.start).toBeGreaterThanOrEqual(line.span.start);
            expect(span.end).toBeLessThan(line.span.end);
          }
          expect(text.slice(line.commandSpan.start, line.commandSpan.end)).not.toContain('\n');
        }
      }),
      runs(2_000),
    );
  });

  test('ten thousand entries make ten thousand lines, and one more is too many for Debian', () => {
    const line = '*/5 * * * * cd /var/www/example.com && /usr/bin/php worker.php >> worker.log 2>&1\n';
    expect(parse(line.repeat(10_000)).lines).toHaveLength(10_000);
    expect(parse(line.repeat(10_000)).accepted).toBe(true);
    const more = parse(line.repeat(10_001));
    expect(more.accepted).toBe(false);
    expect(codes(more)).toEqual(['too-many-lines']);
  });

  test.each([
    ['one line of NULs and entries', '* * * * * x\0'],
    ['one long field', '1,'],
    ['one long word', 'a'],
    ['blanks', ' '],
    ['backslashes in a command', '\\'],
    ['quotes', '"'],
  ])('half a megabyte of %s is read in one go', (_, piece) => {
    for (const start of ['', '* * * * * x', 'A=']) {
      const text = start + piece.repeat(2 ** 19 / piece.length);
      for (const which of ['debian', 'cronie'] as const) {
        expect(printCrontab(parse(`${text}\n`, which))).toBe(`${text}\n`);
        expect(printCrontab(parse(text, which))).toBe(text);
      }
    }
  });
});

describe('the file', () => {
  const judged: [string, string, boolean, boolean][] = [
    ['nothing', '', true, true],
    ['only blanks', ' \n\t', true, true],
    ['an entry without a newline', '* * * * * x', false, false],
    ['a setting without a newline', 'A=1', false, false],
    ['a comment without a newline', '* * * * * x\n# end', true, true],
    ['CRLF behind an entry', '* * * * * x\r\n', true, true],
    ['CRLF behind a setting', 'A=1\r\n', true, true],
    ['CRLF on a blank line', '\r\n', false, false],
    ['CR only', '* * * * * x\r', false, false],
    ['a byte order mark and an entry', '\xef\xbb\xbf* * * * * x\n', false, false],
    ['a byte order mark and a comment', '\xef\xbb\xbf# x\n', false, false],
    ['a byte order mark and a setting', '\xef\xbb\xbfSHELL=/bin/sh\n', true, true],
    ['a NUL in a command and text behind it', '* * * * * x\0y\n', false, false],
    ['a NUL in a time field', '1\0 * * * * x\n', true, false],
    ['a no-break space between fields', '*\xa0* * * * x\n', false, false],
    ['a form feed between fields', '*\f* * * * x\n', false, false],
    ['blanks in front and tabs between', ' \t*\t*\t*\t*\t*\tx\n', true, true],
    ['an empty setting', 'FOO=\n', false, true],
    ['an empty quoted setting', 'FOO=""\n', true, true],
    ['export', 'export FOO=1\n', false, false],
    ['two words in front of the equals sign', 'FOO BAR=1\n', false, false],
    ['text behind the closing quote', 'A="x"y\n', false, false],
    ['a quote that is never closed', "A='x\n", false, false],
    ['byte 255 behind a field', '*\xff * * * * x\n', false, false],
    ['byte 255 further on in a field', '*!\xff * * * * x\n', true, false],
    ['byte 255 at the start of a command', '* * * * * \xff\n', false, true],
    ['byte 255 inside a command', '* * * * * x\xff\n', true, true],
    ['byte 254 at the start of a command', '* * * * * \xfe\n', true, true],
    ['no command', '* * * * *\n', true, false],
    ['@reboot without a command', '@reboot\n', true, false],
    ['a sixth star', '* * * * * * x\n', false, false],
    ['the minus of cronie', '-* * * * * x\n', false, true],
    ['-n in front of the command', '* * * * * -n x\n', true, true],
    ['-q in front of the command', '* * * * * -q x\n', true, false],
    ['a random minute', '~ * * * * x\n', false, true],
    ['a command of 998 bytes', `* * * * * ${'x'.repeat(998)}\n`, true, true],
    ['a command of 999 bytes', `* * * * * ${'x'.repeat(999)}\n`, false, true],
    ['a command of 131,073 bytes', `* * * * * ${'x'.repeat(131_073)}\n`, false, true],
    ['1,001 settings', 'A=1\n'.repeat(1_001), true, false],
    ['33 kB of comment', `#${'x'.repeat(33_000)}\n`, true, false],
  ];
  test.each(judged)('%s', (_, text, debian, cronie) => {
    expect(parse(text).accepted).toBe(debian);
    expect(parse(text, 'cronie').accepted).toBe(cronie);
  });

  test('one bad line refuses the whole file, and only that line is unreadable', () => {
    const crontab = parse('* * * * * x\n60 * * * * y\n* * * * * z\n');
    expect(crontab.accepted).toBe(false);
    expect(crontab.lines.map((line) => line.is)).toEqual(['entry', 'unreadable', 'entry']);
    expect(crontab.lines[1]?.marks).toEqual([
      {
        code: 'bad-field',
        level: 'refuse',
        span: { start: 12, end: 14 },
        args: { field: 'minute', text: '60', why: 'out-of-range' },
      },
    ]);
  });

  test('a missing last newline is told of the file and of the line', () => {
    const crontab = parse('# x\n* * * * * x');
    expect(codes(crontab)).toEqual(['no-final-newline']);
    expect(codes(crontab.lines[1]!)).toEqual(['no-final-newline']);
  });

  test('a NUL ends an entry, and what follows is a line of the same number', () => {
    const crontab = parse('* * * * * x\0@daily y\n# z\n');
    expect(crontab.lines.map((line) => [line.number, line.is])).toEqual([
      [1, 'entry'],
      [1, 'entry'],
      [2, 'comment'],
    ]);
  });
});

describe('a setting', () => {
  test.each([
    ['A=1', 'A', '1'],
    ['A = b c  ', 'A', 'b c'],
    ['A="b c"', 'A', 'b c'],
    ['A=\'b "c"\' \t', 'A', 'b "c"'],
    ['"A B"=1', 'A B', '1'],
    ["  'A' = 1", 'A', '1'],
    ['A=b"c"', 'A', 'b"c"'],
    ['A==b', 'A', '=b'],
    ['PATH=$PATH:/x', 'PATH', '$PATH:/x'],
    ['MAILTO=root # me', 'MAILTO', 'root # me'],
    ['*/5=1 * * * * x', '*/5', '1 * * * * x'],
    ['@reboot=1', '@reboot', '1'],
    ['=x', '', 'x'],
    ['A=\xff', 'A', '\xff'],
  ])('%s', (line, name, value) => {
    expect(setting(`${line}\n`)).toMatchObject({ name, value });
    expect(setting(`${line}\r\n`, 'cronie')).toMatchObject({ name, value });
  });

  test.each([
    ['A="\'b\'"', 'b', "'b'"],
    ['A="b  "', 'b', 'b  '],
    ['A="\'b\' " ', 'b', "'b' "],
    ['A=" \'b\'"', " 'b'", " 'b'"],
    ['A="\'b"', "'b", "'b"],
    ['A="\'"', "'", "'"],
    ['A="\'\'"', '', "''"],
    ['A=\'"a" "b"\'', 'a" "b', '"a" "b"'],
  ])(
    '%s is %j to Debian, which takes a second pair of quotes off, and %j to cronie',
    (line, debian, cronie) => {
      expect(setting(`${line}\n`).value).toBe(debian);
      expect(setting(`${line}\n`, 'cronie').value).toBe(cronie);
    },
  );

  test('is cut where Debian stops reading', () => {
    const line = setting(`A=${'x'.repeat(1_200)}\n`);
    expect(line.value).toHaveLength(996);
    expect(codes(line)).toEqual(['setting-cut']);
  });

  test.each([
    ['A=$B', ['dollar-in-value']],
    ['A=b # c', ['comment-in-value']],
    ['A="b # c"', []],
    ['1A=b', ['odd-setting-name']],
    ['CRON_TZ=UTC', ['inert-setting']],
    ['\xef\xbb\xbfA=b', ['byte-order-mark']],
  ])('%s is marked', (line, expected) => {
    expect(codes(setting(`${line}\n`))).toEqual(expected);
  });

  test.each([
    ['FOO=', 'empty-value'],
    ['A="x"y', 'after-quote'],
    ["A='x", 'open-quote'],
    ['export FOO=1', 'export'],
  ])('%s is refused with a hint', (line, why) => {
    const { marks } = only(`${line}\n`);
    expect(marks.map((mark) => mark.code)).toEqual(['bad-field', 'bad-setting']);
    expect(marks[1]?.args).toEqual({ why });
  });
});

describe('an entry', () => {
  test('knows where its parts stand', () => {
    const text = '\t*/5\t*  * * mon-fri \troot\t php  /srv/a.php %in%put\n';
    const line = entry(text, 'debian', true);
    const part = (span: { start: number; end: number } | undefined) => text.slice(span?.start, span?.end);
    expect(part(line.scheduleSpan)).toBe('*/5\t*  * * mon-fri');
    expect(part(line.userSpan)).toBe('root');
    expect(line.user).toBe('root');
    expect(part(line.commandSpan)).toBe('php  /srv/a.php %in%put');
    expect(line.command.text).toBe('php  /srv/a.php ');
    expect(line.command.stdin).toBe('in\nput\n');
    expect(line.schedule).toMatchObject({ is: 'times', weekdays: [1, 2, 3, 4, 5], hours: { length: 24 } });
  });

  test('in a system crontab needs a user and something behind it', () => {
    expect(only('* * * * * root\n', 'debian', true).is).toBe('unreadable');
    expect(only('* * * * *\n', 'debian', true).is).toBe('unreadable');
    expect(entry('@daily u12345_app x\n', 'debian', true).user).toBe('u12345_app');
  });

  test("keeps OpenBSD's flags as words of the command on Debian, and cronie reads its own", () => {
    const debian = entry('* * * * * -n -q php x\n');
    expect(debian.flags).toEqual(['-n', '-q']);
    expect(debian.command.text).toBe('-n -q php x');
    expect(codes(debian)).toEqual(['flag-as-command']);
    const cronie = entry('-* * * * * -n php x\n', 'cronie');
    expect(cronie.flags).toEqual(['-', '-n']);
    expect(cronie.command.text).toBe('php x');
    expect(only('* * * * * -n -n x\n', 'cronie').is).toBe('unreadable');
  });

  test.each([
    ['1-5-7 * * * * x', ['junk-in-field']],
    ['5-1 * * * * x', ['reversed-range', 'never-fires']],
    ['0 0 30 2 * x', ['never-fires']],
    ['*/100 * * * * x', ['step-beyond-range']],
    ['4294967296 * * * * x', ['number-wraps']],
    ['0 0 */2 * 1 x', ['days-and-weekdays']],
    ['0 0 1 * 1 x', ['days-or-weekdays']],
    ['0 0 12 * * ? php x', ['field-as-command']],
    ['* * * * * 2025 report.sh', ['field-as-command']],
    ['* * * * *', ['no-command']],
    ['* * * * * x\r', ['carriage-return']],
    ["* * * * * printf 'a\\\\n'", ['backslash-pair']],
    ['* * * * * /usr/bin/php x', []],
  ])('%s is marked', (line, expected) => {
    expect(codes(entry(`${line}\n`))).toEqual(expected);
  });

  test('with a random time of cronie takes the first possible value', () => {
    const line = entry('5~10 * * * * x\n', 'cronie');
    expect(line.schedule).toMatchObject({ minutes: [5] });
    expect(line.marks).toMatchObject([{ code: 'random-time', args: { field: 'minute', from: 5, to: 10 } }]);
  });
});
