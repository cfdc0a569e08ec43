// `cronlatch connections` on a real MariaDB: limits, counts, owners, a full account, and a --kill that hits nobody alive.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, installProgram, until, workshop } from '../support/cron.ts';
import {
  account,
  anotherMachine,
  canary,
  databaseStage,
  type Kind,
  kinds,
  type Member,
  makeAccount,
  type Stage,
} from '../support/databaseScene.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const root = process.geteuid?.() === 0;
const missing =
  mariadbMissing ||
  (root ? '' : 'root') ||
  (spawnSync('php', ['-r', "exit(extension_loaded('pdo_mysql') ? 0 : 1);"]).status === 0 ? '' : 'pdo_mysql');
const why = missing === '' ? '' : ` (skipped: ${missing})`;
const stress = process.env['CRONLATCH_STRESS'] !== undefined;
const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);
/** Somebody who is not root, with no files of his own. */
const somebody = { uid: 65_534, gid: 65_534 };

interface Report {
  readonly outcome: { readonly is: string; readonly exit: number; readonly because?: string };
  readonly credentials: { readonly place: string; readonly because: string; readonly source: string };
  readonly seenBy: {
    readonly by: string;
    readonly tries: number;
    readonly limit?: { readonly is: string; readonly connections: number };
    readonly uses: readonly { account: string; used: number; certain: boolean }[];
    readonly processes: readonly { holder: { pid: number }; connections: number }[];
    readonly unseen: readonly string[];
    readonly refused?: { failure: { is: string; by?: string } };
  };
  readonly connections: readonly { id: number; class: string; transaction: string; end: { is: string } }[];
  readonly kill?: {
    killed: number[];
    gone: number[];
    protected: { id: number; why: string }[];
    minIdle: number;
  };
}

