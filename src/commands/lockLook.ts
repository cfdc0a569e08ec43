// One look at a lock: is it held, by whom, since when. Nothing is created, and what cannot be told is said so.
import type { Owner, ProcessRow, Server } from '../server/server.ts';
import { peek, peekLock } from '../survey/peek.ts';
import { judgeRecord, type LockRecord, readRecord } from '../worker/record.ts';
import { type LockTarget, lockPath } from './lockTargets.ts';

/** The process that holds a lock. */
export interface LockHolder {
  readonly pid: number;
  readonly start: string;
  readonly uid: number;
  readonly exe: string;
  readonly argv: readonly string[];
}

export interface LockState {
  readonly held: 'held' | 'free' | 'unknown';
  /** Why it cannot be told. */
  readonly because?: string;
  /** How it was told: by a trial of the lock itself, or from the kernel's list. */
  readonly by: readonly ('trial' | 'proc-locks')[];
  readonly record: LockRecord | 'empty' | 'foreign' | 'none';
  /** Is the process of the record alive? */
  readonly writer: 'alive' | 'dead' | 'unknown' | 'none';
  /**
   * Who holds it. 'verified': the process of the record, by PID, start time and boot, and where it can be seen, by its own
   * descriptor. 'other': processes that hold the descriptor but did not write the record, as a leaked child does.
   */
  readonly holder:
    | { readonly is: 'verified'; readonly process: LockHolder; readonly descriptor: boolean | 'unseen' }
    | { readonly is: 'other'; readonly processes: readonly LockHolder[] }
    | { readonly is: 'unknown' }
    | { readonly is: 'none' };
}

/** Looks at the lock with its owner's rights. */
export async function lookAtLock(server: Server, target: LockTarget): Promise<LockState> {
  const seen = await peekLock(server, lockPath(target), target.owner);
  const nobody = { by: [], record: 'none', writer: 'none', holder: { is: 'none' } } as const;
  if (seen.is === 'absent') {
    const directory = await peek(server, target.directory, target.owner);
    const hidden = directory.is === 'other' && directory.what === 'unreadable';
    return hidden
      ? { ...nobody, held: 'unknown', because: 'the directory cannot be read' }
      : { ...nobody, held: 'free' };
  }
  if (seen.is !== 'file') {
    const because = seen.is === 'other' ? seen.what : `it is a ${seen.is}, no file`;
    return { ...nobody, held: 'unknown', because };
  }
  const rows = await server.processes.list();
  const record = readRecord(seen.bytes);
  const listed = await server.processes.locked(seen.inode);
  const tried = await tryLock(server, target);
  const held =
    tried.is === 'unknown' ? (listed === 'unseen' ? 'unknown' : listed ? 'held' : 'free') : tried.is;
  const by = [
    ...(tried.is === 'unknown' ? [] : (['trial'] as const)),
    ...(listed === 'unseen' ? [] : (['proc-locks'] as const)),
  ];
  const writer =
    typeof record === 'string' ? 'none' : judgeRecord(record, await presentOf(server, record, rows));
  return {
    held,
    ...(held === 'unknown' && tried.is === 'unknown' ? { because: tried.because } : {}),
    by,
    record,
    writer,
    holder: held === 'free' ? { is: 'none' } : await holderOf(server, seen.inode, record, writer, rows),
  };
}

async function holderOf(
  server: Server,
  inode: string,
  record: LockState['record'],
  writer: LockState['writer'],
  rows: readonly ProcessRow[],
): Promise<LockState['holder']> {
  const holding: LockHolder[] = [];
  for (const row of rows)
    if ((await server.processes.holds(row.pid, inode)) === true) holding.push(holderFrom(row));
  if (typeof record !== 'string' && writer === 'alive') {
    const row = rows.find(({ pid }) => pid === record.pid);
    const descriptor = await server.processes.holds(record.pid, inode);
    if (row !== undefined && (descriptor !== false || holding.length === 0))
      return { is: 'verified', process: holderFrom(row), descriptor };
  }
  return holding.length > 0 ? { is: 'other', processes: holding } : { is: 'unknown' };
}

function holderFrom({ pid, start, uid, exe, argv }: ProcessRow): LockHolder {
  return { pid, start, uid, exe, argv };
}

async function presentOf(server: Server, record: LockRecord, rows: readonly ProcessRow[]) {
  const own = server.self.owner;
  const boot = await peek(server, '/proc/sys/kernel/random/boot_id', own);
  const pidns = await peek(server, '/proc/self/ns/pid', own);
  const row = rows.find(({ pid }) => pid === record.pid);
  return {
    boot: boot.is === 'file' ? boot.bytes.trim() : '',
    pidns: pidns.is === 'link' ? pidns.target : '',
    row: row === undefined ? ('none' as const) : { start: row.start, state: row.state },
  };
}

/**
 * A shared lock on a read-only descriptor, without waiting, given back at once: 0 free, 11 held, anything else is no
 * answer (a program that fails for reasons of its own exits with 1).
 * flock(1) is the last resort: it would make the file anew if somebody deleted it in this very moment.
 */
const inPerl = 'open(F,"<",$ARGV[0]) or exit 3; exit(flock(F,5) ? 0 : $!{EWOULDBLOCK} ? 11 : 5)';
const inPhp =
  '$f=@fopen($argv[1],"r"); if(!$f) exit(3); $w=0; if(flock($f,LOCK_SH|LOCK_NB,$w)) exit(0); exit($w===1?11:5);';

async function tryLock(
  server: Server,
  target: LockTarget,
): Promise<{ readonly is: 'held' | 'free' } | { readonly is: 'unknown'; readonly because: string }> {
  const { interpreter } = target;
  const path = lockPath(target);
  const trials = [
    ...(interpreter?.kind === 'php' ? [[interpreter.path, '-n', '-r', inPhp, '--', path]] : []),
    ['/usr/bin/perl', '-e', inPerl, path],
    ['/usr/bin/flock', '-s', '-n', '-E', '11', path, '/bin/true'],
  ];
  let because = 'nothing here can try it (PHP, perl or flock)';
  for (const argv of trials) {
    const ran = await server.programs.run(argv, {
      as: target.owner,
      env: { PATH: '/usr/bin:/bin' },
      timeout: 5000,
    });
    if (ran.code === 0) return { is: 'free' };
    if (ran.code === 11) return { is: 'held' };
    if (ran.code === 3) because = 'it cannot be opened';
    if (ran.code === 5) because = 'this file system cannot lock';
    if (ran.code === 'timeout') return { is: 'unknown', because: 'the trial hung (a network drive?)' };
  }
  return { is: 'unknown', because };
}

/** Is it the same run still? */
export function sameHolder(a: LockHolder, b: LockHolder): boolean {
  return a.pid === b.pid && a.start === b.start && a.uid === b.uid;
}

/** Whose rights a process runs with, where it is not the lock's owner: it is none of ours to stop. */
export function isStranger(holder: LockHolder, owner: Owner): boolean {
  return holder.uid !== owner.uid;
}
