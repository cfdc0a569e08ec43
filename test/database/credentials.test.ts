// Credentials as applications write them down, and where a client goes with them.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Credentials,
  credentialsOf,
  dotenv,
  fromUrl,
  fromVariables,
  placeOf,
  sayPlace,
} from '../../src/database/credentials.ts';
import { clientOptions, fromMyCnf, readMyCnf } from '../../src/database/myCnf.ts';
import { fromPhpConfig } from '../../src/database/phpConfig.ts';
import { reveal } from '../../src/database/secret.ts';
import { parse } from '../../src/worker/tree.ts';

/** As a plain object, the password shown: a test may. */
const plain = (found: Credentials | string): unknown =>
  typeof found === 'string' ? found : { ...found, password: reveal(found.password) };

describe('an address', () => {
  test.each([
    [
      'mysql://u:p@db.example:3307/app',
      { user: 'u', password: 'p', host: 'db.example', port: 3307, database: 'app' },
    ],
    ['mariadb://u@localhost', { user: 'u', password: '', host: 'localhost' }],
    [
      'mysql://u%40x:p%23w%3B1@[::1]:3306/a',
      { user: 'u@x', password: 'p#w;1', host: '::1', port: 3306, database: 'a' },
    ],
    ['mysql://u:100%@h/a', { user: 'u', password: '100%', host: 'h', database: 'a' }],
    [
      'mysql://u:a:b@h/a?serverVersion=10.11.2-MariaDB&charset=utf8mb4',
      { user: 'u', password: 'a:b', host: 'h', database: 'a' },
    ],
    [
      'pdo-mysql://u:p@h/a?unix_socket=/run/m.sock',
      { user: 'u', password: 'p', host: 'h', database: 'a', socket: '/run/m.sock' },
    ],
    [
      'mysql://u:p@h/a?ssl-mode=VERIFY_CA&ssl-ca=/etc/ca.pem',
      { user: 'u', password: 'p', host: 'h', database: 'a', tls: 'verify', ca: '/etc/ca.pem' },
    ],
    ['postgresql://u:p@h/a', 'other-database'],
    ['mysql://h/a', 'no-user'],
    ['sqlite.db', 'no-url'],
  ])('%s', (url, expected) => {
    expect(plain(fromUrl(url))).toEqual(expected);
  });
});

describe('a .env', () => {
  test('is read as phpdotenv and Symfony read it', () => {
    const text = `# DB_HOST=no
export DB_HOST=localhost # a comment
DB_USERNAME="u12345_app"
DB_PASSWORD='p#w;1 $x'
OTHER="a\\"b\\\\c \${DB_HOST}/$DB_USERNAME"
HASH=a#b
EMPTY=
 SPACED = x y
`;
    expect(Object.fromEntries(dotenv(text))).toEqual({
      DB_HOST: 'localhost',
      DB_USERNAME: 'u12345_app',
      DB_PASSWORD: 'p#w;1 $x',
      OTHER: 'a"b\\c localhost/u12345_app',
      HASH: 'a#b',
      EMPTY: '',
      SPACED: 'x y',
    });
  });

  test.each([
    [
      'Laravel',
      {
        DB_CONNECTION: 'mysql',
        DB_HOST: '127.0.0.1',
        DB_PORT: '3306',
        DB_DATABASE: 'app',
        DB_USERNAME: 'u',
        DB_PASSWORD: 'p',
      },
      { user: 'u', password: 'p', host: '127.0.0.1', port: 3306, database: 'app' },
    ],
    [
      'Symfony',
      { DATABASE_URL: 'mysql://u:p@127.0.0.1:3306/app?serverVersion=8', DB_USERNAME: 'other' },
      { user: 'u', password: 'p', host: '127.0.0.1', port: 3306, database: 'app' },
    ],
    [
      'short names',
      { DB_USER: 'u', DB_PASS: 'p', DB_NAME: 'app', DB_SOCKET: '/s' },
      { user: 'u', password: 'p', database: 'app', socket: '/s' },
    ],
    ['another database', { DB_CONNECTION: 'pgsql', DB_USERNAME: 'u' }, 'none'],
    ['another database by its address', { DATABASE_URL: 'postgres://u:p@h/a', DB_USERNAME: 'u' }, 'none'],
    ['nothing', { APP_ENV: 'prod' }, 'none'],
  ])('%s', (_, variables, expected) => {
    expect(plain(fromVariables(new Map(Object.entries(variables))))).toEqual(expected);
  });
});

const printDefaults = ['my_print_defaults', 'mariadb-print-defaults'].find(
  (p) => spawnSync('sh', ['-c', `command -v ${p}`]).status === 0,
);

