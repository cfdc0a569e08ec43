// Every row of the counter matrix on a real MariaDB: what raises which counter, and what the bounds make of it.
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Credentials, Place } from '../../src/database/credentials.ts';
import {
  type Counters,
  countersOf,
  failureOf,
  type OwnTries,
  provenBy,
  refusalsBetween,
  sumOf,
} from '../../src/database/refusals.ts';
import { secret } from '../../src/database/secret.ts';
import { localDatabases } from '../../src/server/database.ts';
import type { DatabaseSession } from '../../src/server/databasePort.ts';
import { localServer } from '../../src/server/local.ts';
import type { FoundCredentials } from '../../src/survey/credentials.ts';
import { type DatabaseLook, lookAtDatabase } from '../../src/survey/database.ts';
import { closeWorkshop, until, workshop } from '../support/cron.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const why = mariadbMissing === '' ? '' : ` (skipped: ${mariadbMissing})`;

describe.skipIf(mariadbMissing !== '')(`the counters of a server${why}`, () => {
  let directory: string;
  let db: Mariadb;
  let place: Place;
  const open: DatabaseSession[] = [];
  const as = (user: string, password = 'p', database?: string): Credentials => ({
    user,
    password: secret(password),
    ...(database === undefined ? {} : { database }),
  });
  const enter = async (credentials: Credentials): Promise<string> => {
    const opened = await localDatabases.open(place, credentials, 5000);
    if (opened.is === 'open') open.push(opened.session);
    return opened.is === 'open' ? 'in' : String(opened.errno);
  };
  const counters = (): Counters =>
    countersOf(
      db
        .sql(
          "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_connects','Aborted_connects_preauth','Access_denied_errors','Connection_errors_max_connections','Uptime')",
        )
        .trim()
        .split('\n')
        .map((line) => ({ Variable_name: line.split('\t')[0] ?? '', Value: line.split('\t')[1] ?? '' })),
    );
  const thrice = async (act: () => Promise<unknown>): Promise<unknown[]> => [
    await act(),
    await act(),
    await act(),
  ];

  beforeAll(async () => {
    directory = workshop('refusals');
    mkdirSync(join(directory, 'db'));
    db = await startMariadb(join(directory, 'db'), ['--max-user-connections=2', '--max-connections=12']);
    place = { is: 'socket', path: db.socket };
    db.sql(`CREATE DATABASE app; CREATE DATABASE other; CREATE TABLE other.t (n INT);
      CREATE USER u@'%' IDENTIFIED BY 'p'; GRANT ALL ON app.* TO u@'%'; CREATE USER u@localhost IDENTIFIED BY 'p'; GRANT ALL ON app.* TO u@localhost;
      CREATE USER own@localhost IDENTIFIED BY 'p' WITH MAX_USER_CONNECTIONS 2; CREATE USER much@localhost IDENTIFIED BY 'p' WITH MAX_USER_CONNECTIONS 50`);
  }, 60_000);
  afterAll(async () => {
    for (const session of open) await session.close();
    await db?.stop();
    closeWorkshop(directory);
  });

  const rows: [
    string,
    () => Promise<unknown[]>,
    unknown,
    { low: number; high: number; full: number },
    string,
  ][] = [
    [
      'a wrong password',
      () => thrice(() => enter(as('u', 'wrong'))),
      '1045',
      { low: 0, high: 3, full: 0 },
      'unclear',
    ],
    [
      'an unknown user',
      () => thrice(() => enter(as('nobody'))),
      '1045',
      { low: 0, high: 3, full: 0 },
      'unclear',
    ],
    [
      'a database denied',
      () => thrice(() => enter(as('u', 'p', 'other'))),
      '1044',
      { low: 0, high: 3, full: 0 },
      'unclear',
    ],
    [
      'a table denied on a live connection',
      async () => {
        await enter(as('u'));
        const [session] = open.splice(-1);
        const said = await thrice(async () => {
          const answer = await session?.ask('SELECT * FROM other.t');
          return answer?.is === 'failed' ? String(answer.errno) : 'in';
        });
        await session?.close();
        return said;
      },
      '1142',
      { low: 0, high: 0, full: 0 },
      'none',
    ],
    [
      'a port scan',
      () =>
        thrice(
          () =>
            new Promise((done) => {
              const socket = connect(db.port, '127.0.0.1', () => socket.destroy());
              socket.on('close', () => done('closed'));
            }),
        ),
      'closed',
      { low: 0, high: 0, full: 0 },
      'none',
    ],
    [
      '1203',
      async () => {
        for (let i = 0; i < 2; i++) await enter(as('u'));
        return thrice(() => enter(as('u')));
      },
      '1203',
      { low: 3, high: 3, full: 0 },
      'some',
    ],
    [
      '1226',
      async () => {
        for (let i = 0; i < 2; i++) await enter(as('own'));
        return thrice(() => enter(as('own')));
      },
      '1226',
      { low: 3, high: 3, full: 0 },
      'some',
    ],
    [
      '1040',
      async () => {
        while ((await enter(as('much'))) === 'in');
        return thrice(() => enter(as('much')));
      },
      '1040',
      // The last place is kept for an administrator: who meets it has logged in already, and is counted as one of these.
      { low: 4, high: 4, full: 0 },
      'some',
    ],
  ];

  test.each(rows)('%s', async (_, act, said, bounds, proven) => {
    const before = counters();
    expect(new Set(await act())).toEqual(new Set([said]));
    // A scan is counted when the server has noticed that it is over.
    await until('the counters have settled', () => {
      const interval = refusalsBetween(before, counters());
      return JSON.stringify(interval) === JSON.stringify({ is: 'interval', ...bounds });
    });
    expect(provenBy(refusalsBetween(before, counters()))).toBe(proven);
  });

  test('1040 has a counter of its own once the administrator’s place is taken, too', async () => {
    while ((await enter(as('much'))) === 'in');
    // The one who was refused last may have the administrator's place for a moment yet.
    let root = await localDatabases.open(place, as('root', ''), 5000);
    for (let tries = 0; root.is !== 'open' && tries < 100; tries++) {
      await new Promise((done) => setTimeout(done, 50));
      root = await localDatabases.open(place, as('root', ''), 5000);
    }
    if (root.is !== 'open') throw new Error(root.message);
    const { session } = root;
    open.push(session);
    const status = async (): Promise<Counters> => {
      const answer = await session.ask('SHOW GLOBAL STATUS');
      return countersOf(answer.is === 'rows' ? answer.rows : []);
    };
    const before = await status();
    expect(await thrice(() => enter(as('u')))).toEqual(['1040', '1040', '1040']);
    const interval = refusalsBetween(before, await status());
    expect(interval).toEqual({ is: 'interval', low: 0, high: 0, full: 3 });
    expect(provenBy(interval)).toBe('some');
  });

  test('an administrator’s slip in a database’s name raises what a limit raises: the bounds cannot tell them apart', async () => {
    while (open.length > 0) await open.pop()?.close();
    const before = counters();
    expect(await thrice(() => enter(as('root', '', 'nowhere')))).toEqual(['1049', '1049', '1049']);
    expect(refusalsBetween(before, counters())).toEqual({ is: 'interval', low: 3, high: 3, full: 0 });
  });

  test.skipIf(process.geteuid?.() !== 0)(
    'root’s ways in that are denied, and our own tries at a full account, are subtracted to the last one',
    async () => {
      while (open.length > 0) await open.pop()?.close();
      const server = localServer();
      const found = { credentials: as('own'), place } as FoundCredentials;
      const look = async (options: Parameters<typeof lookAtDatabase>[2] = {}): Promise<DatabaseLook> => {
        const opened = await lookAtDatabase(server, found, options);
        await opened.close();
        return opened.look;
      };
      db.sql("ALTER USER root@localhost IDENTIFIED BY 'its-own'");
      try {
        const first = await look();
        expect(first).toMatchObject({ by: 'account', denied: true, own: { denied: 1 } });
        const second = await look();
        const bounds = (after: DatabaseLook, own?: OwnTries): unknown =>
          refusalsBetween(first.counters as Counters, after.counters as Counters, own);
        expect(bounds(second)).toEqual({ is: 'interval', low: 0, high: 1, full: 0 });
        expect(bounds(second, second.own)).toEqual({ is: 'interval', low: 0, high: 0, full: 0 });
        for (let i = 0; i < 2; i++) await enter(as('own'));
        const full = await look({ administrators: 'leave' });
        expect(full).toMatchObject({ by: 'kernel', own: { refused: 8, denied: 0 } });
        while (open.length > 0) await open.pop()?.close();
        const last = await look({ administrators: 'leave' });
        expect(bounds(last, sumOf(second.own, full.own))).toEqual({
          is: 'interval',
          low: 0,
          high: 0,
          full: 0,
        });
      } finally {
        const undo = await localDatabases.open(place, as('root', 'its-own'), 5000);
        if (undo.is === 'open') {
          await undo.session.ask("ALTER USER root@localhost IDENTIFIED BY ''");
          await undo.session.close();
        }
      }
    },
  );

  test('what the driver says of a refusal is understood as one', () => {
    expect(failureOf(1203, 'ER_TOO_MANY_USER_CONNECTIONS', '')).toMatchObject({ is: 'full', by: 'global' });
  });
});
