// One time field: which values it names, by the rules of Debian's cron or of cronie.
import type { Bytes, Dialect } from './crontab.ts';

type FieldName = 'minute' | 'hour' | 'day' | 'month' | 'weekday';

export interface FieldKind {
  readonly name: FieldName;
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** The five fields in their order. Both 0 and 7 are Sunday. */
export const FIELDS: readonly FieldKind[] = [
  { name: 'minute', low: 0, high: 59 },
  { name: 'hour', low: 0, high: 23 },
  { name: 'day', low: 1, high: 31 },
  { name: 'month', low: 1, high: 12, names: MONTHS },
  { name: 'weekday', low: 0, high: 7, names: WEEKDAYS },
];

type FieldFault =
  | 'missing'
  | 'not-a-number'
  | 'out-of-range'
  | 'step-without-range'
  | 'zero-step'
  | 'bad-step'
  | 'trailing-junk'
  | 'byte-255'
  | 'reversed-random';

type FieldOddity =
  | { readonly code: 'reversed-range'; readonly from: number; readonly to: number }
  | { readonly code: 'step-beyond-range'; readonly step: number }
  | { readonly code: 'number-wraps'; readonly value: number }
  /** cronie picks one of these when it reads the file; the first stands for it here. */
  | { readonly code: 'random-time'; readonly from: number; readonly to: number }
  /** Debian reads no further in this field: `at` is where in the field that begins. */
  | { readonly code: 'junk-in-field'; readonly at: number };

export interface FieldRead {
  readonly is: 'field';
  /** Sorted, without repeats. */
  readonly values: readonly number[];
  readonly star: boolean;
  readonly odd: readonly FieldOddity[];
}

export interface FieldRefused {
  readonly is: 'refused';
  readonly why: FieldFault;
}

/** Debian's cron collects at most 999 letters and digits of one number (measured). */
const NUMBER_LENGTH: Readonly<Record<Dialect, number>> = { debian: 999, cronie: 131_071 };

function isAlnum(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** What C's atoi makes of digits on a 64-bit machine: clamped to a long, then cut to 32 bits. */
function toInt(digits: string): number {
  const short = digits.replace(/^0+(?=\d)/, '');
  if (short.length <= 15) return Number(short) | 0;
  if (short.length > 19) return -1;
  const big = BigInt(short);
  return big > 0x7fff_ffff_ffff_ffffn ? -1 : Number(BigInt.asIntN(32, big));
}

interface Found {
  readonly value: number;
  readonly end: number;
  readonly wraps: boolean;
}

function readNumber(
  text: Bytes,
  at: number,
  kind: FieldKind | undefined,
  dialect: Dialect,
): Found | undefined {
  let end = at;
  while (isAlnum(text.charCodeAt(end))) end++;
  if (end === at || end - at > NUMBER_LENGTH[dialect]) return undefined;
  const word = text.slice(at, end);
  if (/^\d+$/.test(word)) {
    const value = toInt(word);
    return { value, end, wraps: value !== Number(word) };
  }
  const index = word.length === 3 ? (kind?.names?.indexOf(word.toLowerCase()) ?? -1) : -1;
  return kind === undefined || index < 0 ? undefined : { value: index + kind.low, end, wraps: false };
}

/** Is this where cronie lets a part of a field end? Behind the last byte: yes. */
function isSeparator(byte: string | undefined): boolean {
  return byte === undefined || byte === ',';
}

/**
 * Reads one field: all bytes up to the next blank or newline (crontab.md 2.3; bounds and wrap measured with
 * `crontab -n`).
 *
 * Debian takes what it understands and skips the rest; cronie refuses what it does not understand. A range with its
 * end before its start is accepted and empty.
 */
export function readField(text: Bytes, kind: FieldKind, dialect: Dialect): FieldRead | FieldRefused {
  const wanted = new Uint8Array(kind.high + 1);
  const odd: FieldOddity[] = [];
  const refused = (why: FieldFault): FieldRefused => ({ is: 'refused', why });
  if (text === '') return refused('missing');
  let at = 0;
  for (;;) {
    let from = kind.low;
    let to = kind.high;
    let single = false;
    let random = false;
    if (text[at] === '*') {
      at++;
    } else if (dialect === 'cronie' && text[at] === '~') {
      random = true;
    } else {
      const first = readNumber(text, at, kind, dialect);
      if (first === undefined) return refused('not-a-number');
      if (first.wraps) odd.push({ code: 'number-wraps', value: first.value });
      from = first.value;
      at = first.end;
      random = dialect === 'cronie' && text[at] === '~';
      single = !random && text[at] !== '-';
      if (single) to = from;
      else if (!random) {
        const last = readNumber(text, at + 1, kind, dialect);
        if (last === undefined) return refused('not-a-number');
        if (last.wraps) odd.push({ code: 'number-wraps', value: last.value });
        to = last.value;
        at = last.end;
      }
    }
    let step = 1;
    if (random) {
      at++;
      if (!isSeparator(text[at])) {
        const last = readNumber(text, at, kind, dialect);
        if (last === undefined) return refused('not-a-number');
        to = last.value;
        at = last.end;
      }
      if (from > to) return refused('reversed-random');
      if (from < kind.low || to > kind.high) return refused('out-of-range');
      odd.push({ code: 'random-time', from, to });
      to = from;
    } else if (text[at] === '/') {
      if (single) return refused('step-without-range');
      const found = readNumber(text, at + 1, undefined, dialect);
      if (found === undefined) return refused('bad-step');
      if (found.value === 0) return refused('zero-step');
      step = found.value;
      at = found.end;
    }
    if (dialect === 'cronie' && !isSeparator(text[at])) return refused('trailing-junk');
    const bad = mark(wanted, from, to, step, kind, dialect, odd);
    if (bad !== undefined) return refused(bad);
    if (text[at] !== ',') break;
    at++;
  }
  // Debian's cron takes byte 255 for the end of the file right behind what it understood, not further on (measured).
  if (text[at] === '\xff') return refused('byte-255');
  if (at < text.length) odd.push({ code: 'junk-in-field', at });
  if (kind.name === 'weekday' && wanted[7]) wanted[0] = 1;
  const last = kind.name === 'weekday' ? 6 : kind.high;
  const values: number[] = [];
  for (let value = kind.low; value <= last; value++) if (wanted[value]) values.push(value);
  return { is: 'field', values, star: text[0] === '*', odd };
}

/** Marks every value from `from` to `to`; the fault when cron would not. */
function mark(
  wanted: Uint8Array,
  from: number,
  to: number,
  step: number,
  kind: FieldKind,
  dialect: Dialect,
  odd: FieldOddity[],
): FieldFault | undefined {
  const outside = (value: number) => value < kind.low || value > kind.high;
  if (dialect === 'debian') {
    if (outside(from) || outside(to)) return 'out-of-range';
    if (step < 0) return 'bad-step';
  }
  if (from > to) {
    odd.push({ code: 'reversed-range', from, to });
    return undefined;
  }
  // cronie looks at each value it sets and at nothing else, so a far end that no step reaches is fine with it.
  if (outside(from)) return 'out-of-range';
  if (step < 0) return 'bad-step';
  if (step > 1 && step > to - from) odd.push({ code: 'step-beyond-range', step });
  // `| 0` because cron's sum is a C int: a giant step wraps to a negative value, which is refused (measured).
  for (let value = from; value <= to; value = (value + step) | 0) {
    if (outside(value)) return 'out-of-range';
    wanted[value] = 1;
  }
  return undefined;
}
