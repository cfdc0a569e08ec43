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
import { lockArgv } from '../../src/worker/guard.ts';

export type Kind = 'php' | 'node';
export const hasPhp = spawnSync('php', ['-v']).status === 0;
export const isRoot = process.getuid?.() === 0;
export const stress = process.env['CRONLATCH_STRESS'] !== undefined;
export const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
export const has = (...command: string[]) => spawnSync(command[0] ?? '', command.slice(1)).status === 0;
export const loud = { CRONLATCH_VERBOSE: '1' };
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
if ($mode === 'interval') { if (Guard::shouldStop()) exit(0); $note = fn (string $what) => file_put_contents($argv[2], $what . ' ' . getmypid() . ' ' . hrtime(true) . "\\n", FILE_APPEND); $note('in'); usleep((int) $argv[3]); $note('out'); exit(0); }
if ($mode === 'proc_open') { $c = proc_open(['sleep', '30'], [], $pipes); file_put_contents($argv[2], proc_get_status($c)['pid']); }
if ($mode === 'exec') { exec('sleep 30 >/dev/null 2>&1 & echo $! > ' . $argv[2]); }
if ($mode === 'shell_exec') { shell_exec('sleep 30 >/dev/null 2>&1 & echo $! > ' . $argv[2]); }
if ($mode === 'popen') { $c = popen('echo $$ > ' . $argv[2] . '; exec sleep 30', 'r'); }
if ($mode === 'fork') { $c = pcntl_fork(); if ($c === 0) { sleep(30); exit; } file_put_contents($argv[2], $c); }
echo "ran\\n";
if ($mode === 'oom') { ini_set('memory_limit', '8M'); $x = []; while (true) $x[] = str_repeat('y', 1000); }
if ($mode === 'throw') throw new Exception('job');
if ($mode === 'hold') { if (!Guard::shouldStop()) echo "asked\\n"; while (!Guard::shouldStop()) usleep(5000); echo Guard::why(), "\\n"; }
if ($mode === 'echo') while (($line = fgets(STDIN)) !== false) echo $line;
while ($mode === 'deaf') usleep(5000);
if (!in_array($mode, ['quick', 'hold', 'echo'])) fgets(STDIN);
`;
const NODE_WORK = `
import { appendFileSync, writeFileSync } from 'node:fs';
import { fork, spawn } from 'node:child_process';
const mode = process.argv[2] || 'quick';
const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
if (mode === 'interval') {
  if (shouldStop()) process.exit(0);
  const note = (what) => appendFileSync(process.argv[3], what + ' ' + process.pid + ' ' + process.hrtime.bigint() + '\\n');
  note('in');
  pause(process.argv[4] / 1000);
  note('out');
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
if (mode === 'hold') { if (!shouldStop()) console.log('asked'); while (!shouldStop()) await new Promise((done) => setTimeout(done, 5)); console.log(why()); process.exit(0); }
if (mode === 'stuck') pause(120_000); // the event loop with it
if (mode === 'block' || mode === 'deaf' || mode === 'proc_open') process.stdin.resume();
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
    ['php/cronlatch-shared.php', 'cronlatch-shared.php'],
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
    script(kind: Kind, options: Record<string, number | boolean> = {}, lockDir = dir): string {
      const path = join(root, kind === 'node' ? 'worker.mjs' : 'worker.php');
      const php = Object.entries(options).map(([key, value]) => `, '${key}' => ${value}`);
      const node = Object.entries(options).map(([key, value]) => `&${key}=${Number(value)}`);
      const text = {
        php: `<?php\n(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${lockDir}', 'name' => 'worker'${php.join('')}]);${PHP_WORK}`,
        node: `import './cronlatch-guard.mjs?dir=${encodeURIComponent(lockDir)}&name=worker${node.join('')}';\nimport { shouldStop, why } from './cronlatch-guard.mjs';${NODE_WORK}`,
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
    /** What looks at the lock (`status`) or tries it (`probe`), as cronlatch calls it. */
    asks: (kind: Kind, what: 'status' | 'probe', directory = dir) => {
      const guard = join(root, kind === 'php' ? 'cronlatch-guard.php' : 'cronlatch-guard.mjs');
      return lockArgv(what, { kind, path: kind }, { guard, directory, name: 'worker' });
    },
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

/** A figure for the log of a stress run. */
export function report(text: string): void {
  if (stress) process.stdout.write(`${text}\n`);
}

/** The start time of a process as its record has it. */
export function startOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
