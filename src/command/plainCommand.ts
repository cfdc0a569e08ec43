// A simple command of plain shell text, with its assignments and redirects, as unbash would have it (plain.ts).
import type { Assignment, Command, Redirect, RedirectOperator, Word } from 'unbash';
import { classes, ENDS, type Involved, isNameByte, type Reader, readWord } from './plainWord.ts';

const TAB = 9;
const SPACE = 32;
export const HASH = 35;
export const AMPERSAND = 38;
export const OPEN = 40;
export const CLOSE = 41;
export const SEMICOLON = 59;
const LESS = 60;
const MORE = 62;
export const BAR = 124;

/** Where a command begins these words are grammar, or change how the words behind them are read. */
const GRAMMAR = new Set(
  `if then else elif fi do done for while until in case esac function select coproc ! } time ]] local alias export
  declare typeset readonly eval let`.split(/\s+/),
);

/** Passes over blanks; the byte behind them, NaN at the end. */
export function skipBlanks(reader: Reader): number {
  const { text } = reader;
  let { at } = reader;
  for (let byte = text.charCodeAt(at); byte === SPACE || byte === TAB; byte = text.charCodeAt(at)) at++;
  reader.at = at;
  return text.charCodeAt(at);
}

/** A simple command; leaves the reader at what follows it, blanks skipped. */
export function readSimple(reader: Reader): Command | Involved {
  const { text } = reader;
  skipBlanks(reader);
  const pos = reader.at;
  const prefix: Assignment[] = [];
  const args: Word[] = [];
  const redirects: Redirect[] = [];
  let suffix: (Word | Redirect)[] = args;
  let name: Word | undefined;
  let end = pos;
  for (;;) {
    const next = skipBlanks(reader);
    if (Number.isNaN(next) || next === SEMICOLON || next === BAR || next === CLOSE || next === HASH) break;
    if (next === AMPERSAND && text.charCodeAt(reader.at + 1) !== MORE) break;
    if (name === undefined) {
      if (classes[next] === ENDS) return undefined;
      const assignment = readAssignment(reader);
      if (assignment === undefined) return undefined;
      if (assignment !== 'none') {
        prefix.push(assignment);
        end = assignment.end;
        continue;
      }
      name = readWord(reader);
      if (name === undefined || GRAMMAR.has(name.text) || isDescriptor(reader, name)) return undefined;
      end = name.end;
      continue;
    }
    const start = reader.at;
    if (classes[next] !== ENDS) {
      const word = readWord(reader);
      if (word === undefined) return undefined;
      if (!isDescriptor(reader, word)) {
        // Behind a redirect both lists go on; until then they are one.
        args.push(word);
        if (suffix !== args) suffix.push(word);
        end = word.end;
        continue;
      }
      if (word.text.length > 2) return undefined;
    } else if (next === OPEN) return undefined;
    const redirect = readRedirect(reader, start);
    if (redirect === undefined) return undefined;
    if (suffix === args) suffix = [...args];
    suffix.push(redirect);
    redirects.push(redirect);
    end = redirect.end;
  }
  if (name === undefined && prefix.length === 0) return undefined;
  return { type: 'Command', pos, end, name, prefix, suffix, args, redirects };
}

/** The redirects behind a compound command; leaves the reader at what follows them, blanks skipped. */
export function readRedirects(reader: Reader): readonly Redirect[] | Involved {
  const { text } = reader;
  const redirects: Redirect[] = [];
  for (;;) {
    const next = skipBlanks(reader);
    const start = reader.at;
    const isBoth = next === AMPERSAND && text.charCodeAt(start + 1) === MORE;
    const isNumber = next >= 48 && next <= 57;
    if (!isBoth && !isNumber && next !== LESS && next !== MORE) return redirects;
    if (isNumber) {
      const word = readWord(reader);
      if (word === undefined || word.text.length > 2 || !isDescriptor(reader, word)) return undefined;
    }
    const redirect = readRedirect(reader, start);
    if (redirect === undefined) return undefined;
    redirects.push(redirect);
  }
}

/** Is the word the number in front of a redirect? */
function isDescriptor({ text, at }: Reader, word: Word): boolean {
  const next = text.charCodeAt(at);
  return (next === LESS || next === MORE) && /^\d+$/.test(word.text);
}

/** Only where the command's name is still to come is `NAME=value` more than a word. */
function readAssignment(reader: Reader): Assignment | 'none' | Involved {
  const { text, at: pos } = reader;
  let at = pos;
  let byte = text.charCodeAt(at);
  if (byte >= 48 && byte <= 57) return 'none';
  while (isNameByte(byte)) byte = text.charCodeAt(++at);
  if (at === pos) return 'none';
  if (text[at] === '+' && text[at + 1] === '=') return undefined;
  if (text[at] !== '=') return 'none';
  reader.at = at + 1;
  const value = readWord(reader);
  if (value === undefined) return undefined;
  const { end } = value;
  const name = text.slice(pos, at);
  const whole = text.slice(pos, end);
  return { type: 'Assignment', pos, end, text: whole, name, value, append: undefined, index: undefined };
}

const OPERATORS = new Set<string>(['>', '>>', '<', '<>', '<&', '>&', '>|', '&>', '&>>']);

/** `start` is where its descriptor begins, or the operator where there is none. */
function readRedirect(reader: Reader, start: number): Redirect | Involved {
  const { text, at } = reader;
  let stop = at;
  while ('<>&|'.includes(text[stop] ?? ' ')) stop++;
  const operator = text.slice(at, stop);
  if (!OPERATORS.has(operator)) return undefined;
  reader.at = stop;
  const next = skipBlanks(reader);
  if (Number.isNaN(next) || classes[next] === ENDS || next === HASH) return undefined;
  const target = readWord(reader);
  if (target === undefined) return undefined;
  const value = at > start ? Number(text.slice(start, at)) : undefined;
  const descriptor =
    value === undefined ? undefined : ({ type: 'FileDescriptor', pos: start, end: at, value } as const);
  return {
    type: 'Redirect',
    pos: start,
    end: target.end,
    operator: operator as RedirectOperator,
    descriptor,
    target,
  };
}
