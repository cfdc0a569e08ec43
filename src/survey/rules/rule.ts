// What a rule is: a code, what must stand in the text for it to be worth asking, and a pure question.
import type { Reading } from '../../command/command.ts';
import type { Syntax } from '../../command/syntax.ts';
import type { Bytes, Crontab, Dialect, EntryLine, Span } from '../../crontab/crontab.ts';
import type { CrontabSource, Person, Seen } from '../../server/server.ts';
import type { Finding, Job, Level, TaskFacts } from '../facts.ts';
import type { RuleCode } from './levels.ts';

/** One place where a rule has something to say. */
export interface Hit {
  /** In the decoded command text. */
  readonly at?: Span;
  /** In the whole crontab. */
  readonly span?: Span;
  readonly args?: Finding['args'];
  /** Where it is another one than the rule's own. */
  readonly level?: Level;
}

/** An entry as rules about its text see it. */
export interface EntryView {
  readonly source: CrontabSource;
  readonly crontab: Crontab;
  readonly dialect: Dialect;
  readonly entry: EntryLine;
  readonly reading: Reading;
  /** SHELL in force. */
  readonly shell: Bytes;
  /** dash reads the text: `/bin/sh` of Debian, or dash by its own name. */
  readonly dash: boolean;
  readonly person: Person | 'unknown';
  readonly user: string;
  /** Variables that have a value when the text is read. */
  readonly isSet: (name: Bytes) => boolean;
  /** What is wrong with the program the text begins with, where this machine can tell. */
  readonly program: Program | 'fine';
  /** The scheduled task of Plesk whose line this is. */
  readonly task?: TaskFacts;
  readonly syntax: () => Syntax | 'syntax-error';
}

export interface Program {
  readonly at: Span;
  readonly name: string;
  readonly is: 'absent' | 'directory' | 'not-executable' | 'not-on-path';
}

/** A question about a text that is cheap to ask. */
export interface Gate {
  test(text: Bytes): boolean;
}

/**
 * The texts with any of these pieces in them. Looking for a piece needs no preparation; a regular expression is compiled
 * at its first use and again at its second, which takes longer than all else a scan of a few lines does.
 */
export function anyOf(...pieces: readonly string[]): Gate {
  return { test: (text) => pieces.some((piece) => text.includes(piece)) };
}

export interface EntryRule {
  readonly code: RuleCode;
  /** Texts that it is not true of are not asked about. */
  readonly gate?: Gate;
  readonly check: (view: EntryView) => readonly Hit[];
}

export type BareJob = Omit<Job, 'obstacles' | 'findings'>;

/** A rule about the worker an entry starts. An obstacle forbids latching it. */
export interface JobRule {
  readonly code: RuleCode;
  readonly check: (
    job: BareJob,
    paths: ReadonlyMap<string, Seen>,
  ) => (Hit & { readonly obstacle?: boolean }) | 'fine';
}

/** The crontab as a whole, and the file it is. */
export interface FileView {
  readonly source: CrontabSource;
  readonly crontab: Crontab;
  /** How the file stands on this machine; 'unseen' where only crontab(1) is spoken to, or the machine is another. */
  readonly file: { readonly mode: number; readonly uid: number; readonly links: number } | 'unseen';
  /** Whose crontab it is. */
  readonly person: Person | 'unknown';
}

export interface FileRule {
  readonly code: RuleCode;
  readonly check: (view: FileView) => readonly (Hit & { readonly line?: number })[];
}
