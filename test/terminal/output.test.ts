// What stands on which stream, in which colours and letters, and how soon: rules 23 to 31.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  begin,
  deploy,
  ESC,
  expectProblem,
  json,
  plainEnv,
  rollback,
  root,
  run,
  scratch,
  site,
  timeless,
} from './harness.ts';

describe.concurrent('streams', () => {
  test('standard output carries the result alone, the same with and without --quiet (rule 23)', async () => {
    const at = site();
    for (const args of [
      ['scan', ...at.on],
      ['deploy', ...at.on, '--all', '--dry-run'],
    ]) {
      const [loud, quiet, debug] = await Promise.all([
        run(args),
        run([...args, '-q']),
        run([...args, '--debug', '-q']),
      ]);
      expect(quiet.out).toBe(loud.out);
      expect(quiet.err).toBe('');
      expect(debug.code).toBe(loud.code);
    }
  });

  test('progress stands on standard error, the report on standard output (rule 23)', async () => {
    const at = site();
    const ended = await deploy(at);
    expect(ended.err).toContain(`replace ${at.tab}`);
    expect(ended.out).not.toContain(`replace ${at.tab}`);
    expect(ended.out).toContain('Deployed as');
    expect(ended.err).not.toContain('Deployed as');
    const back = await rollback(at, '--quiet');
    expect(back).toMatchObject({ code: 0, err: '' });
    expect(back.out).toContain('Put back');
  });

  test('--debug names sources on standard error only (rules 23, 39)', async () => {
    const at = site();
    const ended = await run(['scan', ...at.on, '--debug', '--json']);
    expect(ended.err).toContain(`answer: state-dir = ${at.state} (flag)`);
    expect(json(ended).schema).toBe(1);
  });

  test('a reader that goes away is no failure', async () => {
    const at = site('node', (d, e) => `HOME=${d}\n${`${e}\n`.repeat(400)}`);
    const { child, ended } = begin(['scan', ...at.on, '--verbose', '--fail-on', 'never']);
    child.stdout?.destroy();
    const { err, signal } = await ended;
    expect(err).toBe('');
    expect(signal).toBe(null);
  });
});

describe.concurrent('--json', () => {
  const cases: [string, (at: ReturnType<typeof site>) => string[], number][] = [
    ['scan', (at) => ['scan', ...at.on], 3],
    ['dry run', (at) => ['deploy', ...at.on, '--all', '-n'], 0],
    ['deploy', (at) => ['deploy', ...at.on, '--all', '--ci'], 0],
    ['verify of nothing', (at) => ['verify', ...at.stateFlags], 2],
    ['rollback of nothing', (at) => ['rollback', ...at.stateFlags, '--ci'], 2],
    ['history', (at) => ['history', ...at.stateFlags], 0],
    ['missing answers', (at) => ['deploy', ...at.on], 2],
    ['an unknown flag', () => ['deploy', '--dryrun'], 2],
    ['an unknown command', () => ['depl'], 2],
    ['a missing file', (at) => ['scan', '--file', '/nonexistent', ...at.stateFlags], 2],
    ['a bad value', (at) => ['scan', ...at.on, '--fail-on', 'x'], 2],
    ['a config that is none', (at) => ['scan', ...at.on, '--config', at.tab], 2],
    ['a directory as crontab', (at) => ['scan', '--file', at.directory, ...at.stateFlags], 1],
  ];

  test.each(cases)('%s: exactly one document with schema and outcome (rule 24)', async (_, args, exit) => {
    const at = site();
    const ended = await run([...args(at), '--json']);
    const document = json(ended);
    expect(document.schema).toBe(1);
    expect(typeof document['command']).toBe('string');
    expect(document.outcome.exit).toBe(exit);
    expect(ended.code).toBe(exit);
    expect(ended.out.endsWith('}\n')).toBe(true);
    expect(ended.out).not.toContain(ESC);
  });

  test('each step of the road, there and back, is one document (rule 24)', async () => {
    const at = site();
    for (const args of [
      ['deploy', ...at.on, '--all', '--ci'],
      ['deploy', ...at.on, '--all', '--ci'],
      ['verify', ...at.stateFlags],
      ['history', ...at.stateFlags],
      ['rollback', ...at.stateFlags, '--dry-run'],
      ['rollback', ...at.stateFlags, '--ci', '--to', 'disabled'],
      ['rollback', ...at.stateFlags, '--ci'],
    ]) {
      const ended = await run([...args, '--json']);
      expect(json(ended)).toMatchObject({ schema: 1, command: args[0], outcome: { exit: 0 } });
      expect(ended.code).toBe(0);
    }
  });
});

