// What a database is asked, each question by itself, and its answers as values. Nothing of a site's is read here.
import type { ThreadRow } from '../database/ends.ts';
import { type AccountRow, ownLimitIn } from '../database/limits.ts';
import { type Counters, countersOf } from '../database/refusals.ts';
import type { Told, Variables } from '../database/uses.ts';
import type { DatabaseRow, DatabaseSession } from '../server/databasePort.ts';

/** Asked in the account's own name: what is in force for it, and what it has of its own. */
export async function askAccount(session: DatabaseSession): Promise<Told | undefined> {
  const [row] = await rowsOf(
    session,
    'SELECT CURRENT_USER() AS who, @@session.max_user_connections AS most, VERSION() AS version',
  );
  if (row === undefined) return undefined;
  const mariadb = /mariadb/i.test(String(row['version']));
  const [own] = await rowsOf(session, mariadb ? 'SHOW CREATE USER' : 'SHOW CREATE USER CURRENT_USER()');
  return {
    current: String(row['who']),
    session: Number(row['most']),
    // The statement has the password's hash in it: it goes no further than this line.
    ...(own === undefined ? {} : { own: ownLimitIn(String(Object.values(own)[0] ?? '')) }),
  };
}

/** The server's variables; absent when it does not answer. */
export async function variablesOf(session: DatabaseSession): Promise<Variables | undefined> {
  const [row] = await rowsOf(
    session,
    'SELECT VERSION() AS version, @@port AS port, @@socket AS socket, @@global.max_user_connections AS global_most, @@global.max_connections AS server_most',
  );
  if (row === undefined) return undefined;
  return {
    version: String(row['version']),
    mariadb: /mariadb/i.test(String(row['version'])),
    port: Number(row['port']),
    socket: String(row['socket']),
    global: Number(row['global_most']),
    server: Number(row['server_most']),
  };
}

const statusQuery =
  "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_connects','Aborted_connects_preauth','Access_denied_errors','Connection_errors_max_connections','Uptime','Threads_connected','Max_used_connections')";

/** Counters anybody may read. */
export async function readCounters(session: DatabaseSession): Promise<Counters | undefined> {
  const answer = await session.ask(statusQuery);
  // No answer is no zero: that would be a server that was restarted.
  return answer.is === 'failed' ? undefined : countersOf(answer.rows);
}

/** Every connection that may be seen; absent without an answer, which is not the same as none. */
export async function processList(
  session: DatabaseSession,
  mariadb: boolean,
): Promise<ThreadRow[] | undefined> {
  // Milliseconds and threads are MariaDB's; the other form is understood everywhere.
  const answer = await session.ask(
    mariadb
      ? 'SELECT ID AS Id, USER AS User, HOST AS Host, DB AS db, COMMAND AS Command, TIME_MS AS Ms, TIME AS Time, STATE AS State, TID AS Tid FROM information_schema.PROCESSLIST'
      : 'SHOW FULL PROCESSLIST',
  );
  if (answer.is === 'failed') return undefined;
  return answer.rows.map((row) => ({
    id: Number(row['Id']),
    user: String(row['User']),
    host: String(row['Host'] ?? ''),
    db: String(row['db'] ?? ''),
    command: String(row['Command']),
    time: row['Ms'] === undefined ? Number(row['Time'] ?? 0) : Number(row['Ms']) / 1000,
    state: String(row['State'] ?? ''),
    ...(row['Tid'] === undefined ? {} : { tid: Number(row['Tid']) }),
  }));
}

/** Connections that have a transaction open. One that only reads within its statement is none that could be lost. */
export async function transactionsOf(session: DatabaseSession): Promise<ReadonlySet<number> | 'unseen'> {
  const answer = await session.ask(
    "SELECT t.trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id WHERE p.COMMAND = 'Sleep' OR t.trx_rows_modified > 0 OR t.trx_rows_locked > 0",
  );
  return answer.is === 'failed' ? 'unseen' : new Set(answer.rows.map((row) => Number(row['id'])));
}

/** The rows of this user name; administrators only. */
export async function accountRows(
  session: DatabaseSession,
  user: string,
): Promise<readonly AccountRow[] | 'unseen'> {
  const answer = await session.ask(
    'SELECT User AS u, Host AS h, max_user_connections AS own FROM mysql.user WHERE User = ?',
    [user],
  );
  if (answer.is === 'failed') return 'unseen';
  return answer.rows.map((row) => ({
    user: String(row['u']),
    host: String(row['h']),
    own: Number(row['own']),
  }));
}

async function rowsOf(session: DatabaseSession, sql: string): Promise<readonly DatabaseRow[]> {
  const answer = await session.ask(sql);
  return answer.is === 'failed' ? [] : answer.rows;
}
