// The guard's own text: the file that is put beside a worker, per language, and the one with the second lock. And how its lock is looked at or tried.
import node from '../../templates/node/cronlatch-guard.mjs?raw';
import nodeShared from '../../templates/node/cronlatch-shared.mjs?raw';
import php from '../../templates/php/cronlatch-guard.php?raw';
import phpLock from '../../templates/php/cronlatch-lock.php?raw';
import phpShared from '../../templates/php/cronlatch-shared.php?raw';
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';

/** The guard to install. The templates are pure ASCII (a test says so), so text and bytes are the same. */
export function guardFile(kind: InterpreterKind): Bytes {
  return kind === 'php' ? php : node;
}

/** The file beside it with the second lock, for several web servers. */
export function sharedFile(kind: InterpreterKind): Bytes {
  return kind === 'php' ? phpShared : nodeShared;
}

/** The version an installed guard states in its first lines, or 'none': some other file. */
export function guardVersion(source: Bytes): string | 'none' {
  return /^\/\/ cronlatch-guard version: (\S+)\r?$/m.exec(source.slice(0, 400))?.[1] ?? 'none';
}

/** Was this guard put in place by a later cronlatch than the one `other` comes from? */
export function isNewer(source: Bytes, other: Bytes): boolean {
  const [ours, theirs] = [other, source].map((text) => guardVersion(text).split('.').map(Number));
  for (const i of [0, 1, 2]) {
    const difference = (theirs?.[i] ?? 0) - (ours?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/**
 * What to run, with the site's own interpreter and user, to look at a lock (`status`) or to try the guard in its real
 * directory (`probe`). Both print one line of JSON (docs/guard.md). PHP gets the code along: in the guard's file it would be compiled at every
 * start of the worker.
 */
export function lockArgv(
  what: 'status' | 'probe',
  interpreter: { readonly kind: InterpreterKind; readonly path: string },
  lock: { readonly guard: string; readonly directory: string; readonly name: string },
): string[] {
  const words = [lock.directory, lock.name];
  return interpreter.kind === 'php'
    ? [interpreter.path, '-r', phpLock.replace(/^<\?php\s/, ''), '--', what, lock.guard, ...words]
    : [interpreter.path, lock.guard, what, ...words];
}
