// Taking one step back, judged by what the server shows: only what is ours, and nothing that others made of it.
import { readable } from '../change/encode.ts';
import { composeEdits, spliceEdits } from '../change/splice.ts';
import { type FileText, invert, type PutCrontab, type PutFile, type PutTask } from '../change/step.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { CrontabSource, Route, Seen } from '../server/server.ts';
import { type Finding, sourceName } from '../survey/facts.ts';
import { findGuard, removeGuard } from '../worker/line.ts';
import { takeLinesBack } from './ourLines.ts';

/** A crontab as it is now. */
export interface Now {
  readonly source: CrontabSource;
  readonly route: Route;
  readonly text: string;
}

/** What changes a crontab: its own bytes, or tasks whose lines Plesk writes. */
export type CrontabStep = PutCrontab | PutTask;

/** A crontab on its way back. */
interface CrontabWay {
  readonly now: Now;
  readonly text: string;
  readonly edits: PutCrontab['edits'];
  readonly mtime?: string | undefined;
}

/** A file on its way back; `first` is the step whose place and owner it is written with. */
interface FileWay {
  readonly first: PutFile;
  readonly now: FileText | 'absent' | 'other';
  readonly text: FileText | 'absent' | 'other';
}

/** What was worked out so far. */
export interface Ways {
  /** Tasks on their way back, by the crontab their lines stand in: what becomes of that text is in `crontabs`. */
  readonly tasks: Map<string, PutTask>;
  readonly crontabs: Map<string, CrontabWay>;
  readonly files: Map<string, FileWay>;
  readonly findings: Finding[];
  /** What others changed since: their part is kept. */
  readonly foreign: Set<string>;
  /** Paths that stay as they are: others need them, or a release replaced them. */
  readonly kept: Set<string>;
  /** Tasks that a form of ours has switched off, and that are switched on again. */
  readonly woken: Set<number>;
  /** Crontabs that later deployments of ours have changed too, and nobody else. */
  readonly shared: Set<string>;
}

export function noWays(): Ways {
  return {
    tasks: new Map(),
    crontabs: new Map(),
    files: new Map(),
    findings: [],
    foreign: new Set(),
    kept: new Set(),
    woken: new Set(),
    shared: new Set(),
  };
}

/**
 * Takes a crontab step back. Says whether it stood there. With `perhaps` the step may never have been carried out:
 * a crash cut it off, or it was undone; the lines before it are then an answer too. `later` is what deployments and
 * rollbacks of ours did to crontabs since, in order: what they explain is nobody else's edit.
 */
export function takeBackCrontab(
  step: PutCrontab,
  crontabs: readonly Now[],
  ways: Ways,
  perhaps: boolean,
  later: readonly CrontabStep[] = [],
): boolean {
  const name = sourceName(step.source);
  const now = crontabs.find((c) => sourceName(c.source) === name);
  if (now === undefined) {
    ways.findings.push({ level: 'stop', code: 'crontab-gone', args: { source: name } });
    return false;
  }
  const held = ways.crontabs.get(name) ?? { now, text: now.text, edits: [] };
  const back = invert(step) as PutCrontab;
  if (held.text === step.before) return false;
  if (held.text === step.after) {
    const edits = composeEdits(held.edits, back.edits);
    ways.crontabs.set(name, { now, text: step.before, edits, mtime: back.mtime });
    return true;
  }
  const { text, taken, lost } = takeLinesBack(held.text, back);
  const unsure = perhaps && (taken.length === 0 || lost.length > 0);
  if (unsure && spliceEdits(held.text, step.edits).is === 'spliced') return false;
  if (lost.length === 0) {
    (explained(step, held.text, later) ? ways.shared : ways.foreign).add(name);
    ways.crontabs.set(name, { now, text, edits: composeEdits(held.edits, taken) });
    return true;
  }
  const said = (lines: Bytes): string => readable(lines).trimEnd();
  for (const one of lost) {
    const args = { source: name, line: said(one.ours), was: said(one.before) };
    const code = one.is === 'gone' ? 'our-line-edited' : 'our-line-twice';
    const now = one.now === undefined ? {} : { now: said(one.now) };
    ways.findings.push({ level: 'stop', code, args: { ...args, ...now } });
  }
  return false;
}

