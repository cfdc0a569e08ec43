// The database driver's only home, loaded when a database is really asked. Nothing here throws: failures are values.
import type { Connection, ConnectionOptions, QueryError } from 'mysql2';
import type { Credentials, Place } from '../database/credentials.ts';
import { reveal } from '../database/secret.ts';
import type { DatabaseFailure, DatabaseRow, DatabaseSession, Databases } from './databasePort.ts';

export const localDatabases: Databases = {
  async open(place, credentials, timeout) {
    const options = optionsFor(place, credentials, timeout);
    if ('is' in options) return options;
    const { createConnection } = await driver();
    return new Promise((done) => {
      let connection: Connection;
      try {
        connection = createConnection(options);
      } catch (error) {
        // A port that is none, or an authority that is no certificate.
        done(failure(error as Error));
        return;
      }
      let settled = false;
      const settle = (answer: Awaited<ReturnType<Databases['open']>>): void => {
        if (settled) return;
        settled = true;
        clearTimeout(limit);
        if (answer.is === 'failed') end(connection);
        done(answer);
      };
      // The driver's own limit ends with the first packet: a server may hang after it, too.
      const limit = setTimeout(
        () => settle({ is: 'failed', errno: 0, code: 'ETIMEDOUT', message: 'no answer in time' }),
        timeout,
      );
      // Without a listener a connection that somebody ends would end this process.
      connection.on('error', (error) => settle(failure(error as QueryError)));
      connection.connect((error) =>
        settle(error ? failure(error) : { is: 'open', session: sessionOf(connection) }),
      );
    });
  },
};

/**
 * Ends it at once. The driver's own `destroy` says goodbye and waits for the other side to do so, too: a server that falls
 * silent would keep the socket, and with it this process, for as long as it likes.
 */
function end(connection: Connection): void {
  connection.destroy();
  const { stream } = connection as unknown as { readonly stream?: { destroy(): void } };
  stream?.destroy();
}

/** Node gives a CommonJS package its names, a bundle may keep them under `default`. */
async function driver(): Promise<typeof import('mysql2')> {
  const loaded = (await import('mysql2')) as typeof import('mysql2') & { default?: typeof import('mysql2') };
  return loaded.default ?? loaded;
}

function optionsFor(
  place: Place,
  { user, password, database, tls = 'off', ca, authority }: Credentials,
  timeout: number,
): ConnectionOptions | DatabaseFailure {
  const encrypted = tls !== 'off' && place.is !== 'socket';
  // Only what was read with the rights of whoever named the file: this process may be root, and the file anything.
  if (encrypted && ca !== undefined && typeof authority !== 'object')
    return { is: 'failed', errno: 0, code: 'TLS_CA', message: `the authority's file ${ca} cannot be read` };
  return {
    ...(place.is === 'socket' ? { socketPath: place.path } : { host: place.host, port: place.port }),
    user,
    password: reveal(password),
    ...(database === undefined ? {} : { database }),
    ...(encrypted
      ? {
          ssl: {
            rejectUnauthorized: tls === 'verify',
            ...(typeof authority === 'object' ? { ca: authority.text } : {}),
          },
        }
      : {}),
    connectTimeout: timeout,
    dateStrings: true,
    supportBigNumbers: true,
    multipleStatements: false,
    // A server must not be able to ask for this machine's files.
    flags: ['-LOCAL_FILES'],
    connectAttributes: { program_name: 'cronlatch' },
  };
}

function sessionOf(connection: Connection): DatabaseSession {
  return {
    id: connection.threadId ?? 0,
    ask: (sql, values = [], timeout = 3000) =>
      new Promise((done) => {
        const limit = setTimeout(() => {
          end(connection);
          done({ is: 'failed', errno: 0, code: 'ETIMEDOUT', message: 'no answer in time' });
        }, timeout);
        const finish = (answer: Awaited<ReturnType<DatabaseSession['ask']>>): void => {
          clearTimeout(limit);
          done(answer);
        };
        connection.query({ sql, values: [...values] }, (error, result) =>
          finish(error ? failure(error) : { is: 'rows', rows: rowsOf(result) }),
        );
      }),
    close: () =>
      new Promise((done) => {
        const limit = setTimeout(() => {
          end(connection);
          done();
        }, 500);
        connection.end(() => {
          clearTimeout(limit);
          done();
        });
      }),
  };
}

function rowsOf(result: unknown): DatabaseRow[] {
  if (!Array.isArray(result)) return [];
  return result.map((row: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        value === null || typeof value === 'number'
          ? value
          : Buffer.isBuffer(value)
            ? value.toString('utf8')
            : String(value),
      ]),
    ),
  );
}

function failure(error: Pick<QueryError, 'message'> & Partial<QueryError>): DatabaseFailure {
  const errno = typeof error.errno === 'number' && error.errno > 0 ? error.errno : 0;
  // Of several addresses of one name each has failed; the first says why.
  const [inner] = (error as { errors?: Error[] }).errors ?? [];
  const message = error.message || inner?.message || '';
  return {
    is: 'failed',
    errno,
    code: typeof error.code === 'string' ? error.code : '',
    message: (message.split('\n')[0] ?? '').slice(0, 300),
  };
}
