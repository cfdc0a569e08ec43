// A crontab's text to lines, each as this dialect's cron reads it.
import type { Bytes, Crontab, Dialect, Line, Mark, Release, Span } from './crontab.ts';
import { type FieldCache, fieldCache, readEntry } from './entry.ts';
import { type Known, learn, readKnown } from './plain.ts';
import { isUnsafeMail, type NoSetting, readSetting, SETTING_LIMIT } from './settings.ts';

const BYTE_ORDER_MARK = '\xef\xbb\xbf';
/** Debian counts every line (measured); cronie counts entries, settings and the bytes between them (measured). */
const DEBIAN_LINES = 10_000;
/** Its daemon looks at system crontabs alone: an entry or a setting may stand three lines further down (measured). */
const DEBIAN_SYSTEM_LINES = 10_003;
const CRONIE_ENTRIES = 10_000;
const CRONIE_SETTINGS = 1_000;
const CRONIE_GAP = 32_768;

interface Options {
  readonly dialect: Dialect;
  /** Has a user column: /etc/crontab and the files of /etc/cron.d. */
  readonly system: boolean;
  /** Debian 12, where nothing is said. */
  readonly release?: Release;
}

/**
 * Reads a crontab. Every byte ends up in exactly one line; nothing is ever thrown away.
 *
 * `accepted` says what installing does: Debian 12's and cronie 1.7.2's crontab(1) take all or nothing. (cronie's
 * daemon, given a file it did not install, skips the refused lines and runs the rest.)
 *
 * To cron a NUL ends an entry or a setting like a newline does. What follows it on the same line is a Line of its
 * own here too, with the same number.
 */
export function parseCrontab(text: Bytes, options: Options): Crontab {
  const { dialect, system } = options;
  const lines: Line[] = [];
  const hasNul = text.includes('\0');
  const cache = fieldCache();
  const known: Known = new Map();
  const closely = system || hasNul;
  let number = 1;
  let start = 0;
  let eol = -1;
  while (start < text.length) {
    // Looked for once per line, not once per NUL in it.
    if (start > eol) {
      const newline = text.indexOf('\n', start);
      eol = newline < 0 ? text.length : newline;
    }
    const plain = closely ? undefined : readKnown(text, start, eol, number, dialect, known);
    const line = plain ?? readLine(text, start, eol, number, options, hasNul, cache);
    if (plain === undefined && !closely) learn(known, text, line);
    lines.push(line);
    start = line.span.end;
    if (start > eol) number++;
  }
  const marks = fileMarks(text, lines, options);
  const refuses = (mark: Mark) => mark.level === 'refuse';
  const accepted = !marks.some(refuses) && !lines.some((line) => line.marks.some(refuses));
  return { dialect, system, text, lines, accepted, marks };
}

function readLine(
  text: Bytes,
  start: number,
  eol: number,
  number: number,
  { dialect, system, release = 12 }: Options,
  hasNul: boolean,
  cache: FieldCache,
): Line {
  const whole = { start, end: Math.min(eol + 1, text.length) };
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  if (at === eol) return { is: 'blank', number, span: whole, marks: [] };
  if (text[at] === '#') return { is: 'comment', number, span: whole, marks: [] };
  const nul = hasNul ? text.slice(at, eol).indexOf('\0') : -1;
  const stop = nul < 0 ? eol : at + nul;
  const unreadable = (...marks: Mark[]): Line => ({ is: 'unreadable', number, span: whole, marks });
  const unended = mark('no-final-newline', 'refuse', { start: text.length, end: text.length });
  if (stop === text.length) return unreadable(unended);

  const setting = readSetting(text, at, stop, dialect, release);
  if (setting.is === 'setting') {
    const { name, value, valueSpan } = setting;
    const marks = settingMarks(text, at, stop, name, valueSpan, dialect);
    if (dialect === 'debian' && isUnsafeMail(name, value)) {
      const unsafe = mark('unsafe-mail', release === 13 ? 'refuse' : 'odd', valueSpan, { name });
      if (release === 13) return unreadable(unsafe);
      marks.push(unsafe);
    }
    return { is: 'setting', number, span: { start, end: stop + 1 }, marks, name, value, valueSpan };
  }
  const entry = readEntry(text, at, eol, dialect, system, cache);
  if (entry.is === 'refused') {
    const { why } = setting;
    return unreadable(entry.mark, ...refusedMarks(text, at, stop, why));
  }
  if (entry.end === text.length) return unreadable(unended);
  return { number, span: { start, end: entry.end + 1 }, ...entry.entry };
}

