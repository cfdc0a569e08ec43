// A journal → the plan that gives its entries another form, one that stands by itself: long-running, or commented out.
import { bytesOf } from '../change/encode.ts';
import type { Latched } from '../change/plan.ts';
import { composeEdits, wholeLines } from '../change/splice.ts';
import type { Edit, PutTask, Step } from '../change/step.ts';
import { longRunningForm } from '../command/longRunning.ts';
import { readCommand } from '../command/read.ts';
import type { Crontab, Dialect, EntryLine } from '../crontab/crontab.ts';
import { replaceLines } from '../crontab/edit.ts';
import { encodeCommand } from '../crontab/escape.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { carries } from '../plesk/line.ts';
import { sameText, textOf } from '../plesk/task.ts';
import type { CrontabSource } from '../server/server.ts';
import { type Finding, sourceName } from '../survey/facts.ts';
import { type Case, type PlannedRollback, planned, takeBackForms } from './rollback.ts';
import { type Now, noWays } from './takeBack.ts';
import type { TasksNow } from './takeTask.ts';

export type Form = 'long-running' | 'disabled';

/** An earlier form is taken back first, so that one form follows another as it would follow the deployment. */
export function planForm(
  form: Form,
  on: Pick<Case, 'journal' | 'forms'>,
  { crontabs, tasks }: { readonly crontabs: readonly Now[]; readonly tasks: TasksNow },
  fallback: Dialect,
): PlannedRollback {
  const ways = noWays();
  const changed = on.journal.open.plan.steps.filter((step) => step.kind === 'put-task');
  // The one form that tasks take is that they are switched off. What is in it already stays so.
  if (form === 'disabled' && changed.length > 0 && on.forms.length > 0) {
    for (const { id } of changed.flatMap((step) => step.changes))
      if (isOn(tasks, id)) ways.findings.push({ level: 'stop', code: 'task-on-again', args: { id } });
    return planned(
      [],
      ways,
      on.forms.map((journal) => journal.open.id),
    );
  }
  const stood = takeBackForms(on.forms, { crontabs, tasks }, ways);
  const steps: Step[] = [];
  const off: Step[] = [];
  for (const now of crontabs) {
    const name = sourceName(now.source);
    const workers = on.journal.open.plan.workers.filter((w) => w.source === name);
    const way = ways.crontabs.get(name);
    const base = way?.text ?? now.text;
    // By the rules of the server it was deployed on, not by those of where we happen to be.
    const dialect = workers.find((w) => w.dialect !== undefined)?.dialect ?? fallback;
    const crontab = parseCrontab(base, { dialect, system: isSystem(now.source) });
    const edits = editsOf(form, workers, crontab, dialect, name, ways.findings);
    const after = replaceLines(
      crontab,
      edits.map((e) => ({ line: e.line, lines: e.after })),
    );
    const own = changed.filter((step) => sourceName(step.source) === name);
    if (form === 'disabled' && own.length > 0)
      off.push(...switchedOff(own, tasks, now, after, ways.findings));
    if (edits.length === 0 || after === now.text) continue;
    steps.push({
      kind: 'put-crontab',
      source: now.source,
      route: now.route,
      before: now.text,
      after,
      edits: composeEdits(way?.edits ?? [], edits),
    });
  }
  // Last: whoever finds the tasks switched off knows that all of it was done.
  return planned([...steps, ...off], ways, stood);
}

function isOn(tasks: TasksNow, id: number): boolean {
  const task = tasks.get(id) ?? 'gone';
  return task !== 'gone' && task.active;
}

