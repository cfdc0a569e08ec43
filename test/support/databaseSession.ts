// A MariaDB in memory that answers what cronlatch asks it.
import type { DatabaseFailure, DatabaseRow, DatabaseSession } from '../../src/server/databasePort.ts';

export const canary = 'canary-p#w;1';

/** A MariaDB that answers what it is asked, as it stands at that moment. */
export interface State {
  used: number;
  aborted: number;
  denied: number;
  pending: number;
  done: number;
  /** Questions until it goes away. */
  left: number;
  tables: boolean;
  /** Where the connections come from, when not from here. */
  from?: string;
}

/** A session of it. */
export function session(state: State): DatabaseSession {
  const rows = (...found: DatabaseRow[]) => ({ is: 'rows' as const, rows: found });
  return {
    id: 1,
    close: () => Promise.resolve(),
    ask: async (sql) => {
      if (state.left-- <= 0) return failure(0, 'PROTOCOL_CONNECTION_LOST', 'Connection lost');
      if (sql.includes('CURRENT_USER() AS who'))
        return rows({ who: 'u12345_app@localhost', most: 5, version: '10.11.19-MariaDB' });
      if (sql.startsWith('SHOW CREATE USER')) return rows({ x: `CREATE USER u IDENTIFIED BY '${canary}'` });
      if (sql.includes('@@port'))
        return rows({
          version: '10.11.19-MariaDB',
          port: 3306,
          socket: '/s',
          global_most: 5,
          server_most: 151,
        });
      if (sql.includes('PROCESSLIST') && sql.includes('TIME_MS'))
        return rows(
          ...Array.from({ length: state.used + 1 }, (_, i) => ({
            Id: i + 1,
            User: 'u12345_app',
            Host: state.from ?? 'localhost',
            Command: 'Sleep',
            Ms: '900',
            Time: 0,
          })),
        );
      if (sql.startsWith('SHOW GLOBAL STATUS'))
        return rows(
          { Variable_name: 'Aborted_connects', Value: String(state.aborted) },
          { Variable_name: 'Aborted_connects_preauth', Value: '0' },
          { Variable_name: 'Access_denied_errors', Value: String(state.denied) },
          { Variable_name: 'Connection_errors_max_connections', Value: '0' },
          { Variable_name: 'Uptime', Value: '9000' },
        );
      if (sql.includes('information_schema.COLUMNS'))
        return rows(...(state.tables ? ['id', 'status'] : []).map((c) => ({ t: 'import_jobs', c })));
      if (sql.includes('AS pending'))
        return rows({
          pending: state.pending,
          processing: 0,
          done: state.done,
          failed: 0,
          stuck: null,
          oldest: null,
        });
      return rows();
    },
  };
}

/** What the port says when it does not let in. */
export function failure(errno: number, code: string, message: string): DatabaseFailure {
  return { is: 'failed', errno, code, message };
}
