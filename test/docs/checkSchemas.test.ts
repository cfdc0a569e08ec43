// verify and connections on every way they can end, held against the schemas that ship with the package.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeEach, describe, expect, test } from 'vitest';
import { connections } from '../../src/commands/connections.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { verifyDeployment } from '../../src/commands/verify.ts';
import type { SocketHolder } from '../../src/database/owners.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { canary, failure, type State, session } from '../support/databaseSession.ts';
import { cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident } from '../support/site.ts';

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false });
const compile = (name: string) =>
  ajv.compile(JSON.parse(readFileSync(new URL(`../../docs/schema/${name}-1.json`, import.meta.url), 'utf8')));
const validators = { verify: compile('verify'), connections: compile('connections') };
const faults = (kind: keyof typeof validators, document: unknown): string[] => {
  const validate = validators[kind];
  // As a reader gets it: through text.
  validate(JSON.parse(JSON.stringify(document)));
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
};

let machine: Machine;
let state: State;
beforeEach(() => {
  machine = incident();
  machine.put(
    `${home}/httpdocs/.env`,
    `DB_HOST=127.0.0.1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD='${canary}'\n`,
    { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o600 },
  );
  state = { used: 1, aborted: 7, denied: 2, pending: 9, done: 20, left: 1e9, tables: true };
  machine.database = () => session(state);
  // Two watches move the clock in turn: a run must outlast the longer one's pause to be seen by the other.
  cronRuns(machine, { seconds: 30 });
  const cron = machine.onTime;
  machine.onTime = (now) => {
    cron(now);
    if (state.pending > 0) {
      state.pending--;
      state.done++;
    }
  };
});

const commands = { deploy, rollback, verify: verifyDeployment, connections };
const run = async (line: string, options: Parameters<typeof contextFor>[2] = {}) => {
  const { ctx } = await contextFor(memoryServer(machine), line, options);
  const command = line.split(' ')[0] as keyof typeof commands;
  return commands[command](ctx);
};
const outcomeOf = (json: unknown) => (json as { outcome: { is: string; exit: number } }).outcome;

describe('verify', () => {
  const cases: [string, () => Promise<unknown>, string, number, Parameters<typeof contextFor>[2]?][] = [
    ['all is well', async () => undefined, 'pass', 0],
    ['too many connections', async () => (state.used = 4), 'fail', 3],
    [
      'the database is down',
      async () => (machine.database = () => failure(0, 'ECONNREFUSED', 'x')),
      'inconclusive',
      6,
    ],
    [
      'the account is full',
      async () => (machine.database = () => failure(1203, '', 'max_user_connections')),
      'fail',
      3,
    ],
    ['it goes away in the middle', async () => (state.left = 5), 'inconclusive', 6],
    [
      'every entry is gone',
      async () =>
        machine.put('/var/spool/cron/crontabs/example-user', '', {
          uid: exampleUser.uid,
          gid: 104,
          mode: 0o600,
        }),
      'fail',
      3,
    ],
    ['interrupted', async () => undefined, 'inconclusive', 130, { heard: () => 'SIGINT' as const }],
    ['ended', async () => undefined, 'inconclusive', 143, { heard: () => 'SIGTERM' as const }],
    ['in its disabled form', async () => run('rollback --to disabled --ci'), 'skip', 0],
  ];
  test.each(cases)('%s', async (_, before, is, exit, options = {}) => {
    expect((await run('deploy --all --ci')).exit).toBe(0);
    state.pending = 9;
    await before();
    const done = await run('verify --json', options);
    expect(faults('verify', done.json)).toEqual([]);
    expect(outcomeOf(done.json)).toMatchObject({ exit });
    expect(done.exit).toBe(exit);
    // Interrupted at once it has seen what it has seen.
    if (exit < 100) expect(outcomeOf(done.json).is).toBe(is);
    expect(JSON.stringify(done.json)).not.toContain(canary);
  });

  test('a worker nobody has deployed, and --run-now', async () => {
    for (const more of ['', ' --run-now --yes']) {
      const done = await run(
        `verify --script ${home}/httpdocs/scripts/process_import_jobs.php --json${more}`,
      );
      expect(faults('verify', done.json)).toEqual([]);
      expect([0, 3, 6]).toContain(done.exit);
    }
  });

  test('no deployment and a declined run are problems, which have a schema of their own', async () => {
    await expect(run('verify --json')).rejects.toBeInstanceOf(Problem);
    await run('deploy --all --ci');
    const no = { terminal: true, answers: [false] };
    await expect(run('verify --run-now', no)).rejects.toMatchObject({ code: 'declined' });
  });

  test('a document that lacks what was promised is refused', async () => {
    await run('deploy --all --ci');
    const { json } = await run('verify --json');
    for (const key of ['schema', 'command', 'deployment', 'checks', 'outcome'])
      expect(faults('verify', { ...json, [key]: undefined }), key).not.toEqual([]);
    const [check] = json['checks'] as object[];
    for (const key of Object.keys(check ?? {}))
      expect(faults('verify', { ...json, checks: [{ ...check, [key]: undefined }] }), key).not.toEqual([]);
  });
});

