// Refused connections in a worker's log: which lines speak of them, and from when each is.
import type { RefusedBy } from './refusals.ts';

export interface RefusalLine {
  readonly by: RefusedBy;
  readonly errno: 1203 | 1226 | 1040;
  /** Milliseconds since the epoch; a line may be older than that by its zone, never newer. */
  readonly at: number | 'undated';
  readonly line: string;
}

const refusals: readonly (readonly [1203 | 1226 | 1040, RefusedBy, RegExp])[] = [
  [1226, 'account', /\b1226\b.*max_user_connections|exceeded the 'max_user_connections' resource/],
  [
    1203,
    'global',
    /\b1203\b.*(?:max_user_connections|active connections)|already has more than 'max_user_connections'/,
  ],
  [1040, 'server', /\b1040\b.*Too many connections|Too many connections|\[1040\]|ERROR 1040\b/],
  // A log that keeps the number only.
  [1203, 'global', /\[1203\]|ERROR 1203\b/],
  [1226, 'account', /\[1226\].*max_user|ERROR 1226\b.*max_user|\[1226\]\s*$/],
];

/**
 * The refusals in a text, in order. `since` leaves out those that are dated before it; an undated line gets the date of
 * the dated line above it. A date without a zone is read both as UTC and as a clock `offset` minutes ahead of it, and the
 * later reading counts: PHP keeps UTC unless it is told otherwise, whatever the server does.
 */
export function refusalLines(
  text: string,
  { since, offset = 0 }: { readonly since?: number; readonly offset?: number } = {},
): RefusalLine[] {
  const found: RefusalLine[] = [];
  let last: number | 'undated' = 'undated';
  for (const line of text.split('\n')) {
    const own = dateIn(line, offset);
    if (own !== 'undated') last = own;
    const kind = refusals.find(([, , shape]) => shape.test(line));
    if (kind === undefined) continue;
    if (since !== undefined && last !== 'undated' && last < since) continue;
    found.push({ errno: kind[0], by: kind[1], at: last, line: line.trimEnd() });
  }
  return found;
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** The date at the head of a line, to the second and rounded up; milliseconds since the epoch. */
export function dateIn(line: string, offset: number): number | 'undated' {
  const head = line.slice(0, 120);
  const iso = /(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)?/.exec(
    head,
  );
  if (iso) {
    const [, y, mo, d, h, mi, s, zone] = iso;
    return moment([y, Number(mo) - 1, d, h, mi, s].map(Number), zone, offset);
  }
  // PHP's own: [15-Nov-2025 10:00:01 Europe/Berlin]
  const php = /\[(\d\d)-([A-Z][a-z]{2})-(\d{4}) (\d\d):(\d\d):(\d\d)(?: ([\w/+-]+))?\]/.exec(head);
  if (php) {
    const [, d, mo, y, h, mi, s, zone] = php;
    return moment(
      [Number(y), months.indexOf((mo ?? '').toLowerCase()), ...[d, h, mi, s].map(Number)],
      zone,
      offset,
    );
  }
  return 'undated';
}

function moment(parts: readonly number[], zone: string | undefined, offset: number): number | 'undated' {
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  const utc = Date.UTC(y, mo, d, h, mi, s);
  if (mo < 0 || Number.isNaN(utc)) return 'undated';
  const end = utc + 999;
  if (zone === 'Z' || zone === 'UTC' || zone === 'GMT') return end;
  const shift = /^([+-])(\d\d):?(\d\d)$/.exec(zone ?? '');
  if (shift) {
    const minutes = Number(shift[2]) * 60 + Number(shift[3]);
    return end - (shift[1] === '-' ? -minutes : minutes) * 60_000;
  }
  // The zone of a name, or none: the clock of the server or UTC, whichever is later.
  return Math.max(end, end - offset * 60_000);
}
