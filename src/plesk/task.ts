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

/** What else a task has. An update that names one thing may reset another (fact: update-keeps-rest). */
export interface TaskRest {
  readonly active: boolean;
  readonly schedule: string;
  readonly notify: string;
  readonly description: string;
}

/** What an update of ours may change, and what has to stay as it is. */
export interface TaskText {
  readonly type: TaskType;
  readonly command: string;
  readonly args: string;
  /** Absent: nobody has looked. */
  readonly rest?: TaskRest;
  /** Is it switched on? Said where the step is about that. */
  readonly active?: boolean;
}

/** The task as an update speaks of it. */
export function textOf({
  type,
  command,
  args,
  active,
  schedule,
  notify,
  description,
}: Task): TaskText & { readonly rest: TaskRest } {
  return { type, command, args, rest: { active, schedule, notify, description } };
}

/** The same type, command and arguments, and as much switched on as both say. */
export function sameText(a: TaskText, b: TaskText): boolean {
  const alike = a.active === undefined || b.active === undefined || a.active === b.active;
  return alike && a.type === b.type && a.command === b.command && a.args === b.args;
}

/** Is it what is wanted, with all that had to stay? */
export function isAs(task: Task, wanted: TaskText): boolean {
  return sameText(task, wanted) && (wanted.rest === undefined || restWords(task, wanted.rest).length === 0);
}

/** The words of an update for what differs of the rest. */
export function restWords(now: TaskRest, wanted: TaskRest): string[] {
  return [
    ...(now.active === wanted.active ? [] : ['-active', String(wanted.active)]),
    ...(now.schedule === wanted.schedule ? [] : ['-schedule', wanted.schedule]),
    ...(now.notify === wanted.notify ? [] : ['-notify', wanted.notify]),
    ...(now.description === wanted.description ? [] : ['-description', wanted.description]),
  ];
}

export function isType(text: string): text is TaskType {
  return text === 'exec' || text === 'php' || text === 'http';
}

/** Any other value than these is a question, not a no. */
export function isActive(value: unknown): boolean | 'unknown' {
  if (value === true || value === 1 || value === '1' || value === 'true') return true;
  return value === false || value === 0 || value === '0' || value === 'false' ? false : 'unknown';
}
