// Which running processes are instances of a worker: by user, interpreter and resolved script, never by pattern.
import { basename } from 'node:path/posix';
import { scriptOfArgv } from '../command/argv.ts';
import { interpreterKind } from '../command/interpreter.ts';
import type { ProcessRow, Server, Target } from '../server/server.ts';
import { tellingArgs } from './facts.ts';
import { peekLock } from './peek.ts';

/** What makes a process an instance of a worker. */
export interface Who {
  /** Real path. */
  readonly script: string;
  readonly uid: number;
  readonly interpreter: 'php' | 'node';
  /** For scripts that are many workers in one (artisan, q.php mails): the arguments have to be these, `--once` aside. */
  readonly args?: readonly string[];
}

export interface Instance extends Target {
  /** Holds the lock; 'unseen' where that cannot be told. */
  readonly holds: boolean | 'unseen';
  /** Seconds since its birth, where that is known. */
  readonly age?: number;
}

/**
 * The worker's instances as they run now. Shells and wrappers around it (`sh -c`, timeout, flock), editors and
 * greps are none: their program is no PHP or Node, or the script is not what they run.
 */
export async function instancesOf(
  server: Server,
  who: Who,
  lockInode: string | 'none' | 'unseen',
  rows?: readonly ProcessRow[],
): Promise<Instance[]> {
  const found: Instance[] = [];
  for (const row of rows ?? (await server.processes.list())) {
    if (row.uid !== who.uid || row.state === 'Z' || row.exe === 'unseen') continue;
    if (interpreterKind(basename(row.exe)) !== who.interpreter) continue;
    const runs = scriptOfArgv(who.interpreter, row.argv);
    if (runs === 'none') continue;
    if (who.args && !sameArgs(who.args, runs.args)) continue;
    if ((await server.processes.resolve(row.pid, runs.script, who.script)) !== who.script) continue;
    found.push({
      pid: row.pid,
      start: row.start,
      uid: row.uid,
      script: who.script,
      word: runs.script,
      holds: await holds(server, row.pid, lockInode),
      ...(row.age === undefined ? {} : { age: row.age }),
    });
  }
  return found;
}

/** No arguments are a job of their own: `q.php` is not `q.php mails`. */
function sameArgs(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(tellingArgs(a)) === JSON.stringify(tellingArgs(b));
}

/** Process identity over time: a PID alone may be given to another. */
export function sameProcess(a: Target, b: Target): boolean {
  return a.pid === b.pid && a.start === b.start;
}

/** `device:inode` of a lock file; 'none' while it does not exist, 'unseen' where we may not look. */
export async function lockInode(
  server: Server,
  lock: string | undefined,
  as: { uid: number; gid: number },
): Promise<string | 'none' | 'unseen'> {
  if (lock === undefined) return 'none';
  const seen = await peekLock(server, lock, as);
  if (seen.is === 'other' && seen.what === 'unreadable') return 'unseen';
  return seen.is === 'file' ? seen.inode : 'none';
}

/** A lock that cannot be seen may be held: who may hold it is never taken for lock-less. */
async function holds(
  server: Server,
  pid: number,
  lock: string | 'none' | 'unseen',
): Promise<boolean | 'unseen'> {
  if (lock === 'none') return false;
  return lock === 'unseen' ? 'unseen' : server.processes.holds(pid, lock);
}
