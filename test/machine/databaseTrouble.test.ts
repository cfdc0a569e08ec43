// A real database in trouble while commands are at work: down, denied, full, hung, slow for ten seconds, killed in the middle. Each ends, and says what it was.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Cron,
  closeWorkshop,
  cronMissing,
  installProgram,
  pause,
  startCron,
  until,
  workshop,
} from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { canary } from '../support/databaseScene.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const missing = cronMissing || mariadbMissing || (spawnSync('php', ['-v']).status === 0 ? '' : 'php');
/** Each of these takes as long as a tick and its losers do. */
const stress = process.env['CRONLATCH_STRESS'] !== undefined;
const why = missing === '' ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== '')(`a database in trouble${why}`, () => {
  let directory: string;
  let program: string;
  let cron: Cron;
  let user: ReturnType<typeof makeUser>;
  let script: string;
  const databases: Mariadb[] = [];
  const clients: ChildProcess[] = [];

  const start = async (name: string): Promise<Mariadb> => {
    mkdirSync(join(directory, name));
    const db = await startMariadb(join(directory, name));
    databases.push(db);
    // Root has a password there: what is left is the account itself.
    db.sql(`CREATE DATABASE app; CREATE USER u@localhost IDENTIFIED BY '${canary}'; GRANT ALL ON app.* TO u@localhost;
      CREATE USER full@localhost IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS 1; GRANT ALL ON app.* TO full@localhost;
      ALTER USER root@localhost IDENTIFIED BY '${canary}'`);
    return db;
  };
  const names = (socket: string, account = 'u', password = canary): void => {
    const path = join(user.home, 'httpdocs/.env');
    writeFileSync(
      path,
      `DB_SOCKET=${socket}\nDB_DATABASE=app\nDB_USERNAME=${account}\nDB_PASSWORD='${password}'\n`,
      { mode: 0o600 },
    );
    chownSync(path, user.uid, user.gid);
  };

  interface Report {
    readonly code: number | null;
    readonly said: string;
    readonly outcome: { readonly is: string; readonly because?: string };
    readonly checks: Readonly<Record<string, string>>;
  }
  /** Ends by itself within two minutes, or the code is none. */
  const cronlatch = async (...args: string[]): Promise<Report> => {
    const line = [process.execPath, program, ...args, '--state-dir', join(directory, 'state'), '--json'];
    const ran = await cron.run(line, { fast: true, killAfter: 120_000 });
    expect(ran.stdout + ran.stderr).not.toContain(canary);
    const { outcome, checks = [] } = JSON.parse(ran.stdout) as {
      outcome: Report['outcome'];
      checks?: { check: string; is: string; because: string }[];
    };
    return {
      code: ran.code,
      said: ran.stderr,
      outcome,
      checks: Object.fromEntries(checks.map(({ check, is, because }) => [check, `${is} ${because}`])),
    };
  };
  const verify = (): Promise<Report> => cronlatch('verify', '--ticks', '1', '--max-wait', '30m');
  const connections = (): Promise<Report> => cronlatch('connections', '--app', join(user.home, 'httpdocs'));
  const database = ({ checks }: Report): Record<string, string | undefined> => ({
    database: checks['database'],
    refusals: checks['refusals'],
    jobs: checks['jobs'],
  });
  /** As soon as a command has asked it something. */
  const once = async (db: Mariadb, act: () => void): Promise<void> => {
    const before = db.asked().split('PROCESSLIST').length;
    await until('it is asked', () => db.asked().split('PROCESSLIST').length > before, 60);
    act();
  };

  beforeAll(async () => {
    directory = workshop('trouble');
    program = installProgram(directory);
    user = makeUser(directory);
    for (const name of ['httpdocs', 'logs']) {
      mkdirSync(join(user.home, name));
      chownSync(join(user.home, name), user.uid, user.gid);
    }
    script = join(user.home, 'httpdocs/worker.php');
    // Its own work is no matter here: it says a line and stays for a moment.
    writeFileSync(script, "<?php\necho 'done', PHP_EOL;\nusleep(600000);\n");
    chownSync(script, user.uid, user.gid);
    cron = await startCron(join(directory, 'cron'), 2000);
    const entry = `*/1 * * * * php ${script} >> ${user.home}/logs/w.log 2>&1\n`;
    const ran = await cron.run(['crontab', '-u', user.name, '-'], { stdin: entry });
    if (ran.code !== 0) throw new Error(ran.stderr);
    await cron.notice();
  }, 60_000);
  afterAll(async () => {
    for (const client of clients) client.kill('SIGKILL');
    for (const db of databases) await db.stop();
    await cron?.stop();
    await removeUsers();
    closeWorkshop(directory);
  }, 60_000);

  test('killed in the middle of a deploy’s checks: the deploy is kept, and the check says that it was not answered', async () => {
    const db = await start('first');
    names(db.socket);
    const killed = once(db, () => process.kill(db.pid, 'SIGKILL'));
    const done = await cronlatch(
      'deploy',
      '--user',
      user.name,
      '--script',
      script,
      '--ci',
      '--grace',
      '20m',
      '--ticks',
      '1',
      '--max-wait',
      '30m',
    );
    await killed;
    expect([done.code, done.outcome.is], done.said).toEqual([0, 'deployed']);
    expect(Object.values(database(done)).filter((said) => said?.startsWith('fail'))).toEqual([]);
    expect(Object.values(database(done)).some((said) => said?.startsWith('inconclusive'))).toBe(true);
    // It is down from here on.
    expect(await connections()).toMatchObject({
      code: 6,
      outcome: { is: 'unreached', because: 'no-server' },
    });
    const later = await verify();
    expect([later.code, database(later)]).toEqual([
      6,
      {
        database: 'inconclusive unreached',
        refusals: 'inconclusive unreached',
        jobs: 'inconclusive unreached',
      },
    ]);
  }, 300_000);

  test.skipIf(!stress)(
    'wrong credentials, a full account, a hung and a slow server, and one killed in the middle',
    async () => {
      const db = await start('second');
      names(db.socket, 'u', 'wrong');
      expect(await connections()).toMatchObject({
        code: 6,
        outcome: { is: 'unreached', because: 'credentials' },
      });
      const denied = await verify();
      expect([denied.code, denied.checks['database']]).toEqual([6, 'inconclusive unreached']);

      names(db.socket, 'full');
      clients.push(
        spawn('mariadb', ['--no-defaults', `-S${db.socket}`, '-ufull', '-e', 'SELECT SLEEP(600)'], {
          stdio: 'ignore',
          env: { ...process.env, MYSQL_PWD: canary },
        }),
      );
      await until('its only place is taken', () => db.asked().includes('SELECT SLEEP(600)'));
      expect(await connections()).toMatchObject({ code: 3, outcome: { is: 'full' } });
      const full = await verify();
      expect([full.code, full.checks['database']]).toEqual([3, 'fail full']);

      names(db.socket);
      process.kill(db.pid, 'SIGSTOP');
      try {
        expect(await connections()).toMatchObject({
          code: 6,
          outcome: { is: 'unreached', because: 'too-slow' },
        });
        const hung = await verify();
        expect([hung.code, hung.checks['database']]).toEqual([6, 'inconclusive unreached']);
      } finally {
        process.kill(db.pid, 'SIGCONT');
      }

      const slowed = once(db, () => process.kill(db.pid, 'SIGSTOP')).then(async () => {
        await pause(10_000);
        process.kill(db.pid, 'SIGCONT');
      });
      const slow = await verify();
      await slowed;
      expect([0, 6]).toContain(slow.code);
      expect(Object.values(database(slow)).filter((said) => said?.startsWith('fail'))).toEqual([]);

      const killed = once(db, () => process.kill(db.pid, 'SIGKILL'));
      const gone = await verify();
      await killed;
      expect(gone.code).toBe(6);
      expect(Object.values(database(gone)).filter((said) => said?.startsWith('fail'))).toEqual([]);
    },
    400_000,
  );
});
