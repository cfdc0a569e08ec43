// Where watches are kept: one file each below the state directory, added to line by line, readable by nobody else.
import { bytesOf } from '../change/encode.ts';
import { prepareState } from '../journal/journal.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import {
  printWatchRecord,
  readWatch,
  type Sample,
  type Watch,
  type WatchRecord,
  type WatchStart,
} from './records.ts';

/** After so many milliseconds what was written is made durable: a power cut loses no more than that. */
const durable = 10_000;
/** These are made durable at once. */
const weighty = new Set<WatchRecord['is']>(['start', 'resume', 'incident', 'end']);

/** A file of an hour is below 1 MB; one that grows to this is written by somebody who wants to fill the disk. */
export const largestWatch = 48 * 1024 * 1024;

/** So many watches may begin in one second. */
const most = 100;

export interface WatchPen {
  readonly id: string;
  readonly path: string;
  write(record: WatchRecord): Promise<void>;
  /** Has the file grown to the most that is kept? */
  full(): boolean;
  /** All of it is on the disk when this returns. */
  close(): Promise<void>;
}

/** The folder of all watches. */
export function watchDirectory(stateDirectory: string): string {
  return `${stateDirectory}/watches`;
}

/** A name for a watch that begins now; `n` where others have begun in the same second. */
export function watchId(now: number, n = 1): string {
  const stamp = new Date(now).toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return n === 1 ? `${stamp}-watch` : `${stamp}-watch-${n}`;
}

/** Makes the folder of all watches. */
export async function prepareWatches(server: Server, stateDirectory: string): Promise<void> {
  await prepareState(server, stateDirectory, watchDirectory(stateDirectory));
}

/** Begins a watch under a name that nobody has: of two that begin in the same moment each has a file of its own. */
export async function beginWatch(
  server: Server,
  stateDirectory: string,
  startAs: (id: string) => WatchStart,
): Promise<{ readonly start: WatchStart; readonly pen: WatchPen }> {
  await prepareWatches(server, stateDirectory);
  const as = server.self.owner;
  const now = server.now();
  for (let n = 1; ; n++) {
    const start = startAs(watchId(now, n));
    const pen = watchPen(server, stateDirectory, start.id);
    try {
      await server.files.write(pen.path, bytesOf(printWatchRecord(start)), { mode: 0o600, ...as }, as);
    } catch (error) {
      // Somebody has the name: it was made between any look and this.
      if (n < most && (await server.files.look(pen.path, as, 0)).is !== 'absent') continue;
      throw error;
    }
    await pen.close();
    return { start, pen };
  }
}

/** A pen for a new watch, or for one that goes on; `torn` begins with a new line. */
export function watchPen(server: Server, stateDirectory: string, id: string, torn = false): WatchPen {
  const path = `${watchDirectory(stateDirectory)}/${id}.jsonl`;
  const as = server.self.owner;
  let before: Sample | undefined;
  let synced = server.elapsed();
  let broken = torn;
  let fresh = true;
  let size: number | undefined;
  const sync = async (): Promise<void> => {
    synced = server.elapsed();
    await server.files.sync(path, as);
    if (fresh) await server.files.sync(watchDirectory(stateDirectory), as);
    fresh = false;
  };
  return {
    id,
    path,
    async write(record) {
      const line = printWatchRecord(record, before);
      if (record.is === 'sample') before = record;
      if (size === undefined) {
        const now = await server.files.tail(path, 0, 0, as);
        size = now === 'absent' ? 0 : now.size;
      }
      const bytes = bytesOf(broken ? `\n${line}` : line);
      await server.files.append(path, bytes, as);
      size += bytes.length;
      broken = false;
      if (weighty.has(record.is) || server.elapsed() - synced >= durable) await sync();
    },
    full: () => (size ?? 0) >= largestWatch,
    close: sync,
  };
}

/** One watch by its name. */
export async function readWatchFile(
  server: Server,
  stateDirectory: string,
  id: string,
): Promise<Watch | 'absent'> {
  if (!/^[\w-]+$/.test(id)) return 'absent';
  const path = `${watchDirectory(stateDirectory)}/${id}.jsonl`;
  const seen = await server.files.look(path, server.self.owner);
  if (seen.is === 'absent') return 'absent';
  if (seen.is !== 'file') throw new Problem('watch-unreadable', { path, reason: `it is no file of ours` });
  const watch = readWatch(path, Buffer.from(seen.bytes, 'latin1').toString('utf8'));
  return watch === 'empty' ? 'absent' : watch;
}

/** The same for who goes through all of them: one that cannot be read is passed over. */
export async function readableWatch(
  server: Server,
  stateDirectory: string,
  id: string,
): Promise<Watch | 'absent'> {
  try {
    return await readWatchFile(server, stateDirectory, id);
  } catch (error) {
    if (error instanceof Problem) return 'absent';
    throw error;
  }
}

/** Names of all watches, oldest first. */
export async function watchIds(server: Server, stateDirectory: string): Promise<string[]> {
  const names = await server.files.list(watchDirectory(stateDirectory), server.self.owner);
  return names === 'absent'
    ? []
    : names
        .filter((name) => name.endsWith('.jsonl'))
        .map((name) => name.slice(0, -'.jsonl'.length))
        .sort();
}
