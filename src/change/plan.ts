// A plan: steps in the order in which every prefix is safe, and what no rollback can bring back.
import { createHash } from 'node:crypto';
import type { Dialect } from '../crontab/crontab.ts';
import type { CrontabSource, Owner } from '../server/server.ts';
import { stepToJson } from './encode.ts';
import type { Step } from './step.ts';

export const planSchema = 1;

/** One worker a plan is about: what verify and rollback need to know of it later. */
export interface Latched {
  readonly name: string;
  readonly source: string;
  /** The same source, for reading it again. */
  readonly from: CrontabSource;
  /** Whose rules the crontab was read by; journals of earlier versions do not say. */
  readonly dialect?: Dialect;
  readonly line: number;
  readonly script: string;
  readonly uid: number;
  readonly gid: number;
  readonly user: string;
  readonly interpreter: { readonly kind: 'php' | 'node'; readonly path: string };
  readonly args: readonly string[];
  readonly directory: string;
  /** Directory and name of the lock; absent where no guard is deployed. */
  readonly lock?: {
    readonly directory: string;
    readonly name: string;
    readonly guard: string;
    readonly place: 'script' | 'entry';
    /** The second lock: its file beside the guard, and where its credentials are. */
    readonly shared?: { readonly file: string; readonly from: string };
  };
  /** Absolute path. */
  readonly log?: string;
  /** Who opens the log, when it is not the user the worker runs as. */
  readonly logOwner?: Owner;
  readonly once: boolean;
  /** Number of the task of Plesk that was changed with the entry. */
  readonly task?: number;
  /** The entry's command (decoded text as UTF-8) before and after, for the other forms of rollback. */
  readonly command: { readonly before: string; readonly after: string };
  /** The five fields or the nickname. */
  readonly schedule: string;
  /** Does any cron run this entry? */
  readonly live: boolean;
}

export interface CannotUndo {
  readonly code: 'processes-stopped';
  readonly script: string;
  readonly pids: readonly number[];
}

export interface Plan {
  readonly schema: typeof planSchema;
  /** sha256 over purpose, steps and workers: equal plans have equal ids. */
  readonly id: string;
  readonly for: 'deploy' | 'rollback';
  readonly steps: readonly Step[];
  readonly workers: readonly Latched[];
  readonly cannotUndo: readonly CannotUndo[];
}

/**
 * Names a plan by what it does and for whom: the checks run what its workers name. PIDs seen are left out, and with
 * them `cannotUndo`, which follows from them: they change by the minute and decide nothing.
 */
export function planOf(parts: Omit<Plan, 'schema' | 'id'>): Plan {
  const steps = parts.steps.map((step) =>
    stepToJson(step.kind === 'stop-process' ? { ...step, seen: [] } : step),
  );
  const essence = JSON.stringify({ for: parts.for, steps, workers: parts.workers });
  const id = createHash('sha256').update(essence).digest('hex').slice(0, 12);
  return { schema: planSchema, id, ...parts };
}

/** What stopping leaves no way back from: said of every instance that was seen running. */
export function cannotUndoOf(steps: readonly Step[]): CannotUndo[] {
  return steps.flatMap((s) =>
    s.kind === 'stop-process' && s.seen.length > 0
      ? [{ code: 'processes-stopped', script: s.script, pids: s.seen }]
      : [],
  );
}

/** Does the plan write anything, or end anything that runs? */
export function isEmpty(plan: Plan): boolean {
  return plan.steps.every((step) => step.kind === 'stop-process' && step.seen.length === 0);
}

/** A plan as `--json` and `--save` print it. */
export function planToJson(plan: Plan): Record<string, unknown> {
  return { ...plan, steps: plan.steps.map(stepToJson) };
}
