// A scheduled task of Plesk as this program speaks of it (facts: task-types, active-values).

export type TaskType = 'exec' | 'php' | 'http';

export interface Task {
  readonly id: number;
  /** Login of the system user, `root` for the server's own. */
  readonly user: string;
  readonly active: boolean;
  readonly type: TaskType;
  /** Id of the PHP handler of a php task. */
  readonly handler: string;
  /** A shell text, the path of a PHP script, or an address. */
  readonly command: string;
  readonly args: string;
  readonly description: string;
  readonly notify: string;
  /** The five fields, one blank between them. */
  readonly schedule: string;
}

/** What an update of ours may change; everything else of a task stays. */
export interface TaskText {
  readonly type: TaskType;
  readonly command: string;
  readonly args: string;
}

/** What of the task an update may change. */
export function textOf({ type, command, args }: TaskText): TaskText {
  return { type, command, args };
}

/** The same type, command and arguments. */
export function sameText(a: TaskText, b: TaskText): boolean {
  return a.type === b.type && a.command === b.command && a.args === b.args;
}

export function isType(text: string): text is TaskType {
  return text === 'exec' || text === 'php' || text === 'http';
}

/** Any other value than these is a question, not a no. */
export function isActive(value: unknown): boolean | 'unknown' {
  if (value === true || value === 1 || value === '1' || value === 'true') return true;
  return value === false || value === 0 || value === '0' || value === 'false' ? false : 'unknown';
}
