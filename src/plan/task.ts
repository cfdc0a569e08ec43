// How a worker that is a task of Plesk is changed: with its task, so that the panel and cron go on saying the same, or in the
// crontab alone, with a word about what the panel will do.
import type { Latching } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { PutTask } from '../change/step.ts';
import type { Wish } from '../command/command.ts';
import { rewriteCommand } from '../command/rewrite.ts';
import { hideSecrets } from '../command/secrets.ts';
import { encodeCommand } from '../crontab/escape.ts';
import { lineAfter } from '../plesk/line.ts';
import { longestCommand } from '../plesk/scheduler.ts';
import { sameText, type TaskText, textOf } from '../plesk/task.ts';
import type { CrontabFacts, Facts, Finding, Job, TaskFacts } from '../survey/facts.ts';
import type { Guarding } from './guard.ts';

export type TaskChange = PutTask['changes'][number];

export type Way =
  /** The entry is changed in its crontab, and nothing else is. */
  | { readonly is: 'line'; readonly findings: readonly Finding[] }
  /** The task is changed, and Plesk writes the line. `line` is how that is expected to look. */
  | {
      readonly is: 'task';
      readonly change: TaskChange;
      readonly line: string;
      readonly findings: readonly Finding[];
    }
  /** The entry stays as it is. */
  | { readonly is: 'nothing'; readonly findings: readonly Finding[] };

/** Which way this job goes. `after` is the command its line would have if it were changed there. */
export function wayOf(
  facts: Facts,
  job: Job,
  latching: Latching,
  guard: Guarding,
  wish: Wish,
  after: string,
): Way {
  const { plesk } = facts;
  if (plesk === 'none' || job.source.is !== 'user') return plain(job);
  // Half an answer is none: a panel that is out of order in one thing may not be written beside.
  const [gap] = plesk.gaps;
  if (latching.through === 'crontab') return byLine(job, guard, wish, after, 'asked');
  if (plesk.is === 'closed') return byLine(job, guard, wish, after, 'closed');
  if (gap !== undefined) return stop(job, 'plesk-unanswered', { asked: gap.asked, said: gap.said });
  const { task } = job;
  if (task === undefined) return latching.through === 'scheduler' ? stop(job, 'no-task', {}) : plain(job);
  const drift = task.drift.find(({ is }) => is !== 'php');
  if (drift !== undefined) return stop(job, 'task-drifted', { id: task.task.id, how: drift.is });
  const { verbs } = plesk;
  if (verbs?.is === 'unanswered') return stop(job, 'verb-unknown', { asked: verbs.asked, said: verbs.said });
  if (verbs?.is === 'answer' && !verbs.value.update)
    return latching.through === 'scheduler'
      ? stop(job, 'no-verb', {})
      : byLine(job, guard, wish, after, 'no-verb');
  return byTask(facts, job, task, latching, guard, wish);
}

/** A job whose line is nobody's but the crontab's. */
function plain(job: Job): Way {
  if (job.chroot === undefined) return { is: 'line', findings: [] };
  return stop(job, 'chrooted-task', { why: 'no-task' });
}

function byLine(job: Job, guard: Guarding, wish: Wish, after: string, because: string): Way {
  const { task } = job;
  if (job.chroot !== undefined) {
    const php = task === undefined ? 'none' : asPhp(job, task.task, wish);
    const texts = php === 'none' ? {} : { script: php.command, args: php.args };
    return stop(job, 'chrooted-task', { why: because, ...texts });
  }
  if (after === job.entry.command.text) return { is: 'nothing', findings: [] };
  if (task === undefined && because !== 'closed') return { is: 'line', findings: [] };
  // A php task of Plesk has no place for a shell's words: a save in the panel would drop them, and a guard among them.
  const lost = guard.place === 'entry' ? { guard: 'entry' } : {};
  const args = { because, id: task?.task.id ?? 0, ...toPaste(job, task, wish, after), ...lost };
  return { is: 'line', findings: [said(job, 'warn', 'task-in-panel', args)] };
}

/** What to enter in the panel so that it says the same: the task's own text, without what Plesk writes around it. */
function toPaste(job: Job, task: TaskFacts | undefined, wish: Wish, after: string): Record<string, string> {
  if (task?.task.type === 'php') {
    const php = asPhp(job, task.task, wish);
    if (php !== 'none') return { script: php.command, args: php.args };
  }
  if (task?.inner === undefined) return { command: readable(after) };
  return { command: readable(rewriteCommand(task.inner.text, task.inner.command, wish).text) };
}

