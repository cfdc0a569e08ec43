// The real server judges what we let through: random statements, however it is set, with several of them in one question allowed.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Connection, createConnection } from 'mysql2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onlyReads } from '../../src/database/readOnly.ts';
import { closeWorkshop, workshop } from '../support/cron.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const why = mariadbMissing === '' ? '' : ` (skipped: ${mariadbMissing})`;
const runs = process.env['CRONLATCH_STRESS'] ? 100_000 : 4000;
const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);

let directory: string;
let db: Mariadb;
let connection: Connection;
const ask = (sql: string): Promise<Record<string, unknown>[] | 'failed'> =>
  new Promise((done) =>
    connection.query(sql, (error, rows) =>
      done(error || !Array.isArray(rows) ? 'failed' : (rows as Record<string, unknown>[])),
    ),
  );

beforeAll(async () => {
  if (mariadbMissing !== '') return;
  directory = workshop('readonly');
  mkdirSync(join(directory, 'db'));
  db = await startMariadb(join(directory, 'db'), ['--general-log=0']);
  db.sql(
    'CREATE DATABASE app; CREATE TABLE app.q (n INT); INSERT INTO app.q VALUES (1); CREATE SEQUENCE app.s',
  );
  connection = createConnection({
    socketPath: db.socket,
    user: 'root',
    database: 'app',
    multipleStatements: true,
  });
}, 60_000);
afterAll(async () => {
  connection?.destroy();
  await db?.stop();
  if (directory) closeWorkshop(directory);
});

test.skipIf(mariadbMissing !== '')(
  `nothing that is let through changes anything (${runs} statements, seed ${seed})${why}`,
  async () => {
    const part = fc.constantFrom(
      ...[
        "'",
        '"',
        '`',
        '\\',
        ' ',
        '\n',
        '\r',
        '--',
        '-- ',
        '#',
        '/*',
        '*/',
        '/*!',
        '/*M!',
        ';',
        ',',
        '(',
        ')',
      ],
      ...['1', '1.', '1e1', '\\N', "x'41'", 'n', '@x', ' q', '.', ' FROM q', ' FROM q ', ' AS n', 'é'],
      ...[
        'DELETE FROM q',
        '; DELETE FROM q',
        '; DELETE FROM q -- ',
        ';DELETE FROM q#',
        ' INTO @x',
        'into @x',
        ' FOR UPDATE',
      ],
      ...[
        'SELECT 1',
        'NEXT VALUE FOR s',
        'NEXTVAL(s)',
        "GET_LOCK('l', 0)",
        `INTO OUTFILE 'OUT'`,
        ' UNION SELECT 1',
      ],
    );
    const head = fc.constantFrom('SELECT ', 'SELECT 1 ', 'SELECT 1, ');
    const statement = fc
      .tuple(head, fc.array(part, { minLength: 1, maxLength: 9 }))
      .map(([first, parts]) => `${first}${parts.join('')}`.replaceAll('OUT', join(directory, 'out')));
    const all = fc.sample(statement, { numRuns: runs, seed }).filter(onlyReads);
    let answered = 0;
    for (const mode of ['', 'ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES']) {
      await ask(`SET SESSION sql_mode = '${mode}'`);
      for (const sql of all) {
        if ((await ask(sql)) !== 'failed') answered++;
        const state = await ask(
          "SELECT (SELECT COUNT(*) FROM q) AS rows_left, @x AS variable, (SELECT next_not_cached_value FROM s) AS counted, IS_FREE_LOCK(_utf8'l') AS free, @@in_transaction AS inside",
        );
        expect(state, `${mode}: ${sql}`).toEqual([
          { rows_left: 1, variable: null, counted: 1, free: 1, inside: 0 },
        ]);
      }
    }
    expect(existsSync(join(directory, 'out'))).toBe(false);
    // A judge who let nothing through would pass all of this.
    expect(all.length).toBeGreaterThan(runs / 50);
    expect(answered).toBeGreaterThan(all.length / 10);
  },
  1_800_000,
);
