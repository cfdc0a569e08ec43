// A rewritten command does what the old one did: both are run under a real shell and what they did is compared.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command, Surroundings, Wish, Word } from '../../src/command/command.ts';
import { readCommand } from '../../src/command/read.ts';
import { logOf } from '../../src/command/redirects.ts';
import { rewriteCommand } from '../../src/command/rewrite.ts';
import { entriesOf } from './corpus.ts';
import { differsByOnce, makeScratch, type Run, type Scratch } from './execution.ts';

const RUNS = process.env['CRONLATCH_STRESS'] ? 3000 : 200;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch({ APP: 'app' });
  const { home, standIn, file } = scratch;
  for (const directory of ['app', 'a b', 'app/logs']) await mkdir(join(home, directory), { recursive: true });
  await standIn(join(home, 'bin/php'));
  await standIn(join(home, 'opt/php84/bin/php'));
  for (const directory of ['', 'app', 'a b'])
    await file(join(home, directory, 'env.sh'), 'export B=from-file\n');
});
afterAll(() => scratch.remove());

/** Where the output must end up, from where it ended up before: the rule in words, without a look at the rewriter. */
function expectOutput(before: Run, after: Run, log: string): void {
  const kept = before.out !== 'mail' && before.out !== 'nowhere';
  expect(after.out).toBe(kept ? before.out : log);
  if (before.err === 'mail') expect(after.err).toBe(after.out);
  else if (before.err === 'nowhere') expect(after.err).toBe(before.out === 'nowhere' ? log : 'nowhere');
  else expect(after.err).toBe(before.err);
  expect(after.truncated).not.toContain(after.out);
}

async function expectSameMeaning(
  text: string,
  command: Command,
  surroundings: Surroundings,
  files: readonly string[],
): Promise<Run> {
  const kind = command.interpreter.kind;
  const log = join(scratch.home, 'wished.log');
  const wish: Wish = { interpreter: join(scratch.root, 'bin', kind), once: true, log };
  const rewritten = rewriteCommand(text, command, wish).text;
  const before = await scratch.run(surroundings.shell, text, [...files, log]);
  const after = await scratch.run(surroundings.shell, rewritten, [...files, log]);
  if (before.argv === undefined || after.argv === undefined) {
    expect(after.argv).toBe(before.argv);
    return before;
  }
  const byScript = command.interpreter.how === 'script';
  expect(after.argv[0]).toBe(wish.interpreter);
  const words = byScript ? before.argv : before.argv.slice(1);
  expect(differsByOnce(words, after.argv.slice(1)), JSON.stringify([text, words, after.argv])).toBe(true);
  expect(after.cwd).toBe(before.cwd);
  expect(after.env).toEqual(before.env);
  if (!command.background) {
    expect(after.exitCode).toBe(before.exitCode);
    expect(after.stdin).toBe(before.stdin);
  }
  expectOutput(before, after, log);
  return before;
}

