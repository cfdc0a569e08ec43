// Most entries of most crontabs run a backup, a wget, a script of the shell: told from the text alone, before anything is
// read more closely. What is said of them is what the close reading would say (test/command/bystander.test.ts).
import type { Bytes } from '../crontab/crontab.ts';
import type { Opaque } from './command.ts';
import { mentionsWorker } from './mention.ts';
import { baseName } from './paths.ts';
import { parsePlain } from './plain.ts';
import { endsReading, wrapperName } from './wrappers.ts';

/** Their names say what happens to the words behind them, or to what stands behind the whole command. */
const CLOSELY = new Set(
  'cd [ test . source export sleep umask ulimit sudo doas xargs exec command builtin find'.split(' '),
);

/**
 * A single command, or commands joined by pipes, none of which is PHP, Node or a program that starts others; undefined
 * for everything else.
 */
export function readBystander(text: Bytes): Opaque | undefined {
  // The close reading calls a text with these a syntax error.
  if (text.includes('\0') || text.endsWith('\\') || mentionsWorker(text)) return undefined;
  const script = parsePlain(text);
  const [statement, another] = script?.commands ?? [];
  if (statement === undefined || another !== undefined) return undefined;
  const { command } = statement;
  const first = command.type === 'Pipeline' ? command.commands[0] : command;
  if (first?.type !== 'Command' || first.prefix.length > 0 || first.name === undefined) return undefined;
  const { text: name, parts } = first.name;
  // `$PHP` may be anything, behind quotes the name is not what stands there, and a name like a URL may be one of PHP.
  if (
    parts !== undefined ||
    name.includes('\\') ||
    name.includes('://') ||
    text.trim().split(/[ \t]/, 1)[0] !== name
  )
    return undefined;
  const base = baseName(name);
  if (CLOSELY.has(base) || wrapperName(base) !== undefined || endsReading(base) !== undefined)
    return undefined;
  return { is: 'opaque', why: 'no-worker', detail: name, span: { start: 0, end: text.length } };
}
