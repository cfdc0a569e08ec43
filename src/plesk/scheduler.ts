// `plesk bin scheduler`: which verbs it has, and the words of an update (facts: scheduler-verbs, help-names-verbs,
// update-arguments, scheduler-php, scheduler-length).
import { garbage, inShort, type Read, read } from './answer.ts';
import { restWords, type TaskText } from './task.ts';

/** Longest command that one source has found to be accepted. */
export const longestCommand = 740;

/** Which of the verbs that matter here a release has. */
export interface Verbs {
  readonly update: boolean;
  readonly list: boolean;
}

/** What its help names. A text that names no verb at all is no list of verbs: from that nothing follows. */
export function readVerbs(help: string): Read<Verbs> {
  const names = (verb: RegExp): boolean =>
    new RegExp(`(?:^|[\\s,[|])(?:${verb.source})(?=[\\s,\\]|<]|$)`, 'm').test(help);
  return names(/--(?:create|list|update|delete|run)/)
    ? read({ update: names(/--update|-u/), list: names(/--list|-l/) })
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
