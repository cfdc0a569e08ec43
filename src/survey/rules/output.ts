// Rules about where a worker's output goes.
import { dirname } from 'node:path/posix';
import { readable } from '../../change/encode.ts';
import { logOf } from '../../command/redirects.ts';
import { docrootAbove } from '../../worker/place.ts';
import type { BareJob, JobRule } from './rule.ts';

/** Where the redirect of standard output stands. */
function redirect(job: BareJob): { at: { start: number; end: number } } | Record<string, never> {
  const out = job.command.redirects.find(
    ({ fd, operator }) => (fd === 1 || fd === 'both') && operator.includes('>'),
  );
  return out === undefined ? {} : { at: out.span };
}

export const noLog: JobRule = {
  code: 'no-log',
  check: (job) => (logOf(job.command) === 'none' ? {} : 'fine'),
};

export const logNull: JobRule = {
  code: 'log-null',
  check: (job) => (logOf(job.command) === 'null' ? redirect(job) : 'fine'),
};

export const logUnderDocroot: JobRule = {
  code: 'log-under-docroot',
  check(job) {
    const log = logOf(job.command);
    if (log === 'none' || log === 'null' || log === 'unknown') return 'fine';
    const docroot = docrootAbove(readable(log));
    return docroot === 'no' ? 'fine' : { ...redirect(job), args: { log: readable(log), docroot } };
  },
};

export const logDirectoryMissing: JobRule = {
  code: 'log-directory-missing',
  check(job) {
    const { places } = job;
    if (places === 'none' || places.logIs !== 'kept' || places.logAt.made !== true) return 'fine';
    // Where neither the script nor the directory is here, the crontab is for another machine.
    if (!job.live && typeof job.script === 'string') return 'fine';
    return { ...redirect(job), args: { directory: dirname(places.log) } };
  },
};

export const background: JobRule = {
  code: 'background',
  check: (job) =>
    job.command.background ? { at: { start: job.command.span.end, end: job.command.span.end } } : 'fine',
};
