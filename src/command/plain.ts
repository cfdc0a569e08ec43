// Shell text of the usual kind to the tree unbash would make of it. A full parser takes longer to start than a crontab
// takes to read, and most entries need none: whatever is not surely plain here is left to unbash, whose tree is the law
// (test/command/plain.test.ts compares the two).
import {
  type AndOr,
  type CommandNode,
  type CompoundCommand,
  type CompoundList,
  type ParsedScript,
  type Pipeline,
  type PipelineNode,
  parse,
  type Statement,
} from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import {
  AMPERSAND,
  BAR,
  CLOSE,
  HASH,
  OPEN,
  readRedirects,
  readSimple,
  SEMICOLON,
  skipBlanks,
} from './plainCommand.ts';
import type { Involved, Reader } from './plainWord.ts';

/** The tree of a shell text, errors and all. */
export function parseShell(text: Bytes): ParsedScript {
  return parsePlain(text) ?? parse(text);
}

/** The tree of a text, or undefined where it takes a full parser. */
export function parsePlain(text: Bytes): ParsedScript | Involved {
  if (text.startsWith('#!') || text.includes('\n')) return undefined;
  const reader: Reader = { text, at: 0, depth: 0, nested: 0, inner: readScript };
  const script = readScript(reader);
  return reader.at === text.length ? script : undefined;
}

/** Reads to the end of the text, or to the parenthesis that closes this `$(`. */
function readScript(reader: Reader): ParsedScript | Involved {
  const pos = reader.at;
  const commands: Statement[] = [];
  for (;;) {
    let next = skipBlanks(reader);
    if (next === HASH) {
      if (reader.depth > 0) return undefined;
      reader.at = reader.text.length;
      next = Number.NaN;
    }
    if (Number.isNaN(next) || next === CLOSE) {
      if (reader.depth > 0 && (next !== CLOSE || commands.length === 0)) return undefined;
      return { type: 'Script', pos, end: reader.at, shebang: undefined, commands, errors: undefined };
    }
    const statement = readStatement(reader);
    if (statement === undefined) return undefined;
    commands.push(statement);
  }
}

/** A command with the `;` or `&` behind it; without one, only what ends a script may follow. */
function readStatement(reader: Reader): Statement | Involved {
  const { text } = reader;
  const command = readAndOr(reader);
  if (command === undefined) return undefined;
  const mark = text.charCodeAt(reader.at);
  let end = command.end;
  if (mark === SEMICOLON || mark === AMPERSAND) {
    if (text.charCodeAt(reader.at + 1) === SEMICOLON) return undefined;
    reader.at++;
    if (mark === AMPERSAND) end = reader.at;
  } else if (!Number.isNaN(mark) && mark !== CLOSE && mark !== HASH) return undefined;
  return {
    type: 'Statement',
    pos: command.pos,
    end,
    command,
    background: mark === AMPERSAND ? true : undefined,
  };
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

/** A simple command, or one of the compound ones that stand in everybody's crontab: `{ …; }`, `( … )`, `if …; then …; fi`. */
function readCommand(reader: Reader): CommandNode | Involved {
  const next = skipBlanks(reader);
  const pos = reader.at;
  const compound =
    next === OPEN
      ? readSubshell(reader, pos)
      : takes(reader, '{')
        ? readGroup(reader, pos)
        : takes(reader, 'if')
          ? readIf(reader, pos)
          : 'none';
  if (compound === 'none') return readSimple(reader);
  if (compound === undefined) return undefined;
  const redirects = readRedirects(reader);
  const last = redirects?.at(-1);
  if (redirects === undefined) return undefined;
  if (last === undefined) return compound;
  return { type: 'Redirected', pos, end: last.end, command: compound, redirects };
}

function readSubshell(reader: Reader, pos: number): CompoundCommand | Involved {
  reader.at++;
  if (reader.text.charCodeAt(reader.at) === OPEN) return undefined; // (( is arithmetic
  const body = readList(reader, ')');
  if (body === undefined) return undefined;
  return { type: 'Subshell', pos, end: reader.at, body };
}

function readGroup(reader: Reader, pos: number): CompoundCommand | Involved {
  const body = readList(reader, '}');
  if (body === undefined) return undefined;
  return { type: 'BraceGroup', pos, end: reader.at, body };
}

function readIf(reader: Reader, pos: number): CompoundCommand | Involved {
  const clause = readList(reader, 'then');
  const then = clause && readList(reader, 'fi', 'else');
  if (clause === undefined || then === undefined) return undefined;
  const other = reader.text.startsWith('else', reader.at - 4) ? readList(reader, 'fi') : 'none';
  if (other === undefined) return undefined;
  const otherwise = other === 'none' ? undefined : other;
  return { type: 'If', pos, end: reader.at, clause, then, elif: [], else: otherwise };
}

/** The commands up to one of the words that end them, which is taken as well. */
function readList(reader: Reader, ...ends: readonly string[]): CompoundList | Involved {
  const commands: Statement[] = [];
  // What nests deeper was written to hurt: the full parser has its own limits for that.
  if (++reader.nested > 50) return undefined;
  for (;;) {
    const next = skipBlanks(reader);
    if (Number.isNaN(next) || next === HASH) return undefined;
    if (next === CLOSE ? ends[0] === ')' && ++reader.at > 0 : ends.some((word) => takes(reader, word))) break;
    if (next === CLOSE) return undefined;
    const statement = readStatement(reader);
    if (statement === undefined) return undefined;
    commands.push(statement);
  }
  reader.nested--;
  const [first] = commands;
  const last = commands.at(-1);
  if (first === undefined || last === undefined) return undefined;
  return { type: 'CompoundList', pos: first.pos, end: last.end, commands };
}

/** Takes a word of the grammar if it stands here by itself. */
function takes(reader: Reader, word: string): boolean {
  const { text, at } = reader;
  if (!text.startsWith(word, at)) return false;
  const behind = text[at + word.length] ?? ' ';
  if (!(word === '}' || word === 'fi' ? ' \t;&|)<>' : ' \t').includes(behind)) return false;
  reader.at = at + word.length;
  return true;
}
