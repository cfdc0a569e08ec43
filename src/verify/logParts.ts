// All that was written into a log since a deployment, wherever it lies by now, read piece by piece.
import { basename, dirname, join } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import { refusalLines } from '../database/logLines.ts';
import type { Baseline } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';

/** Read at once, and at most altogether. */
const piece = 1024 * 1024;
export const most = 1024 * piece;

/** Bytes of one file; another inode at that path is another file. */
export interface Span {
  readonly path: string;
  readonly inode: string;
  readonly from: number;
  readonly to: number;
}

export interface Read {
  readonly bytes: number;
  /** Lines that speak of refused connections, and the first of them. */
  readonly count: number;
  readonly lines: readonly string[];
  /** Was everything there, and read? */
  readonly whole: boolean;
}

/** Looks through all of it for refused connections, however long it is. */
export async function readAll(server: Server, worker: Latched, spans: readonly Span[]): Promise<Read> {
  const eyes = eyesOf(server, worker);
  const lines: string[] = [];
  let count = 0;
  let bytes = 0;
  let whole = true;
  const take = (text: string): void => {
    const found = refusalLines(text);
    count += found.length;
    for (const { line } of found.slice(0, 3 - lines.length))
      lines.push(Buffer.from(line, 'latin1').toString('utf8').slice(0, 200));
  };
  for (const { path, inode, from, to } of spans) {
    let rest = '';
    for (let at = from; at < to; ) {
      if (bytes > most) return { bytes, count, lines, whole: false };
      const part = await server.files.part(path, at, Math.min(piece, to - at), eyes).catch(unreadable);
      // Moved, emptied or closed to us while it was read.
      if (part === 'absent' || part.inode !== inode || part.text === '') {
        whole = false;
        break;
      }
      at += part.text.length;
      bytes += part.text.length;
      const text = rest + part.text;
      const end = text.lastIndexOf('\n') + 1;
      take(text.slice(0, end));
      rest = text.slice(end);
      // A line without an end is looked through all the same; one that is cut may be counted twice.
      if (rest.length > piece) {
        take(rest);
        rest = rest.slice(-1024);
      }
    }
    take(rest);
  }
  return { bytes, count, lines, whole };
}

function unreadable(error: unknown): 'absent' {
  if (error instanceof Problem) return 'absent';
  throw error;
}

/**
 * What was written since then into files that are not the log any more: the one that was, under the name that logrotate or
 * anybody gave it beside the log, and those after it. 'gone' when it is not there, or only packed.
 */
export async function movedAway(
  server: Server,
  worker: Latched,
  path: string,
  baseline: Baseline,
  now: string,
): Promise<readonly Span[] | 'none' | 'gone'> {
  if (baseline.inode === 'absent') return 'none';
  const base = basename(path);
  const names = await server.files.list(dirname(path), eyesOf(server, worker)).catch(() => 'absent' as const);
  const beside: { path: string; size: number; inode: string; mtime: string }[] = [];
  for (const name of names === 'absent' ? [] : names) {
    if (!name.startsWith(base) || name === base) continue;
    const seen = await endOf(server, worker, join(dirname(path), name));
    if (typeof seen === 'object' && seen.inode !== now) beside.push(seen);
  }
  // Under these names something is put aside; a log of another kind may begin alike.
  const aside = beside.filter((one) => /^[.-]\d/.test(basename(one.path).slice(base.length)));
  const whole = ({ path: at, inode, size }: (typeof beside)[number], from = 0): Span => ({
    path: at,
    inode,
    from,
    to: size,
  });
  aside.sort((a, b) => (newer(a.mtime, b.mtime) ? 1 : -1));
  if (baseline.inode === now) {
    // Emptied in place: what was in it was copied, or is lost.
    const copy = aside.at(-1);
    if (copy === undefined || isPacked(copy.path) || copy.size < baseline.size) return 'gone';
    return [whole(copy, baseline.size)];
  }
  const old = beside.find(({ inode }) => inode === baseline.inode);
  if (old === undefined) return 'gone';
  const after = aside.filter((one) => one !== old && newer(one.mtime, old.mtime));
  return after.some((one) => isPacked(one.path))
    ? 'gone'
    : [whole(old, baseline.size), ...after.map((one) => whole(one))];
}

function isPacked(path: string): boolean {
  return /\.(?:gz|xz|bz2|zst|lz4|Z)$/.test(path);
}

/** Seconds and nine digits of nanoseconds each. */
function newer(one: string, other: string): boolean {
  const [a = '', b = ''] = one.split('.');
  const [c = '', d = ''] = other.split('.');
  return Number(a) > Number(c) || (Number(a) === Number(c) && b > d);
}

/** Where the log ends, symbolic links followed as the shell's `>>` follows them. A log that is a device or cannot be read is 'unseen'. */
export async function endOf(
  server: Server,
  worker: Latched,
  path: string,
): Promise<{ path: string; size: number; inode: string; mtime: string } | 'absent' | 'unseen'> {
  const eyes = eyesOf(server, worker);
  try {
    const real = await server.files.real(path, eyes);
    if (real === 'absent') return 'absent';
    const tail = await server.files.tail(real, 0, 0, eyes);
    return tail === 'absent' ? tail : { path: real, size: tail.size, inode: tail.inode, mtime: tail.mtime };
  } catch (error) {
    // What cannot be read is no reason to take a good deployment back.
    if (error instanceof Problem && error.code === 'unreadable') return 'unseen';
    throw error;
  }
}

function eyesOf(server: Server, worker: Latched): { uid: number; gid: number } {
  return server.self.root ? (worker.logOwner ?? { uid: worker.uid, gid: worker.gid }) : server.self.owner;
}
