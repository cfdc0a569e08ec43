// What runs on this machine, read from /proc, and the one place that sends a signal.
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { Problem, reasonOf } from '../problem.ts';
import { findDaemon, isWhole } from './daemon.ts';
import { doingOf } from './doing.ts';
import type { Processes, ProcessRow, Target } from './server.ts';

export const localProcesses: Processes = {
  async list() {
    const rows: ProcessRow[] = [];
    for (const name of fs.readdirSync('/proc')) {
      const code = name.charCodeAt(0);
      if (code < 48 || code > 57) continue;
      const row = readRow(Number(name));
      if (row !== 'gone') rows.push(row);
    }
    const up = secondsUp();
    return rows.map((row) => ({ ...row, age: Math.max(0, up - Number(row.start) / 100) }));
  },

  follow() {
    let next: (() => Promise<readonly ProcessRow[]>) | undefined;
    return async () => {
      next ??= (await import('./follow.ts')).following(readRow);
      return next();
    };
  },

  async resolve(pid, path, real) {
    return resolveFor(pid, path, real);
  },

  async holds(pid, lockInode) {
    const ino = lockInode.split(':')[1];
    try {
      for (const fd of fs.readdirSync(`/proc/${pid}/fdinfo`)) {
        let info: string;
        try {
          info = fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1');
        } catch {
          continue; // closed meanwhile
        }
        // "lock:  1: FLOCK  ADVISORY  WRITE 7822 fe:00:2146364 0 EOF": the device differs from stat's on overlayfs,
        // so the inode decides.
        for (const match of info.matchAll(/^lock:.*FLOCK.*:(\d+) \d+ \S+$/gm)) {
          if (match[1] === ino) return true;
        }
      }
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? false : 'unseen';
    }
  },

  async output(pid) {
    return link(`/proc/${pid}/fd/1`);
  },

  async locked(lockInode) {
    const ino = lockInode.split(':')[1];
    try {
      const text = fs.readFileSync('/proc/locks', 'latin1');
      for (const match of text.matchAll(/FLOCK .*:(\d+) \d+ \S+$/gm)) {
        if (match[1] === ino) return true;
      }
      // In a PID namespace of its own /proc/locks leaves out what it cannot name: no line is then no proof.
      return isWhole() ? false : 'unseen';
    } catch {
      return 'unseen';
    }
  },

  async confined() {
    return !isWhole();
  },

  async cron() {
    return findDaemon();
  },

  async doing(pid) {
    return doingOf(pid);
  },

  async signal(target, signal) {
    const now = verify(target);
    if (now !== 'same') return now;
    try {
      process.kill(target.pid, signal);
      return 'sent';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone';
      throw new Problem(
        'not-allowed',
        { act: `signal PID ${target.pid}`, reason: reasonOf(error) },
        { cause: error },
      );
    }
  },
};

/** Is the PID still the process that was meant? Asked immediately before a signal. */
function verify(target: Target): 'same' | 'gone' | 'different' {
  const row = readRow(target.pid);
  if (row === 'gone' || row.state === 'Z') return 'gone';
  if (row.start !== target.start) return 'gone'; // the number was given to another: ours has ended
  if (row.uid !== target.uid) return 'different';
  if (!row.argv.includes(target.word)) return 'different';
  return resolveFor(target.pid, target.word, target.script) === target.script ? 'same' : 'different';
}

/** Of the kernel's own clock, which nobody sets; births are told in hundredths of it. */
function secondsUp(): number {
  return Number(fs.readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
}

function readRow(pid: number): ProcessRow | 'gone' {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name stands in parentheses and may hold blanks and parentheses itself.
    const rest = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const uids = /^Uid:\t(\d+)\t(\d+)\t(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
    // A process that is partly somebody else (a daemon that has lent itself a user's rights) is nobody's worker.
    const uid = uids && uids[1] === uids[2] && uids[2] === uids[3] ? Number(uids[2]) : -1;
    const line = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return {
      pid,
      ppid: Number(rest[1]),
      start: rest[19] ?? '',
      uid,
      state: rest[0] ?? '?',
      argv: line === '' ? [] : line.replace(/\0$/, '').split('\0'),
      // A kernel thread has no command line; its links are not worth two system calls.
      exe: line === '' ? 'unseen' : link(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''),
      cwd: line === '' ? 'unseen' : link(`/proc/${pid}/cwd`),
    };
  } catch {
    return 'gone';
  }
}

function link(path: string): string | 'unseen' {
  try {
    return fs.readlinkSync(path);
  } catch {
    return 'unseen';
  }
}

/**
 * A jail or a container may have another file under the same name, or the same file under another one. The process's
 * own is reached through its links in /proc, which the kernel follows into its root and its mounts.
 */
function resolveFor(pid: number, path: string, expected?: string): string | 'unseen' {
  try {
    const inside = fs.statSync(
      path.startsWith('/') ? `/proc/${pid}/root${path}` : `/proc/${pid}/cwd/${path}`,
      { bigint: true },
    );
    if (expected !== undefined && sameFile(inside, fs.statSync(expected, { bigint: true }))) return expected;
    // The links of a chrooted process are told from outside; a path of its own begins at its root.
    const root = fs.readlinkSync(`/proc/${pid}/root`);
    const outside =
      path.startsWith('/') && root !== '/'
        ? `${root}${path}`
        : resolve(fs.readlinkSync(`/proc/${pid}/cwd`), path);
    const real = fs.realpathSync.native(outside);
    return sameFile(inside, fs.statSync(real, { bigint: true })) ? real : 'unseen';
  } catch {
    return 'unseen';
  }
}

function sameFile(a: fs.BigIntStats, b: fs.BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}
