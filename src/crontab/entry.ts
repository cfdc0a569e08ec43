// One entry: nickname or five fields, the user column, flags and the command.

import { needsBothDays } from './calendar.ts';
import type { Bytes, Dialect, EntryLine, Mark, Schedule, Span, Times } from './crontab.ts';
import { decodeCommand } from './escape.ts';
import { FIELDS, type FieldKind, type FieldRead, type FieldRefused, readField } from './field.ts';
import { neverFires } from './schedule.ts';

/** Most bytes of a command: one more and Debian refuses the whole file, cronie drops the rest (measured). */
const COMMAND_LIMIT: Readonly<Record<Dialect, number>> = { debian: 998, cronie: 131_071 };

type EntryRead =
  | {
      readonly is: 'entry';
      readonly entry: Omit<EntryLine, 'number' | 'span'>;
      /** Byte offset of the newline or NUL the command ends at. */
      readonly end: number;
    }
  | { readonly is: 'refused'; readonly mark: Mark };

const upTo = (high: number, low = 0) => Array.from({ length: high - low + 1 }, (_, index) => index + low);

const EVERY = { hours: upTo(23), days: upTo(31, 1), months: upTo(12, 1), weekdays: upTo(6) };
const NO_STAR = { minute: false, hour: false, day: false, weekday: false };
const MIDNIGHT: Times = { is: 'times', minutes: [0], ...EVERY, hours: [0], star: NO_STAR };
const YEARLY: Times = { ...MIDNIGHT, days: [1], months: [1], star: { ...NO_STAR, weekday: true } };

/** Case matters. The stars are those cron sets itself: `@daily` has none, so it counts as a fixed time on DST days. */
const NICKNAMES: ReadonlyMap<string, Schedule> = new Map<string, Schedule>([
  ['reboot', { is: 'reboot' }],
  ['yearly', YEARLY],
  ['annually', YEARLY],
  ['monthly', { ...MIDNIGHT, days: [1], star: { ...NO_STAR, weekday: true } }],
  ['weekly', { ...MIDNIGHT, weekdays: [0], star: { ...NO_STAR, day: true } }],
  ['daily', MIDNIGHT],
  ['midnight', MIDNIGHT],
  ['hourly', { ...MIDNIGHT, hours: EVERY.hours, star: { ...NO_STAR, hour: true } }],
]);

type Args = Mark['args'];

const refuse = (code: string, start: number, end: number, args: Args = {}): EntryRead => ({
  is: 'refused',
  mark: { code, span: { start, end }, args, level: 'refuse' },
});

function odd(code: string, span: Span, args: Args = {}): Mark {
  return { code, span, args, level: 'odd' };
}

function skipBlanks(text: Bytes, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at++;
  return at;
}

/** Index of the first blank, newline or NUL at or after `from`, not beyond `end`. */
function wordEnd(text: Bytes, from: number, end: number): number {
  let at = from;
  while (at < end && !' \t\n\0'.includes(text[at] ?? ' ')) at++;
  return at;
}

/** Fields already read, for each of the five by their bytes: a crontab repeats few of them many times. */
export type FieldCache = readonly Map<Bytes, FieldRead | FieldRefused>[];

export function fieldCache(): FieldCache {
  return FIELDS.map(() => new Map());
}

function cachedField(
  bytes: Bytes,
  index: number,
  kind: FieldKind,
  dialect: Dialect,
  cache: FieldCache,
): FieldRead | FieldRefused {
  const known = cache[index]?.get(bytes);
  if (known !== undefined) return known;
  const field = readField(bytes, kind, dialect);
  cache[index]?.set(bytes, field);
  return field;
}

/** A NUL does not end a field. */
function fieldEnd(text: Bytes, from: number, eol: number): number {
  let at = from;
  while (at < eol && text[at] !== ' ' && text[at] !== '\t') at++;
  return at;
}

/**
 * Reads an entry as the dialect's cron does once the line turned out to be no setting.
 *
 * @param start byte offset of the first byte that is no blank
 * @param eol byte offset of the newline, or of the end of the text
 */