describe.concurrent('colours and letters', () => {
  const roads = (at: ReturnType<typeof site>): string[][] => [
    ['scan', ...at.on],
    ['deploy', ...at.on, '--all', '--dry-run'],
    ['deploy', ...at.on, '--all', '--ci'],
    ['history', ...at.stateFlags],
    ['rollback', ...at.stateFlags, '--ci'],
    ['rollback', ...at.stateFlags, '--ci'],
  ];

  test.each([
    ['in a pipe', {}, []],
    ['with NO_COLOR', { NO_COLOR: '1' }, []],
    ['with TERM=dumb', { TERM: 'dumb' }, []],
    ['with --no-color over FORCE_COLOR', { FORCE_COLOR: '1' }, ['--no-color']],
    ['with FORCE_COLOR=0', { FORCE_COLOR: '0' }, []],
    ['in CI', { CI: 'true' }, []],
  ] as const)('%s neither stream has an escape code (rules 25, 27)', async (_, env, flags) => {
    const at = site();
    for (const args of roads(at)) {
      const ended = await run([...args, ...flags], { env });
      expect(ended.out + ended.err).not.toContain(ESC);
    }
  });

  test.each([
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, []],
    ['--color', {}, ['--color']],
  ] as const)('%s forces colours, and no cursor codes into a pipe (rules 26, 27)', async (_, env, flags) => {
    const at = site();
    for (const args of roads(at).slice(0, 5)) {
      const ended = await run([...args, ...flags], { env });
      expect(ended.out).toMatch(/\x1b\[\d+m/);
      expect(ended.out + ended.err).not.toMatch(/\x1b\[\?|\x1b\[[0-9;]*[A-HJKSTfsu]|\r/);
    }
  });

  test('colour takes nothing away: without it the same words are there (rule 28)', async () => {
    const at = site();
    const plain = await run(['scan', ...at.on]);
    const coloured = await run(['scan', ...at.on, '--color']);
    expect(coloured.out.replace(/\x1b\[\d+m/g, '')).toBe(plain.out);
  });

  test.each([{ LC_ALL: 'C' }, { LC_ALL: 'POSIX', LANG: 'C.UTF-8' }, { LANG: '' }])(
    'with %j every sign is ASCII (rule 28)',
    async (env) => {
      const at = site();
      for (const args of [...roads(at), ['--help'], ['deploy', '--help'], ['deploy', ...at.on], ['depl']]) {
        const ended = await run(args, { env });
        const odd = [...(ended.out + ended.err)].filter((c) => c > '~');
        expect(odd.join(''), args.join(' ')).toBe('');
      }
    },
  );

  test('in a UTF-8 locale a check mark is a check mark (rule 28)', async () => {
    const ended = await deploy(site());
    expect(ended.out).toContain('✔ pass');
  });

  test('an entry with escape codes in it cannot move the cursor of who looks (rule 25)', async () => {
    const at = site(
      'node',
      (d, e) =>
        `HOME=${d}\n${e}\n* * * * * node ${ESC}[2J${ESC}]0;x\x07.mjs\n* * * * * a${ESC}b php x${ESC}.php\n`,
    );
    for (const args of [
      ['scan', ...at.on, '--verbose'],
      ['deploy', ...at.on, '--all', '--dry-run', '--verbose'],
      ['deploy', ...at.on, '--entry', '4', '--dry-run'],
      ['deploy', ...at.on, '--entry', '3', '--ci'],
      ['deploy', ...at.on, '--script', `x${ESC}.php`, '--ci'],
    ]) {
      const ended = await run(args);
      expect(ended.out + ended.err, args.join(' ')).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
    }
  });
});

describe('without node_modules', () => {
  test('help, version, scan and a dry run need none of them (rule 29)', async () => {
    const copy = scratch();
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    const bin = join(copy, 'bin/cronlatch.js');
    const at = site();
    for (const [args, exit] of [
      [['--help'], 0],
      [['deploy', '--help'], 0],
      [['--version'], 0],
      [['scan', ...at.on], 3],
      [['scan', ...at.on, '--color', '--json'], 3],
      [['deploy', ...at.on, '--all', '--dry-run'], 0],
      [['deploy', ...at.on, '--all', '--ci'], 0],
      [['verify', ...at.stateFlags], 0],
      [['rollback', ...at.stateFlags, '--ci'], 0],
    ] as const) {
      const ended = await run(args, { bin, cwd: copy });
      expect(ended.code, `${args.join(' ')}\n${ended.err}`).toBe(exit);
      expect(ended.err).not.toContain('ERR_MODULE');
    }
  });

  test('without dist it says how to build it', async () => {
    const copy = scratch();
    for (const part of ['bin', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    const ended = await run(['--help'], { bin: join(copy, 'bin/cronlatch.js') });
    expect(ended).toMatchObject({ code: 1, out: '', err: 'cronlatch is not built yet: npm run build\n' });
  });

  test('help is there within 100 ms of Node itself, in the better of five (rule 29)', async () => {
    const bare = join(scratch(), 'bare.js');
    writeFileSync(bare, '');
    const best = async (bin: string | undefined, args: string[]): Promise<number> => {
      let least = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i++) least = Math.min(least, (await run(args, bin ? { bin } : {})).ms);
      return least;
    };
    const node = await best(bare, []);
    expect((await best(undefined, ['--help'])) - node).toBeLessThan(100);
  });
});

describe.concurrent('children', () => {
  test('the interpreter that is asked sees the end of its standard input at once (rule 31)', async () => {
    const at = site();
    const seen = join(at.directory, 'seen');
    const node = join(at.directory, 'node');
    writeFileSync(
      node,
      `#!/bin/sh\nif read line; then echo "got $line" >> ${seen}; else echo end >> ${seen}; fi\nexec ${process.execPath} "$@"\n`,
      { mode: 0o755 },
    );
    const { child, ended } = begin(['deploy', ...at.on, '--all', '--ci', '--interpreter', node], {
      stdin: 'open',
    });
    child.stdin?.write('secret\n');
    expect((await ended).code).toBe(0);
    expect(readFileSync(seen, 'utf8')).toMatch(/^(end\n)+$/);
  });

  test('an ordinary locale of the caller decides nothing about the crontab', async () => {
    const at = site();
    mkdirSync(join(at.directory, 'x'));
    const [one, two] = await Promise.all(
      ['C', 'de_DE.UTF-8'].map((LC_ALL) => run(['scan', ...at.on, '--json'], { env: plainEnv({ LC_ALL }) })),
    );
    expect(timeless(one?.out ?? '')).toBe(timeless(two?.out ?? ''));
  });

  test('a crontab larger than memory should hold is refused in words', async () => {
    const at = site();
    const ended = await run(['scan', '--file', '/dev/zero', ...at.stateFlags]);
    expect(ended.code).not.toBe(0);
    expect(ended.ms).toBeLessThan(5000);
    expectProblem(ended, '(unreadable|unkeepable)', ended.code ?? 0);
  });
});
