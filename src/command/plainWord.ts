// One word of plain shell text: quotes, `$NAME`, `$(commands)`, escapes and patterns, as unbash tells them apart.
import type { DoubleQuotedChild, ParsedScript, Word, WordPart } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';

/** Where the reading stands. */
export interface Reader {
  readonly text: Bytes;
  at: number;
  /** How many `$(` are open. */
  depth: number;
  /** How many `{`, `(` and `if` are open. */
  nested: number;
  /** Reads what stands in `$(…)`. */
  readonly inner: (reader: Reader) => ParsedScript | Involved;
}

/** What is met is not plain. */
export type Involved = undefined;

const PLAIN = 0;
/** A blank or the first byte of an operator. */
export const ENDS = 1;
/** A quote, an expansion, a pattern, an escape. */
const TELLS = 2;
export const classes = new Uint8Array(256);
for (const byte of ' \t\n|&;()<>') classes[byte.charCodeAt(0)] = ENDS;
for (const byte of '\\\'"$`{*?[') classes[byte.charCodeAt(0)] = TELLS;

const QUOTE = 34;
const DOLLAR = 36;
const APOSTROPHE = 39;
const OPEN = 40;
const STAR = 42;
const QUESTION = 63;
const BACKSLASH = 92;

/** A word from here to the next blank or operator; it may be empty. */
export function readWord(reader: Reader): Word | Involved {
  const { text, at: pos } = reader;
  let at = pos;
  let kind = PLAIN;
  // Behind the end charCodeAt says NaN, which has no class.
  while (at < text.length) {
    kind = classes[text.charCodeAt(at)] ?? PLAIN;
    if (kind !== PLAIN) break;
    at++;
  }
  if (at === text.length || kind === ENDS) {
    reader.at = at;
    const bare = text.slice(pos, at);
    return { type: 'Word', text: bare, value: bare, pos, end: at, parts: undefined };
  }
  return readInvolvedWord(reader, at);
}

