// The guard in front of a script instead of in it: interpreter options, the script's source stays as it is.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { type GuardOptions, guardUrl } from './line.ts';

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
      String(Number(value)),
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
