// Reads the shell text of an entry: which PHP or Node script it starts and how, or why that cannot be told.
import { Buffer, isUtf8 } from 'node:buffer';
import type { Command as CommandNode } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import type { Command, Reading, Surroundings, Word, Wrapper } from './command.ts';
import { interpreterKind, kindOfScript, readInterpreter } from './interpreter.ts';
import { baseName, directoryFrom, pathFrom } from './paths.ts';
import { readRedirects } from './redirects.ts';
import { foreignIn, type Lead, readLead, shapeTrouble, splitSteps, wordsOf } from './steps.ts';
import { type ReadWord, readWord, type Shell, type Trouble } from './words.ts';
import { endsReading, readWrapper, wrapperName } from './wrappers.ts';

/**
 * Reads a decoded command text. Either everything in it is understood, so that it can be written anew without a change
 * of meaning, or it is opaque.
 */
export function readCommand(text: Bytes, surroundings: Surroundings): Reading {
  const span = { start: 0, end: text.length };
  const reading = readText(text, surroundings);
  if ('is' in reading) return reading;
  // However involved a text is, the telling thing about one that names no PHP or Node is that it is not our business.
  const { why } = reading;
  if (why === 'empty' || why === 'syntax-error' || mentionsWorker(text))
    return { is: 'opaque', ...reading, span };
  const detail = why === 'no-worker' ? reading.detail : (text.trim().split(/[ \t]/, 1)[0] ?? '');
  return { is: 'opaque', why: 'no-worker', detail, span };
}

function readText(text: Bytes, surroundings: Surroundings): Command | Trouble {
  const steps = splitSteps(text);
  if (steps === 'syntax-error') return { why: 'syntax-error', detail: '' };
  const last = steps.at(-1);
  if (last === undefined) return { why: 'empty', detail: '' };
  const shellName = baseName(surroundings.shell);
  // csh, fish and a panel's chroot shell read this text by rules of their own.
  if (!/^(?:sh|dash|ash|bash|zsh|ksh|mksh)$/.test(shellName))
    return { why: 'bash-syntax', detail: shellName };
  const bash = /^(?:bash|zsh)$/.test(shellName);
  const home = surroundings.home.startsWith('/') ? surroundings.home : undefined;
  const start: Shell = { bash, home, variables: surroundings.variables };

  for (const { node } of steps) {
    if (node.type !== 'Command' || node.name === undefined) continue;
    const name = readWord(text, node.name, start).word.value;
    if (endsReading(baseName(name)) === 'pgrep-guard') return { why: 'pgrep-guard', detail: name };
  }
  const lead = readLead(text, steps, start);
  if ('why' in lead) return lead;
  const { node, joint } = last;
  const shape = shapeTrouble(node, text, lead.shell);
  if (shape !== undefined) return shape;
  if (node.type !== 'Command') return { why: 'compound', detail: node.type };
  const foreign = foreignIn(text, node, lead.shell);
  if (foreign !== undefined) return foreign;
  return readWorker(text, node, lead, home, joint === '&');
}

function readWorker(
  text: Bytes,
  node: CommandNode,
  lead: Lead,
  home: Bytes | undefined,
  background: boolean,
): Command | Trouble {
  const { shell } = lead;
  const words = wordsOf(text, node, shell);
  const wrapped = readWrappers(words);
  if ('why' in wrapped) return wrapped;
  const { wrappers, at } = wrapped;
  const core = readCore(words, at, wrappers.at(-1)?.name === 'env');
  if ('why' in core) return core;
  const redirects = readRedirects(text, node.redirects, shell);
  if ('why' in redirects) return redirects;
  const directory = directoryOf(lead, home);
  if (typeof directory !== 'string') return directory;
  const command: Command = {
    is: 'worker',
    before: lead.before,
    ...(lead.cd === undefined ? {} : { cd: lead.cd }),
    directory,
    assignments: node.prefix.flatMap((item): Word[] => {
      if (item.type !== 'Assignment') return [];
      const raw = text.slice(item.pos, item.end);
      return [{ span: { start: item.pos, end: item.end }, raw, value: raw }];
    }),
    wrappers,
    ...core,
    scriptPath: pathFrom(directory, core.script.value),
    redirects,
    background,
    span: { start: node.pos, end: node.end },
  };
  return lookUpTrouble(text, command) ?? nameTrouble(command) ?? command;
}

