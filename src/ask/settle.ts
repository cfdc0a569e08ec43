// argv, environment and config file → settled answers. Flag > environment > config file > prompt > default.
import { basename, resolve } from 'node:path/posix';
import type { Line } from '../cli/line.ts';
import { interpreterKind } from '../command/interpreter.ts';
import { isPanels } from '../plesk/places.ts';
import { Problem } from '../problem.ts';
import { type Answers, onlyFlags } from './config.ts';
import type { Latching, Part, Pick, Scope, Settings } from './settings.ts';

/** What the program was started in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly root: boolean;
  readonly home: string;
  /** Standard input and standard error are terminals. */
  readonly terminal: boolean;
  /** Where the program's own templates lie. */
  readonly templates?: string;
  /** The words that this program was started with, interpreter first. */
  readonly program?: readonly string[];
  /** Answers of --config, keys named like the flags. */
  readonly config: Answers;
  /** Those of each worker, where the config file lists any. */
  readonly workers?: readonly Answers[];
}

export interface Consent {
  readonly given: boolean;
  /** May questions be asked? */
  readonly prompts: boolean;
  /** Why not, in words. */
  readonly because: string;
}

type Value = string | boolean | readonly string[] | undefined;

/** One answer and where it came from. */
export function answer(
  line: Line,
  around: Surroundings,
  name: string,
): { value: Value; from: 'flag' | 'environment' | 'config' | 'nowhere' } {
  const flag = line.flags[name];
  if (flag !== undefined) return { value: flag, from: 'flag' };
  if (onlyFlags.has(name)) return { value: undefined, from: 'nowhere' };
  const env = around.env[envName(name)];
  if (env !== undefined && env !== '') return { value: env, from: 'environment' };
  const config = around.config[name];
  if (config !== undefined) return { value: asValue(name, config), from: 'config' };
  return { value: undefined, from: 'nowhere' };
}

/** CRONLATCH_ and the flag's name: `--max-wait` is CRONLATCH_MAX_WAIT. */
export function envName(flag: string): string {
  return `CRONLATCH_${flag.toUpperCase().replaceAll('-', '_')}`;
}

function asValue(name: string, value: unknown): Value {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((v) => typeof v === 'string')) return value;
  throw new Problem('usage', {
    what: `The config file’s '${name}' is neither a word, a number, true or false, nor a list of words.`,
  });
}

/** Consent and prompts by the table of cli-rules: CI turns prompts off and is never consent. */
export function consent(line: Line, around: Surroundings): Consent {
  const ci = line.flags['ci'] === true;
  const env = (around.env['CI'] ?? '').toLowerCase();
  const inCi = env !== '' && env !== 'false';
  const given = ci || truthy(answer(line, around, 'yes').value);
  const because = ci
    ? '--ci was given'
    : inCi
      ? 'the variable CI is set'
      : around.terminal
        ? ''
        : 'there is no terminal';
  return { given, prompts: because === '', because };
}

function truthy(value: Value): boolean {
  return value === true || value === '1' || value === 'true' || value === 'yes';
}

/** Settles everything a survey and a plan need. Throws a Problem 'usage' for answers that make no sense. */
export function settle(line: Line, around: Surroundings): Settings {
  const text = (name: string): string | undefined => {
    const { value } = answer(line, around, name);
    return typeof value === 'string' ? value : undefined;
  };
  // The checks read these two when the change is made already: a slip must be refused before it.
  whole(text('ticks') ?? '3', '--ticks');
  seconds(text('max-wait') ?? '10m', '--max-wait');
  if (text('plesk-timeout') !== undefined) seconds(text('plesk-timeout') ?? '', '--plesk-timeout');
  const dialect = oneOf(text('dialect'), ['debian', 'cronie'] as const, '--dialect');
  return {
    scope: scopeOf(line, around, text),
    ...(dialect === undefined ? {} : { dialect }),
    pick: pickOf(line, around, text),
    latching: latchingOf(line, around, text),
    stateDirectory: resolve(around.cwd, text('state-dir') ?? defaultState(around)),
  };
}

/** The state directory where none was named. */
export function defaultState(around: Surroundings): string {
  if (around.root) return '/var/lib/cronlatch';
  const xdg = around.env['XDG_STATE_HOME'];
  return `${xdg?.startsWith('/') ? xdg : `${around.home}/.local/state`}/cronlatch`;
}

function scopeOf(line: Line, around: Surroundings, text: (name: string) => string | undefined): Scope {
  const given = line.flags['file'];
  const files = Array.isArray(given) ? (given as readonly string[]) : [];
  const user = text('user');
  const site = text('site');
  const subscription = text('subscription');
  const named = [
    files.length > 0 && '--file',
    user && '--user',
    site && '--site',
    subscription && '--subscription',
  ].filter(Boolean);
  if (named.length > 1)
    throw new Problem('usage', { what: `${named.join(' and ')} cannot be used together.` });
  const system = truthy(answer(line, around, 'system').value);
  if (system && files.length === 0)
    throw new Problem('usage', { what: '--system says something about --file, which is missing.' });
  if (files.length > 0)
    return { is: 'files', paths: files.map((path) => resolve(around.cwd, path)), system, live: false };
  if (user !== undefined) return { is: 'user', name: user };
  if (site !== undefined) return { is: 'site', domain: site, whole: false };
  if (subscription !== undefined) return { is: 'site', domain: subscription, whole: true };
  return { is: 'everything' };
}