describe('my.cnf', () => {
  const text = `# comment
[mysqld]
user=mysql
[client]
user = u12345_app
password = 'p#w;1'   # comment
port=3307
[client-mariadb]
socket="/run/a b.sock"
[mysql]
ssl_ca=/etc/ca.pem
no-auto-rehash
`;

  test('gives the client’s groups, the last word winning', () => {
    expect(plain(fromMyCnf(clientOptions(readMyCnf(text))))).toEqual({
      user: 'u12345_app',
      password: 'p#w;1',
      port: 3307,
      socket: '/run/a b.sock',
      ca: '/etc/ca.pem',
      tls: 'on',
    });
  });

  test('includes are kept in their place', () => {
    expect(readMyCnf('[client]\n!includedir /etc/mysql/conf.d/\n!include /x.cnf\n')).toEqual([
      { is: 'includedir', path: '/etc/mysql/conf.d/' },
      { is: 'include', path: '/x.cnf' },
    ]);
  });

  test.skipIf(printDefaults === undefined)('values are those of my_print_defaults', () => {
    const directory = mkdtempSync(join(tmpdir(), 'cronlatch-cnf-'));
    const values = [
      'plain',
      "'p#w;1'   # c",
      '"a\'b"',
      'a b',
      'x\\ty',
      'x\\\\y',
      '  lead',
      "'it\\'s'",
      'a;b',
      '"q" x',
      'a\\sb',
      'ends # c',
    ];
    const file = join(directory, 'my.cnf');
    const cnf = `[client]\n${values.map((v, i) => `v${i} = ${v}`).join('\n')}\n`;
    writeFileSync(file, cnf);
    const said = spawnSync(printDefaults ?? '', [`--defaults-file=${file}`, 'client'], {
      encoding: 'utf8',
    }).stdout;
    rmSync(directory, { recursive: true });
    const theirs = [...said.matchAll(/^--v(\d+)=(.*)$/gm)].map(([, i, v]) => [`v${i}`, v]);
    expect(theirs.length).toBe(values.length);
    expect([...clientOptions(readMyCnf(cnf))]).toEqual(theirs);
  });
});

describe('a PHP configuration, never run', () => {
  const env = new Map([['DB_PASSWORD', 'from-env']]);
  const expected = { user: 'u', password: 'p', host: 'localhost', database: 'app' };
  test.each([
    [
      'WordPress',
      "define('DB_NAME','app'); define( 'DB_USER', 'u' ); define('DB_PASSWORD','p'); define('DB_HOST','localhost'); $table_prefix='wp_';",
      expected,
    ],
    [
      'const',
      "const DB_HOST='localhost'; const DB_USER='u'; const DB_PASS='p'; const DB_NAME='app';",
      expected,
    ],
    ['variables', "$db_host='localhost'; $db_user='u'; $db_pass='p'; $db_name='app';", expected],
    [
      'variables without the word',
      "$host='localhost'; $username='u'; $password='p'; $dbname='app';",
      expected,
    ],
    [
      'an array',
      "return ['mail' => ['user' => 'no'], 'db' => ['host' => 'localhost', 'user' => 'u', 'password' => 'p', 'name' => 'app']];",
      expected,
    ],
    [
      'an assigned array',
      "$config['db']['host']='localhost'; $config['db']['user']='u'; $config['db']['password']='p'; $config['db']['name']='app';",
      expected,
    ],
    [
      'Magento',
      "return ['db' => ['connection' => ['default' => ['host' => 'localhost', 'dbname' => 'app', 'username' => 'u', 'password' => 'p']]]];",
      expected,
    ],
    [
      'Joomla',
      "class JConfig { public $host='localhost'; public $user='u'; public $password='p'; public $db='app'; }",
      expected,
    ],
    ['PDO', "$db = new PDO('mysql:host=localhost;dbname=app', 'u', 'p');", expected],
    [
      'mysqli with a socket',
      "$db = new mysqli('localhost', 'u', 'p', 'app', 0, '/s');",
      { user: 'u', password: 'p', host: 'localhost', database: 'app', socket: '/s' },
    ],
    [
      'Laravel’s file',
      "return ['connections' => ['sqlite' => ['driver'=>'sqlite','database'=>'x'], 'mysql' => ['driver'=>'mysql','host'=>env('DB_HOST','localhost'),'database'=>'app','username'=>env('DB_USERNAME','u'),'password'=>env('DB_PASSWORD','')]]];",
      { ...expected, password: 'from-env' },
    ],
    [
      'getenv with a default',
      "define('DB_HOST', getenv('NO') ?: 'localhost'); define('DB_USER', $_ENV['NO'] ?? 'u'); define('DB_PASSWORD', getenv('DB_PASSWORD'));",
      { user: 'u', password: 'from-env', host: 'localhost' },
    ],
    [
      'WordPress with a port',
      "define('DB_USER','u'); define('DB_PASSWORD','p'); define('DB_HOST','localhost:/run/x.sock');",
      { user: 'u', password: 'p', socket: '/run/x.sock' },
    ],
    ['a mail account', "$mail = ['host' => 'smtp.example', 'user' => 'u'];", 'none'],
    [
      'what only running would tell',
      "define('DB_USER', $x); define('DB_PASSWORD', load()); define('DB_HOST', 'localhost');",
      'none',
    ],
    [
      'another database',
      "return ['driver' => 'pgsql', 'host' => 'h', 'username' => 'u', 'password' => 'p'];",
      'none',
    ],
  ])('%s', async (_, code, found) => {
    const tree = await parse(`<?php ${code}`, 'php');
    expect(tree.is).toBe('parsed');
    if (tree.is === 'parsed') expect(plain(fromPhpConfig(tree.root, env))).toEqual(found);
  });
});

describe('where a client goes', () => {
  const there = ['/run/mysqld/mysqld.sock'];
  test.each([
    [{ host: 'localhost' }, there, '/run/mysqld/mysqld.sock', 'localhost'],
    [{}, there, '/run/mysqld/mysqld.sock', 'localhost'],
    [{ host: 'localhost' }, [], '127.0.0.1:3306', 'no-socket'],
    [{ host: '127.0.0.1' }, there, '127.0.0.1:3306', 'given'],
    [{ host: '::1', port: 3307 }, there, '[::1]:3307', 'given'],
    [{ host: 'localhost', socket: '/s' }, there, '/s', 'given'],
  ] as const)('%j with %j', (given, sockets, place, because) => {
    const found = placeOf(given, sockets);
    expect([sayPlace(found.place), found.because]).toEqual([place, because]);
  });

  test('credentials without a user are none', () => {
    expect(credentialsOf({ password: 'p', host: 'h' })).toBe('none');
  });
});
