// A journal → the plan that takes its deployment back. The same steps, the same apply, the same diff.

import { bytesOf, readable } from '../change/encode.ts';
import { type Latched, type Plan, planOf } from '../change/plan.ts';
import { spliceEdits, wholeLines } from '../change/splice.ts';
import { invert, type PutCrontab, type Step } from '../change/step.ts';
import { longRunningForm } from '../command/longRunning.ts';
import { readCommand } from '../command/read.ts';
import type { Dialect } from '../crontab/crontab.ts';
import { replaceLines } from '../crontab/edit.ts';
import { encodeCommand } from '../crontab/escape.ts';
import { parseCrontab } from '../crontab/parse.ts';
import type { Journal } from '../journal/records.ts';
import type { CrontabSource, Route } from '../server/server.ts';
import { type Finding, sourceName } from '../survey/facts.ts';

/** How a step stands on the server now. */
export type Standing = 'before' | 'after' | 'neither';

/** A crontab as it is now. */
export interface Now {
  readonly source: CrontabSource;
  readonly route: Route;
  readonly text: string;
}

export interface PlannedRollback {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  /** Files that others changed since; their lines are kept. */
  readonly foreign: readonly string[];
}

/**
 * Takes back the journals given (a deployment and, oldest first, what was built on it), last first. Steps that are
 * already as before need nothing; a crontab that others edited loses only our lines.
 */
export function planBefore(
  journals: readonly Journal[],
  standing: (journal: Journal, step: number) => Standing,
  crontabs: readonly Now[],
): PlannedRollback {
  const findings: Finding[] = [];
  const foreign: string[] = [];
  const steps: Step[] = [];
  const texts = new Map<
    string,
    { now: Now; text: string; edits: PutCrontab['edits']; mtime?: string | undefined }
  >();
  const settled = new Map<string, Step>();
  for (const journal of [...journals].reverse()) {
    const list = journal.open.plan.steps;
    for (let index = list.length - 1; index >= 0; index--) {
      const step = list[index] as Step;
      if (step.kind === 'put-crontab') {
        takeBackCrontab(step, crontabs, texts, findings, foreign);
        continue;
      }
      const back = invert(step);
      if (back === 'none') continue;
      const target = 'path' in step ? step.path : '';
      const state = standing(journal, index);
      if (state === 'before' || settled.has(target)) continue;
      if (state === 'neither') {
        findings.push({ level: 'stop', code: 'file-edited', args: { path: target } });
        continue;
      }
      settled.set(target, back);
      steps.push(back);
    }
  }
  const crontabSteps: Step[] = [];
  for (const { now, text, edits, mtime } of texts.values()) {
    if (text === now.text) continue;
    crontabSteps.push({
      kind: 'put-crontab',
      source: now.source,
      route: now.route,
      before: now.text,
      after: text,
      edits,
      ...(mtime === undefined ? {} : { mtime }),
    });
  }
  // The crontab first: no entry may name a guard or a directory that is gone.
  return {
    plan: planOf({ for: 'rollback', steps: [...crontabSteps, ...steps], workers: [], cannotUndo: [] }),
    findings,
    foreign,
  };
}

type Texts = Map<string, { now: Now; text: string; edits: PutCrontab['edits']; mtime?: string | undefined }>;

function takeBackCrontab(
  step: PutCrontab,
  crontabs: readonly Now[],
  texts: Texts,
  findings: Finding[],
  foreign: string[],
): void {
  const name = sourceName(step.source);
  const now = crontabs.find((c) => sourceName(c.source) === name);
  if (now === undefined) {
    findings.push({ level: 'stop', code: 'crontab-gone', args: { source: name } });
    return;
  }
  const held = texts.get(name) ?? { now, text: now.text, edits: [] };
  const back = invert(step) as PutCrontab;
  if (held.text === step.before) return;
  if (held.text === step.after) {
    texts.set(name, { ...held, text: step.before, edits: back.edits, mtime: back.mtime });
    return;
  }
  const spliced = spliceEdits(held.text, back.edits);
  if (spliced.is !== 'spliced') {
    const line = readable(spliced.edit.before.join('')).trimEnd();
    findings.push({
      level: 'stop',
      code: spliced.is === 'gone' ? 'our-line-edited' : 'our-line-twice',
      args: { source: name, line },
    });
    return;
  }
  foreign.push(name);
  texts.set(name, { now: held.now, text: spliced.text, edits: back.edits });
}

/** Entries of the deployment become a form that stands by itself: long-running, or commented out. */
export function planForm(
  form: 'long-running' | 'disabled',
  journal: Journal,
  crontabs: readonly Now[],
  dialect: Dialect,
  system: (source: CrontabSource) => boolean,
): PlannedRollback {
  const findings: Finding[] = [];
  const steps: Step[] = [];
  for (const now of crontabs) {
    const name = sourceName(now.source);
    const crontab = parseCrontab(now.text, { dialect, system: system(now.source) });
    const lines = wholeLines(now.text);
    const edits: { line: number; before: string[]; after: string[] }[] = [];
    for (const worker of journal.open.plan.workers.filter((w) => w.source === name)) {
      const wanted = bytesOf(worker.command.after);
      const entry = crontab.lines.find(
        (line) =>
          line.is === 'entry' && line.command.text === wanted && !edits.some((e) => e.line === line.number),
      );
      if (entry?.is !== 'entry') {
        findings.push({
          level: 'stop',
          code: 'our-line-edited',
          args: { source: name, line: worker.command.after },
        });
        continue;
      }
      const before = lines[entry.number - 1] ?? '';
      const user = entry.user === undefined ? '' : `${entry.user} `;
      const after = form === 'disabled' ? disabled(worker, before) : longRunning(worker, user, dialect);
      if (after === 'impossible')
        findings.push({
          level: 'stop',
          code: 'no-long-running-form',
          where: { source: name, line: entry.number },
          args: {},
        });
      else edits.push({ line: entry.number, before: [before], after });
    }
    if (edits.length === 0) continue;
    const after = replaceLines(
      crontab,
      edits.map((e) => ({ line: e.line, lines: e.after })),
    );
    steps.push({ kind: 'put-crontab', source: now.source, route: now.route, before: now.text, after, edits });
  }
  return { plan: planOf({ for: 'rollback', steps, workers: [], cannotUndo: [] }), findings, foreign: [] };
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
  if (reading.is !== 'worker' || worker.interpreter.path === 'missing' || worker.log === undefined)
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
