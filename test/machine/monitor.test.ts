// The watch on real parts: cron, PHP workers and a MariaDB that allows five connections, with everything that can happen to them.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readWatch } from '../../src/monitor/records.ts';
import type { Summary } from '../../src/monitor/summary.ts';
import {
  closeWorkshop,
  cronMissing,
  installProgram,
  pause,
  type Ran,
  until,
  workshop,
} from '../support/cron.ts';
import { removeUsers } from '../support/cronPeople.ts';
import { canary } from '../support/databaseScene.ts';
import { mariadbMissing } from '../support/mariadb.ts';
import { account, monitorScene, type Scene } from '../support/monitorScene.ts';

const missing =
  cronMissing ||
  mariadbMissing ||
  (spawnSync('php', ['-r', "exit(extension_loaded('pdo_mysql') ? 0 : 1);"]).status === 0 ? '' : 'pdo_mysql');
const why = missing === '' ? '' : ` (skipped: ${missing})`;
const stress = process.env['CRONLATCH_STRESS'] !== undefined;
/** Bursts of six workers: for a minute where there is time. */
const [bursts, between] = stress ? [6, 8] : [2, 3];

/** Connects, holds the connection until all of its burst have tried, and says with which number it was refused. */
const burst = `<?php
[, $socket, $account, $password, $place, $all] = $argv;
try {
  $db = new PDO("mysql:unix_socket=$socket;dbname=app", $account, $password);
  $said = 'in';
} catch (PDOException $e) {
  preg_match('/\\[(1203|1226|1040)\\]/', $e->getMessage(), $m);
  $said = $m[1] ?? 'other';
}
touch("$place/" . getmypid() . ".$said");
for ($i = 0; $i < 1000 && count(glob("$place/*")) < (int) $all; $i++) usleep(5000);
echo $said;
`;

type Watch = Omit<Summary, 'outcome'>;

