// A command text laid flat for rules that ask about its shape: simple commands in the order they stand, what they
// read and write, which variables are used, which spots only bash understands.
import {
  type Command,
  type CommandArgument,
  forEachChild,
  type ParameterExpansionPart,
  type Redirection,
  type SyntaxNode,
  type Word,
} from 'unbash';
import type { Bytes, Span } from '../crontab/crontab.ts';
import { parseShell } from './plain.ts';

/** A word as written, and its text with the quotes off where no expansion is left in it. */
export interface Piece {
  readonly span: Span;
  readonly raw: Bytes;
  readonly value: Bytes;
  /** Only the shell knows what it comes to. */
  readonly open: boolean;
}

export interface Stream {
  readonly span: Span;
  readonly operator: string;
  readonly fd: number | undefined;
  readonly target: Piece | undefined;
}

export type Joint = '&&' | '||' | ';' | '&' | '|' | '|&' | 'end';

/** A simple command, wherever in the text it stands. */
export interface Simple {
  readonly span: Span;
  readonly name: Piece | undefined;
  readonly args: readonly Piece[];
  /** Names that `NAME=value` words in front of it set. */
  readonly sets: readonly Bytes[];
  readonly streams: readonly Stream[];
  /** What stands behind it. */
  readonly joint: Joint;
  /** Inside of `( )`, `{ }`, `if`, `$( )` …: 0 is the top. */
  readonly depth: number;
}

/** A spot that is bash's own, and which. */
export interface Foreign {
  readonly form:
    | 'both-to-file'
    | 'both-to-descriptor-or-file'
    | 'pipe-both'
    | 'test'
    | 'arithmetic'
    | 'process-substitution'
    | 'here-string'
    | 'dollar-quote'
    | 'substitution'
    | 'array'
    | 'append'
    | 'function'
    | 'select'
    | 'arithmetic-for'
    | 'braces';
  readonly span: Span;
}

/** `$NAME` or `${NAME}`; `safe` says that the text itself gives a value for when it is not set. */
export interface Use {
  readonly name: Bytes;
  readonly span: Span;
  readonly safe: boolean;
}

export interface Syntax {
  readonly commands: readonly Simple[];
  readonly uses: readonly Use[];
  readonly foreign: readonly Foreign[];
}

type Flat = { readonly commands: Simple[]; readonly uses: Use[]; readonly foreign: Foreign[] };

let last: { readonly text: Bytes; readonly syntax: Syntax | 'syntax-error' } | undefined;

/** The text laid flat. Asked for the same text again, as the rules of one entry do, it is parsed once. */
export function syntaxOf(text: Bytes): Syntax | 'syntax-error' {
  if (last?.text !== text) last = { text, syntax: read(text) };
  return last.syntax;
}

function read(text: Bytes): Syntax | 'syntax-error' {
  const script = parseShell(text);
  if (script.errors !== undefined && script.errors.length > 0) return 'syntax-error';
  const flat: Flat = { commands: [], uses: [], foreign: [] };
  visit(text, script, 'end', 0, flat);
  return flat;
}

function visit(text: Bytes, node: SyntaxNode, joint: Joint, depth: number, flat: Flat): void {
  switch (node.type) {
    case 'Script':
    case 'CompoundList':
      for (const [index, { command, background }] of node.commands.entries()) {
        const between = index + 1 === node.commands.length ? 'end' : ';';
        visit(text, command, background ? '&' : between, depth, flat);
      }
      return;
    case 'AndOr':
      for (const [at, one] of node.commands.entries())
        visit(text, one, node.operators[at] ?? joint, depth, flat);
      return;
    case 'Pipeline':
      for (const [at, one] of node.commands.entries()) {
        if (node.operators[at] === '|&') {
          const start = text.indexOf('|&', one.end);
          flat.foreign.push({ form: 'pipe-both', span: { start, end: start + 2 } });
        }
        visit(text, one, node.operators[at] ?? joint, depth, flat);
      }
      return;
    case 'CommandExpansion':
      // Between backticks with escapes of their own positions count in another text.
      if (node.script !== undefined && node.script.source === undefined)
        visit(text, node.script, 'end', depth + 1, flat);
      return;
    case 'Command':
      simple(text, node, joint, depth, flat);
      break;
    case 'For':
      flat.commands.push(loopVariable(text, node.name, node.pos, depth));
      break;
    case 'SimpleExpansion':
      flat.uses.push({ name: text.slice(node.pos + 1, node.end), span: spanOf(node), safe: false });
      break;
    case 'ParameterExpansion':
      parameter(node, flat);
      break;
    default:
      foreign(text, node, flat);
  }
  const inner = DEEPER.has(node.type) ? depth + 1 : depth;
  eachChild(node, (child) => visit(text, child, 'end', inner, flat));
}

/** unbash knows the children of every node; those of plain text are told here, so that it need not be read for them. */
function eachChild(node: SyntaxNode, visitChild: (child: SyntaxNode) => void): void {
  switch (node.type) {
    case 'Literal':
    case 'SingleQuoted':
    case 'FileDescriptor':
      return;
    case 'Command':
      for (const child of node.prefix) visitChild(child);
      if (node.name !== undefined) visitChild(node.name);
      for (const child of node.suffix) visitChild(child);
      return;
    case 'Word':
    case 'Glob':
    case 'DoubleQuoted':
      for (const child of node.parts ?? []) visitChild(child);
      return;
    case 'Redirect':
      if (node.target !== undefined) visitChild(node.target);
      return;
    case 'Assignment':
      if (node.index !== undefined) break;
      visitChild(node.value);
      return;
    case 'Redirected':
      visitChild(node.command);
      for (const child of node.redirects) visitChild(child);
      return;
    case 'BraceGroup':
    case 'Subshell':
      visitChild(node.body);
      return;
    case 'If':
      if (node.elif.length > 0) break;
      for (const child of [node.clause, node.then, node.else]) if (child !== undefined) visitChild(child);
      return;
    case 'SimpleExpansion':
      return;
  }
  forEachChild(node, visitChild);
}

