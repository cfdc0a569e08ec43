// Every expected failure in words, and the exit codes: rules 32 to 34 and 36.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Problem, type ProblemCode, words } from '../../src/problem.ts';
import {
  begin,
  deploy,
  ESC,
  expectProblem,
  json,
  rollback,
  root,
  run,
  scratch,
  site,
  until,
} from './harness.ts';

/** What each problem is told about; the compiler asks for a row when a problem is added. */
const told: Record<ProblemCode, Record<string, string | number>> = {
  usage: { what: 'There is no flag --dryrun.' },
  'answers-missing': {
    because: 'there is no terminal',
    missing: '--yes or --ci',
    example: 'cronlatch deploy --ci',
  },
  'file-missing': { path: '/a' },
  untrusted: { path: '/a/b', at: '/a', why: 'others may write it' },
  unreadable: { path: '/a', reason: 'permission denied (EACCES)' },
  'crontab-unreadable': { user: 'anna', reason: 'no' },
  'crontab-artefact': { user: 'anna', reason: '^A' },
  'crontab-refused': { source: 'anna', reason: 'bad minute' },
  'not-written': { act: 'write', path: '/a', reason: 'no space' },
  unkeepable: { path: '/a', reason: 'it has two names' },
  'changed-since': { what: '/a' },
  'changed-under-us': { what: '/a' },
  'read-back': { what: '/a' },
  'plesk-refused': { id: 7, asked: 'plesk bin scheduler', said: 'exit code 1' },
  'plesk-unanswered': { asked: 'plesk db', said: 'exit code 1' },
  'plesk-rewrote': { what: 'task 7', why: 'no-line', line: 4 },
  'still-running': { count: 2, script: '/a', grace: 30, pids: '1, 2' },
  'not-allowed': { act: 'write /a', reason: 'no' },
  locked: { who: 'anna', since: 'noon', pid: 7, command: 'deploy' },
  'lock-impossible': { path: '/a', reason: 'no' },
  'lock-unverified': { path: '/d/worker.lock', reason: 'the process that holds it cannot be seen from here' },
  'lock-trial': { reason: 'proc_open is switched off' },
  unfinished: { command: 'deploy', id: 'x', at: 'noon', rollback: 'x', resume: 'x' },
  'still-unfinished': { id: 'x', reason: 'no' },
  'no-such-entry': { what: 'There is no entry on line 3.' },
  'no-deployment': { id: 'x' },
  'wrong-port': { port: '99999', at: '/a/.env:3' },
  'no-credentials': { directory: '/a', looked: '/a/.env' },
  'taken-back': { id: '20261123-120030-9c2e', state: 'rolled-back', by: '20261123-120130-9c2e' },
  'plan-stale': { what: '/a is not as it was' },
  'plan-unreadable': { path: '/a', reason: 'no' },
  'journal-unreadable': { path: '/a', line: 3, reason: 'no' },
  'no-watch': { id: 'x' },
  'watch-over': { id: 'x', why: 'is still going on (PID 7)' },
  'watch-unreadable': { path: '/a', reason: 'no' },
  'foreign-edits': { what: '/a', reason: 'no' },
  'half-done': { what: 'step 2', reason: 'no', journal: '/j' },
  'not-closed': { reason: 'no', rollback: 'ID' },
  'not-exported': { directory: '/a', reason: 'it is no directory' },
  'worker-file': { path: '/a', reason: 'no' },
  declined: {},
  interrupted: {},
  'database-unusable': { at: 'anna at 127.0.0.1:3306', reason: 'no' },
  sandbox: { what: 'no' },
};
const codes = Object.keys(told) as ProblemCode[];