/**
 * Does what we did since lead from this step's text to the one that is there? Of a task's line that is as it was expected
 * of Plesk: where Plesk has written it otherwise, it counts as an edit of others.
 */
export function explained(step: CrontabStep, text: string, later: readonly CrontabStep[]): boolean {
  let now = textAfter(step);
  if (now === 'unknown') return false;
  for (const next of later) {
    if (sourceName(next.source) !== sourceName(step.source)) continue;
    const spliced = spliceEdits(now, next.edits);
    if (spliced.is === 'spliced') now = spliced.text;
    if (now === text) return true;
  }
  return false;
}

function textAfter(step: CrontabStep): Bytes | 'unknown' {
  if (step.kind === 'put-crontab' || step.after !== 'plesk') return step.after;
  const expected = spliceEdits(step.base, step.edits);
  return expected.is === 'spliced' ? expected.text : 'unknown';
}

/**
 * Takes a file step back. A guard that was edited stops the rollback. A script that others edited loses our line
 * alone; one without our line (a release) stays as it is. Steps of an earlier deployment (`mine` is false) are what it
 * left to those after it: where they do not fit, nothing is said.
 */
export function takeBackFile(step: PutFile, seen: Seen, ways: Ways, mine: boolean): void {
  const { path, before, after } = step;
  const now = textOf(seen);
  const held = ways.files.get(path) ?? { first: step, now, text: now };
  const { text } = held;
  const becomes = (next: FileText | 'absent'): void => {
    ways.files.set(path, { ...held, text: next });
  };
  if (same(text, before)) return;
  if (same(text, after)) {
    becomes(before);
    return;
  }
  if (typeof text !== 'string' && after !== 'absent' && text.bytes === after.bytes) {
    // The bytes are ours; mode or owner were changed by others and are theirs.
    becomes(before === 'absent' ? 'absent' : { ...lookOf(text), bytes: before.bytes });
    return;
  }
  if (step.what === 'script') {
    const ours = after !== 'absent' && findGuard(after.bytes) !== 'none';
    if (ours && text !== 'other' && (text === 'absent' || !callsGuard(text.bytes))) {
      ways.kept.add(path);
      const code = text === 'absent' ? 'script-gone' : 'script-replaced';
      if (mine) ways.findings.push({ level: 'note', code, args: { path } });
      return;
    }
    const stripped = withoutLine(step, text);
    if (stripped !== 'none') {
      ways.foreign.add(path);
      becomes(stripped);
      return;
    }
  } else if (!mine) return;
  ways.findings.push({ level: 'stop', code: 'file-edited', args: { path } });
}

/** The edited script without our line, where that line was all we had changed. */
function withoutLine(step: PutFile, text: FileText | 'absent' | 'other'): FileText | 'none' {
  const { before, after } = step;
  if (typeof text === 'string' || before === 'absent' || after === 'absent') return 'none';
  if (text.uid !== step.as.uid) return 'none';
  const deployed = removeGuard(after.bytes);
  if (deployed.is !== 'removed' || deployed.text !== before.bytes) return 'none';
  const stripped = removeGuard(text.bytes);
  if (stripped.is !== 'removed' || callsGuard(stripped.text)) return 'none';
  return { ...lookOf(text), bytes: stripped.text };
}

/** Our line, or any other mention of a guard's file: whoever wrote it may need it. */
function callsGuard(bytes: string): boolean {
  return findGuard(bytes) !== 'none' || /cronlatch-guard\.(php|mjs)/.test(bytes);
}

function textOf(seen: Seen): FileText | 'absent' | 'other' {
  if (seen.is === 'absent') return 'absent';
  if (seen.is !== 'file') return 'other';
  const { bytes, mode, uid, gid, mtime } = seen;
  return { bytes, mode, uid, gid, mtime };
}

function lookOf({ mode, uid, gid }: FileText): Omit<FileText, 'bytes' | 'mtime'> {
  return { mode, uid, gid };
}

/** Equal in everything but the time. */
function same(a: FileText | 'absent' | 'other', b: FileText | 'absent'): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  return a.bytes === b.bytes && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}