const DEEPER = new Set([
  'Subshell',
  'BraceGroup',
  'If',
  'For',
  'While',
  'Case',
  'Function',
  'Coproc',
  'Select',
  'ArithmeticFor',
  'ProcessSubstitution',
]);

const spanOf = ({ pos, end }: { readonly pos: number; readonly end: number }): Span => ({ start: pos, end });

function simple(text: Bytes, node: Command, joint: Joint, depth: number, flat: Flat): void {
  const sets: Bytes[] = [];
  for (const item of node.prefix) {
    if (item.type !== 'Assignment') continue;
    sets.push(item.name);
    if (item.append) flat.foreign.push({ form: 'append', span: spanOf(item) });
    if (item.index !== undefined || item.value.type === 'ArrayValue')
      flat.foreign.push({ form: 'array', span: spanOf(item) });
  }
  flat.commands.push({
    span: spanOf(node),
    name: node.name === undefined ? undefined : piece(text, node.name),
    args: node.args.map((word) => piece(text, word)),
    sets,
    streams: node.redirects.map((one) => stream(text, one, flat)),
    joint,
    depth,
  });
}

/** `for NAME in …` sets NAME: kept as a command of that effect, so that who looks for settings finds it in its place. */
function loopVariable(text: Bytes, name: Word, pos: number, depth: number): Simple {
  const sets = [piece(text, name).value];
  const span = { start: pos, end: pos };
  return { span, name: undefined, args: [], sets, streams: [], joint: ';', depth };
}

/** Nodes that only bash has, and how many of their bytes are the telling ones where that is not all. */
const FOREIGN: Readonly<Partial<Record<SyntaxNode['type'], readonly [Foreign['form'], number?]>>> = {
  TestCommand: ['test', 2],
  ArithmeticCommand: ['arithmetic', 2],
  ArithmeticFor: ['arithmetic-for'],
  Select: ['select', 6],
  Function: ['function', 8],
  ProcessSubstitution: ['process-substitution'],
  HereString: ['here-string'],
  AnsiCQuoted: ['dollar-quote'],
  LocaleString: ['dollar-quote'],
  BraceExpansion: ['braces'],
};

function foreign(text: Bytes, node: SyntaxNode, flat: Flat): void {
  const [form, length] = FOREIGN[node.type] ?? [];
  if (form === undefined || (form === 'function' && !text.startsWith('function', node.pos))) return;
  const end = length === undefined ? node.end : node.pos + length;
  flat.foreign.push({ form, span: { start: node.pos, end } });
}

function parameter(node: ParameterExpansionPart, flat: Flat): void {
  const { operation } = node;
  // `#`, `##`, `%`, `%%` and the four defaults are POSIX; the rest is bash's.
  const plain = operation === undefined || operation.type === 'Default' || operation.type === 'Remove';
  if (!plain || node.index !== undefined || node.prefix === '!')
    flat.foreign.push({ form: 'substitution', span: spanOf(node) });
  const safe = operation?.type === 'Default' && operation.operator !== '?' && operation.operator !== ':?';
  flat.uses.push({ name: node.parameter, span: spanOf(node), safe });
}

function piece(text: Bytes, node: CommandArgument): Piece {
  const raw = text.slice(node.pos, node.end);
  const span = { start: node.pos, end: node.end };
  if (node.type !== 'Word') return { span, raw, value: raw, open: /[$`]/.test(raw) };
  let value = '';
  let open = false;
  const take = (
    parts: readonly {
      readonly type: string;
      readonly value?: string;
      readonly parts?: unknown;
      readonly text: string;
    }[],
  ) => {
    for (const part of parts) {
      if (part.type === 'Literal' || part.type === 'SingleQuoted' || part.type === 'Glob')
        value += part.value;
      else if (part.type === 'DoubleQuoted') take(part.parts as typeof parts);
      else {
        value += part.text;
        open = true;
      }
    }
  };
  if (node.parts === undefined) value = node.value;
  else take(node.parts as Parameters<typeof take>[0]);
  return { span, raw, value, open };
}

function stream(text: Bytes, node: Redirection, flat: Flat): Stream {
  const span = { start: node.pos, end: node.end };
  const fd = node.descriptor?.type === 'FileDescriptor' ? node.descriptor.value : undefined;
  const target = node.type !== 'HereDoc' && node.target !== undefined ? piece(text, node.target) : undefined;
  const at = node.descriptor?.end ?? node.pos;
  const mark = { start: at, end: at + node.operator.length };
  if (node.operator === '&>' || node.operator === '&>>')
    flat.foreign.push({ form: 'both-to-file', span: mark });
  // dash copies descriptors of one digit here and takes no file.
  if (node.operator === '>&' && target !== undefined && !/^(?:\d|-)$/.test(target.value) && !target.open)
    flat.foreign.push({ form: 'both-to-descriptor-or-file', span: mark });
  return { span, operator: node.operator, fd, target };
}
