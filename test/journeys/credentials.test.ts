// Where credentials come from, in the stated order, on a server in memory.
import { describe, expect, test } from 'vitest';
import { type Credentials, credentialsOf, sayPlace } from '../../src/database/credentials.ts';
import { type CredentialSource, findCredentials } from '../../src/survey/credentials.ts';
import { exampleUser, Machine, memoryServer } from '../support/memory-server.ts';

const { home } = exampleUser;
const app = `${home}/httpdocs/scripts`;

/** All places at once; each is taken away in turn, and the next one has to answer. */
const places: [CredentialSource, path: string, text: string][] = [
  ['dotenv', `${home}/httpdocs/.env`, 'DB_USERNAME=in_dotenv\nDB_HOST=localhost\nDB_PORT=3306\n'],
  ['my-cnf', `${home}/.my.cnf`, '[client]\nuser=in_my_cnf\nhost=127.0.0.1\n'],
  [
    'php-config',
    `${home}/httpdocs/config.php`,
    "<?php define('DB_USER','in_php'); define('DB_PASSWORD','p'); define('DB_HOST','db.example:3307');",
  ],
];

async function find(
  without: readonly string[],
  more: { env?: Map<string, string>; given?: Credentials } = {},
) {
  const machine = new Machine();
  machine.directory(app);
  for (const [, path, text] of places) if (!without.includes(path)) machine.put(path, text, { mode: 0o600 });
  return findCredentials(memoryServer(machine), {
    as: exampleUser,
    home,
    directory: app,
    env: more.env ?? new Map(),
    ...(more.given === undefined
      ? {}
      : { given: { credentials: more.given, source: 'flags', where: '--db-user' } }),
  });
}

describe('the order', () => {
  const env = new Map([['DATABASE_URL', 'mysql://in_environment:p@127.0.0.1/app']]);
  const given = credentialsOf({ user: 'in_flags' }) as Credentials;

  test('flags, then the environment, then .env, my.cnf and PHP', async () => {
    const without: string[] = [];
    const seen: string[] = [];
    const note = ({ found }: Awaited<ReturnType<typeof find>>): void => {
      seen.push(found === 'none' ? 'none' : `${found.source} ${found.credentials.user}`);
    };
    note(await find([], { env, given }));
    note(await find([], { env }));
    for (const [, path] of places) {
      note(await find(without));
      without.push(path);
    }
    note(await find(without));
    expect(seen).toEqual([
      'flags in_flags',
      'environment in_environment',
      'dotenv in_dotenv',
      'my-cnf in_my_cnf',
      'php-config in_php',
      'none',
    ]);
  });

  test('every place that was looked at is told, in that order', async () => {
    const { looked } = await find(places.slice(0, 2).map(([, path]) => path));
    expect(looked).toEqual([
      'environment',
      `${app}/.env`,
      `${home}/httpdocs/.env`,
      `${home}/.env`,
      `${home}/httpdocs/config.php`,
    ]);
  });

  test('a file that everybody may read is said to be one', async () => {
    const machine = new Machine();
    machine.put(`${app}/.env`, 'DB_USER=u\n', { mode: 0o644 });
    const { found } = await findCredentials(memoryServer(machine), {
      as: exampleUser,
      home,
      directory: app,
      env: new Map(),
    });
    expect(found).toMatchObject({ worldReadable: true, where: `${app}/.env` });
  });

  test('without a socket localhost is TCP, and that is said', async () => {
    const { found } = await find([]);
    expect(found === 'none' ? 'none' : [sayPlace(found.place), found.placeBecause]).toEqual([
      '127.0.0.1:3306',
      'no-socket',
    ]);
  });
});

describe('a port that is none', () => {
  const at = `${home}/httpdocs`;
  test.each([
    ['.env', 'DB_USERNAME=u\nDB_HOST=127.0.0.1\nDB_PORT=65536\n', `${at}/.env:3`],
    ['.env', 'DB_PORT=3306\nDB_PORT=99999\nDB_USERNAME=u\nDB_HOST=db.example.com\n', `${at}/.env:2`],
    ['.env', 'DB_USERNAME=u\nDB_HOST=127.0.0.1\nDB_PORT=3306123\n', `${at}/.env:3`],
    ['.env', 'DATABASE_URL=mysql://u:p@db.example.com:70000/app\n', `${at}/.env:1`],
    [
      'config.php',
      "<?php\n\ndefine('DB_HOST', 'db.example.com:70000');\ndefine('DB_USER', 'u');\ndefine('DB_PASSWORD', 'p');\n",
      `${at}/config.php:3`,
    ],
  ])('in %s is told with its line: %j', async (name, text, where) => {
    const machine = new Machine();
    machine.directory(app);
    machine.put(`${at}/${name}`, text, { mode: 0o600 });
    const { found } = await findCredentials(memoryServer(machine), {
      as: exampleUser,
      home,
      directory: app,
      env: new Map(),
    });
    expect(found === 'none' ? 'none' : found.wrongPort?.at).toBe(where);
    if (found !== 'none' && found.place.is === 'tcp') expect(found.place.port).toBe(found.wrongPort?.port);
  });

  test('in my.cnf, and in flags', async () => {
    const machine = new Machine();
    machine.put(`${home}/.my.cnf`, '[client]\nuser=u\nhost=127.0.0.1\nport=100000\n', { mode: 0o600 });
    const search = { as: exampleUser, home, directory: home, env: new Map() };
    const inFile = await findCredentials(memoryServer(machine), search);
    expect(inFile.found).toMatchObject({ wrongPort: { port: 100000, at: `${home}/.my.cnf:4` } });
    const credentials = credentialsOf({ user: 'u', host: '127.0.0.1', port: '99999' }) as Credentials;
    const given = { credentials, source: 'flags' as const, where: '--db-user' };
    const inFlags = await findCredentials(memoryServer(machine), { ...search, given });
    expect(inFlags.found).toMatchObject({ wrongPort: { port: 99999, at: '--db-port' } });
  });

  test.each([
    ['65535', 65535],
    ['0', 3306],
    ['none', 3306],
  ])('%s is one, or the usual one as in PHP', async (port, expected) => {
    const machine = new Machine();
    machine.put(`${home}/.env`, `DB_USERNAME=u\nDB_HOST=127.0.0.1\nDB_PORT=${port}\n`, { mode: 0o600 });
    const search = { as: exampleUser, home, directory: home, env: new Map() };
    const { found } = await findCredentials(memoryServer(machine), search);
    expect(found).toMatchObject({ place: { port: expected } });
    expect(found).not.toHaveProperty('wrongPort');
  });

  test('of localhost means nothing, as in PHP', async () => {
    const machine = new Machine();
    machine.put(`${home}/.env`, 'DB_USERNAME=u\nDB_HOST=localhost\nDB_PORT=99999\n', { mode: 0o600 });
    const search = { as: exampleUser, home, directory: home, env: new Map() };
    const { found } = await findCredentials(memoryServer(machine), search);
    expect(found).not.toHaveProperty('wrongPort');
  });
});
