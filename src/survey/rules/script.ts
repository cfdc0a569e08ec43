// Rules about the script of a worker: is it there, may it be read, who else may change it.
import type { JobRule } from './rule.ts';

export const scriptMissing: JobRule = {
  code: 'script-missing',
  check: (job) =>
    // A crontab kept in a repository names scripts that stand elsewhere.
    job.script === 'absent'
      ? { at: job.command.script.span, args: { script: job.scriptPath }, obstacle: job.live }
      : 'fine',
};

export const scriptUnreadable: JobRule = {
  code: 'script-unreadable',
  check: (job) =>
    job.script === 'unreadable'
      ? { at: job.command.script.span, args: { script: job.scriptPath }, obstacle: job.live }
      : 'fine',
};

export const rootRunsForeignScript: JobRule = {
  code: 'root-runs-foreign-script',
  check(job) {
    if (typeof job.script === 'string' || job.owner.uid !== 0 || job.script.foreignWriter === 'none')
      return 'fine';
    const args = { script: job.script.path, writable: job.script.foreignWriter };
    return { at: job.command.script.span, args, obstacle: true };
  },
};
