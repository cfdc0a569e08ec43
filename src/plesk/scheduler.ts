// `plesk bin scheduler`: which verbs it has, and the words of an update (facts: scheduler-verbs, help-names-verbs,
// update-arguments, scheduler-php, scheduler-length).
import type { TaskText } from './task.ts';

/** Longest command that one source has found to be accepted. */
export const longestCommand = 740;

/** Does its help name the verb that changes a task? */
export function canUpdate(help: string): boolean {
  return /(?:^|[\s,[|])(?:--update|-u)(?=[\s,\]|<]|$)/m.test(help);
}

/** The words of an update: only what is to be changed is named, so that nothing else can be. */
export function updateWords(
  id: number,
  before: TaskText,
  after: TaskText,
  php: string | undefined,
): string[] {
  return [
    '--update',
    String(id),
    ...(before.type === after.type ? [] : ['-type', after.type]),
    ...(before.type !== after.type && after.type === 'php' && php !== undefined ? ['-php', php] : []),
    ...(before.command === after.command ? [] : ['-command', after.command]),
    ...(before.args === after.args ? [] : ['-arguments', after.args]),
  ];
}
