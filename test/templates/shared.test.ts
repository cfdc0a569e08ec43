// The second lock on a real MariaDB: who is let in, what is no answer, and what a worker hears when the lock is lost.
import { createHash } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/cron.ts';
import { type Kind, loud } from './harness.ts';
import { missing, type Servers, startServers } from './webServers.ts';

const lock = `cronlatch:${createHash('sha256').update('app/worker').digest('hex').slice(0, 40)}`;
const kinds: readonly Kind[] = ['php', 'node'];
const pairs: readonly (readonly [Kind, Kind])[] = [
  ['php', 'node'],
  ['node', 'php'],
];

describe.skipIf(missing !== '')(
  `#21: the second lock${missing && ` (missing: ${missing})`}`,
  { timeout: 120_000 },
  () => {
    let all: Servers;
    beforeAll(async () => {
      all = await startServers();
    }, 120_000);
    afterEach(async () => {
      all.db.sql(
        "SET GLOBAL read_only = 0; SET GLOBAL max_connections = 151; ALTER USER u12345_app IDENTIFIED BY 'p#w' WITH MAX_USER_CONNECTIONS 0",
      );
      await all.clear();
      await until('no connection is left', () => all.connections().length === 0);
    });
    afterAll(() => all.end());
    const holder = (): string => all.db.sql(`SELECT IS_USED_LOCK('${lock}')`).trim();

    it.each(pairs)(
      '%s holds it: %s on the other server leaves in silence, and its own lock is put right',
      async (first, second) => {
        all.one.script(first);
        const running = await all.one.atWork(first, 'ask');
        expect(all.one.record()).toMatchObject({ state: 'running', shared: lock });
        expect(holder()).toBe(String(all.connections()[0]));

        const script = all.two.script(second);
        expect(await all.two.run([second, script])).toMatchObject({ code: 0, out: '', err: '' });
        expect(all.two.record()).toMatchObject({ state: 'done', why: 'another server is at work' });
        expect(all.two.read('.pid')).toBe('');
        expect(all.two.read('.log')).toMatch(
          new RegExp(
            `Another server is at work: connection ${holder()} from 127\\.0\\.0\\.1:\\d+ holds the second lock ${lock}\\.\n$`,
          ),
        );
        const told = await all.two.run([second, script], loud);
        expect(told).toMatchObject({ code: 0, err: '' });
        expect(told.out).toMatch(/^Another server is at work: [^\n]*\n$/);
        expect(all.two.read('.log')).not.toContain('without cleaning up');

        running.child.stdin?.end();
        expect(await running.ended).toMatchObject({ code: 0, err: '' });
        await until('the server has noticed', () => holder() === 'NULL');
        expect(await all.two.run([second, script])).toMatchObject({ code: 0, out: 'ran\n', err: '' });
        expect(all.two.record()).toMatchObject({ state: 'done', why: '', shared: lock });
      },
    );

    it.each(pairs)('a name behind the file is the lock’s, in %s and %s alike', async (first, second) => {
      all.one.script(first, { shared: `${all.one.env}#mails` });
      const running = await all.one.atWork(first, 'ask');
      const named = createHash('sha256').update('app/mails').digest('hex').slice(0, 40);
      expect(all.one.record()).toMatchObject({ shared: `cronlatch:${named}` });
      const other = all.two.script(second, { shared: `${all.two.env}#mails` });
      expect(await all.two.run([second, other])).toMatchObject({ code: 0, out: '', err: '' });
      expect(await all.two.run([second, all.two.script(second)])).toMatchObject({ code: 0, out: 'ran\n' });
      running.child.stdin?.end();
      await running.ended;
    });

    it.each(pairs)(
      '%s loses its connection: it stops before its next job, and %s runs elsewhere',
      async (first, second) => {
        all.one.script(first);
        const running = await all.one.atWork(first, 'ask');
        await running.says('go\n');
        all.db.sql(`KILL ${holder()}`);
        expect(await all.two.run([second, all.two.script(second)])).toMatchObject({ code: 0, out: 'ran\n' });
        running.child.stdin?.write('\n');
        await running.says('stop: the second lock was lost\n');
        running.child.stdin?.end();
        await running.ended;
        expect(all.one.record()).toMatchObject({ state: 'done', why: 'the second lock was lost' });
        expect(all.one.read('.log')).toMatch(new RegExp(`The second lock ${lock} was lost: .+`));
      },
    );

    it('a Node worker that never asks is told by SIGTERM; a PHP worker cannot be', async () => {
      all.one.script('node');
      const node = await all.one.atWork('node', 'block');
      all.db.sql(`KILL ${holder()}`);
      expect(await node.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
      expect(all.one.record()).toMatchObject({ state: 'failed', why: 'the second lock was lost' });

      all.two.script('php');
      const php = await all.two.atWork('php', 'block');
      all.db.sql(`KILL ${holder()}`);
      php.child.stdin?.end();
      expect(await php.ended).toMatchObject({ code: 0, err: '' });
    });

    it.each(kinds)(
      '%s: a killed worker leaves no lock behind, a program it started does in PHP alone',
      async (kind) => {
        all.one.script(kind);
        const alone = await all.one.atWork(kind, 'block');
        alone.child.kill('SIGKILL');
        await alone.ended;
        await until('the lock is free', () => holder() === 'NULL');

        const pid = join(all.root, 'child');
        const parent = await all.one.atWork(kind, 'child', pid);
        all.stray(pid);
        parent.child.kill('SIGKILL');
        await parent.ended;
        // PHP cannot keep the connection from its children: the server frees it after wait_timeout.
        if (kind === 'php') expect(holder()).not.toBe('NULL');
        else await until('the lock is free', () => holder() === 'NULL');
      },
    );

    it('a PHP worker that forks loses the connection with its child, and is told', async () => {
      const script = all.one.script('php');
      expect((await all.one.run(['php', script, 'fork'])).out).toBe('ran\nstop: the second lock was lost\n');
    });

    it.each(kinds)('%s: the server is told how long an idle connection may be kept', async (kind) => {
      await all.one.run([kind, all.one.script(kind, { more: 'maxRuntime=40' })]);
      await all.one.run([kind, all.one.script(kind)]);
      const said = all.db.asked().match(/SET SESSION wait_timeout = \d+/g) ?? [];
      expect(said.slice(-2)).toEqual(['SET SESSION wait_timeout = 100', 'SET SESSION wait_timeout = 28800']);
    });

    it('an idle connection that the server gave up is noticed before the next job', async () => {
      // wait_timeout is a minute at the least; this connection cuts it short.
      all.one.script('php', {
        lead: `class Short extends PDO { public function exec(string $sql): int|false { return parent::exec(preg_replace('/\\d+$/', '1', $sql)); } }\n`,
        shared: `static function () { return new Short('mysql:host=127.0.0.1;port=${all.db.port};dbname=app', 'u12345_app', 'p#w'); }`,
      });
      const running = await all.one.atWork('php', 'ask');
      await until('the server has closed it', () => holder() === 'NULL');
      expect(await all.two.run(['node', all.two.script('node')])).toMatchObject({ code: 0, out: 'ran\n' });
      running.child.stdin?.end('\n');
      await running.says('stop: the second lock was lost\n');
      await running.ended;
    });

    it.each(kinds)(
      '%s: what is no answer starts nothing, says so once an hour, and is not "busy"',
      async (kind) => {
        const refuse = async (because: string, before: () => void, script = all.one.script(kind)) => {
          await all.clear();
          before();
          const first = await all.one.run([kind, script]);
          expect(first).toMatchObject({ code: 76, out: '' });
          expect(first.err).toMatch(
            new RegExp(`^worker: no second lock, so nothing was started: [^\n]*${because}[^\n]*\n$`, 'i'),
          );
          expect(await all.one.run([kind, script])).toMatchObject({ code: 76, out: '', err: '' });
          expect((await all.one.run([kind, script], loud)).err).toBe(first.err);
          expect(all.one.record()).toMatchObject({ state: 'failed', why: 'no second lock' });
          expect(all.one.read('.pid')).toBe('');
          expect(all.one.read('.log')).not.toContain('without cleaning up');
          expect(first.err).not.toContain('p#w');
        };
        const env = (text: string) => all.one.write(text);
        const reach = `DB_HOST=127.0.0.1\nDB_PORT=${all.db.port}\nDB_DATABASE=app\n`;
        const held: { end(): void }[] = [];
        await refuse('cannot read .*No such file', () => rmSync(all.one.env));
        await refuse('no DB_USERNAME and DB_DATABASE', () => env('APP_ENV=production\n'));
        await refuse('Access denied', () => env(`${reach}DB_USERNAME=u12345_app\nDB_PASSWORD=wrong\n`));
        await refuse('(?:refused|ECONNREFUSED)', () =>
          env('DB_HOST=127.0.0.1\nDB_PORT=1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\n'),
        );
        await refuse('this server is read-only', () => all.db.sql('SET GLOBAL read_only = 1'));
        all.db.sql('SET GLOBAL read_only = 0');
        const { createConnection } = await import('mysql2/promise');
        const account = { host: '127.0.0.1', port: all.db.port, user: 'u12345_app', password: 'p#w' };
        all.db.sql("ALTER USER u12345_app IDENTIFIED BY 'p#w' WITH MAX_USER_CONNECTIONS 1");
        held.push(await createConnection(account));
        await refuse("account's limit is used up .*1226", () => {});
        all.db.sql(
          "ALTER USER u12345_app IDENTIFIED BY 'p#w' WITH MAX_USER_CONNECTIONS 0; SET GLOBAL max_connections = 10",
        );
        // Root has a connection in reserve, the account has none.
        for (let more = true; more; )
          more = await createConnection(account).then(
            (connection) => held.push(connection) > 0,
            (error) => error.errno !== 1040,
          );
        await refuse('database server has no connection left .*1040', () => {});
        for (const connection of held) connection.end();
      },
    );

    it('1203, the limit that all accounts share, is said as what it is', async () => {
      const other = await startServers(['--max-user-connections=1']);
      try {
        const { createConnection } = await import('mysql2/promise');
        const account = { host: '127.0.0.1', port: other.db.port, user: 'u12345_app', password: 'p#w' };
        const held = await createConnection(account);
        for (const kind of kinds) {
          const end = await other.one.run([kind, other.one.script(kind)], loud);
          expect(end).toMatchObject({ code: 76, out: '' });
          expect(end.err).toMatch(/account's limit is used up .*1203/);
        }
        held.destroy();
      } finally {
        await other.end();
      }
    });

    it('Galera is refused: each of its nodes has locks of its own', async () => {
      const other = await startServers(['--wsrep-on=ON', '--binlog-format=ROW']);
      try {
        for (const kind of kinds) {
          const end = await other.one.run([kind, other.one.script(kind)], loud);
          expect(end).toMatchObject({ code: 76, out: '' });
          expect(end.err).toContain('this is Galera (wsrep_on)');
        }
      } finally {
        await other.end();
      }
    });

    it('GET_LOCK without an answer, a persistent connection, and one without a database are errors', async () => {
      const dsn = `mysql:host=127.0.0.1;port=${all.db.port}`;
      const lead = `class Odd extends PDO { #[ReturnTypeWillChange] public function query($sql, ...$more) { return parent::query(preg_replace('/GET_LOCK\\([^)]*\\)/', 'NULL', $sql)); } }\n`;
      for (const [gives, because] of [
        [`new Odd('${dsn};dbname=app', 'u12345_app', 'p#w')`, 'GET_LOCK gave NULL'],
        [
          `new PDO('${dsn};dbname=app', 'u12345_app', 'p#w', [PDO::ATTR_PERSISTENT => true])`,
          'not persistent',
        ],
        [`new PDO('${dsn}', 'u12345_app', 'p#w')`, 'no database'],
      ] as const) {
        const script = all.one.script('php', { lead, shared: `static function () { return ${gives}; }` });
        const end = await all.one.run(['php', script], loud);
        expect(end).toMatchObject({ code: 76, out: '' });
        expect(end.err).toContain(because);
      }
    });

    it.each(kinds)(
      '%s: finds its way by a .env in any of the usual forms, or by the environment',
      async (kind) => {
        const { port, socket } = all.db;
        for (const text of [
          `export DB_HOST='127.0.0.1:${port}' # here\nDB_NAME=app\nDB_USER="u12345_app"\nDB_PASS='p#w'\n`,
          `APP=u12345\nDB_DATABASE=app\nDB_USERNAME="\${APP}_app"\nDB_PASSWORD="p\\#w"\nDB_PASSWORD="p#w"\nDB_SOCKET=${socket}\n`,
          `DB_HOST=localhost:${socket}\r\nDB_DATABASE=app\r\nDB_USERNAME=u12345_app\r\nDB_PASSWORD=p#w\r\n`,
          `DATABASE_URL="mysql://u12345_app:p%23w@127.0.0.1:${port}/app?charset=utf8mb4"\n`,
          `DATABASE_URL=mysql2://u12345_app:p%23w@localhost/app?socket=${socket}\n`,
        ]) {
          all.one.write(text);
          expect({ text, ...(await all.one.run([kind, all.one.script(kind)])) }).toMatchObject({
            code: 0,
            out: 'ran\n',
            err: '',
          });
          expect(all.one.record()).toMatchObject({ shared: lock });
          rmSync(join(all.one.dir, 'worker.stuck'), { force: true });
        }
        const env = {
          DB_HOST: '127.0.0.1',
          DB_PORT: String(port),
          DB_DATABASE: 'app',
          DB_USERNAME: 'u12345_app',
          DB_PASSWORD: 'p#w',
        };
        const script = all.one.script(kind, { shared: 'env' });
        expect(await all.one.run([kind, script], env)).toMatchObject({ code: 0, out: 'ran\n', err: '' });
        const { DB_HOST: _, ...rest } = env;
        expect((await all.one.run([kind, script], { ...rest, DB_USERNAME: '' })).code).toBe(76);
      },
    );

    it('PHP with mysqli alone does it, too; with neither it says so', async () => {
      const script = all.one.script('php');
      const bare = ['php', '-n'];
      const mysqli = [...bare, '-d', 'extension=mysqlnd', '-d', 'extension=mysqli'];
      expect(await all.one.run([...mysqli, script])).toMatchObject({ code: 0, out: 'ran\n', err: '' });
      all.one.write('DB_HOST=127.0.0.1\nDB_PORT=1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\n');
      expect(await all.one.run([...mysqli, script])).toMatchObject({ code: 76, out: '' });
      expect((await all.one.run([...bare, script], loud)).err).toContain('neither pdo_mysql nor mysqli');
    });

    it('Node without the application’s mysql2 refuses with the reason', async () => {
      const away = join(all.root, 'node_modules');
      const script = all.one.script('node');
      rmSync(away);
      try {
        const end = await all.one.run(['node', script]);
        expect(end).toMatchObject({ code: 76, out: '' });
        expect(end.err).toContain("the application's mysql2 is needed: Cannot find module 'mysql2'");
      } finally {
        const { symlinkSync } = await import('node:fs');
        symlinkSync(join(import.meta.dirname, '../../node_modules'), away);
      }
    });

    it.each(kinds)('%s: without the file of the second lock nothing is started', async (kind) => {
      const script = all.one.script(kind);
      const file = join(all.one.home, kind === 'php' ? 'cronlatch-shared.php' : 'cronlatch-shared.mjs');
      rmSync(file);
      const end = await all.one.run([kind, script]);
      expect(end.code).toBe(kind === 'php' ? 255 : 76);
      expect(end.out + end.err).toContain('cronlatch-shared');
      expect(end.out).not.toContain('ran\n');
      const { copyFileSync } = await import('node:fs');
      copyFileSync(
        new URL(
          `../../templates/${kind}/cronlatch-shared.${kind === 'php' ? 'php' : 'mjs'}`,
          import.meta.url,
        ),
        file,
      );
    });

    it('in the entry: PHP by -d, Node by --import, for CommonJS, too; nothing of the worker runs before the answer', async () => {
      all.one.script('php');
      const running = await all.one.atWork('php', 'block');
      const bare = join(all.two.home, 'bare.php');
      writeFileSync(bare, '<?php echo "ran\n";');
      const php = [
        ...[
          'php',
          '-d',
          `auto_prepend_file=${all.two.home}/cronlatch-guard.php`,
          '-d',
          `cronlatch.dir=${all.two.dir}`,
        ],
        ...['-d', 'cronlatch.name=worker', '-d', `cronlatch.shared=${all.two.env}`, bare],
      ];
      const query = `dir=${encodeURIComponent(all.two.dir)}&name=worker&shared=${encodeURIComponent(all.two.env)}`;
      const common = join(all.two.home, 'bare.cjs');
      writeFileSync(common, 'console.log("ran");');
      const module = join(all.two.home, 'bare.mjs');
      const mark = join(all.two.home, 'imported');
      writeFileSync(
        join(all.two.home, 'job.mjs'),
        `import { writeFileSync } from 'node:fs'; writeFileSync('${mark}', '');`,
      );
      writeFileSync(
        module,
        `import './cronlatch-guard.mjs?${query}';\nimport './job.mjs';\nconsole.log('ran');`,
      );
      const guard = `file://${all.two.home}/cronlatch-guard.mjs?${query}`;
      const ways = [
        php,
        ['node', '--import', guard, common],
        ['node', '--import', guard, module],
        ['node', module],
      ];
      for (const way of ways) expect(await all.two.run(way)).toMatchObject({ code: 0, out: '', err: '' });
      expect(existsSync(mark)).toBe(false);
      running.child.stdin?.end();
      await running.ended;
      await until('the lock is free', () => holder() === 'NULL');
      for (const way of ways)
        expect(await all.two.run(way)).toMatchObject({ code: 0, out: 'ran\n', err: '' });
    });
  },
);