describe('the collected lines', () => {
  // A worker's absolute paths are moved into the scratch root; the ones that must stay are the system's own.
  const rooted = (text: string) =>
    text.replaceAll(/(^|[\s'"=>])(\/(?!dev\/null|usr\/bin\/env)[A-Za-z])/g, `$1${scratch.root}$2`);

  for (const { number, command: original, surroundings } of entriesOf(
    readFileSync(join(import.meta.dirname, '../corpus/worker-lines.tsv'), 'latin1'),
  )) {
    if (readCommand(original, surroundings).is !== 'worker') continue;
    test(`line ${number} does the same after the rewrite`, async () => {
      const text = rooted(original).replace(/^sleep [0-9]+/, 'sleep 0');
      const here = { ...surroundings, home: scratch.home, variables: new Map([['HOME', scratch.home]]) };
      const command = readCommand(text, here);
      if (command.is !== 'worker') throw new Error(`not a worker in the scratch root: ${command.why}`);
      await mkdir(command.directory, { recursive: true });
      const { word, how } = command.interpreter;
      if (how === 'absolute' && word !== undefined) await scratch.standIn(word.value);
      if (how === 'script') await scratch.standIn(command.scriptPath);
      const log = logOf(command);
      const files = log.startsWith('/') ? [log] : [];
      for (const file of files) await mkdir(dirname(file), { recursive: true });
      const run = await expectSameMeaning(text, command, here, files);
      expect(run.argv).toBeDefined();
    });
  }
});

const pick = (...options: string[]) => fc.constantFrom(...options);
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
    '"back\\\\slash\\"quote"',
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

interface Parts {
  readonly text: string;
  readonly bash: boolean;
}

const commands: fc.Arbitrary<Parts> = fc
  .record({
    lead,
    cd,
    assignments,
    wrappers,
    program: fc.oneof(php, php, node),
    args,
    redirects,
    bashRedirect: fc.option(bashRedirects, { freq: 6 }),
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
    return { text: line.filter((word) => word !== '').join(parts.blank) + parts.tail, bash };
  });

/** What the words say, in the order written; the two parts of a glued `-fworker.php` are one word. */
function valuesOf(words: readonly Word[]): readonly string[] {
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
function placed({ text, bash }: Parts): { text: string; surroundings: Surroundings } {
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

describe('generated commands', () => {
  test('do the same after the rewrite, and say before it what the shell then does', async () => {
    await scratch.file(join(scratch.home, 'input.txt'), 'FROM FILE\n');
    const counts = { worker: 0, started: 0, opaque: new Map<string, number>() };
    await fc.assert(
      fc.asyncProperty(commands, async (parts) => {
        const { text, surroundings } = placed(parts);
        const command = readCommand(text, surroundings);
        if (command.is === 'opaque') {
          counts.opaque.set(command.why, (counts.opaque.get(command.why) ?? 0) + 1);
          return;
        }
        counts.worker++;
        const { home } = scratch;
        const own = ['', 'app', 'a b', 'app/logs'].map((at) => join(home, at, 'own.log'));
        const run = await expectSameMeaning(text, command, surroundings, [...own, join(home, 'err.log')]);
        if (run.argv === undefined) return;
        counts.started++;
        expect(run.cwd).toBe(command.directory);
        const words = [...command.flags, command.script, ...command.args];
        if (words.some(({ open }) => open)) return;
        expect(run.argv.slice(1)).toEqual(valuesOf(words));
      }),
      { numRuns: RUNS },
    );
    if (process.env['CRONLATCH_COUNTS'])
      process.stderr.write(`${JSON.stringify({ ...counts, opaque: [...counts.opaque] })}\n`);
    expect(counts.worker).toBeGreaterThan(RUNS / 2);
    expect(counts.started).toBeGreaterThan(RUNS / 4);
  }, 1_200_000);

  test('are not changed by a second rewrite', () => {
    fc.assert(
      fc.property(commands, fc.boolean(), pick('logs/worker.log', '/var/log/a b.log'), (parts, once, log) => {
        const { text, surroundings } = placed(parts);
        const command = readCommand(text, surroundings);
        if (command.is === 'opaque') return;
        const kind = command.interpreter.kind;
        const addFlags = kind === 'php' ? ['-d', 'auto_prepend_file=/x y.php'] : ['--require', '/x y.cjs'];
        const wish: Wish = { interpreter: `/opt/my ${kind}/bin/${kind}`, once, log, addFlags };
        const first = rewriteCommand(text, command, wish).text;
        const again = readCommand(first, surroundings);
        if (again.is === 'opaque') throw new Error(`${first} is opaque: ${again.why}`);
        expect(rewriteCommand(first, again, wish).text).toBe(first);
        expect(again.directory).toBe(command.directory);
        expect(again.scriptPath).toBe(command.scriptPath);
      }),
      { numRuns: RUNS * 5 },
    );
  });
});

describe('a soup of shell pieces', () => {
  const pieces = pick(
    ...`php node worker.php cd app cd && ; & || | > >> 2> 2>&1 < own.log input.txt /dev/null ~ $HOME $APP " ' \\ # = A=1
    { } ( ) [ ] ! * ? -f -q -- -d nice env 1 2 5 if then fi time $'x' {a,b} $ \` >& &> >| |& <( export . ./env.sh -n missing`.split(
      /\s+/,
    ),
  );
  const soup = fc
    .tuple(fc.array(fc.tuple(pieces, pick(' ', ' ', ' ', '')), { maxLength: 9 }), fc.boolean())
    .map(([list, bash]): Parts => ({ text: `php ${list.flat().join('')}`, bash }));

  test('is opaque, or runs as it was read', async () => {
    let workers = 0;
    await fc.assert(
      fc.asyncProperty(soup, async (parts) => {
        const { text, surroundings } = placed(parts);
        const command = readCommand(text, surroundings);
        if (command.is === 'opaque') return;
        workers++;
        const run = await scratch.run(surroundings.shell, text, []);
        if (run.argv === undefined) {
          // A file to read from, or a directory, was not there: then the shell said so.
          if (!command.background) expect(run.exitCode, text).not.toBe(0);
          return;
        }
        expect(run.cwd, text).toBe(command.directory);
        const words = [...command.flags, command.script, ...command.args];
        if (words.some(({ open }) => open)) return;
        expect(run.argv.slice(1), text).toEqual(valuesOf(words));
      }),
      { numRuns: RUNS * 4 },
    );
    if (process.env['CRONLATCH_COUNTS']) process.stderr.write(`soup: ${workers} workers\n`);
    expect(workers).toBeGreaterThan(0);
  }, 1_200_000);
});
