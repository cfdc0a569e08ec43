// The real cron daemon in a mount namespace of its own, its clock thirty times as fast: a tick every two seconds.
// Nothing of the machine's own crontabs is seen or touched by it, and it dies with the test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endAll, rowsOf } from './cronProcesses.ts';

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
/** Timers and file times stay as the kernel gives them. */
const quiet = 'DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1';

/** Why the real cron cannot be used here; '' when it can. */
export const cronMissing = reason();

function reason(): string {
  if (process.getuid?.() !== 0) return 'not root';
  const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  for (const program of ['cron', 'crontab', 'unshare', 'nsenter', 'setpriv', 'useradd', 'php'])
    if (!has(program)) return `no ${program}`;
  if (!existsSync(library)) return 'no libfaketime';
  if (spawnSync(process.execPath, ['-v'], { uid: 65534, gid: 65534 }).status !== 0)
    return 'other users cannot run this node';
  const mount = spawnSync('unshare', ['-m', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'x', '/run']);
  return mount.status === 0 ? '' : 'mounting is not allowed';
}

/** A directory for everything of one test file, which other users can enter. */
export function workshop(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `cronlatch-${name}-`));
  chmodSync(directory, 0o755);
  return directory;
}

/** The built program where every user can read it, wherever the checkout stands. */
export function installProgram(directory: string): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const to = join(directory, 'program');
  for (const part of ['bin', 'dist', 'package.json'])
    cpSync(join(root, part), join(to, part), { recursive: true });
  spawnSync('chmod', ['-R', 'a+rX', to]);
  return join(to, 'bin/cronlatch.js');
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface As {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly name: string;
}

interface RunOptions {
  readonly as?: As;
  /** Its clock goes with cron's. */
  readonly fast?: boolean;
  readonly stdin?: string;
  /** SIGKILL after so many milliseconds. */
  readonly killAfter?: number;
  /** A directory that it takes for /var/spool/cron, while cron goes on with its own. */
  readonly spool?: string;
}

