// cronlatch-guard version: 1.2.0
//
// The guard's second lock, for one worker on several web servers: GET_LOCK in the MySQL or MariaDB that they share. Twin of
// cronlatch-shared.php. cronlatch-guard.mjs starts this file as a thread once it holds its own lock, and only with the
// option `shared`: the path of a .env file, or `env` for the environment. Node 16 or newer, with the application's mysql2. With
// `#NAME` behind it the lock is named by that instead of by the worker, which may be called otherwise on another server.
//
// The lock lives as long as its connection. It has a thread to itself for two reasons: the guard can wait for the answer
// before the worker's first import is run, and the connection is looked after while the worker keeps its event loop busy.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

const { memory, script, maxRuntime } = workerData;
const [, from, name] = /^(.*)#([\w.-]+)$/s.exec(workerData.from) || [0, workerData.from, workerData.name];
const word = new Int32Array(memory, 0, 2); // the answer, and how long its text is
const text = new Uint8Array(memory, 8);
const ANSWERS = { ours: 1, busy: 2, error: 3, lost: 4 };
let lock = '';
let over = '';

/** Wakes the guard, which waits for this word. What is lost stays lost. */
function answer(is, what) {
  const { written } = new TextEncoder().encodeInto(what, text);
  Atomics.store(word, 1, written);
  Atomics.store(word, 0, ANSWERS[is]);
  Atomics.notify(word, 0);
}

function variables() {
  if (from === 'env') return new Map(Object.entries(process.env));
  if (!from.startsWith('/')) throw new Error(`cannot read ${from}: not an absolute path`);
  const known = new Map();
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=[ \t]*(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^\r\n]*))[^\r\n]*$/gm;
  const expand = (value) =>
    value.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, plain) => known.get(braced || plain) ?? whole);
  let source;
  try {
    source = readFileSync(from, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${from}: ${error.message.replace(/, open .*/, '')}`);
  }
  for (const [, key, single, double, bare] of source.matchAll(line)) {
    if (single !== undefined) known.set(key, single);
    else if (double !== undefined)
      known.set(key, expand(double.replace(/\\n/g, '\n').replace(/\\(["\\$])/g, '$1')));
    else known.set(key, expand(bare.replace(/(?:^|[ \t])#.*$/, '').trim()));
  }
  return known;
}

function credentials(known) {
  const first = (...names) => names.map((key) => known.get(key)).find((value) => value) || '';
  let to = {
    user: first('DB_USERNAME', 'DB_USER', 'MYSQL_USER'),
    password: first('DB_PASSWORD', 'DB_PASS', 'MYSQL_PASSWORD'),
    database: first('DB_DATABASE', 'DB_NAME', 'MYSQL_DATABASE'),
    host: first('DB_HOST', 'MYSQL_HOST'),
    port: first('DB_PORT', 'MYSQL_PORT'),
    socketPath: first('DB_SOCKET', 'MYSQL_SOCKET'),
  };
  const url =
    /^(?:pdo[-_])?(?:mysqli?|mariadb)2?:\/\/(?:([^/?#:]*)(?::([^/?#]*))?@)?(\[[^\]]*\]|[^/?#:]*)(?::(\d+))?(?:\/([^?#]*))?(?:\?([^#]*))?/i.exec(
      first('DATABASE_URL', 'DB_URL', 'MYSQL_URL').trim(),
    );
  if (url) {
    const [user, password, host, port, database] = url.slice(1, 6).map((part) => decoded(part || ''));
    const more = new URLSearchParams(url[6] || '');
    const socketPath = more.get('socket') || more.get('unix_socket') || '';
    to = { user, password, host, port, database, socketPath };
  }
  // As WordPress and mysqli write it: localhost:3307, localhost:/run/my.sock, [::1]:3306.
  const [, bracketed, plain, port, socket] =
    /^(?:p:)?(?:\[(.+)\]|([^:]*))(?::(?:(\d+)|(\/.*)))?$/.exec(to.host) || [];
  if (bracketed !== undefined || plain !== undefined) to.host = bracketed || plain;
  to.port = Number(port || to.port) || undefined;
  to.socketPath = to.socketPath || socket || undefined;
  if (!to.user || !to.database) throw new Error('no DB_USERNAME and DB_DATABASE, and no DATABASE_URL, there');
  // PHP takes localhost for the socket, and an account may be let in by one way only.
  if (!to.socketPath && (!to.host || (to.host.toLowerCase() === 'localhost' && !to.port)))
    to.socketPath = ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock'].find(
      existsSync,
    );
  to.host = to.host || '127.0.0.1';
  return to;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Opens the connection; gives what asks one statement and answers with its first row. */
async function connect() {
  const to = credentials(variables());
  let mysql;
  try {
    mysql = createRequire(script)('mysql2');
  } catch (error) {
    throw new Error(`the application's mysql2 is needed: ${String(error.message).split('\n')[0]}`);
  }
  const connection = mysql.createConnection({ ...to, connectTimeout: 3000, rowsAsArray: true });
  // Both come when the server or somebody else ends the connection; unheard, the first would end the process.
  connection.on('error', (error) => lose(error.message));
  connection.on('end', () => lose('the connection was closed'));
  await new Promise((done, fail) => connection.connect((error) => (error ? fail(error) : done())));
  return (sql) =>
    new Promise((done, fail) =>
      connection.query(sql, (error, rows) => (error ? fail(error) : done(rows[0] || []))),
    );
}

