// Shell text of the usual kind to the tree unbash would make of it. A full parser takes longer to start than a crontab
// takes to read, and most entries need none: whatever is not surely plain here is left to unbash, whose tree is the law
// (test/command/plain.test.ts compares the two).
import {
  type AndOr,
  type Assignment,
  type Command,
  type CommandNode,
  type ParsedScript,
  type Pipeline,
  type PipelineNode,
  parse,
  type Redirect,
  type RedirectOperator,
  type Statement,
  type Word,
} from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import { classes, ENDS, type Involved, isNameByte, type Reader, readWord } from './plainWord.ts';

const TAB = 9;
const SPACE = 32;
const HASH = 35;
const AMPERSAND = 38;
const OPEN = 40;
const CLOSE = 41;
const SEMICOLON = 59;
const LESS = 60;
const MORE = 62;
const BAR = 124;

/** Where a command begins these words are grammar, or change how the words behind them are read. */
const GRAMMAR = new Set(
  `if then else elif fi do done for while until in case esac function select coproc ! } time ]] local alias export
  declare typeset readonly eval let`.split(/\s+/),
);

/** The tree of a shell text, errors and all. */
export function parseShell(text: Bytes): ParsedScript {
  return parsePlain(text) ?? parse(text);
}

/** The tree of a text, or undefined where it takes a full parser. */
export function parsePlain(text: Bytes): ParsedScript | Involved {
  if (text.startsWith('#!') || text.includes('\n')) return undefined;
  const reader: Reader = { text, at: 0, depth: 0, inner: readScript };
  const script = readScript(reader);
  return reader.at === text.length ? script : undefined;
}

function skipBlanks(reader: Reader): number {
  const { text } = reader;
  let { at } = reader;
  for (let byte = text.charCodeAt(at); byte === SPACE || byte === TAB; byte = text.charCodeAt(at)) at++;
  reader.at = at;
  return text.charCodeAt(at);
}

/** Reads to the end of the text, or to the parenthesis that closes this `$(`. */
function readScript(reader: Reader): ParsedScript | Involved {
  const { text } = reader;
  const pos = reader.at;
  const commands: Statement[] = [];
  for (;;) {
    let next = skipBlanks(reader);
    if (next === HASH) {
      if (reader.depth > 0) return undefined;
      reader.at = text.length;
      next = Number.NaN;
    }
    if (Number.isNaN(next) || next === CLOSE) {
      if (reader.depth > 0 && (next !== CLOSE || commands.length === 0)) return undefined;
      return { type: 'Script', pos, end: reader.at, shebang: undefined, commands, errors: undefined };
    }
    const command = readAndOr(reader);
    if (command === undefined) return undefined;
    const mark = text.charCodeAt(reader.at);
    let end = command.end;
    if (mark === SEMICOLON || mark === AMPERSAND) {
      if (text.charCodeAt(reader.at + 1) === SEMICOLON) return undefined;
      reader.at++;
      if (mark === AMPERSAND) end = reader.at;
    } else if (!Number.isNaN(mark) && mark !== CLOSE && mark !== HASH) return undefined;
    commands.push({
      type: 'Statement',
      pos: command.pos,
      end,
      command,
      background: mark === AMPERSAND ? true : undefined,
    });
  }
}

function readAndOr(reader: Reader): PipelineNode | AndOr | Involved {
  const first = readPipeline(reader);
  if (first === undefined) return undefined;
  let commands: PipelineNode[] | undefined;
  const operators: ('&&' | '||')[] = [];
  let end = first.end;
  for (;;) {
    const operator = reader.text.charCodeAt(reader.at);
    if (operator !== AMPERSAND && operator !== BAR) break;
    if (reader.text.charCodeAt(reader.at + 1) !== operator) break;
    reader.at += 2;
    const next = readPipeline(reader);
    if (next === undefined) return undefined;
    commands ??= [first];
    commands.push(next);
    operators.push(operator === BAR ? '||' : '&&');
    end = next.end;
  }
  return commands === undefined ? first : { type: 'AndOr', pos: first.pos, end, commands, operators };
}

function readPipeline(reader: Reader): PipelineNode | Involved {
  const first = readCommand(reader);
  if (first === undefined) return undefined;
  let commands: CommandNode[] | undefined;
  let end = first.end;
  const operators: Pipeline['operators'][number][] = [];
  while (reader.text.charCodeAt(reader.at) === BAR) {
    const behind = reader.text.charCodeAt(reader.at + 1);
    if (behind === BAR) break;
    if (behind === AMPERSAND) return undefined;
    reader.at++;
    const next = readCommand(reader);
    if (next === undefined) return undefined;
    commands ??= [first];
    commands.push(next);
    operators.push('|');
    end = next.end;
  }
  return commands === undefined
    ? first
    : { type: 'Pipeline', pos: first.pos, end, prefixes: [], commands, operators };
}

/** A simple command; leaves the reader at what follows it, blanks skipped. */
function readCommand(reader: Reader): Command | Involved {
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
