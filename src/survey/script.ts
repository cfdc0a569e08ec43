// A look at one worker script: its bytes, who owns it, who would overwrite it, what it already does about locking.
import { dirname, join } from 'node:path/posix';
import type { InterpreterKind } from '../command/command.ts';
import { Problem } from '../problem.ts';
import type { Owner, Server } from '../server/server.ts';
import { findGuard } from '../worker/line.ts';
import { lockFaults } from '../worker/lockFaults.ts';
import { understands } from '../worker/once.ts';
import { ownLock } from '../worker/ownLock.ts';
import { releaseLayout } from '../worker/place.ts';
import type { ScriptFacts } from './facts.ts';
import { peek } from './peek.ts';

/** Larger files are no script anybody wrote: they are not parsed, and the guard goes into the entry. */
const largest = 512 * 1024;

/** Looks at the script with the rights of `as`; 'absent' when that user finds no file there, 'unreadable' when he may not read it. */
export async function lookAtScript(
  server: Server,
  scriptPath: string,
  kind: InterpreterKind,
  as: Owner,
): Promise<ScriptFacts | 'absent' | 'unreadable'> {
  try {
    return await lookNow(server, scriptPath, kind, as);
  } catch (error) {
    if (error instanceof Problem && error.code === 'unreadable') return 'unreadable';
    throw error;
  }
}

async function lookNow(
  server: Server,
  scriptPath: string,
  kind: InterpreterKind,
  as: Owner,
): Promise<ScriptFacts | 'absent'> {
  const path = await server.files.real(scriptPath, as);
  if (path === 'absent') return 'absent';
  const file = await server.files.look(path, as);
  const directory = await server.files.look(dirname(path), as);
  if (file.is !== 'file' || directory.is !== 'directory') return 'absent';
  const layout = releaseLayout(path) === 'no' ? releaseLayout(scriptPath) : releaseLayout(path);
  const small = file.bytes.length <= largest;
  return {
    path,
    file,
    directory,
    foreignWriter: as.uid === 0 ? await foreignWriter(server, path, as) : 'none',
    releasedBy: layout === 'no' ? await inCheckout(server, path, as) : layout,
    guard: small ? findGuard(file.bytes) : 'none',
    once: await knowsOnce(file.bytes, kind),
    ...(small ? await locksItself(file.bytes, kind) : { ownLock: 'unknown' as const, lockFaults: [] }),
  };
}

/** Its own lock, if it has one. The words are looked for first: most scripts have none, and need no parser. */
async function locksItself(
  bytes: string,
  kind: InterpreterKind,
): Promise<Pick<ScriptFacts, 'ownLock' | 'lockFaults'>> {
  if (
    !/flock|GET_LOCK|getmypid|posix_kill|process\.(?:pid|kill)|lockfile|fs-native|pidlock|npid/i.test(bytes)
  )
    return { ownLock: 'none', lockFaults: [] };
  const own = await ownLock(bytes, kind);
  return { ownLock: own, lockFaults: own === 'none' ? [] : await lockFaults(bytes, kind) };
}

/** Does the source understand --once? The parsers are worth their start-up time only where the word stands in it at all. */
export async function knowsOnce(bytes: string, kind: InterpreterKind): Promise<ScriptFacts['once']> {
  if (bytes.length > largest) return 'unknown';
  return bytes.includes('once') ? understands(bytes, kind) : 'no';
}

/** The first directory, or the script itself, that somebody other than root may change. */
async function foreignWriter(server: Server, path: string, as: Owner): Promise<string | 'none'> {
  for (let at = path; ; at = dirname(at)) {
    const seen = await peek(server, at, as);
    const own = (seen.is === 'file' || seen.is === 'directory') && seen.uid === 0;
    const sticky = seen.is === 'directory' && (seen.mode & 0o1000) !== 0 && at !== dirname(path);
    if (!own || ((seen.mode & 0o022) !== 0 && !sticky)) return at;
    if (at === '/') return 'none';
  }
}

async function inCheckout(server: Server, path: string, as: Owner): Promise<'git' | 'nobody'> {
  for (let at = dirname(path); at !== '/'; at = dirname(at)) {
    if ((await peek(server, join(at, '.git'), as)).is !== 'absent') return 'git';
  }
  return 'nobody';
}
