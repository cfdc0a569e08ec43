// The classes of sections 2.1 and 2.2 of the reference: files and settings.
import fc from 'fast-check';
import {
  among,
  classList,
  commandOf,
  countOf,
  either,
  entriesOf,
  entry,
  fieldsOf,
  isComment,
  lines,
  schedule,
  settingsOf,
} from './classParts.ts';

const { classes, add } = classList();

const FILE = '2.1';
add(FILE, 'empty or blanks only', fc.constantFrom('', ' ', '\n', ' \t\n\n', '\t'), /^[ \t\n]*$/);
add(
  FILE,
  'last entry or setting without a newline',
  fc.tuple(lines, either).map((p) => p.join('')),
  (text) => /[^\s#]/.test(text) && !text.endsWith('\n') && !isComment(text.slice(text.lastIndexOf('\n') + 1)),
);
add(
  FILE,
  'last comment or blanks without a newline',
  fc.tuple(lines, fc.constantFrom('# x', '  ', '\t#')).map((p) => p.join('')),
  (text) => text !== '' && !text.endsWith('\n') && isComment(text.slice(text.lastIndexOf('\n') + 1)),
);
add(FILE, 'CRLF on an entry', among(entry.map((e) => `${e}\r`)), (text) =>
  entriesOf(text).some((line) => /\S.*\r$/.test(line)),
);
add(FILE, 'CRLF on a setting', among(fc.constantFrom('A=1\r', 'A="b"\r', 'A=\r')), (text) =>
  settingsOf(text).some((line) => line.endsWith('\r')),
);
add(FILE, 'CRLF on a comment', among(fc.constantFrom('# x\r', '#\r')), /^[ \t]*#.*\r$/m);
add(FILE, 'CRLF on a blank line', among(fc.constantFrom('\r', ' \r')), /(?:^|\n)[ \t]*\r\n/);
add(
  FILE,
  'CR only',
  fc.array(either, { minLength: 1, maxLength: 3 }).map((list) => list.map((line) => `${line}\r`).join('')),
  (text) => text.includes('\r') && !text.includes('\n'),
);
const mark = '\xef\xbb\xbf';
add(
  FILE,
  'byte order mark and an entry',
  entry.map((e) => `${mark}${e}\n`),
  (text) =>
    text.startsWith(mark) && entriesOf(text.split('\n')[0] ?? '').length > 0 && !text.startsWith(`${mark}#`),
);
add(
  FILE,
  'byte order mark and a comment',
  lines.map((rest) => `${mark}# x\n${rest}`),
  (text) => text.startsWith(`${mark}#`),
);
add(
  FILE,
  'byte order mark and a setting',
  lines.map((rest) => `${mark}SHELL=/bin/sh\n${rest}`),
  (text) => text.startsWith(mark) && settingsOf(text.split('\n')[0] ?? '').length > 0,
);
add(FILE, 'NUL in a command', among(entry.map((e) => `${e}\0* * * * * y`)), (text) =>
  entriesOf(text).some((line) => commandOf(line).includes('\0')),
);
add(
  FILE,
  'NUL in a field',
  among(fc.constantFrom('1\0 * * * * x', '* *\0 * * * x', '\0* * * * * x')),
  (text) => entriesOf(text).some((line) => fieldsOf(line).some((field) => field.includes('\0'))),
);
add(
  FILE,
  'no-break space, form feed or vertical tab between fields',
  among(fc.constantFrom('*\xa0* * * * x', '*\xc2\xa0* * * * x', '* *\f* * * x', '* * *\v* * x')),
  /^[*\d]+[ \d*]*(?:\xc2?\xa0|\f|\v)\*/m,
);
add(FILE, 'blanks in front', among(entry.map((e) => ` \t${e}`)), /^[ \t]+[*\d@]/m);
add(FILE, 'tabs between fields', among(fc.constantFrom('*\t*\t*\t*\t*\tx', '*/5\t* \t* * *\tx')), /^\S+\t/m);
const full = (count: number, line: string, last: string) => `${`${line}\n`.repeat(count - 1)}${last}\n`;
const filler = fc.constantFrom('#', '', '* * * * * x', 'A=1');
add(
  FILE,
  '10,000 lines',
  fc.tuple(filler, filler).map(([line, last]) => full(10_000, line, last)),
  (text) => countOf(text) === 10_000,
);
add(
  FILE,
  '10,001 lines',
  fc.tuple(filler, filler).map(([line, last]) => full(10_001, line, last)),
  (text) => countOf(text) === 10_001,
);
const long = (length: number) =>
  fc
    .tuple(schedule, fc.constantFrom('x', '\xe9', '%'))
    .map(([s, byte]) => `${s} ${'x'.repeat(length - 9)}${byte.repeat(9)}\n`);
const longest = (text: string): number =>
  Math.max(0, ...entriesOf(text).map((line) => commandOf(line).length));
add(
  FILE,
  'command of up to 998 bytes',
  fc.integer({ min: 980, max: 998 }).chain(long),
  (text) => longest(text) > 900 && longest(text) <= 998,
);
add(
  FILE,
  'command of 999 bytes and more',
  fc.integer({ min: 999, max: 1_010 }).chain(long),
  (text) => longest(text) >= 999,
);
add(
  FILE,
  'setting of more than 998 bytes',
  fc
    .integer({ min: 997, max: 1_010 })
    .chain((length) =>
      fc.constantFrom(
        `A=${'x'.repeat(length)}\n`,
        `A="${'x'.repeat(length)}"\n`,
        `${'A'.repeat(length)}=1\n`,
      ),
    ),
  (text) => text.split('\n').some((line) => line.length > 998 && line.includes('=')),
);
add(
  FILE,
  'UTF-8, latin-1 or byte 255 in a command',
  among(fc.tuple(schedule, fc.constantFrom('\xc3\xa9', 'x\xe9', 'x\xff', '\xff')).map((p) => p.join(' '))),
  (text) => entriesOf(text).some((line) => /[\x80-\xff]/.test(commandOf(line))),
);
add(
  FILE,
  'UTF-8, latin-1 or byte 255 in a field',
  among(fc.constantFrom('\xc3\xa9 * * * * x', '*\xe9 * * * * x', '1\xff * * * * x', '*!\xff * * * * x')),
  (text) => entriesOf(text).some((line) => fieldsOf(line).some((field) => /[\x80-\xff]/.test(field))),
);

const NAMES = '2.2';
const setting = (name: string, choices: readonly string[], hits: RegExp): void =>
  add(NAMES, name, among(fc.constantFrom(...choices)), hits);
setting(
  'blanks round the equals sign',
  ['A = b', 'A =b', 'A= b', '\tA\t=\tb'],
  /^[ \t]*\w+(?:[ \t]+=|=[ \t]+\S)/m,
);
setting('quoted name', ['"A B"=1', "'A' = 1", '"A"=', '"A=1'], /^[ \t]*["'].*=/m);
setting('quoted value', ['A="b c"', "A='b c'", "A='b' "], /^[^#\n]*=[ \t]*(["'])[^\n]*\1[ \t]*$/m);
setting(
  'text behind a closing quote',
  ['A="b"c', 'A="b" # c', "A='b' c"],
  /=[ \t]*(["'])[^"'\n]*\1[ \t]*[^\s"']/m,
);
setting('quotes that do not match', ['A="b\'', "A='b", 'A="', 'A=\'b"'], /=[ \t]*(?:"[^"\n]*|'[^'\n]*)$/m);
setting(
  'quotes inside',
  ['A=b"c"', 'A="it\'s"', `A="'b'"`, "A=it's"],
  /=[^"'\n]+["']|="[^"\n]*'|='[^'\n]*"/m,
);
setting('unquoted value with blanks', ['A=b c', 'A=b # c'], /=[ \t]*[^\s"'][^\n"']*[ \t]+\S/m);
setting(
  'MAILTO or MAILFROM',
  [
    'MAILTO=root',
    'MAILTO=root # c',
    'MAILTO=""',
    'MAILTO=a b',
    'MAILTO=-x',
    'MAILTO=$X',
    'MAILFROM=Cron <a@shop.example>',
    'MAILTO="a "',
    'MAILTO=" a"',
    'MAILTO=',
    'MAILTO=\xe2\x80\x9ca\xe2\x80\x9d',
    'MAILTO=a,b@shop.example',
    '"MAILTO"=a b',
  ],
  /MAIL(?:TO|FROM)"?[ \t]*=/,
);
setting('a dollar in a value', ['PATH=$PATH:/x', 'A=${B}', 'A="$B"'], /=[^\n]*\$/);
setting('nothing behind the equals sign', ['FOO=', 'FOO = ', 'FOO=\t', '"A"=', '='], /^[^#\n]*=[ \t]*$/m);
setting('empty quotes', ['FOO=""', "FOO=''"], /=[ \t]*(?:""|'')/);
setting('export', ['export FOO=1', 'export A="b"'], /^export[ \t]/m);
setting(
  'two words in front of the equals sign',
  ['FOO BAR=1', 'a b = c'],
  /^[A-Za-z]\w*[ \t]+[A-Za-z]\w*[ \t]*=/m,
);
setting('odd names', ['1FOO=1', 'A-B=1', '=x', 'A.B=1', '\xe9=1'], /^(?:\d\w*|\w+[-.]\w+|\xe9)?=/m);
setting(
  'a schedule that runs into an equals sign',
  ['*=1 * * * *', '*/5=1 * * * * x', '@reboot=1', '* = x', '5,6=1'],
  /^[*@\d][^\s=]*[ \t]*=/m,
);
setting(
  'settings for the following entries',
  ['SHELL=/bin/bash\n* * * * * x\nSHELL=/bin/sh\n* * * * * y'],
  /^\w+=.*\n[*@\d](?:.*\n)*\w+=/m,
);
setting(
  'names that cron keeps or ignores',
  [
    'LOGNAME=x',
    'USER=x',
    'CRON_TZ=UTC',
    'CRON_TZ=Example/Nowhere',
    'TZ=x',
    'RANDOM_DELAY=5',
    'MLS_LEVEL=x',
    'CONTENT_TYPE=x',
  ],
  /^(?:LOGNAME|USER|CRON_TZ|TZ|RANDOM_DELAY|MLS_LEVEL|CONTENT_TYPE)=/m,
);

export { classes as fileClasses };
