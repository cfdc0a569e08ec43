// A Context for journeys: memory server, a screen that keeps what it is told, a person with prepared answers.
import type { Config } from '../../src/ask/config.ts';
import type { Option, Prompter, Said } from '../../src/ask/prompter.ts';
import { consent, type Surroundings, settle } from '../../src/ask/settle.ts';
import { readLine } from '../../src/cli/line.ts';
import type { Context } from '../../src/commands/context.ts';
import type { Server } from '../../src/server/server.ts';
import { makeScreen } from '../../src/show/screen.ts';

export interface Told {
  readonly ctx: Context;
  out(): string;
  err(): string;
  /** Both, with the questions and answers, as it stood on the terminal. */
  session(): string;
}

/** The context of one command line. `answers` are given to prompts in order; a prompt without one throws. */
export async function contextFor(
  server: Server,
  command: string,
  options: {
    answers?: readonly unknown[] | ((question: string) => unknown);
    terminal?: boolean;
    env?: Record<string, string>;
    heard?: () => 'no' | 'SIGINT' | 'SIGTERM';
    /** More words of the command line, with whatever is in them. */
    words?: readonly string[];
    /** What --config would have read. */
    config?: Config;
  } = {},
): Promise<Told> {
  const line = readLine([...command.split(' ').filter((word) => word !== ''), ...(options.words ?? [])]);
  if (line.command === 'help' || line.command === 'version') throw new Error('no context for help');
  const around: Surroundings = {
    env: options.env ?? {},
    cwd: '/root',
    root: server.self.root,
    home: server.self.home,
    terminal: options.terminal ?? false,
    config: options.config?.shared ?? {},
    workers: options.config?.workers ?? [],
  };
  let out = '';
  let err = '';
  const { answers: said = [] } = options;
  const answers = typeof said === 'function' ? [] : [...said];
  const give = (question: string): unknown => {
    if (typeof said === 'function') return said(question);
    if (answers.length === 0) throw new Error(`nobody was to be asked: ${question}`);
    return answers.shift();
  };
  let session = '';
  const prompter = scripted(
    give,
    (line) => {
      err += `${line}\n`;
      session += `${line}\n`;
    },
    (question, answer) => {
      session += `✔ ${question} ${answer}\n`;
    },
  );
  const write = (text: string, to: 'out' | 'err'): void => {
    session += text;
    if (to === 'out') out += text;
    else err += text;
  };
  const plain = { color: false, unicode: true };
  const screen = await makeScreen(
    { stdout: { write: (text) => write(text, 'out') }, stderr: { write: (text) => write(text, 'err') } },
    { out: plain, err: plain },
    { quiet: false, json: false, asks: false, verbose: false, clock: () => server.now() },
  );
  const ctx: Context = {
    server,
    settings: settle(line, around),
    line,
    around,
    consent: consent(line, around),
    screen,
    ask: async () => prompter,
    interrupts: { heard: options.heard ?? (() => 'no'), guard: (act) => act() },
    version: '0.0.0-test',
    verbose: false,
  };
  return { ctx, out: () => out, err: () => err, session: () => session };
}

/**
 * A person with prepared answers: true or false, numbers of options, words that one option begins with or has in it, texts;
 * 'back' goes back, and a list of words marks those.
 */
export function scripted(
  give: (question: string) => unknown,
  hear: (line: string) => void = () => {},
  note: (question: string, answer: string) => void = () => {},
): Prompter {
  const one = <T>(options: readonly Option<T>[], said: unknown): T => {
    const found =
      typeof said === 'number'
        ? options[said]
        : (options.find(({ name }) => name.startsWith(String(said))) ??
          options.find(({ name }) => name.includes(String(said))));
    if (found === undefined)
      throw new Error(`no option ${String(said)}: ${options.map((o) => o.name).join(' | ')}`);
    return found.value;
  };
  const asked = <T>(question: string, read: (said: unknown) => T): Said<T> => {
    const said = give(question);
    return said === 'back' ? { is: 'back' } : { is: 'answer', value: read(said) };
  };
  const many = <T>(options: readonly Option<T>[], said: unknown): T[] => {
    const picked = (said as readonly unknown[]).map((word) => one(options, word));
    return options.map(({ value }) => value).filter((value) => picked.includes(value));
  };
  return {
    show: (...lines) => {
      for (const line of lines) hear(line);
    },
    columns: () => 80,
    confirm: async (message) => give(message) === true,
    choose: async (message, options) => many(options, give(message)),
    sure: async ({ message }) =>
      asked(message, (said) => {
        note(message, said === true ? 'Yes' : 'No');
        return said === true;
      }),
    several: async ({ message }, options) =>
      asked(message, (said) => {
        const marked = options.filter((o) => o.checked).map((o) => o.value);
        const values = said === 'Enter' ? marked : many(options, said);
        note(message, `${values.length}`);
        return values;
      }),
    pick: async ({ message }, options, preset = 0) =>
      asked(message, (said) => {
        const value = one(options, said === 'Enter' ? preset : said);
        const { short, name = '' } = options.find((o) => o.value === value) ?? {};
        note(message, short ?? name);
        return value;
      }),
    write: async ({ message }, preset, check) =>
      asked(message, (said) => {
        const text = said === 'Enter' ? preset : String(said);
        const wrong = check(text);
        if (wrong !== undefined) throw new Error(wrong);
        note(message, text);
        return text;
      }),
  };
}
