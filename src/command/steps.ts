// A command text as a list of steps: what is run one after the other and how each is joined to the next.
import type { Command as CommandNode, PipelineNode, Statement } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
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

/** The statements of a text. */
export function statementsOf(text: Bytes): readonly Statement[] | 'syntax-error' {
  // A backslash at the very end would swallow the first byte of whatever we add behind it.
  if (/[\n\0]|\\$/.test(text)) return 'syntax-error';
  const script = parseShell(text);
  return script.errors !== undefined && script.errors.length > 0 ? 'syntax-error' : script.commands;
}

/** Splits statements at `&&`, `||`, `;` and `&`. */
export function stepsOf(statements: readonly Statement[]): readonly Step[] {
  return statements.flatMap(({ command, background }, statement): Step[] => {
    const last = background ? '&' : statement + 1 === statements.length ? 'end' : ';';
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

/**
 * Syntax in a simple command that another shell would read differently, wherever it stands. The redirects of a worker are
 * read by whoever reads the worker.
 */
export function foreignIn(
  text: Bytes,
  node: CommandNode,
  shell: Shell,
  of: 'worker' | 'other',
): Trouble | undefined {
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
    if (of === 'other' && redirect.afterAmpersand)
      return { why: 'bash-syntax', detail: text.slice(redirection.pos, redirection.end) };
  }
  return undefined;
}