/** The tasks that were changed in this crontab, switched off in the panel, which takes their lines out. */
function switchedOff(
  steps: readonly PutTask[],
  tasks: TasksNow,
  { route }: Now,
  base: string,
  findings: Finding[],
): PutTask[] {
  return steps.flatMap((step): PutTask[] => {
    const { entries, lines } = entriesIn(base, step.dialect);
    const changes: PutTask['changes'][number][] = [];
    for (const { id, after } of step.changes) {
      const task = tasks.get(id) ?? 'gone';
      const entry = entries.find(({ command }) => carries(command.text, after));
      if (task === 'gone') findings.push({ level: 'stop', code: 'task-gone', args: { id } });
      else if (!sameText(task, after) || !task.active || entry === undefined)
        findings.push({ level: 'stop', code: 'task-edited', args: { id, command: task.command } });
      else {
        const now = textOf(task);
        changes.push({
          id,
          line: entry.number,
          before: { ...now, active: true },
          after: { ...now, active: false, rest: { ...now.rest, active: false } },
        });
      }
    }
    if (changes.length < step.changes.length) return [];
    const edits = changes.map(({ line }) => ({ line, before: [lines[line - 1] ?? ''], after: [] }));
    return [
      {
        ...{ kind: 'put-task', source: step.source, route, dialect: step.dialect, changes },
        ...{ base, before: base, after: 'plesk', edits },
      },
    ];
  });
}

function entriesIn(text: string, dialect: Dialect): { entries: EntryLine[]; lines: string[] } {
  const crontab = parseCrontab(text, { dialect, system: false });
  const entries = crontab.lines.filter((line): line is EntryLine => line.is === 'entry');
  return { entries, lines: wholeLines(text) };
}

function isSystem(source: CrontabSource): boolean {
  return source.is === 'system' || source.is === 'cron.d' || (source.is === 'file' && source.system);
}

function editsOf(
  form: Form,
  workers: readonly Latched[],
  crontab: Crontab,
  dialect: Dialect,
  name: string,
  findings: Finding[],
): Edit[] {
  const lines = wholeLines(crontab.text);
  const edits: Edit[] = [];
  for (const worker of workers) {
    if (worker.task !== undefined) {
      if (form === 'disabled') continue;
      findings.push({ level: 'stop', code: 'form-of-task', args: { id: worker.task } });
      continue;
    }
    const wanted = bytesOf(worker.command.after);
    const entry = crontab.lines.find(
      (line): line is EntryLine =>
        line.is === 'entry' && line.command.text === wanted && !edits.some((e) => e.line === line.number),
    );
    if (entry === undefined) {
      const args = { source: name, line: worker.command.after };
      findings.push({ level: 'stop', code: 'our-line-edited', args });
      continue;
    }
    const before = lines[entry.number - 1] ?? '';
    const user = entry.user === undefined ? '' : `${entry.user} `;
    const after = form === 'disabled' ? disabled(worker, before) : longRunning(worker, user, dialect);
    if (after === 'impossible') {
      const where = { source: name, line: entry.number };
      findings.push({ level: 'stop', code: 'no-long-running-form', where, args: {} });
    } else edits.push({ line: entry.number, before: [before], after });
  }
  return edits;
}

/** The entry as a comment, and the command to run by hand above it. */
function disabled(worker: Latched, line: string): string[] {
  const newline = line.endsWith('\n') ? '' : '\n';
  const command = bytesOf(worker.command.after).replace(/[\r\n]/g, ' ');
  return [`# cronlatch: disabled. To run it by hand: ${command}\n`, `#${line}${newline}`];
}

function longRunning(worker: Latched, user: string, dialect: Dialect): string[] | 'impossible' {
  const home = bytesOf(worker.directory);
  const reading = readCommand(bytesOf(worker.command.after), {
    shell: '/bin/sh',
    home,
    variables: new Map([['HOME', home]]),
  });
  if (
    reading.is !== 'worker' ||
    reading.involved ||
    worker.interpreter.path === 'missing' ||
    worker.log === undefined
  )
    return 'impossible';
  const form = longRunningForm(bytesOf(worker.command.after), reading, {
    interpreter: bytesOf(worker.interpreter.path),
    log: bytesOf(worker.log),
    user: worker.user,
  });
  const boot = encodeCommand(form.boot, dialect);
  const watchdog = encodeCommand(form.watchdog, dialect);
  if (boot === undefined || watchdog === undefined) return 'impossible';
  return [`@reboot ${user}${boot}\n`, `*/5 * * * * ${user}${watchdog}\n`];
}
