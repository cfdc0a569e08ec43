// Never two at a time: many starts of whole processes, and many locks inside a few. Numbers: docs/guard.md.
import { readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contend, contendInside, recipe } from './contention.ts';
import { hasPhp, loud, report, stage, stress } from './harness.ts';

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

describe.skipIf(!hasPhp)('PHP and Node on one lock', () => {
  it('#1: never two at a time, and not a word', { timeout: 600_000 }, async () => {
    const php = ['php', at.script('php')];
    for (let round = 0; round < (stress ? 3 : 1); round++) {
      const result = await contend(at, [php], { starts: stress ? 1200 : 150 });
      expect(result.overlaps).toBe(0);
      expect(result.wins).toBeGreaterThan(20);
      expect(result.ends.filter((end) => end.code !== 0 || end.said !== '')).toEqual([]);
      report(`#1: ${result.overlaps} overlaps, ${result.wins} acquisitions in ${result.starts} starts`);
    }
  });

  it('#4: PHP and Node mixed: never two at a time, and not a word', { timeout: 600_000 }, async () => {
    const commands = [
      ['php', at.script('php')],
      ['node', at.script('node')],
    ];
    const result = await contend(at, commands, { starts: stress ? 3200 : 100 });
    expect(result.overlaps).toBe(0);
    expect(result.ends.filter((end) => end.code !== 0 || end.said !== '')).toEqual([]);
    report(`#4: ${result.overlaps} overlaps, ${result.wins} acquisitions in ${result.starts} starts`);
  });

  it('#2: not even while somebody deletes the lock file and others are killed', {
    timeout: 3_600_000,
  }, async () => {
    const php = ['php', at.script('php')];
    const commands = [php, php, php, ['node', at.script('node')]];
    const options = { wins: stress ? 10_000 : 300, kill: 10, deleted: 25, work: 2000 };
    const result = await contend(at, commands, options);
    expect(result.overlaps).toBe(0);
    expect(result.kills).toBeGreaterThan(0);
    expect(result.said.filter((text) => !/^The lock file was deleted while/.test(text))).toEqual([]);
    report(
      `#2: ${result.overlaps} overlaps, ${result.wins} acquisitions in ${result.starts} starts, ${result.kills} killed, ${result.said.length} refused by the PID file`,
    );
  });

  it('#2: the recipe fails where the guard passes', { timeout: 600_000 }, async () => {
    const result = await contend(at, [['php', recipe(at)]], { starts: stress ? 1200 : 150, deleted: 25 });
    report(`#2, recipe: ${result.overlaps} overlaps, ${result.wins} acquisitions in ${result.starts} starts`);
    expect(result.overlaps).toBeGreaterThan(0);
  });

  it.runIf(stress)(
    '#1: the recipe fails where the guard passes, undisturbed',
    {
      timeout: 1_200_000,
    },
    async () => {
      let found = { overlaps: 0, wins: 0, starts: 0 };
      for (let round = 0; round < 6 && found.overlaps === 0; round++) {
        found = await contend(at, [['php', recipe(at)]], { starts: 1200 });
        report(
          `#1, recipe: ${found.overlaps} overlaps, ${found.wins} acquisitions in ${found.starts} starts`,
        );
      }
      expect(found.overlaps).toBeGreaterThan(0);
    },
  );

  it('#1: never two in very many acquisitions inside a few processes, where the recipe fails', {
    timeout: 3_600_000,
  }, async () => {
    const ours = await contendInside(at, 'guard', stress ? 1_000_000 : 20_000);
    const theirs = await contendInside(at, 'recipe', 2000);
    report(
      `#1, inside: ${ours.overlaps} overlaps in ${ours.wins}; recipe: ${theirs.overlaps} in ${theirs.wins}`,
    );
    expect(ours).toMatchObject({ overlaps: 0, said: Array(8).fill('') });
    expect(theirs.overlaps).toBeGreaterThan(0);
  });

  it('#2: a lock file caught while it is deleted is not called somebody else’s link', {
    timeout: 600_000,
  }, async () => {
    const lock = JSON.stringify(at.file('.lock'));
    const replace = `const fs = require('node:fs'); console.log('ran'); for (;;) { fs.closeSync(fs.openSync(${lock}, 'w')); fs.unlinkSync(${lock}); }`;
    const deleter = at.start([process.execPath, '-e', replace]);
    await deleter.says('ran');
    for (let start = 0; start < 16; start++) {
      const language = start % 2 === 0 ? 'php' : 'node';
      const end = await at.run([language, at.script(language)]);
      expect(end.err).not.toContain('is a link');
    }
    deleter.child.kill('SIGKILL');
    await deleter.ended;
  });

  it.each([
    ['php', 'node'],
    ['node', 'php'],
  ] as const)('#2: a deleted lock file hides no %s worker from a %s worker', async (holder, second) => {
    const running = at.start([holder, at.script(holder), 'block']);
    await running.says('ran');
    rmSync(at.file('.lock'));
    expect(await at.run([second, at.script(second)])).toMatchObject({
      code: 75,
      out: '',
      err: `The lock file was deleted while another instance still runs (PID: ${running.pid}). Not starting a second one.\n`,
    });
    expect(at.read('.pid')).toBe(`${running.pid}\n`);
  });

  it('#3: of many at once exactly one runs, the others are silent', { timeout: 120_000 }, async () => {
    rmSync(at.dir, { recursive: true });
    const count = stress ? 200 : 80;
    const script = at.script('php');
    const all = Array.from({ length: count }, () => at.start(['php', script, 'block']));
    const winner = await Promise.race(all.map((one) => one.says('ran').then(() => one)));
    const losers = await Promise.all(all.filter((one) => one !== winner).map((one) => one.ended));
    expect(losers.filter((end) => end.code !== 0 || end.out + end.err !== '')).toEqual([]);
    winner.child.stdin?.end();
    expect((await winner.ended).code).toBe(0);
    expect(readFileSync(at.file('.log'), 'utf8').match(/already running/g)).toHaveLength(count - 1);
  });

  it('#4: each language refuses the other and names its PID', async () => {
    for (const [holder, second] of [
      ['php', 'node'],
      ['node', 'php'],
    ] as const) {
      const running = at.start([holder, at.script(holder), 'block']);
      await running.says('ran');
      const lost = await at.run([second, at.script(second)], loud);
      expect(lost).toMatchObject({ code: 0, err: '' });
      expect(lost.out).toBe(
        `Another instance is already running (PID: ${running.pid}). If you believe this is an error, look at that process; deleting the lock file ${at.file('.lock')} does not stop it.\n`,
      );
      for (const ask of [second, holder]) {
        const status = JSON.parse((await at.run(at.asks(ask, 'status'))).out);
        expect(status).toMatchObject({
          held: true,
          holder: 'alive',
          pid: running.pid,
          record: { state: 'running' },
        });
      }
      running.child.stdin?.end();
      expect((await running.ended).code).toBe(0);
    }
  });
});
