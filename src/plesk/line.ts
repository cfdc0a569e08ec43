// The line Plesk writes for a task: what of it is the task's, and what it would be after an update (facts: php-line,
// php-arguments, exec-line).
import { bytesOf } from '../change/encode.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Task, TaskText } from './task.ts';

/** `( COMMAND )  > /dev/null`, as Plesk writes it where only errors are to be mailed. */
const WRAPPED = /^(\([ \t]*)([\s\S]*?)([ \t]*\)[ \t]*>[ \t]*\/dev\/null[ \t]*)$/;

/** `PHP -f 'SCRIPT'` and what follows it. */
const PHP = /^(\S+)[ \t]+-f[ \t]+'([^']*)'(?:[ \t]+([\s\S]*))?$/;

/** The text inside of Plesk's own parentheses; a line without them is its own text. */
export function innerOf(command: Bytes): Bytes {
  return (WRAPPED.exec(command)?.[2] ?? command).trim();
}

/** The parts of a php task's line; undefined where it is none. */
export function phpLineOf(
  command: Bytes,
): { readonly php: Bytes; readonly script: Bytes; readonly args: Bytes } | undefined {
  const [, php, script, rest = ''] = PHP.exec(innerOf(command)) ?? [];
  if (php === undefined || script === undefined) return undefined;
  return { php, script, args: plainArgs(rest) };
}

/** Arguments without the quotes and the `--` that may be written around them. */
function plainArgs(args: Bytes): Bytes {
  return args
    .replace(/^--(?=[ \t]|$)/, '')
    .trim()
    .replace(/'([^'\s]*)'/g, '$1')
    .replace(/[ \t]+/g, ' ');
}

/** Is this line's command what Plesk would write for the task? */
export function carries(command: Bytes, task: TaskText): boolean {
  switch (task.type) {
    case 'exec': {
      const text = bytesOf(task.command).trim();
      return text !== '' && (command.trim() === text || innerOf(command) === text);
    }
    case 'php': {
      const line = phpLineOf(command);
      return line?.script === bytesOf(task.command) && line.args === plainArgs(bytesOf(task.args));
    }
    case 'http':
      return urlsIn(command).includes(bytesOf(task.command));
  }
}

/** Addresses a line names. */
export function urlsIn(command: Bytes): Bytes[] {
  return [...command.matchAll(/https?:\/\/[^\s'"\\)]+/g)].map(([url]) => url);
}

/** The command after an update of the task's text, for the eye: what Plesk really writes is read back and compared. */
export function lineAfter(command: Bytes, before: TaskText, after: TaskText, php: string): Bytes {
  const text = bytesOf(before.command);
  if (before.type === 'exec' && after.type === 'exec' && text !== '' && command.split(text).length === 2)
    return command.split(text).join(bytesOf(after.command));
  const args = after.args
    .split(/\s+/)
    .filter((arg) => arg !== '')
    .map((arg) => ` '${arg}'`);
  const program = phpLineOf(command)?.php ?? bytesOf(php);
  return `(${program} -f '${bytesOf(after.command)}'${args.length > 0 ? ` --${bytesOf(args.join(''))}` : ''})  > /dev/null`;
}

/** The number of the PHP a line runs and of the one the task is for, where both say one. */
export function versionsOf(
  command: Bytes,
  task: Task,
): { readonly line: string; readonly task: string } | 'none' {
  if (task.type !== 'php') return 'none';
  const php = phpLineOf(command)?.php;
  const [, a, b] = /php\/?(\d)\.?(\d{1,2})(?:\/|$)/.exec(php ?? '') ?? [];
  const [, c, d] = /php-?(\d)\.?(\d{1,2})(?!\d)/.exec(task.handler) ?? [];
  return a === undefined || c === undefined ? 'none' : { line: `${a}.${b}`, task: `${c}.${d}` };
}
