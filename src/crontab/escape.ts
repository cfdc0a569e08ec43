// What cron takes out of a command before the shell sees it, and how to put it back in.
import type { Bytes, DecodedCommand, Dialect } from './crontab.ts';

const BACKSLASH = 92;
const PERCENT = 37;

const NONE: readonly number[] = [];

/**
 * The command as the shell gets it, and its standard input.
 *
 * `\%` is a percent sign in both dialects; Debian also turns `\\` into one backslash (measured with the real
 * daemon, crontab.md 2.5). The first percent sign that is not escaped ends the command; in what follows it every
 * further one is a newline, only `\%` is an escape, and cron adds the last newline.
 *
 * @param raw the command's bytes in the file, without the newline
 * @param start byte offset of `raw` in the whole crontab
 */
export function decodeCommand(raw: Bytes, dialect: Dialect, start: number): DecodedCommand {
  const percent = raw.indexOf('%');
  if (percent < 0 && !raw.includes('\\')) return { text: raw, start, escapes: NONE };
  const escapes: number[] = [];
  const parts: string[] = [];
  let copied = 0;
  let at = 0;
  for (; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (code === PERCENT) break;
    if (code !== BACKSLASH) continue;
    const next = raw.charCodeAt(at + 1);
    if (next === PERCENT || (next === BACKSLASH && dialect === 'debian')) {
      parts.push(raw.slice(copied, at));
      copied = at + 1;
      escapes.push(at - escapes.length);
      at++;
    } else if (next === BACKSLASH) {
      // cronie reads backslashes in pairs too, but keeps both: in `\\%` the percent sign is bare.
      at++;
    }
  }
  parts.push(raw.slice(copied, at));
  const text = parts.join('');
  const kept = escapes.length === 0 ? NONE : escapes;
  if (at >= raw.length) return { text, start, escapes: kept };
  return { text, stdin: decodeStdin(raw.slice(at + 1)), start, escapes: kept };
}

/** The byte offset in the whole crontab of `text[index]`; with the text's length, of where the text ends. */
export function offsetOf({ start, escapes }: DecodedCommand, index: number): number {
  // Sorted: how many stand in front of the index.
  let low = 0;
  let high = escapes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((escapes[middle] ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  return start + index + low;
}

function decodeStdin(raw: Bytes): Bytes {
  const text = raw.replace(/\\?%/g, (found) => (found === '%' ? '\n' : '%'));
  // Cron looks at the last byte that is no backslash (seen in Debian's daemon: input of backslashes alone gets no newline).
  return /[^\n\\]\\*$/.test(text) ? `${text}\n` : text;
}

/**
 * The bytes that cron decodes to `text`, with no backslash that is not needed; undefined when there are none.
 *
 * cronie cannot express an odd number of backslashes in front of a percent sign, and no dialect's crontab can hold
 * a newline or a NUL in a command.
 *
 * @param beforePercent a bare percent sign follows (the command has standard input)
 */
export function encodeCommand(text: Bytes, dialect: Dialect, beforePercent = false): Bytes | undefined {
  if (/[\n\0]/.test(text)) return undefined;
  let unwritable = false;
  const raw = text.replace(/(?:\\+%?|%)/g, (found, at: number) => {
    const percent = found.endsWith('%');
    const backslashes = percent ? found.length - 1 : found.length;
    const ends = at + found.length === text.length;
    const exact = percent || (ends && beforePercent);
    const tail = percent ? '\\%' : '';
    if (dialect === 'cronie') {
      if (exact && backslashes % 2 === 1) unwritable = true;
      return '\\'.repeat(backslashes) + tail;
    }
    // The last of a row of backslashes stays alone where what follows it is not an escape.
    return '\\'.repeat(exact ? 2 * backslashes : 2 * backslashes - 1) + tail;
  });
  return unwritable ? undefined : raw;
}
