// Taking back our own lines from a crontab that others have edited since.
import type { Bytes } from '../crontab/crontab.ts';
import type { Edit } from './step.ts';

/** The text cut into whole lines, newlines kept: LF only, as cron does it. */
export function wholeLines(text: Bytes): Bytes[] {
  const lines: Bytes[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf('\n', at);
    const next = end === -1 ? text.length : end + 1;
    lines.push(text.slice(at, next));
    at = next;
  }
  return lines;
}

/**
 * Applies edits made for another state of the text: each edit's `before` lines must stand in it exactly once,
 * together and in order. Everything else keeps its bytes.
 */
export function spliceEdits(
  text: Bytes,
  edits: readonly Edit[],
):
  | { readonly is: 'spliced'; readonly text: Bytes }
  | { readonly is: 'gone' | 'ambiguous'; readonly edit: Edit } {
  const lines = wholeLines(text);
  for (const edit of edits) {
    const places: number[] = [];
    for (let i = 0; i + edit.before.length <= lines.length; i++) {
      if (edit.before.every((line, k) => lines[i + k] === line)) places.push(i);
    }
    const place = places[0];
    if (place === undefined) return { is: 'gone', edit };
    if (places.length > 1) return { is: 'ambiguous', edit };
    lines.splice(place, edit.before.length, ...edit.after);
  }
  return { is: 'spliced', text: lines.join('') };
}

/** Two rows of edits, one after the other, as one: what the second makes of the first one's lines is said once. */
export function composeEdits(first: readonly Edit[], then: readonly Edit[]): Edit[] {
  const out = [...first];
  for (const edit of then) {
    const at = out.findIndex((e) => sameLines(e.after, edit.before));
    const earlier = out[at];
    if (earlier === undefined) out.push(edit);
    else out[at] = { ...earlier, after: edit.after };
  }
  return out.filter((e) => !sameLines(e.before, e.after));
}

function sameLines(a: readonly Bytes[], b: readonly Bytes[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}
