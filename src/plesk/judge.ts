// Is a crontab what it was but for these tasks' own lines? Asked after every update, since Plesk writes that text itself
// (facts: update-writes-line, exec-line, php-arguments).
import type { Bytes, Crontab, Dialect, EntryLine } from '../crontab/crontab.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { settingsAt } from '../crontab/settings.ts';
import { isChrootShell } from './chroot.ts';
import { carries, phpLineOf } from './line.ts';
import type { TaskText } from './task.ts';

/** One task's line, and the texts it may carry. */
export interface Carried {
  /** Its line in the base text. */
  readonly line: number;
  readonly texts: readonly TaskText[];
}

/** A task that is switched off has no line (fact: inactive-line); while it is being switched it may have one. */
function lineOf(texts: readonly TaskText[]): 'there' | 'gone' | 'either' {
  const off = texts.filter(({ active }) => active === false).length;
  return off === 0 ? 'there' : off === texts.length ? 'gone' : 'either';
}

export type Judged =
  | { readonly is: 'as-meant'; readonly lines: ReadonlyMap<number, EntryLine> }
  | {
      readonly is: 'other';
      readonly why: 'no-line' | 'still-runs' | 'others-changed' | 'chrooted';
      readonly line: number;
    };

/** Entries and comments with what is in force for them; settings count by what they do, blank lines not at all. */
interface Kept {
  readonly line: number;
  readonly text: string;
}

/** Compares the text with the base it began with. The order of everybody else's lines is kept, and their settings. */
export function judgeCrontab(base: Bytes, text: Bytes, tasks: readonly Carried[], dialect: Dialect): Judged {
  const before = parseCrontab(base, { dialect, system: false });
  const now = parseCrontab(text, { dialect, system: false });
  const own = new Map<number, EntryLine>();
  const taken = new Set<number>();
  for (const { line, texts } of tasks) {
    const old = entryAt(before, line);
    if (old === undefined) return { is: 'other', why: 'no-line', line };
    const schedule = scheduleOf(before, old);
    const found = entriesOf(now).find(
      (entry) =>
        !taken.has(entry.number) &&
        scheduleOf(now, entry) === schedule &&
        texts.some((one) => carriesLine(now, entry, one)),
    );
    const wanted = lineOf(texts);
    if (found === undefined && wanted !== 'there') continue;
    if (found === undefined) return { is: 'other', why: 'no-line', line };
    if (wanted === 'gone') return { is: 'other', why: 'still-runs', line };
    taken.add(found.number);
    own.set(line, found);
    const isPhp = texts.every((one) => one.type === 'php');
    const shell = settingsAt(now, found.number).get('SHELL') ?? '/bin/sh';
    if (isPhp && isChrootShell(shell)) return { is: 'other', why: 'chrooted', line };
    // A task of another kind may go to another block of the crontab, below other settings.
    const wasPhp = phpLineOf(old.command.text) !== undefined;
    if (
      texts.every((one) => (one.type === 'php') === wasPhp) &&
      effect(before, line) !== effect(now, found.number)
    )
      return { is: 'other', why: 'others-changed', line };
  }
  const mine = new Set(tasks.map(({ line }) => line));
  const old = keptOf(before, mine);
  const kept = keptOf(now, taken);
  const at = old.findIndex((one, i) => kept[i]?.text !== one.text);
  if (at >= 0) return { is: 'other', why: 'others-changed', line: old[at]?.line ?? 0 };
  if (kept.length > old.length)
    return { is: 'other', why: 'others-changed', line: kept[old.length]?.line ?? 0 };
  return { is: 'as-meant', lines: own };
}

function entriesOf({ lines }: Crontab): EntryLine[] {
  return lines.filter((line): line is EntryLine => line.is === 'entry');
}

function entryAt(crontab: Crontab, number: number): EntryLine | undefined {
  return entriesOf(crontab).find((entry) => entry.number === number);
}

function scheduleOf({ text }: Crontab, { scheduleSpan }: EntryLine): string {
  return text
    .slice(scheduleSpan.start, scheduleSpan.end)
    .split(/[ \t]+/)
    .join(' ');
}

function carriesLine({ text }: Crontab, entry: EntryLine, task: TaskText | undefined): boolean {
  if (task === undefined) return false;
  const raw = text.slice(entry.commandSpan.start, entry.commandSpan.end);
  return carries(raw, task) || carries(entry.command.text, task);
}

function keptOf(crontab: Crontab, without: ReadonlySet<number>): Kept[] {
  const kept: Kept[] = [];
  for (const line of crontab.lines) {
    if (without.has(line.number) || line.is === 'setting' || line.is === 'blank') continue;
    const written = crontab.text.slice(line.span.start, line.span.end);
    const text = line.is === 'entry' ? `${effect(crontab, line.number)}\n${written}` : written;
    kept.push({ line: line.number, text });
  }
  return kept;
}

/** What is in force for an entry. */
function effect(crontab: Crontab, line: number): string {
  return JSON.stringify([...settingsAt(crontab, line)].sort(([a], [b]) => (a < b ? -1 : 1)));
}
