// Programs that start another: the ones kept in place, each with its option table, and the ones that end our reading.
import type { OpaqueReason, UserSwitch, WrapperName } from './command.ts';

/** Where a wrapper's own words end. Numbers are indices of words behind the wrapper's name. */
export type WrapperReading =
  | { readonly is: 'wraps'; readonly next: number }
  /** Wraps nothing: acts on a process id, prints help, has no command. */
  | { readonly is: 'nothing'; readonly at: number }
  | { readonly is: 'unknown'; readonly at: number }
  | { readonly is: 'open'; readonly at: number };

interface Table {
  /** Short options without and with a value. */
  readonly plain: string;
  readonly valued: string;
  /** Long options; a value follows in the next word or after `=`. */
  readonly long: readonly string[];
  readonly longValued: readonly string[];
  /** Options that leave no command to run, or run it somewhere else than the reader thinks. */
  readonly ends: readonly string[];
  /** A word of its own before the command: timeout's duration, chrt's priority. */
  readonly positional?: RegExp;
  /** Further words that belong to the wrapper: nice's `-10`, env's `A=b` and lone `-`. */
  readonly own?: RegExp;
}

type Plain = Exclude<WrapperName, UserSwitch>;

const TABLES: Readonly<Record<Plain, Table>> = {
  nice: { plain: '', valued: 'n', long: [], longValued: ['adjustment'], ends: [], own: /^-[-+]?[0-9]+$/ },
  ionice: {
    plain: 't',
    valued: 'cn',
    long: ['ignore'],
    longValued: ['class', 'classdata'],
    ends: ['p', 'P', 'u', 'pid', 'pgid', 'uid'],
  },
  timeout: {
    plain: 'v',
    valued: 'ks',
    long: ['preserve-status', 'foreground', 'verbose'],
    longValued: ['kill-after', 'signal'],
    ends: [],
    positional: /^[0-9.]+[smhd]?$/,
  },
  env: {
    plain: 'iv',
    valued: 'u',
    long: ['ignore-environment', 'debug', 'block-signal', 'default-signal', 'ignore-signal'],
    longValued: ['unset'],
    ends: [],
    own: /^(?:-$|[^-=][^=]*=)/,
  },
  nohup: { plain: '', valued: '', long: [], longValued: [], ends: [] },
  setsid: { plain: 'cfw', valued: '', long: ['ctty', 'fork', 'wait'], longValued: [], ends: [] },
  chrt: {
    plain: 'abdfiorRv',
    valued: 'TPD',
    long: ['batch', 'deadline', 'fifo', 'idle', 'other', 'rr', 'reset-on-fork', 'all-tasks', 'verbose'],
    longValued: ['sched-runtime', 'sched-period', 'sched-deadline'],
    ends: ['p', 'm', 'pid', 'max'],
    positional: /^[0-9]+$/,
  },
  stdbuf: { plain: '', valued: 'ioe', long: [], longValued: ['input', 'output', 'error'], ends: [] },
  exec: { plain: '', valued: '', long: [], longValued: [], ends: [] },
  chronic: { plain: 've', valued: '', long: [], longValued: [], ends: [] },
  flock: {
    plain: 'sxenoFv',
    valued: 'wE',
    long: ['shared', 'exclusive', 'nonblock', 'nb', 'close', 'no-fork', 'verbose'],
    longValued: ['timeout', 'wait', 'conflict-exit-code'],
    ends: ['u', 'unlock'],
    positional: /./,
  },
};

/** The name as a wrapper we keep in place, if it is one. */
export function wrapperName(basename: string): Plain | undefined {
  return Object.hasOwn(TABLES, basename) ? (basename as Plain) : undefined;
}

/** Finds the first word of the wrapped command. `undefined` is a word whose value is not known. */
export function readWrapper(name: Plain, words: readonly (string | undefined)[]): WrapperReading {
  const table = TABLES[name];
  let options = true;
  let positional = table.positional;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined) return { is: 'open', at };
    if (options && word === '--') {
      options = false;
    } else if (table.own?.test(word)) {
      // env: behind the first NAME=value a dash word is the command.
      if (name === 'env' && word !== '-') options = false;
    } else if (options && word.startsWith('-') && word !== '-') {
      const taken = word.startsWith('--') ? longOption(table, word.slice(2)) : shortOptions(table, word);
      if (taken === 'ends') return { is: 'nothing', at };
      if (taken === 'unknown') return { is: 'unknown', at };
      if (taken === 'takes-next') {
        at++;
        if (at < words.length && words[at] === undefined) return { is: 'open', at };
      }
    } else if (positional !== undefined) {
      if (!positional.test(word)) return { is: 'unknown', at };
      positional = undefined;
      options = false;
    } else return { is: 'wraps', next: at };
  }
  return { is: 'nothing', at: words.length };
}

type Taken = 'alone' | 'takes-next' | 'ends' | 'unknown';

function longOption(table: Table, option: string): Taken {
  const equals = option.indexOf('=');
  const name = equals < 0 ? option : option.slice(0, equals);
  if (table.ends.includes(name) || name === 'help' || name === 'version') return 'ends';
  if (table.longValued.includes(name)) return equals < 0 ? 'takes-next' : 'alone';
  return table.long.includes(name) ? 'alone' : 'unknown';
}

function shortOptions(table: Table, word: string): Taken {
  for (let at = 1; at < word.length; at++) {
    const letter = word.charAt(at);
    if (table.ends.includes(letter)) return 'ends';
    if (table.valued.includes(letter)) return at + 1 < word.length ? 'alone' : 'takes-next';
    if (!table.plain.includes(letter)) return 'unknown';
  }
  return 'alone';
}

/** Programs of PHP's and Node's world that run other people's scripts. */
export const frameworkBinaries: readonly string[] =
  'npm npx pnpm pnpx yarn bun bunx deno tsx ts-node composer wp drush pm2'.split(' ');

const ENDS = new Map<string, OpaqueReason>([
  ...words('sudo su runuser gosu su-exec setpriv doas chpst setuidgid s6-setuidgid', 'user-switch'),
  ...words('setlock lckdo run-one run-one-constantly run-this-one solo with-lock-ex', 'lock-wrapper'),
  ...words('sh bash dash ash zsh ksh mksh csh tcsh fish busybox eval', 'nested-shell'),
  ...words('docker docker-compose podman podman-compose kubectl nerdctl lxc lxc-attach', 'container'),
  ...words(frameworkBinaries.join(' '), 'framework-binary'),
  ...words('pgrep pidof', 'pgrep-guard'),
]);

function words(names: string, why: OpaqueReason): [string, OpaqueReason][] {
  return names.split(' ').map((name) => [name, why]);
}

/** Why a program of this name ends our reading, when it is a known one. */
export function endsReading(basename: string): OpaqueReason | undefined {
  return ENDS.get(basename);
}
