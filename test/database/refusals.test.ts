// What an error means and what counters prove. Figures are those measured on MariaDB 10.11; MySQL's rows are from its documentation.
import { describe, expect, test } from 'vitest';
import {
  type Counters,
  countersOf,
  failureOf,
  provenBy,
  refusalsBetween,
} from '../../src/database/refusals.ts';

describe('what a failure means', () => {
  test.each([
    [
      1203,
      'ER_TOO_MANY_USER_CONNECTIONS',
      "User u12345_app already has more than 'max_user_connections' active connections",
      { is: 'full', by: 'global', errno: 1203 },
    ],
    [
      1226,
      'ER_USER_LIMIT_REACHED',
      "User 'u' has exceeded the 'max_user_connections' resource (current value: 5)",
      { is: 'full', by: 'account', errno: 1226 },
    ],
    [
      1226,
      'ER_USER_LIMIT_REACHED',
      "User 'u' has exceeded the 'max_queries_per_hour' resource (current value: 9)",
      { is: 'hourly', resource: 'max_queries_per_hour', errno: 1226 },
    ],
    [1040, 'ER_CON_COUNT_ERROR', 'Too many connections', { is: 'full', by: 'server', errno: 1040 }],
    [
      2002,
      '',
      'Received error packet before completion of TLS handshake. The authenticity of the following error cannot be verified: 1040 - Too many connections',
      { is: 'full', by: 'server', errno: 1040 },
    ],
    [
      1045,
      'ER_ACCESS_DENIED_ERROR',
      "Access denied for user 'u'@'localhost' (using password: YES)",
      { is: 'credentials', errno: 1045 },
    ],
    [
      1044,
      'ER_DBACCESS_DENIED_ERROR',
      "Access denied for user 'u'@'localhost' to database 'x'",
      { is: 'credentials', errno: 1044 },
    ],
    [
      1698,
      'ER_ACCESS_DENIED_NO_PASSWORD_ERROR',
      "Access denied for user 'root'@'localhost'",
      { is: 'credentials', errno: 1698 },
    ],
    [1049, 'ER_BAD_DB_ERROR', "Unknown database 'x'", { is: 'unknown-database', errno: 1049 }],
    [0, 'ENOENT', 'connect ENOENT /run/mysqld/mysqld.sock', { is: 'no-server' }],
    [0, 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:3306', { is: 'no-server' }],
    [0, 'ETIMEDOUT', 'connect ETIMEDOUT', { is: 'too-slow' }],
    [0, 'PROTOCOL_SEQUENCE_TIMEOUT', 'Query inactivity timeout', { is: 'too-slow' }],
    [1969, '', 'Query execution was interrupted (max_statement_time exceeded)', { is: 'too-slow' }],
    [0, 'PROTOCOL_CONNECTION_LOST', 'Connection lost: The server closed the connection.', { is: 'lost' }],
    [0, '', "Can't add new command when connection is in closed state", { is: 'lost' }],
    [
      0,
      'AUTH_SWITCH_PLUGIN_ERROR',
      'Server requests authentication using unknown plugin client_ed25519.',
      { is: 'unknown-plugin' },
    ],
    [0, 'HANDSHAKE_NO_SSL_SUPPORT', 'Server does not support secure connection', { is: 'tls' }],
    [1142, 'ER_TABLEACCESS_DENIED_ERROR', 'SELECT command denied', { is: 'other', errno: 1142 }],
  ] as const)('%s %s', (errno, code, message, expected) => {
    expect(failureOf(errno, code, message)).toEqual(expected);
  });
});

describe('what counters prove', () => {
  const zero: Counters = { aborted: 0, preauth: 0, denied: 0, full: 0, uptime: 100 };
  const after = (a: number, p: number, d: number, c: number): Counters => ({
    aborted: a,
    preauth: p,
    denied: d,
    full: c,
    uptime: 160,
  });

  test.each([
    ['nothing', [0, 0, 0, 0], [0, 0], 'none'],
    ['wrong passwords, unknown users, a database denied', [3, 0, 3, 0], [0, 3], 'unclear'],
    ['a table denied on a live connection', [0, 0, 3, 0], [0, 0], 'none'],
    ['a port scan', [3, 3, 0, 0], [0, 0], 'none'],
    ['1203', [3, 0, 0, 0], [3, 3], 'some'],
    ['1226', [3, 0, 0, 0], [3, 3], 'some'],
    ['1040: counted by itself', [4, 0, 0, 4], [0, 0], 'some'],
    ['1203, and as many tables denied, which hide it', [3, 0, 3, 0], [0, 3], 'unclear'],
    ['1203 twice among one wrong password', [3, 0, 1, 0], [2, 3], 'some'],
    ['1203 among a port scan', [6, 3, 0, 0], [3, 3], 'some'],
    ['everything together', [13, 3, 6, 4], [0, 6], 'some'],
  ] as const)('%s', (_, [a, p, d, c], [low, high], proven) => {
    const interval = refusalsBetween(zero, after(a, p, d, c));
    expect(interval).toEqual({ is: 'interval', low, high, full: c });
    expect(provenBy(interval)).toBe(proven);
  });

  test('MySQL has two of the four counters, so the lower bound is nothing (documented, not run)', () => {
    const interval = refusalsBetween({ aborted: 1, full: 0, uptime: 1 }, { aborted: 7, full: 2, uptime: 9 });
    expect(interval).toEqual({ is: 'interval', low: 0, high: 4, full: 2 });
    expect(
      provenBy(refusalsBetween({ aborted: 1, full: 0, uptime: 1 }, { aborted: 4, full: 0, uptime: 9 })),
    ).toBe('unclear');
  });

  test.each([
    ['a restart', { ...zero, uptime: 5 }],
    ['FLUSH STATUS', { ...zero, aborted: -1, uptime: 200 }],
  ])('after %s they say nothing about the time before', (_, now) => {
    expect(provenBy(refusalsBetween(zero, now))).toBe('reset');
  });

  test('the status rows of MariaDB and of MySQL become counters', () => {
    const rows = (values: Record<string, string>) =>
      Object.entries(values).map(([Variable_name, Value]) => ({ Variable_name, Value }));
    const base = { Aborted_connects: '7', Connection_errors_max_connections: '2', Uptime: '90' };
    expect(countersOf(rows(base))).toEqual({ aborted: 7, full: 2, uptime: 90 });
    expect(countersOf(rows({ ...base, Aborted_connects_preauth: '1', Access_denied_errors: '3' }))).toEqual({
      aborted: 7,
      preauth: 1,
      denied: 3,
      full: 2,
      uptime: 90,
    });
  });
});
