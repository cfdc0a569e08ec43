// argv read by the table: which command, which flags, and what is wrong with them.
import { parseArgs } from 'node:util';
import { Problem } from '../problem.ts';
import { type CommandName, type CommandRow, commands, wizardFlags } from './commands.ts';
import { everywhere, type Flag } from './flags.ts';

/** What argv says. Flags that were not given are absent. */
export interface Line {
  readonly command: CommandName;
  /** The word that stands behind the command's own: what is to be done. */
  readonly action?: string;
  readonly id?: string;
  readonly flags: Readonly<Record<string, string | boolean | readonly string[]>>;
}

/**
 * Reads argv (without node and the script). Throws a Problem 'usage' (exit 2) on anything it does not know, with
 * the nearest known word. `-h` and `--version` win wherever they stand before `--`.
 */
export function readLine(
  argv: readonly string[],
): Line | { readonly command: 'help'; readonly about?: CommandName } | { readonly command: 'version' } {
  const words = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  const named = words.find((word) => commands.some((c) => c.name === word)) as CommandName | undefined;
  if (words.includes('-h') || words.includes('--help') || words[0] === 'help') {
    return { command: 'help', ...(named === undefined ? {} : { about: named }) };
  }
  // Node asks every flag it is told about for its kind, so it is told about those of the command, where that is plain.
  const first = commands.find((c) => c.name === argv[0]);
  const flags = first === undefined ? allFlags() : byName([...first.flags, ...everywhere]);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        [...flags.values()].map((flag) => [
          flag.name,
          {
            type: flag.takes === undefined ? ('boolean' as const) : ('string' as const),
            ...(flag.many ? { multiple: true } : {}),
            ...(flag.short === undefined ? {} : { short: flag.short }),
          },
        ]),
      ),
    });
  } catch (error) {
    throw badFlag(error, first, [...allFlags().keys()]);
  }
  // Grouped as in -yh it is found only here.
  if (parsed.values['help']) return { command: 'help', ...(named === undefined ? {} : { about: named }) };
  if (parsed.values['version']) return { command: 'version' };
  const [word, ...rest] = parsed.positionals;
  const row = commands.find((c) => c.name === word);
  const action = row?.actions === undefined ? undefined : actionOf(row, rest.shift());
  const [id, ...more] = rest;
  if (word !== undefined && row === undefined) {
    const near = nearest(
      word,
      commands.map((c) => c.name),
    );
    throw new Problem('usage', {
      what: `There is no command '${word}'.${near ? ` Did you mean '${near}'?` : ''}`,
    });
  }
  const extra = row?.takesId ? more[0] : (id ?? more[0]);
  if (extra !== undefined)
    throw new Problem('usage', {
      what: `'${extra}' is one word too many.`,
      next: `Usage: ${row?.usage}${row?.usage.includes('[SOURCE]') ? `  (a crontab kept as a file: --file ${extra})` : ''}`,
    });
  const given = parsed.values as Record<string, string | boolean | readonly string[]>;
  const allowed = [...(row?.flags ?? wizardFlags()), ...everywhere];
  for (const name of Object.keys(given))
    if (!allowed.some((flag) => flag.name === name)) throw foreignFlag(name, row);
  if (given['format'] === 'json') given['json'] = true;
  else if (given['format'] !== undefined && given['json'] === true)
    throw new Problem('usage', { what: `--json and --format ${given['format']} cannot be used together.` });
  return {
    command: row?.name ?? 'wizard',
    ...(action === undefined ? {} : { action }),
    ...(row?.takesId && id !== undefined ? { id } : {}),
    flags: given,
  };
}

/** What is to be done with it; a Problem names the words there are. */
function actionOf(row: CommandRow, word: string | undefined): string {
  const { actions = [] } = row;
  if (word !== undefined && actions.includes(word)) return word;
  const near = word === undefined ? undefined : nearest(word, actions);
  const said = word === undefined ? 'A word is missing' : `'${word}' is nothing to do with it`;
  throw new Problem('usage', {
    what: `${said}: ${row.name} takes ${actions.join(', ')}.${near ? ` Did you mean '${near}'?` : ''}`,
    next: `See: cronlatch ${row.name} --help`,
  });
}

/** Does the command line ask for JSON? Told from its words alone, since a failure to read them is reported as JSON too. */
export function asksForJson(words: readonly string[]): boolean {
  const format = words.lastIndexOf('--format');
  return (
    words.includes('--json') ||
    words.includes('--format=json') ||
    (format >= 0 && words[format + 1] === 'json')
  );
}

/** The names of all flags there are. */
export function flagNames(): string[] {
  return [...allFlags().keys()];
}

/** Flags that are answers for a deploy, which workers and consent apart. */
export function answerFlags(): string[] {
  const others = ['answers', 'watch', 'script', 'entry', 'all', 'yes', 'dry-run'];
  return ['state-dir', ...wizardFlags().map(({ name }) => name)].filter((name) => !others.includes(name));
}

function allFlags(): Map<string, Flag> {
  return byName([...everywhere, ...wizardFlags(), ...commands.flatMap((c) => c.flags)]);
}

const byName = (flags: readonly Flag[]) => new Map(flags.map((flag) => [flag.name, flag]));

function foreignFlag(name: string, row: CommandRow | undefined): Problem {
  return new Problem('usage', {
    what: `--${name} is no flag of ${row === undefined ? 'cronlatch without a command' : `'${row.name}'`}.`,
    next: `See: cronlatch ${row === undefined ? '' : `${row.name} `}--help`,
  });
}

function badFlag(error: unknown, row: CommandRow | undefined, known: readonly string[]): Problem {
  const message = (error as Error).message;
  const unknown = /Unknown option '(-{1,2})([^'=]+)/.exec(message);
  if (unknown) {
    if (unknown[1] === '--' && known.includes(unknown[2] ?? '')) return foreignFlag(unknown[2] ?? '', row);
    const near = nearest(unknown[2] ?? '', known);
    const what = `There is no flag ${unknown[1]}${unknown[2]}.${near ? ` Did you mean --${near}?` : ''}`;
    return new Problem('usage', { what }, { cause: error });
  }
  const value = /Option '([^']*)'? ?(.*)/.exec(message);
  const what = value
    ? `${value[1]?.split(' ')[0]?.split(',').pop()?.trim()}: ${/missing/.test(message) ? 'a value is missing' : 'takes no value'}.`
    : message;
  return new Problem('usage', { what }, { cause: error });
}

/** The nearest word by edit distance, if it is near enough to be meant. */
function nearest(word: string, among: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of among) {
    const plain = (s: string): string => s.replaceAll('-', '');
    const d = plain(candidate) === plain(word) ? 0 : distance(word, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
