// Generators for crontabs: plausible ones, slightly wrong ones and plain bytes.
import fc from 'fast-check';

export const stress = process.env['CRONLATCH_STRESS'] !== undefined;

/** `few` runs in the everyday test, `many` under CRONLATCH_STRESS. */
export function runs(few: number, many = few * 10): { numRuns: number } {
  return { numRuns: stress ? many : few };
}

export const dialect = fc.constantFrom('debian' as const, 'cronie' as const);

export const anyBytes = fc
  .uint8Array({ maxLength: 200 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

const pieces =
  '*|*|*|0|5|7|59|60|1-5|5-1|*/2|*/15|1,2|,|-|/|~|0~9|sun|Fri|jan|x|\t| |  |\n|\n|\n|\r\n|\0|#|%|\\%|\\\\|\\|=|A=|A="b c"|\'|"|@daily|@reboot|@|root| php /srv/a.php|\xff|\xef\xbb\xbf|* * * * * x\n|A=1\n|0 3 * * * root x\n';

/** Bytes that look like a crontab at least in places. */
export const crontabBytes = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom(...pieces.split('|')) },
      { weight: 1, arbitrary: anyBytes },
    ),
    {
      maxLength: 40,
    },
  )
  .map((parts) => parts.join(''));

/** Command text without newline and NUL, rich in what cron and the shell treat as special. */
export const commandText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '%',
        '\\',
        '\\\\',
        '\\%',
        ' ',
        'php',
        '/srv/a.php',
        "'",
        '"',
        '#',
        '&&',
        'x',
        '=',
        '*',
        '-n',
        '\xe9',
      ),
      fc.string({
        maxLength: 3,
        unit: fc
          .integer({ min: 1, max: 255 })
          .filter((code) => code !== 10)
          .map((code) => String.fromCharCode(code)),
      }),
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }).map(String) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 70 }).map(String) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '00',
      '007',
      '31',
      '59',
      '60',
      '100',
      '4294967296',
      '4294967301',
      '2147483647',
      '99999999999',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('sun', 'SAT', 'mon', 'jan', 'Dec', 'sunday', 'a', '') },
);

const part = fc.oneof(
  { weight: 4, arbitrary: fc.constant('*') },
  { weight: 4, arbitrary: number },
  { weight: 3, arbitrary: fc.tuple(number, number).map(([from, to]) => `${from}-${to}`) },
  { weight: 2, arbitrary: number.map((step) => `*/${step}`) },
  {
    weight: 2,
    arbitrary: fc.tuple(number, number, number).map(([from, to, step]) => `${from}-${to}/${step}`),
  },
  { weight: 1, arbitrary: fc.tuple(number, number).map(([from, to]) => `${from}~${to}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '?',
      'L',
      '5#3',
      '1.5',
      '**',
      '*5',
      '-',
      '/',
      '*-3',
      '\0',
      '1\0',
      '\xe9',
      'H',
      '1-',
      '1-5-7',
    ),
  },
);

/** A time field, right or nearly so. */
export const field = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('*', '0', '5', '1', '*/2', '1-5') },
  { weight: 4, arbitrary: part },
  { weight: 2, arbitrary: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join(',')) },
);

const blank = fc.constantFrom(' ', ' ', ' ', '\t', '  ', ' \t');

const schedule = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(field, blank, field, blank, field, blank, field, blank, field).map((p) => p.join('')),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '@reboot',
      '@daily',
      '@midnight',
      '@hourly',
      '@Daily',
      '@',
      '@5',
      '@weekly\r',
      '@yearly*',
    ),
  },
  { weight: 1, arbitrary: fc.array(field, { maxLength: 7 }).map((fields) => fields.join(' ')) },
);

const command = fc.constantFrom(
  ' x',
  ' x',
  ' php /srv/a.php',
  '',
  ' ',
  ' * x',
  ' -n x',
  ' a%b',
  ' x\r',
  ' x = y',
  '\vx',
);

/** One line meant to be an entry, without its newline. */
export const entryLine = fc
  .tuple(fc.constantFrom('', '', '', ' ', '\t', '-'), schedule, command)
  .map((p) => p.join(''));

/** One line meant to be a setting, without its newline. A lone quote at the very end is left out: cron reads past it. */
export const settingLine = fc
  .tuple(
    fc.constantFrom(
      'A',
      'PATH',
      '"A B"',
      "'A'",
      '',
      '1A',
      'A B',
      'export A',
      '*',
      '@reboot',
      '"A',
      '\xef\xbb\xbfA',
    ),
    fc.constantFrom('=', '=', ' = ', '= ', ' =', '', '==', '\t=\v'),
    fc.constantFrom(
      '1',
      '',
      '""',
      "''",
      '"a b"',
      '"a b" ',
      '"a"b',
      '\'a"',
      'a b',
      'a # c',
      '$A:b',
      "it's",
      ' ',
      '\r',
      '"x"\r',
    ),
  )
  .map((p) => p.join(''));

const line = fc.oneof(
  { weight: 5, arbitrary: entryLine },
  { weight: 2, arbitrary: settingLine },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '',
      '# comment',
      '  # x',
      '\t',
      '\r',
      '#\0',
      '* * * * * x\0# y',
      'A=1\0B=2',
      '* * * * * x\0* * * * * y',
    ),
  },
);

/** A short file of such lines, now and then without its last newline. */
export const crontabFile = fc
  .tuple(fc.array(line, { maxLength: 3 }), fc.constantFrom('\n', '\n', '\n', '\n', '\n', ''))
  .map(([lines, end]) => (lines.length === 0 ? '' : lines.join('\n') + end));
