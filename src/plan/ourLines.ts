// Our lines in a crontab that others have edited: which are there, which are back already, and what became of the rest.
import { spliceEdits, wholeLines } from '../change/splice.ts';
import type { Edit, PutCrontab } from '../change/step.ts';
import type { Bytes } from '../crontab/crontab.ts';

export interface Lost {
  readonly is: 'gone' | 'ambiguous';
  /** What we wrote, and what stood there before. */
  readonly ours: Bytes;
  readonly before: Bytes;
  /** The line that was made of it, where one looks like it. */
  readonly now?: Bytes;
}

/**
 * Takes the edits of `back` one by one. A line that somebody has put back by hand is none to take back any more; every
 * other that is not there to the byte is lost.
 */
export function takeLinesBack(
  text: Bytes,
  back: PutCrontab,
): { readonly text: Bytes; readonly taken: readonly Edit[]; readonly lost: readonly Lost[] } {
  const taken: Edit[] = [];
  const lost: Lost[] = [];
  const spare = new Map<Bytes, number>();
  const foreign = newLines(text, back.before);
  let now = text;
  for (const edit of back.edits) {
    const spliced = spliceEdits(now, [edit]);
    if (spliced.is === 'spliced') {
      now = spliced.text;
      taken.push(edit);
      continue;
    }
    const [ours, before] = [edit.before.join(''), edit.after.join('')];
    const left =
      spare.get(before) ?? (before === '' ? 0 : count(text, edit.after) - count(back.before, edit.after));
    if (spliced.is === 'gone' && left > 0) {
      spare.set(before, left - 1);
      continue;
    }
    const like = spliced.is === 'gone' ? likest(ours, foreign) : 'none';
    lost.push({ is: spliced.is, ours, before, ...(like === 'none' ? {} : { now: like }) });
  }
  return { text: now, taken, lost };
}

/** How often these lines stand in the text, one after the other. */
function count(text: Bytes, lines: readonly Bytes[]): number {
  const all = wholeLines(text);
  return all.filter((_, i) => lines.every((line, k) => all[i + k] === line)).length;
}

/** Lines that were not there when we had written. */
function newLines(text: Bytes, written: Bytes): Bytes[] {
  const known = new Set(wholeLines(written));
  return wholeLines(text).filter((line) => !known.has(line));
}

/** The line that shares most of its beginning and end with ours, if that is more than half of the shorter one. */
function likest(ours: Bytes, lines: readonly Bytes[]): Bytes | 'none' {
  let best: { line: Bytes; shared: number } | undefined;
  for (const line of lines) {
    const shared = sharedOf(ours, line);
    if (shared * 2 > Math.min(ours.length, line.length) && shared > (best?.shared ?? 0))
      best = { line, shared };
  }
  return best?.line ?? 'none';
}

function sharedOf(a: Bytes, b: Bytes): number {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let end = 0;
  while (end < most - head && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  return head + end;
}