/** Everything behind the port names files in UTF-8: `\xff.php` would become another file's name. */
function nameTrouble({ directory, scriptPath, redirects, interpreter }: Command): Trouble | undefined {
  const names = [
    directory,
    scriptPath,
    interpreter.word?.value ?? '',
    ...redirects.map(({ target }) => target.value),
  ];
  const odd = names.find((name) => !isUtf8(Buffer.from(name, 'latin1')));
  return odd === undefined ? undefined : { why: 'not-utf8', detail: odd };
}

/**
 * What cron's PATH and HOME say does not hold behind a PATH of the command's own, or behind a file it reads in: that
 * may set PATH, and may go to another directory.
 */
function lookUpTrouble(text: Bytes, command: Command): Trouble | undefined {
  const lead = command.before.map(({ start, end }) => text.slice(start, end)).join(' ');
  const sourced = /(?:^|[;&]|\s)(?:\.|source)\s/.test(lead);
  const own = [...command.assignments, ...command.wrappers.flatMap(({ words }) => words)];
  const setsPath = /\bPATH=/.test(lead) || own.some(({ raw }) => raw.startsWith('PATH='));
  if ((sourced || setsPath) && command.interpreter.how !== 'absolute')
    return { why: 'expansion', detail: sourced ? '.' : 'PATH' };
  const fixed = command.cd?.word.raw.startsWith('/') === true;
  return sourced && !fixed ? { why: 'expansion', detail: '.' } : undefined;
}

function directoryOf({ cd }: Lead, home: Bytes | undefined): Bytes | Trouble {
  if (cd?.word.value.startsWith('/')) return directoryFrom('/', cd.word.value);
  if (home === undefined) return { why: 'home-unknown', detail: cd?.word.raw ?? '' };
  return directoryFrom(home, cd?.word.value ?? '');
}

/** The values a wrapper or interpreter sees, as far as they are known. */
function valuesOf(words: readonly ReadWord[], keep: (word: Word) => boolean): (string | undefined)[] {
  return words.map(({ word }) => (word.open && !keep(word) ? undefined : word.value));
}

function readWrappers(words: readonly ReadWord[]): { wrappers: Wrapper[]; at: number } | Trouble {
  const wrappers: Wrapper[] = [];
  let at = 0;
  while (at < words.length) {
    const first = words[at];
    if (first === undefined || first.trouble !== undefined) break;
    const name = wrapperName(baseName(first.word.value));
    if (name === undefined) break;
    // `A=$B` behind env stays one assignment of env's, whatever B is.
    const isSetting = (word: Word) => name === 'env' && /^[A-Za-z_][A-Za-z0-9_]*=/.test(word.raw);
    const reading = readWrapper(name, valuesOf(words.slice(at + 1), isSetting));
    if (reading.is === 'nothing') return { why: 'no-worker', detail: name };
    const stop = reading.is === 'wraps' ? undefined : words[at + 1 + reading.at];
    if (stop?.trouble !== undefined) return stop.trouble;
    if (reading.is !== 'wraps') return { why: 'unknown-wrapper', detail: `${name} ${stop?.word.raw ?? ''}` };
    const next = at + 1 + reading.next;
    wrappers.push({ name, words: words.slice(at, next).map(({ word }) => word) });
    at = next;
  }
  return { wrappers, at };
}

type Core = Pick<Command, 'interpreter' | 'flags' | 'script' | 'args' | 'fileOption'>;

