// Which version of PHP or Node a path names, and whether a range of composer.json or package.json leaves it out. Pure.
import type { InterpreterKind } from '../command/command.ts';

type Version = readonly [number, number, number];

/** The version a program's path gives away (`/opt/plesk/php/8.3/bin/php`, `ea-php84`, `node/v18.17.0/bin/node`). */
export function versionOfPath(path: string, kind: InterpreterKind): string | undefined {
  const pattern =
    kind === 'php'
      ? /php[/-]?([5-9])(?:\.?(\d)(?:\.(\d{1,3}))?)?(?![\d.])/gi
      : /node(?:js)?[/-]?v?(\d{1,3})(?:\.(\d{1,3})(?:\.(\d{1,3}))?)?(?![\d.])/gi;
  const found = [...path.matchAll(pattern)].at(-1);
  return found
    ?.slice(1)
    .filter((part) => part !== undefined)
    .join('.');
}

/**
 * True when no version that begins like this one is in the range. A range that is not understood leaves nothing out:
 * a wrong alarm is worse than none.
 */
export function isLeftOut(version: string, range: string): boolean {
  const parts = version.split('.').map(Number);
  const low: Version = [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0];
  const high = after(low, parts.length);
  let understood = false;
  for (const part of range.split(/\|\|?/)) {
    const interval = intervalOf(part);
    if (interval === 'unknown') return false;
    understood = true;
    if (compare(low, interval.high) < 0 && compare(interval.low, high) < 0) return false;
  }
  return understood;
}

const LOWEST: Version = [0, 0, 0];
const HIGHEST: Version = [1e6, 0, 0];

/** The first version that no longer begins with the first `count` numbers of this one. */
function after(version: Version, count: number): Version {
  if (count <= 1) return [version[0] + 1, 0, 0];
  return count === 2 ? [version[0], version[1] + 1, 0] : [version[0], version[1], version[2] + 1];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

interface Interval {
  readonly low: Version;
  readonly high: Version;
}

function intervalOf(text: string): Interval | 'unknown' {
  const hyphen = /^\s*(v?\d[\d.]*)\s+-\s+(v?\d[\d.]*)\s*$/.exec(text);
  const words = hyphen ? [`>=${hyphen[1]}`, `<=${hyphen[2]}`] : splitWords(text);
  let low = LOWEST;
  let high = HIGHEST;
  for (const word of words) {
    const one = comparator(word);
    if (one === 'unknown') return 'unknown';
    if (compare(one.low, low) > 0) low = one.low;
    if (compare(one.high, high) < 0) high = one.high;
  }
  return words.length === 0 ? 'unknown' : { low, high };
}

/** `>= 8.1 , < 9` is two words, whatever blanks stand in it. */
function splitWords(text: string): string[] {
  return text
    .replace(/([<>=~^!])\s+/g, '$1')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
}

function comparator(word: string): Interval | 'unknown' {
  if (/^(?:\*|x)$/i.test(word)) return { low: LOWEST, high: HIGHEST };
  const match =
    /^(\^|~|>=|<=|>|<|=|==)?v?(\d+)(?:\.(\d+|[*x]))?(?:\.(\d+|[*x]))?(?:\.[\d*x]+)?(?:-[0-9A-Za-z.]+)?(?:@\w+)?$/i.exec(
      word,
    );
  if (match === null) return 'unknown';
  const [, operator = '', ...rest] = match;
  const numbers = rest.filter((part) => part !== undefined && /^\d+$/.test(part)).map(Number);
  const version: Version = [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
  const next = after(version, numbers.length);
  switch (operator) {
    case '^':
      return { low: version, high: [version[0] + 1, 0, 0] };
    case '~':
      // Composer's ~8.1 reaches up to 9, npm's up to 8.2: the wider one leaves out less.
      return { low: version, high: numbers.length === 3 ? after(version, 2) : [version[0] + 1, 0, 0] };
    case '>=':
      return { low: version, high: HIGHEST };
    case '>':
      return { low: version, high: HIGHEST };
    case '<':
      return { low: LOWEST, high: version };
    case '<=':
      return { low: LOWEST, high: next };
    default:
      return { low: version, high: next };
  }
}

/** What composer.json or package.json wants of the interpreter; nothing when it says nothing. */
export function rangeIn(text: string, kind: InterpreterKind): string | undefined {
  let json: Record<string, Record<string, unknown> | undefined>;
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    return undefined;
  }
  const range = kind === 'php' ? json?.['require']?.['php'] : json?.['engines']?.['node'];
  return typeof range === 'string' ? range : undefined;
}