function mark(code: string, level: Mark['level'], span: Span, args: Mark['args'] = {}): Mark {
  return { code, span, args, level };
}

/** What the writer of a refused line probably meant, when it can be told. */
function refusedMarks(text: Bytes, start: number, stop: number, why: NoSetting): Mark[] {
  const span = { start, end: stop };
  const line = text.slice(start, stop);
  if (/^\r?$/.test(line)) return [mark('carriage-return', 'odd', span)];
  if (line.startsWith(BYTE_ORDER_MARK)) return [mark('byte-order-mark', 'odd', { start, end: start + 3 })];
  if (!/^(?:export[ \t]+)?(["']?)[A-Za-z_]\w*\1[ \t]*=/.test(line)) return [];
  const exported = /^export[ \t]/.test(line);
  return [mark('bad-setting', 'odd', span, { why: exported ? 'export' : why })];
}

function settingMarks(
  text: Bytes,
  start: number,
  stop: number,
  name: Bytes,
  value: Span,
  dialect: Dialect,
): Mark[] {
  const marks: Mark[] = [];
  const add = (code: string, span: Span, args: Mark['args'] = {}) =>
    marks.push(mark(code, 'odd', span, args));
  const nameSpan = { start, end: start + name.length };
  const limit = SETTING_LIMIT[dialect];
  const said = text.slice(value.start, value.end);
  const quoted = /["']/.test(text[value.start - 1] ?? '');
  if (stop - start > limit) add('setting-cut', { start: start + limit, end: stop }, { limit });
  if (name.startsWith(BYTE_ORDER_MARK)) add('byte-order-mark', { start, end: start + 3 });
  else if (!/^[A-Za-z_]\w*$/.test(name)) add('odd-setting-name', nameSpan, { name });
  if (said.includes('$')) add('dollar-in-value', value, { name });
  if (!quoted && /[ \t]#/.test(said)) add('comment-in-value', value, { name });
  // Debian's cron knows no time zones of its own, and no cron lets the login name be changed.
  const inert = dialect === 'debian' ? ['LOGNAME', 'CRON_TZ'] : ['LOGNAME', 'USER'];
  if (inert.includes(name)) add('inert-setting', nameSpan, { name });
  if (text[stop] === '\0') add('nul-byte', { start: stop, end: stop + 1 });
  return marks;
}

function fileMarks(text: Bytes, lines: readonly Line[], { dialect, system }: Options): Mark[] {
  const marks: Mark[] = [];
  const refuse = (code: string, span: Span, args: Mark['args']) =>
    marks.push(mark(code, 'refuse', span, args));
  const last = lines[lines.length - 1];
  marks.push(...(last?.marks.filter((one) => one.code === 'no-final-newline') ?? []));
  const first = lines[0];
  // A mark in front of a comment or an entry has its refusal on the line; the file is told in every case.
  if (text.startsWith(BYTE_ORDER_MARK)) marks.push(mark('byte-order-mark', 'odd', { start: 0, end: 3 }));
  if (first === undefined || last === undefined) return marks;
  if (dialect === 'debian') {
    const limit = system ? DEBIAN_SYSTEM_LINES : DEBIAN_LINES;
    const ended = text.endsWith('\n') ? last.number : last.number - 1;
    if (ended <= limit) return marks;
    const counts = (line: Line) => !system || (line.is !== 'comment' && line.is !== 'blank');
    const beyond = lines.find((line) => line.number > limit && counts(line));
    if (beyond !== undefined) refuse('too-many-lines', beyond.span, { lines: ended, limit });
    return marks;
  }
  let entries = 0;
  let settings = 0;
  let gap = 0;
  for (const line of lines) {
    const { start, end } = line.span;
    const idle = line.is === 'comment' || line.is === 'blank';
    const before = gap;
    // What ends a stretch of comment is counted up to its first byte (measured).
    gap += idle ? end - start : blanksAt(text, start) + 1;
    if (before <= CRONIE_GAP && gap > CRONIE_GAP) {
      refuse('too-much-comment', line.span, { limit: CRONIE_GAP });
    }
    if (idle) continue;
    gap = 0;
    if (line.is === 'setting') {
      if (++settings === CRONIE_SETTINGS + 1)
        refuse('too-many-settings', line.span, { limit: CRONIE_SETTINGS });
    } else if (++entries === CRONIE_ENTRIES + 1) {
      refuse('too-many-entries', line.span, { limit: CRONIE_ENTRIES });
    }
  }
  return marks;
}

function blanksAt(text: Bytes, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at - start;
}
