// The one line that calls the guard: written, recognised, taken out again. Recognising needs no parser, so that a
// rollback works on a script that has been edited, even broken, since.
import type { InterpreterKind } from '../command/command.ts';
import type { Bytes } from '../crontab/crontab.ts';

/** Limits and switches the guard knows beside dir and name (docs/guard.md). */
export type GuardOptions = Readonly<Record<string, number | boolean | string>>;

export interface Call {
  readonly kind: InterpreterKind;
  /** Absolute directory of the lock. */
  readonly dir: Bytes;
  /** Name of the lock. */
  readonly name: Bytes;
  /** The guard as seen from the script's directory (`./cronlatch-guard.php`), or absolute. */
  readonly guardPath: Bytes;
  readonly more?: GuardOptions;
}

export interface Found {
  /** 1-based. */
  readonly line: number;
  readonly dir: Bytes;
  readonly name: Bytes;
  readonly guardPath: Bytes;
  /** Where the credentials for a second lock are; absent without one. A callable in PHP is none of ours to read. */
  readonly shared?: Bytes;
}

const MARK = '// cronlatch: one instance at a time';
const BOM = '\xef\xbb\xbf';
const PHP_CALL =
  /\(require (__DIR__ \. )?'((?:[^'\\]|\\.)*)'\)\(\['dir' => '((?:[^'\\]|\\.)*)', 'name' => '((?:[^'\\]|\\.)*)'([^[\]]*(?:\[[^[\]]*\][^[\]]*)*)\]\); $/;
const NODE_CALL = /import '([^'?]*)\?dir=([^'&]*)&name=([^'&]*)((?:&[^']*)?)'; $/;
const PHP_SHARED = /, 'shared' => '((?:[^'\\]|\\.)*)'/;
const NODE_SHARED = /&shared=([^'&]*)/;
/** A call with the longest paths Linux allows, percent-encoded, is shorter. Bounds what a regex is run on. */
const LONGEST = 65_536;

/** The call with its mark, without line end. */
export function guardLine(call: Call): Bytes {
  const more = Object.entries(call.more ?? {});
  if (call.kind === 'node') {
    const path = /^\.{0,2}\//.test(call.guardPath) ? call.guardPath : `./${call.guardPath}`;
    return `import '${guardUrl(call, path)}'; ${MARK}`;
  }
  const absolute = call.guardPath.startsWith('/');
  const path = absolute ? call.guardPath : `/${call.guardPath.replace(/^\.\//, '')}`;
  const options = [
    `'dir' => ${phpString(call.dir)}`,
    `'name' => ${phpString(call.name)}`,
    ...more.map(
      ([key, value]) => `${phpString(key)} => ${typeof value === 'string' ? phpString(value) : value}`,
    ),
  ];
  return `(require ${absolute ? '' : '__DIR__ . '}${phpString(path)})([${options.join(', ')}]); ${MARK}`;
}

/** The Node guard's address with what it is to lock. */
export function guardUrl(call: Omit<Call, 'kind' | 'guardPath'>, path: Bytes): Bytes {
  const more = Object.entries(call.more ?? {}).map(
    ([key, value]) => `&${key}=${typeof value === 'string' ? percent(value) : Number(value)}`,
  );
  return `${percent(path)}?dir=${percent(call.dir)}&name=${percent(call.name)}${more.join('')}`;
}

/** What a Node guard's address says it is to lock. */
export function readGuardUrl(url: Bytes): {
  dir: Bytes | undefined;
  name: Bytes | undefined;
  more: GuardOptions;
} {
  const query = url.slice(url.indexOf('?') + 1).split('&');
  const pairs = new Map(query.map((pair) => [pair.split('=', 1)[0] ?? '', pair.replace(/^[^=]*=?/, '')]));
  const more = [...pairs].filter(([key, value]) => !['dir', 'name'].includes(key) && /^\d+$/.test(value));
  const dir = pairs.get('dir');
  const name = pairs.get('name');
  const shared = pairs.get('shared');
  return {
    dir: dir === undefined ? undefined : unpercent(dir),
    name: name === undefined ? undefined : unpercent(name),
    more: {
      ...Object.fromEntries(more.map(([key, value]) => [key, Number(value)])),
      ...(shared === undefined ? {} : { shared: unpercent(shared) }),
    },
  };
}

/** Where the guard is called from, and for which lock. */
export function findGuard(source: Bytes): Found | 'none' {
  const place = locate(source);
  return place === 'none' ? 'none' : place.found;
}

/** Takes the line out again: exactly the bytes that injectGuard put in. */
export function removeGuard(
  source: Bytes,
): { readonly is: 'removed'; readonly text: Bytes } | { readonly is: 'absent' } {
  const place = locate(source);
  if (place === 'none') return { is: 'absent' };
  return { is: 'removed', text: source.slice(0, place.start) + source.slice(place.end) };
}

/** What the option of the second lock says: where the credentials are, and what the lock is to be called instead of the worker. */
export function readShared(option: string): { readonly from: string; readonly as?: string } {
  const [, from, as] = /^(.*)#([\w.-]+)$/s.exec(option) ?? [];
  return from === undefined || as === undefined ? { from: option } : { from, as };
}

/** The script with the second lock in its guard's call, in place of another one that may be there. Nothing else is touched. */
export function withShared(source: Bytes, shared: Bytes): Bytes {
  const place = locate(source);
  if (place === 'none') return source;
  const line = source.slice(place.start, place.end);
  const option = place.kind === 'php' ? `, 'shared' => ${phpString(shared)}` : `&shared=${percent(shared)}`;
  const plain = place.kind === 'php' ? line.replace(PHP_SHARED, '') : line.replace(NODE_SHARED, '');
  const name = place.kind === 'php' ? /'name' => '(?:[^'\\]|\\.)*'/ : /&name=[^'&]*/;
  const changed = plain.replace(name, (whole) => `${whole}${option}`);
  return source.slice(0, place.start) + changed + source.slice(place.end);
}

