// A command text as a list of steps: what runs before the worker and how each is joined to the next.
import type { Command as CommandNode, PipelineNode } from 'unbash';
import type { Bytes, Span } from '../crontab/crontab.ts';
import type { Word } from './command.ts';
import { baseName } from './paths.ts';
import { parseShell } from './plain.ts';
import { readRedirect } from './redirects.ts';
import { foreignSyntax, type ReadWord, readWord, type Shell, type Trouble } from './words.ts';

type Joint = '&&' | '||' | ';' | '&' | 'end';

export interface Step {
  readonly node: PipelineNode;
  readonly joint: Joint;
  /** Which `;`-separated statement it is in, and whether it is alone there. */
  readonly statement: number;
  readonly alone: boolean;
}

/** Splits the text at `&&`, `||`, `;` and `&`. */
export function splitSteps(text: Bytes): readonly Step[] | 'syntax-error' {
  // A backslash at the very end would swallow the first byte of whatever we add behind it.
  if (/[\n\0]|\\$/.test(text)) return 'syntax-error';
  const script = parseShell(text);
  if (script.errors !== undefined && script.errors.length > 0) return 'syntax-error';
  return script.commands.flatMap(({ command, background }, statement): Step[] => {
    const last = background ? '&' : statement + 1 === script.commands.length ? 'end' : ';';
    if (command.type !== 'AndOr') return [{ node: command, joint: last, statement, alone: true }];
    return command.commands.map((node, at) => {
      return { node, joint: command.operators[at] ?? last, statement, alone: false };
    });
  });
}

/** Why a step is not a simple command, if it is not. */
export function shapeTrouble(node: PipelineNode, text: Bytes, shell: Shell): Trouble | undefined {
  const detail = text.slice(node.pos, Math.min(node.end, node.pos + 40));
  switch (node.type) {
    case 'Command':
      return undefined;
    case 'Pipeline':
      if (node.operators.includes('|&') && !shell.bash) return { why: 'bash-syntax', detail: '|&' };
      if (node.operators.length > 0) return { why: 'pipe', detail: '|' };
      return { why: 'unknown-wrapper', detail: node.prefixes[0]?.type === 'Time' ? 'time' : '!' };
    case 'Subshell':
      return { why: 'subshell', detail };
    case 'Redirected':
      return shapeTrouble(node.command, text, shell);
    case 'TestCommand':
    case 'ArithmeticCommand':
    case 'ArithmeticFor':
    case 'Select':
    case 'Coproc':
      return { why: shell.bash ? 'compound' : 'bash-syntax', detail };
    default:
      return { why: 'compound', detail };
  }
}

/** The words of a simple command, its name first. */
export function wordsOf(text: Bytes, node: CommandNode, shell: Shell): readonly ReadWord[] {
  const words = node.name === undefined ? node.args : [node.name, ...node.args];
  return words.map((word) => readWord(text, word, shell));
}

/** Syntax in a simple command that another shell would read differently, wherever it stands. */
export function foreignIn(text: Bytes, node: CommandNode, shell: Shell): Trouble | undefined {
  const words = node.name === undefined ? node.args : [node.name, ...node.args];
  for (const word of words) {
    const trouble = foreignSyntax(word, shell);
    if (trouble !== undefined) return trouble;
  }
  for (const item of node.prefix) {
    const strange =
      item.type === 'Assignment' && (item.append || item.index || item.value.type === 'ArrayValue');
    if (strange)
      return { why: shell.bash ? 'expansion' : 'bash-syntax', detail: text.slice(item.pos, item.end) };
  }
  for (const redirection of node.redirects) {
    const redirect = readRedirect(text, redirection, shell);
    if ('why' in redirect) return redirect;
  }
  return undefined;
}

/** What the steps before the worker come to. */
export interface Lead {
  readonly before: readonly Span[];
  readonly cd?: { readonly span: Span; readonly word: Word; readonly joint: '&&' | ';' };
  /** What the shell knows when the worker's turn comes. */
  readonly shell: Shell;
}

