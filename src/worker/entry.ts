// The guard in front of a script instead of in it: interpreter options, the script's source stays as it is.
import type { Command, InterpreterKind, Word } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { type GuardOptions, guardUrl, readGuardUrl } from './line.ts';

/** The lock a guard is told to hold. */
export interface Held {
  readonly dir: Bytes;
  readonly name: Bytes;
  /** Where the credentials for a second lock are. */
  readonly shared?: Bytes;
}

/** A guard that stands in an entry. */
interface InEntry extends Held {
  /** What else it is told, beside dir and name; PHP has words of their own for that, which stay. */
  readonly more: GuardOptions;
}

/** Interpreter options, one word each, not yet quoted for a shell. `guardPath` is absolute. */
export function entryFlags(
  kind: InterpreterKind,
  options: {
    readonly guardPath: Bytes;
    readonly dir: Bytes;
    readonly name: Bytes;
    readonly more?: GuardOptions;
  },
): Bytes[] {
  if (kind === 'node')
    return ['--import', guardUrl(options, `file://${options.guardPath}`).replace('%3A', ':')];
  const settings: [string, Bytes][] = [
    ['auto_prepend_file', options.guardPath],
    ['cronlatch.dir', options.dir],
    ['cronlatch.name', options.name],
  ];
  for (const [key, value] of Object.entries(options.more ?? {})) {
    settings.push([
      `cronlatch.${key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`,
      typeof value === 'string' ? value : String(Number(value)),
    ]);
  }
  return settings.flatMap(([key, value]) => ['-d', `${key}=${iniValue(value)}`]);
}

/**
 * PHP reads the value of -d as a line of php.ini: `on` becomes 1, E_ALL a number, `;` starts a comment. Plain values stay
 * plain; single quotes take everything but themselves literally.
 */
function iniValue(value: Bytes): Bytes {
  const plain = /^(?:\/[\w./-]*|[a-z][a-z0-9._-]*|\d+)$/.test(value);
  if (plain && !/^(?:on|off|yes|no|true|false|none|null)$/.test(value)) return value;
  if (!value.includes("'")) return `'${value}'`;
  return `"${value.replace(/["\\]|\$(?=\{)/g, '\\$&')}"`;
}

/** The guard that the entry's own options call, and for which lock. Of several the last counts, as PHP has it. */
export function entryGuard(command: Pick<Command, 'flags' | 'interpreter'>): InEntry | 'none' {
  let dir: Bytes | undefined;
  let name: Bytes | undefined;
  let more: GuardOptions = {};
  let called = false;
  for (const { key, value } of guardOptions(command)) {
    if (key === 'cronlatch.shared') more = { ...more, shared: value };
    else if (key === 'cronlatch.dir') dir = value;
    else if (key === 'cronlatch.name') name = value;
    else {
      called = true;
      if (key === 'import') ({ dir, name, more } = readGuardUrl(value));
    }
  }
  if (!called || dir === undefined || name === undefined) return 'none';
  const shared = more['shared'];
  return { dir, name, more, ...(typeof shared === 'string' ? { shared } : {}) };
}

/** The words in which an entry calls the guard and names its lock: what has to go when they are written anew. */
export function guardWords(command: Pick<Command, 'flags' | 'interpreter'>): Word[] {
  return guardOptions(command).flatMap(({ words }) => words);
}

type Key = 'auto_prepend_file' | 'cronlatch.dir' | 'cronlatch.name' | 'cronlatch.shared' | 'import';

function guardOptions({
  flags,
  interpreter,
}: Pick<Command, 'flags' | 'interpreter'>): { key: Key; value: Bytes; words: Word[] }[] {
  const sign = interpreter.kind === 'php' ? /^(?:-d|--define)(?:=?(.+))?$/s : /^--import(?:=(.+))?$/s;
  const found: { key: Key; value: Bytes; words: Word[] }[] = [];
  for (let at = 0; at < flags.length; at++) {
    const flag = flags[at] as Word;
    const match = sign.exec(flag.value);
    if (match === null) continue;
    const next = match[1] === undefined ? flags[++at] : undefined;
    const said = match[1] ?? next?.value;
    if (said === undefined) continue;
    const words = next === undefined ? [flag] : [flag, next];
    if (interpreter.kind === 'node') {
      if (/cronlatch-guard\.mjs\?/.test(said)) found.push({ key: 'import', value: said, words });
      continue;
    }
    const setting = /^\s*(auto_prepend_file|cronlatch\.dir|cronlatch\.name|cronlatch\.shared)\s*=(.*)$/s.exec(
      said,
    );
    if (setting === null) continue;
    const value = fromIni(setting[2] ?? '');
    // Somebody else's prepended file is not ours to read or to move.
    if (setting[1] === 'auto_prepend_file' && !value.endsWith('/cronlatch-guard.php')) continue;
    found.push({ key: setting[1] as Key, value, words });
  }
  return found;
}

/** The value as PHP reads it: what iniValue wrote, taken back. */
function fromIni(text: Bytes): Bytes {
  const value = text.trim();
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1);
  if (/^".*"$/s.test(value)) return value.slice(1, -1).replace(/\\(["\\$])/g, '$1');
  return value;
}
