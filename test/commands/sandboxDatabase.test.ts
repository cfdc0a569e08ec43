// Where the sandbox's database is: the address as it is given, and what PHP is told.
import { describe, expect, test } from 'vitest';
import { readPlace } from '../../src/commands/sandboxDatabase.ts';
import { Problem } from '../../src/problem.ts';

describe('the address of a given database', () => {
  test.each([
    ['mysql://u12345_app@127.0.0.1:3307/app', 'mysql:host=127.0.0.1;port=3307;dbname=app', 'u12345_app'],
    ['mariadb://u12345_app@db.example', 'mysql:host=db.example', 'u12345_app'],
    ['mysql://db.example/app', 'mysql:host=db.example;dbname=app', 'me'],
    ['mysql://u@[::1]:3306/', 'mysql:host=::1;port=3306', 'u'],
    ['mysql://a%40b@localhost/x%20y', 'mysql:host=localhost;dbname=x y', 'a@b'],
    [
      'mysql://u@localhost/app?socket=/run/mysqld/mysqld.sock',
      'mysql:unix_socket=/run/mysqld/mysqld.sock;dbname=app',
      'u',
    ],
    ['/run/mysqld/mysqld.sock', 'mysql:unix_socket=/run/mysqld/mysqld.sock', 'me'],
  ])('%s', (given, dsn, user) => {
    expect(readPlace(given, 'me')).toMatchObject({ dsn, user });
  });

  test.each([
    ['127.0.0.1:3306', /no address|no MariaDB/],
    ['postgres://u@db.example/app', /no MariaDB or MySQL/],
    ['mysql:///app', /no host/],
    ['mysql://u@h/app?socket=tmp/x', /absolute/],
    ['mysql://u@h/app%3Bhost=other', /semicolon/],
    ['/tmp/x;host=other', /semicolon/],
    ['mysql://u:CANARY@h/app', /a password in it can be read by everybody/],
  ])('%s is refused, and no word of it is repeated', (given, why) => {
    let problem: unknown;
    try {
      readPlace(given, 'me');
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(Problem);
    const { code, args, exit } = problem as Problem;
    expect([code, exit]).toEqual(['usage', 2]);
    expect(args['what']).toMatch(why);
    expect(JSON.stringify(args)).not.toContain('CANARY');
  });
});
