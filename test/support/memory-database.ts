// A MariaDB in memory: it answers what cronlatch asks as it stands at that moment, and counts who is connected.
import type { DatabaseFailure, DatabaseRow, DatabaseSession } from '../../src/server/databasePort.ts';

export interface MemoryDatabase {
  /** Connections of the application's own. */
  used: number;
  aborted: number;
  denied: number;
  uptime: number;
  limit: number;
  pending: number;
  done: number;
  stuck: number;
  down: boolean;
  /** Sessions of ours that are open now, and the most there were at once. */
  readonly ours: { now: number; most: number; opened: number };
  /** Ends every open session of ours. */
  kill(): void;
  open(user: string): DatabaseSession | DatabaseFailure;
}

const lost: DatabaseFailure = {
  is: 'failed',
  errno: 0,
  code: 'PROTOCOL_CONNECTION_LOST',
  message: 'Connection lost',
};

/** `admin`: root is let in, too. */
export function memoryDatabase(options: { readonly admin?: boolean } = {}): MemoryDatabase {
  let round = 0;
  let ids = 100;
  const db: MemoryDatabase = {
    used: 0,
    aborted: 7,
    denied: 0,
    uptime: 9000,
    limit: 5,
    pending: 40,
    done: 0,
    stuck: 0,
    down: false,
    ours: { now: 0, most: 0, opened: 0 },
    kill: () => {
      round++;
      db.ours.now = 0;
    },
    open(user) {
      if (db.down) return { is: 'failed', errno: 0, code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' };
      const account = user === 'u12345_app';
      if (!account && !(options.admin && user === 'root'))
        return { is: 'failed', errno: 1698, code: 'ER_ACCESS_DENIED', message: 'Access denied' };
      if (account && db.used >= db.limit) {
        db.aborted++;
        return {
          is: 'failed',
          errno: 1203,
          code: 'ER_TOO_MANY_USER_CONNECTIONS',
          message: "User u12345_app already has more than 'max_user_connections' active connections",
        };
      }
      return sessionOf(account);
    },
  };
  const sessionOf = (account: boolean): DatabaseSession => {
    const born = round;
    const id = ++ids;
    if (account) {
      db.ours.now++;
      db.ours.opened++;
      db.ours.most = Math.max(db.ours.most, db.ours.now);
    }
    let open = true;
    return {
      id,
      close: async () => {
        if (open && account && born === round) db.ours.now--;
        open = false;
      },
      ask: async (sql) => {
        if (db.down || born !== round) return lost;
        return { is: 'rows', rows: answer(sql, account ? [id] : []) };
      },
    };
  };
  const threads = (own: readonly number[]): number[] => [
    ...Array.from({ length: db.used }, (_, i) => i + 1),
    ...own,
  ];
  const counters = (): [string, number][] => [
    ['Aborted_connects', db.aborted],
    ['Aborted_connects_preauth', 0],
    ['Access_denied_errors', db.denied],
    ['Connection_errors_max_connections', 0],
    ['Uptime', db.uptime],
  ];
  const answer = (sql: string, own: readonly number[]): DatabaseRow[] => {
    if (sql.includes('CURRENT_USER() AS who'))
      return [{ who: 'u12345_app@localhost', most: db.limit, version: '10.11.19-MariaDB' }];
    if (sql.startsWith('SHOW CREATE USER')) return [{ x: 'CREATE USER u' }];
    if (sql.includes('@@port'))
      return [
        {
          version: '10.11.19-MariaDB',
          port: 3306,
          socket: '/s',
          global_most: db.limit,
          server_most: 151,
        },
      ];
    if (sql.includes('UNION ALL'))
      return [
        ...counters().map(([name, value]) => ({
          Variable_name: name.toUpperCase(),
          Value: String(value),
          Id: 0,
        })),
        ...threads(own).map((id) => ({ Variable_name: 'thread', Value: 'localhost', Id: id })),
      ];
    if (sql.startsWith('SHOW GLOBAL STATUS'))
      return counters().map(([name, value]) => ({ Variable_name: name, Value: String(value) }));
    if (sql.includes('FROM mysql.user')) return [{ u: 'u12345_app', h: 'localhost', own: 0 }];
    if (sql.includes('PROCESSLIST') && sql.includes('TIME_MS'))
      return threads(own).map((id) => ({
        Id: id,
        User: 'u12345_app',
        Host: 'localhost',
        Command: 'Sleep',
        Ms: '900',
        Time: 0,
      }));
    if (sql.includes('information_schema.COLUMNS'))
      return ['id', 'status'].map((c) => ({ t: 'import_jobs', c }));
    if (sql.includes('AS pending'))
      return [
        {
          pending: db.pending,
          processing: 0,
          done: db.done,
          failed: 0,
          stuck: db.stuck,
          oldest: null,
        },
      ];
    return [];
  };
  return db;
}
