// The shapes of a crontab: every byte of the text belongs to exactly one line.

/**
 * Text in which one character stands for one byte (Node's 'latin1'). Crontabs carry any byte, so offsets are
 * byte offsets and nothing is lost on the way through a string.
 */
export type Bytes = string;

export type Dialect = 'debian' | 'cronie';

/** Of Debian, whose 13 takes `NAME=` and refuses an unsafe MAILTO; nothing to cronie. */
export type Release = 12 | 13;

/** Half-open range of byte offsets in the whole text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A fault or oddity, as a code and values: the sentence is made in show/. */
export interface Mark {
  readonly code: string;
  readonly span: Span;
  readonly args: Readonly<Record<string, string | number>>;
  /** 'refuse': this dialect's cron does not load the line (Debian: the whole file). 'odd': loads, but read on. */
  readonly level: 'refuse' | 'odd';
}

interface LineBase {
  /** 1-based. */
  readonly number: number;
  /** The whole line with its newline, if it has one. */
  readonly span: Span;
  readonly marks: readonly Mark[];
}

export interface EntryLine extends LineBase {
  readonly is: 'entry';
  readonly schedule: Schedule;
  readonly scheduleSpan: Span;
  /** Only in system crontabs. */
  readonly user?: string;
  readonly userSpan?: Span;
  /** cronie's `-` before the minute, OpenBSD's `-n -q -s` before the command; recognised, never eaten. */
  readonly flags: readonly string[];
  /** From the first byte of the command to the last byte before the newline (and before a CR? no: a CR is part of the command). */
  readonly commandSpan: Span;
  readonly command: DecodedCommand;
}

/** The command as the shell gets it, after cron took out `\%` (and on Debian `\\`) and cut at the first bare `%`. */
export interface DecodedCommand {
  readonly text: Bytes;
  /** What stands after the first bare `%`, decoded: becomes the command's standard input. */
  readonly stdin?: Bytes;
  /** Byte offset in the whole crontab of the first byte. */
  readonly start: number;
  /** The indices in `text` of bytes in front of which cron took a backslash out (escape.ts, `offsetOf`). */
  readonly escapes: readonly number[];
}

export interface SettingLine extends LineBase {
  readonly is: 'setting';
  readonly name: Bytes;
  readonly value: Bytes;
  readonly valueSpan: Span;
}

export interface CommentLine extends LineBase {
  readonly is: 'comment';
}

export interface BlankLine extends LineBase {
  readonly is: 'blank';
}

/** A line this dialect's cron refuses. Its marks say why. */
export interface UnreadableLine extends LineBase {
  readonly is: 'unreadable';
}

export type Line = EntryLine | SettingLine | CommentLine | BlankLine | UnreadableLine;

export interface Crontab {
  readonly dialect: Dialect;
  /** Has a user column. */
  readonly system: boolean;
  readonly text: Bytes;
  readonly lines: readonly Line[];
  /** Would this dialect's cron install or load the file? On Debian one refused line refuses all. */
  readonly accepted: boolean;
  /** Marks of the file as a whole (too many lines, no newline at the end, byte order mark …). */
  readonly marks: readonly Mark[];
}

export type Schedule = ReadonlyTimes | { readonly is: 'reboot' };

interface ReadonlyTimes {
  readonly is: 'times';
  /** Sorted, without repeats. An empty list never fires. Days of the week are 0 to 6, 0 is Sunday. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  readonly weekdays: readonly number[];
  /** The field starts with `*`: decides AND or OR of the two day fields, and how DST is treated. */
  readonly star: {
    readonly minute: boolean;
    readonly hour: boolean;
    readonly day: boolean;
    readonly weekday: boolean;
  };
}

/** The times of a schedule that has some. */
export type Times = Extract<Schedule, { is: 'times' }>;