export interface Cron {
  readonly pid: number;
  /** The directories that stand at /var/spool/cron/crontabs and /etc/cron.d in the namespace. */
  readonly spool: string;
  readonly cronD: string;
  /** Runs a program in the namespace, as root or as another. */
  run(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Has cron see what was installed just now: it compares whole seconds of its directories' times. */
  notice(): Promise<void>;
  /** Everything cron sent by mail: To line, subject with the command, and the output. */
  mails(): string[];
  stop(): Promise<void>;
}

/** Starts the daemon and returns when it runs. A minute of its passes in `tick` milliseconds of ours. */
export async function startCron(directory: string, tick = 2000): Promise<Cron> {
  const speed = 60_000 / tick;
  const at = (name: string): string => join(directory, name);
  for (const name of ['spool/crontabs', 'cron.d', 'upper', 'work', 'etc', 'etc.work', 'mail', 'tmp'])
    mkdirSync(at(name), { recursive: true });
  for (const name of ['mail', 'tmp']) chmodSync(at(name), 0o1777);
  const group = Number(/^crontab:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]);
  chownSync(at('spool/crontabs'), 0, group);
  chmodSync(at('spool/crontabs'), 0o1730);
  writeFileSync(at('crontab'), '');
  // cron compares whole seconds: what is installed in the very second of its start would go unseen.
  for (const name of ['spool/crontabs', 'cron.d', 'crontab'])
    utimesSync(at(name), 1_600_000_000, 1_600_000_000);
  // libfaketime leaves objects in /dev/shm, named by PID, that block a later process of another user.
  // cron mails with this program alone, and cron.allow stands in /etc; both are laid over the machine's own
  // in the namespace only;
  writeFileSync(at('upper/sendmail'), `#!/bin/sh\ncd ${at('mail')} && cat > .$$ && mv .$$ $$\n`, {
    mode: 0o755,
  });
  writeFileSync(
    at('enter'),
    `set -e
mount -t overlay overlay -o lowerdir=/etc,upperdir=${at('etc')},workdir=${at('etc.work')} /etc
mount --bind ${at('spool')} /var/spool/cron
mount --bind ${at('cron.d')} /etc/cron.d
mount --bind ${at('crontab')} /etc/crontab
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t overlay overlay -o lowerdir=/usr/sbin,upperdir=${at('upper')},workdir=${at('work')} /usr/sbin
exec env LD_PRELOAD=${library} FAKETIME='+0 x${speed}' ${quiet} cron -f
`,
  );
  const args = ['-m', '--propagation', 'private', 'setpriv', '--pdeathsig', 'KILL', 'sh', at('enter')];
  const daemon = spawn('unshare', args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  let said = '';
  daemon.stderr?.on('data', (text) => {
    said += text;
  });
  const pid = daemon.pid ?? 0;
  const name = (): string => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    } catch {
      return '';
    }
  };
  await until('cron runs', () => {
    if (daemon.exitCode !== null) throw new Error(`cron did not start: ${said}`);
    return name() === 'cron' && existsSync(`/proc/${pid}/root/run/crond.pid`);
  });
  // The library counts from the start of each process. This is cron's: what it wrote first, by the kernel's own clock.
  // From there to a program's first instruction takes a while on a busy machine, and its clock would be behind cron's by
  // thirty times as much: a tick that was over for cron would still be to come for the program. Half a second ahead it
  // sees each tick a little early, which nobody minds.
  const since = lstatSync(`/proc/${pid}/root/run/crond.pid`, { bigint: true }).mtimeNs;
  const onItsClock = [
    'sh',
    '-c',
    `ahead=$(( ($(date +%s%N) - ${since}) * ${speed - 1} / 1000000 + ${500 * speed} ))
export FAKETIME="+$((ahead / 1000)).$(printf %03d $((ahead % 1000))) x${speed}" ${quiet}
LD_PRELOAD=${library} exec "$@"`,
    'sh',
  ];

  return {
    pid,
    spool: at('spool/crontabs'),
    cronD: at('cron.d'),
    run(argv, { as, fast = false, stdin, killAfter, spool } = {}) {
      const home = as?.home ?? '/root';
      const become =
        as === undefined
          ? []
          : ['setpriv', `--reuid=${as.uid}`, `--regid=${as.gid}`, '--init-groups', '--inh-caps=-all'];
      const env = [
        'env',
        '-i',
        'PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
        `HOME=${home}`,
        `TMPDIR=${at('tmp')}`,
      ];
      const mount = ['sh', '-c', 'mount --bind "$0" /var/spool/cron && exec "$@"'];
      const apart = spool === undefined ? [] : ['unshare', '-m', '--propagation', 'private', ...mount, spool];
      const whole = [...apart, ...become, ...env, ...(fast ? onItsClock : []), ...argv];
      return finished(
        spawn('nsenter', ['-m', '-t', String(pid), `--wd=${home}`, ...whole]),
        stdin,
        killAfter,
      );
    },
    async notice() {
      await pause(1000 - (Date.now() % 1000) + 5);
      for (const name of ['spool/crontabs', 'cron.d']) utimesSync(at(name), new Date(), new Date());
    },
    mails: () =>
      readdirSync(at('mail'))
        .filter((file) => !file.startsWith('.'))
        .map((file) => readFileSync(join(at('mail'), file), 'latin1')),
    async stop() {
      await endAll(() => rowsOf().filter((row) => row.pid === pid || row.ancestors.includes(pid)));
      await until('cron has ended', () => daemon.exitCode !== null || daemon.signalCode !== null);
    },
  };
}

function finished(child: ChildProcess, stdin = '', killAfter?: number): Promise<Ran> {
  const since = Date.now();
  // Every program on the way execs the next, so this PID is the last one's.
  if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  child.stderr?.on('data', (data) => {
    stderr += data;
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(stdin);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr, seconds: (Date.now() - since) / 1000 }));
  });
}

/** Waits for a condition; throws when it does not come true. */
export async function until(what: string, holds: () => boolean, seconds = 20): Promise<void> {
  for (const end = Date.now() + seconds * 1000; ; await pause(20)) {
    if (holds()) return;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain: ${what}`);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Removes a workshop; only what is there, never through a mount. */
export function closeWorkshop(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
