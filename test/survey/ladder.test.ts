// Whom root's ways into a database are shown to: a socket may have been named by a file of the site's.
import { describe, expect, test } from 'vitest';
import { credentialsOf, type Place } from '../../src/database/credentials.ts';
import type { Seen, Server } from '../../src/server/server.ts';
import type { FoundCredentials } from '../../src/survey/credentials.ts';
import { enter, type Inside } from '../../src/survey/ladder.ts';

const directory = (uid: number, mode: number): Seen => ({
  is: 'directory',
  mode,
  uid,
  gid: uid,
  inode: `${uid}:${mode}`,
});
const directories: Readonly<Record<string, Seen>> = {
  '/': directory(0, 0o755),
  '/run': directory(0, 0o755),
  '/run/mysqld': directory(106, 0o755),
  '/run/open': directory(106, 0o757),
  '/tmp': directory(0, 0o1777),
  '/home': directory(0, 0o755),
  '/home/example-user': directory(10001, 0o755),
  '/home/example-user/root': directory(0, 0o755),
};
const shadow: Seen = {
  is: 'file',
  bytes: 'the-panels-own',
  mode: 0o600,
  uid: 0,
  gid: 0,
  inode: '1:1',
  mtime: '0.0',
  links: 1,
};

type Opened = { is: 'failed'; errno: number; code: string; message: string };
const failed = (errno: number): Opened => ({ is: 'failed', errno, code: '', message: '' });

/** Goes up the ladder where everybody is answered so; who was asked, where, and what came of it. */
async function climb(
  place: Place,
  {
    real = (path: string): string => path,
    answer = (_: string): Opened => failed(1203),
    administrators = 'ask' as 'ask' | 'leave',
  } = {},
): Promise<{ asked: string[]; inside: Inside }> {
  const asked: string[] = [];
  const server = {
    self: { root: true, user: 'root', owner: { uid: 0, gid: 0 } },
    files: {
      real: async (path: string) => real(path),
      look: async (path: string): Promise<Seen> =>
        path === '/etc/psa/.psa.shadow' ? shadow : (directories[path] ?? { is: 'absent' }),
    },
    people: {
      find: async (uid: number) => (uid === 106 ? { name: 'mysql' } : { name: 'example-user' }),
    },
    databases: {
      open: async (at: Place, { user }: { user: string }) => {
        asked.push(`${user} ${at.is === 'socket' ? at.path : at.host}`);
        return answer(user);
      },
    },
    elapsed: () => 0,
    wait: async () => undefined,
  } as unknown as Server;
  const credentials = credentialsOf({ user: 'u12345_app', password: 'its-own' });
  const found = { credentials, place } as unknown as FoundCredentials;
  return { asked, inside: await enter(server, found, '/run/mysqld/mysqld.sock', administrators) };
}

/** Who was shown what, when the account is full and nobody else is let in either. */
async function shown(place: Place, real?: (path: string) => string): Promise<string[]> {
  return [...new Set((await climb(place, real === undefined ? {} : { real })).asked)];
}

const socket = (path: string): Place => ({ is: 'socket', path });

describe('the panel’s password', () => {
  test.each([
    ['a socket in the database’s own directory', socket('/run/mysqld/mysqld.sock')],
    ['this machine by its loopback address', { is: 'tcp', host: '127.0.0.1', port: 3306 } as Place],
  ])('is tried at %s', async (_, place) => {
    expect(await shown(place)).toContain('admin /run/mysqld/mysqld.sock');
  });

  test.each([
    ['in a site’s directory', '/home/example-user/db.sock'],
    ['in a directory of root’s inside a site’s', '/home/example-user/root/db.sock'],
    ['where everybody may put one', '/tmp/mysql.sock'],
    ['in a directory that others may write', '/run/open/mysqld.sock'],
    ['that is not there', '/run/none/mysqld.sock'],
  ])('is not shown to a socket %s', async (_, path) => {
    const asked = await shown(socket(path));
    expect(asked.some((one) => one.startsWith('admin'))).toBe(false);
    expect(asked).toContain(`root ${path}`);
  });

  test('is not shown to a socket behind a link into a site’s directory', async () => {
    const asked = await shown(socket('/run/mysqld/mysqld.sock'), () => '/home/example-user');
    expect(asked.some((one) => one.startsWith('admin'))).toBe(false);
  });

  test('goes to the directory that was looked at, whatever a link on the way leads to by then', async () => {
    const asked = await shown(socket('/home/example-user/run/mysqld.sock'), () => '/run/mysqld');
    expect(asked.filter((one) => !one.startsWith('u12345_app'))).toEqual([
      'admin /run/mysqld/mysqld.sock',
      'root /run/mysqld/mysqld.sock',
    ]);
  });

  test('is not shown to another machine', async () => {
    expect(await shown({ is: 'tcp', host: 'db.example.com', port: 3306 })).toEqual([
      'u12345_app db.example.com',
    ]);
  });
});

describe('tries of our own that fail', () => {
  const here = socket('/run/mysqld/mysqld.sock');

  test('are counted by what they raise: the account’s for its limit, the administrators’ for their passwords', async () => {
    const { inside, asked } = await climb(here, {
      answer: (user) => failed(user === 'u12345_app' ? 1226 : 1045),
    });
    expect(inside).toMatchObject({ own: { refused: 8, denied: 2 }, tries: 8, denied: true });
    expect(asked.filter((one) => !one.startsWith('u12345_app'))).toHaveLength(2);
  });

  test.each([
    ['a wrong password', 1045, { refused: 0, denied: 3 }],
    ['a database that does not exist is counted like a limit', 1049, { refused: 1, denied: 2 }],
    ['a full server has a counter of its own', 1040, { refused: 0, denied: 2 }],
  ] as const)('%s', async (_, errno, own) => {
    const { inside } = await climb(here, {
      answer: (user) => failed(user === 'u12345_app' ? errno : 1698),
    });
    expect(inside.own).toEqual(own);
  });

  test('an administrator who was kept out by a full server may be let in later: that is no denial', async () => {
    const { inside } = await climb(here, { answer: (user) => failed(user === 'root' ? 1040 : 1045) });
    expect(inside.denied).toBe(false);
  });

  test('whoever was denied once is left alone', async () => {
    const { asked, inside } = await climb(here, { administrators: 'leave', answer: () => failed(1045) });
    expect(asked).toEqual(['u12345_app /run/mysqld/mysqld.sock']);
    expect(inside).toMatchObject({ own: { refused: 0, denied: 1 }, denied: false });
  });

  test('on Plesk its admin is asked first, since root has a password there', async () => {
    const { asked } = await climb(here);
    expect(asked.slice(0, 3)).toEqual([
      'u12345_app /run/mysqld/mysqld.sock',
      'admin /run/mysqld/mysqld.sock',
      'root /run/mysqld/mysqld.sock',
    ]);
  });
});
