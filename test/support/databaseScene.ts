// Processes with database connections of every kind, each known by the id of its connection: what a doctor has to tell apart.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './cron.ts';
import type { Mariadb } from './mariadb.ts';

export const account = 'u12345_app';
export const canary = 'canary-p#w;1';

/** What a process does once it is connected; each says its id first. `$long` never waits long enough for the server to notice that who asked is gone. */
const doings = {
  idle: 'sleep(90);',
  running: '$db->query($long);',
  // Rows changed and not committed.
  transaction: "$db->beginTransaction(); $db->exec('INSERT INTO t VALUES (1)'); say(); sleep(90);",
  // Only read so far, and still open.
  reading:
    "$db->beginTransaction(); $db->query('SELECT * FROM r LOCK IN SHARE MODE')->fetchAll(); say(); sleep(90);",
  parent: 'usleep(200000); start(); sleep(90);',
  'parent in a transaction':
    "$db->beginTransaction(); $db->exec('INSERT INTO t VALUES (1)'); usleep(200000); start(); sleep(90);",
  changing: "$db->beginTransaction(); $db->exec('INSERT INTO t VALUES (1)'); say(); $db->query($long);",
} as const;

const program = `<?php
[, $dsn, $user, $password, $doing] = $argv;
$db = new PDO($dsn, $user, $password, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
$id = $db->query('SELECT CONNECTION_ID()')->fetchColumn();
$long = 'SELECT SLEEP(1) FROM seq_1_to_90';
function say() { global $id; echo "$id\\n"; }
function start() { $p = proc_open(['sleep', '90'], [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $x); say(); }
if (!preg_match('/say|start/', $doing)) say();
eval($doing);
`;

export interface Kind {
  readonly name: string;
  readonly does: keyof typeof doings;
  /** What becomes of the process once it is at it. */
  readonly becomes?: 'killed' | 'stopped';
  readonly as?: 'web' | 'remote';
  readonly is: 'live-worker' | 'web' | 'hung' | 'orphan-child' | 'dead-client-running' | 'remote-unknown';
  /** May it ever be ended by root, who sees everything? */
  readonly mayEnd: boolean;
}

export const kinds: readonly Kind[] = [
  { name: 'a worker between two questions', does: 'idle', is: 'live-worker', mayEnd: false },
  { name: 'a worker at a long query', does: 'running', is: 'live-worker', mayEnd: false },
  { name: 'a worker with a child', does: 'parent', is: 'live-worker', mayEnd: false },
  { name: 'a worker in a transaction', does: 'transaction', is: 'live-worker', mayEnd: false },
  { name: 'a worker that holds rows it has read', does: 'reading', is: 'live-worker', mayEnd: false },
  { name: 'a stopped worker', does: 'idle', becomes: 'stopped', is: 'hung', mayEnd: false },
  { name: 'a web request', does: 'idle', as: 'web', is: 'web', mayEnd: false },
  { name: 'a child of a killed worker', does: 'parent', becomes: 'killed', is: 'orphan-child', mayEnd: true },
  {
    name: 'a child of a worker killed in a transaction',
    does: 'parent in a transaction',
    becomes: 'killed',
    is: 'orphan-child',
    mayEnd: false,
  },
  {
    name: 'a query of a killed worker',
    does: 'running',
    becomes: 'killed',
    is: 'dead-client-running',
    mayEnd: true,
  },
  {
    name: 'a query of a worker killed in a transaction',
    does: 'changing',
    becomes: 'killed',
    is: 'dead-client-running',
    mayEnd: false,
  },
  { name: 'a worker on another machine', does: 'idle', as: 'remote', is: 'remote-unknown', mayEnd: false },
];

export interface Member {
  readonly kind: Kind;
  readonly id: number;
  readonly pid: number;
  readonly by: 'unix' | 'tcp';
}

export interface Stage {
  /** Starts one and waits until it is what its kind says. */
  start(kind: Kind, by: 'unix' | 'tcp'): Promise<Member>;
  /** Ids the server has now. */
  ids(): number[];
  /** Ends all processes and waits until their connections are gone. */
  clear(): Promise<void>;
}

