// What a deployment leaves behind: the records of its journal, one JSON document a line, and how they are read.
import { createHash } from 'node:crypto';
import { stepFromJson, stepToJson } from '../change/encode.ts';
import type { Plan } from '../change/plan.ts';
import type { Step } from '../change/step.ts';
import type { JobCounts } from '../database/jobs.ts';
import type { Counters } from '../database/refusals.ts';
import { Problem } from '../problem.ts';

export const journalSchema = 1;

export type CloseState = 'deployed' | 'rolled-back' | 'failed';

export interface Baseline {
  readonly log: string;
  /** Where the log ended when the deployment was applied. */
  readonly size: number;
  readonly inode: string | 'absent';
}

/** How a worker's database stood when the deployment was applied. */
export interface DatabaseBaseline {
  readonly script: string;
  /** ISO. */
  readonly at: string;
  readonly counters?: Counters;
  readonly jobs?: JobCounts;
  /** Root was let in by none of its ways: the checks do not ask again, since each time is counted. */
  readonly administrators?: 'denied';
}

export type JournalRecord =
  | {
      readonly is: 'open';
      readonly schema: number;
      readonly id: string;
      /** Its place in the book: clocks are set back, the order of deployments is not. Earlier versions wrote none. */
      readonly number?: number;
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
  | {
      readonly is: 'baseline';
      readonly at: string;
      readonly logs: readonly Baseline[];
      /** Counters and jobs of the workers' databases; earlier versions wrote none. */
      readonly databases?: readonly DatabaseBaseline[];
    }
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
      ? { ...record, plan: { ...record.plan, steps: record.plan.steps.map(stepToLine) } }
      : record;
  return `${JSON.stringify(json)}\n`;
}

/** A step with the sha256 of the text it may have to bring back. */
function stepToLine(step: Step): Record<string, unknown> {
  const sha256 = sumOf(step);
  return { ...stepToJson(step), ...(sha256 === undefined ? {} : { sha256 }) };
}

/** Over the bytes themselves, so that it can be compared with what `sha256sum` says of a file. */
function sumOf(step: Step): string | undefined {
  const before =
    step.kind === 'put-crontab' || step.kind === 'put-task'
      ? step.before
      : step.kind === 'put-file' && step.before !== 'absent'
        ? step.before.bytes
        : undefined;
  return before === undefined
    ? undefined
    : createHash('sha256').update(Buffer.from(before, 'latin1')).digest('hex');
}

/** A text that is not the one that was written would be 'restored' over a customer's file: it is refused. */
function stepFromLine(path: string, line: unknown, index: number): Step {
  const { sha256, ...json } = line as { sha256?: string };
  const step = stepFromJson(json as never);
  // The first version wrote none.
  if (sha256 !== undefined && sha256 !== sumOf(step))
    throw new Problem('journal-unreadable', {
      path,
      line: 1,
      reason: `the text before step ${index + 1} is not the one that was written (sha256)`,
    });
  return step;
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
  const steps = first.plan.steps.map((step, i) => stepFromLine(path, step, i));
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

/** The order of the book: by number; those without one are from before there were numbers, and by their times. */
export function comesAfter(a: Journal, b: Journal): boolean {
  const [one, other] = [a.open.number ?? 0, b.open.number ?? 0];
  return one === other ? a.open.at + a.open.id > b.open.at + b.open.id : one > other;
}
