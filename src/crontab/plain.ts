// An entry of the usual kind, read in one go: its schedule was read before in the same crontab and nothing about it is odd.
import type { Bytes, Dialect, EntryLine, Line, Mark, Schedule } from './crontab.ts';
import { decodeCommand } from './escape.ts';

/** Schedules of the crontab at hand by their text as written, blanks and all: a crontab repeats few of them many times. */
export type Known = Map<Bytes, Schedule>;

const NO_MARKS: readonly Mark[] = [];
const NO_FLAGS: readonly string[] = [];
const TAB = 9;
const SPACE = 32;
/** A longer one is looked at closely: it may be too long for this cron. */
const LONGEST = 900;

/** Keeps the schedule of a line that had nothing odd about it, for the lines below that say the same. */
export function learn(known: Known, text: Bytes, line: Line): void {
  if (line.is !== 'entry' || line.marks.length > 0 || line.flags.length > 0 || line.userSpan !== undefined)
    return;
  known.set(text.slice(line.scheduleSpan.start, line.scheduleSpan.end), line.schedule);
}

/**
 * The entry from `start` to the newline at `eol`, or undefined when it takes a closer look. Only for crontabs without a
 * user column and without a NUL.
 */
export function readKnown(
  text: Bytes,
  start: number,
  eol: number,
  number: number,
  dialect: Dialect,
  known: Known,
): EntryLine | undefined {
  const from = skipBlanks(text, start);
  let at = from;
  for (let fields = text[from] === '@' ? 1 : 5; fields > 0; fields--) {
    at = skipBlanks(text, at);
    for (let byte = text.charCodeAt(at); byte !== SPACE && byte !== TAB && at < eol; )
      byte = text.charCodeAt(++at);
  }
  const schedule = known.get(text.slice(from, at));
  const command = skipBlanks(text, at);
  if (schedule === undefined || eol === text.length || eol - command > LONGEST) return undefined;
  if (!beginsPlainly(text, command, eol) || text[eol - 1] === '\r') return undefined;
  const raw = text.slice(command, eol);
  const escapes = raw.includes('\\');
  if (escapes && raw.includes('\\\\')) return undefined;
  return {
    is: 'entry',
    number,
    span: { start, end: eol + 1 },
    marks: NO_MARKS,
    schedule,
    scheduleSpan: { start: from, end: at },
    flags: NO_FLAGS,
    commandSpan: { start: command, end: eol },
    command: decodeCommand(raw, dialect, command),
  };
}

/** A letter, or a path, a guard and the like: nothing that could be a sixth field, a flag, a setting or an end. */
function beginsPlainly(text: Bytes, at: number, eol: number): boolean {
  if (at >= eol) return false;
  const first = text[at] === '/' ? text.charCodeAt(at + 1) : text.charCodeAt(at);
  if ((first >= 97 && first <= 122) || (first >= 65 && first <= 90)) return true;
  return '[({.~$"\''.includes(text[at] ?? ' ');
}

function skipBlanks(text: Bytes, from: number): number {
  let at = from;
  for (let byte = text.charCodeAt(at); byte === SPACE || byte === TAB; ) byte = text.charCodeAt(++at);
  return at;
}
