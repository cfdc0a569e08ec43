// A deploy whose worker has a database, on a server in memory: what the checklist makes of it, and of a database in trouble.
import { beforeEach, describe, expect, test } from 'vitest';
import { connections } from '../../src/commands/connections.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { verifyDeployment } from '../../src/commands/verify.ts';
import type { DatabaseFailure, DatabaseSession } from '../../src/server/databasePort.ts';
import { contextFor } from '../support/context.ts';
import { canary, failure, type State, session } from '../support/databaseSession.ts';
import { checkOf, cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, lock, spool } from '../support/site.ts';

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
  // Nobody but the account gets in: root over a socket is not had over TCP.
  machine.database = () => session(state);
  cronRuns(machine);
  const cron = machine.onTime;
  machine.onTime = (now) => {
    cron(now);
    // A job is done in every look of time.
    if (state.pending > 0) {
      state.pending--;
      state.done++;
    }
  };
});
const run = async (line: string) => {
  const told = await contextFor(memoryServer(machine), line);
  const command = line.startsWith('verify') ? verifyDeployment : deploy;
  return { ...(await command(told.ctx)), ...told };
};
const checks = (json: Record<string, unknown>) =>
  Object.fromEntries(
    ['database', 'refusals', 'jobs'].map((name) => {
      const found = checkOf(json, name);
      return [name, found === undefined ? 'none' : `${found.is} ${found.because}`];
    }),
  );

