// One look at a database: limits, counters, every connection and who owns it. With no way in, what the kernel tells.
import { endsOf, type ThreadRow } from '../database/ends.ts';
import {
  type AccountRow,
  accountOf,
  hostOf,
  type Limit,
  limitOf,
  ownLimitIn,
  rowFor,
} from '../database/limits.ts';
import { classOf, type Owned, type SocketHolder, type Transaction } from '../database/owners.ts';
import { type Counters, countersOf } from '../database/refusals.ts';
import type { DatabaseRow, DatabaseSession, SocketView } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';
import type { FoundCredentials } from './credentials.ts';
import { enter, type Inside, type Refused } from './ladder.ts';

export interface AccountUse {
  /** USER@HOST as the server keeps it. */
  readonly account: string;
  readonly used: number;
  readonly limit: Limit;
  /** Without an administrator's view, other rows of the same user cannot always be told apart. */
  readonly certain: boolean;
}

export type Unseen = 'transactions' | 'other-accounts' | 'own-limit' | 'unix-owners' | 'connections';

export interface DatabaseLook {
  readonly by: 'account' | 'administrator' | 'kernel';
  readonly how?: string;
  readonly tries: number;
  readonly refused?: Refused;
  readonly version?: string;
  readonly mariadb: boolean;
  /** The account asked about, as the server keeps it. */
  readonly account?: string;
  readonly limit?: Limit;
  readonly uses: readonly AccountUse[];
  readonly counters?: Counters;
  /** Connections of this user name, our own left out. */
  readonly connections: readonly Owned[];
  /** How many connections to this database each process holds. */
  readonly processes: readonly { readonly holder: SocketHolder; readonly connections: number }[];
  /** Server ends that no client has any more. */
  readonly dead: number;
  readonly unseen: readonly Unseen[];
}

/** A look that goes on: `again` takes another with the same sessions, `close` ends them. */
export interface OpenLook {
  readonly look: DatabaseLook;
  readonly session?: DatabaseSession;
  again(): Promise<DatabaseLook>;
  close(): Promise<void>;
}

/** Opens what can be opened, and looks. Nothing is changed. */
export async function lookAtDatabase(server: Server, found: FoundCredentials): Promise<OpenLook> {
  const { place } = found;
  const kernel = await server.sockets.look(
    place.is === 'socket' ? { socket: place.path } : { port: place.port },
  );
  const inside = await enter(server, found, kernel.server?.socket);
  const told = inside.account === undefined ? undefined : await askAccount(inside.account);
  // The account's own connection is one of the few there are: with an administrator inside it is given back at once.
  if (inside.admin !== undefined) await inside.account?.close();
  const session = inside.admin?.session ?? inside.account;
  const again = (): Promise<DatabaseLook> => lookOnce(server, found, inside, told);
  return {
    look: await again(),
    ...(session === undefined ? {} : { session }),
    again,
    close: async () => session?.close(),
  };
}

/** What only the account itself can be asked. */
interface Told {
  readonly current: string;
  readonly session: number;
  readonly own?: number;
}

