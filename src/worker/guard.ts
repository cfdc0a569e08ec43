// The guard's own text: the one file that is put beside a worker, per language.
import node from '../../templates/node/cronlatch-guard.mjs?raw';
import php from '../../templates/php/cronlatch-guard.php?raw';
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';

/** The guard to install. The templates are pure ASCII (a test says so), so text and bytes are the same. */
export function guardFile(kind: InterpreterKind): Bytes {
  return kind === 'php' ? php : node;
}

/** The version an installed guard states in its first lines, or 'none': some other file. */
export function guardVersion(source: Bytes): string | 'none' {
  return /^\/\/ cronlatch-guard version: (\S+)\r?$/m.exec(source.slice(0, 400))?.[1] ?? 'none';
}