export function readEntry(
  text: Bytes,
  start: number,
  eol: number,
  dialect: Dialect,
  system: boolean,
  cache: FieldCache,
): EntryRead {
  const marks: Mark[] = [];
  const flags: string[] = [];
  let at = start;
  if (dialect === 'cronie' && text[at] === '-') {
    // "Do not log": cronie allows it to root and in system crontabs; whose crontab this is we do not know here.
    flags.push('-');
    if (!system) marks.push(odd('root-only-flag', { start: at, end: at + 1 }, { flag: '-' }));
    at++;
  }
  const scheduleStart = at;
  let schedule: Schedule;
  if (text[at] === '@') {
    const end = wordEnd(text, at, eol);
    const name = text.slice(at + 1, end);
    const found = NICKNAMES.get(name);
    if (found === undefined) return refuse('bad-nickname', at, end, { name });
    schedule = found;
    at = end;
  } else {
    const read: FieldRead[] = [];
    for (const [index, kind] of FIELDS.entries()) {
      if (index > 0) at = skipBlanks(text, at);
      const end = fieldEnd(text, at, eol);
      const field = cachedField(text.slice(at, end), index, kind, dialect, cache);
      if (field.is === 'refused') {
        return refuse('bad-field', at, end, { field: kind.name, text: text.slice(at, end), why: field.why });
      }
      if (field.odd.length > 0) marks.push(...fieldMarks(text, at, end, kind, field));
      read.push(field);
      at = end;
    }
    const next = skipBlanks(text, at);
    if (dialect === 'debian' && text[next] === '\xff') {
      // To Debian's cron, which looks for the next field here, this byte is the end of the file (measured).
      const args = { field: 'weekday', text: text.slice(at, next + 1), why: 'byte-255' };
      return refuse('bad-field', at, next + 1, args);
    }
    schedule = fromFields(read);
  }
  const scheduleSpan = { start: scheduleStart, end: at };
  if (schedule.is === 'times') marks.push(...scheduleMarks(schedule, scheduleSpan));
  at = skipBlanks(text, at);
  if (text[at] === '*') return refuse('star-as-command', at, at + 1);
  if (at === eol && (dialect === 'cronie' || system)) {
    return refuse(system ? 'missing-user' : 'missing-command', at, at);
  }
  let userSpan: Span | undefined;
  if (system) {
    const end = wordEnd(text, at, eol);
    if (end === at || end === eol || text[end] === '\0') return refuse('missing-command', at, end);
    userSpan = { start: at, end };
    at = skipBlanks(text, end);
  }
  while (dialect === 'cronie' && text[at] === '-') {
    const end = wordEnd(text, at, eol);
    const flag = text.slice(at, end);
    if (flag !== '-n' || flags.includes(flag)) return refuse('bad-flag', at, end, { flag });
    flags.push(flag);
    at = skipBlanks(text, end);
    if (at === eol) return refuse('missing-command', at, at);
  }
  const nul = text.slice(at, eol).indexOf('\0');
  const end = nul < 0 ? eol : at + nul;
  const commandSpan = { start: at, end };
  // Behind the user column cron steps over one blank only, so further ones count.
  const length = end - (dialect === 'debian' && userSpan !== undefined ? userSpan.end + 1 : at);
  const limit = COMMAND_LIMIT[dialect];
  if (length > limit && dialect === 'debian') return refuse('command-too-long', at, end, { length, limit });
  if (length > limit) marks.push(odd('command-cut', { start: at + limit, end }, { length, limit }));
  if (nul >= 0) marks.push(odd('nul-byte', { start: end, end: end + 1 }));
  if (dialect === 'debian') flags.push(...wordFlags(text, at, end));
  marks.push(...commandMarks(text, commandSpan, dialect));
  return {
    is: 'entry',
    entry: {
      is: 'entry',
      marks,
      schedule,
      scheduleSpan,
      ...(userSpan === undefined ? {} : { user: text.slice(userSpan.start, userSpan.end), userSpan }),
      flags,
      commandSpan,
      command: decodeCommand(text.slice(at, end), dialect, at),
    },
    end,
  };
}

function fromFields(read: readonly FieldRead[]): Schedule {
  const values = (index: number) => read[index]?.values ?? [];
  const star = (index: number) => read[index]?.star ?? false;
  return {
    is: 'times',
    minutes: values(0),
    hours: values(1),
    days: values(2),
    months: values(3),
    weekdays: values(4),
    star: { minute: star(0), hour: star(1), day: star(2), weekday: star(4) },
  };
}

function fieldMarks(text: Bytes, start: number, end: number, kind: FieldKind, field: FieldRead): Mark[] {
  const whole = { start, end };
  return field.odd.map((oddity) => {
    const { code, ...args } = oddity;
    if (oddity.code !== 'junk-in-field') return odd(code, whole, { field: kind.name, ...args });
    const span = { start: start + oddity.at, end };
    return odd(code, span, { field: kind.name, junk: text.slice(span.start, span.end) });
  });
}

function scheduleMarks(times: Times, span: Span): Mark[] {
  if (neverFires(times)) return [odd('never-fires', span)];
  if (times.days.length === 31 || times.weekdays.length === 7) return [];
  return [odd(needsBothDays(times) ? 'days-and-weekdays' : 'days-or-weekdays', span)];
}

/** OpenBSD's `-n`, `-q`, `-s` in front of a command: words of the command to Debian, which is why they stay in it. */
function wordFlags(text: Bytes, start: number, end: number): string[] {
  const found: string[] = [];
  for (let at = start; text[at] === '-'; ) {
    const stop = wordEnd(text, at, end);
    const word = text.slice(at, stop);
    if (!/^-[nqs]$/.test(word)) break;
    found.push(word);
    at = skipBlanks(text, stop);
  }
  return found;
}

function commandMarks(text: Bytes, span: Span, dialect: Dialect): Mark[] {
  const raw = text.slice(span.start, span.end);
  const marks: Mark[] = [];
  const at = (index: number, length: number) => ({
    start: span.start + index,
    end: span.start + index + length,
  });
  if (raw === '') marks.push(odd('no-command', span));
  if (dialect === 'debian' && raw.startsWith('-')) {
    const flag = raw.slice(0, wordEnd(raw, 0, raw.length));
    marks.push(odd('flag-as-command', at(0, flag.length), { flag }));
  }
  // A sixth field of other schedulers: `0 0 12 * * ? php x` runs the command `? php x`.
  const field = /^(?:\?|[\d,*/-]+|\d{4})(?=[ \t]|$)/.exec(raw)?.[0];
  if (field !== undefined && /[\d?]/.test(field)) {
    marks.push(odd('field-as-command', at(0, field.length), { text: field }));
  }
  if (raw.endsWith('\r')) marks.push(odd('carriage-return', at(raw.length - 1, 1)));
  const pair = dialect === 'debian' ? raw.indexOf('\\\\') : -1;
  if (pair >= 0) marks.push(odd('backslash-pair', at(pair, 2)));
  return marks;
}
