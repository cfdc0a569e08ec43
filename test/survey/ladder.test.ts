// Whom root's ways into a database are shown to: a socket may have been named by a file of the site's.
import { describe, expect, test } from 'vitest';
import { credentialsOf, type Place } from '../../src/database/credentials.ts';
import type { Seen, Server } from '../../src/server/server.ts';
import type { FoundCredentials } from '../../src/survey/credentials.ts';
import { enter } from '../../src/survey/ladder.ts';

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

/** Who was shown what, when the account is full and nobody else is let in either. */
async function shown(place: Place, real = (path: string): string => path): Promise<string[]> {
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
        return { is: 'failed', errno: 1203, code: '', message: 'has more than max_user_connections' };
      },
    },
    elapsed: () => 0,
    wait: async () => undefined,
  } as unknown as Server;
  const credentials = credentialsOf({ user: 'u12345_app', password: 'its-own' });
  await enter(server, { credentials, place } as unknown as FoundCredentials, '/run/mysqld/mysqld.sock');
  return [...new Set(asked)];
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
      'root /run/mysqld/mysqld.sock',
      'admin /run/mysqld/mysqld.sock',
    ]);
  });

  test('is not shown to another machine', async () => {
    expect(await shown({ is: 'tcp', host: 'db.example.com', port: 3306 })).toEqual([
      'u12345_app db.example.com',
    ]);
  });
});
