// The steps in front of the worker: which may stay as they are, where its `cd` is, and what they tell the shell.
import type { Command as CommandNode } from 'unbash';
import type { Bytes, Span } from '../crontab/crontab.ts';
import type { Word } from './command.ts';
import { skipBlanks } from './edits.ts';
import { mentionsWorker } from './mention.ts';
import { baseName } from './paths.ts';
import { foreignIn, type Step, shapeTrouble, wordsOf } from './steps.ts';
import { type ReadWord, readWord, type Shell, type Trouble } from './words.ts';
import { wrapperName } from './wrappers.ts';

/** What the steps before the worker come to. */
export interface Lead {
  readonly before: readonly Span[];
  readonly pgrep?: Span;
  readonly cd?: { readonly span: Span; readonly word: Word; readonly joint: '&&' | ';' };
  /** What the shell knows when the worker's turn comes. */
  readonly shell: Shell;
}

/**
 * Reads the steps before the worker's, which is the last one given. Only what cannot change what the worker means is let
 * through: tests, settings, and other programs, which can change neither the shell's directory nor its variables.
 */
export function readLead(text: Bytes, steps: readonly Step[], start: Shell): Lead | Trouble {
  const before: Span[] = [];
  // One map for all steps: a copy for each would make a long list of exports quadratic.
  const variables = new Map(start.variables);
  const shell = { bash: start.bash, home: start.home, variables };
  let cd: Lead['cd'];
  let pgrep: Span | undefined;
  const workers = steps.at(-1)?.statement;
  for (const [at, step] of steps.slice(0, -1).entries()) {
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
    const foreign = foreignIn(text, node, shell, 'other');
    if (foreign !== undefined) return foreign;
    const name = node.name === undefined ? undefined : readWord(text, node.name, shell).word.value;
    if (name !== undefined && /^(?:pgrep|pidof)$/.test(baseName(name))) {
      // A test in front of it would mean something else once it is gone.
      const tested = at > 0 && steps[at - 1]?.statement === step.statement && cd === undefined;
      if (joint !== '||' || at !== steps.length - 2 || tested)
        return { why: 'pgrep-guard', detail: baseName(name) };
      pgrep = { start: node.pos, end: skipBlanks(text, end) };
      continue;
    }
    if (joint !== '&&' && joint !== ';') return several;
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
  return { before, shell, ...(cd === undefined ? {} : { cd }), ...(pgrep === undefined ? {} : { pgrep }) };
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
    case 'set':
      return name === 'set' && node.args.every(({ text: word }) => /^[-+][eux]+$/.test(word))
        ? 'none'
        : undefined;
    default:
      return isProgram(text, node, name) ? 'none' : undefined;
  }
}

/** Words of the shell itself that can change where the worker runs and with what, or that end the shell. */
const BUILTINS = new Set(
  `alias bind break builtin cd command compgen complete compopt continue coproc declare dirs disown enable eval exec exit
  export fc fg bg getopts hash jobs let local logout mapfile popd pushd read readarray readonly return select set shift
  shopt source suspend time times trap typeset ulimit umask unalias unset wait function`.split(/\s+/),
);

/** A program of its own, not the worker's kind: a step that only takes time. */
function isProgram(text: Bytes, node: CommandNode, name: string): boolean {
  if (name === '' || /[$`*?[\]{}]/.test(name) || BUILTINS.has(name)) return false;
  // `nice cd /srv && …` finds no program cd, and `/srv/app && …` is a directory without its cd: the worker never starts.
  if (wrapperName(baseName(name)) !== undefined && node.args.some((word) => word.text === 'cd')) return false;
  if (node.args.length === 0 && name.includes('/') && !/\.\w+$|\/s?bin\//.test(name)) return false;
  return !mentionsWorker(text.slice(node.pos, node.end));
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