function byTask(
  facts: Facts,
  job: Job,
  { task, inner, php }: TaskFacts,
  latching: Latching,
  guard: Guarding,
  wish: Wish,
): Way {
  const before = textOf(task);
  const becomes = latching.taskType ?? (job.chroot !== undefined ? 'php' : task.type);
  const findings: Finding[] = [];
  let after: TaskText;
  if (becomes === 'php') {
    if (guard.place === 'entry') return stop(job, 'php-task-guard', { id: task.id });
    const text = asPhp(job, task, wish);
    if (text === 'none') return stop(job, 'no-php-task', { id: task.id, command: task.command });
    if (task.type !== 'php' && php === undefined) return stop(job, 'php-version-unknown', { id: task.id });
    after = { ...before, ...text };
    if (task.type !== 'php')
      findings.push(
        said(job, 'warn', 'task-becomes-php', { id: task.id, chroot: job.chroot === undefined ? '' : 'yes' }),
      );
    findings.push(said(job, 'note', 'php-task-log', { id: task.id }));
  } else if (task.type === 'php') {
    return stop(job, 'php-to-exec', { id: task.id });
  } else {
    const { text, command } = inner ?? { text: job.entry.command.text, command: job.command };
    const rewritten = rewriteCommand(text, command, wish).text;
    const crontab = facts.crontabs.find((c) => c.name === job.sourceName);
    const raw = encodeCommand(rewritten, crontab?.dialect ?? 'debian');
    if (raw === undefined) return stop(job, 'rewrite-refused', { why: 'unwritable' });
    // The panel keeps a percent sign as it was typed: with its backslash, or bare.
    const bare = bytesOf(task.command).trim() === text.trim();
    after = { ...before, command: readable(bare ? rewritten : raw) };
  }
  if (after.command.length > longestCommand)
    return stop(job, 'task-too-long', { id: task.id, length: after.command.length, most: longestCommand });
  if (sameText(before, after)) return { is: 'nothing', findings: [] };
  // The scheduler takes a command as an argument, which everybody on the server can read while it runs.
  const open = `${after.command} ${after.args}`;
  if (hideSecrets(open) !== open) return stop(job, 'task-secret', { id: task.id });
  const { start, end } = job.entry.commandSpan;
  const line = lineAfter(job.crontab.text.slice(start, end), before, after, job.interpreter.path);
  const version = before.type === after.type || php === undefined ? {} : { php };
  return { is: 'task', change: { id: task.id, line: job.line, before, after, ...version }, line, findings };
}

/** The worker as a task that runs a PHP script, where nothing in its command would be lost by that. */
function asPhp(job: Job, task: TaskText, wish: Wish): Omit<TaskText, 'rest'> | 'none' {
  const { command } = job;
  const flag = wish.once ? '--once' : wish.pass === undefined ? undefined : readable(wish.pass);
  if (task.type === 'php') {
    const has = flag === undefined || job.args.includes(flag);
    return { type: 'php', command: task.command, args: has ? task.args : `${task.args} ${flag}`.trim() };
  }
  const home = job.chroot ?? job.user.home;
  const plainCommand =
    command.interpreter.kind === 'php' &&
    !command.involved &&
    command.before.length === 0 &&
    command.assignments.length === 0 &&
    command.wrappers.length === 0 &&
    command.user === undefined &&
    command.flags.every(({ value }) => value === '-f' || value === '-q');
  if (!plainCommand || !job.scriptPath.startsWith(`${home}/`)) return 'none';
  // Whoever counts on the directory its cd goes to would not find it.
  if (readable(command.directory) !== home && command.cd !== undefined && !isInsensitive(job)) return 'none';
  const args = [...job.args, ...(flag === undefined || job.args.includes(flag) ? [] : [flag])];
  if (args.some((arg) => !/^[\w./:=,@+-]+$/.test(arg))) return 'none';
  const script = job.scriptPath.slice(home.length + 1);
  return /['\n]/.test(script) ? 'none' : { type: 'php', command: script, args: args.join(' ') };
}

/** Does the source name its own place, so that the directory it is started in is likely to be no matter? */
function isInsensitive({ script }: Job): boolean {
  if (typeof script === 'string') return false;
  return !/(?:require|include|fopen|file_(?:get|put)_contents)[\s(]+['"](?![/'"])/.test(script.file.bytes);
}

function stop(job: Job, code: string, args: Finding['args']): Way {
  return { is: 'nothing', findings: [said(job, 'stop', code, args)] };
}

function said(job: Job, level: Finding['level'], code: string, args: Finding['args']): Finding {
  return { level, code, where: { source: job.sourceName, line: job.line }, args };
}

/** One step for all tasks of one crontab. `base` is its text when the step begins. */
export function taskStep(
  crontab: CrontabFacts,
  base: string,
  ways: readonly Extract<Way, { is: 'task' }>[],
): PutTask {
  const edits = ways.map(({ change, line }) => {
    const entry = crontab.entries.find((e) => e.line === change.line)?.entry;
    const whole = crontab.crontab.text;
    if (entry === undefined) return { line: change.line, before: [], after: [] };
    const before = whole.slice(entry.span.start, entry.span.end);
    const head = whole.slice(entry.span.start, entry.commandSpan.start);
    const tail = whole.slice(entry.commandSpan.end, entry.span.end);
    return { line: change.line, before: [before], after: [`${head}${line}${tail}`] };
  });
  return {
    kind: 'put-task',
    source: crontab.source,
    route: crontab.route,
    dialect: crontab.dialect,
    changes: ways.map(({ change }) => change),
    base,
    before: base,
    after: 'plesk',
    edits,
  };
}
