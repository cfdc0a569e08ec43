// The classes of sections 2.3 to 2.7 and 3 of the reference: fields, commands and the schedules it names.
import fc from 'fast-check';
import {
  among,
  classList,
  command,
  commandOf,
  countOf,
  entriesOf,
  entry,
  fieldsOf,
  schedule,
} from './classParts.ts';
import { rows } from './rows.ts';

const { classes, add } = classList();

const FIELD = '2.3';
/** A field of the class at one of the places, the others good or random. */
const fieldAt = (makes: readonly (fc.Arbitrary<string> | undefined)[]): fc.Arbitrary<string> =>
  among(
    fc
      .tuple(
        fc
          .constantFrom(...makes.flatMap((make, index) => (make === undefined ? [] : [index])))
          .chain((index) => fc.tuple(fc.constant(index), makes[index] ?? fc.constant('*'))),
        fc.array(fc.constantFrom<string>('*', '*', '1', '2-4'), { minLength: 5, maxLength: 5 }),
        command,
      )
      .map(([[index, field], fields, run]) => `${fields.with(index, field).join(' ')} ${run}`),
  );
const bounds = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const inBounds = bounds.map(([min, max]) => fc.integer({ min, max }));
const fields = (
  name: string,
  hits: RegExp,
  make: (value: fc.Arbitrary<number>, index: number) => fc.Arbitrary<string> | undefined,
): void =>
  add(FIELD, name, fieldAt(inBounds.map(make)), (text) =>
    entriesOf(text).some((line) => fieldsOf(line).some((field) => hits.test(field))),
  );
const pair = (value: fc.Arbitrary<number>) =>
  fc.tuple(value, value).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
