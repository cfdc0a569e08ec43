// Two web servers, one database: many starts of PHP and Node on both, while workers and connections are killed. docs/guard.md
// says what counts as two at a time. In network namespaces where that is allowed, else on the loopback; a lock directory each.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cron.ts';
import { report, stress } from './harness.ts';
import { type Between, judge } from './judgeServers.ts';
import { missing, type Servers, startServers } from './webServers.ts';

describe.skipIf(missing !== '')(
  `#21: two web servers${missing && ` (missing: ${missing})`}`,
  { timeout: 1_800_000 },
  () => {
    let all: Servers;
    beforeAll(async () => {
      all = await startServers([], true);
      report(`#21: ${all.apart ? 'two network namespaces' : 'no namespaces here: both on the loopback'}`);
    }, 120_000);
    afterAll(() => all.end());

    /** Starts on both servers; one in ten is shot, and every so often the connection that holds the lock is. */
    async function contend(starts: number, way: 'asks' | 'blind' | 'without') {
      const shared = way !== 'without';
      const log = join(all.root, 'log');
      writeFileSync(log, '');
      const commands = [all.one, all.two].map((at) => {
        const php = ['php', at.script('php', shared ? {} : { shared: '' })];
        return [php, php, php, ['node', at.script('node', shared ? {} : { shared: '' })]].map((command) =>
          at.net === undefined ? command : ['nsenter', `--net=/run/netns/${at.net.name}`, ...command],
        );
      });
      const admin = await createConnection({ socketPath: all.db.socket, user: 'root' });
      const kills: Between[] = [];
      const shots = new Map<number, number>();
      const ends: { code: number | null; said: string; shot: boolean }[] = [];
      const now = () => Number(process.hrtime.bigint());
      let started = 0;
      let over = false;
      const one = (command: readonly string[]) =>
        new Promise<void>((done) => {
          const child = spawn(command[0] ?? '', [...command.slice(1), 'jobs', log, '8', '6000', way]);
          let said = '';
          let shot = false;
          for (const stream of [child.stdout, child.stderr])
            stream.on('data', (data) => {
              said += data;
            });
          const aim = setTimeout(
            () => {
              if (child.exitCode !== null || Math.random() > 0.1) return;
              shot = true;
              shots.set(child.pid ?? 0, now());
              child.kill('SIGKILL');
            },
            Math.random() * (command.includes('php') ? 80 : 250),
          );
          child.on('close', (code) => {
            clearTimeout(aim);
            ends.push({ code, said, shot });
            done();
          });
        });
      const launcher = async (at: number, offset: number) => {
        while (started++ < starts) {
          const choice = commands[at] ?? [];
          await one(choice[(started + offset) % choice.length] ?? []);
        }
      };
      const killer = async () => {
        while (!over) {
          await new Promise((done) => setTimeout(done, Math.random() * 120));
          const [rows] = await admin.query(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'u12345_app'",
          );
          const ids = (rows as { ID: number }[]).map((row) => row.ID);
          const id = ids[Math.floor(Math.random() * ids.length)];
          if (id === undefined) continue;
          const before = now();
          await admin.query(`KILL ${id}`).catch(() => {}); // gone by itself
          kills.push([before, now()]);
        }
      };
      const killing = shared ? killer() : Promise.resolve();
      await Promise.all([0, 1].flatMap((at) => [0, 1, 2].map((offset) => launcher(at, offset))));
      over = true;
      await killing;
      await admin.end();
      const found = judge(readFileSync(log, 'utf8'), kills, shots);
      report(
        `#21: ${{ asks: 'with the second lock', blind: 'with it, never asked again', without: 'without it' }[way]}: ${found.overlaps} overlaps, ${found.jobs} jobs of ${found.holders} workers in ${ends.length} starts, ${shots.size} shot, ${kills.length} connections killed, ${found.told} workers told, ${found.shadows} jobs that went on after their connection was killed beside another's`,
      );
      return { ...found, ends, kills: kills.length, shot: shots.size };
    }

    it('never begins a job while another server holds the lock', async () => {
      const found = await contend(stress ? 2000 : 200, 'asks');
      expect(found.overlaps).toBe(0);
      expect(found.servers).toBe(2);
      expect(found.jobs).toBeGreaterThan(20);
      expect(found.kills).toBeGreaterThan(0);
      expect(found.shot).toBeGreaterThan(0);
      // Whoever was neither shot nor robbed of a connection had nothing to say.
      const loud = found.ends.filter((end) => !end.shot && end.said !== '');
      expect(loud.filter((end) => end.code !== 76 || !/no second lock/.test(end.said))).toEqual([]);
    });

    it('and without the second lock does: the test can fail', async () => {
      const found = await contend(stress ? 200 : 60, 'without');
      expect(found.overlaps).toBeGreaterThan(0);
    });

    it('does where nobody asks after the lock was lost: the test sees that, too', async () => {
      let overlaps = 0;
      for (let round = 0; round < 5 && overlaps === 0; round++)
        overlaps = (await contend(stress ? 400 : 60, 'blind')).overlaps;
      expect(overlaps).toBeGreaterThan(0);
    });

    it.runIf(stress)(
      'a server that is cut off notices it, and the other one runs after wait_timeout',
      async (test) => {
        if (!all.apart) return test.skip('no namespaces here');
        await all.clear();
        // Node does not end at maxRuntime by itself, so its connection grows old: a minute more than that.
        all.one.script('node', { more: 'maxRuntime=1' });
        const running = await all.one.atWork('node', 'ask');
        const since = performance.now();
        spawnSync('ip', ['link', 'set', all.one.net?.cable ?? '', 'down']);
        running.child.stdin?.write('\n');
        await running.says('stop: the second lock was lost\n');
        const noticed = performance.now() - since;
        const command = ['php', all.two.script('php')];
        expect(await all.two.run(command)).toMatchObject({ code: 0, out: '' });
        await until('the other one runs', () => all.connections().length === 0, 120_000);
        expect(await all.two.run(command)).toMatchObject({ code: 0, out: 'ran\n' });
        report(
          `#21: cut off: noticed after ${(noticed / 1000).toFixed(1)} s, free after ${((performance.now() - since) / 1000).toFixed(1)} s`,
        );
        spawnSync('ip', ['link', 'set', all.one.net?.cable ?? '', 'up']);
      },
    );
  },
);
