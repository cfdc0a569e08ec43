// The lock commands on a real site: a real worker holds a real lock.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  deploy,
  expectProblem,
  hasPhp,
  hasTmux,
  inTerminal,
  json,
  plainEnv,
  run,
  type Site,
  scratch,
  site,
  until,
} from './harness.ts';

const nobody = spawnSync('id', ['-un', '65534'], { encoding: 'utf8' }).stdout.trim();
const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

async function guarded(kind: 'php' | 'node'): Promise<{ at: Site; lock: string; on: readonly string[] }> {
  const at = site(kind);
  const done = await deploy(at, '--once', 'no', '--without', 'stop,verify', '--guard', 'script');
  expect(done.code, done.err + done.out).toBe(0);
  return {
    at,
    lock: join(at.directory, 'cronlatch/worker/worker.lock'),
    on: ['--file', at.tab, '--state-dir', at.state],
  };
}

/** The worker as cron would start it; resolves when it has its lock. */
async function begin(at: Site, kind: 'php' | 'node', lock: string): Promise<ChildProcess> {
  const child = spawn(kind === 'php' ? 'php' : process.execPath, [at.script], {
    cwd: at.directory,
    env: plainEnv(),
    stdio: 'ignore',
  });
  children.add(child);
  const pid = join(lock, '..', 'worker.pid');
  await until('the worker has its lock', () => existsSync(pid));
  return child;
}

const kinds = (['php', 'node'] as const).filter((kind) => kind === 'node' || hasPhp);

describe.each(kinds)('a %s worker', (kind) => {
  test('its lock is free, held by it, stopped and free again', async () => {
    const { at, lock, on } = await guarded(kind);
    const before = await run(['lock', 'status', ...on, '--expect', 'free', '--json']);
    expect(json(before)).toMatchObject({
      command: 'lock status',
      locks: [{ held: false }],
      outcome: { exit: 0 },
    });

    const child = await begin(at, kind, lock);
    const held = await run(['lock', 'status', ...on, '--json']);
    expect(held.code).toBe(0);
    expect(json(held)).toMatchObject({
      locks: [
        { path: lock, held: true, writer: 'alive', holder: { is: 'verified', process: { pid: child.pid } } },
      ],
    });
    expect((await run(['lock', 'status', ...on, '--expect', 'free'])).code).toBe(3);
    expect((await run(['lock', 'status', lock, '--expect', 'held'])).out).toContain(`by PID ${child.pid}`);

    const refused = await run(['lock', 'stop', ...on]);
    expectProblem(refused, 'answers-missing', 2);
    const stopped = await run(['lock', 'stop', ...on, '--ci']);
    expect([stopped.code, stopped.out]).toEqual([0, expect.stringContaining('The lock is free.')]);
    await until('it is gone', () => child.exitCode !== null || child.signalCode !== null);
    expect((await run(['lock', 'status', ...on, '--expect', 'free'])).code).toBe(0);
    expect((await run(['lock', 'stop', ...on, '--ci'])).out).toContain('Nothing holds it');
  });

  test('the doctor and the tests pass, also while it runs, and leave nothing behind', async () => {
    const { at, lock, on } = await guarded(kind);
    const child = await begin(at, kind, lock);
    const names = readdirSync(join(lock, '..'));
    const doctor = await run(['lock', 'doctor', ...on, '--json']);
    const found =
      (json(doctor)['locks'] as { symptoms: { code: string; is: string }[] }[])[0]?.symptoms ?? [];
    expect(found.find(({ code }) => code === 'flock')).toMatchObject({ is: 'pass' });
    expect(found.filter(({ is }) => is === 'fail')).toEqual([]);
    const tested = await run(['lock', 'test', ...on]);
    expect([tested.code, tested.out]).toEqual([0, expect.stringMatching(/All .*lock tests passed\./)]);
    expect(tested.out).not.toContain('✗');
    expect(readdirSync(join(lock, '..'))).toEqual(names);
    expect(child.exitCode).toBe(null);
  });
});

describe.skipIf(!hasPhp)('the doctor', () => {
  test('finds a lock below a document root, in a release, in a directory that others may write', async () => {
    const { at } = await guarded('php');
    for (const [place, code] of [
      ['httpdocs/storage', 'docroot'],
      ['releases/7/storage', 'release'],
    ] as const) {
      const directory = join(at.directory, place);
      spawnSync('mkdir', ['-p', '-m', '700', directory]);
      writeFileSync(join(directory, 'worker.lock'), '', { mode: 0o600 });
      const said = await run(['lock', 'doctor', directory, '--json']);
      expect(said.code).toBe(3);
      expect(said.out).toMatch(new RegExp(`"code": "${code}",\\s+"is": "fail"`));
    }
    const open = join(at.directory, 'open');
    spawnSync('mkdir', ['-m', '777', open]);
    writeFileSync(join(open, 'worker.lock'), '');
    const said = await run(['lock', 'doctor', join(open, 'worker.lock')]);
    // Root does not even go where others could lead it; the user himself is told what is wrong.
    expect(said.code).toBe(process.getuid?.() === 0 ? 5 : 3);
    rmSync(open, { recursive: true });
  });

  test('names an interpreter that cannot be used', async () => {
    const { lock } = await guarded('php');
    const said = await run(['lock', 'doctor', lock, '--interpreter', '/nonexistent/php']);
    expect([said.code, said.out]).toEqual([6, expect.stringContaining('no interpreter is known')]);
  });
});

describe.skipIf(!hasPhp || process.getuid?.() !== 0)('as root, in a directory of another user', () => {
  test('all is done as that user: the guard of a trial by root would refuse it', async () => {
    const home = scratch();
    const directory = join(home, 'cronlatch');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'worker.lock'), '', { mode: 0o600 });
    // What a trial that was killed has left behind.
    mkdirSync(join(directory, '.cronlatch-trial-99999999'));
    writeFileSync(join(directory, '.cronlatch-trial-99999999', 'ready'), '');
    for (const path of [home, directory]) spawnSync('chown', ['-R', '65534:65534', path]);
    for (const action of ['test', 'doctor']) {
      const ended = await run(['lock', action, join(directory, 'worker.lock'), '--php', '/usr/bin/php']);
      expect([ended.code, ended.out]).toEqual([0, expect.not.stringContaining('✗')]);
      if (action === 'test') expect(ended.out).toContain(`/usr/bin/php as ${nobody}, in ${directory}`);
    }
    expect(readdirSync(directory)).toEqual(['worker.lock']);
  });

  test('a way that another user could bend is not gone as root', async () => {
    const home = scratch();
    spawnSync('chown', ['65534:65534', home]);
    const directory = join(home, 'locks');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'worker.lock'), '');
    expectProblem(await run(['lock', 'status', directory]), 'untrusted', 5);
  });
});

test('a word that lock does not know is answered with those it knows', async () => {
  const ended = await run(['lock', 'stauts']);
  expectProblem(ended, 'usage', 2);
  expect(ended.err).toContain("Did you mean 'status'?");
  expectProblem(await run(['lock']), 'usage', 2);
});

test.skipIf(!hasTmux)('in a terminal stop asks, and Enter alone stops nothing', async () => {
  const { at, lock, on } = await guarded('node');
  const child = await begin(at, 'node', lock);
  await inTerminal(async (terminal) => {
    terminal.start(`cronlatch lock stop ${on.join(' ')}`);
    await terminal.shows(`Ask PID ${child.pid} to end`);
    terminal.keys('Enter');
    await terminal.shows('Nothing was changed.');
    expect(await terminal.exit()).toBe(1);
  });
  expect(child.exitCode).toBe(null);
});