async function take(ask) {
  const [database] = await ask('SELECT DATABASE()');
  if (!database) throw new Error('the connection has no database, by which the lock is named');
  const [, galera] = await ask("SHOW VARIABLES LIKE 'wsrep_on'");
  if (String(galera).toUpperCase() === 'ON')
    throw new Error('this is Galera (wsrep_on), where each node has locks of its own');
  // A host that is cut off keeps the lock until the server gives its idle connection up.
  await ask(`SET SESSION wait_timeout = ${maxRuntime > 0 ? maxRuntime + 60 : 28800}`);
  const hash = createHash('sha256').update(`${database}/${name}`).digest('hex');
  const wanted = `cronlatch:${hash.slice(0, 40)}`;
  // In one statement, so that a proxy sends both questions to the same server.
  const [got, ...readOnly] = await ask(`SELECT GET_LOCK('${wanted}', 0), @@read_only, @@innodb_read_only`);
  if (readOnly.some((value) => !['0', 'OFF'].includes(String(value))))
    throw new Error('this server is read-only: a replica, whose locks nobody else sees');
  if (Number(got) === 0 && got !== null) return busy(ask, wanted);
  if (Number(got) !== 1) throw new Error(`GET_LOCK gave ${got === null ? 'NULL' : got}`);
  lock = wanted;
  answer('ours', lock);
  parentPort.on('message', () => check(ask, true));
  setInterval(() => check(ask, false), 5000).unref(); // a host that is cut off is to notice it before the server does
}

async function busy(ask, wanted) {
  let holder = '?';
  let host = '';
  try {
    [holder] = await ask(`SELECT IS_USED_LOCK('${wanted}')`);
    [host] = await ask(`SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = ${Number(holder) || 0}`);
  } catch {
    // not visible from here
  }
  const place = host ? ` from ${host}` : '';
  answer(
    'busy',
    `Another server is at work: connection ${holder || '?'}${place} holds the second lock ${wanted}.`,
  );
}

/** Still ours? A server that says nothing for 10 s is as good as gone. Only a question is answered: the guard may just have put one. */
async function check(ask, asked) {
  if (over !== '') return answer('lost', over);
  const patience = setTimeout(() => lose('the database server does not answer'), 10_000);
  try {
    const [is] = await ask(`SELECT IS_USED_LOCK('${lock}') = CONNECTION_ID()`);
    if (Number(is) !== 1) lose('it belongs to another connection');
    else if (asked && over === '') answer('ours', lock);
  } catch (error) {
    lose(error.message);
  } finally {
    clearTimeout(patience);
  }
}

function lose(what) {
  if (lock === '' || over !== '') return;
  over = `The second lock ${lock} was lost: ${what}`;
  answer('lost', over);
  parentPort.postMessage(over);
}

/** Errors that have a name people know. */
function explained(error) {
  const what = `${error.errno > 0 ? `[${error.errno}] ` : ''}${error.message || error.code || error}`;
  if (/\b(?:1203|1226)\b/.test(what))
    return `the account's limit is used up (max_user_connections and the like): ${what}`;
  if (/\b1040\b/.test(what)) return `the database server has no connection left (max_connections): ${what}`;
  return what;
}

process.on('uncaughtException', (error) =>
  lock === '' ? answer('error', explained(error)) : lose(error.message),
);
connect()
  .then(take)
  .catch((error) => answer('error', explained(error)));
