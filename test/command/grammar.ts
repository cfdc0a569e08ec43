// Commands as people write them, made at random for the tests that run them.
import fc from 'fast-check';
import type { Surroundings, Word } from '../../src/command/command.ts';
import type { Scratch } from './execution.ts';

/** One of these texts. */
export const pick = (...options: string[]) => fc.constantFrom(...options);
const blanks = pick(' ', ' ', '  ', '\t');

const lead = fc.array(
  pick(
    '[ -d / ] &&',
    '[ -f missing ] &&',
    'test -n "x y" &&',
    'sleep 0;',
    'sleep 0 &&',
    'export A=b;',
    'export A="b c" &&',
    'export C D=$A;',
    '. ./env.sh &&',
    'umask 022;',
    'B=1;',
  ),
  { maxLength: 2 },
);
const cd = pick(
  '',
  '',
  'cd HOME/app &&',
  'cd HOME/app;',
  'cd HOME/app ;',
  'cd app &&',
  'cd app;',
  'cd ~/app &&',
  'cd $HOME/app &&',
  'cd "${HOME}/a b"&&',
  "cd 'a b' ;",
  'cd a\\ b &&',
  'cd ./app/../app/ &&',
  'cd "$APP" &&',
  'cd ${APP}/logs;',
  'cd &&',
  'cd missing &&',
  'cd -- app &&',
  'cd app 2>/dev/null &&',
);
const assignments = fc.subarray(['A=1', 'B="x y"', "C='$q'", 'D=$UNSET', 'A=~/x']);
const wrappers = fc.array(
  pick(
    'nice',
    'nice -n 5',
    'nice -n5',
    'nice -5',
    'nice --adjustment=3',
    '/usr/bin/nice --adjustment 3 --',
    'ionice -c2 -n7',
    'ionice -t -c 2',
    'timeout 9',
    'timeout -k 5 9s',
    'timeout --kill-after=5s --foreground -v 9',
    'timeout -s 9 -k5 -- 9',
    'env D=5',
    'env -u A',
    'env -uA C="x y" D="$UNSET"',
    '/usr/bin/env',
    'nohup',
    'setsid -w',
    'stdbuf -oL -e0',
    'stdbuf --output=L',
    'chrt -b 0',
  ),
  { maxLength: 2 },
);
const php = fc.tuple(
  pick('php', 'php', 'HOME/opt/php84/bin/php', '~/opt/php84/bin/php', '"$HOME"/bin/php', "'php'", 'p\\hp'),
  pick('', '', '-q', '-d x=y', '-dx="y z"', '-nq -c "a b"', '-f', '-q -f', '-d a=1 -f', '--define a=b'),
  pick(
    'worker.php',
    '"my worker.php"',
    './worker.php',
    'HOME/app/w.php',
    '~/w.php',
    'w\\ x.php',
    "'it'\\''s'.php",
  ),
);
const node = fc.tuple(
  pick('node', 'ROOT/bin/node'),
  pick('', '--no-warnings', '-r ./m.js', '--max-old-space-size=100 --require "a b"', '--'),
  pick('worker.mjs', '"my worker.js"', './w.cjs', 'index'),
);
const args = fc.array(
  pick(
    'foo',
    '"a  b"',
    "'c*d'",
    '-v',
    '--x="y z"',
    '\\$HOME',
    '"$HOME/x"',
    '$UNSET',
    '--once',
    '--',
    '"$(echo hi)"',
    '*.nomatch',
    'a{b,c}',
    '~',
    '5',
    'x=1',
    '"back\\slash\\"quote"',
    "''",
    'caf\xe9',
  ),
  { maxLength: 4 },
);
const redirects = fc.tuple(
  pick(
    '',
    '> /dev/null 2>&1',
    '>/dev/null',
    '>> /dev/null 2>&1',
    '2>&1 >/dev/null',
    '>/dev/null 2>/dev/null',
    '2>/dev/null >/dev/null',
    '>> HOME/own.log 2>&1',
    '> HOME/own.log 2>&1',
    '1> HOME/own.log',
    '>>HOME/own.log',
    '2>&1 >> HOME/own.log',
    '2>&1>HOME/own.log',
    '>> HOME/own.log 2>> HOME/err.log',
    '>| HOME/own.log 2>HOME/err.log',
    '>> HOME/own.log 2>/dev/null',
    '2>&1',
    '2>/dev/null',
    '2>> HOME/err.log',
    '>&2',
    '1>&2 2>HOME/err.log',
    '2>HOME/err.log >&2',
    '2>&1 >&2',
    '>/dev/null 2>> HOME/err.log',
    '>> "HOME/own.log" 2>> "HOME/own.log"',
    '>> own.log 2>&1',
  ),
  pick('', '', '< HOME/input.txt'),
  pick('end', 'end', 'end', 'front', 'middle'),
);
const bashRedirects = pick(
  '&> /dev/null',
  '&>HOME/own.log',
  '&>> HOME/own.log',
  '>& HOME/own.log',
  '>&/dev/null',
);

