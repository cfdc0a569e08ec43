// Writes a command in the recommended form, as edits to the old text: what no rule names stays as it was typed.
import type { Bytes } from '../crontab/crontab.ts';
import type { Command, Frame, RewriteNote, Wish, Word, Wrapper } from './command.ts';
import { applyEdits, type Edit, skipBlanks } from './edits.ts';
import { appending, planOutput } from './output.ts';
import { pathFrom } from './paths.ts';
import { requote, shellQuote } from './quote.ts';
import { isPiped, logOf, outletOf } from './redirects.ts';

interface Draft {
  /** Of the text the worker stands in. */
  readonly edits: Edit[];
  /** Of each text, the entry's own first; the last is `edits`. */
  readonly levels: readonly Edit[][];
  readonly notes: RewriteNote[];
}

/**
 * The recommended form of a command: `cd DIR && … /full/php script … --once >> LOG 2>&1`. `text` must be the text the
 * command was read from. The working directory never changes, and the rewrite of a rewrite is itself.
 */
export function rewriteCommand(
  text: Bytes,
  command: Command,
  wish: Wish,
): { readonly text: Bytes; readonly notes: readonly RewriteNote[] } {
  const levels = [...command.frames, 'worker'].map((): Edit[] => []);
  const draft: Draft = { edits: levels.at(-1) as Edit[], levels, notes: [] };
  if (command.pgrep !== undefined && wish.guarded) {
    draft.edits.push({ ...command.pgrep, text: '' });
    draft.notes.push({ code: 'pgrep-removed' });
  }
  // `look || cd DIR && worker` would start the worker when the look has found one: the two stay as they are.
  if (command.pgrep === undefined || wish.guarded) rewriteDirectory(command, wish, draft);
  rewriteWrappers(command, wish, draft);
  rewriteInterpreter(command, wish, draft);
  if (wish.once) addEnding(command, '--once', draft);
  if (wish.pass !== undefined) addEnding(command, wish.pass, draft);
  if (wish.log !== undefined) rewriteOutput(command, wish.log, wish.logReplaces === true, draft);
  if (command.background) removeBackground(command, draft);
  return { text: putTogether(text, command, draft), notes: draft.notes };
}

/** The text of a level. */
function textAt({ frames, text }: Command, level: number): Bytes {
  return frames[level]?.text ?? text;
}

/** The entry's text, each inner text put back into the word it came from. */
function putTogether(text: Bytes, command: Command, { levels, edits }: Draft): Bytes {
  if (command.frames.length === 0) return applyEdits(text, edits);
  let inner = applyEdits(command.text, edits);
  for (let level = command.frames.length - 1; level >= 0; level--) {
    const { word, text: outer } = command.frames[level] as Frame;
    const back = inner === word.value ? [] : [{ ...word.span, text: requote(word.raw, inner) }];
    inner = applyEdits(outer, [...(levels[level] ?? []), ...back]);
  }
  return inner;
}

function rewriteOutput(command: Command, log: Bytes, replaces: boolean, draft: Draft): void {
  if (isPiped(command)) {
    draft.notes.push({ code: 'pipe-kept' });
    return;
  }
  const outlet = outletOf(command);
  const { edits, note } = planOutput(textAt(command, outlet.level), outlet, log, replaces);
  draft.levels[outlet.level]?.push(...edits);
  draft.notes.push(note);
  // `( … > FILE ) > FILE` empties the log from further out.
  const at = command.outlets.indexOf(outlet);
  const file = logOf(command);
  for (const outer of command.outlets.slice(at + 1)) {
    const same = outer.redirects.filter(({ target }) => pathFrom(outer.directory, target.value) === file);
    draft.levels[outer.level]?.push(...same.flatMap((one) => appending(textAt(command, outer.level), one)));
  }
}

/** Variables cron itself gives every command. Any other in a `cd` stands or falls with lines elsewhere. */
const CRONS_OWN = /\$(?:\{(?:HOME|LOGNAME)\}|(?:HOME|LOGNAME)(?![A-Za-z0-9_]))/g;

