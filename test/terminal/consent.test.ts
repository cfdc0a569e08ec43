// Who may be asked, and what is consent, where there is no terminal: rules 10 to 15, 39 and 40.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { envName } from '../../src/ask/settle.ts';
import { commands } from '../../src/cli/commands.ts';
import { begin, deploy, expectProblem, hasFlock, json, root, run, scratch, site, until } from './harness.ts';

/** Every question there is: the file that asks it, and the flags that answer it beforehand. */
const questions = [
  { file: 'deploy.ts', command: 'deploy', asks: 'Which workers', flags: ['script', 'entry', 'all'] },
  { file: 'carryOut.ts', command: 'deploy', asks: 'confirm(question)', flags: ['yes'] },
  { file: 'carryOut.ts', command: 'deploy', asks: 'Keep the change all the same?', flags: ['keep-on-fail'] },
  { file: 'work.ts', command: 'deploy', asks: 'Kill them?', flags: ['kill-after'] },
  { file: 'rollback.ts', command: 'rollback', asks: 'Put back', flags: ['yes'] },
  { file: 'runNow.ts', command: 'verify', asks: 'confirm(question)', flags: ['yes'] },
] as const;

/** A crontab with two workers, so that which one is meant has to be said. */
const twoWorkers = (directory: string, entry: string): string =>
  `HOME=${directory}\n${entry}\n${entry.replace('worker.mjs', 'other.mjs')}\n`;

function twoWorkerSite(): ReturnType<typeof site> {
  const at = site('node', twoWorkers);
  writeFileSync(join(at.directory, 'scripts/other.mjs'), readFileSync(at.script));
  return at;
}

