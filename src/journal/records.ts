// What a deployment leaves behind: the records of its journal, one JSON document a line, and how they are read.
import { stepFromJson, stepToJson } from '../change/encode.ts';
import type { Plan } from '../change/plan.ts';
import { Problem } from '../problem.ts';

export const journalSchema = 1;

export type CloseState = 'deployed' | 'rolled-back' | 'failed';

export interface Baseline {
  readonly log: string;
  /** Where the log ended when the deployment was applied. */
  readonly size: number;
  readonly inode: string | 'absent';
}

export type JournalRecord =
  | {
      readonly is: 'open';
      readonly schema: number;
      readonly id: string;
      readonly at: string;
      readonly by: {
        readonly user: string;
        readonly host: string;
        readonly pid: number;
        readonly version: string;
      };
      readonly command: 'deploy' | 'rollback';
      /** The deployment a rollback takes back. */
      readonly of?: string;
      /** Which form of rollback. */
      readonly to?: 'before' | 'long-running' | 'disabled';
      readonly plan: Plan;
    }
  | { readonly is: 'begun' | 'done' | 'undoing' | 'undone'; readonly step: number; readonly at: string }
  | { readonly is: 'stuck'; readonly step: number; readonly at: string; readonly why: string }
  | {
      readonly is: 'signal';
      readonly at: string;
      readonly pid: number;
      readonly signal: string;
      readonly said: string;
    }
  /** The line above was cut off by a crash before it was durable. */
  | { readonly is: 'torn' }
  | { readonly is: 'baseline'; readonly at: string; readonly logs: readonly Baseline[] }
  | { readonly is: 'checked'; readonly at: string; readonly checks: readonly unknown[] }
  | { readonly is: 'close'; readonly at: string; readonly state: CloseState; readonly by?: string };

export type Open = Extract<JournalRecord, { is: 'open' }>;

export interface Journal {
  readonly path: string;
  /** Ends in a line that a crash cut off; the next record has to begin a new one. */
  readonly torn: boolean;
  readonly open: Open;
  readonly records: readonly JournalRecord[];
}

/** One record as a line of the journal, newline included, as UTF-8. */
export function printRecord(record: JournalRecord): string {
  const json =
    record.is === 'open'
      ? { ...record, plan: { ...record.plan, steps: record.plan.steps.map(stepToJson) } }
      : record;
  return `${JSON.stringify(json)}\n`;
}

/**
 * Reads a journal back. A last line without its newline was cut off by a crash before it was durable: it is not
 * there. Anything else that is not JSON of a known schema throws.
 */
export function readJournal(path: string, text: string): Journal | 'empty' {
  const lines = text.split('\n');
  const torn = lines.pop() !== ''; // '' after the last newline, else the line that was cut off
  const records = lines.flatMap((line, i): JournalRecord[] => {
    try {
      return [JSON.parse(line) as JournalRecord];
    } catch (error) {
      if (lines[i + 1] === printRecord({ is: 'torn' }).trim()) return [];
      throw new Problem(
        'journal-unreadable',
        { path, line: i + 1, reason: (error as Error).message },
        { cause: error },
      );
    }
  });
  const first = records[0];
  if (first === undefined) return 'empty';
  if (first.is !== 'open' || typeof first.schema !== 'number' || first.schema > journalSchema) {
    const reason =
      first.is === 'open'
        ? `it has schema ${first.schema}, this version reads ${journalSchema}`
        : 'it does not begin with its plan';
    throw new Problem('journal-unreadable', { path, line: 1, reason });
  }
  const steps = first.plan.steps.map((step) => stepFromJson(step as never));
  return { path, torn, open: { ...first, plan: { ...first.plan, steps } }, records };
}

/** How a journal ended; 'unfinished' when nothing says so. */
export function stateOf(journal: Journal): CloseState | 'unfinished' {
  for (let i = journal.records.length - 1; i >= 0; i--) {
    const record = journal.records[i];
    if (record?.is === 'close') return record.state;
  }
  return 'unfinished';
}

/** State of each step as far as the journal knows it; a crash may have fallen between the act and its record. */
export function stepStates(journal: Journal): ('planned' | 'begun' | 'done' | 'undone' | 'stuck')[] {
  const states = journal.open.plan.steps.map(
    (): 'planned' | 'begun' | 'done' | 'undone' | 'stuck' => 'planned',
  );
  for (const record of journal.records) {
    if (!('step' in record)) continue;
    states[record.step] = record.is === 'undoing' ? 'begun' : record.is;
  }
  return states;
}