function rewriteDirectory({ text, cd, directory, span, placed }: Command, wish: Wish, draft: Draft): void {
  if (cd === undefined) {
    if (placed || wish.inherits) return;
    draft.edits.push({ start: span.start, end: span.start, text: `cd ${shellQuote(directory)} && ` });
    draft.notes.push({ code: 'cd-added', directory });
    return;
  }
  const { raw, value } = cd.word;
  // `..` from HOME is kept: seen through a symbolic link it leads where no text can tell, and cron does start in HOME.
  const relative = raw !== '' && !value.startsWith('/') && !value.split('/').includes('..');
  if (relative || raw.replaceAll(CRONS_OWN, '').includes('$')) {
    draft.edits.push({ ...cd.word.span, text: shellQuote(directory) });
    draft.notes.push({ code: 'cd-absolute', directory });
  }
  if (cd.joint === '&&') return;
  const joint = text.indexOf(';', cd.span.end);
  draft.edits.push({ start: cd.span.end, end: skipBlanks(text, joint + 1), text: ' && ' });
  draft.notes.push({ code: 'cd-joint', directory });
}

/** Is it an env that does nothing but look up the program on PATH? */
export function isBareEnv(wrapper: Wrapper): boolean {
  return wrapper.name === 'env' && wrapper.words.length === 1;
}

function rewriteWrappers(command: Command, wish: Wish, draft: Draft): void {
  const { text } = command;
  for (const wrapper of command.wrappers) {
    if (wrapper.name === 'flock') draft.notes.push({ code: 'flock-kept' });
    if (wrapper.name === 'nohup') draft.notes.push({ code: 'nohup-removed' });
    else if (wish.interpreter === undefined || !isBareEnv(wrapper)) continue;
    for (const { span } of wrapper.words) {
      draft.edits.push({ start: span.start, end: skipBlanks(text, span.end), text: '' });
    }
  }
}

function rewriteInterpreter(command: Command, wish: Wish, draft: Draft): void {
  const { text, interpreter, flags, script } = command;
  const { word } = interpreter;
  const to = wish.interpreter;
  const wished = wish.addFlags ?? [];
  const there = standing(wished, flags);
  const added = (there.length > 0 ? [] : wished).map(shellQuote);
  for (const old of wish.insteadOf ?? []) {
    if (there.includes(old)) continue;
    draft.edits.push({ start: old.span.start, end: skipBlanks(text, old.span.end), text: '' });
  }
  // A variable in the name is as good as its line in the crontab; the path stands by itself.
  const kept = word !== undefined && (to === undefined || (word.value === to && !/[$`]/.test(word.raw)));
  if (!kept && to !== undefined) draft.notes.push({ code: 'interpreter', from: word?.value ?? '', to });
  if (word !== undefined) {
    const named = kept || to === undefined ? word.raw : shellQuote(to);
    draft.edits.push({ ...word.span, text: [named, ...added].join(' ') });
  } else if (to !== undefined) {
    const { start } = script.span;
    draft.edits.push({ start, end: start, text: [shellQuote(to), ...added, ''].join(' ') });
  }
}

/** The words that say the wished options already, in a row; none where they do not. */
function standing(wished: readonly Bytes[], flags: readonly Word[]): readonly Word[] {
  const at = flags.findIndex((_, i) => wished.every((flag, offset) => flags[i + offset]?.value === flag));
  return at === -1 ? [] : flags.slice(at, at + wished.length);
}

function addEnding({ args, script, flags, fileOption }: Command, flag: Bytes, draft: Draft): void {
  if (args.some(({ value }) => value === flag)) return;
  draft.notes.push({ code: flag === '--once' ? 'once-added' : 'pass-added' });
  const dashes = args.find(({ value }) => value === '--');
  if (dashes !== undefined) {
    draft.edits.push({ start: dashes.span.start, end: dashes.span.start, text: `${flag} ` });
    return;
  }
  const own = fileOption === undefined ? [] : flags;
  const last = args.at(-1) ?? own.reduce((a, b) => (b.span.end > a.span.end ? b : a), script);
  // Behind `php -f FILE` a dash word is an option of PHP's, which would refuse it, until `--` or an argument.
  const dashed = fileOption === undefined || fileOption.dashes !== undefined || args.length > 0;
  draft.edits.push({ start: last.span.end, end: last.span.end, text: dashed ? ` ${flag}` : ` -- ${flag}` });
}

function removeBackground(command: Command, draft: Draft): void {
  draft.notes.push({ code: 'background-removed' });
  for (const { level, end: from } of command.ampersands) {
    const text = textAt(command, level);
    const end = text.indexOf('&', from) + 1;
    // What follows is the end of a group, or a comment, and a comment needs a blank in front.
    const blank = end < text.length && text[end] !== ' ' && text[end] !== '\t' ? ' ' : '';
    const rest = text[skipBlanks(text, end)] === '}' ? ';' : blank;
    draft.levels[level]?.push({ start: from, end, text: rest });
  }
}
