// Environment settings: reading one line, and which are in force for an entry.
import type { Bytes, Crontab, Dialect, Release, SettingLine, Span } from './crontab.ts';

/** Cron reads this many bytes of a setting and drops the rest without a word (crontab.md 2.1). */
export const SETTING_LIMIT: Readonly<Record<Dialect, number>> = { debian: 998, cronie: 131_071 };

/** `empty-value`: Debian 12 wants something behind the equals sign; Debian 13 and cronie do not. */
export type NoSetting = 'no-equals' | 'quoted-equals' | 'open-quote' | 'after-quote' | 'empty-value';

/** Debian's cron mails to nobody else; that of Debian 13 refuses the line (both measured). */
const SAFE_MAIL = /^(?:[A-Za-z0-9][A-Za-z0-9@!:%.,_+=/-]*)?$/;

/** Is this an address that Debian's cron does not take for MAILTO or MAILFROM? */
export function isUnsafeMail(name: Bytes, value: Bytes): boolean {
  return (name === 'MAILTO' || name === 'MAILFROM') && !SAFE_MAIL.test(value);
}

type SettingRead =
  | { readonly is: 'setting'; readonly name: Bytes; readonly value: Bytes; readonly valueSpan: Span }
  | { readonly is: 'none'; readonly why: NoSetting };

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function skipSpace(text: Bytes, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isQuote(byte: string | undefined): byte is '"' | "'" {
  return byte === '"' || byte === "'";
}

const none = (why: NoSetting): SettingRead => ({ is: 'none', why });

/**
 * Reads `name = value` as cron does before it tries the line as an entry (crontab.md 2.2).
 *
 * Either side may stand in matching quotes; behind the quoted value only blanks may follow; an unquoted value keeps
 * everything but the blanks at its end. Debian also drops the blanks at the end of a quoted value, and then a second
 * pair of quotes (seen in its daemon: `A="'b' "` sets b).
 *
 * @param start byte offset of the first byte that is no blank
 * @param end byte offset of the newline or NUL that ends the line
 */
export function readSetting(
  text: Bytes,
  start: number,
  end: number,
  dialect: Dialect,
  release: Release,
): SettingRead {
  const stop = Math.min(end, start + SETTING_LIMIT[dialect]);
  let at = start;
  let name: Bytes;
  const quote = text[at];
  if (isQuote(quote)) {
    at++;
    while (at < stop && text[at] !== quote && text[at] !== '=') at++;
    if (at === stop) return none('open-quote');
    if (text[at] === '=') return none('quoted-equals');
    name = text.slice(start + 1, at);
    at++;
  } else {
    while (at < stop && text[at] !== '=' && !isSpace(text.charCodeAt(at))) at++;
    name = text.slice(start, at);
  }
  at = skipSpace(text, at, stop);
  if (at === stop || text[at] !== '=') return none('no-equals');
  at = skipSpace(text, at + 1, stop);
  const found = (from: number, to: number): SettingRead => ({
    is: 'setting',
    name,
    value: text.slice(from, to),
    valueSpan: { start: from, end: to },
  });
  if (at === stop) return dialect === 'debian' && release === 12 ? none('empty-value') : found(at, at);
  const valueQuote = text[at];
  if (isQuote(valueQuote)) {
    const close = text.slice(at + 1, stop).indexOf(valueQuote);
    if (close < 0) return none('open-quote');
    const to = at + 1 + close;
    if (skipSpace(text, to + 1, stop) < stop) return none('after-quote');
    if (dialect === 'cronie') return found(at + 1, to);
    const last = trimmed(text, at + 1, to);
    const inner = text[at + 1];
    const pair = last - at > 2 && isQuote(inner) && text[last - 1] === inner;
    return pair ? found(at + 2, last - 1) : found(at + 1, last);
  }
  return found(at, trimmed(text, at, stop));
}

function trimmed(text: Bytes, from: number, end: number): number {
  let to = end;
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--;
  return to;
}

interface Known {
  readonly settings: readonly SettingLine[];
  /** The map for the first `count` settings, kept because the next entry usually asks for the same. */
  count: number;
  map: ReadonlyMap<Bytes, Bytes>;
}

const known = new WeakMap<Crontab, Known>();

/**
 * The settings in force for what stands at this line: those above it, the lowest of a name winning (crontab.md 2.2).
 * Cron's own defaults (SHELL, PATH, HOME, LOGNAME) are not in it.
 *
 * @param lineNumber 1-based
 */
export function settingsAt(crontab: Crontab, lineNumber: number): ReadonlyMap<Bytes, Bytes> {
  let entry = known.get(crontab);
  if (entry === undefined) {
    const settings = crontab.lines.filter((line) => line.is === 'setting');
    entry = { settings, count: 0, map: new Map() };
    known.set(crontab, entry);
  }
  let low = 0;
  let high = entry.settings.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entry.settings[middle]?.number ?? 0) < lineNumber) low = middle + 1;
    else high = middle;
  }
  if (low !== entry.count) {
    const onwards = low > entry.count;
    const map = new Map(onwards ? entry.map : []);
    for (const line of entry.settings.slice(onwards ? entry.count : 0, low)) map.set(line.name, line.value);
    entry.map = map;
    entry.count = low;
  }
  return entry.map;
}

/**
 * The zone whose clock decides when an entry of this line starts: that of CRON_TZ above it on cronie, the machine's
 * (undefined) where none is set and always on Debian. No cron checks the name.
 *
 * @param lineNumber 1-based
 */
export function cronZone(crontab: Crontab, lineNumber: number): Bytes | undefined {
  if (crontab.dialect !== 'cronie') return undefined;
  return settingsAt(crontab, lineNumber).get('CRON_TZ') || undefined;
}
