// Real PHP and Node processes around one lock directory: written, started, listened to, and ended by PID.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Kind = 'php' | 'node';
export const hasPhp = spawnSync('php', ['-v']).status === 0;
export const isRoot = process.getuid?.() === 0;
export const kinds: readonly Kind[] = hasPhp ? ['php', 'node'] : ['node'];

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Waits until it has said this. */
  says(text: string): Promise<void>;
  readonly ended: Promise<Ended>;
}

/** A worker's work, by mode. `stop` is the language's shouldStop(), `why` its why(). */
const PHP_WORK = `
use Cronlatch\\Guard;
$mode = $argv[1] ?? 'quick';
if ($mode === 'interval') { if (Guard::shouldStop()) exit(0); $a = hrtime(true); usleep(10000); file_put_contents($argv[2], $a . ' ' . hrtime(true) . "\\n", FILE_APPEND); exit(0); }
if ($mode === 'proc_open') { $c = proc_open(['sleep', '30'], [], $pipes); file_put_contents($argv[2], proc_get_status($c)['pid']); }
if ($mode === 'exec') { exec('sleep 30 >/dev/null 2>&1 & echo $! > ' . $argv[2]); }
if ($mode === 'shell_exec') { shell_exec('sleep 30 >/dev/null 2>&1 & echo $! > ' . $argv[2]); }
if ($mode === 'popen') { $c = popen('echo $$ > ' . $argv[2] . '; exec sleep 30', 'r'); }
if ($mode === 'fork') { $c = pcntl_fork(); if ($c === 0) { sleep(30); exit; } file_put_contents($argv[2], $c); }
echo "ran\\n";
if ($mode === 'oom') { ini_set('memory_limit', '8M'); $x = []; while (true) $x[] = str_repeat('y', 1000); }
if ($mode === 'throw') throw new Exception('job');
if ($mode === 'hold') { while (!Guard::shouldStop()) usleep(5000); echo Guard::why(), "\\n"; }
if ($mode !== 'quick' && $mode !== 'hold') fgets(STDIN);
`;
const NODE_WORK = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { fork, spawn } from 'node:child_process';
const mode = process.argv[2] || 'quick';
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
if (mode === 'interval') {
  if (shouldStop()) process.exit(0);
  const a = process.hrtime.bigint();
  pause(10);
  appendFileSync(process.argv[3], a + ' ' + process.hrtime.bigint() + '\\n');
  process.exit(0);
}
if (mode === 'proc_open') {
  const c = spawn('sleep', ['30'], { detached: true, stdio: 'ignore' });
  c.unref();
  writeFileSync(process.argv[3], String(c.pid));
}
console.log('ran');
if (mode === 'throw') throw new Error('job');
if (mode === 'fork') fork(process.argv[1], ['quick']).on('exit', (code) => { console.log('child ' + code); process.exit(0); });
if (mode === 'hold') { while (!shouldStop()) await new Promise((done) => setTimeout(done, 5)); console.log(why()); process.exit(0); }
if (mode === 'block' || mode === 'proc_open') process.stdin.resume();
`;
/** The incident's recipe as it was deployed: what the guard is measured against. */
const RECIPE = `<?php
$lock = __LOCK__; $pidFile = __PID__;
if (file_exists($pidFile)) {
    $pid = (int) file_get_contents($pidFile);
    if ($pid && !posix_kill($pid, 0)) { echo "Removing stale lock file from dead process (PID: $pid)\\n"; @unlink($lock); @unlink($pidFile); }
}
$fp = fopen($lock, 'c');
if (!$fp || !flock($fp, LOCK_EX | LOCK_NB)) exit(0);
file_put_contents($pidFile, getmypid());
register_shutdown_function(function () use ($fp, $lock, $pidFile) { flock($fp, LOCK_UN); fclose($fp); @unlink($lock); @unlink($pidFile); });
$a = hrtime(true); usleep(10000); file_put_contents($argv[2], $a . ' ' . hrtime(true) . "\\n", FILE_APPEND);
`;

/** A lock directory of its own with both guards and workers, removed with everything it started. */
export function stage() {
  const root = mkdtempSync(join(tmpdir(), 'cronlatch-guard-'));
  chmodSync(root, 0o711);
  const dir = join(root, 'lock');
  mkdirSync(dir, { mode: 0o700 });
  const started: Running[] = [];
  const strays: number[] = [];
  for (const [from, to] of [
    ['php/cronlatch-guard.php', 'cronlatch-guard.php'],
    ['node/cronlatch-guard.mjs', 'cronlatch-guard.mjs'],
  ] as const)
    copyFileSync(new URL(`../../templates/${from}`, import.meta.url), join(root, to));

  const at = {
    root,
    dir,
    file: (suffix: string) => join(dir, `worker${suffix}`),
    has: (suffix: string) => existsSync(join(dir, `worker${suffix}`)),
    read: (suffix: string) =>
      existsSync(join(dir, `worker${suffix}`)) ? readFileSync(join(dir, `worker${suffix}`), 'utf8') : '',
    record: (): Record<string, unknown> => JSON.parse(at.read('.lock')),
    /** Changes the record as time or a crash would. */
    tamper: (change: Record<string, unknown>) =>
      writeFileSync(at.file('.lock'), `${JSON.stringify({ ...at.record(), ...change }).padEnd(511)}\n`, {
        flag: 'r+',
      }),
    /** A worker script with the guard's line in it. */
    script(kind: Kind | 'recipe', options: Record<string, number | boolean> = {}, lockDir = dir): string {
      const path = join(root, kind === 'node' ? 'worker.mjs' : `${kind === 'php' ? 'worker' : 'recipe'}.php`);
      const php = Object.entries(options).map(([key, value]) => `, '${key}' => ${value}`);
      const node = Object.entries(options).map(([key, value]) => `&${key}=${Number(value)}`);
      const text = {
        php: `<?php\n(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${lockDir}', 'name' => 'worker'${php.join('')}]);${PHP_WORK}`,
        node: `import './cronlatch-guard.mjs?dir=${encodeURIComponent(lockDir)}&name=worker${node.join('')}';\nimport { shouldStop, why } from './cronlatch-guard.mjs';${NODE_WORK}`,
        recipe: RECIPE.replace('__LOCK__', `'${lockDir}/worker.lock'`).replace(
          '__PID__',
          `'${lockDir}/worker.pid'`,
        ),
      }[kind];
      writeFileSync(path, text);
      return path;
    },
    start(command: readonly string[], env: Record<string, string> = {}): Running {
      const [file = '', ...args] = command;
      const since = process.hrtime.bigint();
      const child = spawn(file, args, { env: { ...process.env, ...env } });
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
        const finish = (code: number | null, signal: NodeJS.Signals | null) =>
          done({ code, signal, out, err, ms: Number(process.hrtime.bigint() - since) / 1e6 });
        child.on('exit', (code, signal) => setTimeout(finish, 30, code, signal)); // a leaked child may keep the pipes open
        child.on('error', (error) => done({ code: -1, signal: null, out, err: error.message, ms: 0 }));
      });
      const says = (text: string) =>
        new Promise<void>((done, fail) => {
          const look = () => out.includes(text) && done();
          waiting.add(look);
          look();
          ended.then((end) =>
            fail(new Error(`ended (${end.code}) before saying ${text}: ${end.out}${end.err}`)),
          );
        });
      const running = { child, pid: child.pid ?? 0, says, ended };
      started.push(running);
      return running;
    },
    run: (command: readonly string[], env?: Record<string, string>) => at.start(command, env).ended,
    /** A PID from a file, ended with the rest. */
    stray(path: string): number {
      const pid = Number(readFileSync(path, 'utf8'));
      strays.push(pid);
      return pid;
    },
    async end() {
      for (const running of started) if (running.child.exitCode === null) running.child.kill('SIGKILL');
      for (const pid of strays) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {}
      }
      await Promise.all(started.map((running) => running.ended));
      rmSync(root, { recursive: true, force: true });
    },
  };
  return at;
}

/** Many launchers, each starting one process after the other. */
export async function contend(
  at: ReturnType<typeof stage>,
  commands: readonly (readonly string[])[],
  starts: number,
  launchers = 8,
) {
  const log = join(at.root, 'intervals');
  writeFileSync(log, '');
  const ends: Ended[] = [];
  let next = 0;
  const launch = async () => {
    while (next < starts) {
      const command = commands[next++ % commands.length] ?? [];
      ends.push(await at.run([...command, 'interval', log]));
    }
  };
  await Promise.all(Array.from({ length: launchers }, launch));
  const intervals = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(BigInt))
    .sort((a, b) => Number((a[0] ?? 0n) - (b[0] ?? 0n)));
  let overlaps = 0;
  let latest = 0n;
  for (const [from = 0n, to = 0n] of intervals) {
    if (from < latest) overlaps++;
    if (to > latest) latest = to;
  }
  return {
    overlaps,
    wins: intervals.length,
    ends,
    said: ends.filter((end) => end.out + end.err !== '').map((end) => end.out + end.err),
  };
}
