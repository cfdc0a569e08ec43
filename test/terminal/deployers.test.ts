// Two deployers at once: one works, the other is told who it is. A killed one never blocks the next.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { begin, expectProblem, hasPhp, rollback, run, type Site, site, snapshot, until } from './harness.ts';

const rounds = process.env['CRONLATCH_STRESS'] === '1' ? 200 : 10;

/** A site whose PHP takes its time over a syntax check: until it may go on, a deploy is at work, lock in hand. */
function slowSite(): { at: Site; held(): boolean; go(): void; again(): void } {
  const at = site('php', (directory, entry) => {
    const slow = join(directory, 'bin/php');
    mkdirSync(join(directory, 'bin'));
    writeFileSync(
      slow,
      `#!/bin/sh\ncase " $* " in *" -l "*) echo here > ${directory}/held; while [ -e ${directory}/held ] && [ ! -e ${directory}/go ]; do sleep 0.02; done;; esac\nexec php "$@"\n`,
    );
    chmodSync(slow, 0o755);
    return `HOME=${directory}\n${entry.replace(/&& \S+/, `&& ${slow}`)}\n`;
  });
  const name = (file: string): string => join(at.directory, file);
  return {
    at,
    held: () => existsSync(name('held')),
    go: () => writeFileSync(name('go'), ''),
    again: () => {
      for (const file of ['held', 'go']) rmSync(name(file), { force: true });
    },
  };
}
const deployLine = (at: Site): string[] => ['deploy', ...at.on, '--all', '--ci', '--without', 'verify'];

describe.skipIf(!hasPhp)('two deploys at once', () => {
  test(`one works, the other exits 5 and names the holder: ${rounds} rounds`, {
    timeout: rounds * 10_000,
  }, async () => {
    const { at, held, go, again } = slowSite();
    const before = snapshot(at.directory, ['state']);
    for (let round = 0; round < rounds; round++) {
      const both = [begin(deployLine(at)), begin(deployLine(at))];
      const loser = await Promise.race(both.map((one, i) => one.ended.then((ended) => ({ ended, i }))));
      await until('the other is at work', held);
      const winner = both[1 - loser.i];
      expectProblem(loser.ended, 'locked', 5);
      expect(loser.ended.err).toContain(`PID ${winner?.child.pid}, deploy`);
      go();
      expect((await winner?.ended)?.code).toBe(0);
      expect((await rollback(at)).code).toBe(0);
      again();
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    }
  });

  test('with --wait the second one works when the first is done', async () => {
    const { at, held, go } = slowSite();
    const first = begin(deployLine(at));
    await until('the first is at work', held);
    const second = begin(['rollback', ...at.stateFlags, '--ci', '--wait', '1m']);
    let said = '';
    second.child.stderr?.on('data', (text: string) => {
      said += text;
    });
    await until('the second waits', () => said.includes(`waiting for PID ${first.child.pid} (deploy of `));
    go();
    expect((await first.ended).code).toBe(0);
    expect((await second.ended).code).toBe(0);
  });

  test('--wait ends with its time', async () => {
    const { at, held, go } = slowSite();
    const first = begin(deployLine(at));
    await until('the first is at work', held);
    expectProblem(await rollback(at, '--wait', '0.5s'), 'locked', 5);
    go();
    expect((await first.ended).code).toBe(0);
  });

  test(`a killed holder never blocks the next, which says whose place it takes: ${rounds / 5} rounds`, {
    timeout: rounds * 10_000,
  }, async () => {
    const { at, held, go, again } = slowSite();
    const before = snapshot(at.directory, ['state']);
    for (let round = 0; round < rounds / 5; round++) {
      const first = begin(deployLine(at));
      await until('it is at work', held);
      first.child.kill('SIGKILL');
      await first.ended;
      const next = await run(deployLine(at));
      expect(next.err).toContain(`Taking over: PID ${first.child.pid} (deploy, `);
      expectProblem(next, 'unfinished', 5);
      const back = await rollback(at);
      expect(back.code, back.err).toBe(0);
      go();
      again();
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    }
    expect(readFileSync(join(at.state, 'lock'), 'utf8')).toBe('');
  });
});
