// Programs that hand a command on: to another user, or as a string to a shell. Each with its own option table.
import type { Bytes } from '../crontab/crontab.ts';
import type { UserSwitch } from './command.ts';

/** What a user switch or a shell does with the words behind its name. Numbers are indices of those words. */
export type HandOver =
  /** Runs the words from `next` on, without a shell. */
  | { readonly is: 'runs'; readonly next: number; readonly user: Bytes }
  /** Gives the word at `at` to a shell as its text. */
  | {
      readonly is: 'string';
      readonly at: number;
      /** Reads the files of a login: PATH may be anything then. */
      readonly login: boolean;
      /** Goes to the user's home first. */
      readonly goesHome: boolean;
      readonly user?: Bytes;
      /** Named with `-s`. */
      readonly shell?: Bytes;
    }
  /** Runs no command, or reads it from elsewhere. */
  | { readonly is: 'nothing' }
  | { readonly is: 'unknown'; readonly at: number }
  /** A word that must be known and is not. */
  | { readonly is: 'open'; readonly at: number };

type Values = readonly (string | undefined)[];

const SWITCHES = new Set<string>(['sudo', 'doas', 'runuser', 'su', 'gosu', 'su-exec', 'setuidgid']);

/** The name as a user switch we follow, if it is one. */
export function switchName(basename: string): UserSwitch | undefined {
  return SWITCHES.has(basename) ? (basename as UserSwitch) : undefined;
}

/** Reads the words behind a user switch's name. `undefined` is a word whose value is not known. */
export function readSwitch(name: UserSwitch, words: Values): HandOver {
  switch (name) {
    case 'sudo':
      return readSudo(words);
    case 'doas':
      return readOptions(words, { plain: 'n', valued: 'C', longPlain: [], longValued: [] });
    case 'su':
      return readSu(words);
    case 'runuser':
      // With -u it runs the words themselves; without, it is su for root.
      return words.some((word) => word === '-u' || word?.startsWith('--user'))
        ? readOptions(words, {
            plain: '',
            valued: 'gG',
            longPlain: [],
            longValued: ['group', 'supp-group'],
          })
        : readSu(words);
    default:
      return readPositional(words);
  }
}

/** gosu, su-exec, setuidgid: the user, perhaps with a group, then the command. */
function readPositional(words: Values): HandOver {
  const [user] = words;
  if (user === undefined) return { is: words.length === 0 ? 'nothing' : 'open', at: 0 } as HandOver;
  const name = user.split(':', 1)[0] ?? '';
  if (name === '' || name.startsWith('-')) return { is: 'unknown', at: 0 };
  return words.length === 1 ? { is: 'nothing' } : { is: 'runs', next: 1, user: name };
}

interface Options {
  readonly plain: string;
  readonly valued: string;
  readonly longPlain: readonly string[];
  readonly longValued: readonly string[];
}

/** Neither a login (-i), nor a shell (-s), nor in the background (-b), nor from another directory or root (-D, -R). */
const SUDO: Options = {
  plain: 'EHknPSB',
  valued: 'gpC',
  longPlain: ['set-home', 'non-interactive', 'preserve-env', 'preserve-groups', 'reset-timestamp', 'stdin'],
  longValued: ['group', 'prompt', 'close-from', 'preserve-env'],
};

function readSudo(words: Values): HandOver {
  const reading = readOptions(words, SUDO);
  if (reading.is !== 'runs') return reading;
  // sudo takes NAME=value words before the command for itself.
  let { next } = reading;
  while (/^[A-Za-z_][A-Za-z0-9_]*=/.test(words[next] ?? '')) next++;
  if (next >= words.length) return { is: 'nothing' };
  return { ...reading, next };
}

/** `-u USER` and harmless options, then the command. */
function readOptions(words: Values, table: Options): HandOver {
  let user: Bytes = 'root';
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const taken = word.startsWith('--') ? longOption(word, table) : shortOption(word, table);
    if (taken === 'unknown') return { is: 'unknown', at };
    if (taken === 'plain') continue;
    let { value } = taken;
    if (value === undefined) {
      at++;
      value = words[at];
      if (value === undefined) return at < words.length ? { is: 'open', at } : { is: 'unknown', at: at - 1 };
    }
    if (taken.user) user = value;
  }
  // `#1000` names a user by number.
  if (user === '' || user.startsWith('#')) return { is: 'unknown', at: 0 };
  return at >= words.length ? { is: 'nothing' } : { is: 'runs', next: at, user };
}

type Taken = 'plain' | 'unknown' | { readonly user: boolean; readonly value: Bytes | undefined };

function longOption(word: string, table: Options): Taken {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  if (name === 'user') return { user: true, value };
  if (value === undefined && table.longPlain.includes(name)) return 'plain';
  return table.longValued.includes(name) ? { user: false, value } : 'unknown';
}

function shortOption(word: string, table: Options): Taken {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    if (table.plain.includes(letter)) continue;
    if (letter !== 'u' && !table.valued.includes(letter)) return 'unknown';
    return { user: letter === 'u', value: at + 1 < word.length ? word.slice(at + 1) : undefined };
  }
  return 'plain';
}

/** `su [-] [USER] -c TEXT [-s SHELL]`: getopt lets options and the user stand in any order. */
function readSu(words: Values): HandOver {
  let login = false;
  let shell: Bytes | undefined;
  let user: Bytes | undefined;
  let text: number | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (word === '-' || word === '-l' || word === '--login') login = true;
    else if (/^(?:-c|--command|--session-command)$/.test(word)) text = ++at;
    else if (/^(?:-s|--shell)$/.test(word)) {
      shell = words[++at];
      if (shell === undefined) return at < words.length ? { is: 'open', at } : { is: 'unknown', at: at - 1 };
    } else if (word.startsWith('--shell=')) shell = word.slice(8);
    else if (word.startsWith('-') || user !== undefined) return { is: 'unknown', at };
    else user = word;
  }
  if (text === undefined) return { is: 'nothing' };
  if (text >= words.length) return { is: 'unknown', at: text - 1 };
  const named = shell === undefined ? {} : { shell };
  return { is: 'string', at: text, login, goesHome: login, user: user ?? 'root', ...named };
}

/** Is a program of this name a shell that reads text as sh or bash does? */
export function isShell(basename: string): boolean {
  return /^(?:sh|dash|ash|bash|zsh|ksh|mksh)$/.test(basename);
}

/** Reads the words behind a shell's name: `-c TEXT`, with options before it. Words behind the text are its `$0`, `$1` … */
export function readShell(words: Values): HandOver {
  let login = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (word === '--login') login = true;
    else if (word === '--norc' || word === '--noprofile') continue;
    else if (/^-[eufxvl]*c?[eufxvl]*$/.test(word) && word !== '-') {
      login ||= word.includes('l');
      if (!word.includes('c')) continue;
      if (at + 1 >= words.length) return { is: 'unknown', at };
      if (at + 2 < words.length) return { is: 'unknown', at: at + 2 };
      return { is: 'string', at: at + 1, login, goesHome: false };
    } else return { is: 'unknown', at };
  }
  return { is: 'nothing' };
}
