// New text for a crontab with one command or a few lines replaced and every other byte kept.
import type { Bytes, Crontab, EntryLine, Line, Schedule, Span } from './crontab.ts';
import { decodeCommand, encodeCommand, offsetOf } from './escape.ts';
import { parseCrontab } from './parse.ts';

export type EditRefusal =
  | 'not-an-entry'
  /** The line holds a NUL, behind which cron sees another line. */
  | 'nul-byte'
  | 'newline'
  | 'empty'
  | 'too-long'
  /** No bytes decode to this text (cronie: an odd number of backslashes in front of `%`). */
  | 'unwritable'
  /** Written so, cron would read the line as something else: a setting, or a `*` too many. */
  | 'misread';

export type Edit =
  | { readonly is: 'edited'; readonly text: Bytes }
  | { readonly is: 'refused'; readonly why: EditRefusal };

const refused = (why: EditRefusal): Extract<Edit, { is: 'refused' }> => ({ is: 'refused', why });

/** The lines with this number: one, or several where a NUL splits it. */
function linesAt(crontab: Crontab, number: number): Line[] {
  const { lines } = crontab;
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.number ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  const found: Line[] = [];
  for (let line = lines[low]; line?.number === number; line = lines[low + found.length]) found.push(line);
  return found;
}

/**
 * The crontab's text with one entry's command replaced. Schedule, user column, blanks, standard input behind `%`,
 * and a carriage return at the end stay; so do the raw bytes of whatever the old and the new command share at both
 * ends. The new line is read back before it is handed out.
 *
 * @param lineNumber 1-based
 * @param command the new command as the shell is to get it
 */
export function replaceCommand(crontab: Crontab, lineNumber: number, command: Bytes): Edit {
  const edited = replaceCommands(crontab, new Map([[lineNumber, command]]));
  return edited.is === 'refused' ? refused(edited.why) : { is: 'edited', text: edited.text };
}

/** A line as it was and as it is to be. */
interface Rewritten {
  readonly is: 'rewritten';
  readonly line: number;
  readonly before: Bytes;
  readonly after: Bytes;
  readonly span: Span;
}

/**
 * The same for several entries at once, by the number of their line. The first that is refused is told, and then nothing
 * is replaced.
 */
export function replaceCommands(
  crontab: Crontab,
  commands: ReadonlyMap<number, Bytes>,
):
  | { readonly is: 'edited'; readonly text: Bytes; readonly lines: readonly Rewritten[] }
  | { readonly is: 'refused'; readonly why: EditRefusal; readonly line: number } {
  const lines: Rewritten[] = [];
  for (const [line, command] of commands) {
    const rewritten = rewrite(crontab, line, command);
    if (rewritten.is === 'refused') return { is: 'refused', why: rewritten.why, line };
    lines.push(rewritten);
  }
  lines.sort((one, other) => one.line - other.line);
  const { text } = crontab;
  const parts: Bytes[] = [];
  let at = 0;
  for (const { span, after } of lines) {
    parts.push(text.slice(at, span.start), after);
    at = span.end;
  }
  return { is: 'edited', text: parts.join('') + text.slice(at), lines };
}

function rewrite(
  crontab: Crontab,
  lineNumber: number,
  command: Bytes,
): Rewritten | Extract<Edit, { is: 'refused' }> {
  const [line, another] = linesAt(crontab, lineNumber);
  if (line?.is !== 'entry') return refused('not-an-entry');
  if (another !== undefined || crontab.text[line.commandSpan.end] === '\0' || command.includes('\0')) {
    return refused('nul-byte');
  }
  if (command.includes('\n')) return refused('newline');
  if (/^[ \t\r]*$/.test(command)) return refused('empty');
  const old = line.command;
  const keepsReturn = old.stdin === undefined && old.text.endsWith('\r') && !command.endsWith('\r');
  const wanted = keepsReturn ? `${command}\r` : command;
  const raw = rawCommand(crontab, line, wanted);
  if (raw === undefined) return refused('unwritable');

  const { text } = crontab;
  const { span, commandSpan } = line;
  const written = text.slice(span.start, commandSpan.start) + raw + text.slice(commandSpan.end, span.end);
  const [read, more] = parseCrontab(written, crontab).lines;
  if (read?.marks.some(({ code }) => code === 'command-too-long' || code === 'command-cut')) {
    return refused('too-long');
  }
  const same =
    more === undefined &&
    read?.is === 'entry' &&
    read.command.text === wanted &&
    read.command.stdin === old.stdin &&
    read.commandSpan.start === commandSpan.start - span.start &&
    read.user === line.user &&
    sameSchedule(read.schedule, line.schedule);
  if (!same) return refused('misread');
  const before = text.slice(span.start, span.end);
  return { is: 'rewritten', line: lineNumber, before, after: written, span };
}

function sameSchedule(one: Schedule, other: Schedule): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The bytes for the new command and what follows it up to the newline; undefined when there are none. */
function rawCommand(crontab: Crontab, line: EntryLine, wanted: Bytes): Bytes | undefined {
  const { text, dialect } = crontab;
  const { command: old, commandSpan } = line;
  const shorter = Math.min(old.text.length, wanted.length);
  let head = 0;
  while (head < shorter && old.text[head] === wanted[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old.text[old.text.length - 1 - tail] === wanted[wanted.length - 1 - tail]) {
    tail++;
  }
  const at = (index: number) => offsetOf(old, index);
  const middle = encodeCommand(wanted.slice(head, wanted.length - tail), dialect);
  if (middle !== undefined) {
    const raw =
      text.slice(commandSpan.start, at(head)) +
      middle +
      text.slice(at(old.text.length - tail), commandSpan.end);
    // Backslashes at a seam can pair up with what they now stand next to.
    const read = decodeCommand(raw, dialect, 0);
    if (read.text === wanted && read.stdin === old.stdin) return raw;
  }
  const encoded = encodeCommand(wanted, dialect, old.stdin !== undefined);
  return encoded === undefined ? undefined : encoded + text.slice(at(old.text.length), commandSpan.end);
}

/** One line to be replaced by any number of others. */
export interface LineEdit {
  /** 1-based. */
  readonly line: number;
  /** Whole lines, each with its newline; one that lacks it gets it unless the text ends there. */
  readonly lines: readonly Bytes[];
}

/**
 * The crontab's text with whole lines replaced and every other byte kept. Nothing is checked: the new lines may be
 * comments, entries or nonsense. Throws a RangeError for a line that is not there or is named twice.
 */
export function replaceLines(crontab: Crontab, edits: readonly LineEdit[]): Bytes {
  const { text } = crontab;
  const sorted = [...edits].sort((one, other) => one.line - other.line);
  const parts: Bytes[] = [];
  let at = 0;
  for (const [index, edit] of sorted.entries()) {
    const found = linesAt(crontab, edit.line);
    const [first] = found;
    const last = found[found.length - 1];
    if (first === undefined || last === undefined) throw new RangeError(`no line ${edit.line}`);
    if (sorted[index - 1]?.line === edit.line) throw new RangeError(`line ${edit.line} twice`);
    parts.push(text.slice(at, first.span.start), ...edit.lines);
    at = last.span.end;
  }
  parts.push(text.slice(at));
  const filled = parts.filter((part) => part !== '');
  return filled.map((part, index) => (index < filled.length - 1 ? ended(part) : part)).join('');
}

function ended(line: Bytes): Bytes {
  return line.endsWith('\n') ? line : `${line}\n`;
}
