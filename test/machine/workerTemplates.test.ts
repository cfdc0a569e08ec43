// The worker templates and the PHP doctor on a real MariaDB: no job twice, none lost, none kept by the dead.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { closeWorkshop, until, workshop } from '../support/cron.ts';
import { canary } from '../support/databaseScene.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const root = join(import.meta.dirname, '../..');
const missing =
  mariadbMissing ||
  (spawnSync('php', ['-r', "exit(extension_loaded('pdo_mysql') ? 0 : 1);"]).status === 0 ? '' : 'pdo_mysql');
const why = missing === '' ? '' : ` (skipped: ${missing})`;
const account = 'u12345_app';

describe.skipIf(missing !== '')(`the templates${why}`, () => {
  let directory: string;
  let db: Mariadb;
  const running: ChildProcess[] = [];
  const programs = {
    php: (...args: string[]) => ['php', join(directory, 'app/worker.php'), ...args],
    node: (...args: string[]) => [process.execPath, join(directory, 'app/worker.mjs'), ...args],
  };
  const start = (
    argv: readonly string[],
  ): { child: ChildProcess; out: () => string; ended: Promise<number | null> } => {
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    let out = '';
    child.stdout?.on('data', (data) => {
      out += data;
    });
    return { child, out: () => out, ended: new Promise((done) => child.on('close', done)) };
  };
  const jobs = (count: number, seconds: number): void => {
    db.sql(
      `USE app; INSERT INTO import_jobs (payload) SELECT '{"seconds": ${seconds}}' FROM mysql.help_topic LIMIT ${count}`,
    );
  };
  const count = (where: string): number =>
    Number(db.sql(`SELECT COUNT(*) FROM app.import_jobs WHERE ${where}`));

  beforeAll(async () => {
    directory = workshop('templates');
    mkdirSync(join(directory, 'app'));
    for (const name of ['php/worker.php', 'php/connections.php', 'node/worker.mjs'])
      cpSync(join(root, 'templates', name), join(directory, 'app', name.split('/')[1] ?? ''));
    symlinkSync(join(root, 'node_modules'), join(directory, 'app/node_modules'));
    mkdirSync(join(directory, 'db'));
    db = await startMariadb(join(directory, 'db'));
    db.sql(`CREATE DATABASE app; CREATE USER ${account}@localhost IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS 8;
      CREATE USER ${account}@'127.0.0.1' IDENTIFIED BY '${canary}'; GRANT ALL ON app.* TO ${account}@localhost; GRANT ALL ON app.* TO ${account}@'127.0.0.1'`);
    writeFileSync(
      join(directory, 'app/.env'),
      `DB_SOCKET=${db.socket}\nDB_DATABASE=app\nDB_USERNAME=${account}\nDB_PASSWORD='${canary}'\n`,
    );
  }, 60_000);
  beforeEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    const table = readFileSync(join(root, 'templates/sql/import_jobs.sql'), 'utf8');
    db.sql(`USE app; DROP TABLE IF EXISTS import_jobs; ${table}`);
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await db?.stop();
    closeWorkshop(directory);
  });

  describe.each(['php', 'node'] as const)('%s', (kind) => {
    test('four at once do every job exactly once', async () => {
      jobs(60, 0.005);
      const workers = Array.from({ length: 4 }, () => start(programs[kind]('--once', '--limit', '100')));
      await Promise.all(workers.map(({ ended }) => ended));
      const done = workers.flatMap(({ out }) => [...out().matchAll(/job (\d+) completed/g)].map((m) => m[1]));
      expect(done.length).toBe(60);
      expect(new Set(done).size).toBe(60);
      expect(count("status = 'completed' AND attempts = 1")).toBe(60);
    }, 60_000);

    test('what a killed worker had in work is given back and done', async () => {
      jobs(1, 60);
      const killed = start(programs[kind]('--once'));
      await until('it is at work', () => count("status = 'processing'") === 1);
      killed.child.kill('SIGKILL');
      await killed.ended;
      db.sql(`UPDATE app.import_jobs SET payload = '{"seconds": 0}'`);
      const next = start(programs[kind]('--once'));
      expect(await next.ended).toBe(0);
      expect(next.out()).toMatch(/1 jobs of killed workers given back/);
      expect(count("status = 'completed' AND attempts = 2")).toBe(1);
    }, 60_000);

    test('a job that was taken away meanwhile is not completed a second time', async () => {
      jobs(1, 1.5);
      const slow = start(programs[kind]('--once'));
      await until('it is at work', () => count("status = 'processing'") === 1);
      db.sql("UPDATE app.import_jobs SET locked_by = 'other.example:1:1'");
      await slow.ended;
      expect(slow.out()).toMatch(/taken by another worker/);
      expect(count("status = 'processing' AND locked_by = 'other.example:1:1'")).toBe(1);
    }, 60_000);

    test('a job that always fails is tried three times and no more', async () => {
      db.sql(
        `INSERT INTO app.import_jobs (payload) VALUES ('${kind === 'php' ? '{"seconds": {}}' : 'no json'}')`,
      );
      for (let i = 0; i < 4; i++) await start(programs[kind]('--once', '--limit', '1')).ended;
      expect(db.sql('SELECT status, attempts FROM app.import_jobs').trim()).toBe('failed\t3');
    }, 60_000);

    test('it holds no connection while it waits or works, and ends from SIGTERM after its job', async () => {
      jobs(1, 1.5);
      const open = (): number =>
        Number(db.sql(`SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '${account}'`));
      const worker = start(programs[kind]());
      await until(
        'it is at work, and has let go',
        () => count("status = 'processing'") === 1 && open() === 0,
      );
      worker.child.kill('SIGTERM');
      await worker.ended;
      expect(count("status = 'completed'")).toBe(kind === 'php' && !hasPcntl ? 0 : 1);
    }, 60_000);
  });

  describe('the doctor in PHP', () => {
    const doctor = (...args: string[]): { status: number | null; out: string } => {
      const ran = spawnSync('php', [join(directory, 'app/connections.php'), ...args], { encoding: 'utf8' });
      return { status: ran.status, out: ran.stdout + ran.stderr };
    };

    test('lists, ends nothing that lives, and never shows the password', async () => {
      const php = `$d = new PDO('mysql:host=127.0.0.1;port=${db.port}', '${account}', '${canary}'); echo 'in'; sleep(60);`;
      const worker = start(['php', '-r', php]);
      await until('it is in', () => worker.out() === 'in');
      const tcp = { DB_SOCKET: '', DB_HOST: '127.0.0.1', DB_PORT: String(db.port) };
      const ran = spawnSync(
        'php',
        [join(directory, 'app/connections.php'), '--kill', '--min-idle=60', '--unseen-transactions'],
        { encoding: 'utf8', env: { ...process.env, ...tcp } },
      );
      expect({ status: ran.status, out: ran.stdout }).toMatchObject({ status: 0 });
      expect(ran.stdout).toMatch(/^1 of \d+ connections in use/);
      expect(ran.stdout).toMatch(/kept: not idle for long enough/);
      expect(ran.stdout + ran.stderr).not.toContain(canary);
      expect(worker.child.exitCode).toBeNull();
    }, 30_000);

    test('a full account is called full, with its error', async () => {
      const php = `$d = new PDO('mysql:unix_socket=${db.socket}', '${account}', '${canary}'); echo 'in'; sleep(60);`;
      const workers = Array.from({ length: 8 }, () => start(['php', '-r', php]));
      await until('all are in', () => workers.every(({ out }) => out() === 'in'));
      const { status, out } = doctor();
      expect(status).toBe(3);
      expect(out).toMatch(/The account is full \(1226\).*Its password is not the trouble/);
      for (const { child } of workers) expect(out).toContain(`PID ${child.pid} `);
      expect(out).not.toMatch(/denied/);
    }, 30_000);

    // A minute has to pass before anything is idle for a minute.
    test.skipIf(process.env['CRONLATCH_STRESS'] === undefined)(
      'ends the connection that only the child of a killed worker holds, and a living worker’s never',
      async () => {
        const dsn = `mysql:host=127.0.0.1;port=${db.port}`;
        const enter = `$d = new PDO('${dsn}', '${account}', '${canary}'); $i = $d->query('SELECT CONNECTION_ID()')->fetchColumn();`;
        const alive = start(['php', '-r', `${enter} echo "$i\n"; sleep(200);`]);
        const child =
          "usleep(500000); $p = proc_open(['sleep', '150'], [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $x);";
        const parent = start(['setsid', 'php', '-r', `${enter} ${child} echo "$i\n"; sleep(200);`]);
        await until('both are in', () => alive.out().endsWith('\n') && parent.out().endsWith('\n'));
        parent.child.kill('SIGKILL');
        const orphan = Number(parent.out());
        await until(
          'it has been idle for more than a minute',
          () =>
            db
              .sql(`SELECT TIME > 61 FROM information_schema.PROCESSLIST WHERE ID = ${orphan}`)
              .startsWith('1'),
          90,
        );
        const env = { ...process.env, DB_SOCKET: '', DB_HOST: '127.0.0.1', DB_PORT: String(db.port) };
        const flags = ['--kill', '--min-idle=60'];
        const run = (...more: string[]): string =>
          spawnSync('php', [join(directory, 'app/connections.php'), ...flags, ...more], {
            encoding: 'utf8',
            env,
          }).stdout;
        expect(run()).toMatch(new RegExp(`${orphan} .*transaction`));
        const said = run('--unseen-transactions');
        expect(said).toMatch(new RegExp(`${orphan} .*ended`));
        expect(said).toMatch(new RegExp(`${Number(alive.out())} .*kept: PID \\d+ php`));
        const left = db.sql(`SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '${account}'`).trim();
        expect(left).toBe(String(Number(alive.out())));
      },
      150_000,
    );

    test('a threshold under a minute is refused', () => {
      expect(doctor('--min-idle=5').status).toBe(2);
    });
  });
});

const hasPcntl = spawnSync('php', ['-r', "exit(extension_loaded('pcntl') ? 0 : 1);"]).status === 0;
