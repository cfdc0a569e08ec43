// `plesk bin scheduler --list -subscription D -json`: the panel's own list of tasks, beside its table (facts: list-rows,
// list-fields).
import { garbage, inShort, type Read, read } from './answer.ts';
import { isActive, type Task } from './task.ts';

/** A task as the list has it; what the row does not say in words we know is absent. */
export interface Listed {
  readonly id: number;
  readonly type?: string;
  readonly command?: string;
  readonly args?: string;
  readonly active?: boolean;
  readonly schedule?: string;
}

/** An array of tasks. A row without a number makes the whole no answer. */
export function readListed(text: string): Read<Listed[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return garbage(`no JSON: ${inShort(text) || '(nothing)'}`);
  }
  if (!Array.isArray(json)) return garbage('no array of tasks');
  const tasks: Listed[] = [];
  for (const row of json as unknown[]) {
    const values: Record<string, unknown> = typeof row === 'object' && row !== null ? { ...row } : {};
    const id = Number(values['id']);
    if (!Number.isInteger(id) || id <= 0) return garbage('a task without a number');
    const word = (key: string): string | undefined =>
      typeof values[key] === 'string' ? (values[key] as string) : undefined;
    const [type, command, args] = [word('type'), word('command'), word('arguments')];
    const active = isActive(values['isActive']);
    const fields = ['minute', 'hour', 'dayOfMonth', 'month', 'dayOfWeek'].map(word);
    tasks.push({
      id,
      ...(type === undefined ? {} : { type }),
      ...(command === undefined ? {} : { command }),
      ...(args === undefined ? {} : { args }),
      ...(active === 'unknown' ? {} : { active }),
      ...(fields.includes(undefined) ? {} : { schedule: fields.join(' ') }),
    });
  }
  return read(tasks);
}

/** In what the list differs from the table, where it says anything of it. */
export function differsFrom(
  task: Task,
  listed: Listed,
): { readonly field: string; readonly list: string; readonly panel: string } | 'none' {
  for (const field of ['type', 'command', 'args', 'active', 'schedule'] as const) {
    const [list, panel] = [listed[field], task[field]];
    if (list !== undefined && list !== panel) return { field, list: String(list), panel: String(panel) };
  }
  return 'none';
}
