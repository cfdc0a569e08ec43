// What is to end each run of a worker: --once, the framework's own flag for one pass, or nothing.
import type { Latching } from '../ask/settings.ts';
import { everySeconds } from '../crontab/every.ts';
import type { Facts, Finding, Job } from '../survey/facts.ts';
import { onePass } from '../worker/frameworks.ts';

export interface Ending {
  /** The flag to add, unless it is there. */
  readonly flag?: string;
  readonly findings: readonly Finding[];
}

/** Added only where the source shows that it is understood, or where it was asked for. */
export function endingOf(job: Job, latching: Latching, shipped: Facts['worker']): Ending {
  const { framework } = job;
  if (framework === 'none')
    return { ...(wantsOnce(job, latching, shipped) ? { flag: '--once' } : {}), findings: [] };
  // Started once a boot, a worker that ends after one pass would be gone until the next.
  const every = job.entry.schedule.is === 'reboot' ? 'boot' : everySeconds(job.entry.schedule);
  if (every === 'boot' || latching.once === 'no') return { findings: [] };
  const pass = onePass(framework, job.args, every);
  if (pass.is !== 'flag') {
    // Consoles refuse a flag they do not know: a --once that was asked for must not break the entry.
    // A command of the application's own may take it: there the word of whoever asks for it counts.
    if (latching.once === 'yes' && pass.is === 'unknown') return { flag: '--once', findings: [] };
    const refused = latching.once === 'yes' && pass.is !== 'limited';
    return { findings: refused ? [note(job, 'no-pass-flag', 'warn', { framework: framework.name })] : [] };
  }
  const args = { framework: framework.name, flag: pass.flag };
  if (framework.knowsPass === 'yes' || (latching.once === 'yes' && framework.knowsPass === 'unknown'))
    return { flag: pass.flag, findings: [note(job, 'pass-added', 'note', args)] };
  return {
    findings: [note(job, framework.knowsPass === 'no' ? 'pass-unknown' : 'pass-unseen', 'note', args)],
  };
}

/** With --worker it is the new version that has to understand the flag. */
function wantsOnce(job: Job, latching: Latching, shipped: Facts['worker']): boolean {
  if (job.args.includes('--once')) return true;
  if (latching.once !== 'auto') return latching.once === 'yes';
  if (job.entry.schedule.is === 'reboot') return false;
  if (shipped !== undefined) return shipped.once === 'yes';
  return typeof job.script !== 'string' && job.script.once === 'yes';
}

function note(job: Job, code: string, level: Finding['level'], args: Finding['args']): Finding {
  return { level, code, where: { source: job.sourceName, line: job.line }, args };
}
