// A real MariaDB of the test's own: its own data directory, a socket and a free port on the loopback.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pause, until } from './cron.ts';

const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

/** Why no MariaDB can be started here; '' when one can. */
export const mariadbMissing = ['mariadbd', 'mariadb-install-db', 'mariadb'].filter((p) => !has(p)).join(', ');

export interface Mariadb {
  readonly pid: number;
  readonly port: number;
  readonly socket: string;
  /** One statement as root; the rows as text. */
  sql(statement: string): string;
  /** Everything any client asked so far. */
  asked(): string;
  stop(): Promise<void>;
}

/** Starts one in `directory`, with these options of the server; `enter` are the words that come before it. */
export async function startMariadb(
  directory: string,
  options: readonly string[] = [],
  enter: readonly string[] = [],
): Promise<Mariadb> {
  const data = join(directory, 'data');
  const socket = join(directory, 'sock');
  const root = process.geteuid?.() === 0 ? ['--user=root'] : [];
  const made = spawnSync('mariadb-install-db', [
    '--no-defaults',
    `--datadir=${data}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    ...root,
  ]);
  if (made.status !== 0) throw new Error(`mariadb-install-db: ${made.stdout}${made.stderr}`);
  const port = await freePort();
  const [program = '', ...words] = [...enter, 'mariadbd'];
  const server: ChildProcess = spawn(
    program,
    [
      ...words,
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${join(directory, 'pid')}`,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--innodb-buffer-pool-size=16M',
      '--innodb-log-file-size=8M',
      '--general-log=1',
      `--general-log-file=${join(directory, 'asked')}`,
      ...options,
      ...root,
    ],
    { stdio: 'ignore' },
  );
  const sql = (statement: string): string => {
    const ran = spawnSync('mariadb', [
      '--no-defaults',
      `--socket=${socket}`,
      '-u',
      'root',
      '-N',
      '-e',
      statement,
    ]);
    if (ran.status !== 0) throw new Error(String(ran.stderr));
    return String(ran.stdout);
  };
  await until('MariaDB answers', () => {
    if (server.exitCode !== null) throw new Error('mariadbd ended');
    return (
      existsSync(socket) &&
      spawnSync('mariadb', ['--no-defaults', `-S${socket}`, '-uroot', '-e', 'DO 1']).status === 0
    );
  });
  return {
    pid: server.pid ?? 0,
    port,
    socket,
    sql,
    asked: () => readFileSync(join(directory, 'asked'), 'utf8'),
    async stop() {
      server.kill('SIGTERM');
      for (let i = 0; i < 100 && server.exitCode === null && server.signalCode === null; i++) await pause(50);
      server.kill('SIGKILL');
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
