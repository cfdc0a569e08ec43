// Taking tasks of Plesk back, with the lines it wrote for them: both stores as they were, or nothing.
import { readable } from '../change/encode.ts';
import { spliceEdits, wholeLines } from '../change/splice.ts';
import { invert, type PutTask } from '../change/step.ts';
import { judgeCrontab } from '../plesk/judge.ts';
import { sameText, type Task, textOf } from '../plesk/task.ts';
import { sourceName } from '../survey/facts.ts';
import { type CrontabStep, explained, type Now, type Ways } from './takeBack.ts';

/** The tasks as they are now; one that is not there was deleted. */
export type TasksNow = ReadonlyMap<number, Task | 'gone'>;

/**
 * Takes one step back. What somebody has done to the tasks since is theirs: then it is told, and nothing is touched.
 * `later` is what we did to crontabs since, which is nobody else's edit.
 */
export function takeBackTask(
  step: PutTask,
  crontabs: readonly Now[],
  tasks: TasksNow,
  ways: Ways,
  later: readonly CrontabStep[],
): void {
  const name = sourceName(step.source);
  const now = crontabs.find((c) => sourceName(c.source) === name);
  if (now === undefined) {
    ways.findings.push({ level: 'stop', code: 'crontab-gone', args: { source: name } });
    return;
  }
  let changed = 0;
  for (const { id, before, after } of step.changes) {
    const task = tasks.get(id) ?? 'gone';
    if (task === 'gone') ways.findings.push({ level: 'stop', code: 'task-gone', args: { id } });
    else if (sameText(task, after)) changed++;
    else if (!sameText(task, before))
      ways.findings.push({ level: 'stop', code: 'task-edited', args: { id, command: task.command } });
  }
  const held = ways.crontabs.get(name) ?? { now, text: now.text, edits: [] };
  const back = textBack(step, held.text);
  if (back === 'edited') {
    const line = readable(step.edits.flatMap((edit) => edit.after).join('')).trimEnd();
    // A task that went to another place in the crontab cannot be told there from what we did later.
    const ours = later.some((one) => sourceName(one.source) === name) ? { later: 'yes' } : {};
    ways.findings.push({ level: 'stop', code: 'our-line-edited', args: { source: name, line, ...ours } });
    return;
  }
  if (back.foreign) (explained(step, held.text, later) ? ways.shared : ways.foreign).add(name);
  const turned = invert(step) as PutTask;
  // A rollback that was cut off may have left Plesk's own time with the text of before.
  const there = now.route.by === 'command' ? undefined : now.route.look.mtime;
  if (changed === 0 && back.text === held.text && (back.foreign || there === turned.mtime)) return;
  const mtime = back.foreign ? {} : { mtime: turned.mtime };
  ways.crontabs.set(name, { ...held, text: back.text, edits: [...held.edits, ...turned.edits], ...mtime });
  // Judged by the text that stands now, not by the one the deploy began with; the rest of the task is whose it is by now.
  const changes = turned.changes.map((change) => {
    const task = tasks.get(change.id) ?? 'gone';
    if (task === 'gone') return change;
    const { rest } = textOf(task);
    const active = rest.active || ways.woken.has(change.id);
    return {
      ...change,
      before: { ...change.before, rest },
      after: { ...change.after, rest: { ...rest, active } },
    };
  });
  ways.tasks.set(name, { ...turned, changes });
}

/**
 * Takes back that tasks were switched off: their lines stand again where they stood. Says whether it was so. Tasks that
 * somebody has switched on again are as they are.
 */
export function takeBackOff(
  step: PutTask,
  { crontabs, tasks }: { readonly crontabs: readonly Now[]; readonly tasks: TasksNow },
  ways: Ways,
): boolean {
  const name = sourceName(step.source);
  const now = crontabs.find((c) => sourceName(c.source) === name);
  const off = step.changes.filter(({ id }) => {
    const task = tasks.get(id) ?? 'gone';
    return task !== 'gone' && !task.active;
  });
  if (now === undefined || off.length === 0 || step.before === 'plesk') return false;
  const held = ways.crontabs.get(name) ?? { now, text: now.text, edits: [] };
  const carried = step.changes.map(({ line, after }) => ({ line, texts: [after] }));
  if (
    off.length < step.changes.length ||
    judgeCrontab(step.base, held.text, carried, step.dialect).is !== 'as-meant'
  ) {
    for (const { id } of off) ways.findings.push({ level: 'stop', code: 'task-off', args: { id } });
    return false;
  }
  for (const { id } of off) ways.woken.add(id);
  const { edits } = invert(step) as PutTask;
  ways.crontabs.set(name, { ...held, text: step.before, edits: [...held.edits, ...edits] });
  return true;
}

/** The crontab without our change: the bytes of before, or, where others have edited it, their text with our lines taken back. */
function textBack(
  step: PutTask,
  text: string,
): { readonly text: string; readonly foreign: boolean } | 'edited' {
  if (step.before === 'plesk') return 'edited';
  if (text === step.before) return { text, foreign: false };
  const carried = step.changes.map(({ line, before, after }) => ({ line, texts: [after, before] }));
  if (judgeCrontab(step.base, text, carried, step.dialect).is === 'as-meant')
    return { text: step.before, foreign: false };
  // Line by line, where Plesk has written what was expected. A task that changed its kind has moved to another place.
  if (step.changes.some(({ before, after }) => before.type !== after.type)) return 'edited';
  const here = wholeLines(text);
  const left = step.edits.filter((edit) => !edit.before.every((line) => here.includes(line)));
  const spliced = spliceEdits(
    text,
    left.map((edit) => ({ line: edit.line, before: edit.after, after: edit.before })),
  );
  return spliced.is === 'spliced' ? { text: spliced.text, foreign: true } : 'edited';
}

/** The step that does it, once all that happens to the crontab is known. */
export function taskSteps(ways: Ways): PutTask[] {
  return [...ways.tasks].map(([name, turned]) => {
    const way = ways.crontabs.get(name);
    const now = way?.now.text ?? turned.base;
    const { mtime: _, ...step } = turned;
    const mtime = way?.mtime === undefined ? {} : { mtime: way.mtime };
    return { ...step, route: way?.now.route ?? step.route, before: now, after: way?.text ?? now, ...mtime };
  });
}
