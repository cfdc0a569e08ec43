// Two "web servers" with a lock directory each, one application and one MariaDB: in network namespaces where that is allowed.
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mariadbMissing, startMariadb } from '../support/mariadb.ts';
import { type Ended, has, hasPhp, isRoot, type Kind, type Running } from './harness.ts';

export const missing =
  mariadbMissing ||
  (hasPhp && has('php', '-r', 'exit(in_array("mysql", PDO::getAvailableDrivers()) ? 0 : 1);')
    ? mariadbMissing
    : 'php with pdo_mysql');

/** The worker writes down when it was let in, when it asked, began and ended each job, and when it left: monotonic ns. */
const PHP_WORK = `
use Cronlatch\\Guard;
$mode = $argv[1] ?? 'quick';
$note = static function (string $what, ...$times) use ($argv) { file_put_contents($argv[2], implode(' ', array_merge([$what, getmypid()], $times ?: [hrtime(true)])) . "\\n", FILE_APPEND); };
if ($mode === 'jobs') {
    $note('in', hrtime(true), basename(__DIR__));
    for ($job = 0; $job < (int) $argv[3]; $job++) {
        $asked = hrtime(true);
        if (($argv[5] ?? '') !== 'blind' && Guard::shouldStop()) { $note('told'); break; }
        $note('job', $asked, hrtime(true));
        usleep((int) $argv[4]);
        $note('end');
    }
    $note('out');
    exit(0);
}
if ($mode === 'child') { $c = proc_open(['sleep', '30'], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']], $pipes); file_put_contents($argv[2], proc_get_status($c)['pid']); }
echo "ran\\n";
if ($mode === 'ask') { echo Guard::shouldStop() ? 'stop' : 'go', "\\n"; while (fgets(STDIN) !== false) echo Guard::shouldStop() ? 'stop: ' . Guard::why() : 'go', "\\n"; }
if ($mode === 'fork') { if (pcntl_fork() === 0) exit(0); pcntl_wait($status); echo Guard::shouldStop() ? 'stop: ' . Guard::why() : 'go', "\\n"; }
if (in_array($mode, ['block', 'child'], true)) fgets(STDIN);
`;
const NODE_WORK = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const mode = process.argv[2] || 'quick';
const now = () => process.hrtime.bigint();
const note = (what, ...times) => appendFileSync(process.argv[3], [what, process.pid, ...(times.length > 0 ? times : [now()])].join(' ') + '\\n');
if (mode === 'jobs') {
  note('in', now(), import.meta.url.split('/').at(-2));
  for (let job = 0; job < Number(process.argv[4]); job++) {
    const asked = now();
    if (process.argv[6] !== 'blind' && shouldStop()) { note('told'); break; }
    note('job', asked, now());
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(process.argv[5]) / 1000);
    note('end');
  }
  note('out');
  process.exit(0);
}
if (mode === 'child') { const c = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' }); c.unref(); writeFileSync(process.argv[3], String(c.pid)); }
console.log('ran');
if (mode === 'ask') { console.log(shouldStop() ? 'stop' : 'go'); for await (const _ of createInterface({ input: process.stdin })) console.log(shouldStop() ? 'stop: ' + why() : 'go'); }
if (mode === 'block' || mode === 'child') process.stdin.resume();
`;

export type Servers = Awaited<ReturnType<typeof startServers>>;

/** `options` are those of the database's server. `apart`: in namespaces, if this machine lets us. */
export async function startServers(options: readonly string[] = [], apart = false) {
  const root = mkdtempSync(join(tmpdir(), 'cronlatch-servers-'));
  const data = join(root, 'db');
  mkdirSync(data);
  const db = await startMariadb(data, ['--skip-name-resolve', '--bind-address=0.0.0.0', ...options]);
  db.sql("CREATE DATABASE app; CREATE USER u12345_app IDENTIFIED BY 'p#w'; GRANT ALL ON app.* TO u12345_app");
  const nets = apart ? namespaces() : [];
  const started: Running[] = [];
  const strays: number[] = [];
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
  const web = (n: number) => {
    const home = join(root, `web${n}`);
    const dir = join(home, 'lock');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const file of [
      ...['php/cronlatch-guard.php', 'php/cronlatch-shared.php'],
      ...['node/cronlatch-guard.mjs', 'node/cronlatch-shared.mjs'],
    ])
      copyFileSync(
        new URL(`../../templates/${file}`, import.meta.url),
        join(home, file.replace(/^.*\//, '')),
      );
    const net = nets[n - 1];
    const env = join(home, '.env');
    const host = net?.database ?? '127.0.0.1';
    const settings = { host, port: db.port, user: 'u12345_app', password: 'p#w' };
    const write = (
      text = `DB_HOST=${host}\nDB_PORT=${db.port}\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD="p#w"\n`,
    ) => writeFileSync(env, text, { mode: 0o600 });
    write();
    const at = {
      home,
      dir,
      env,
      net,
      settings,
      write,
      read: (suffix: string): string => {
        try {
          return readFileSync(join(dir, `worker${suffix}`), 'utf8');
        } catch {
          return '';
        }
      },
      record: (): Record<string, unknown> => JSON.parse(at.read('.lock')),
      /** A worker with the guard's line. `shared` is PHP or a path; '' leaves the second lock out. */
      script(kind: Kind, { shared = env, more = '', lead = '' } = {}): string {
        const path = join(home, kind === 'php' ? 'worker.php' : 'worker.mjs');
        const php =
          shared === '' ? '' : `, 'shared' => ${/^(?:\/|env)/.test(shared) ? `'${shared}'` : shared}`;
        const node = shared === '' ? '' : `&shared=${encodeURIComponent(shared)}`;
        const query = more === '' ? '' : `&${more}`;
        const options = more === '' ? '' : `, '${more.replace('=', "' => ")}`;
        const text =
          kind === 'php'
            ? `<?php\n${lead}(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${dir}', 'name' => 'worker'${php}${options}]);${PHP_WORK}`
            : `import './cronlatch-guard.mjs?dir=${encodeURIComponent(dir)}&name=worker${node}${query}';\n${lead}import { shouldStop, why } from './cronlatch-guard.mjs';${NODE_WORK}`;
        writeFileSync(path, text);
        return path;
      },
      start(command: readonly string[], env: Record<string, string> = {}): Running {
        const [file = '', ...args] = [
          ...(net === undefined ? [] : ['nsenter', `--net=/run/netns/${net.name}`]),
          ...command,
        ];
        const child = spawn(file, args, { env: { ...process.env, ...env } });
        const since = performance.now();
        let [out, err] = ['', ''];
        const waiting = new Set<() => void>();
        child.stdout.on('data', (data) => {
          out += data;
          for (const look of waiting) look();
        });
        child.stderr.on('data', (data) => {
          err += data;
        });
        child.stdin.on('error', () => {});
        const ended = new Promise<Ended>((done) => {
          // A child of the worker may keep the pipes open.
          child.on('exit', (code, signal) =>
            setTimeout(() => done({ code, signal, out, err, ms: performance.now() - since }), 30),
          );
          child.on('error', (error) => done({ code: -1, signal: null, out, err: error.message, ms: 0 }));
        });
        const says = (text: string) =>
          new Promise<void>((done, fail) => {
            const look = () => out.includes(text) && done();
            waiting.add(look);
            look();
            ended.then((end) => fail(new Error(`ended (${end.code}) before ${text}: ${end.out}${end.err}`)));
          });
        const running = { child, pid: child.pid ?? 0, says, ended };
        started.push(running);
        return running;
      },
      run: (command: readonly string[], env?: Record<string, string>) => at.start(command, env).ended,
      /** Starts it and waits until it is at work. */
      async atWork(kind: Kind, mode: string, ...args: string[]): Promise<Running> {
        const running = at.start([
          kind,
          join(home, kind === 'php' ? 'worker.php' : 'worker.mjs'),
          mode,
          ...args,
        ]);
        await running.says('ran');
        return running;
      },
    };
    return at;
  };
  const [one, two] = [web(1), web(2)];
  return {
    root,
    db,
    one,
    two,
    apart: nets.length > 0,
    /** Connections of the application's account. */
    connections: (): number[] =>
      db
        .sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'u12345_app' ORDER BY ID")
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    stray(path: string): number {
      const pid = Number(readFileSync(path, 'utf8'));
      strays.push(pid);
      return pid;
    },
    /** Nothing of one test is left for the next. */
    async clear() {
      for (const running of started) if (running.child.exitCode === null) running.child.kill('SIGKILL');
      for (const pid of strays.splice(0)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
      }
      await Promise.all(started.splice(0).map((running) => running.ended));
      for (const at of [one, two]) {
        rmSync(at.dir, { recursive: true });
        mkdirSync(at.dir, { mode: 0o700 });
        at.write();
      }
    },
    async end() {
      for (const running of started) if (running.child.exitCode === null) running.child.kill('SIGKILL');
      await Promise.all(started.map((running) => running.ended));
      await db.stop();
      for (const { name } of nets) spawnSync('ip', ['netns', 'del', name]);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Two networks, each joined to ours by a cable of its own; none where that is not allowed. */
function namespaces(): { name: string; database: string; cable: string }[] {
  if (!isRoot || !has('ip', '-V') || !has('nsenter', '--version')) return [];
  const made: { name: string; database: string; cable: string }[] = [];
  for (const n of [1, 2]) {
    const name = `cronlatch-${process.pid}-${n}`;
    const [outer, inner] = [`clo${process.pid}-${n}`, `cli${process.pid}-${n}`];
    const net = `10.${213 + n}.${(process.pid >> 6) & 255}.${(process.pid & 63) * 4}`.replace(/\d+$/, '');
    const base = (process.pid & 63) * 4;
    const steps = [
      ['netns', 'add', name],
      ['link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name],
      ['addr', 'add', `${net}${base + 1}/30`, 'dev', outer],
      ['link', 'set', outer, 'up'],
      ['-n', name, 'addr', 'add', `${net}${base + 2}/30`, 'dev', inner],
      ['-n', name, 'link', 'set', inner, 'up'],
      ['-n', name, 'link', 'set', 'lo', 'up'],
    ];
    if (!steps.every((step) => has('ip', ...step))) {
      for (const there of [...made.map((one) => one.name), name]) spawnSync('ip', ['netns', 'del', there]);
      return [];
    }
    made.push({ name, database: `${net}${base + 1}`, cable: outer });
  }
  return made;
}
