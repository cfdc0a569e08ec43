// What cannot be known about a worker and has to be asked, and what each answer may be. Pure.
import type { AboutWorker } from '../ask/questions.ts';
import type { Latching } from '../ask/settings.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Facts, Job } from '../survey/facts.ts';
import type { Program } from '../survey/programs.ts';
import { isLeftOut } from '../survey/version.ts';
import { endingOf } from './pass.ts';

/** The questions that are open for this worker. */
export function openFor(
  facts: Facts,
  job: Job,
  programs: readonly Program[],
  latching: Latching,
): AboutWorker[] {
  const open: AboutWorker[] = [];
  if (isProgramOpen(job, programs)) open.push('interpreter');
  if (isEndingOpen(facts, job, latching)) open.push('once');
  if (isLogOpen(job)) open.push('log');
  return open;
}

/** What may be changed although it is known. */
export function changeable(job: Job, programs: readonly Program[]): AboutWorker[] {
  const named: AboutWorker[] = [];
  if (programs.length > 1 && job.interpreter.nameStays === undefined) named.push('interpreter');
  if (job.task?.task.type === 'exec' && job.interpreter.kind === 'php') named.push('task');
  if (job.framework === 'none' && !job.args.includes('--once') && job.entry.schedule.is !== 'reboot')
    named.push('once');
  if (job.places !== 'none' && job.places.logIs !== 'piped' && job.task?.task.type !== 'php')
    named.push('log');
  if (job.places !== 'none') named.push('lock');
  if (typeof job.script !== 'string') named.push('guard');
  return named;
}

/** The place that is taken when nobody says otherwise: that of `programs` which the site's own files do not leave out. */
export function presetProgram({ interpreter }: Job, programs: readonly Program[]): number {
  const { asks } = interpreter;
  if (asks === undefined) return 0;
  const fits = programs.findIndex(({ version }) => version !== undefined && !isLeftOut(version, asks.range));
  return Math.max(0, fits);
}

function isProgramOpen({ interpreter, command }: Job, programs: readonly Program[]): boolean {
  const { asked, path, asks, nameStays, because } = interpreter;
  if (asked || nameStays || programs.length === 0) return false;
  if (path === 'missing') return true;
  if (programs.length < 2) return false;
  // What the entry says by its full path was said by somebody, and what Plesk has the site run with is no riddle.
  if (asks !== undefined) return true;
  return command.interpreter.how !== 'absolute' && because?.is !== 'site';
}

function isEndingOpen(facts: Facts, job: Job, latching: Latching): boolean {
  if (latching.once !== 'auto' || job.entry.schedule.is === 'reboot' || facts.worker !== undefined)
    return false;
  if (job.framework === 'none') {
    if (job.args.includes('--once') || typeof job.script === 'string') return false;
    return job.script.once === 'unknown' || (job.script.once === 'no' && handsOn(job.script.file.bytes));
  }
  return endingOf(job, latching, facts.worker).findings.some(({ code }) => code === 'pass-unseen');
}

/** Does the source load others and take up its arguments? Then what it does with them may stand in those. */
function handsOn(source: Bytes): boolean {
  return (
    /\$argv\b|\[['"]argv['"]\]|\bprocess\.argv\b/.test(source) &&
    /\b(?:require|include)(?:_once)?\b|\bimport\b/.test(source)
  );
}

function isLogOpen({ places, findings, task }: Job): boolean {
  if (places === 'none' || task?.task.type === 'php' || places.logIs === 'asked') return false;
  return places.logIs === 'ours' || findings.some(({ code }) => code === 'log-under-docroot');
}
