// Asking a person. inquirer lives here only, is loaded only when there is something to ask, and writes to
// standard error so that standard output stays the result's.
import { Problem } from '../problem.ts';
import { type Keys, keyLine } from '../show/keys.ts';
import { wrap } from '../show/snippet.ts';
import type { Theme } from '../show/theme.ts';

export interface Option<T> {
  readonly name: string;
  readonly value: T;
  readonly checked?: boolean;
  /** What is left of it when it was chosen. */
  readonly short?: string;
}

export interface Query {
  readonly message: string;
  /** What `?` shows. */
  readonly help?: string;
  /** One may go back to the question before. */
  readonly back?: boolean;
}

export type Said<T> = { readonly is: 'answer'; readonly value: T } | { readonly is: 'back' };

export interface Prompter {
  /** Lines that belong to the questions: they stand where those do. */
  show(...lines: readonly string[]): void;
  /** Columns of the terminal. */
  columns(): number;
  /** y/N; Enter alone is No. */
  confirm(message: string): Promise<boolean>;
  /** Any number of the options. */
  choose<T>(message: string, options: readonly Option<T>[]): Promise<readonly T[]>;
  /** The same two with help and a way back. */
  sure(query: Query): Promise<Said<boolean>>;
  several<T>(query: Query, options: readonly Option<T>[]): Promise<Said<readonly T[]>>;
  /** One of the options; Enter alone takes the one that is `preset`. */
  pick<T>(query: Query, options: readonly Option<T>[], preset?: number): Promise<Said<T>>;
  /** A text; Enter alone is `preset`. `check` says what is wrong with one. */
  write(query: Query, preset: string, check: (text: string) => string | undefined): Promise<Said<string>>;
}

/** What a prompter needs of where it is used. */
export interface Surface {
  /** Ends the question that is open; its reason is the signal. */
  readonly stop: AbortSignal;
  readonly theme: Theme;
  /** Texts of strangers as they may be shown. */
  readonly tame: (text: string) => string;
  readonly say: (...lines: readonly string[]) => void;
  readonly columns: () => number;
  /** Is told when a question opens and when it is over. */
  readonly open: (isOpen: boolean) => void;
}

/** The real prompter. Ctrl-C becomes the problem 'interrupted' (exit 130), `stop` the same (SIGTERM: exit 143). */
export function terminalPrompter(surface: Surface): Prompter {
  const { tame } = surface;
  const sure: Prompter['sure'] = (query) =>
    put(surface, 'confirm', query, { default: false }, (answer) => answer === true);
  const several: Prompter['several'] = (query, options) =>
    put(
      surface,
      'checkbox',
      query,
      {
        choices: options.map(({ name, short = name, checked = false }, value) => ({
          name: tame(name),
          short: tame(short),
          value,
          checked,
        })),
      },
      (answer) => {
        const picked = new Set(answer as readonly number[]);
        return options.filter((_, index) => picked.has(index)).map(({ value }) => value);
      },
    );
  return {
    show: surface.say,
    columns: surface.columns,
    sure,
    several,
    confirm: async (message) => given(await sure({ message })),
    choose: async (message, options) => given(await several({ message }, options)),
    pick: (query, options, preset = 0) =>
      put(
        surface,
        'select',
        query,
        {
          choices: options.map(({ name, short = name }, value) => ({
            name: tame(name),
            short: tame(short),
            value,
          })),
          default: preset,
        },
        (answer) => (options[answer as number] as (typeof options)[number]).value,
      ),
    write: (query, preset, check) =>
      put(
        surface,
        'input',
        query,
        { default: tame(preset), validate: (text: string) => check(text) ?? true },
        String,
      ),
  };
}

/** The answer to a question that has no way back. */
export function given<T>(said: Said<T>): T {
  if (said.is === 'back') throw new Error('there is nothing to go back to');
  return said.value;
}

/** What Ctrl-C, or a signal, at a question becomes. */
export function interrupted({ reason }: AbortSignal, cause: unknown): Problem {
  const exit = reason === undefined || reason === 'SIGINT' ? 130 : 143;
  return new Problem('interrupted', { what: 'Nothing was changed.' }, { cause, exit });
}

type Kind = 'confirm' | 'checkbox' | 'select' | 'input';
type Prompt = (config: object, context: object) => Promise<unknown>;

