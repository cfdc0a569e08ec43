// The change as data: steps with what was before and what is to be after. Undo is the same data turned round.
import type { Bytes, Dialect } from '../crontab/crontab.ts';
import type { TaskChange } from '../server/panelPort.ts';
import type { CrontabSource, FileLook, Owner, Route } from '../server/server.ts';

/** A file's whole state; mtime is given only where it is to be restored. */
export interface FileText extends FileLook {
  readonly bytes: Bytes;
}

/** One entry before and after: what a later rollback looks for when others have edited the crontab too. */
export interface Edit {
  /** Line number in the before-text, 1-based. */
  readonly line: number;
  /** Whole lines, newline included. */
  readonly before: readonly Bytes[];
  readonly after: readonly Bytes[];
}

export interface MakeDirectory {
  readonly kind: 'make-directory';
  readonly path: string;
  readonly mode: number;
  readonly owner: Owner;
  readonly as: Owner;
}

/** The undo of make-directory: only while it is empty; a log in it is the user's and stays. */
export interface RemoveDirectory {
  readonly kind: 'remove-directory';
  readonly path: string;
  readonly mode: number;
  readonly owner: Owner;
  readonly as: Owner;
}

export interface PutFile {
  readonly kind: 'put-file';
  readonly what: 'guard' | 'script';
  readonly path: string;
  readonly as: Owner;
  readonly before: FileText | 'absent';
  readonly after: FileText | 'absent';
  /** Program that must accept the new bytes before they go live (`php -l`, `node --check`); the temporary file's path is added. */
  readonly judge?: readonly string[];
}

export interface PutCrontab {
  readonly kind: 'put-crontab';
  readonly source: CrontabSource;
  readonly route: Route;
  readonly before: Bytes;
  readonly after: Bytes;
  /** mtime the result is to have; only when putting back. */
  readonly mtime?: string;
  readonly edits: readonly Edit[];
}

/**
 * Tasks of Plesk, and with them the lines it writes for them into one user's crontab. `before` and `after` are that text:
 * 'plesk' is what Plesk makes of `base`, which is judged when it is there; bytes are put there exactly.
 */
export interface PutTask {
  readonly kind: 'put-task';
  readonly source: CrontabSource;
  readonly route: Route;
  readonly dialect: Dialect;
  /** `line`: of the task in the base text. */
  readonly changes: readonly (TaskChange & { readonly line: number })[];
  readonly base: Bytes;
  readonly before: Bytes | 'plesk';
  readonly after: Bytes | 'plesk';
  /** mtime the crontab is to have; only when putting back. */
  readonly mtime?: string;
  /** The lines as they are and as Plesk is expected to write them: for the eye, and for taking back ours among others'. */
  readonly edits: readonly Edit[];
}

export interface StopProcess {
  readonly kind: 'stop-process';
  /** Real path of the script whose lock-less instances are to end. */
  readonly script: string;
  readonly uid: number;
  readonly interpreter: 'php' | 'node';
  /** Arguments that tell this worker from others of the same script; absent: any arguments. */
  readonly args?: readonly string[];
  /** Who holds the lock on this file is left to finish. */
  readonly lock?: string;
  readonly lockAs: Owner;
  /** Seconds after SIGTERM. */
  readonly grace: number;
  /** Seconds after SIGTERM until SIGKILL; absent: never. */
  readonly killAfter?: number;
  /** PIDs seen while planning: for the reader, not for the act. */
  readonly seen: readonly number[];
}

export type Step = MakeDirectory | RemoveDirectory | PutFile | PutCrontab | PutTask | StopProcess;

/** The step that takes this one back; 'none' for what cannot be undone. */
export function invert(step: Step): Step | 'none' {
  switch (step.kind) {
    case 'make-directory':
      return { ...step, kind: 'remove-directory' };
    case 'remove-directory':
      return { ...step, kind: 'make-directory' };
    case 'put-file': {
      const { judge: _, ...rest } = step;
      return { ...rest, before: step.after, after: step.before };
    }
    case 'put-crontab': {
      const { mtime: _, ...rest } = step;
      const mtime = step.route.by === 'command' ? undefined : step.route.look.mtime;
      return {
        ...rest,
        before: step.after,
        after: step.before,
        ...(mtime === undefined ? {} : { mtime }),
        edits: invertEdits(step.edits),
      };
    }
    case 'put-task': {
      const { mtime: _, ...rest } = step;
      const mtime = step.route.by === 'command' ? undefined : step.route.look.mtime;
      return {
        ...rest,
        changes: step.changes.map((change) => ({ ...change, before: change.after, after: change.before })),
        before: step.after,
        after: step.before,
        ...(mtime === undefined || step.before === 'plesk' ? {} : { mtime }),
        edits: invertEdits(step.edits),
      };
    }
    case 'stop-process':
      return 'none';
  }
}

/** Turns edits round; line numbers move by what the edits above added or took. */
function invertEdits(edits: readonly Edit[]): Edit[] {
  let shift = 0;
  return [...edits]
    .sort((a, b) => a.line - b.line)
    .map((edit) => {
      const turned = { line: edit.line + shift, before: edit.after, after: edit.before };
      shift += edit.after.length - edit.before.length;
      return turned;
    });
}

/** What a step is about, for messages. */
export function targetOf(step: Step): string {
  switch (step.kind) {
    case 'put-crontab':
      return step.source.is === 'user' ? `the crontab of ${step.source.user}` : step.source.path;
    case 'put-task': {
      const ids = step.changes.map(({ id }) => id).join(', ');
      return `task ${ids} of Plesk${step.source.is === 'user' ? ` (${step.source.user})` : ''}`;
    }
    case 'stop-process':
      return `the instances of ${step.script}`;
    default:
      return step.path;
  }
}
