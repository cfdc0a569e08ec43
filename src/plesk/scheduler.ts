// `plesk bin scheduler`: which verbs it has, and the words of an update (facts: scheduler-verbs, help-names-verbs,
// update-arguments, scheduler-php, scheduler-length).
import { garbage, inShort, type Read, read } from './answer.ts';
import { restWords, type TaskText } from './task.ts';

/** Longest command that one source has found to be accepted. */
export const longestCommand = 740;

/**
 * Does its help name the verb that changes a task? A text that names none of the others either is no list of verbs: from
 * that nothing follows.
 */
export function readCanUpdate(help: string): Read<boolean> {
  const names = (verb: RegExp): boolean =>
    new RegExp(`(?:^|[\\s,[|])(?:${verb.source})(?=[\\s,\\]|<]|$)`, 'm').test(help);
  return names(/--(?:create|list|update|delete|run)/)
    ? read(names(/--update|-u/))
    : garbage(`it names no verb: ${inShort(help) || '(nothing)'}`);
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
    ...(before.rest === undefined || after.rest === undefined ? [] : restWords(before.rest, after.rest)),
  ];
}