describe('problems in words', () => {
  test.each(codes)('%s is at most four lines and ends with its code (rule 33)', (code) => {
    const lines = words(new Problem(code, told[code]));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThanOrEqual(4);
    expect(lines.at(-1)).toMatch(new RegExp(`  \\[${code}\\]$`));
    expect(lines.join(' ')).not.toMatch(/undefined|\[object/);
    for (const line of lines) expect(line).toBe(line.trim());
  });

  test.each(codes)(
    '%s keeps to its lines when values hold line breaks and control characters (rule 33)',
    (code) => {
      const nasty = Object.fromEntries(
        Object.keys(told[code]).map((key) => [key, `a\nb\r\n${ESC}[2Jc\x07\n`]),
      );
      const lines = words(new Problem(code, nasty));
      expect(lines.length).toBeLessThanOrEqual(4);
      for (const line of lines) expect(line).not.toMatch(/[\x00-\x1f\x7f]/);
      expect(lines.at(-1)).toMatch(new RegExp(`\\[${code}\\]$`));
    },
  );

  test('a problem without its values says no "undefined" of those it can do without', () => {
    expect(words(new Problem('no-deployment'))[0]).toBe('No deployment stands.');
    expect(words(new Problem('declined'))).toEqual(['Nothing was changed.  [declined]']);
  });

  test('the codes of all problems have an exit code of the table (rule 32)', () => {
    const documented = [1, 2, 4, 5, 6, 130];
    for (const code of codes) expect(documented).toContain(new Problem(code).exit);
  });

  test('the general help names every exit code (rule 32)', async () => {
    const { out } = await run(['--help']);
    for (const code of [0, 1, 2, 3, 4, 5, 6]) expect(out).toMatch(new RegExp(`[ ·] ${code} \\S`));
  });
});

describe.concurrent('exit codes', () => {
  test('0: done, and nothing to do (rule 32)', async () => {
    const at = site();
    expect((await deploy(at)).code).toBe(0);
    expect((await deploy(at)).code).toBe(0);
    const none = site('node', (d) => `HOME=${d}\n`);
    const ended = await deploy(none, '--json');
    expect(ended.code).toBe(0);
    expect(json(ended).outcome).toEqual({ is: 'nothing-to-do', exit: 0 });
  });

  test('1: the interpreter refuses the script, and everything is as before (rule 32)', async () => {
    const at = site();
    const interpreter = join(at.directory, 'node');
    writeFileSync(interpreter, '#!/bin/sh\necho "it is Tuesday" >&2\nexit 1\n', { mode: 0o755 });
    const [before, script] = [at.read(), readFileSync(at.script)];
    const ended = await deploy(at, '--interpreter', interpreter, '--json', '--guard', 'script');
    expectProblem(ended, 'unkeepable', 1);
    expect(ended.err).toContain('it is Tuesday');
    expect(json(ended).outcome).toMatchObject({ is: 'problem', exit: 1, code: 'unkeepable' });
    expect(at.read()).toEqual(before);
    expect(readFileSync(at.script)).toEqual(script);
    expect(readdirSync(at.directory).sort()).toEqual(['crontab', 'node', 'scripts', 'state']);
    expect(readdirSync(join(at.directory, 'scripts'))).toEqual(['worker.mjs']);
    // It was settled: nothing stands in the way of the next.
    expect((await deploy(at)).code).toBe(0);
  });

  test.each([
    [['--script', 'nothing.php'], 'no-such-entry'],
    [['--entry', '99'], 'no-such-entry'],
    [['--all', '--file', '/nonexistent/crontab'], 'file-missing'],
    [['--plan', '/nonexistent/plan.json'], 'file-missing'],
    [['--all', '--worker', '/nonexistent/worker.php'], 'file-missing'],
    [['--resume', '20260101-000000-abcd'], 'no-deployment'],
  ])('2: deploy %j names what is not there (rule 32)', async (args, code) => {
    const at = site();
    const before = at.read();
    const ended = await run(['deploy', ...at.on, ...args, '--ci', '--json']);
    expectProblem(ended, code, 2);
    expect(json(ended).outcome).toMatchObject({ is: 'problem', exit: 2, code });
    expect(at.read()).toEqual(before);
  });

  test.each(['rollback', 'verify', 'history'])(
    '2: %s of a deployment that never was (rule 32)',
    async (command) => {
      const at = site();
      const ended = await run([
        command,
        'never',
        ...at.stateFlags,
        '--json',
        ...(command === 'rollback' ? ['--ci'] : []),
      ]);
      expectProblem(ended, 'no-deployment', 2);
      expect(json(ended).outcome).toMatchObject({ is: 'problem', exit: 2, code: 'no-deployment' });
    },
  );

  test('3: scan finds something (rule 32)', async () => {
    const at = site();
    const ended = await run(['scan', ...at.on]);
    expect(ended.code).toBe(3);
  });

  test('3: verify finds the guard gone (rule 32)', async () => {
    const at = site();
    const original = readFileSync(at.script);
    await deploy(at);
    expect((await run(['verify', ...at.stateFlags])).code).toBe(0);
    writeFileSync(at.script, original);
    const ended = await run(['verify', ...at.stateFlags, '--json']);
    expect(ended.code).toBe(3);
    expect(json(ended).outcome).toEqual({ is: 'fail', exit: 3 });
    const scan = await run(['scan', ...at.on, '--json']);
    expect(scan.out).toContain('guard-lost-by-release');
  });

  const trial = (at: ReturnType<typeof site>, act: string): string[] => {
    const node = join(at.directory, 'node');
    const script = `#!/bin/sh\n[ "$2" = probe ] && { ${act}; }\nexec ${process.execPath} "$@"\n`;
    writeFileSync(node, script, { mode: 0o755 });
    return ['--interpreter', node];
  };

  test('1 and 3: a check fails: put back with --ci, kept with --keep-on-fail (rule 32)', async () => {
    const at = site();
    const says = '{"refused":{"exit":1,"message":"two"},"stale":{"recovered":true,"message":""}}';
    const flags = trial(at, `echo '${says}'; exit 0`);
    const before = at.read();
    const back = await deploy(at, ...flags, '--json');
    expect(json(back).outcome).toEqual({ is: 'rolled-back', exit: 1 });
    expect(back.code).toBe(1);
    expect(at.read()).toEqual(before);
    const kept = await deploy(at, ...flags, '--json', '--keep-on-fail');
    expect(json(kept).outcome).toMatchObject({ is: 'deployed', exit: 3 });
    expect(kept.code).toBe(3);
    expect((await rollback(at)).code).toBe(0);
    expect(at.read()).toEqual(before);
  });

  test('6: a check could not be measured: 0 by itself, 6 with --strict and from verify (rule 32)', async () => {
    const at = site();
    // What the guard says where proc_open is disabled: it cannot start a second instance to try itself.
    const said = {
      ok: false,
      acquired: false,
      refused: { exit: null, message: '' },
      errors: ['no proc_open'],
    };
    const flags = trial(at, `echo '${JSON.stringify(said)}'; exit 1`);
    const strict = await deploy(at, ...flags, '--strict', '--json');
    expect(json(strict).outcome).toMatchObject({ is: 'deployed', exit: 6 });
    expect(strict.code).toBe(6);
    expect((await run(['verify', ...at.stateFlags])).code).toBe(6);
    await rollback(at);
    expect((await deploy(at, ...flags)).code).toBe(0);
  });

  test('4: a journal that cannot be read stops everything that would write (rule 32)', async () => {
    const at = site();
    await deploy(at);
    const directory = join(at.state, 'deployments');
    const path = join(directory, readdirSync(directory)[0] as string);
    writeFileSync(path, `{"is":"open"\n${readFileSync(path, 'utf8')}`);
    const before = at.read();
    for (const ended of await Promise.all([rollback(at), run(['history', ...at.stateFlags])]))
      expectProblem(ended, 'journal-unreadable', 4);
    expect(at.read()).toEqual(before);
  });

  test('5: a finding stops it, with one document on standard output (rule 32)', async () => {
    const at = site('node', (d, entry) => `HOME=${d}\n${entry}\n61 * * * * true\n`);
    const before = at.read();
    const ended = await deploy(at, '--json');
    expect(ended.code).toBe(5);
    expect(json(ended).outcome).toMatchObject({ exit: 5 });
    expect(at.read()).toEqual(before);
  });
});

describe.concurrent('signals while at work', () => {
  // The interpreter that judges the new script waits for a gate: a step as slow as the test wants it.
  async function atWork(signals: readonly NodeJS.Signals[]): Promise<{
    at: ReturnType<typeof site>;
    before: Buffer;
    ended: Awaited<ReturnType<typeof run>>;
  }> {
    const at = site();
    const before = at.read();
    const [gate, asked] = [join(at.directory, 'gate'), join(at.directory, 'asked')];
    mkdirSync(join(at.directory, 'slow'));
    const slow = join(at.directory, 'slow/node');
    writeFileSync(
      slow,
      `#!/bin/sh\ncase "$1" in --check) touch ${asked}; while [ -e ${asked} ] && [ ! -e ${gate} ]; do sleep 0.05; done;; esac\nexec ${process.execPath} "$@"\n`,
      { mode: 0o755 },
    );
    const running = begin(['deploy', ...at.on, '--all', '--ci', '--interpreter', slow]);
    let said = '';
    running.child.stderr?.on('data', (text) => {
      said += text;
    });
    try {
      await until('it is at work', () => readdirSync(at.directory).includes('asked'));
      for (const [index, signal] of signals.entries()) {
        running.child.kill(signal);
        if (index === 0) await until('it heard', () => said.includes('Stopping after this step'));
      }
      if (signals.length > 1) return { at, before, ended: await running.ended };
    } finally {
      writeFileSync(gate, '');
    }
    return { at, before, ended: await running.ended };
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'one %s ends it after the step, everything put back, exit %i (rules 20, 21)',
    async (signal, exit) => {
      const { at, before, ended } = await atWork([signal]);
      expectProblem(ended, 'interrupted', exit);
      expect(ended.err).toContain('Ctrl-C again to stop now');
      expect(at.read()).toEqual(before);
      expect(readFileSync(at.script, 'utf8')).not.toContain('cronlatch');
    },
  );

  test('the second one ends it at once; the journal says where, and rollback puts it back (rule 20)', async () => {
    const { at, before, ended } = await atWork(['SIGINT', 'SIGINT']);
    expect(ended.code).toBe(130);
    expect(ended.err).toContain('The journal says where: cronlatch history');
    expect((await run(['history', ...at.stateFlags])).out).toContain('unfinished');
    const next = await deploy(at);
    expectProblem(next, 'unfinished', 5);
    const back = await rollback(at);
    expect(back.code).toBe(0);
    expect(at.read()).toEqual(before);
    expect(readdirSync(join(at.directory, 'scripts'))).toEqual(['worker.mjs']);
  });
});

describe.concurrent('the unexpected', () => {
  const bug = (): string => {
    const path = join(scratch(), 'bug.mjs');
    writeFileSync(path, "process.geteuid = () => { throw new Error('injected'); };\n");
    return `--import=file://${path}`;
  };

  test('an error nobody expected has a stack, the version and how to report it (rule 34)', async () => {
    const at = site();
    const ended = await run(['scan', ...at.on], { env: { NODE_OPTIONS: bug() } });
    expect(ended.code).toBe(1);
    expect(ended.out).toBe('');
    expect(ended.err).toContain('An error nobody expected: injected');
    expect(ended.err).toMatch(/^ {4}at .*dist\//m);
    expect(ended.err).toMatch(/cronlatch \d+\.\d+\.\d+, Node v\d+/);
    expect(ended.err).toMatch(/report/i);
  });

  test('and with --json still one document (rules 24, 34)', async () => {
    const at = site();
    const ended = await run(['scan', ...at.on, '--json'], { env: { NODE_OPTIONS: bug() } });
    expect(json(ended)).toMatchObject({
      schema: 1,
      command: 'scan',
      outcome: { is: 'problem', exit: 1, code: 'unexpected' },
    });
  });

  test('an expected error has no stack, but --debug gives its cause (rules 33, 34)', async () => {
    const at = site();
    const config = join(at.directory, 'c.json');
    writeFileSync(config, 'x');
    const args = ['scan', ...at.on, '--config', config];
    expect((await run(args)).err).not.toMatch(/^\s+at /m);
    const ended = await run([...args, '--debug']);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('caused by: SyntaxError');
  });
});

test('what cronlatch keeps is for its owner only: directories 0700, files 0600 (rule 36)', async () => {
  const at = site();
  const plan = join(at.directory, 'plan.json');
  mkdirSync(join(at.directory, 'elsewhere'));
  expect((await run(['deploy', ...at.on, '--all', '--dry-run', '--save', plan])).code).toBe(0);
  expect((await deploy(at)).code).toBe(0);
  expect((await rollback(at)).code).toBe(0);
  const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
  expect(mode(plan)).toBe('600');
  expect(mode(at.state)).toBe('700');
  for (const name of readdirSync(at.state, { recursive: true, encoding: 'utf8' })) {
    const path = join(at.state, name);
    expect(mode(path), name).toBe(statSync(path).isDirectory() ? '700' : '600');
  }
});

test('a state directory that others may write is refused (rule 36)', async () => {
  const at = site();
  mkdirSync(at.state);
  const { chmodSync } = await import('node:fs');
  chmodSync(at.state, 0o777);
  expectProblem(await deploy(at), process.getuid?.() === 0 ? 'untrusted' : 'unkeepable', 5);
});

test('the documentation of exit codes has the same rows as the program (rule 32)', () => {
  const source = readFileSync(join(root, 'src/problem.ts'), 'utf8');
  const type = /export type ExitCode = ([^;]+);/.exec(source)?.[1];
  const documented = readFileSync(join(root, 'docs/exit-codes.md'), 'utf8');
  expect([...documented.matchAll(/^\| (\d+) /gm)].map((row) => row[1]).join(' | ')).toBe(type);
});