describe.skipIf(missing !== '')(`connections${why}`, () => {
  let directory: string;
  let program: string;
  const said: string[] = [];

  /** Runs the built program; everything it prints is kept, to be searched for the password. */
  const run = async (
    args: readonly string[],
    { as, env = {} }: { as?: typeof somebody; env?: Record<string, string> } = {},
  ): Promise<{ code: number | null; out: string; err: string }> => {
    const become =
      as === undefined ? [] : ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'];
    const argv = [...become, process.execPath, program, 'connections', ...args];
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: directory, ...env },
    });
    const argvSeen = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
    let [out, err] = ['', ''];
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    // Ends by itself, or the test fails: no command may wait for ever.
    const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const code = await new Promise<number | null>((done) => child.on('close', done));
    clearTimeout(limit);
    said.push(out, err, argvSeen);
    return { code, out, err };
  };
  const report = async (...args: Parameters<typeof run>): Promise<Report> => {
    const ran = await run([...args[0], '--json'], args[1]);
    const json = JSON.parse(ran.out) as Report;
    expect({ code: ran.code, err: ran.err }).toEqual({ code: json.outcome.exit, err: expect.anything() });
    return json;
  };
  /** An application whose .env names the database. */
  const application = (name: string, variables: Record<string, string | number>): string => {
    const app = join(directory, name);
    mkdirSync(app, { recursive: true });
    const text = Object.entries({ DB_USERNAME: account, DB_PASSWORD: `'${canary}'`, ...variables });
    writeFileSync(join(app, '.env'), text.map(([key, value]) => `${key}=${value}\n`).join(''));
    chmodSync(join(app, '.env'), 0o600);
    for (const path of [app, join(app, '.env')]) chownSync(path, somebody.uid, somebody.gid);
    return app;
  };

  beforeAll(() => {
    directory = workshop('connections');
    program = installProgram(directory);
  });
  afterAll(() => closeWorkshop(directory));

  describe('limits and a full account', () => {
    let db: Mariadb;
    let stage: Stage;
    const start = async (name: string, options: string[], own: number): Promise<void> => {
      const at = join(directory, name);
      mkdirSync(at);
      db = await startMariadb(at, options);
      makeAccount(db, own);
      stage = databaseStage(at, db);
    };
    const stop = async (): Promise<void> => {
      await stage.clear();
      await db.stop();
    };
    const idle = kinds.find((kind) => kind.does === 'idle') as Kind;

    test.each([
      ['the account’s own', [], 5, { is: 'account', connections: 5 }],
      ['the global one', ['--max-user-connections=5'], 0, { is: 'global', connections: 5 }],
      [
        'both, and the account’s is larger',
        ['--max-user-connections=3'],
        5,
        { is: 'account', connections: 5 },
      ],
    ] as const)(
      '%s is named, whoever asks; when it is reached the cause is said and the PIDs',
      async (name, options, own, limit) => {
        await start(`limit-${name.replace(/\W/g, '')}`, [...options], own);
        try {
          const app = application('limits', { DB_HOST: 'localhost', DB_SOCKET: db.socket });
          for (const as of [undefined, somebody]) {
            const seen = (await report(['--app', app], { ...(as && { as }) })).seenBy;
            expect({ limit: seen.limit, by: seen.by }).toEqual({
              limit,
              by: as === undefined ? 'administrator' : 'account',
            });
          }
          const members: Member[] = [];
          for (let i = 0; i < 5; i++) members.push(await stage.start(idle, 'unix'));
          const full = { failure: { is: 'full', by: limit.is === 'account' ? 'account' : 'global' } };
          const seen = await report(['--app', app]);
          expect(seen.outcome).toMatchObject({ is: 'full', exit: 3 });
          expect(seen.seenBy).toMatchObject({ by: 'administrator', refused: full, limit });
          expect(seen.connections.map(({ id }) => id).sort()).toEqual(members.map(({ id }) => id).sort());
          // As an ordinary user nobody gets in: what is left is the kernel's view, of his own processes.
          const alone = await run(['--app', app], { as: somebody });
          expect(alone.code).toBe(3);
          expect(alone.out).toMatch(/the account is full \(12(03|26)\)/);
          expect(alone.out).toContain('8 tries');
          expect(alone.out).not.toMatch(/denied|refused \(1045\)|wrong/i);
        } finally {
          await stop();
        }
      },
      60_000,
    );

    test('no limit at all: the server’s is said, and 1040 when it is reached', async () => {
      await start('limit-none', ['--max-connections=10'], 0);
      try {
        const app = application('none', { DB_HOST: '127.0.0.1', DB_PORT: db.port });
        const seen = (await report(['--app', app], { as: somebody })).seenBy;
        expect(seen.limit).toEqual({ is: 'server', connections: 10 });
        for (let i = 0; i < 10; i++) await stage.start(idle, 'tcp');
        const full = await report(['--app', app], { as: somebody });
        expect(full.outcome).toMatchObject({ is: 'full', exit: 3 });
        expect(full.seenBy.refused).toMatchObject({ failure: { is: 'full', by: 'server' } });
      } finally {
        await stop();
      }
    }, 60_000);

    test('an ordinary user with a full account is told the PIDs of his own processes', async () => {
      await start('limit-own', ['--max-user-connections=5'], 0);
      const app = application('own', { DB_HOST: 'localhost', DB_SOCKET: db.socket });
      const php = `$d = new PDO('mysql:unix_socket=${db.socket}', '${account}', getenv('P')); echo "in\\n"; sleep(60);`;
      const children = Array.from({ length: 5 }, () =>
        spawn('php', ['-r', php], {
          ...somebody,
          env: { ...process.env, P: canary },
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
      try {
        await Promise.all(children.map((child) => new Promise((done) => child.stdout.once('data', done))));
        const seen = await report(['--app', app], { as: somebody });
        expect(seen.outcome).toMatchObject({ is: 'full', exit: 3 });
        expect(seen.seenBy.by).toBe('kernel');
        const counts = seen.seenBy.processes.map(({ holder, connections }) => [holder.pid, connections]);
        expect(counts.sort()).toEqual(children.map((child) => [child.pid, 1]).sort());
      } finally {
        for (const child of children) child.kill('SIGKILL');
        await stop();
      }
    }, 60_000);
  });

  describe('who owns what', () => {
    let db: Mariadb;
    let stage: Stage;
    let app: string;
    const far = missing === '' ? anotherMachine() : undefined;
    const there = kinds.filter((kind) => kind.as !== 'remote' || far !== undefined);

    beforeAll(async () => {
      const at = join(directory, 'owners');
      mkdirSync(at);
      const bind = far === undefined ? [] : [`--bind-address=127.0.0.1,${far.host}`];
      db = await startMariadb(at, ['--max-connections=200', '--skip-name-resolve', ...bind]);
      makeAccount(db);
      stage = databaseStage(at, db, far);
      app = application('owners-app', { DB_HOST: 'localhost', DB_SOCKET: db.socket });
    }, 60_000);
    afterEach(() => stage.clear());
    afterAll(async () => {
      await db?.stop();
      far?.remove();
    });

    test('every kind, over the unix socket and over TCP, is told right by its id', async () => {
      const members: Member[] = [];
      for (const by of ['unix', 'tcp'] as const)
        for (const kind of there) members.push(await stage.start(kind, by));
      expect(members.length).toBeGreaterThanOrEqual(20);
      // A thread at a query does not wait for its socket: over the unix socket it cannot be told while there are several.
      const busy = ({ kind, by }: Member): boolean =>
        by === 'unix' && (kind.does === 'running' || kind.does === 'changing');
      const seen = await report(['--app', app]);
      const found = new Map(seen.connections.map((one) => [one.id, one.class]));
      const wrong = members
        .filter((member) => !busy(member) && found.get(member.id) !== member.kind.is)
        .map((member) => [member.kind.name, member.by, found.get(member.id)]);
      expect(wrong).toEqual([]);
      for (const member of members.filter(busy))
        expect(['unseen', member.kind.is]).toContain(found.get(member.id));
      // A process is known all the same, by the number of its connections.
      const held = new Set(seen.seenBy.processes.map(({ holder }) => holder.pid));
      const living = members.filter(({ kind }) => kind.becomes !== 'killed' && kind.as !== 'remote');
      expect(living.filter(({ pid }) => !held.has(pid))).toEqual([]);
      const open = seen.connections.filter((one) => one.transaction === 'open').map(({ id }) => id);
      const transactions = members.filter(({ kind }) => /transaction|reading|changing/.test(kind.does));
      expect(transactions.filter(({ id }) => !open.includes(id)).map(({ kind }) => kind.name)).toEqual([]);
    }, 60_000);

    test('the one query that is left over is told, too', async () => {
      const kind = kinds.find((one) => one.is === 'dead-client-running' && one.mayEnd) as Kind;
      const member = await stage.start(kind, 'unix');
      const others = [];
      for (let i = 0; i < 2; i++) others.push(await stage.start(there[0] as Kind, 'unix'));
      const seen = await report(['--app', app]);
      const found = seen.connections.find(({ id }) => id === member.id)?.class;
      expect(found).toBe('dead-client-running');
    }, 30_000);

    test('the example of docs/connections.md is what is printed', async () => {
      const at = join(directory, 'example');
      mkdirSync(at);
      const own = await startMariadb(at, ['--max-user-connections=5']);
      const on = databaseStage(at, own);
      try {
        makeAccount(own);
        const said = application('example-app', { DB_SOCKET: own.socket });
        await on.start(there[0] as Kind, 'unix');
        await on.start(kinds.find((one) => one.is === 'orphan-child') as Kind, 'unix');
        const plain = (text: string): string =>
          text
            .replace(/\bPID \d+/g, 'PID N')
            .replace(/TERM \d+/g, 'TERM N')
            .replace(/\d+ s\b/g, 'N s')
            .replace(/^ +\d+ {2}/gm, 'ID  ')
            .replaceAll(own.socket, '/run/mysqld/mysqld.sock')
            .replaceAll(`${at}/worker.php`, 'SCRIPT')
            .replaceAll('/var/www/vhosts/example.com/httpdocs/worker.php', 'SCRIPT')
            .replaceAll(said, 'APP')
            .replaceAll('/var/www/vhosts/example.com/httpdocs', 'APP')
            .trim();
        const docs = readFileSync(join(import.meta.dirname, '../../docs/connections.md'), 'utf8');
        const example = /```text\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
        const { out } = await run(['--app', said], { env: { LANG: 'C.UTF-8' } });
        expect(plain(out)).toBe(plain(example));
      } finally {
        await on.clear();
        await own.stop();
      }
    }, 60_000);

    test('connections by socket and by address are counted by themselves, our own left out', async () => {
      const members: Member[] = [];
      for (const by of ['unix', 'tcp', 'tcp'] as const) members.push(await stage.start(there[0] as Kind, by));
      const tcp = application('owners-tcp', { DB_HOST: '127.0.0.1', DB_PORT: db.port });
      const mine = { [`${account}@localhost`]: 1 };
      const byAddress = { [`${account}@127.0.0.1`]: 2 };
      for (const [at, as, expected] of [
        [app, undefined, { ...mine, ...byAddress }],
        // MariaDB 10.11 shows an account the connections of its own row only.
        [app, somebody, mine],
        [tcp, somebody, byAddress],
      ] as const) {
        const { uses } = (await report(['--app', at], { ...(as && { as }) })).seenBy;
        const counted = uses.filter(({ used }) => used > 0).map((use) => [use.account, use.used]);
        expect(Object.fromEntries(counted)).toEqual(expected);
      }
    }, 30_000);

    test('the counts are root’s own, sample after sample', async () => {
      for (let i = 0; i < 3; i++) await stage.start(there[0] as Kind, 'unix');
      for (let i = 0; i < (stress ? 100 : 5); i++) {
        const { uses } = (await report(['--app', app], { as: somebody })).seenBy;
        expect(uses.find((use) => use.account === `${account}@localhost`)?.used).toBe(stage.ids().length);
      }
    }, 120_000);

    test('without --kill nothing is ended, and --kill wants consent and a threshold that makes sense', async () => {
      const orphan = kinds.find((one) => one.is === 'orphan-child' && one.mayEnd) as Kind;
      const { id } = await stage.start(orphan, 'unix');
      expect((await run(['--app', app, '--yes'])).code).not.toBe(2);
      expect((await run(['--app', app, '--kill'])).code).toBe(2);
      const short = await run(['--app', app, '--kill', '--yes', '--min-idle', '59s']);
      expect({ code: short.code, says: short.err.includes('--force') }).toEqual({ code: 2, says: true });
      expect((await run(['--app', app, '--min-idle', '2m'])).code).toBe(2);
      const usual = await report(['--app', app, '--kill', '--yes']);
      expect(usual.kill).toMatchObject({ minIdle: 300, killed: [], protected: [{ id, why: 'too-short' }] });
      expect(stage.ids()).toEqual([id]);
    }, 30_000);

    test('an ordinary user’s --kill keeps what it cannot see, and says so', async () => {
      const members: Member[] = [];
      for (const kind of there.filter((one) => one.as !== 'web'))
        for (const by of ['unix', 'tcp'] as const) members.push(await stage.start(kind, by));
      const seen = await report(['--app', app, '--kill', '--yes', '--min-idle', '0', '--force'], {
        as: somebody,
      });
      expect(seen.kill?.killed).toEqual([]);
      expect(seen.seenBy.unseen).toContain('transactions');
      expect(stage.ids().sort()).toEqual(members.map(({ id }) => id).sort());
    }, 60_000);

    test(
      `--kill in ${stress ? 200 : 12} random scenes ends nothing with an owner (seed ${seed})`,
      async () => {
        const scene = fc.record({
          members: fc.array(
            fc.record({
              kind: fc.constantFrom(...there),
              by: fc.constantFrom('unix' as const, 'tcp' as const),
            }),
            { minLength: 2, maxLength: 6 },
          ),
          ordinary: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
        });
        const scenes = fc.sample(scene, { numRuns: stress ? 200 : 12, seed });
        let ended = 0;
        for (const { members: wanted, ordinary } of scenes) {
          const members: Member[] = [];
          for (const { kind, by } of wanted) members.push(await stage.start(kind, by));
          const flags = ['--kill', '--yes', '--min-idle', '0', '--force'];
          const { kill } = await report(['--app', app, ...flags], { ...(ordinary && { as: somebody }) });
          const left = new Set(stage.ids());
          const lost = members.filter(({ id, kind }) => !left.has(id) && (!kind.mayEnd || ordinary));
          expect(lost.map(({ kind, by }) => [kind.name, by])).toEqual([]);
          expect(
            members
              .filter(({ id }) => !left.has(id))
              .map(({ id }) => id)
              .sort(),
          ).toEqual([...(kill?.killed ?? [])].sort());
          ended += kill?.killed.length ?? 0;
          await stage.clear();
        }
        // A doctor that never ends anything would pass all of this.
        expect(ended).toBeGreaterThan(0);
      },
      stress ? 1_800_000 : 120_000,
    );

    test.skipIf(far === undefined)(
      'another machine’s idle connection is ended only when it is named',
      async () => {
        const kind = kinds.find((one) => one.as === 'remote') as Kind;
        const { id } = await stage.start(kind, 'tcp');
        const flags = ['--app', app, '--kill', '--yes', '--min-idle', '0', '--force'];
        expect((await report(flags)).kill?.protected).toEqual([{ id, why: 'host-not-named' }]);
        const host = far?.host.replace(/1$/, '2') ?? '';
        await until('it is idle for a moment', () =>
          db.sql(`SELECT TIME_MS > 50 FROM information_schema.PROCESSLIST WHERE ID = ${id}`).startsWith('1'),
        );
        expect((await report([...flags, '--remote', host])).kill?.killed).toEqual([id]);
        await stage.clear();
      },
      30_000,
    );
  });

  test('the password is in nothing that was printed, and in no argv', () => {
    expect(said.length).toBeGreaterThan(20);
    expect(said.filter((text) => text.includes(canary))).toEqual([]);
  });
});
