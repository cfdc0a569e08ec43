// A line of a stranger's file on a terminal, and a mark under a part of it: tabs, wide signs, bytes that are no text.
import { secretsIn } from '../command/secrets.ts';
import { letters } from './theme.ts';

/** The line as it can be shown, and in which column of the terminal each of its UTF-16 units stands. */
export interface Snippet {
  readonly text: string;
  /** One more than the line has units: where its end stands. */
  readonly columns: readonly number[];
}

const TAB = 8;

/** Makes a line fit to be shown: tabs become blanks, control characters are written out, secrets are hidden. */
export function snippetOf(line: string, unicode: boolean): Snippet {
  const secrets = secretsIn(line);
  // Nearly every line: each sign is one column wide and stands where it stands.
  if (secrets.length === 0 && /^[\x20-\x7e]*$/.test(line)) return { text: line, columns: upTo(line.length) };
  const columns: number[] = [];
  let text = '';
  let at = 0;
  let hidden = 0;
  for (let i = 0; i < line.length; ) {
    const secret = secrets[hidden];
    if (secret !== undefined && i === secret.start) {
      for (; i < secret.end; i++) columns[i] = at;
      text += '***';
      at += 3;
      hidden++;
      continue;
    }
    const sign = String.fromCodePoint(line.codePointAt(i) ?? 0);
    const shown = show(sign, at, unicode);
    for (let unit = 0; unit < sign.length; unit++) columns[i + unit] = at;
    text += shown;
    at += widthOf(shown);
    i += sign.length;
  }
  columns[line.length] = at;
  return { text, columns };
}

const counted: number[] = [];

/** 0 to n. */
function upTo(n: number): readonly number[] {
  while (counted.length <= n) counted.push(counted.length);
  return counted.slice(0, n + 1);
}

function show(sign: string, at: number, unicode: boolean): string {
  if (sign === '\t') return ' '.repeat(TAB - (at % TAB));
  if (/[\x00-\x1f\x7f-\x9f]/.test(sign)) return `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return letters(sign, unicode);
}

/** The mark under UTF-16 columns `column` to `endColumn` (from 1, the end not included). */
export function markUnder({ columns }: Snippet, column: number, endColumn: number): string {
  const last = columns.length - 1;
  const from = columns[Math.min(column - 1, last)] ?? 0;
  const to = columns[Math.min(endColumn - 1, last)] ?? from;
  return `${' '.repeat(from)}^${'~'.repeat(Math.max(0, to - from - 1))}`;
}

/**
 * The part of a line around a mark that fits into `width` columns. What is cut off is shown by three dots on that side.
 */
export function excerpt(line: string, mark: string, width: number): { line: string; mark: string } {
  if (widthOf(line) <= width || width < 12) return { line, mark };
  const from = mark.length - mark.trimStart().length;
  // Some of what stands in front is left to be seen, and as much of the marked part as there is room for.
  const left = Math.max(0, Math.min(from - Math.floor(width / 4), widthOf(line) - width + 3));
  const head = left > 0 ? '...' : '';
  const tail = widthOf(line) - left > width - head.length ? '...' : '';
  const room = width - head.length - tail.length;
  const shift = head.length - left;
  const cut = cutColumns(line, left, left + room);
  const marked = `${' '.repeat(Math.max(0, from + shift))}${mark.trimStart()}`;
  return { line: `${head}${cut}${tail}`, mark: marked.slice(0, head.length + room) };
}

/** Columns `from` to `to` of a text; half of a wide sign becomes a blank. */
function cutColumns(text: string, from: number, to: number): string {
  let out = '';
  let at = 0;
  for (const sign of text) {
    const width = signWidth(sign);
    const end = at + width;
    if (at >= from && end <= to) out += sign;
    else if (width > 1 && end > from && at < to) out += ' ';
    at = end;
  }
  return out;
}

/** Columns a text takes on a terminal. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const sign of text) width += signWidth(sign);
  return width;
}

/** East Asian wide and fullwidth signs and emoji, as blocks (Unicode's EastAsianWidth W and F). */
const WIDE =
  /[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50\u2b55\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{1f004}\u{1f0cf}\u{1f18e}\u{1f191}-\u{1f19a}\u{1f200}-\u{1f320}\u{1f32d}-\u{1f335}\u{1f337}-\u{1f37c}\u{1f37e}-\u{1f393}\u{1f3a0}-\u{1f3ca}\u{1f3cf}-\u{1f3d3}\u{1f3e0}-\u{1f3f0}\u{1f3f4}\u{1f3f8}-\u{1f43e}\u{1f440}\u{1f442}-\u{1f4fc}\u{1f4ff}-\u{1f53d}\u{1f54b}-\u{1f54e}\u{1f550}-\u{1f567}\u{1f57a}\u{1f595}\u{1f596}\u{1f5a4}\u{1f5fb}-\u{1f64f}\u{1f680}-\u{1f6c5}\u{1f6cc}\u{1f6d0}-\u{1f6d2}\u{1f6d5}-\u{1f6d7}\u{1f6dc}-\u{1f6df}\u{1f6eb}\u{1f6ec}\u{1f6f4}-\u{1f6fc}\u{1f7e0}-\u{1f7eb}\u{1f7f0}\u{1f90c}-\u{1f93a}\u{1f93c}-\u{1f945}\u{1f947}-\u{1f9ff}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function signWidth(sign: string): number {
  // Marks that sit on the sign before them, joiners and what only chooses how a sign looks.
  if (/^(?:\p{Mn}|\p{Me}|\p{Cf})$/u.test(sign)) return 0;
  return WIDE.test(sign) ? 2 : 1;
}

/** A sentence in lines of at most `width` columns. */
export function wrap(text: string, width: number): string[] {
  if (widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line.trimEnd());
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
