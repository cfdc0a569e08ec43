// The two entries that keep one endless worker alive instead of starting a short one: at boot, and every few minutes.
import type { Bytes } from '../crontab/crontab.ts';
import type { Command, Word } from './command.ts';
import { shellQuote } from './quote.ts';
import { isBareEnv } from './rewrite.ts';

export interface LongRunningWish {
  /** Absolute path of the interpreter. */
  readonly interpreter: Bytes;
  /** Absolute path or path relative to the directory. */
  readonly log: Bytes;
  /** Whose processes are looked at: the user cron runs the entry as. */
  readonly user: string;
}

/**
 * The command for `@reboot`, which starts the worker without `--once`, and the one for every few minutes, which starts
 * it again when no process of the user runs exactly that. `text` must be the text the command was read from.
 */
export function longRunningForm(
  text: Bytes,
  command: Command,
  wish: LongRunningWish,
): { readonly boot: Bytes; readonly watchdog: Bytes } {
  const start = startText(text, command, wish);
  // Only pgrep's 1 says there is none. Its errors, or its absence, must not start one worker after another.
  const regex = shellQuote(pattern(command, wish.interpreter));
  const look = `LC_ALL=C pgrep -u ${shellQuote(wish.user)} -f ${regex} > /dev/null`;
  return { boot: `${start} &`, watchdog: `${look}; [ $? -ne 1 ] || ( ${start} & )` };
}

function startText(text: Bytes, command: Command, { interpreter, log }: LongRunningWish): Bytes {
  const { before, cd, directory, span } = command;
  const cdAt = cd?.span.start ?? span.start;
  const lead = before.map(({ start, end }) => text.slice(start, end));
  lead.splice(before.filter(({ start }) => start < cdAt).length, 0, `cd ${shellQuote(directory)} &&`);
  const wrappers = command.wrappers.filter((wrapper) => wrapper.name !== 'nohup' && !isBareEnv(wrapper));
  const input = command.redirects.filter(({ fd }) => fd === 0).map(({ target }) => `< ${target.raw}`);
  return [
    ...lead,
    ...command.assignments.map(({ raw }) => raw),
    ...wrappers.flatMap(({ words }) => words.map(({ raw }) => raw)),
    shellQuote(interpreter),
    ...joinGlued(ownWords(command)).map(({ raw }) => raw),
    ...input,
    `>> ${shellQuote(log)} 2>&1`,
  ].join(' ');
}

/** Everything behind the interpreter, in the order written, without `--once`. */
function ownWords({ flags, script, args }: Command): readonly Word[] {
  const rest = args.filter(({ value }) => value !== '--once');
  return [...flags, script, ...rest].toSorted((a, b) => a.span.start - b.span.start);
}

/** Puts `-f` and the file of `-fworker.php` back together. */
function joinGlued(words: readonly Word[]): readonly Word[] {
  const joined: Word[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (last !== undefined && last.span.end === word.span.start) {
      const span = { start: last.span.start, end: word.span.end };
      joined[joined.length - 1] = { ...word, span, raw: last.raw + word.raw, value: last.value + word.value };
    } else joined.push(word);
  }
  return joined;
}

/**
 * What pgrep is to find: the whole argument list, words joined by single blanks, from the interpreter on. Cron's own
 * `sh -c` has this text in its arguments too, and the `^` keeps it out, since its list starts with the shell.
 */
function pattern(command: Command, interpreter: Bytes): Bytes {
  const words = joinGlued(ownWords(command));
  // From the first word that only the shell knows, anything may follow.
  const open = words.findIndex((word) => word.open);
  const known = open < 0 ? words : words.slice(0, open);
  // pgrep looks at the list without blanks at its end, which empty arguments leave there.
  const text = [interpreter, ...known.map(({ value }) => value)].join(' ');
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  return `^${escapeRegex(text.slice(0, end))}${open < 0 ? '$' : '( |$)'}`;
}

/**
 * Escapes for pgrep's extended regular expressions, in brackets and not by backslashes, which some crons take out. In
 * the C locale pgrep sees some one character for each byte that is no printable ASCII.
 */
function escapeRegex(text: Bytes): Bytes {
  return text
    .replaceAll(/[.[\]()*+?{}|$\\]/g, '[$&]')
    .replaceAll('^', '.')
    .replaceAll(/[^ -~]/g, '.');
}