/** A stage on a server; `remote` runs a command on another machine, and where the server is from there. */
export function databaseStage(
  directory: string,
  db: Mariadb,
  remote?: { readonly enter: readonly string[]; readonly host: string },
): Stage {
  const script = join(directory, 'worker.php');
  writeFileSync(script, program);
  const php = spawnSync('sh', ['-c', 'readlink -f "$(command -v php)"'], { encoding: 'utf8' }).stdout.trim();
  const pool = join(directory, 'php-fpm8.2');
  copyFileSync(php, pool);
  const children: ChildProcess[] = [];
  const ids = (): number[] =>
    db
      .sql(`SELECT ID FROM information_schema.PROCESSLIST WHERE USER = '${account}'`)
      .split('\n')
      .filter((line) => line !== '')
      .map(Number);
  return {
    ids,
    async start(kind, by) {
      const local = by === 'unix' ? `unix_socket=${db.socket}` : `host=127.0.0.1;port=${db.port}`;
      const at = kind.as === 'remote' ? `host=${remote?.host};port=${db.port}` : local;
      const enter = kind.as === 'remote' ? (remote?.enter ?? []) : [];
      const argv = [
        ...enter,
        kind.as === 'web' ? pool : 'php',
        script,
        `mysql:${at};dbname=app`,
        account,
        canary,
        doings[kind.does],
      ];
      // Each in a session of its own, as cron starts them.
      const child = spawn(argv[0] ?? '', argv.slice(1), {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      });
      children.push(child);
      let said = '';
      child.stdout?.on('data', (data) => {
        said += data;
      });
      await until(`${kind.name} is connected`, () => said.endsWith('\n'));
      const id = Number(said);
      const running = kind.does === 'running' || kind.does === 'changing';
      if (running)
        await until('its query runs', () =>
          db.sql(`SELECT COMMAND FROM information_schema.PROCESSLIST WHERE ID = ${id}`).includes('Query'),
        );
      if (kind.becomes === 'stopped') child.kill('SIGSTOP');
      if (kind.becomes === 'killed') {
        const ended = new Promise((done) => child.on('exit', done));
        child.kill('SIGKILL');
        await ended;
      }
      return { kind, id, pid: child.pid ?? 0, by: kind.as === 'remote' ? 'tcp' : by };
    },
    async clear() {
      for (const { pid } of children.splice(0))
        try {
          // The whole session: a child that was left behind, too.
          process.kill(-(pid ?? 0), 'SIGKILL');
        } catch {
          // It has ended.
        }
      for (const id of ids())
        spawnSync('mariadb', ['--no-defaults', `-S${db.socket}`, '-uroot', '-e', `KILL ${id}`]);
      await until('no connection is left', () => ids().length === 0);
    },
  };
}

/** An account and a table for it. */
export function makeAccount(db: Mariadb, limit = 0): void {
  db.sql(
    [
      'CREATE DATABASE app',
      'CREATE TABLE app.t (n INT) ENGINE=InnoDB',
      'CREATE TABLE app.r (n INT) ENGINE=InnoDB',
      ...['localhost', '127.0.0.1', '10.%'].flatMap((host) => [
        `CREATE USER ${account}@'${host}' IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS ${limit}`,
        `GRANT ALL ON app.* TO ${account}@'${host}'`,
      ]),
    ].join(';'),
  );
}

/** A second machine: a network namespace behind a pair of interfaces. '' when there can be none. */
export function anotherMachine(): { enter: string[]; host: string; remove: () => void } | undefined {
  const name = `cl${process.pid}`;
  const net = `10.${200 + (process.pid % 50)}.${process.pid % 250}`;
  const run = (line: string): boolean => spawnSync('sh', ['-c', line], { stdio: 'ignore' }).status === 0;
  const remove = (): void => {
    run(`ip netns del ${name}`);
    run(`ip link del v${name}`);
  };
  const made =
    run(`ip netns add ${name}`) &&
    run(`ip link add v${name} type veth peer name w${name} netns ${name}`) &&
    run(`ip addr add ${net}.1/30 dev v${name} && ip link set v${name} up`) &&
    run(`ip -n ${name} addr add ${net}.2/30 dev w${name} && ip -n ${name} link set w${name} up`);
  if (made) return { enter: ['ip', 'netns', 'exec', name], host: `${net}.1`, remove };
  remove();
  return undefined;
}
