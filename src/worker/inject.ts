// Puts the call of the guard into a script as its first statement, or says why it will not.
import type { Bytes } from '../crontab/crontab.ts';
import { type Call, findGuard, guardLine, removeGuard, withShared } from './line.ts';
import { nodePlace } from './nodePlace.ts';
import { phpPlace } from './phpPlace.ts';
import type { SourceTokens } from './tree.ts';

export type Refusal =
  | 'html-before-tag' // the loser would print it every time, and cron would mail it
  | 'halt-compiler' // data behind the code, often read by its offset
  | 'encoded' // ionCube and the like check their own bytes
  | 'unparsable'
  | 'no-open-tag'
  | 'commonjs' // an import cannot stand there; the guard goes into the entry
  | 'empty'
  | 'bad-path'; // a control character in a path cannot stand in one line

export interface Refused {
  readonly is: 'refused';
  readonly why: Refusal;
  readonly detail: string;
  readonly line?: number;
}

/** Where the call goes: after this many bytes, inside the first statement's own rules. */
export interface Place {
  readonly is: 'place';
  readonly at: number;
}

export type Injected =
  | { readonly is: 'injected'; readonly text: Bytes; readonly line: number }
  | { readonly is: 'already'; readonly line: number }
  | Refused;

export interface InjectOptions extends Call {
  /** What the file is, when its name or package.json says so; otherwise its source has to show it. */
  readonly module?: 'esm' | 'commonjs';
  /** What the site's own PHP makes of the source, where it could be asked. */
  readonly tokens?: SourceTokens;
}

/** The script with the guard's call in it. Line ends and indentation are the script's own. */
export async function injectGuard(source: Bytes, options: InjectOptions): Promise<Injected> {
  const there = findGuard(source);
  const shared = options.more?.['shared'];
  if (there !== 'none' && (typeof shared !== 'string' || shared === there.shared))
    return { is: 'already', line: there.line };
  for (const path of [
    options.dir,
    options.name,
    options.guardPath,
    ...(typeof shared === 'string' ? [shared] : []),
  ]) {
    if (/[\0-\x1f\x7f]/.test(path)) return { is: 'refused', why: 'bad-path', detail: path };
  }
  if (there !== 'none') {
    const text = withShared(source, shared as Bytes);
    const found = findGuard(text);
    return found !== 'none' && found.shared === shared
      ? { is: 'injected', text, line: found.line }
      : { is: 'refused', why: 'unparsable', detail: 'the second lock could not be put into the call' };
  }
  const place =
    options.kind === 'php' ? await phpPlace(source, options.tokens) : await nodePlace(source, options.module);
  if (place.is === 'refused') return place;

  const text = insert(source, place.at, guardLine(options));
  const found = findGuard(text);
  const back = removeGuard(text);
  if (found === 'none' || back.is === 'absent' || back.text !== source) {
    return { is: 'refused', why: 'unparsable', detail: 'the call could not be taken out again' };
  }
  return { is: 'injected', text, line: found.line };
}

/** What may stand between a statement and the end of its line when the next line is to be ours. */
const REST =
  /^[ \t]*(?:\/\*(?:(?!\*\/|\?>)[^\r\n])*\*\/[ \t]*)*(?:(?:\/\/|#(?!\[))(?:(?!\?>)[^\r\n])*)?(\r\n|\n|\r)/;

function insert(source: Bytes, at: number, line: Bytes): Bytes {
  const eol = /\r\n|\n|\r/.exec(source)?.[0] ?? '\n';
  const rest = REST.exec(source.slice(at));
  if (at > 0 && !startsLine(source, at) && !rest) {
    // The next statement, or a comment that goes on, shares the line: the call ends it.
    return `${source.slice(0, at)} ${line}${eol}${source.slice(at)}`;
  }
  const own = startsLine(source, at) ? at : at + (rest?.[0].length ?? 0);
  const next = /^[ \t]*(?=[^ \t\r\n])/.exec(source.slice(own))?.[0] ?? '';
  return `${source.slice(0, own)}${next}${line}${eol}${source.slice(own)}`;
}

function startsLine(source: Bytes, at: number): boolean {
  return at === 0 || /[\r\n]/.test(source.charAt(at - 1)) || source.slice(0, at) === '\xef\xbb\xbf';
}
