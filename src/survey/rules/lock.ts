// Rules about one instance at a time: who keeps a second one out, and whether that still holds.
import { dirname } from 'node:path/posix';
import { readable } from '../../change/encode.ts';
import type { Word } from '../../command/command.ts';
import { everySeconds } from '../../crontab/every.ts';
import { shortestGap } from '../../crontab/schedule.ts';
import { onePass } from '../../worker/frameworks.ts';
import type { Job } from '../facts.ts';
import type { BareJob, JobRule } from './rule.ts';

/**
 * A framework's own scheduler starts whatever is due at its minute: a lock would make it miss what is due while an
 * earlier run is still busy. It keeps its jobs apart by itself (withoutOverlapping, cron groups).
 */
export function isScheduler(job: Pick<Job, 'framework'>): boolean {
  return job.framework !== 'none' && job.framework.role === 'scheduler';
}

/** Does a guard of ours stand in the script or in the entry? */
export function isGuarded(job: Pick<Job, 'script' | 'command'>): boolean {
  if (typeof job.script !== 'string' && job.script.guard !== 'none') return true;
  return job.command.flags.some((flag) => flag.value.includes('cronlatch-guard.'));
}

const hasOwnLock = (job: Pick<Job, 'script'>): boolean =>
  typeof job.script !== 'string' && job.script.ownLock === 'flock';

/** flock(1) in the entry itself, and the file it locks. */
function entrysLock({ command }: Pick<Job, 'command'>): Word | undefined {
  return command.wrappers.find(({ name }) => name === 'flock')?.words.at(-1);
}

export const noLock: JobRule = {
  code: 'no-lock',
  check: (job) =>
    isGuarded(job) || isScheduler(job) || hasOwnLock(job) || entrysLock(job) !== undefined
      ? 'fine'
      : { args: { script: job.scriptPath } },
};

export const entryLock: JobRule = {
  code: 'entry-lock',
  check(job) {
    const file = entrysLock(job);
    if (file === undefined || isGuarded(job)) return 'fine';
    return { at: file.span, args: { script: job.scriptPath, file: readable(file.value) } };
  },
};

export const scheduler: JobRule = {
  code: 'scheduler',
  check: (job) =>
    !isGuarded(job) && isScheduler(job)
      ? { args: { script: job.scriptPath, job: job.args[0] ?? '' } }
      : 'fine',
};

export const ownLock: JobRule = {
  code: 'own-lock',
  check(job) {
    if (isGuarded(job) || isScheduler(job) || typeof job.script === 'string') return 'fine';
    const { ownLock: kind, lockFaults } = job.script;
    // A lock that is no kernel lock is 'no-lock' already; here only what is wrong with it is said.
    if (kind !== 'flock' && lockFaults.length === 0) return 'fine';
    const args = { script: job.scriptPath, kind, faults: lockFaults.join(' ') };
    return lockFaults.length === 0 ? { args } : { args, level: 'warn' };
  },
};

export const guardLost: JobRule = {
  code: 'guard-lost',
  check(job, paths) {
    if (typeof job.script === 'string' || job.script.guard === 'none' || job.places === 'none') return 'fine';
    const file = job.script.guard.guardPath.replace(/^\.?\//, '');
    const path = `${dirname(job.script.path)}/${file}`;
    return paths.get(path)?.is === 'absent' ? { args: { path } } : 'fine';
  },
};

export const pilingUp: JobRule = {
  code: 'piling-up',
  check: (job) =>
    job.instances.length > 1
      ? { args: { count: job.instances.length, pids: job.instances.map((i) => i.pid).join(' ') } }
      : 'fine',
};

export const overlap: JobRule = {
  code: 'overlap',
  check(job) {
    if (job.runs === undefined) return 'fine';
    const gap = shortestGap(job.entry.schedule);
    const { seconds, measured } = job.runs;
    if (typeof gap !== 'number' || seconds <= gap) return 'fine';
    const kept = isGuarded(job) || hasOwnLock(job) || entrysLock(job) !== undefined;
    const args = { seconds, gap, measured, kept: kept ? 'yes' : '' };
    // With a lock the runs in between are left out, which is what a lock is for.
    return { args, ...(kept ? { level: 'note' as const } : {}) };
  },
};

export const noOnce: JobRule = {
  code: 'no-once',
  check(job) {
    if (job.args.includes('--once') || job.entry.schedule.is === 'reboot') return 'fine';
    if (job.framework !== 'none') return 'fine'; // neverEnds speaks of those
    const once = typeof job.script === 'string' ? 'unknown' : job.script.once;
    return once === 'yes' ? { at: job.command.script.span } : 'fine';
  },
};

/** What ends one pass of a framework's worker, as the entry has it. */
function passOf(job: BareJob) {
  if (job.framework === 'none' || job.entry.schedule.is === 'reboot') return undefined;
  const { framework } = job;
  const pass = onePass(framework, job.args, everySeconds(job.entry.schedule));
  const told = job.command.args[0];
  const at = told === undefined ? {} : { at: told.span };
  return { pass, framework, at, args: { framework: framework.name, job: job.args[0] ?? '' } };
}

export const neverEnds: JobRule = {
  code: 'never-ends',
  check(job) {
    const found = passOf(job);
    if (found?.pass.is === 'instead')
      return { ...found.at, args: { ...found.args, instead: found.pass.command } };
    return found?.pass.is === 'flag'
      ? { ...found.at, args: { ...found.args, flag: found.pass.flag } }
      : 'fine';
  },
};

export const onceIsOneJob: JobRule = {
  code: 'once-is-one-job',
  check(job) {
    const found = passOf(job);
    if (found?.pass.is !== 'limited' || found.pass.by !== '--once') return 'fine';
    return found.framework.id === 'laravel-queue' ? { ...found.at, args: found.args } : 'fine';
  },
};