function readCore(words: readonly ReadWord[], at: number, behindEnv: boolean): Core | Trouble {
  const first = words[at];
  if (first === undefined) return { why: 'no-worker', detail: '' };
  if (first.trouble !== undefined) return first.trouble;
  const { value, raw } = first.word;
  const name = baseName(value);
  const rest = words.slice(at + 1);
  const kind = interpreterKind(name);
  if (kind !== 'none') {
    const how = value.startsWith('/')
      ? 'absolute'
      : value.includes('/')
        ? 'relative'
        : behindEnv
          ? 'env'
          : 'path';
    return readScript(rest, { kind, how, word: first.word });
  }
  const scriptKind = kindOfScript(name);
  // Without a slash the shell looks it up on PATH, and there it could be any program.
  if (scriptKind !== 'none' && value.includes('/')) {
    const args = rest.map(({ word }) => word);
    return { interpreter: { kind: scriptKind, how: 'script' }, flags: [], script: first.word, args };
  }
  const why = endsReading(name);
  if (why !== undefined) return { why, detail: raw };
  const startsOne = rest.some(({ word }) => interpreterKind(baseName(word.value)) !== 'none');
  return { why: startsOne ? 'unknown-wrapper' : 'no-worker', detail: raw };
}

function readScript(
  words: readonly ReadWord[],
  interpreter: Command['interpreter'] & { readonly word: Word },
): Core | Trouble {
  const reading = readInterpreter(
    interpreter.kind,
    valuesOf(words, () => false),
  );
  if (reading.is !== 'script') {
    const stop = words[reading.at];
    if (reading.is === 'open' && stop?.trouble !== undefined) return stop.trouble;
    const why =
      reading.is === 'inline' ? 'inline-code' : reading.is === 'nothing' ? 'no-worker' : 'unknown-wrapper';
    return { why, detail: stop?.word.raw ?? interpreter.word.raw };
  }
  const { glue } = reading;
  const whole = words[reading.script]?.word;
  if (whole === undefined || whole.value.length === glue)
    return { why: 'no-worker', detail: interpreter.word.raw };
  const option = whole.value.slice(0, glue);
  if (!whole.raw.startsWith(option)) return { why: 'expansion', detail: whole.raw };
  const flags = reading.flags.flatMap((at): Word[] => {
    const word = words[at]?.word;
    if (word === undefined) return [];
    return [at === reading.script ? cut(word, 0, glue) : word];
  });
  const dashes = reading.fileOption?.dashes;
  const dashesWord = dashes === undefined ? undefined : words[dashes]?.word;
  return {
    interpreter,
    flags,
    script: glue === 0 ? whole : cut(whole, glue, whole.raw.length),
    args: words.slice(reading.args).map(({ word }) => word),
    ...(reading.fileOption === undefined
      ? {}
      : { fileOption: dashesWord === undefined ? {} : { dashes: dashesWord } }),
  };
}

/** Part of a word whose first bytes are written as they are meant: the `-f` and the file of `-fworker.php`. */
function cut(word: Word, from: number, to: number): Word {
  const { start } = word.span;
  const value = from === 0 ? word.value.slice(0, to) : word.value.slice(from);
  return { span: { start: start + from, end: start + to }, raw: word.raw.slice(from, to), value };
}

const FRAMEWORK_SCRIPT = /^(?:artisan|console|magento|craft|yii|occ|drush|wp)$/;

/** Does any word, in whatever quotes or parentheses, name an interpreter or a script of one? URLs do not count. */
function mentionsWorker(text: Bytes): boolean {
  return text.split(/[ \t"'`();&|<>={}]+/).some((token) => {
    if (token.includes('://')) return false;
    const name = baseName(token);
    return (
      interpreterKind(name) !== 'none' ||
      kindOfScript(name) !== 'none' ||
      endsReading(name) === 'framework-binary' ||
      FRAMEWORK_SCRIPT.test(name)
    );
  });
}