const MONTHS = ['jan', 'FEB', 'Mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'MON', 'Tue', 'wed', 'thu', 'fri', 'sat'];
const namesAt = (index: number): readonly string[] | undefined =>
  index === 3 ? MONTHS : index === 4 ? DAYS : undefined;
const nameAt = (index: number): fc.Arbitrary<string> | undefined => {
  const names = namesAt(index);
  return names && fc.constantFrom(...names);
};
const isName = '(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)';

fields('a number', /^\d+$/, (value) => value.map(String));
fields('a name', new RegExp(`^${isName}$`, 'i'), (_, index) => nameAt(index));
fields('a star', /^\*$/, () => fc.constant('*'));
fields('a range', /^\d+-\d+$/, (value) => pair(value).map(([a, b]) => `${a}-${b}`));
fields('a range or list of names', new RegExp(`${isName}[,-]${isName}`, 'i'), (_, index) => {
  const name = nameAt(index);
  return name && fc.tuple(name, fc.constantFrom('-', ','), name).map((parts) => parts.join(''));
});
fields('a name in a field without names, or a long one', /^(?:jan|mon|sunday|january|s)$/i, () =>
  fc.constantFrom('jan', 'mon', 'sunday', 'January', 's'),
);
fields('a list', /^[^,]+(?:,[^,]+)+$/, (value) =>
  fc.array(value, { minLength: 2, maxLength: 4 }).map(String),
);
fields('a step on a range', /^\d+-\d+\/\d+$/, (value) =>
  fc.tuple(pair(value), fc.integer({ min: 1, max: 9 })).map(([[a, b], step]) => `${a}-${b}/${step}`),
);
fields('a step on a star', /^\*\/\d+$/, () => fc.integer({ min: 1, max: 9 }).map((step) => `*/${step}`));
fields('a step on a number', /^\d+\/\d+$/, (value) => value.map((n) => `${n}/5`));
fields('a step of zero or nothing', /\/0*$/, () => fc.constantFrom('*/0', '*/', '1-3/0', '1-3/', '*/00'));
fields('a step beyond the range', /\/\d{2,}$/, () => fc.constantFrom('*/60', '*/100', '1-5/70', '*/99999'));
fields('a value out of range', /^(?:6\d|[789]\d|24|0)$/, (_, index) =>
  fc.constantFrom(...(['60', '24', '0', '0', '99'][index] ?? '99').split(' '), '99', '75'),
);
fields('leading zeros', /^0\d+/, (value) => value.map((n) => `00${n}`));
fields('a number that wraps', /\d{10,}/, () =>
  fc.constantFrom('4294967296', '4294967297', '8589934593', '99999999999', '4294967295'),
);
fields('a range that ends before it starts', /^(\d+)-(\d+)$/, (value) =>
  pair(value).map(([a, b]) => `${b}-${a}`),
);
fields('nov-feb, fri-sun', /^(?:nov-feb|fri-sun|sat-sun|sat-mon|dec-jan)$/i, (_, index) =>
  index === 3
    ? fc.constantFrom('nov-feb', 'dec-jan')
    : index === 4
      ? fc.constantFrom('fri-sun', 'sat-sun', 'sat-mon')
      : undefined,
);
fields('0 and 7 as Sunday', /^(?:0|7|0,7|5-7|0-7|7-7)$/, (_, index) =>
  index === 4 ? fc.constantFrom('0', '7', '0,7', '5-7', '0-7', '7-7') : undefined,
);
for (const [junk, sample] of [
  ['1-5-7', /^\d+-\d+-/],
  ['*/5/2', /^\*\/\d+\//],
  ['*5', /^\*\d/],
  ['**', /^\*\*/],
  ['1.5', /^\d+\.\d/],
  ['1:30', /^\d+:/],
  ['1!', /^\d+!/],
  ['5#3', /^\d+#/],
  ['1;2', /^\d+;/],
  ['*-5', /^\*-/],
  ['*/5.5', /^\*\/\d+\./],
] as const)
  fields(`junk: ${junk}`, sample, () => fc.constant(junk));
fields('parts that are missing', /^,|,,|,$|\d-$|^-\d/, () =>
  fc.constantFrom('1,', ',1', '1,,2', '1-', '-1', ','),
);
fields('random: ~', /^~$/, () => fc.constant('~'));
fields('random: ~b', /^~\d/, (value) => value.map((n) => `~${n}`));
fields('random: a~', /^\d+~$/, (value) => value.map((n) => `${n}~`));
fields('random: a~b', /^\d+~\d+$/, (value) => pair(value).map(([a, b]) => `${a}~${b}`));
fields('random: backwards or stepped', /^\d+~\d+\/|^(?:10~5|9~2)$/, () =>
  fc.constantFrom('10~5', '9~2', '0~5/2', '1~3/'),
);
const nicknames = [
  '@reboot',
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
];
for (const nickname of nicknames)
  add(FIELD, nickname, among(command.map((run) => `${nickname} ${run}`)), (text) =>
    entriesOf(text).some((line) => fieldsOf(line)[0] === nickname),
  );
add(
  FIELD,
  'a nickname nobody knows',
  among(
    fc
      .tuple(
        fc.constantFrom('@Daily', '@every_minute', '@5', '@', '@dailyx', '@minutely', '@daily,'),
        command,
      )
      .map((p) => p.join(' ')),
  ),
  (text) =>
    entriesOf(text).some(
      (line) => line.trim().startsWith('@') && !nicknames.includes(fieldsOf(line)[0] ?? ''),
    ),
);
add(FIELD, 'a sixth star', among(fc.constantFrom('* * * * * * x', '@daily * x', '0 0 * * * *x')), (text) =>
  entriesOf(text).some((line) => commandOf(line).startsWith('*')),
);
add(
  FIELD,
  'a sixth field that is no star',
  among(fc.constantFrom('0 0 12 * * ? php x', '0 0 12 * * 2030 x', '* * * * * 1-5 x')),
  (text) => entriesOf(text).some((line) => /^[?\d]/.test(commandOf(line))),
);
add(
  FIELD,
  'no command',
  among(fc.constantFrom('* * * * *', '* * * * * ', '@reboot', '@daily\t', '1 2 3 4 5')),
  (text) => entriesOf(text).some((line) => /^[ \t]*(?:@\w+|(?:[*\d]+[ \t]+){4}[*\d]+)[ \t]*$/.test(line)),
);
add(FIELD, 'too few fields', among(fc.constantFrom('* * * * x', '0 0 x', '*', '1 2')), (text) =>
  entriesOf(text).some((line) => /^[*\d]/.test(line) && line.trim().split(/[ \t]+/).length < 6),
);
add(FIELD, 'a minus in front of the minute', among(entry.map((e) => `-${e}`)), /^[ \t]*-[*\d@]/m);
for (const flag of ['-n', '-q', '-s'])
  add(
    FIELD,
    `${flag} in front of the command`,
    among(fc.tuple(schedule, command).map(([s, run]) => `${s} ${flag} ${run}`)),
    (text) => entriesOf(text).some((line) => commandOf(line).startsWith(`${flag} `)),
  );

const DAYRULE = '2.4';
const dayRule = (
  name: string,
  day: readonly string[],
  weekday: readonly string[],
  hits: (day: string, weekday: string) => boolean,
): void =>
  add(
    DAYRULE,
    name,
    among(
      fc.tuple(fc.constantFrom(...day), fc.constantFrom(...weekday)).map(([d, w]) => `0 0 ${d} * ${w} x`),
    ),
    (text) => entriesOf(text).some((line) => hits(fieldsOf(line)[2] ?? '', fieldsOf(line)[4] ?? '')),
  );
const stepped = (field: string): boolean => /^\*./.test(field);
dayRule(
  'a stepped star and the other field',
  ['*/2', '*/31'],
  ['1', '1-5', 'mon'],
  (d, w) => stepped(d) && /^\w/.test(w),
);
dayRule(
  'the other field and a stepped star',
  ['1', '1-15'],
  ['*/2', '*/3'],
  (d, w) => /^\d/.test(d) && stepped(w),
);
dayRule('a list that starts with a star', ['*,10'], ['1', '2'], (d) => /^\*,/.test(d));
dayRule('a list that ends with a star', ['10,*'], ['1', '2'], (d) => /,\*$/.test(d));
dayRule(
  'both fields without a star',
  ['1', '1,15', '1-31'],
  ['1', '5,6', '0-6'],
  (d, w) => /^\d/.test(d) && /^\w/.test(w),
);

const COMMAND = '2.5';
const commands = (name: string, choices: readonly string[], hits: RegExp): void =>
  add(COMMAND, name, among(fc.tuple(schedule, fc.constantFrom(...choices)).map((p) => p.join(' '))), (text) =>
    entriesOf(text).some((line) => hits.test(commandOf(line))),
  );
commands('a bare percent sign', ['x%in', 'x%%', '%', 'x % y'], /(?:^|[^\\])%/);
commands('an escaped percent sign', ['date +\\%F', 'x\\%%y'], /\\%/);
commands('two backslashes', ["printf 'a\\\\nb'", 'x\\\\%y'], /\\\\/);
commands('a backslash at the end of the line', ['x \\', 'x\\\\'], /\\$/);
commands('a number sign behind the command', ['x # y', 'x #'], / #/);

const one = (line: string): fc.Arbitrary<string> => among(command.map((run) => `${line} ${run}`));
add(
  '2.7',
  'one bad line between good ones',
  fc
    .tuple(entry, fc.constantFrom('60 * * * * y', 'x', '* * * * 8 y'), entry)
    .map((list) => `${list.join('\n')}\n`),
  (text) => /^(?:60 \* \* \* \* y|x|\* \* \* \* 8 y)$/m.test(text) && countOf(text) > 1,
);

/** Section 3 names its schedules one by one. */
for (const { section, name } of rows.filter((row) => row.section.startsWith('3')))
  add(section.slice(0, 2), name, one(name), (text) =>
    text.split('\n').some((line) => line.startsWith(`${name} `)),
  );

export { classes as entryClasses };
