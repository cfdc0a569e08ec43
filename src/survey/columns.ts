// Where in its line a span of a crontab stands, in the columns editors and code scanners count.
import { Buffer, isUtf8 } from 'node:buffer';
import type { Bytes, Crontab, Span } from '../crontab/crontab.ts';

/** The text of a line, 1-based, without its newline. */
export function lineText(text: Bytes, at: number): { readonly start: number; readonly bytes: Bytes } {
  const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1;
  const newline = text.indexOf('\n', start);
  return { start, bytes: text.slice(start, newline < 0 ? text.length : newline) };
}

/**
 * Columns from 1, the end not included, counted in UTF-16 units of the line as it is shown: UTF-8 where it is that, else
 * one unit a byte.
 */
export function columnsOf(
  crontab: Crontab,
  span: Span,
): { readonly column: number; readonly endColumn: number } {
  const { start, bytes } = lineText(crontab.text, span.start);
  const column = span.start - start;
  const end = Math.min(Math.max(span.end, span.start) - start, bytes.length);
  if (!/[\x80-\xff]/.test(bytes)) return { column: column + 1, endColumn: end + 1 };
  const raw = Buffer.from(bytes, 'latin1');
  if (!isUtf8(raw)) return { column: column + 1, endColumn: end + 1 };
  const units = (to: number): number => raw.toString('utf8', 0, to).length + 1;
  return { column: units(column), endColumn: units(end) };
}
