// What the stand-in writes into crontabs: the whole text of a user's tasks, and one task's line anew.
import type { FactName } from '../../../src/plesk/known.ts';
import type { PanelState, PanelTask } from './panel.ts';

export const chrootsh = '/opt/psa/bin/chrootsh';

const is = (state: PanelState, fact: FactName): boolean => state.flipped.includes(fact);

/** The task's own line anew; where its shell is another now, it goes to a block of that shell at the end. */
export function rewritten(state: PanelState, text: string, before: PanelTask, after: PanelTask): string {
  const old = `${lineOf(state, before)}\n`;
  const at = text.indexOf(old);
  const runs = after.active || is(state, 'inactive-line');
  if (at < 0) return runs ? `${text}${lineOf(state, after)}\n` : text;
  if (!runs) return `${text.slice(0, at)}${text.slice(at + old.length)}`;
  if (shellOf(state, before) === shellOf(state, after))
    return `${text.slice(0, at)}${lineOf(state, after)}\n${text.slice(at + old.length)}`;
  return `${text.slice(0, at)}${text.slice(at + old.length)}SHELL="${shellOf(state, after)}"\n${lineOf(state, after)}\n`;
}

/** The crontab of a user as Plesk writes it, with nothing in it but tasks. */
export function crontabOf(state: PanelState, user: string): string {
  const tasks = state.tasks.filter((task) => task.user === user);
  let text = 'MAILTO=""\n';
  for (const shell of new Set(tasks.map((task) => shellOf(state, task)))) {
    text += `MAILTO=""\nSHELL="${shell}"\n`;
    for (const task of tasks)
      if (shellOf(state, task) === shell && (task.active || is(state, 'inactive-line')))
        text += `${lineOf(state, task)}\n`;
  }
  return text;
}

// assumed: php-task-shell, chroot-line
function shellOf(state: PanelState, task: PanelTask): string {
  const shell = state.shells[task.user] ?? '/bin/sh';
  if (task.type !== 'exec' && !is(state, 'php-task-shell')) return '/bin/sh';
  return shell === chrootsh && is(state, 'chroot-line') ? '/usr/local/psa/bin/jail' : shell;
}

// confirmed: php-line; assumed: exec-line, php-arguments, http-line
function lineOf(state: PanelState, task: PanelTask): string {
  const quiet = task.notify === 'errors';
  const wrap = (command: string): string => (quiet ? `(${command})  > /dev/null` : command);
  const fields = task.fields.join('\t');
  switch (task.type) {
    case 'exec':
      return `${fields}\t${wrap(is(state, 'exec-line') ? `/opt/psa/bin/run-task ${task.id}` : task.command)}`;
    case 'php': {
      const php = state.handlers.find((one) => one.id === task.handler)?.clipath ?? '/usr/bin/php';
      const words = task.args.split(' ').filter((word) => word !== '');
      const args =
        words.length === 0
          ? ''
          : is(state, 'php-arguments')
            ? ` "${words.join(' ')}"`
            : ` -- ${words.map((word) => `'${word}'`).join(' ')}`;
      return `${fields}\t(${php} -f '${task.command}'${args})  > /dev/null`;
    }
    case 'http':
      return `${fields}\t${wrap(is(state, 'http-line') ? `/opt/psa/bin/fetch-task ${task.id}` : `/usr/bin/curl -sS '${task.command}'`)}`;
  }
}