function readInvolvedWord(reader: Reader, from: number): Word | Involved {
  const { text, at: pos } = reader;
  const parts: WordPart[] = [];
  let literal = pos;
  let escaped = false;
  let globs = false;
  reader.at = from;
  const flush = () => {
    if (reader.at > literal) parts.push(literalPart(text, literal, reader.at));
  };
  for (;;) {
    const byte = text.charCodeAt(reader.at);
    const kind = classes[byte] ?? PLAIN;
    if (Number.isNaN(byte) || kind === ENDS) break;
    if (kind === PLAIN) {
      reader.at++;
      continue;
    }
    if (byte === BACKSLASH) {
      if (reader.at + 1 >= text.length) return undefined;
      escaped = true;
      reader.at += 2;
      continue;
    }
    if (byte === STAR || byte === QUESTION) {
      if (text.charCodeAt(reader.at + 1) === byte) return undefined;
      flush();
      const kindOf = byte === STAR ? 'star' : 'question';
      const sign = byte === STAR ? '*' : '?';
      const at = reader.at++;
      parts.push({
        type: 'Glob',
        kind: kindOf,
        pos: at,
        end: at + 1,
        text: sign,
        value: sign,
        parts: undefined,
      });
      globs = true;
      literal = reader.at;
      continue;
    }
    if (byte === APOSTROPHE || byte === QUOTE || byte === DOLLAR) {
      flush();
      const part =
        byte === APOSTROPHE
          ? readSingle(reader)
          : byte === QUOTE
            ? readDouble(reader)
            : readExpansion(reader);
      if (part === undefined) return undefined;
      parts.push(part);
      literal = reader.at;
      continue;
    }
    // `[` alone is a command, `{}` alone what find and xargs put a name in for.
    const whole = text.startsWith('{}', pos) ? 2 : text[pos] === '[' ? 1 : 0;
    const behind = text.charCodeAt(pos + whole);
    if (whole === 0 || reader.at !== pos || !(Number.isNaN(behind) || classes[behind] === ENDS))
      return undefined;
    reader.at = pos + whole;
    const word = text.slice(pos, reader.at);
    return { type: 'Word', text: word, value: word, pos, end: reader.at, parts: undefined };
  }
  const end = reader.at;
  const whole = text.slice(pos, end);
  if (escaped) {
    if (parts.length > 0 || /[*?[\n]/.test(whole)) return undefined;
    return { type: 'Word', text: whole, value: whole.replace(/\\(.)/gs, '$1'), pos, end, parts: undefined };
  }
  flush();
  if (globs && parts.some(({ type }) => type !== 'Glob' && type !== 'Literal')) return undefined;
  let value = '';
  for (const part of parts) value += partValue(part);
  return { type: 'Word', text: whole, value, pos, end, parts };
}

function literalPart(text: Bytes, pos: number, end: number) {
  const written = text.slice(pos, end);
  return { type: 'Literal', pos, end, text: written, value: written } as const;
}

function partValue(part: WordPart): Bytes {
  if (part.type === 'DoubleQuoted')
    return part.parts.map((inner) => (inner.type === 'Literal' ? inner.value : inner.text)).join('');
  return part.type === 'Literal' || part.type === 'Glob' || part.type === 'SingleQuoted'
    ? part.value
    : part.text;
}

function readSingle(reader: Reader): WordPart | Involved {
  const { text, at: pos } = reader;
  const close = text.indexOf("'", pos + 1);
  if (close < 0) return undefined;
  const end = close + 1;
  reader.at = end;
  return { type: 'SingleQuoted', pos, end, value: text.slice(pos + 1, close), text: text.slice(pos, end) };
}

function readDouble(reader: Reader): WordPart | Involved {
  const { text, at: pos } = reader;
  const parts: DoubleQuotedChild[] = [];
  let literal = pos + 1;
  let at = literal;
  const flush = () => {
    if (at === literal) return;
    const written = text.slice(literal, at);
    const value = written.includes('\\') ? written.replace(/\\([$`"\\])/g, '$1') : written;
    parts.push({ type: 'Literal', pos: literal, end: at, text: written, value });
  };
  for (;;) {
    const byte = text.charCodeAt(at);
    if (Number.isNaN(byte) || text[at] === '`' || text[at] === '\n') return undefined;
    if (byte === QUOTE) break;
    if (byte === BACKSLASH) at += 2;
    else if (byte !== DOLLAR) at++;
    else {
      flush();
      reader.at = at;
      const part = readExpansion(reader);
      if (part === undefined) return undefined;
      parts.push(part);
      at = reader.at;
      literal = at;
    }
  }
  flush();
  if (parts.length === 0) parts.push(literalPart(text, at, at));
  reader.at = at + 1;
  return { type: 'DoubleQuoted', pos, end: at + 1, text: text.slice(pos, at + 1), parts };
}

/** `$NAME`, `${NAME}` or `$(commands)`. */
function readExpansion(reader: Reader): DoubleQuotedChild | Involved {
  const { text, at: pos } = reader;
  if (text.charCodeAt(pos + 1) === OPEN) return readSubstitution(reader);
  const braced = text[pos + 1] === '{';
  const start = braced ? pos + 2 : pos + 1;
  let stop = start;
  while (isNameByte(text.charCodeAt(stop))) stop++;
  const first = text.charCodeAt(start);
  if (stop === start || (first >= 48 && first <= 57)) return undefined;
  if (!braced) {
    reader.at = stop;
    return { type: 'SimpleExpansion', pos, end: stop, text: text.slice(pos, stop) };
  }
  if (text[stop] !== '}') return undefined;
  const end = stop + 1;
  reader.at = end;
  return {
    type: 'ParameterExpansion',
    pos,
    end,
    text: text.slice(pos, end),
    parameter: text.slice(start, stop),
    parameterPos: start,
    parameterEnd: stop,
    prefix: undefined,
    index: undefined,
    operation: undefined,
  };
}

function readSubstitution(reader: Reader): DoubleQuotedChild | Involved {
  const { text, at: pos } = reader;
  // Two deep is plain enough.
  if (text.charCodeAt(pos + 2) === OPEN || reader.depth === 2) return undefined;
  reader.at = pos + 2;
  reader.depth++;
  const script = reader.inner(reader);
  reader.depth--;
  if (script === undefined) return undefined;
  const end = ++reader.at;
  const written = text.slice(pos, end);
  // The word "case" makes unbash look for its patterns' parentheses.
  if (/\b(?:case|esac)\b/.test(written)) return undefined;
  return { type: 'CommandExpansion', pos, end, text: written, script };
}

/** May the byte stand in a variable's name? */
export function isNameByte(byte: number): boolean {
  return (
    (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90) || (byte >= 48 && byte <= 57) || byte === 95
  );
}
