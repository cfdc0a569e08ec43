// A minute after a client's end the kernel forgets its half of a TCP connection. A query that still runs for it is nobody's all the same.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeWorkshop, installProgram, until, workshop } from '../support/cron.ts';
import { account, canary, databaseStage, kinds, makeAccount } from '../support/databaseScene.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const name = `clf${process.pid}`;
const inside = ['ip', 'netns', 'exec', name];
const run = (line: string): boolean => spawnSync('sh', ['-c', line], { stdio: 'ignore' }).status === 0;
// A network of its own, where that minute is a second.
const made =
  process.geteuid?.() === 0 &&
  mariadbMissing === '' &&
  run(`ip netns add ${name} && ip -n ${name} link set lo up`) &&
  run(`ip netns exec ${name} sysctl -w net.ipv4.tcp_fin_timeout=1`);

let directory: string;
let db: Mariadb | undefined;
beforeAll(() => {
  directory = workshop('forgotten');
  mkdirSync(join(directory, 'db'));
});
afterAll(async () => {
  await db?.stop();
  run(`ip netns del ${name}`);
  closeWorkshop(directory);
});

test.skipIf(!made)(
  `the query of a dead client is told and may be ended, when only the server’s half is left${made ? '' : ' (skipped: no network namespace)'}`,
  async () => {
    const program = installProgram(directory);
    db = await startMariadb(join(directory, 'db'), ['--skip-name-resolve'], inside);
    makeAccount(db);
    const stage = databaseStage(directory, db, { enter: inside, host: '127.0.0.1' });
    const dead = kinds.find((one) => one.does === 'running' && one.becomes === 'killed');
    const alive = kinds.find((one) => one.does === 'running' && one.becomes === undefined);
    if (dead === undefined || alive === undefined) throw new Error('no such kind');
    // Started inside, as those on another machine are.
    const living = await stage.start({ ...alive, as: 'remote' }, 'tcp');
    const gone = await stage.start({ ...dead, as: 'remote' }, 'tcp');
    const port = `:${db.port.toString(16).toUpperCase().padStart(4, '0')}`;
    const halves = (): number =>
      readFileSync(`/proc/${db?.pid}/net/tcp`, 'latin1')
        .split('\n')
        .filter((line) => line.trim().split(/\s+/)[2]?.endsWith(port)).length;
    await until('the kernel has forgotten the dead one’s half', () => halves() === 1);
    writeFileSync(
      join(directory, '.env'),
      `DB_HOST=127.0.0.1\nDB_PORT=${db.port}\nDB_USERNAME=${account}\nDB_PASSWORD='${canary}'\n`,
      { mode: 0o600 },
    );
    const report = (...more: string[]) => {
      const words = [process.execPath, program, 'connections', '--app', directory, '--json', ...more];
      const ran = spawnSync(inside[0] ?? '', [...inside.slice(1), ...words], { encoding: 'utf8' });
      return JSON.parse(ran.stdout) as {
        connections: { id: number; class: string }[];
        kill?: { killed: number[] };
      };
    };
    const told = Object.fromEntries(report().connections.map((one) => [one.id, one.class]));
    expect(told).toEqual({ [living.id]: 'live-worker', [gone.id]: 'dead-client-running' });
    expect(report('--kill', '--yes').kill?.killed).toEqual([gone.id]);
    await stage.clear();
  },
  60_000,
);
