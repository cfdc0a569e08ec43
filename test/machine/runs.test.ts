// Watching real processes: two at once for a second are seen, and who has the lock is told by the kernel, not by a file that lies there.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { localServer } from '../../src/server/local.ts';
import { judgeRuns } from '../../src/verify/live.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { type Wait, type Watched, watch } from '../../src/verify/watch.ts';
import { until } from '../support/cron.ts';

const missing = spawnSync('php', ['-v']).status === 0 ? '' : ' (skipped: php)';
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'cronlatch-runs-')));
const server = localServer();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const { pid } of children.splice(0))
    try {
      process.kill(-(pid ?? 0), 'SIGKILL');
    } catch {
      // It has ended.
    }
});
afterAll(() => rmSync(directory, { recursive: true }));

const start = (argv: readonly string[]): ChildProcess => {
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', detached: true });
  children.push(child);
  return child;
};

/** A worker of PHP; with a lock, its directory and the path of its lock file. */
function worker(name: string, text: string, guarded = false): Latched & { readonly lockFile: string } {
  const at = join(directory, name);
  mkdirSync(at);
  const script = join(at, 'worker.php');
  writeFileSync(script, `<?php\n${text}\n`);
  return {
    name,
    script,
    uid: process.geteuid?.(),
    gid: process.getegid?.(),
    args: [],
    interpreter: { kind: 'php' },
    schedule: '* * * * *',
    ...(guarded ? { lock: { directory: at, name: 'worker', place: 'script', guard: '' } } : {}),
    lockFile: join(at, 'worker.lock'),
  } as unknown as Latched & { lockFile: string };
}

/** Goes on for so long; the tail that a verify waits for losers is not waited for here. */
const waitFor = (milliseconds: number): Wait => ({
  due: [Date.now() + 1],
  asked: 1,
  next: Date.now() + 1,
  until: Date.now() + milliseconds,
});
const watched = async (workers: readonly Latched[], milliseconds: number, done = () => false) => {
  const wait = waitFor(milliseconds);
  const over = Date.now() + milliseconds;
  const seen = await watch(
    server,
    workers.map((one) => ({ worker: one, wait, forms: 'same' as const })),
    () => {},
    () => done() || Date.now() > over,
  );
  return (one: Latched) => ({ seen: seen.get(one) as Watched, wait });
};
const verdictsOn = (one: Latched, { seen, wait }: { seen: Watched; wait: Wait }, within = 1) =>
  Object.fromEntries(
    judgeRuns(one, wait, seen, within, Date.now()).map((v): [string, Verdict] => [v.check, v]),
  );