/** Puts one question, again after help was shown, and reads its answer. */
async function put<T>(
  surface: Surface,
  kind: Kind,
  query: Query,
  config: object,
  read: (answer: unknown) => T,
): Promise<Said<T>> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule().prompts[kind] as unknown as Prompt;
  const message = surface.tame(query.message);
  for (;;) {
    const heard = hear(surface, kind, query);
    const { theme, signal, typed } = heard;
    surface.open(true);
    try {
      const context = { output: process.stderr, signal, clearPromptOnDone: false };
      const transformer = kind === 'input' ? { transformer: typed } : {};
      const answer = await prompt({ ...config, ...transformer, message, theme, pageSize: 12 }, context);
      return { is: 'answer', value: read(answer) };
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'ExitPromptError' && name !== 'AbortPromptError') throw error;
      const why = heard.why();
      if (why === 'nothing') throw interrupted(surface.stop, error);
      if (why === 'back') return { is: 'back' };
      surface.say(...helpLines(surface, query));
    } finally {
      surface.open(false);
      heard.done();
    }
  }
}

/**
 * Listens beside inquirer, which knows neither help nor a way back: Esc ends the question, and so does `?` where something is typed.
 * In a list the help is shown below it, so that what is marked stays marked.
 */
function hear(surface: Surface, kind: Kind, query: Query) {
  const control = new AbortController();
  let why: 'nothing' | 'help' | 'back' = 'nothing';
  let line = '';
  let helps = false;
  const isList = kind === 'checkbox' || kind === 'select';
  const press = (name: string): boolean => process.stdin.emit('keypress', '', { name });
  const end = (because: 'help' | 'back'): void => {
    why = because;
    control.abort();
  };
  const onKey = (typed: string | undefined, key: { readonly name?: string } | undefined): void => {
    if (key?.name === 'escape' && query.back) end('back');
    if (typed !== '?' || query.help === undefined) return;
    if (!isList) {
      if (line === '') end('help');
      return;
    }
    helps = !helps;
    // inquirer draws again only when something has moved.
    setImmediate(() => {
      press('down');
      press('up');
    });
  };
  process.stdin.prependListener('keypress', onKey);
  const keys: Keys = { back: query.back === true, help: query.help !== undefined };
  return {
    theme: themeFor(surface, kind, keys, () => (helps ? helpLines(surface, query) : [])),
    signal: AbortSignal.any([surface.stop, control.signal]),
    /** What stands in the line, for inquirer to show. */
    typed: (text: string, { isFinal }: { isFinal: boolean }): string => {
      line = text;
      return isFinal ? surface.theme.bold(text) : text;
    },
    why: () => (surface.stop.aborted ? 'nothing' : why),
    done: () => process.stdin.removeListener('keypress', onKey),
  };
}

/** What `?` shows, with its words whole. */
function helpLines({ columns }: Surface, { help = '' }: Query): string[] {
  return wrap(help, Math.max(24, columns() - 4)).map((line) => `  ${line}`);
}

/** inquirer's looks, as our other output has them: its own colours know nothing of NO_COLOR, its signs nothing of ASCII. */
function themeFor(
  { theme, columns }: Surface,
  kind: Kind,
  keys: Keys,
  help: () => readonly string[],
): object {
  const { bold, dim, good, bad, unicode } = theme;
  const same = (text: string): string => text;
  return {
    prefix: { idle: good('?'), done: good(theme.mark.pass) },
    icon: {
      cursor: unicode ? '❯' : '>',
      checked: good(unicode ? ' ◉' : '[x]'),
      unchecked: unicode ? ' ◯' : '[ ]',
    },
    style: {
      answer: (text: string) => bold(text),
      message: (text: string) => bold(text),
      error: (text: string) => bad(`> ${text}`),
      defaultAnswer: (text: string) => dim(`(${text})`),
      help: (text: string) => dim(text),
      highlight: (text: string) => bold(text),
      disabled: (text: string) => dim(text),
      description: same,
      renderSelectedChoices: (chosen: readonly { readonly short: string }[]) => {
        const names = chosen.map(({ short }) => short).join(', ');
        return names.length < columns() / 2 ? names : `${chosen.length}`;
      },
      keysHelpTip: () =>
        [...help(), dim(keyLine(kind === 'checkbox' ? 'several' : 'one', keys, columns()))].join('\n'),
    },
  };
}