/** What people put around a command. T is the command, Q the same as one word of a shell. */
const around = fc.oneof(
  { weight: 3, arbitrary: pick('T') },
  {
    weight: 2,
    arbitrary: pick(
      '( T )',
      '(T)',
      '{ T; }',
      '( sleep 0; T; )',
      'cd HOME/app && ( T )',
      '( T ) >> HOME/own.log 2>&1',
      '( T ) > /dev/null',
      '{ T; } > HOME/own.log',
      'sh -c Q',
      'nice bash -c Q',
      'cd HOME/app && sh -c Q',
      'sh -e -c Q > /dev/null 2>&1',
      'sh -c Q >> HOME/own.log',
      'A=2 sh -c Q',
      'sh -c Q &',
      'flock -n ROOT/lock T',
      'flock -xn ROOT/lock -c Q',
      'timeout 9 flock -w 1 -E 0 ROOT/lock sh -c Q',
      'exec T',
      'T | cat',
      'T 2>&1 | sed s/x/x/ >> HOME/own.log',
      '( T ) | cat',
      'sh -c Q | cat > /dev/null',
      'true && T',
      'date > /dev/null; T',
      'mkdir -p HOME/app; T',
      'T && true',
      'T; true',
      'T || date > /dev/null',
      'pgrep -f no-such-thing || T',
      'pgrep -f no-such-thing > /dev/null || ( T & )',
      '( sh -c Q )',
    ),
  },
);

const quoted = (text: string, double: boolean) =>
  double ? `"${text.replaceAll(/[$`"\\]/g, '\\$&')}"` : `'${text.replaceAll("'", "'\\''")}'`;

/** A command in which HOME and ROOT stand for places of the scratch root. */
export interface Parts {
  readonly text: string;
  readonly bash: boolean;
}

/** Lead, cd, assignments, wrappers, interpreter, options, script, arguments, redirects, tail: any of each. */
export const commands: fc.Arbitrary<Parts> = fc
  .record({
    lead,
    cd,
    assignments,
    wrappers,
    program: fc.oneof(php, php, node),
    args,
    redirects,
    bashRedirect: fc.option(bashRedirects, { freq: 6 }),
    around,
    double: fc.boolean(),
    tail: pick('', '', '', ' &', '&', ' ;', ' # nightly', ' & # nightly', '&#x'),
    blank: blanks,
  })
  .map((parts): Parts => {
    const bash = parts.bashRedirect !== null;
    const [output, input, place] = parts.redirects;
    const redirect = `${parts.bashRedirect ?? output} ${input}`.trim();
    const [interpreter, flags, script] = parts.program;
    const words = [interpreter, flags, script, ...parts.args].filter((word) => word !== '');
    const middle = place === 'middle' ? words.toSpliced(-1, 0, redirect) : words;
    const line = [
      ...parts.lead,
      parts.cd,
      ...(place === 'front' ? [redirect] : []),
      ...parts.assignments,
      ...parts.wrappers,
      ...middle,
      ...(place === 'end' ? [redirect] : []),
    ];
    const text = line.filter((word) => word !== '').join(parts.blank) + parts.tail;
    // A comment would take what is put behind the command with it.
    if (parts.tail.includes('#')) return { text, bash };
    return {
      text: parts.around.replaceAll(/[TQ]/g, (letter) =>
        letter === 'T' ? text : quoted(text, parts.double),
      ),
      bash,
    };
  });

/** What the words say, in the order written; the two parts of a glued `-fworker.php` are one word. */
export function valuesOf(words: readonly Word[]): readonly string[] {
  const values: string[] = [];
  let end = -1;
  for (const { value, span } of words.toSorted((a, b) => a.span.start - b.span.start)) {
    if (span.start === end) values.push(`${values.pop()}${value}`);
    else values.push(value);
    end = span.end;
  }
  return values;
}

/** Fills in the places of the scratch root. */
export function placed(
  { text, bash }: Parts,
  scratch: Scratch,
): { text: string; surroundings: Surroundings } {
  const there = text.replaceAll('$HOME', '\0').replaceAll('${HOME}', '\x01');
  const filled = there.replaceAll('HOME', scratch.home).replaceAll('ROOT', scratch.root);
  const variables = new Map([
    ['HOME', scratch.home],
    ['APP', 'app'],
  ]);
  return {
    text: filled.replaceAll('\0', '$HOME').replaceAll('\x01', '${HOME}'),
    surroundings: { shell: bash ? '/bin/bash' : '/bin/sh', home: scratch.home, variables },
  };
}