async function askAccount(session: DatabaseSession): Promise<Told | undefined> {
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

async function lookOnce(
  server: Server,
  found: FoundCredentials,
  inside: Inside,
  told: Told | undefined,
): Promise<DatabaseLook> {
  const { place, credentials } = found;
  const admin = inside.admin !== undefined;
  const session = inside.admin?.session ?? inside.account;
  const variables = session === undefined ? undefined : await variablesOf(session);
  const at = {
    ...(place.is === 'socket' ? { socket: place.path } : { port: place.port }),
    ...(variables === undefined ? {} : { port: variables.port, socket: variables.socket }),
  };
  const common = {
    tries: inside.tries,
    ...(inside.refused === undefined ? {} : { refused: inside.refused }),
    ...(inside.admin === undefined ? {} : { how: inside.admin.how }),
  };
  if (session === undefined || variables === undefined) {
    const view = await server.sockets.look(at);
    const unseen: Unseen[] = ['connections', 'transactions'];
    // Let in, and then left without an answer.
    const lost = { refused: { failure: { is: 'lost' as const }, errno: 0, message: '' } };
    return {
      ...common,
      ...(session === undefined ? {} : lost),
      by: 'kernel',
      mariadb: true,
      uses: [],
      connections: [],
      ...kernelOf(view, server.self.pid),
      unseen,
    };
  }
  const rows = await processList(session, variables.mariadb);
  const open = await transactionsOf(session);
  const counters = countersOf(await rowsOf(session, statusQuery));
  const view = await server.sockets.look(at);
  const threads =
    server.self.root && view.server !== undefined
      ? await server.sockets.threads(
          view.server.pid,
          rows.flatMap((row) => (row.tid === undefined ? [] : [row.tid])),
        )
      : new Map<number, number>();
  const ends = endsOf(rows, { view, threads, complete: admin });
  const self = new Set([session.id]);
  const others = rows.filter((row) => row.user === credentials.user && !self.has(row.id));
  const connections = others.map((row): Owned => {
    const end = ends.get(row.id) ?? { is: 'unseen' as const };
    const transaction: Transaction = open === 'unseen' ? 'unseen' : open.has(row.id) ? 'open' : 'none';
    return { ...row, end, transaction, class: classOf(row, end, self) };
  });
  const accounts = admin ? await accountRows(session, credentials.user) : 'unseen';
  const uses = usesOf(connections, accounts, told, variables, credentials.user);
  const account = told?.current ?? uses[0]?.account;
  const limit = uses.find((use) => use.account === account)?.limit;
  return {
    ...common,
    by: admin ? 'administrator' : 'account',
    version: variables.version,
    mariadb: variables.mariadb,
    ...(account === undefined ? {} : { account }),
    ...(limit === undefined ? {} : { limit }),
    uses,
    counters,
    connections,
    ...kernelOf(view, server.self.pid),
    unseen: [
      ...(open === 'unseen' ? (['transactions'] as const) : []),
      ...(accounts === 'unseen' ? (['other-accounts'] as const) : []),
      ...(limit?.is === 'account-or-global' ? (['own-limit'] as const) : []),
      ...(connections.some((one) => one.class === 'unseen' && hostOf(one.host).port === undefined)
        ? (['unix-owners'] as const)
        : []),
    ],
  };
}

interface Variables {
  readonly version: string;
  readonly mariadb: boolean;
  readonly port: number;
  readonly socket: string;
  readonly global: number;
  readonly server: number;
}

async function variablesOf(session: DatabaseSession): Promise<Variables | undefined> {
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

/** Counters anybody may read. */
const statusQuery =
  "SHOW GLOBAL STATUS WHERE Variable_name IN ('Aborted_connects','Aborted_connects_preauth','Access_denied_errors','Connection_errors_max_connections','Uptime','Threads_connected','Max_used_connections')";

async function processList(session: DatabaseSession, mariadb: boolean): Promise<ThreadRow[]> {
  // Milliseconds and threads are MariaDB's; the other form is understood everywhere.
  const rows = await rowsOf(
    session,
    mariadb
      ? 'SELECT ID AS Id, USER AS User, HOST AS Host, DB AS db, COMMAND AS Command, TIME_MS AS Ms, TIME AS Time, STATE AS State, TID AS Tid FROM information_schema.PROCESSLIST'
      : 'SHOW FULL PROCESSLIST',
  );
  return rows.map((row) => ({
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
async function transactionsOf(session: DatabaseSession): Promise<ReadonlySet<number> | 'unseen'> {
  const answer = await session.ask(
    "SELECT t.trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id WHERE p.COMMAND = 'Sleep' OR t.trx_rows_modified > 0 OR t.trx_rows_locked > 0",
  );
  return answer.is === 'failed' ? 'unseen' : new Set(answer.rows.map((row) => Number(row['id'])));
}

async function accountRows(
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

/** Connections per account row, each against its own limit. */
function usesOf(
  connections: readonly Owned[],
  accounts: readonly AccountRow[] | 'unseen',
  told: Told | undefined,
  { global, server }: Variables,
  user: string,
): AccountUse[] {
  const mine: AccountRow | undefined =
    told === undefined ? undefined : { ...accountOf(told.current), user, own: told.own ?? 0 };
  const rows = accounts === 'unseen' ? (mine === undefined ? [] : [mine]) : accounts;
  const counts = new Map<string, number>(rows.map((row) => [`${user}@${row.host}`, 0]));
  for (const one of connections) {
    const { host } = hostOf(one.host);
    const row = rowFor(user, host, rows);
    const name = `${user}@${row === 'unknown' ? host : row.host}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([account, used]) => {
    const row = rows.find(({ host }) => account === `${user}@${host}`);
    const asked = account === told?.current ? told : undefined;
    const own = accounts === 'unseen' ? asked?.own : row?.own;
    return {
      account,
      used,
      limit: limitOf({
        ...(asked === undefined ? {} : { session: asked.session }),
        global,
        ...(own === undefined ? {} : { own }),
        server,
      }),
      // A pattern may share its connections with rows that only an administrator sees.
      certain: accounts !== 'unseen' || (row !== undefined && !/[%_]/.test(row.host)),
    };
  });
}

function kernelOf(view: SocketView, self: number): Pick<DatabaseLook, 'processes' | 'dead'> {
  const counts = new Map<number, { holder: SocketHolder; connections: number }>();
  for (const holders of view.holders.values())
    for (const holder of holders.filter(({ pid }) => pid !== self)) {
      const seen = counts.get(holder.pid) ?? { holder, connections: 0 };
      counts.set(holder.pid, { ...seen, connections: seen.connections + 1 });
    }
  const unix = view.unix === 'unseen' ? [] : view.unix;
  return {
    processes: [...counts.values()].sort(
      (a, b) => b.connections - a.connections || a.holder.pid - b.holder.pid,
    ),
    dead:
      unix.filter((one) => one.client === 0).length +
      view.tcp.filter((one) => one.inode === 0 && one.serverState === 'CLOSE-WAIT').length,
  };
}

async function rowsOf(session: DatabaseSession, sql: string): Promise<readonly DatabaseRow[]> {
  const answer = await session.ask(sql);
  return answer.is === 'failed' ? [] : answer.rows;
}
