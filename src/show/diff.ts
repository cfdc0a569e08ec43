// A plan for the eye: unified diffs, what is stopped, and a line that counts it all.
import { readable } from '../change/encode.ts';
import type { Plan } from '../change/plan.ts';
import type { FileText, Step } from '../change/step.ts';
import type { TaskText } from '../plesk/task.ts';
import { sourceName } from '../survey/facts.ts';
import type { Theme } from './theme.ts';

/** The plan as lines. Trailing blanks and tabs are made visible where they are the change. */
export async function showPlan(plan: Plan, theme: Theme): Promise<string[]> {
  const { createTwoFilesPatch } = await import('diff');
  const diff = (name: string, before: string, after: string): string[] => {
    const patch = createTwoFilesPatch(name, name, before, after, undefined, undefined, { context: 3 });
    const lines = patch.slice(patch.indexOf('\n--- ') + 1).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.map((line) => paint(visible(line), theme));
  };
  const out: string[] = [];
  for (const step of plan.steps) out.push(...showStep(step, theme, diff));
  for (const item of plan.cannotUndo) {
    out.push(
      theme.odd(
        `Cannot be undone: stopping ${item.pids.length} instance(s) of ${item.script}; rollback starts none.`,
      ),
    );
  }
  out.push(theme.bold(countLine(plan)));
  return out;
}

function showStep(
  step: Step,
  theme: Theme,
  diff: (name: string, before: string, after: string) => string[],
): string[] {
  switch (step.kind) {
    case 'make-directory':
      return [theme.good(`+ directory ${step.path} (${octal(step.mode)}, uid ${step.owner.uid})`)];
    case 'remove-directory':
      return [theme.bad(`- directory ${step.path}, if it is empty`)];
    case 'put-file': {
      if (step.what === 'guard' && step.before === 'absent' && step.after !== 'absent') {
        return [
          theme.good(
            `+ file ${step.path} (the guard, ${lineCount(step.after)} lines, ${octal(step.after.mode)}, uid ${step.after.uid})`,
          ),
        ];
      }
      if (step.after === 'absent') return [theme.bad(`- file ${step.path}`)];
      return ['', ...diff(step.path, text(step.before), text(step.after))];
    }
    case 'put-crontab':
      return ['', ...diff(sourceName(step.source), readable(step.before), readable(step.after))];
    case 'put-task': {
      const texts = (of: 'before' | 'after'): string =>
        step.changes.map((change) => taskText(change.id, change[of])).join('');
      const lines = (of: 'before' | 'after'): string =>
        step.edits.flatMap((edit) => edit[of].map(readable)).join('');
      return [
        '',
        ...diff(
          `plesk:${step.source.is === 'user' ? step.source.user : ''}`,
          texts('before'),
          texts('after'),
        ),
        ...diff(`${sourceName(step.source)} (as Plesk writes it)`, lines('before'), lines('after')),
      ];
    }
    case 'stop-process':
      return step.seen.length === 0
        ? []
        : [
            '',
            `stop the lock-less instances of ${step.script} (uid ${step.uid}): PID ${step.seen.join(', ')}`,
          ];
  }
}

function taskText(id: number, { type, command, args, active }: TaskText): string {
  const kind = { exec: 'run a command', php: 'run a PHP script', http: 'fetch a URL' }[type];
  return `task ${id}: ${kind}${active === false ? ', switched off' : ''}\n  ${command}\n${args === '' ? '' : `  arguments: ${args}\n`}`;
}

function text(file: FileText | 'absent'): string {
  return file === 'absent' ? '' : readable(file.bytes);
}

function lineCount(file: FileText): number {
  return file.bytes.split('\n').length - 1;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** Control characters cannot move the cursor of who reads a diff; a carriage return and trailing blanks can be seen. */
function visible(line: string): string {
  const plain = line.replace(
    /[\x00-\x08\x0b-\x1f\x7f]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  if (!/^[+-]/.test(plain)) return plain;
  return plain.replace(/[ \t]+$/, (blanks) => blanks.replaceAll(' ', '·').replaceAll('\t', '→'));
}

function paint(line: string, theme: Theme): string {
  if (line.startsWith('+++') || line.startsWith('---')) return theme.bold(line);
  if (line.startsWith('+')) return theme.good(line);
  if (line.startsWith('-')) return theme.bad(line);
  return line.startsWith('@@') ? theme.dim(line) : line;
}

/** What a plan that was carried out has changed: "1 file added, 1 crontab changed". */
export function sayChanged(plan: Plan): string {
  return countLine(plan)
    .replace(/^Plan: /, '')
    .replace(
      / to (add|change|remove|stop)\b/g,
      (_, verb: string) => ` ${verb}${verb === 'stop' ? 'ped' : verb.endsWith('e') ? 'd' : 'ed'}`,
    );
}

/** "Plan: 2 directories and 1 file to add, 1 crontab to change, 2 processes to stop." */
function countLine(plan: Plan): string {
  const count = (kind: (step: Step) => boolean): number => plan.steps.filter(kind).length;
  const stops = plan.steps.reduce((n, s) => n + (s.kind === 'stop-process' ? s.seen.length : 0), 0);
  const parts = [
    [count((s) => s.kind === 'make-directory'), 'directory to add', 'directories to add'],
    [count((s) => s.kind === 'put-file' && s.before === 'absent'), 'file to add', 'files to add'],
    [
      count((s) => s.kind === 'put-file' && s.before !== 'absent' && s.after !== 'absent'),
      'file to change',
      'files to change',
    ],
    [count((s) => s.kind === 'put-file' && s.after === 'absent'), 'file to remove', 'files to remove'],
    [count((s) => s.kind === 'remove-directory'), 'directory to remove', 'directories to remove'],
    [count((s) => s.kind === 'put-crontab'), 'crontab to change', 'crontabs to change'],
    [
      plan.steps.reduce((n, s) => n + (s.kind === 'put-task' ? s.changes.length : 0), 0),
      'task of Plesk to change',
      'tasks of Plesk to change',
    ],
    [stops, 'process to stop', 'processes to stop'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, one, many]) => `${n} ${n === 1 ? one : many}`);
  return said.length === 0 ? 'Plan: nothing to do.' : `Plan: ${said.join(', ')}.`;
}
