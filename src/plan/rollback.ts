// A journal → the plan that takes its deployment back. The same steps, the same apply, the same diff.
import { type Plan, planOf } from '../change/plan.ts';
import type { PutCrontab, PutFile, Step } from '../change/step.ts';
import { comesAfter, type Journal } from '../journal/records.ts';
import type { Seen } from '../server/server.ts';
import type { Finding } from '../survey/facts.ts';
import { findGuard } from '../worker/line.ts';
import { type CrontabStep, type Now, noWays, takeBackCrontab, takeBackFile, type Ways } from './takeBack.ts';
import { type TasksNow, takeBackOff, takeBackTask, taskSteps } from './takeTask.ts';

export interface PlannedRollback {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  /** Crontabs and scripts that others changed since; their part is kept. */
  readonly foreign: readonly string[];
  /** Paths that stay as they are, on purpose. */
  readonly kept: readonly string[];
  /** Journals of earlier forms whose edits stand and are taken back here. */
  readonly stood: readonly string[];
}

/** What the server shows now. */
export interface Ground {
  readonly crontabs: readonly Now[];
  readonly files: ReadonlyMap<string, Seen>;
  readonly tasks: TasksNow;
}

/** The deployment, what was built on it, and who else is there. All oldest first. */
export interface Case {
  readonly journal: Journal;
  /** Rollbacks of it to another form. */
  readonly forms: readonly Journal[];
  /** Other deployments that stand: what they rely on stays. */
  readonly others: readonly Journal[];
  /** Deployments that were taken back and may have left a guard to this one. */
  readonly earlier: readonly Journal[];
  /** All that was deployed or rolled back since, whatever became of it later. */
  readonly later: readonly Journal[];
}

/** Takes the deployment back to before, and with it the forms that were built on it. */
export function planBefore(on: Case, ground: Ground): PlannedRollback {
  const ways = noWays();
  const stood = takeBackForms(on.forms, ground, ways);
  const own = relied(on.journal);
  for (const step of on.journal.open.plan.steps) if (step.kind === 'put-file') own.add(step.path);
  const places = [...own, ...on.journal.open.plan.steps.flatMap((s) => ('path' in s ? [s.path] : []))];
  const needed = new Set(on.others.flatMap((j) => [...relied(j)]));

  const since = on.later.flatMap((j) => j.open.plan.steps.filter(isCrontabStep));
  const directories = new Map<string, Step>();
  const later = (j: Journal): boolean => comesAfter(j, on.journal);
  const newestFirst = [
    ...on.earlier.filter((j) => !later(j)),
    on.journal,
    ...on.earlier.filter(later),
  ].reverse();
  for (const journal of newestFirst) {
    const mine = journal === on.journal;
    for (const step of [...journal.open.plan.steps].reverse()) {
      if (step.kind === 'put-crontab' && mine) takeBackCrontab(step, ground.crontabs, ways, false, since);
      if (step.kind === 'put-task' && mine) takeBackTask(step, ground.crontabs, ground.tasks, ways, since);
      if (step.kind === 'put-file' && own.has(step.path)) {
        const seen = ground.files.get(step.path) ?? { is: 'absent' };
        if (needed.has(step.path) && !stillServes(step, seen)) keep(step, seen, ways, mine);
        else takeBackFile(step, seen, ways, mine);
      }
      if (step.kind === 'make-directory' && ground.files.get(step.path)?.is === 'directory') {
        const wanted = mine || places.some((path) => path.startsWith(`${step.path}/`));
        if (wanted) directories.set(step.path, { ...step, kind: 'remove-directory' });
      }
    }
  }
  const files = fileSteps(ways);
  const steps: Step[] = [
    // The crontab first: no entry may name a guard or a directory that is gone. Then who calls, then who is called.
    ...taskSteps(ways),
    ...crontabSteps(ways),
    ...files.filter((f) => f.what === 'script'),
    ...files.filter((f) => f.what === 'guard'),
    ...[...directories].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, step]) => step),
  ];
  return planned(steps, ways, stood);
}

function isCrontabStep(step: Step): step is CrontabStep {
  return step.kind === 'put-crontab' || step.kind === 'put-task';
}

/** Takes earlier forms back, last first. Returns the journals whose edits were there. */
export function takeBackForms(
  forms: readonly Journal[],
  ground: Pick<Ground, 'crontabs' | 'tasks'>,
  ways: Ways,
): string[] {
  const stood: string[] = [];
  for (const form of [...forms].reverse()) {
    const steps = form.open.plan.steps.filter(isCrontabStep);
    const there = steps
      .reverse()
      .map((step) =>
        step.kind === 'put-task'
          ? takeBackOff(step, ground, ways)
          : takeBackCrontab(step, ground.crontabs, ways, true),
      );
    if (there.includes(true)) stood.push(form.open.id);
  }
  return stood;
}

export function planned(steps: readonly Step[], ways: Ways, stood: readonly string[]): PlannedRollback {
  return {
    plan: planOf({ for: 'rollback', steps, workers: [], cannotUndo: [] }),
    findings: ways.findings,
    foreign: [...ways.foreign],
    kept: [...ways.kept],
    stood,
  };
}

/** Files that the workers of a deployment die or run unguarded without: the guard, and the script with the line in it. */
function relied(journal: Journal): Set<string> {
  const paths = new Set<string>();
  for (const { lock, script } of journal.open.plan.workers) {
    if (lock === undefined) continue;
    paths.add(lock.guard);
    if (lock.shared !== undefined) paths.add(lock.shared.file);
    if (lock.place === 'script') paths.add(script);
  }
  return paths;
}

/** What comes back calls the guard as well, as when only a second lock was added: then nobody misses anything. */
function stillServes({ what, before, after }: PutFile, seen: Seen): boolean {
  if (what !== 'script' || before === 'absent' || after === 'absent') return false;
  return seen.is === 'file' && seen.bytes === after.bytes && findGuard(before.bytes) !== 'none';
}

/** Another deployment needs this file: it stays. An edited script is nothing to pass over. */
function keep(step: PutFile, seen: Seen, ways: Ways, mine: boolean): void {
  if (!mine || ways.kept.has(step.path)) return;
  const { path, after } = step;
  if (seen.is === 'absent' && step.before === 'absent') return;
  if (step.what === 'script' && (seen.is !== 'file' || after === 'absent' || seen.bytes !== after.bytes)) {
    ways.findings.push({ level: 'stop', code: 'file-edited', args: { path } });
    return;
  }
  ways.kept.add(path);
  ways.findings.push({ level: 'note', code: 'guard-still-used', args: { path } });
}

function crontabSteps(ways: Ways): PutCrontab[] {
  return [...ways.crontabs]
    .filter(([name, { now, text }]) => text !== now.text && !ways.tasks.has(name))
    .map(([, { now, text, edits, mtime }]) => ({
      kind: 'put-crontab',
      source: now.source,
      route: now.route,
      before: now.text,
      after: text,
      edits,
      ...(mtime === undefined ? {} : { mtime }),
    }));
}

function fileSteps(ways: Ways): PutFile[] {
  return [...ways.files.values()].flatMap(({ first, now, text }): PutFile[] =>
    now === 'other' || text === 'other' || now === text
      ? []
      : [{ kind: 'put-file', what: first.what, path: first.path, as: first.as, before: now, after: text }],
  );
}
