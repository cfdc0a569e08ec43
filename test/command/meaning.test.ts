// A rewritten command does what the old one did: both are run under a real shell and what they did is compared.
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command, Surroundings, Wish } from '../../src/command/command.ts';
import { pathFrom } from '../../src/command/paths.ts';
import { readCommand } from '../../src/command/read.ts';
import { isNull, isPiped, logOf, outletOf } from '../../src/command/redirects.ts';
import { rewriteCommand } from '../../src/command/rewrite.ts';
import { entriesOf } from './corpus.ts';
import { differsByOnce, makeScratch, type Run, type Scratch } from './execution.ts';
import { commands, pick, placed, valuesOf } from './grammar.ts';

const RUNS = process.env['CRONLATCH_STRESS'] ? 3000 : 200;

/**
 * Wherever a `cd X;` of the generator may lead, a shell within a shell included: behind one that fails the rewrite stops on
 * purpose (rule cd-semicolon), where the old command went on in the wrong directory.
 */
const DIRECTORIES = ['app', 'a b', 'app/logs', 'app/a b', 'app/app/logs', 'a b/app/logs', 'a b/a b'];

let scratch: Scratch;
beforeAll(async () => {
  scratch = await makeScratch({ APP: 'app' });
  const { home, standIn, file } = scratch;
  for (const directory of DIRECTORIES) await mkdir(join(home, directory), { recursive: true });
  await standIn(join(home, 'bin/php'));
  await standIn(join(home, 'opt/php84/bin/php'));
  for (const directory of ['', 'app', 'a b'])
    await file(join(home, directory, 'env.sh'), 'export B=from-file\n');
});
afterAll(() => scratch.remove());

/** Where the output must end up, from where it ended up before: the rule in words, without a look at the rewriter. */
function expectOutput(before: Run, after: Run, log: string, innerNull: boolean): void {
  const kept = before.out !== 'mail' && before.out !== 'nowhere';
  expect(after.out).toBe(kept ? before.out : log);
  if (before.err === 'mail') expect(after.err).toBe(after.out);
  // Errors thrown away further in than the output are a decision of their own.
  else if (before.err === 'nowhere' && innerNull) expect(after.err).toBe('nowhere');
  else if (before.err === 'nowhere') expect(after.err).toBe(before.out === 'nowhere' ? log : 'nowhere');
  else expect(after.err).toBe(before.err);
  expect(after.truncated).not.toContain(after.out);
}

/** A login shell looks the name up on a PATH of its own: it stays. */
function wishFor(command: Command, log: string): Wish {
  const { how, word, kind } = command.interpreter;
  const named = how === 'absolute' ? word?.value : join(scratch.root, 'bin', kind);
  const byLogin = command.lookUp === 'login' && how !== 'absolute';
  return { once: true, log, guarded: true, ...(byLogin ? {} : { interpreter: named ?? '' }) };
}

async function expectSameMeaning(
  text: string,
  command: Command,
  surroundings: Surroundings,
  files: readonly string[],
): Promise<Run> {
  const log = join(scratch.home, 'wished.log');
  const wish = wishFor(command, log);
  const rewritten = rewriteCommand(text, command, wish).text;
  // What a look with pgrep finds is another matter: the worker itself must be the same.
  const old = command.pgrep === undefined ? text : text.replace(/pgrep -f \S+(?: > \/dev\/null)?/, 'false');
  const before = await scratch.run(surroundings.shell, old, [...files, log]);
  const after = await scratch.run(surroundings.shell, rewritten, [...files, log]);
  if (before.argv === undefined || after.argv === undefined) {
    expect(after.argv).toBe(before.argv);
    return before;
  }
  const byScript = command.interpreter.how === 'script';
  expect(after.argv[0], rewritten).toBe(wish.interpreter ?? before.argv[0]);
  const words = byScript ? before.argv : before.argv.slice(1);
  expect(differsByOnce(words, after.argv.slice(1)), JSON.stringify([text, words, after.argv])).toBe(true);
  expect(after.cwd, rewritten).toBe(before.cwd);
  expect(after.env).toEqual(before.env);
  if (!command.background) {
    expect(after.exitCode).toBe(before.exitCode);
    expect(after.stdin).toBe(before.stdin);
  }
  const dashed = command.redirects.find(({ afterAmpersand }) => afterAmpersand);
  if (isPiped(command)) {
    expect([after.out, after.err], rewritten).toEqual([before.out, before.err]);
  } else if (dashed === undefined) {
    const inner = command.outlets.slice(0, command.outlets.indexOf(outletOf(command)));
    const innerNull = inner.some(({ redirects }) => redirects.some((one) => one.fd === 2 && isNull(one)));
    expectOutput(before, after, log, innerNull);
  }
  // Under dash the file got nothing but was emptied each time; now it is the log that was meant.
  else expect(after.out).toBe(isNull(dashed) ? log : pathFrom(command.directory, dashed.target.value));
  return before;
}

