// Turns a value into a shell word that every POSIX shell reads back as exactly that value.
import type { Bytes } from '../crontab/crontab.ts';

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * The value as one shell word: bare when every byte is harmless in any shell and locale, else in single quotes. Bytes
 * above 127 count as harmful, since what they are depends on a locale we do not know.
 */
export function shellQuote(word: Bytes): Bytes {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A value in the quotes its word had before: `raw` is the old word as typed, with no expansion in it. */
export function requote(raw: Bytes, value: Bytes): Bytes {
  const wasDouble = raw.startsWith('"') && raw.endsWith('"');
  if (!wasDouble) return shellQuote(value);
  if (!/[$`"\\]/.test(value)) return `"${value}"`;
  return value.includes("'") ? `"${value.replaceAll(/[$`"\\]/g, '\\$&')}"` : shellQuote(value);
}
