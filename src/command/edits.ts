// Changes to a text by position, so that every byte nobody asked to change stays.
import type { Bytes } from '../crontab/crontab.ts';

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: Bytes;
}

/** The text with the edits made. Edits at one place are made in the order given; they must not overlap. */
export function applyEdits(text: Bytes, edits: readonly Edit[]): Bytes {
  let out = '';
  let at = 0;
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    out += text.slice(at, edit.start) + edit.text;
    at = Math.max(at, edit.end);
  }
  return out + text.slice(at);
}

/** Where the blanks that start at `at` end. */
export function skipBlanks(text: Bytes, at: number): number {
  let end = at;
  while (text[end] === ' ' || text[end] === '\t') end++;
  return end;
}