describe('the collected lines', () => {
  // A worker's absolute paths are moved into the scratch root; the ones that must stay are the system's own.
  const rooted = (text: string) =>
    text.replaceAll(
      /(^|[\s'"=>])(\/(?!dev\/null|(?:usr\/)?bin\/(?:env|flock|bash|sh)\b)[A-Za-z])/g,
      `$1${scratch.root}$2`,
    );

  const switches = /\b(?:sudo|su|runuser)\b/;

  for (const { number, command: original, surroundings } of entriesOf(
    readFileSync(join(import.meta.dirname, '../corpus/worker-lines.tsv'), 'latin1'),
  )) {
    if (readCommand(original, surroundings).is !== 'worker') continue;
    test(`line ${number} does the same after the rewrite`, async ({ skip }) => {
      const { user } = scratch;
      if (switches.test(original) && user === undefined) return skip('root alone can become another user');
      const people = new Map([[user ?? '', { home: join(scratch.root, 'user'), shell: '/bin/sh' }]]);
      const text = rooted(original)
        .replaceAll(/(?<=^|\s)(?:www-data|http|site\.example\.com_\w+)(?=\s)/g, user ?? '')
        .replace(`${scratch.root}/usr/bin/sudo`, 'sudo')
        // Debian has it in /usr/sbin, which is not on cron's PATH.
        .replace(/^runuser/, '/usr/sbin/runuser')
        .replace(/\bsleep [0-9]+/, 'sleep 0');
      const here = {
        ...surroundings,
        home: scratch.home,
        variables: new Map([['HOME', scratch.home]]),
        people,
      };
      const command = readCommand(text, here);
      if (command.is !== 'worker') throw new Error(`not a worker in the scratch root: ${command.why}`);
      await mkdir(command.directory, { recursive: true });
      const { word, how } = command.interpreter;
      if (how === 'absolute' && word !== undefined) await scratch.standIn(word.value);
      if (how === 'script') await scratch.standIn(command.scriptPath);
      for (const wrapper of command.wrappers)
        if (wrapper.name === 'flock')
          await mkdir(dirname(wrapper.words.at(-1)?.value ?? ''), { recursive: true });
      const log = logOf(command);
      const files = log.startsWith('/') ? [log] : [];
      for (const file of files) await mkdir(dirname(file), { recursive: true });
      const run = await expectSameMeaning(text, command, here, files);
      expect(run.argv, text).toBeDefined();
    });
  }
});

describe('generated commands', () => {
  test('do the same after the rewrite, and say before it what the shell then does', async () => {
    await scratch.file(join(scratch.home, 'input.txt'), 'FROM FILE\n');
    const counts = { worker: 0, started: 0, opaque: new Map<string, number>() };
    await fc.assert(
      fc.asyncProperty(commands, async (parts) => {
        const { text, surroundings } = placed(parts, scratch);
        const command = readCommand(text, surroundings);
        if (command.is === 'opaque') {
          counts.opaque.set(command.why, (counts.opaque.get(command.why) ?? 0) + 1);
          return;
        }
        counts.worker++;
        const { home } = scratch;
        const own = ['', ...DIRECTORIES, 'app/app', 'a b/app'].map((at) => join(home, at, 'own.log'));
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
      fc.property(
        commands,
        fc.boolean(),
        fc.boolean(),
        pick('logs/worker.log', '/var/log/a b.log'),
        (parts, once, guarded, log) => {
          const { text, surroundings } = placed(parts, scratch);
          const command = readCommand(text, surroundings);
          if (command.is === 'opaque') return;
          const kind = command.interpreter.kind;
          const addFlags = kind === 'php' ? ['-d', 'auto_prepend_file=/x y.php'] : ['--require', '/x y.cjs'];
          const wish: Wish = { interpreter: `/opt/my ${kind}/bin/${kind}`, once, log, addFlags, guarded };
          const first = rewriteCommand(text, command, wish).text;
          const again = readCommand(first, surroundings);
          if (again.is === 'opaque') throw new Error(`${first} is opaque: ${again.why}`);
          expect(rewriteCommand(first, again, wish).text).toBe(first);
          expect(again.directory).toBe(command.directory);
          expect(again.scriptPath).toBe(command.scriptPath);
        },
      ),
      { numRuns: RUNS * 5 },
    );
  });
});