describe('connections', () => {
  const holder: SocketHolder = {
    pid: 4711,
    ppid: 1,
    start: '77',
    age: 3,
    uid: 10001,
    state: 'S',
    kind: 'interpreter',
    name: 'php8.2',
    script: '/w.php',
    parent: 'forker',
  };
  const full = "User u12345_app already has more than 'max_user_connections' active connections";
  const cases: [string, () => unknown, string, string, number][] = [
    ['room', () => undefined, '', 'room', 0],
    ['tight', () => (state.used = 4), '', 'tight', 3],
    [
      'full, only the kernel tells',
      () => {
        machine.database = () => failure(1203, 'ER_TOO_MANY_USER_CONNECTIONS', full);
        machine.sockets = {
          tcp: [],
          unix: [{ server: 1, client: 0 }],
          holders: new Map([[5, [holder]]]),
          blind: false,
        };
      },
      '',
      'full',
      3,
    ],
    [
      '1226',
      () => (machine.database = () => failure(1226, '', "exceeded the 'max_user_connections' resource")),
      '',
      'full',
      3,
    ],
    ['1040', () => (machine.database = () => failure(1040, '', 'Too many connections')), '', 'full', 3],
    [
      'an hourly limit',
      () => (machine.database = () => failure(1226, '', "exceeded the 'max_queries_per_hour' resource")),
      '',
      'unreached',
      6,
    ],
    ['down', () => (machine.database = () => failure(0, 'ECONNREFUSED', 'x')), '', 'unreached', 6],
    ['slow', () => (machine.database = () => failure(0, 'ETIMEDOUT', 'x')), '', 'unreached', 6],
    ['denied', () => (machine.database = () => failure(1045, '', 'Access denied')), '', 'unreached', 6],
    ['lost in the middle', () => (state.left = 3), '', 'unreached', 6],
    ['nothing to kill', () => undefined, ' --kill --yes', 'room', 0],
    [
      'killed',
      () => {
        machine.sockets = {
          tcp: [
            { client: '127.0.0.1', port: 4000, server: '127.0.0.1', inode: 0, serverState: 'CLOSE-WAIT' },
          ],
          unix: [],
          holders: new Map(),
          blind: false,
        };
        const inner = session(state);
        machine.database = () => ({
          ...inner,
          ask: async (sql, ...more) => {
            const answer = await inner.ask(sql, ...more);
            if (answer.is === 'failed' || !sql.includes('TIME_MS')) return answer;
            return {
              is: 'rows',
              rows: answer.rows.map((row) =>
                row['Id'] === 1 ? row : { ...row, Host: '127.0.0.1:4000', Command: 'Query' },
              ),
            };
          },
        });
      },
      ' --kill --yes',
      'room',
      0,
    ],
    [
      'could not be killed',
      () => {
        machine.sockets = {
          tcp: [
            { client: '127.0.0.1', port: 4000, server: '127.0.0.1', inode: 0, serverState: 'CLOSE-WAIT' },
          ],
          unix: [],
          holders: new Map(),
          blind: false,
        };
        const inner = session(state);
        machine.database = () => ({
          ...inner,
          ask: async (sql, ...more) => {
            if (sql.includes('THEN KILL')) return failure(1095, '', 'You are not owner of thread');
            const answer = await inner.ask(sql, ...more);
            if (answer.is === 'failed' || !sql.includes('TIME_MS')) return answer;
            return {
              is: 'rows',
              rows: answer.rows.map((row) =>
                row['Id'] === 1 ? row : { ...row, Host: '127.0.0.1:4000', Command: 'Query' },
              ),
            };
          },
        });
      },
      ' --kill --yes',
      'room',
      1,
    ],
  ];
  test.each(cases)('%s', async (_, before, more, is, exit) => {
    before();
    const done = await run(`connections --app ${home}/httpdocs --json${more}`);
    expect(faults('connections', done.json)).toEqual([]);
    expect({ ...outcomeOf(done.json), is: outcomeOf(done.json).is }).toMatchObject({ is, exit });
    expect(done.exit).toBe(exit);
    expect(JSON.stringify(done.json)).not.toContain(canary);
  });

  test('a document that lacks what was promised is refused', async () => {
    const { json } = await run(`connections --app ${home}/httpdocs --json`);
    for (const key of [
      'schema',
      'command',
      'version',
      'credentials',
      'seenBy',
      'connections',
      'next',
      'outcome',
    ])
      expect(faults('connections', { ...json, [key]: undefined }), key).not.toEqual([]);
    const [one] = json['connections'] as object[];
    for (const key of Object.keys(one ?? {}))
      expect(
        faults('connections', { ...json, connections: [{ ...one, [key]: undefined }] }),
        key,
      ).not.toEqual([]);
    expect(
      faults('connections', { ...json, credentials: { ...(json['credentials'] as object), password: 'x' } }),
    ).not.toEqual([]);
  });
});