function pickOf(line: Line, around: Surroundings, text: (name: string) => string | undefined): Pick {
  const script = text('script');
  const entry = text('entry');
  const all = truthy(answer(line, around, 'all').value);
  const named = [script !== undefined && '--script', entry !== undefined && '--entry', all && '--all'].filter(
    Boolean,
  );
  if (named.length > 1)
    throw new Problem('usage', { what: `${named.join(' and ')} cannot be used together.` });
  if (script !== undefined) return { is: 'script', path: script };
  if (entry !== undefined) return { is: 'entry', line: whole(entry, '--entry') };
  return { is: all ? 'all' : 'unsaid' };
}

function latchingOf(line: Line, around: Surroundings, text: (name: string) => string | undefined): Latching {
  const names = [text('interpreter'), text('php'), text('node')].filter((v) => v !== undefined);
  if (new Set(names).size > 1)
    throw new Problem('usage', { what: '--interpreter, --php and --node name different programs.' });
  const [interpreter] = names;
  if (interpreter !== undefined && !interpreter.startsWith('/')) {
    throw new Problem('usage', {
      what: `--interpreter ${interpreter}: an absolute path is needed, since cron’s PATH is short.`,
    });
  }
  // An entry that names a program nobody takes for PHP or Node could not be read back, and its checks would fail.
  if (interpreter !== undefined && interpreterKind(basename(interpreter)) === 'none') {
    throw new Problem('usage', {
      what: `--interpreter ${interpreter}: by its name this is neither PHP nor Node (php, php8.3, node20 …).`,
    });
  }
  if (interpreter !== undefined && isPanels(interpreter)) {
    throw new Problem('usage', {
      what: `--interpreter ${interpreter}: this is the panel’s own, which runs the panel and never a site.`,
    });
  }
  const log = text('log');
  const guard = oneOf(text('guard'), ['script', 'entry'] as const, '--guard');
  const worker = text('worker') ?? scaffoldOf(line, around, text);
  const lockDir = text('lock-dir');
  const inDocroot = truthy(answer(line, around, 'lock-in-docroot').value);
  if (inDocroot && lockDir === undefined)
    throw new Problem('usage', {
      what: '--lock-in-docroot says something about --lock-dir, which is missing.',
    });
  const shared = text('shared-lock');
  if (shared !== undefined && !/^(?:\/|env(?:#|$))/.test(shared))
    throw new Problem('usage', {
      what: `--shared-lock ${shared}: the absolute path of a .env file is needed, or env for the environment.`,
    });
  const once = oneOf(text('once'), ['auto', 'yes', 'no'] as const, '--once') ?? 'auto';
  const through = oneOf(text('through'), ['scheduler', 'crontab'] as const, '--through');
  const taskType = oneOf(text('task-type'), ['exec', 'php'] as const, '--task-type');
  const killAfter = text('kill-after');
  const parts = (text('without') ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return {
    ...(interpreter === undefined ? {} : { interpreter }),
    ...(log === undefined ? {} : { log }),
    ...(guard === undefined ? {} : { guard }),
    ...(lockDir === undefined ? {} : { lockDir, lockInDocroot: inDocroot }),
    ...(shared === undefined ? {} : { shared }),
    ...(worker === undefined ? {} : { worker: resolve(around.cwd, worker) }),
    once,
    ...(through === undefined ? {} : { through }),
    ...(taskType === undefined ? {} : { taskType }),
    grace: seconds(text('grace') ?? '30s', '--grace'),
    ...(killAfter === undefined ? {} : { killAfter: seconds(killAfter, '--kill-after') }),
    without: parts.map(
      (part) => oneOf(part, ['guard', 'stop', 'verify', 'database'] as const, '--without') as Part,
    ),
  };
}

/** Our own worker for a table of jobs, of the language that the script's name says. */
function scaffoldOf(
  line: Line,
  around: Surroundings,
  text: (name: string) => string | undefined,
): string | undefined {
  if (!truthy(answer(line, around, 'scaffold').value)) return undefined;
  const kind = /\.(?:php|mjs)$/.exec(text('script') ?? '')?.[0];
  if (kind === undefined)
    throw new Problem('usage', {
      what: '--scaffold puts our worker in place of a script: --script PATH.php or PATH.mjs is needed.',
    });
  return `${around.templates ?? ''}/${kind === '.php' ? 'php' : 'node'}/worker${kind}`;
}

/** A word out of a few, or a Problem that names them. */
export function oneOf<T extends string>(
  value: string | undefined,
  words: readonly T[],
  flag: string,
): T | undefined {
  if (value === undefined) return undefined;
  if ((words as readonly string[]).includes(value)) return value as T;
  throw new Problem('usage', { what: `${flag} ${value}: it can be ${words.join(', ')}.` });
}

/** A time such as 90, 90s, 10m, 2h, in seconds. */
export function seconds(value: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(value);
  if (!match)
    throw new Problem('usage', {
      what: `${flag} ${value}: a time is a number with s, m or h, such as 30s or 10m.`,
    });
  return Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'];
}

/** A whole number above zero. */
export function whole(value: string, flag: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value))
    throw new Problem('usage', { what: `${flag} ${value}: a whole number above 0 is needed.` });
  return Number(value);
}