describe.skipIf(missing !== '')(`an hour’s watch, shortened${why}`, () => {
  let directory: string;
  let scene: Scene;
  beforeAll(async () => {
    directory = workshop('monitor');
    scene = await monitorScene(join(directory, 'scene'), installProgram(directory), {
      tick: 2000,
      jobs: 60,
      seconds: 0,
    });
    const deployed = await scene.cronlatch(
      ...['deploy', '--user', scene.user.name, '--script', scene.script],
      ...['--ci', '--without', 'verify'],
    );
    expect(deployed.code, deployed.stderr).toBe(0);
  }, 120_000);
  afterAll(async () => {
    await scene?.stop();
    await removeUsers();
    closeWorkshop(directory);
  }, 60_000);

  /** As the site's user: nothing but the account’s own way into the database. */
  const asUser = (...more: string[]): Promise<Ran> =>
    scene.cron.run(
      [
        ...scene.program,
        'monitor',
        '--script',
        scene.script,
        '--state-dir',
        join(scene.user.home, 'state'),
        '--json',
        ...more,
      ],
      { as: scene.user },
    );
  const asRoot = (...more: string[]): Promise<Ran> => scene.cronlatch('monitor', '--json', ...more);
  const watchOf = (ran: Ran): Watch => {
    expect(ran.stdout, ran.stderr).toMatch(/^\{/);
    return (JSON.parse(ran.stdout) as { watch: Watch }).watch;
  };
  /** The records of the newest watch. */
  const written = (state: string): ReturnType<typeof readWatch> => {
    const at = join(state, 'watches');
    let names: string[] = [];
    try {
      names = readdirSync(at).filter((name) => name.endsWith('.jsonl'));
    } catch {
      return 'empty';
    }
    const name = names.sort().at(-1);
    return name === undefined ? 'empty' : readWatch(name, readFileSync(join(at, name), 'utf8'));
  };
  const incidents = (): { kind: string }[] => {
    const watch = written(scene.state);
    return watch === 'empty' ? [] : watch.records.filter((one) => one.is === 'incident');
  };
  const count = (state: string, is: string): number => {
    const watch = written(state);
    return watch === 'empty' ? 0 : watch.records.filter((one) => one.is === is).length;
  };

  test('counts every refused worker of a burst that its own looks hardly see, and refuses none itself', async () => {
    const program = join(directory, 'burst.php');
    writeFileSync(program, burst);
    const state = join(scene.user.home, 'state');
    const watching = asUser('--for', `${bursts * (between + 2) + 4}s`);
    await until('it watches', () => count(state, 'database') > 0, 60);
    const said: string[] = [];
    for (let round = 0; round < bursts; round++) {
      const place = join(directory, `burst-${round}`);
      spawnSync('mkdir', [place]);
      const workers = Array.from(
        { length: 6 },
        () =>
          new Promise<string>((done) => {
            let out = '';
            const argv = [program, scene.db.socket, account, canary, place, '6'];
            const child = spawn('php', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
            child.stdout.on('data', (text) => {
              out += text;
            });
            child.on('close', () => done(out));
          }),
      );
      said.push(...(await Promise.all(workers)));
      await pause(round + 1 < bursts ? between * 1000 : 0);
    }
    const done = await watching;
    const refused = said.filter((one) => one !== 'in').length;
    expect(new Set(said)).toEqual(new Set(['in', '1203']));
    const [worker] = watchOf(done).workers;
    expect(worker?.connections).toMatchObject({ by: 'account', limit: { connections: 5 } });
    // Criterion (c)3: the interval has what the workers met, and equals it when nothing else happens. A run of cron's worker
    // may have met the full account, too: its log tells.
    const cronsOwn = (readFileSync(scene.log, 'utf8').match(/\[1203\]/g) ?? []).length;
    const { low = 0, high = 0 } = worker?.refusals ?? {};
    expect({ low, high }).toEqual({ low: refused + cronsOwn, high: refused + cronsOwn });
    // Six want in where five may: one of each burst is refused without us, and no more with us.
    expect(refused).toBeGreaterThanOrEqual(bursts);
    expect(refused).toBeLessThanOrEqual(bursts + cronsOwn + 1);
    expect(done.stdout + done.stderr).not.toContain(canary);
  }, 180_000);

  test('gets through a restart of the database, the end of its own connection and a rotated log, and tells of each what is to be told', async () => {
    // The journal's state directory, with an administrator's session; log lines of before are none of this watch's.
    const watching = asRoot('--for', '1h');
    await until('it watches', () => count(scene.state, 'database') > 2, 60);
    const own = (): string[] =>
      scene.db
        .sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'root' AND ID <> CONNECTION_ID()")
        .split('\n')
        .filter((line) => line !== '');
    const mine = own();
    expect(mine).toHaveLength(1);
    const before = count(scene.state, 'database');
    scene.db.sql(`KILL ${mine[0]}`);
    await until('it is in again', () => own().length === 1 && own()[0] !== mine[0], 15);
    await until('it looks again', () => count(scene.state, 'database') > before + 2, 15);
    appendFileSync(
      scene.log,
      "SQLSTATE[HY000] [1203] User u12345_app already has more than 'max_user_connections' active connections\n",
    );
    await until('the refusal is told', () => incidents().some(({ kind }) => kind === 'refused'), 10);
    appendFileSync(scene.log, 'PHP Fatal error:  Uncaught Error: before\n');
    renameSync(scene.log, `${scene.log}-20261124`);
    appendFileSync(scene.log, 'PHP Fatal error:  Uncaught Error: after\n');
    spawnSync('chown', [`${scene.user.uid}:${scene.user.gid}`, scene.log]);
    await scene.restart(() =>
      until('the outage is told', () => incidents().some(({ kind }) => kind === 'unreachable'), 20),
    );
    const back = Date.now();
    const looks = count(scene.state, 'database');
    const connected = (): boolean => {
      const watch = written(scene.state);
      if (watch === 'empty') return false;
      return watch.records
        .filter((one) => one.is === 'database')
        .slice(looks)
        .some((one) => one.is === 'database' && one.counters !== undefined);
    };
    await until('it is in again', connected, 20);
    // Criterion (c)6.
    expect(Date.now() - back).toBeLessThanOrEqual(15_000);
    const stopped = await scene.cronlatch('monitor', '--stop');
    // What it says of itself is a violation; the one that was ended by a signal says so.
    expect(stopped.code, stopped.stderr).toBe(3);
    const done = await watching;
    expect(done.code).toBe(143);
    const watch = watchOf(done);
    const [worker] = watch.workers;
    expect(worker?.refusals).toMatchObject({ log: 1, resets: 1 });
    // Both sides of the rotation; a run of cron's that met no database may have written further ones.
    const lines = watch.incidents.flatMap(({ kind, evidence }) => (kind === 'errors' ? evidence : []));
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringContaining('Error: before'),
        expect.stringContaining('Error: after'),
      ]),
    );
    expect(watch.incidents.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['refused', 'errors', 'unreachable']),
    );
    expect(watch.samples.share).toBeGreaterThanOrEqual(99);
    expect(done.stdout + done.stderr).not.toContain(canary);
  }, 180_000);
});