describe.concurrent('questions', () => {
  test('every question stands in the table of questions (rule 10)', () => {
    const folder = join(root, 'src/commands');
    const asked = readdirSync(folder).flatMap((file) =>
      [
        ...readFileSync(join(folder, file), 'utf8').matchAll(
          /ctx\.ask\(\)\)\)?\.(confirm|choose)\(([^;]*);/g,
        ),
      ].map((match) => ({ file, text: match[0] })),
    );
    expect(asked.length).toBe(questions.length);
    for (const { file, text } of asked)
      expect(
        questions.some((q) => q.file === file && text.includes(q.asks)),
        `${file}: ${text}`,
      ).toBe(true);
  });

  test('every question of the wizard is put by its name in the table of questions (rule 10)', () => {
    const folder = join(root, 'src/commands');
    const put = readdirSync(folder)
      .filter((file) => file.startsWith('wizard'))
      .flatMap((file) => [
        ...readFileSync(join(folder, file), 'utf8').matchAll(/\.(?:pick|several|sure|write)\(\s*([^\s,]+)/g),
      ])
      .map(([, query = '']) => query)
      .filter((query) => query !== 'path'); // files.write
    expect(put.length).toBeGreaterThan(8);
    // `put` is query(name, back) of the worker's question.
    for (const query of put) expect(query).toMatch(/^(?:query\('\w+'|put$|\{)/);
  });

  test.each(questions.flatMap((q) => q.flags.map((flag) => [q.command, flag] as const)))(
    '%s has the flag --%s, and a variable of that name (rule 10)',
    (command, flag) => {
      expect(commands.find((c) => c.name === command)?.flags.map((f) => f.name)).toContain(flag);
      expect(envName(flag)).toMatch(/^CRONLATCH_[A-Z_]+$/);
    },
  );

  test('a deploy answered by variables alone asks nothing and is done (rule 10)', async () => {
    const at = twoWorkerSite();
    const ended = await run(['deploy', ...at.on], {
      env: { CRONLATCH_SCRIPT: 'worker.mjs', CRONLATCH_YES: '1' },
    });
    expect(ended.code).toBe(0);
    expect(at.read().toString()).toContain('worker.mjs --once');
    expect(at.read().toString()).not.toContain('other.mjs --once');
    const back = await run(['rollback'], { env: { CRONLATCH_STATE_DIR: at.state, CRONLATCH_YES: 'true' } });
    expect(back.code).toBe(0);
    expect(at.read().toString()).not.toContain('--once');
  });

  test.each([[{ CRONLATCH_ALL: '1' }], [{ CRONLATCH_ENTRY: '3' }]])(
    '%j chooses in a dry run (rule 10)',
    async (env) => {
      const at = twoWorkerSite();
      const ended = await run(['deploy', ...at.on, '--dry-run', '--json'], { env });
      expect(ended.code).toBe(0);
      expect(ended.out).toContain('other.mjs --once');
      expect(ended.out.includes('worker.mjs --once')).toBe('CRONLATCH_ALL' in env);
    },
  );
});

describe.concurrent('no terminal', () => {
  test('a silent pipe on standard input ends at once, with every missing flag named (rules 11, 12)', async () => {
    const at = twoWorkerSite();
    const before = at.read();
    const ended = await run(['deploy', ...at.on], { stdin: 'open' });
    expectProblem(ended, 'answers-missing', 2);
    expect(ended.ms).toBeLessThan(2000);
    expect(ended.err).toContain('there is no terminal');
    for (const flag of ['--script', '--entry', '--all', '--yes', '--ci']) expect(ended.err).toContain(flag);
    expect(ended.out).toBe('');
    expect(at.read()).toEqual(before);
    expect(existsSync(at.state)).toBe(false);
  });

  test.each([
    [
      ['deploy', '--all'],
      ['--yes', '--ci'],
    ],
    [['rollback'], ['--yes', '--ci']],
    [
      ['deploy', '--resume', 'x'],
      ['--yes', '--ci'],
    ],
    [[], ['a command', '--script', '--entry', '--all', '--yes', '--ci']],
  ])(
    '%j with an open pipe ends within two seconds and names what is missing (rule 12)',
    async (args, missing) => {
      const at = site();
      const on = args[0] === 'deploy' ? at.on : at.stateFlags;
      const ended = await run([...args, ...on], { stdin: 'open' });
      expectProblem(ended, 'answers-missing', 2);
      expect(ended.ms).toBeLessThan(2000);
      for (const flag of missing) expect(ended.err).toContain(flag);
      expect(existsSync(at.state)).toBe(false);
    },
  );

  test('consent given and the choice missing: only the choice is named (rule 12)', async () => {
    const at = twoWorkerSite();
    const ended = await run(['deploy', ...at.on, '--ci'], { stdin: 'open' });
    expectProblem(ended, 'answers-missing', 2);
    expect(ended.err).toContain('--script, --entry or --all');
    expect(ended.err.split('\n')[0]).not.toContain('--yes');
    expect(ended.ms).toBeLessThan(2000);
  });

  test.each(['y\n', 'yes\n'.repeat(1000), '\n\n\n'])('piped %j is no consent (rule 13)', async (text) => {
    const at = site();
    const before = at.read();
    for (const args of [['deploy', ...at.on, '--all'], ['deploy', ...at.on], [...at.stateFlags]]) {
      const ended = await run(args, { stdin: { text } });
      expectProblem(ended, 'answers-missing', 2);
    }
    expect(at.read()).toEqual(before);
    expect(existsSync(at.state)).toBe(false);
  });

  test('piped y does not roll back either (rule 13)', async () => {
    const at = site();
    expect((await deploy(at)).code).toBe(0);
    const after = at.read();
    expectProblem(
      await run(['rollback', ...at.stateFlags], { stdin: { text: 'y\n' } }),
      'answers-missing',
      2,
    );
    expect(at.read()).toEqual(after);
  });

  test('CI is no consent, and says why nothing is asked (rule 14)', async () => {
    const at = site();
    const before = at.read();
    const ended = await run(['deploy', ...at.on, '--all'], { env: { CI: '1' } });
    expectProblem(ended, 'answers-missing', 2);
    expect(ended.err).toContain('the variable CI is set');
    expect(at.read()).toEqual(before);
  });

  test.each([
    ['--yes', '1'],
    ['-y', 'true'],
    ['--ci', '1'],
    ['--ci', ''],
  ])('%s is consent with CI=%j (rule 14)', async (flag, CI) => {
    const at = site();
    const ended = await run(['deploy', ...at.on, '--all', flag], { env: { CI } });
    expect(ended.code).toBe(0);
    expect(at.read().toString()).toContain('--once');
  });

  test.each([
    ['1', true],
    ['TRUE', true],
    ['true', true],
    ['yes', true],
    ['woodpecker', true],
    ['false', false],
    ['FALSE', false],
    ['', false],
  ])('CI=%j counts as CI: %s (rule 15)', async (CI, counts) => {
    const at = site();
    const ended = await run(['deploy', ...at.on, '--all'], { env: { CI } });
    expect(ended.code).toBe(2);
    expect(ended.err.includes('the variable CI is set')).toBe(counts);
  });
});

describe.concurrent('where an answer comes from', () => {
  const log = (directory: string, name: string): string => join(directory, 'logs', `${name}.log`);

  test.each([
    [['flag', 'env', 'config'], 'flag'],
    [['env', 'config'], 'env'],
    [['config'], 'config'],
    [[], 'default'],
  ])('of %j the %s wins (rule 39)', async (given, wins) => {
    const at = site();
    mkdirSync(join(at.directory, 'logs'));
    const config = join(at.directory, 'answers.json');
    writeFileSync(
      config,
      JSON.stringify(given.includes('config') ? { log: log(at.directory, 'config') } : {}),
    );
    const ended = await run(
      [
        'deploy',
        ...at.on,
        '--all',
        '--dry-run',
        '--debug',
        '--config',
        config,
        ...(given.includes('flag') ? ['--log', log(at.directory, 'flag')] : []),
      ],
      { env: given.includes('env') ? { CRONLATCH_LOG: log(at.directory, 'env') } : {} },
    );
    expect(ended.code).toBe(0);
    const expected =
      wins === 'default' ? join(at.directory, 'cronlatch/worker/output.log') : log(at.directory, wins);
    expect(ended.out).toContain(`>> ${expected} 2>&1`);
    const from = { flag: 'flag', env: 'environment', config: 'config', default: 'no answer' }[wins];
    if (wins !== 'default') expect(ended.err).toContain(`answer: log = ${expected} (${from})`);
    else expect(ended.err).not.toContain('answer: log');
  });

  test.each([
    ['not json', 'is not JSON'],
    ['{\n"log":\n\n\nx\n}', 'is not JSON'],
    ['[1]', 'is not JSON of the kind wanted'],
    ['{"log": {"a": 1}}', "The config file’s 'log'"],
    ['{"scrpt": "worker.php"}', 'scrpt'],
  ])('the config file %j is refused in at most four lines (rules 33, 39)', async (text, says) => {
    const at = site();
    const config = join(at.directory, 'answers.json');
    writeFileSync(config, text);
    const ended = await run(['deploy', ...at.on, '--all', '--dry-run', '--config', config]);
    expectProblem(ended, 'usage', 2);
    expect(ended.err).toContain(says);
    expect(ended.err.trimEnd().split('\n').length).toBeLessThanOrEqual(4);
  });

  test.runIf(process.getuid?.() === 0)('root takes answers from no file that others can write', async () => {
    const at = site();
    const config = join(at.directory, 'answers.json');
    writeFileSync(config, '{"interpreter": "/home/stranger/php"}');
    const dryRun = () => run(['deploy', ...at.on, '--all', '--dry-run', '--config', config]);
    chmodSync(config, 0o666);
    expect(await dryRun()).toMatchObject({ code: 5, err: expect.stringContaining('others may write it') });
    chmodSync(config, 0o644);
    chownSync(config, 65534, 65534);
    expect(await dryRun()).toMatchObject({
      code: 5,
      err: expect.stringContaining('it belongs to uid 65534'),
    });
    chownSync(config, 0, 0);
    expect((await dryRun()).code).not.toBe(5);
  });
});

describe.concurrent('two at once', () => {
  test.skipIf(!hasFlock)('who comes second is refused and told who is at work (rule 40)', async () => {
    const at = site();
    mkdirSync(at.state, { mode: 0o700 });
    const lock = join(at.state, 'lock');
    const holder = { id: '1', who: 'anna', command: 'deploy', since: '2026-01-02T03:04:05.000Z', pid: 4711 };
    writeFileSync(lock, JSON.stringify(holder), { mode: 0o600 });
    const ready = join(scratch(), 'ready');
    const holding = spawn('flock', [lock, 'sh', '-c', 'touch "$1"; read x', 'sh', ready], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    try {
      await until('flock holds the lock', () => existsSync(ready));
      const before = at.read();
      const ended = await deploy(at, '--json');
      expect(ended.code).toBe(5);
      expect(json(ended).outcome).toMatchObject({ is: 'problem', code: 'locked', exit: 5 });
      expect(ended.err).toContain('anna, since 2026-01-02T03:04:05.000Z (PID 4711, deploy)');
      expect(at.read()).toEqual(before);
      // Reading needs no lock.
      expect((await run(['scan', ...at.on, '--fail-on', 'never'])).code).toBe(0);
      expect((await run(['deploy', ...at.on, '--all', '--dry-run'])).code).toBe(0);
      expect((await run(['history', ...at.stateFlags])).code).toBe(0);
    } finally {
      const closed = new Promise((done) => holding.on('close', done));
      holding.stdin.end();
      await closed;
    }
    // Its holder is gone: the record it left is in nobody's way.
    const next = await deploy(at);
    expect(next.code).toBe(0);
    expect(next.err).toContain('Taking over: PID 4711');
  });

  test('of two real deploys at once one deploys and no byte is written twice (rule 40)', async () => {
    const at = site();
    const both = await Promise.all([deploy(at), deploy(at)]);
    const codes = both.map((b) => b.code).sort();
    expect(codes[0]).toBe(0);
    expect([0, 5], both.map((b) => b.err).join('')).toContain(codes[1]);
    for (const ended of both.filter((b) => b.code === 5))
      expect(ended.err).toMatch(/\[(locked|changed-since)\]/);
    for (const ended of both.filter((b) => b.code === 0))
      expect(ended.out).toMatch(/Deployed as|Already deployed\./);
    expect(both.filter((b) => b.out.includes('Deployed as')).length).toBe(1);
    expect(
      at
        .read()
        .toString()
        .match(/--once/g)?.length,
    ).toBe(1);
    expect(readFileSync(at.script, 'utf8').match(/cronlatch-guard/g)?.length).toBe(1);
  });

  test('while one deploy waits for its interpreter, a rollback and a deploy are refused with its name (rule 40)', async () => {
    const at = site();
    const [gate, asked] = [join(at.directory, 'gate'), join(at.directory, 'asked')];
    mkdirSync(join(at.directory, 'slow'));
    const slow = join(at.directory, 'slow/node');
    // Judges the new script only when the gate is there.
    writeFileSync(
      slow,
      `#!/bin/sh\ncase "$1" in --check) touch ${asked}; while [ -e ${asked} ] && [ ! -e ${gate} ]; do sleep 0.05; done;; esac\nexec ${process.execPath} "$@"\n`,
      { mode: 0o755 },
    );
    const first = begin(['deploy', ...at.on, '--all', '--ci', '--interpreter', slow]);
    try {
      await until('the first is at work', () => existsSync(asked));
      for (const ended of await Promise.all([deploy(at), run(['rollback', ...at.stateFlags, '--yes'])])) {
        expectProblem(ended, 'locked', 5);
        expect(ended.err).toContain(`PID ${first.child.pid}, deploy`);
        expect(ended.err).toMatch(/at work: \S+, since \d{4}-\d\d-\d\dT/);
      }
    } finally {
      writeFileSync(gate, '');
    }
    expect((await first.ended).code).toBe(0);
  });
});
