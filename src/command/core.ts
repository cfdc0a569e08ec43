// The worker itself: which of a command's words is the interpreter, which the script, and what belongs to whom.
import type { Command, Word } from './command.ts';
import { interpreterKind, kindOfScript, readInterpreter } from './interpreter.ts';
import { isConsoleName } from './mention.ts';
import { baseName } from './paths.ts';
import type { ReadWord, Trouble } from './words.ts';
import { endsReading } from './wrappers.ts';

export type Core = Pick<Command, 'interpreter' | 'flags' | 'script' | 'args' | 'fileOption'>;

/** The values a wrapper or interpreter sees, as far as they are known. */
export function valuesOf(
  words: readonly ReadWord[],
  keep: (word: Word) => boolean = () => false,
): (string | undefined)[] {
  return words.map(({ word }) => (word.open && !keep(word) ? undefined : word.value));
}

/** `which php` in backticks or `$(…)`: the shell puts in what PATH has, which is what the bare name would do. */
const LOOKED_UP = /^(?:`(?:which|command -v) ([\w.-]+)`|("?)\$\((?:which|command -v) ([\w.-]+)\)\2)$/;

/** Reads the words from the interpreter, or the script that is its own command, to the end. */
export function readCore(words: readonly ReadWord[], behindEnv: boolean): Core | Trouble {
  const [first, ...rest] = words;
  if (first === undefined) return { why: 'no-worker', detail: '' };
  const lookedUp = LOOKED_UP.exec(first.word.raw);
  const found = lookedUp?.[1] ?? lookedUp?.[3];
  if (found !== undefined && interpreterKind(found) !== 'none') {
    const word = { span: first.word.span, raw: first.word.raw, value: found };
    return readScript(rest, { kind: interpreterKind(found) as 'php' | 'node', how: 'path', word });
  }
  if (first.trouble !== undefined) return first.trouble;
  const { value, raw } = first.word;
  const name = baseName(value);
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
  const scriptKind = isConsoleName(name) ? 'php' : kindOfScript(name);
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
  const reading = readInterpreter(interpreter.kind, valuesOf(words));
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
