// The sandbox's stage: a disposable directory, a stand-in for cron that starts entries as cron would, and a
// MariaDB where there is one. Everything it started is ended by PID, also when the process is told to go at once.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { parseCrontab } from '../crontab/parse.ts';
import { nextRuns } from '../crontab/schedule.ts';
import { settingsAt } from '../crontab/settings.ts';

export interface Stage {
  readonly directory: string;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  count(directory: string, ending: string): number;
  /** Starts the crontab's entries when they are due by `clock`. What they print is kept as cron's mail would be. */
  tick(crontab: string, clock: () => number, env: Record<string, string>): void;
  mail(): string;
  /** A private MariaDB with at most `limit` connections for the worker's account; its socket, or why there is none. */
  startDatabase(limit: number): Promise<{ readonly socket: string } | { readonly none: string }>;
  /** Ends what was started and, unless kept, removes the directory. */
  close(keep: boolean): Promise<void>;
}

/** Finds a program on PATH. */
export function findProgram(name: string): string | 'none' {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    if (directory.startsWith('/') && existsSync(join(directory, name))) return join(directory, name);
  }
  return existsSync(join('/usr/sbin', name)) ? join('/usr/sbin', name) : 'none';
}

/** Sets the stage in the system's temporary directory. */
export function setStage(): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-sandbox-'));
  const running = new Set<ChildProcess>();
  let mail = '';
  let timer: NodeJS.Timeout | undefined;
  let kept = false;
  // The last way out (a second Ctrl-C): nothing here may wait.
  const onExit = (): void => {
    for (const child of running) endGroup(child, 'SIGKILL');
    if (!kept) rmSync(directory, { recursive: true, force: true });
  };
  process.on('exit', onExit);

  const start = (
    program: string,
    args: readonly string[],
    env: Record<string, string>,
    cwd: string,
  ): ChildProcess => {
    // A group of its own: what the shell starts ends with it.
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    const keep = (text: Buffer): void => {
      mail = (mail + text.toString('utf8')).slice(-65_536);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', () => running.delete(child));
    child.on('exit', () => running.delete(child));
    return child;
  };

  return {
    directory,
    write(path, text, mode = 0o644) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text, { mode });
    },
    read: (path) => (existsSync(join(directory, path)) ? readFileSync(join(directory, path), 'utf8') : ''),
    count: (path, ending) =>
      readdirSync(join(directory, path)).filter((name) => name.endsWith(ending)).length,
    mail: () => mail,

    tick(path, clock, env) {
      let looked = clock();
      const look = async (): Promise<void> => {
        const now = clock();
        const crontab = parseCrontab(readFileSync(path, 'latin1'), { dialect: 'debian', system: false });
        for (const line of crontab.lines) {
          if (line.is !== 'entry') continue;
          const [due] = await nextRuns(line.schedule, looked, 1, 'UTC');
          if (due === undefined || due > now) continue;
          const settings = Object.fromEntries(settingsAt(crontab, line.number));
          const home = settings['HOME'] ?? directory;
          const shell = settings['SHELL'] ?? '/bin/sh';
          start(
            shell,
            ['-c', line.command.text],
            { PATH: '/usr/bin:/bin', LOGNAME: 'example-user', SHELL: shell, ...env, ...settings },
            home,
          );
        }
        looked = now;
        timer = setTimeout(look, 100);
      };
      timer = setTimeout(look, 0);
    },

    async startDatabase(limit) {
      const install = findProgram('mariadb-install-db');
      const server = findProgram('mariadbd');
      if (install === 'none' || server === 'none') return { none: 'there is no MariaDB on this machine' };
      const data = join(directory, 'mysql');
      const socket = join(directory, 'mysql.sock');
      const asRoot = process.geteuid?.() === 0 ? ['--user=root'] : [];
      const made = spawnSync(
        install,
        [
          '--no-defaults',
          `--datadir=${data}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
          ...asRoot,
        ],
        { stdio: 'ignore', timeout: 20_000 },
      );
      if (made.status !== 0) return { none: 'MariaDB could not make its data directory' };
      // Ends with the stage; no network, so nothing else can meet it.
      const args = [
        '--no-defaults',
        `--datadir=${data}`,
        `--socket=${socket}`,
        `--pid-file=${join(directory, 'mysql.pid')}`,
        '--skip-networking',
        '--innodb-buffer-pool-size=16M',
        '--innodb-log-file-size=8M',
        ...asRoot,
      ];
      const child = start(server, args, { PATH: '/usr/bin:/bin' }, directory);
      for (let i = 0; i < 100 && !existsSync(socket) && child.exitCode === null; i++) await pause(100);
      const client = findProgram('mariadb');
      const sql = `CREATE USER u12345_app@localhost WITH MAX_USER_CONNECTIONS ${limit}`;
      const done = spawnSync(client, ['--no-defaults', `--socket=${socket}`, '-u', 'root', '-e', sql], {
        stdio: 'ignore',
        timeout: 10_000,
      });
      mail = '';
      return done.status === 0 ? { socket } : { none: 'MariaDB did not start' };
    },

    async close(keep) {
      kept = keep;
      clearTimeout(timer);
      for (const child of running) endGroup(child, 'SIGTERM');
      for (let i = 0; i < 50 && running.size > 0; i++) await pause(100);
      for (const child of running) endGroup(child, 'SIGKILL');
      for (let i = 0; i < 20 && running.size > 0; i++) await pause(50);
      if (!keep) rmSync(directory, { recursive: true, force: true });
      process.removeListener('exit', onExit);
    },
  };
}

/** Only while its leader lives: after that the number could be given to others. */
function endGroup(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
