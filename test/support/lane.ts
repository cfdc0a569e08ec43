// A site to break: crontab, worker and state of its own, put back to the same beginning as often as a test wants.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { As } from './cron.ts';
import { isAlive, rowsOf, startOf } from './cronProcesses.ts';
import { makeSpool, putCrontab, withSpool } from './spool.ts';
import { type Program, type Ran, runProgram } from './syscalls.ts';

export interface Lane {
  readonly site: string;
  readonly state: string;
  readonly script: string;
  readonly owner: { readonly uid: number; readonly gid: number };
  /** Where a crontab or its stand-in lies on the disk. */
  readonly tab: string;
  /** Made anew: nothing deployed, nothing running but the old instance, where there is one. */
  reset(): Promise<void>;
  /** Keeps everything as it is now, under a name, to come back to it. */
  keep(name: string): void;
  back(name: string): void;
  /** Ends the old instance and takes away all temporary files. */
  clear(): void;
  /** Bytes, modes, owners and times of everything but the state directory. */
  picture(): Record<string, string>;
  /** The same without the times, which a deploy cannot repeat. */
  timeless(): Record<string, string>;
  program(...args: readonly string[]): Program;
  run(...args: readonly string[]): Promise<Ran>;
  /** The same behind a program that sets something up before it (as root) and then starts what it is given. */
  runBehind(wrapper: readonly string[], ...args: readonly string[]): Promise<Ran>;
  /** What deploys the lane's worker. */
  readonly deploy: readonly string[];
  /** Does the old, lock-less instance still run? */
  running(): boolean;
  journal(): string | 'none';
  /** What dead runs have left in the directory for temporary files. */
  leftovers(): string[];
  close(): void;
}

const nodeWorker = `import { argv } from 'node:process';
if (!argv.includes('--once')) setInterval(() => {}, 1000);
`;
const phpWorker = `<?php
declare(strict_types=1);
$once = in_array('--once', $argv, true);
do { sleep(1); } while (!$once);
`;

/** A crontab that is a file, a Node worker, all of it root's: the quick one. */
export function fileLane(directory: string, bin: string, more: { user?: As } = {}): Lane {
  return lane(directory, bin, { kind: 'node', ...more });
}

/** The crontab of `user` in a spool of its own, a PHP worker, an old instance that runs. */
export function spoolLane(directory: string, bin: string, user: As): Lane {
  return lane(directory, bin, { kind: 'php', user, spool: true });
}

/** The same without root: the user at work in his own crontab, by way of crontab(1). */
export function ownLane(directory: string, bin: string, user: As): Lane {
  return lane(directory, bin, { kind: 'php', user, spool: true, self: true });
}

