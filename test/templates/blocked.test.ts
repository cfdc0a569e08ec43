// A worker that hangs in a query of a real MariaDB: the kernel's alarm ends it, where PHP's own limits only count CPU time.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { has, hasPhp, isRoot, report, stage, stress } from './harness.ts';

const missing =
  !hasPhp || !has('php', '-r', 'exit(in_array("mysql", PDO::getAvailableDrivers()) ? 0 : 1);')
    ? 'no PHP with pdo_mysql'
    : !has('mariadbd', '--version')
      ? 'no MariaDB'
      : '';

let at: ReturnType<typeof stage>;
let endServer: () => Promise<void> = async () => {};
beforeEach(() => {
  at = stage();
});
afterEach(async () => {
  await endServer();
  await at.end();
});

/** A server of its own, on a socket of its own; its accounts are root's. */
async function startServer(): Promise<string> {
  const data = join(at.root, 'mysql');
  const socket = join(at.root, 'mysql.sock');
  mkdirSync(data, { mode: 0o700 });
  const user = isRoot ? ['--user=root'] : [];
  const made = spawnSync(
    'mariadb-install-db',
    [
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...user,
    ],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stderr);
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${socket}`,
      `--pid-file=${socket}.pid`,
      '--skip-networking',
      ...user,
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((done) => server.on('exit', () => done()));
  endServer = async () => {
    server.kill('SIGKILL');
    await ended;
  };
  while (
    !existsSync(socket) ||
    !has('mariadb', '--no-defaults', `--socket=${socket}`, '-u', 'root', '-e', '')
  ) {
    if (server.exitCode !== null) throw new Error('MariaDB ended');
    await new Promise((done) => setTimeout(done, 50));
  }
  return socket;
}

it.skipIf(missing !== '')(
  `#14: maxRuntime ends a worker that is blocked in PDO, and the next one runs${missing && ` (${missing})`}`,
  { timeout: 120_000 },
  async () => {
    const socket = await startServer();
    const script = join(at.root, 'query.php');
    writeFileSync(
      script,
      `<?php
(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${at.dir}', 'name' => 'worker', 'maxRuntime' => 1]);
set_time_limit(1); // the limit people try first: it counts CPU time, of which a query that hangs needs none
$db = new PDO('mysql:unix_socket=${socket}', 'root', '');
echo "asking\\n";
$db->query('SELECT SLEEP(' . $argv[1] . ')')->fetchAll();
echo "answered\\n";
`,
    );
    for (let round = 0; round < (stress ? 3 : 1); round++) {
      // A shell reports it as 142. The query would take eight seconds, or a minute, so that a slow machine changes nothing.
      const end = await at.run(['sh', '-c', `php ${script} ${stress ? 8 : 60}; echo $?`]);
      expect(end).toMatchObject({ code: 0, out: 'asking\n142\n' });
      report(`#14: a query of 8 s, a limit of 1 s: ended after ${(end.ms / 1000).toFixed(2)} s`);
    }
    expect(at.record()).toMatchObject({ state: 'running' });
    const next = await at.run(['php', script, '0'], { CRONLATCH_VERBOSE: '1' });
    expect(next.out).toMatch(/^Removing stale lock file from dead process \(PID: \d+\)\nasking\nanswered\n$/);
    expect(at.record()).toMatchObject({ state: 'done' });
  },
);