/** The call's own bytes: its whole line, or the part behind the code it shares the line with. */
function locate(
  source: Bytes,
):
  | { readonly start: number; readonly end: number; readonly kind: InterpreterKind; readonly found: Found }
  | 'none' {
  for (let mark = source.indexOf(MARK); mark >= 0; mark = source.indexOf(MARK, mark + 1)) {
    const lineStart = Math.max(source.lastIndexOf('\n', mark), source.lastIndexOf('\r', mark)) + 1;
    // One mark a line is ours; a line that is all marks, or endless, is somebody's trap.
    if (mark - lineStart > LONGEST || source.lastIndexOf(MARK, mark - 1) >= lineStart) continue;
    const before = source.slice(lineStart, mark);
    const php = PHP_CALL.exec(before);
    const node = php ? null : NODE_CALL.exec(before);
    const call = php ?? node;
    const lead = before.slice(0, call?.index ?? 0);
    if (!call || isDisabled(lead)) continue;
    const after = mark + MARK.length;
    const eol = /^(?:\r\n|\n|\r)?/.exec(source.slice(after, after + 2))?.[0] ?? '';
    const indent = lead.startsWith(BOM) ? lead.slice(BOM.length) : lead;
    const ownLine = /^[ \t]*$/.test(indent);
    const start = lineStart + lead.length - (ownLine ? indent.length : 1);
    const line = source.slice(0, mark).split(/\r\n|\n|\r/).length;
    return {
      start,
      end: after + eol.length,
      kind: php ? 'php' : 'node',
      found: { line, ...spoken(php, node) },
    };
  }
  return 'none';
}

/** Somebody has commented the call out: not there. Comments that end before it are none of that. */
function isDisabled(lead: Bytes): boolean {
  const open = lead.replace(/\/\*.*?\*\//g, '');
  return /\/\/|#(?!!)|\/\*/.test(open) || (/^\s*\*/.test(open) && !open.includes('*/'));
}

function spoken(php: RegExpExecArray | null, node: RegExpExecArray | null): Omit<Found, 'line'> {
  if (php) {
    const path = unquote(php[2] ?? '');
    return {
      guardPath: php[1] ? `.${path}` : path,
      dir: unquote(php[3] ?? ''),
      name: unquote(php[4] ?? ''),
      ...sharedIn(PHP_SHARED.exec(php[5] ?? '')?.[1], unquote),
    };
  }
  return {
    guardPath: unpercent(node?.[1] ?? ''),
    dir: unpercent(node?.[2] ?? ''),
    name: unpercent(node?.[3] ?? ''),
    ...sharedIn(NODE_SHARED.exec(node?.[4] ?? '')?.[1], unpercent),
  };
}

function sharedIn(text: Bytes | undefined, read: (text: Bytes) => Bytes): { shared?: Bytes } {
  return text === undefined || text === '' ? {} : { shared: read(text) };
}

function phpString(text: Bytes): Bytes {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function unquote(inside: Bytes): Bytes {
  return inside.replace(/\\([\\'])/g, '$1');
}

/** Byte by byte, because a path is bytes; slashes stay readable. */
function percent(text: Bytes): Bytes {
  return text.replace(
    /[^A-Za-z0-9._~/-]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function unpercent(text: Bytes): Bytes {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
