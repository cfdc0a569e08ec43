// What a person answered, as a command line that asks nothing, and as a config file.
import { shellQuote } from '../command/quote.ts';

/** Answers by flag, in the order they are to be written; `true` is a flag that takes no value. */
export type Said = Readonly<Record<string, string | true | readonly string[]>>;

/** The `$id` of docs/schema/config-1.json. */
const schema = 'urn:cronlatch:config-1';

/** The command line that does without a question what was answered, quoted for any POSIX shell. */
export function commandLine(answers: Said): string {
  const words = Object.entries(answers).flatMap(([flag, value]) => {
    if (value === true) return [`--${flag}`];
    const values = typeof value === 'string' ? [value] : value;
    // A value that begins with a dash would be taken for a flag.
    return values.map((one) =>
      one.startsWith('-') ? shellQuote(`--${flag}=${one}`) : `--${flag} ${shellQuote(one)}`,
    );
  });
  return ['cronlatch deploy', ...words, '--ci'].join(' ');
}

/** The same as the config file: what holds for all, and what each worker has of its own. `--file` has no key there. */
export function configOf(workers: readonly Said[], all: Said = {}): Record<string, unknown> {
  const keys = ({ file: _, ...answers }: Said) => answers;
  return { $schema: schema, ...keys(all), workers: workers.map(keys) };
}