describe.skipIf(missing !== '')(`real processes${missing}`, () => {
  // Looks are a quarter of a second apart, where a machine is not too busy for it: a second is the stress run's.
  const stress = process.env['CRONLATCH_STRESS'] !== undefined;
  const life = stress ? '1' : '3';
  test.each(stress ? [0, 5, 10, 15] : [0])(
    `two instances beside each other for ${life} s are seen, five pairs of 20 from %i on`,
    async (first) => {
      const all = Array.from({ length: 5 }, (_, i) => worker(`pair-${first + i}`, 'sleep((int) $argv[1]);'));
      let [now, ended] = [0, 0];
      const timers = all.map((one, i) =>
        setTimeout(() => {
          start(['php', one.script, '6']);
          // Spread over a second, so that the looks meet them at every moment of their lives.
          setTimeout(() => {
            now++;
            start(['php', one.script, life]).on('exit', () => ended++);
          }, 300);
        }, i * 97),
      );
      const see = await watched(all, 20_000, () => now === 5 && ended === 5);
      timers.forEach(clearTimeout);
      const found = all.filter((one) => verdictsOn(one, see(one))['single-instance']?.is === 'fail');
      expect(found).toHaveLength(5);
    },
    60_000,
  );

  test('one that comes right after another is never called two', async () => {
    const one = worker('alone', 'usleep(400000);');
    let runs = 0;
    const next = (): void => {
      if (++runs <= 8) start(['php', one.script]).on('exit', next);
    };
    next();
    const see = await watched([one], 20_000, () => runs > 8);
    expect(see(one).seen.most).toBeLessThan(2);
  }, 30_000);

  const locking = (child: string): string =>
    `$lock = fopen(__DIR__ . '/worker.lock', 'c+'); flock($lock, LOCK_EX) || exit(1);
ftruncate($lock, 0); fwrite($lock, json_encode(['pid' => getmypid(), 'start' => 1])); fflush($lock); ${child} sleep(60);`;

  const held = async (one: Latched & { lockFile: string }): Promise<ChildProcess> => {
    const child = start(['php', one.script]);
    await until('it holds its lock', () => spawnSync('flock', ['-n', one.lockFile, 'true']).status === 1);
    return child;
  };

  test('the lock is held by the instance’s PID, and free within a second after SIGKILL; the file that lies there is clean', async () => {
    const one = worker('killed', locking(''), true);
    const child = await held(one);
    const killed = setTimeout(() => process.kill(child.pid ?? 0, 'SIGKILL'), 1500);
    const see = await watched([one], 4000);
    clearTimeout(killed);
    const verdicts = verdictsOn(one, see(one));
    expect(verdicts['lock-held']).toMatchObject({ is: 'pass', because: 'held' });
    expect(verdicts['lock-held']?.evidence).toContain(`PID ${child.pid}`);
    expect(verdicts['lock-free']).toMatchObject({ is: 'pass', because: 'free' });
    expect(existsSync(one.lockFile)).toBe(true);
  }, 30_000);

  test('a child that outlived its worker holds the lock: that is said with its PID', async () => {
    const one = worker('orphan', locking("proc_open(['sleep', '60'], [], $pipes);"), true);
    const { pid = 0 } = await held(one);
    const orphan = Number(spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' }).stdout);
    process.kill(pid, 'SIGKILL');
    const see = await watched([one], 3000);
    const verdicts = verdictsOn(one, see(one));
    expect(verdicts['lock-free']).toMatchObject({ is: 'fail', because: 'held-by-another' });
    expect(verdicts['lock-free']?.evidence).toContain(`PID ${orphan}`);
    expect(verdicts['lock-held']?.is).not.toBe('pass');
  }, 30_000);

  test('a lock file that lies there unlocked fails nothing, and is left alone', async () => {
    const one = worker('lying', '', true);
    writeFileSync(one.lockFile, '{"pid":1,"start":1,"state":"ended"}');
    const see = await watched([one], 1500);
    expect(Object.values(verdictsOn(one, see(one))).filter(({ is }) => is === 'fail')).toEqual([]);
    expect(existsSync(one.lockFile)).toBe(true);
  }, 30_000);

  test('a dead PID in the PID file is one run’s leftover; after a further run nobody tidies it up', async () => {
    const one = worker('stale', '', true);
    const record = (pid: number): void => writeFileSync(one.lockFile, JSON.stringify({ pid, start: 1 }));
    record(1);
    writeFileSync(one.lockFile.replace(/lock$/, 'pid'), '4194305');
    const once = await watched([one], 1000);
    expect(verdictsOn(one, once(one))['lock-free']?.is).not.toBe('fail');
    const further = setTimeout(() => record(2), 700);
    const again = await watched([one], 2000);
    clearTimeout(further);
    expect(verdictsOn(one, again(one))['lock-free']).toMatchObject({ is: 'fail', because: 'stale-pid' });
  }, 30_000);

  test('every tick is a start or a refused one; what is missing is no proof of one instance', async () => {
    const one = worker('counted', '', true);
    const log = one.lockFile.replace(/lock$/, 'log');
    writeFileSync(log, '2026-11-24T00:00:00Z [1] Another instance is already running (PID: 2).\n');
    writeFileSync(one.lockFile, JSON.stringify({ pid: 1, start: 1 }));
    const run = setTimeout(() => {
      writeFileSync(one.lockFile, JSON.stringify({ pid: 2, start: 1 }));
      const refused = '2026-11-24T00:01:00Z [3] Another instance is already running (PID: 2).\n';
      writeFileSync(log, `${refused}2026-11-24T00:02:00Z [3] previous run PID 1 ended\n${refused}`, {
        flag: 'a',
      });
    }, 600);
    const see = await watched([one], 1500);
    clearTimeout(run);
    const told = see(one);
    expect(told.seen).toMatchObject({ began: 1, refused: 2 });
    const single = (within: number) => {
      const verdict = verdictsOn(one, told, within)['single-instance'];
      return `${verdict?.is} ${verdict?.because}`;
    };
    expect([1, 2, 3, 4, 5].map(single)).toEqual([
      'warn started-beside',
      'pass one',
      'pass one',
      'pass one',
      'inconclusive unaccounted',
    ]);
    // A log that was turned over tells nothing, and accuses nobody.
    expect(judgeRuns(one, told.wait, { ...told.seen, refused: 'unseen' }, 9, Date.now())[0]).toMatchObject({
      is: 'pass',
      because: 'one',
    });
  }, 30_000);
});
