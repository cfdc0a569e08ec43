// A look at one worker script: its bytes, who owns it, who would overwrite it, what it already does about locking.
import { dirname, join } from 'node:path/posix';
import type { InterpreterKind } from '../command/command.ts';
import { Problem } from '../problem.ts';
import type { Owner, Server } from '../server/server.ts';
import { findGuard } from '../worker/line.ts';
import { understandsOnce } from '../worker/once.ts';
import { ownLock } from '../worker/ownLock.ts';
import { releaseLayout } from '../worker/place.ts';
import type { ScriptFacts } from './facts.ts';
import { peek } from './peek.ts';

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
  return {
    path,
    file,
    directory,
    releasedBy: layout === 'no' ? await inCheckout(server, path, as) : layout,
    guard: findGuard(file.bytes),
    // The parsers are worth their start-up time only where the word stands in the text at all.
    once: file.bytes.includes('once') ? await understandsOnce(file.bytes, kind) : 'no',
    ownLock: /flock|GET_LOCK|getmypid|process\.pid|lockfile/i.test(file.bytes)
      ? await ownLock(file.bytes, kind)
      : 'none',
  };
}

async function inCheckout(server: Server, path: string, as: Owner): Promise<'git' | 'nobody'> {
  for (let at = dirname(path); at !== '/'; at = dirname(at)) {
    if ((await peek(server, join(at, '.git'), as)).is !== 'absent') return 'git';
  }
  return 'nobody';
}
