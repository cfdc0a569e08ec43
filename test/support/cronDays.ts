// A real cron daemon on a clock that the test sets minute by minute: libfaketime tells it the mtime of a file, and a
// SIGHUP wakes it from its sleep. A day takes seconds, and each start is known to the very minute of cron's clock.
// It runs in a mount namespace of its own, sees nothing of the machine's crontabs and dies with the test.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
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
import type { Cron } from '../../src/crontab/dialects.ts';

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const MINUTE = 60_000;

/** Why Debian's cron cannot be stepped here; '' when it can. */
export const daysMissing = reason();

function reason(): string {
  if (process.getuid?.() !== 0) return 'not root';
  for (const program of ['cron', 'crontab', 'unshare', 'setpriv'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `no ${program}`;
  if (!existsSync(library)) return 'no libfaketime';
  const mount = spawnSync('unshare', ['-m', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'x', '/run']);
  return mount.status === 0 ? '' : 'mounting is not allowed';
}

export interface SteppedCron {
  /** Sets cron's clock to a minute (ms since the epoch) and returns when cron has started all it starts then. */
  tick(at: number): Promise<void>;
  /** Ticks every minute from `from` to `to`, both included. */
  live(from: number, to: number): Promise<void>;
  /** The minutes (ms since the epoch, in order, repeated for repeated starts) at which `name` was started. */
  starts(name: string): number[];
  /** What a command left in the folder it was told by `${say(name)}`. */
  said(name: string): string;
  stop(): Promise<void>;
}

export interface Workplace {
  readonly directory: string;
  /** The directories that cron sees at /var/spool/cron/crontabs and /etc/cron.d. */
  readonly spool: string;
  readonly cronD: string;
  /** A command that notes the minute of cron's clock under this name, with builtins of sh alone. */
  note(name: string): string;
  /** Where a command may write something for `said`. */
  say(name: string): string;
  /** Puts a crontab in place as crontab(1) would leave it. */
  install(user: string, text: string): void;
}

/** A place to put crontabs in, before the daemon starts. */
export function workplace(): Workplace {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-days-'));
  chmodSync(directory, 0o755);
  const at = (name: string): string => join(directory, name);
  for (const name of ['spool/crontabs', 'cron.d', 'starts', 'said']) mkdirSync(at(name), { recursive: true });
  chownSync(at('spool/crontabs'), 0, 0);
  chmodSync(at('spool/crontabs'), 0o1730);
  writeFileSync(at('crontab'), '');
  return {
    directory,
    spool: at('spool/crontabs'),
    cronD: at('cron.d'),
    note: (name) => `read m < ${at('now')}; echo $m >> ${at('starts')}/${name}`,
    say: (name) => `${at('said')}/${name}`,
    install(user, text) {
      writeFileSync(join(at('spool/crontabs'), user), text, { encoding: 'latin1', mode: 0o600 });
    },
  };
}

const waiting = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

export interface Daemon {
  readonly cron: Cron;
  readonly command: string;
}

/**
 * The machine's own cron, taken for Debian 12's, and others named in CRONLATCH_DAEMONS:
 * `debian13=/opt/debian13/cron -f;cronie=/opt/cronie/crond -n -m off`.
 */
export const daemons: readonly Daemon[] = [
  { cron: 'debian12', command: 'cron -f -L 0' },
  ...(process.env['CRONLATCH_DAEMONS'] ?? '').split(';').flatMap((one): Daemon[] => {
    const [, cron, command = ''] = /^(debian13|cronie)=(.+)$/.exec(one) ?? [];
    return cron === undefined ? [] : [{ cron: cron as Cron, command }];
  }),
];

/** Starts the daemon at a moment (ms since the epoch) in a zone. */
export async function startStepped(
  place: Workplace,
  zone: string,
  start: number,
  { command }: Daemon,
): Promise<SteppedCron> {
  const at = (name: string): string => join(place.directory, name);
  const clock = at('clock');
  const setClock = (moment: number): void => {
    writeFileSync(at('now'), `${moment / MINUTE}\n`);
    utimesSync(clock, moment / 1000 + 1, moment / 1000 + 1);
  };
  writeFileSync(clock, '');
  setClock(start);
  writeFileSync(
    at('enter'),
    `set -e
mount --bind ${at('spool')} /var/spool/cron
mount --bind ${at('cron.d')} /etc/cron.d
mount --bind ${at('crontab')} /etc/crontab
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
exec env -i PATH="$PATH" TZ=${zone} LD_PRELOAD=${library} FAKETIME=% FAKETIME_FOLLOW_FILE=${clock} FAKETIME_NO_CACHE=1 \\
  DONT_FAKE_MONOTONIC=1 FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 ${command}
`,
  );
  const args = ['-m', '--propagation', 'private', 'setpriv', '--pdeathsig', 'KILL', 'sh', at('enter')];
  const daemon = spawn('unshare', args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/' });
  let complaint = '';
  daemon.stderr?.on('data', (text) => {
    complaint += text;
  });
  const pid = daemon.pid ?? 0;
  const of = (file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  };
  const quiet = (): boolean => {
    if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error(`cron ended: ${complaint}`);
    return of('wchan') === 'hrtimer_nanosleep' && of(`task/${pid}/children`) === '';
  };
  /** Cron sleeps and nothing it started is left; asked twice, since between two looks it may just be forking. */
  const settle = async (): Promise<void> => {
    const end = Date.now() + 120_000;
    for (let calm = 0; calm < 2; ) {
      calm = quiet() ? calm + 1 : 0;
      if (calm < 2) await waiting(1);
      if (Date.now() > end)
        throw new Error(`cron does not come to rest: ${of('wchan')} ${of(`task/${pid}/children`)}`);
    }
  };
  const schedstat = (): string => of('status').match(/^voluntary_ctxt_switches:\s+(\d+)/m)?.[1] ?? '';
  /** Wakes cron and waits until it sleeps again. */
  const wake = async (): Promise<void> => {
    const before = schedstat();
    process.kill(pid, 'SIGHUP');
    const end = Date.now() + 120_000;
    while (schedstat() === before) {
      if (Date.now() > end) throw new Error('cron does not wake');
      await waiting(1);
    }
    await settle();
  };
  const counted = (): number =>
    readdirSync(at('starts')).reduce(
      (sum, name) => sum + readFileSync(join(at('starts'), name), 'latin1').length,
      0,
    );

  const end = Date.now() + 20_000;
  while (!existsSync(`/proc/${pid}/root/run/crond.pid`)) {
    if (daemon.exitCode !== null || Date.now() > end) throw new Error(`cron did not start: ${complaint}`);
    await waiting(5);
  }
  await settle();

  const tick = async (moment: number): Promise<void> => {
    setClock(moment);
    // While it catches up, cron sleeps between two batches: it is woken until nothing comes any more.
    for (let before = -1, after = counted(); before !== after; after = counted()) {
      before = after;
      await wake();
    }
  };
  return {
    tick,
    async live(from, to) {
      for (let moment = from; moment <= to; moment += MINUTE) await tick(moment);
    },
    starts(name) {
      const file = join(at('starts'), name);
      if (!existsSync(file)) return [];
      return readFileSync(file, 'latin1')
        .trim()
        .split('\n')
        .map((minute) => Number(minute) * MINUTE);
    },
    said: (name) => (existsSync(place.say(name)) ? readFileSync(place.say(name), 'latin1') : ''),
    async stop() {
      const ended = new Promise((done) => daemon.once('exit', done));
      daemon.kill('SIGKILL');
      if (daemon.exitCode === null && daemon.signalCode === null) await ended;
      rmSync(place.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}