/** Reads the steps before the last one. Only what cannot change what the worker means is let through. */
export function readLead(text: Bytes, steps: readonly Step[], start: Shell): Lead | Trouble {
  const before: Span[] = [];
  // One map for all steps: a copy for each would make a long list of exports quadratic.
  const variables = new Map(start.variables);
  const shell = { bash: start.bash, home: start.home, variables };
  let cd: Lead['cd'];
  const workers = steps.at(-1)?.statement;
  for (const step of steps.slice(0, -1)) {
    const { node, joint } = step;
    const end = endWithJoint(text, step);
    const several = { why: 'several-commands', detail: text.slice(node.pos, end) } as const;
    if (node.type === 'TestCommand' && shell.bash && joint === '&&') {
      before.push({ start: node.pos, end });
      continue;
    }
    const shape = shapeTrouble(node, text, shell);
    if (shape !== undefined) return shape;
    if (node.type !== 'Command') return several;
    const foreign = foreignIn(text, node, shell);
    if (foreign !== undefined) return foreign;
    if (joint !== '&&' && joint !== ';') return several;
    const name = node.name === undefined ? undefined : readWord(text, node.name, shell).word.value;
    if (name === 'cd') {
      const word = cdWord(text, node, shell);
      // Behind a `;` the worker runs even when the cd was skipped or failed. Only right in front of the worker's
      // statement, and alone in its own, can it be made to count.
      const counts = step.statement === workers || (step.alone && step.statement + 1 === workers);
      if (cd !== undefined || word === undefined || !counts) return several;
      if (word.trouble !== undefined) return word.trouble;
      cd = { span: { start: node.pos, end: node.end }, word: word.word, joint };
      continue;
    }
    const effect = harmless(text, node, name, joint, shell);
    if (effect === undefined) {
      if (name === 'source' && !shell.bash) return { why: 'bash-syntax', detail: 'source' };
      return several;
    }
    before.push({ start: node.pos, end });
    const certain = step.alone || step.statement === workers;
    learn(text, node, effect, shell, certain);
  }
  return cd === undefined ? { before, shell } : { before, cd, shell };
}

function endWithJoint(text: Bytes, { node, joint }: Step): number {
  const at = text.indexOf(joint, node.end);
  return at < 0 ? node.end : at + joint.length;
}

function cdWord(text: Bytes, node: CommandNode, shell: Shell): ReadWord | undefined {
  if (node.prefix.some((item) => item.type === 'Assignment')) return undefined;
  const words = wordsOf(text, node, shell).slice(1);
  if (words[0]?.word.value === '--') words.shift();
  if (words.length > 1) return undefined;
  const home = { start: node.end, end: node.end };
  const word = words[0] ?? homeWord(home, shell);
  // `cd -x` is an option, `cd -` the directory before, `cd ''` stays.
  if (/^(?:-|$)/.test(word.word.value)) return undefined;
  if (!/^\.{0,2}\//.test(word.word.value) && shell.variables.has('CDPATH')) {
    return { ...word, trouble: { why: 'expansion', detail: 'CDPATH' } };
  }
  return word;
}

function homeWord(span: Span, shell: Shell): ReadWord {
  if (shell.home !== undefined) return { word: { span, raw: '', value: shell.home } };
  return { word: { span, raw: '', value: '~', open: true }, trouble: { why: 'home-unknown', detail: 'cd' } };
}

type Effect = 'none' | 'sets' | 'reads-file';

/** What a step we keep verbatim does to the worker's surroundings; undefined when we do not know it. */
function harmless(
  text: Bytes,
  node: CommandNode,
  name: string | undefined,
  joint: '&&' | ';',
  shell: Shell,
): Effect | undefined {
  const hasPrefix = node.prefix.some((item) => item.type === 'Assignment');
  if (name === undefined) return hasPrefix ? 'sets' : undefined;
  if (hasPrefix) return undefined;
  switch (baseName(name)) {
    case '[':
    case 'test':
      // A guard that looks for processes sees the text of its own shell, and the rewrite changes that text.
      return joint === '&&' && !/\b(?:pgrep|pidof)\b/.test(text.slice(node.pos, node.end))
        ? 'none'
        : undefined;
    case 'sleep':
      return 'none';
    case 'umask':
    case 'ulimit':
      return name === baseName(name) ? 'none' : undefined;
    case 'export':
      return name === 'export' && node.args.every((word) => isExport(text, word)) ? 'sets' : undefined;
    case '.':
      return name === '.' ? 'reads-file' : undefined;
    case 'source':
      return name === 'source' && shell.bash ? 'reads-file' : undefined;
    default:
      return undefined;
  }
}

function isExport(text: Bytes, word: CommandNode['args'][number]): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*(?:=|$)/.test(text.slice(word.pos, word.end));
}

interface Learner {
  readonly bash: boolean;
  home: Bytes | undefined;
  readonly variables: Map<Bytes, Bytes>;
}

/** Brings what we know up to date behind a step that sets variables or reads a file of them. */
function learn(text: Bytes, node: CommandNode, effect: Effect, shell: Learner, certain: boolean): void {
  // After a file of settings any variable may have any value. HOME is taken to stay: nobody moves it there.
  if (effect === 'reads-file') shell.variables.clear();
  if (effect !== 'sets') return;
  for (const item of [...node.prefix, ...node.args]) {
    if (item.type !== 'Assignment') continue;
    const read = item.value.type === 'Word' ? readWord(text, item.value, shell) : undefined;
    const known = certain && read?.trouble === undefined && !read?.word.raw.startsWith('~') && !item.append;
    const value = known ? read?.word.value : undefined;
    if (item.name === 'HOME') shell.home = value;
    else if (value === undefined) shell.variables.delete(item.name);
    else shell.variables.set(item.name, value);
  }
}