function lane(
  directory: string,
  bin: string,
  {
    kind,
    user,
    spool = false,
    self: himself = false,
  }: { kind: 'node' | 'php'; user?: As; spool?: boolean; self?: boolean },
): Lane {
  const site = join(user?.home ?? directory, 'site');
  const base = himself ? join(directory, 'own') : directory;
  const state = join(base, 'state');
  const kept = join(directory, 'kept');
  const temporary = join(directory, 'tmp');
  const spoolDirectory = join(directory, 'spool');
  const script = join(site, 'scripts', kind === 'php' ? 'worker.php' : 'worker.mjs');
  const tab = spool ? join(spoolDirectory, 'crontabs', user?.name ?? '') : join(site, 'crontab');
  const home = user?.home ?? site;
  const parts = spool ? [home, spoolDirectory] : [home];
  let old: { child: ChildProcess; pid: number; start: number } | undefined;
  const interpreter = kind === 'php' ? '/usr/bin/php' : process.execPath;
  const own = user ?? { uid: 0, gid: 0 };
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: himself ? home : '/root',
    TMPDIR: temporary,
  };

  const enter = spool ? withSpool(spoolDirectory) : [];
  const endOld = (): void => {
    if (old !== undefined && isAlive(old.pid, old.start)) old.child.kill('SIGKILL');
    old = undefined;
  };

  const self: Lane = {
    site,
    state,
    script,
    owner: own,
    tab,
    async reset() {
      self.clear();
      for (const path of [home, state, spoolDirectory]) rmSync(path, { recursive: true, force: true });
      mkdirSync(join(site, 'scripts'), { recursive: true });
      mkdirSync(base, { recursive: true });
      if (himself) chownSync(base, own.uid, own.gid);
      writeFileSync(script, kind === 'php' ? phpWorker : nodeWorker);
      const text = `# jobs of the site\nMAILTO=""\nHOME=${home}\n*/2 * * * * cd ${site} && ${interpreter} scripts/${script.slice(script.lastIndexOf('/') + 1)}\n17 3 * * *\t/usr/bin/true   # theirs\n`;
      if (spool && user !== undefined) {
        makeSpool(spoolDirectory);
        putCrontab(spoolDirectory, user, text);
      } else {
        writeFileSync(tab, text);
        chownSync(tab, own.uid, own.gid);
        chmodSync(tab, 0o640);
      }
      chmodSync(script, 0o750);
      for (const path of [home, site, join(site, 'scripts'), script]) chownSync(path, own.uid, own.gid);
      // Old, and not on a whole second.
      spawnSync('touch', ['-d', '2024-02-03 04:05:06.123456789', script, tab]);
      if (spool) {
        const child = spawn(interpreter, [script], {
          cwd: site,
          stdio: 'ignore',
          uid: own.uid,
          gid: own.gid,
        });
        const pid = child.pid ?? 0;
        while (!rowsOf().some((row) => row.pid === pid && row.argv[1] === script))
          await new Promise((done) => setTimeout(done, 5));
        old = { child, pid, start: startOf(pid) };
      }
    },
    keep: (name) => copy(directory, [...parts, state], join(kept, name)),
    back: (name) => {
      for (const path of [...parts, state]) {
        rmSync(path, { recursive: true, force: true });
        const from = join(kept, name, path.slice(directory.length + 1));
        if (existsSync(from)) copy(join(kept, name), [from], directory);
      }
    },
    clear() {
      endOld();
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(temporary);
      chmodSync(temporary, 0o1777);
    },
    // What crontab(1) puts in front of a crontab and when it did so is its own, and not the user's to see.
    picture: () => pictureOf(parts, (path) => !(himself && path === tab)),
    timeless: () => pictureOf(parts, () => false),
    program: (...args) => ({
      before: enter,
      argv: [process.execPath, bin, ...args, '--state-dir', state],
      roots: [...parts, state, temporary, '/var/spool/cron'],
      ...(himself && user ? { user: user.name } : {}),
      cwd: '/',
      env,
    }),
    run: (...args) => self.runBehind([], ...args),
    runBehind(wrapper, ...args) {
      const { argv } = self.program(...args);
      const become =
        himself && user ? ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'] : [];
      return runProgram([...enter, ...wrapper, ...become, ...argv], '/', env);
    },
    deploy: [
      'deploy',
      ...(spool ? ['--user', user?.name ?? ''] : ['--file', tab]),
      '--all',
      '--ci',
      '--without',
      'verify',
    ],
    running: () => old !== undefined && isAlive(old.pid, old.start),
    journal: () => {
      const at = join(state, 'deployments');
      const names = existsSync(at) ? readdirSync(at).sort() : [];
      // One that was not written to its first newline is no journal yet.
      const name = names.find((one) => readFileSync(join(at, one), 'latin1').includes('\n'));
      return name === undefined ? 'none' : name.replace(/\.jsonl$/, '');
    },
    leftovers: () => readdirSync(temporary),
    close: endOld,
  };
  return self;
}

/** `n` of all, evenly over the whole. */
export function some<T>(all: readonly T[], n: number): T[] {
  if (all.length <= n) return [...all];
  return Array.from({ length: n }, (_, i) => all[Math.floor((i * all.length) / n)] as T);
}

/** Where two pictures differ, by path. */
export function unlike(
  now: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(now), ...Object.keys(wanted)])]
    .filter((path) => now[path] !== wanted[path])
    .map((path) => `${path} is ${now[path] ?? 'absent'} and not ${wanted[path] ?? 'absent'}`);
}

/** With owners, modes and times to the nanosecond. */
function copy(base: string, paths: readonly string[], to: string): void {
  mkdirSync(to, { recursive: true });
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const aim = join(to, path.slice(base.length + 1));
    rmSync(aim, { recursive: true, force: true });
    mkdirSync(dirname(aim), { recursive: true });
    const ran = spawnSync('cp', ['-a', '--', path, aim]);
    if (ran.status !== 0) throw new Error(String(ran.stderr));
  }
}

/** Three lines that crontab(1) writes itself. */
const header = /^# DO NOT EDIT THIS FILE[^\n]*\n# \([^\n]* installed on [^\n]*\)\n# \(Cron version[^\n]*\n/;

function pictureOf(roots: readonly string[], timed: (path: string) => boolean): Record<string, string> {
  const found: Record<string, string> = {};
  for (const root of roots) {
    for (const name of ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })].sort()) {
      const path = join(root, name);
      const look = lstatSync(path, { bigint: true });
      const head = `${look.mode.toString(8)} ${look.uid}:${look.gid}`;
      // A directory's own time moves with every temporary file in it.
      if (look.isFile())
        found[path] =
          `${head}${timed(path) ? ` ${look.mtimeNs}` : ''} ${readFileSync(path, 'latin1').replace(header, '')}`;
      else found[path] = look.isSymbolicLink() ? `${head} -> ${readlinkSync(path)}` : head;
    }
  }
  return found;
}