describe('a deploy with a database', () => {
  test('all is well: the peak, the refusals and the jobs pass, and verify has the deployment’s own figures', async () => {
    const done = await run('deploy --all --ci');
    expect(checks(done.json)).toEqual({ database: 'pass room', refusals: 'pass none', jobs: 'pass done' });
    expect(done.exit).toBe(0);
    expect(done.out()).toContain('at most 1 of 5 (20 %)');
    // Somebody was refused between the deploy and the verify: only the journal's figures can tell.
    state.aborted += 3;
    state.pending = 5;
    const later = await run('verify');
    expect(checks(later.json)).toMatchObject({ refusals: 'warn somebody' });
    expect([...machine.live.values()].filter((node) => node.bytes.includes(canary)).length).toBe(1);
    expect(JSON.stringify(done.json) + done.out() + done.err() + later.out()).not.toContain(canary);
  });

  test('three of five connections fail, and everything is put back', async () => {
    state.used = 3;
    const before = machine.live.get(spool)?.bytes;
    const done = await run('deploy --all --ci');
    expect(checks(done.json)['database']).toBe('fail too-high');
    expect(done.exit).toBe(1);
    expect(machine.live.get(spool)?.bytes).toBe(before);
  });

  describe('an administrator is let in as well', () => {
    let asked: string[];
    const letIn = (account: () => DatabaseSession | DatabaseFailure): void => {
      asked = [];
      machine.directory('/run/mysqld', {});
      machine.sockets = { ...machine.sockets, server: { pid: 400, socket: '/run/mysqld/mysqld.sock' } };
      machine.database = (user) => {
        if (user !== 'root') return account();
        const inner = session(state);
        return {
          ...inner,
          ask: (sql, ...rest) => {
            asked.push(sql);
            return inner.ask(sql, ...rest);
          },
        };
      };
    };

    test.each(['deploy --all --ci', 'deploy --all --ci --jobs-sql SELECT(0)AS`pending`'])(
      '%s: what is the site’s is read on the account’s own session, never on the administrator’s',
      async (line) => {
        letIn(() => session(state));
        const done = await run(line);
        expect(checks(done.json)['jobs']).toMatch(/^(?:pass|inconclusive nothing)/);
        expect(asked.some((sql) => sql.includes('PROCESSLIST'))).toBe(true);
        expect(asked.filter((sql) => /\bUSE\b|\.COLUMNS|pending|import_jobs/i.test(sql))).toEqual([]);
      },
    );

    test('the account itself is not: its jobs are not counted, and why is said', async () => {
      letIn(() => failure(1045, 'ER_ACCESS_DENIED_ERROR', 'Access denied'));
      const done = await run('deploy --all --ci');
      expect(checks(done.json)['jobs']).toBe('inconclusive jobs-unseen');
      expect(done.out()).toContain('the account’s own session may read them (credentials)');
      expect(asked.filter((sql) => /\bUSE\b|\.COLUMNS|pending|import_jobs/i.test(sql))).toEqual([]);
    });
  });

  describe('root has a password there, and is denied', () => {
    let tries: number;
    beforeEach(() => {
      tries = 0;
      machine.directory('/run/mysqld', {});
      machine.sockets = { ...machine.sockets, server: { pid: 400, socket: '/run/mysqld/mysqld.sock' } };
      machine.database = (user) => {
        if (user !== 'root') return session(state);
        tries++;
        state.aborted++;
        state.denied++;
        return failure(1045, 'ER_ACCESS_DENIED_ERROR', 'Access denied');
      };
    });

    test('our own tries are nobody’s refusals, at the deploy and at every later check', async () => {
      expect(checks((await run('deploy --all --ci')).json)['refusals']).toBe('pass none');
      expect(tries).toBe(1);
      for (let i = 0; i < 2; i++) {
        state.pending = 9;
        expect(checks((await run('verify')).json)['refusals']).toBe('pass none');
      }
      expect(tries).toBe(1);
    });

    test('a worker’s refusal in the same time is one all the same', async () => {
      const cron = machine.onTime;
      await run('deploy --all --ci');
      state.pending = 9;
      let refused = false;
      machine.onTime = (now) => {
        cron(now);
        if (!refused) state.aborted++;
        refused = true;
      };
      expect(checks((await run('verify')).json)['refusals']).toBe('warn somebody');
    });

    test('without figures of the deployment: tries before the first counters are not taken from those after', async () => {
      await run('deploy --all --ci --without database');
      state.aborted += 3;
      expect(checks((await run('verify')).json)['refusals']).toBe('pass none');
      const answers = machine.database;
      let opened = 0;
      state.pending = 9;
      machine.database = (user) => {
        // Somebody is refused after the first look.
        if (user !== 'root' && ++opened === 2) state.aborted++;
        return answers(user);
      };
      expect(checks((await run('verify')).json)['refusals']).toBe('warn somebody');
    });
  });

  test('a session of ours that the server still lists is nobody’s connection', async () => {
    // As root with an administrator inside: the account's own session is given back before the list is read.
    let opened = 0;
    machine.directory('/run/mysqld', {});
    machine.sockets = { ...machine.sockets, server: { pid: 400, socket: '/run/mysqld/mysqld.sock' } };
    state.used = 2;
    machine.database = (user) => ({
      ...session(state),
      id: user === 'root' ? 90 : ([1, 2][opened++ % 2] ?? 1),
    });
    const done = await run('deploy --all --ci');
    expect(checks(done.json)['database']).toBe('pass room');
  });

  describe('the same account works from another machine', () => {
    beforeEach(() => {
      state.from = '203.0.113.7:40000';
    });

    test('it is said that a lock on a file does not reach there, and how one does', async () => {
      const done = await run('deploy --all --ci');
      expect(checkOf(done.json, 'second-lock')).toMatchObject({
        is: 'warn',
        because: 'other-machines',
        evidence: ['203.0.113.7'],
      });
      expect(done.exit).toBe(0);
      expect(done.out()).toContain('cronlatch deploy --shared-lock');
      const told = await contextFor(memoryServer(machine), `connections --app ${home}/httpdocs`);
      await connections(told.ctx);
      expect(told.out()).toContain('203.0.113.7 works with the same account');
    });

    test('where the second lock is there, only what it costs of a small limit', async () => {
      const done = await run(`deploy --all --ci --shared-lock ${home}/httpdocs/.env`);
      expect(checkOf(done.json, 'second-lock')).toMatchObject({ because: 'small-limit', args: { limit: 5 } });
      expect(done.out()).toContain('one of the account’s 5 connections');
    });
  });

  test('where nobody works from elsewhere, nothing is said of other machines', async () => {
    expect(checkOf((await run('deploy --all --ci')).json, 'second-lock')).toBeUndefined();
  });

  test('nothing to do is inconclusive, never a pass', async () => {
    state.pending = 0;
    const done = await run('deploy --all --ci');
    expect(checks(done.json)['jobs']).toBe('inconclusive nothing-pending');
    expect(done.exit).toBe(0);
    expect((await run('verify')).exit).toBe(6);
  });

  test('no table of jobs is skipped, and --without database asks nothing', async () => {
    state.tables = false;
    expect(checks((await run('deploy --all --ci')).json)['jobs']).toBe('skip no-job-table');
    const asked: string[] = [];
    machine.database = (user) => {
      asked.push(user);
      return session(state);
    };
    const quiet = await run('verify --without database');
    expect(checks(quiet.json)).toMatchObject({ database: 'skip no-database', refusals: 'none' });
    expect(asked).toEqual([]);
  });

  const full = "User u12345_app already has more than 'max_user_connections' active connections";
  test.each([
    ['it is down', failure(0, 'ECONNREFUSED', 'connect ECONNREFUSED'), 'inconclusive unreached', 0],
    ['it does not answer', failure(0, 'ETIMEDOUT', 'no answer in time'), 'inconclusive unreached', 0],
    [
      'the password is wrong',
      failure(1045, 'ER_ACCESS_DENIED_ERROR', 'Access denied'),
      'inconclusive unreached',
      0,
    ],
  ] as const)('%s: said, and no reason to take a good deployment back', async (_, answer, expected, exit) => {
    machine.database = () => answer;
    const done = await run('deploy --all --ci');
    expect(checks(done.json)['database']).toBe(expected);
    expect(done.exit).toBe(exit);
  });

  test('an account that is full at every look fails, and everything is put back', async () => {
    machine.database = () => failure(1203, 'ER_TOO_MANY_USER_CONNECTIONS', full);
    const done = await run('deploy --all --ci');
    expect({ exit: done.exit, database: checks(done.json)['database'] }).toEqual({
      exit: 1,
      database: 'fail full',
    });
  });

  test('it goes away in the middle of the check: said, at whatever question that is', async () => {
    for (const left of [0, 1, 3, 5, 9]) {
      machine.processes = machine.processes.filter((p) => p.uid === 0);
      state.left = left;
      const done = await run(left === 0 ? 'deploy --all --ci' : 'verify');
      const found = Object.values(checks(done.json));
      expect(found.some((said) => said.startsWith('inconclusive'))).toBe(true);
      expect(found.filter((said) => said.startsWith('fail'))).toEqual([]);
      expect([0, 6]).toContain(done.exit);
    }
  });

  test('connections, with the server gone at whatever question: no room is made of what was not answered', async () => {
    state.used = 4;
    const ends = new Set<string>();
    for (let left = 0; left < 12; left++) {
      state.left = left;
      const line = `connections --app ${home}/httpdocs`;
      const { json, exit } = await connections((await contextFor(memoryServer(machine), line)).ctx);
      const { is } = json['outcome'] as { is: string };
      ends.add(`${is} ${exit}`);
    }
    expect([...ends].sort()).toEqual(['tight 3', 'unreached 6']);
  });

  test('--kill takes nothing for idle that rests for less than the longest run a lock tells of', async () => {
    await run('deploy --all --ci --without verify');
    const idle = async (...flags: string[]) => {
      const line = ['connections', '--app', `${home}/httpdocs`, '--kill', '--yes', ...flags].join(' ');
      const { json } = await connections((await contextFor(memoryServer(machine), line)).ctx);
      return (json['kill'] as { minIdle: number }).minIdle;
    };
    expect(await idle()).toBe(300);
    machine.put(
      lock,
      JSON.stringify({ pid: 1, start: 1, started: 1000, ended: 1900, hb: 1900 }),
      exampleUser,
    );
    expect([await idle(), await idle('--min-idle', '2m'), await idle('--min-idle', '20m')]).toEqual([
      900, 900, 1200,
    ]);
    expect(await idle('--min-idle', '10s', '--force')).toBe(10);
  });

  test('a port that is none: nobody is asked, and the file and line are said', async () => {
    machine.put(`${home}/httpdocs/.env`, 'DB_HOST=127.0.0.1\nDB_PORT=99999\nDB_USERNAME=u12345_app\n', {
      uid: exampleUser.uid,
      gid: exampleUser.gid,
      mode: 0o600,
    });
    machine.database = () => {
      throw new Error('asked');
    };
    const done = await run('deploy --all --ci');
    expect({ exit: done.exit, ...checks(done.json) }).toMatchObject({
      exit: 0,
      database: 'inconclusive unreached',
    });
    expect(done.out()).toContain(`99999 is no port, ${home}/httpdocs/.env:2`);
    const line = `connections --app ${home}/httpdocs`;
    await expect(connections((await contextFor(memoryServer(machine), line)).ctx)).rejects.toMatchObject({
      code: 'wrong-port',
    });
  });

  test('a slip in the flags about jobs is refused before anything is changed', async () => {
    const before = machine.picture();
    for (const slip of [
      '--jobs-states pending',
      '--jobs-sql DELETE',
      '--db-tls maybe --db-url mysql://u@localhost',
    ])
      await expect(run(`deploy --all --ci ${slip}`)).rejects.toMatchObject({ code: 'usage' });
    expect(machine.picture()).toEqual(before);
    expect(machine.signals).toEqual([]);
  });
});
