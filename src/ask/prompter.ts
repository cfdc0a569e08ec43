// Asking a person. inquirer lives here only, is loaded only when there is something to ask, and writes to
// standard error so that standard output stays the result's.
import { Problem } from '../problem.ts';

export interface Option<T> {
  readonly name: string;
  readonly value: T;
  readonly checked?: boolean;
}

export interface Prompter {
  /** y/N; Enter alone is No. */
  confirm(message: string): Promise<boolean>;
  /** Any number of the options. */
  choose<T>(message: string, options: readonly Option<T>[]): Promise<readonly T[]>;
}

/** The real prompter. Ctrl-C becomes the problem 'interrupted' (exit 130), `stop` the same (exit 143). */
export function terminalPrompter(stop: AbortSignal): Prompter {
  const ask = <T>(run: (prompt: Ask) => Promise<T>): Promise<T> => asking(stop, run);
  return {
    confirm: (message) =>
      ask(
        async (prompt) =>
          (await prompt([{ type: 'confirm', name: 'answer', message, default: false }]))['answer'] === true,
      ),
    choose: (message, options) =>
      ask(async (prompt) => {
        const answers = await prompt([
          {
            type: 'checkbox',
            name: 'answer',
            message,
            choices: options.map(({ name, checked }, index) => ({
              name,
              value: index,
              checked: checked ?? false,
            })),
          },
        ]);
        const picked = new Set(answers['answer'] as readonly number[]);
        return options.filter((_, index) => picked.has(index)).map((option) => option.value);
      }),
  };
}

type Ask = (questions: readonly Record<string, unknown>[]) => Promise<Record<string, unknown>>;

async function asking<T>(stop: AbortSignal, run: (prompt: Ask) => Promise<T>): Promise<T> {
  const { default: inquirer } = await import('inquirer');
  const prompt = inquirer.createPromptModule({ output: process.stderr, signal: stop }) as unknown as Ask;
  try {
    return await run(prompt);
  } catch (error) {
    const name = (error as Error).name;
    if (name === 'ExitPromptError' || name === 'AbortPromptError') {
      const exit = stop.aborted ? 143 : 130;
      throw new Problem('interrupted', { what: 'Nothing was changed.' }, { cause: error, exit });
    }
    throw error;
  }
}
