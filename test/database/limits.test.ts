// Which limit is in force and where it is set; whose a connection is counted as.
import { describe, expect, test } from 'vitest';
import { accountOf, hostOf, leavesRoom, limitOf, ownLimitIn, rowFor } from '../../src/database/limits.ts';

describe('the limit in force', () => {
  test.each([
    ['the account’s own only', { session: 5, global: 0, own: 5, server: 151 }, 'account', 5],
    ['the global one only', { session: 5, global: 5, own: 0, server: 151 }, 'global', 5],
    ['both: the account’s own wins', { session: 3, global: 5, own: 3, server: 151 }, 'account', 3],
    ['both: it wins when it is larger, too', { session: 8, global: 5, own: 8, server: 151 }, 'account', 8],
    ['none: the server’s', { session: 0, global: 0, own: 0, server: 151 }, 'server', 151],
    [
      'own one not to be read, another number than the global',
      { session: 3, global: 5, server: 151 },
      'account',
      3,
    ],
    [
      'own one not to be read, the same number',
      { session: 5, global: 5, server: 151 },
      'account-or-global',
      5,
    ],
    ['an administrator who asks for another account', { global: 5, own: 0, server: 151 }, 'global', 5],
    ['minus one lets nobody in', { session: -1, global: -1, own: 0, server: 151 }, 'administrators-only', 0],
  ] as const)('%s', (_, facts, is, connections) => {
    expect(limitOf(facts)).toEqual({ is, connections });
  });

  test('an account’s own limit is read without its password hash', () => {
    expect(
      ownLimitIn(
        "CREATE USER `u12345_app`@`localhost` IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9' WITH MAX_USER_CONNECTIONS 5",
      ),
    ).toBe(5);
    expect(ownLimitIn('CREATE USER `u`@`%` IDENTIFIED BY PASSWORD "*0"')).toBe(0);
  });

  test('3 of 5 is too much, 2 of 5 is not', () => {
    expect([1, 2, 3, 4, 5].filter((peak) => leavesRoom(peak, 5))).toEqual([1, 2]);
  });
});

describe('whose a connection is counted as', () => {
  const row = (host: string, user = 'u') => ({ user, host, own: 0 });
  test.each([
    ['localhost', ['localhost', '%'], 'localhost'],
    ['127.0.0.1', ['localhost', '127.0.0.1', '%'], '127.0.0.1'],
    ['10.1.2.3', ['10.%', '10.1.2.%', '%'], '10.1.2.%'],
    ['10.1.2.3', ['10.1.0.0/255.255.0.0', '%'], '10.1.0.0/255.255.0.0'],
    ['10.9.2.3', ['10.1.0.0/255.255.0.0', '%'], '%'],
    ['shop.example', ['%.example', '%'], '%.example'],
    ['SHOP.example', ['shop.example'], 'shop.example'],
  ])('a client of %s among %j is %s', (host, hosts, expected) => {
    expect(
      rowFor(
        'u',
        host,
        hosts.map((h) => row(h)),
      ),
    ).toMatchObject({ host: expected });
  });

  test('another user’s row and a host that fits none are nobody’s', () => {
    expect(rowFor('u', 'localhost', [row('localhost', 'v')])).toBe('unknown');
    expect(rowFor('u', 'localhost', [row('127.0.0.1')])).toBe('unknown');
  });

  test('names and hosts are taken apart where they end', () => {
    expect(accountOf('a@b@localhost')).toEqual({ user: 'a@b', host: 'localhost' });
    expect(hostOf('127.0.0.1:48310')).toEqual({ host: '127.0.0.1', port: 48310 });
    expect(hostOf('localhost')).toEqual({ host: 'localhost' });
  });
});
