// How an entry is named on a command line: by its script where that says which is meant, else by its line.
import { type Facts, type Job, sourceName } from '../survey/facts.ts';
import { choose } from './choose.ts';

export interface Name {
  readonly user?: string;
  /** Of /etc/cron.d, where nothing else tells it from its like. */
  readonly file?: string;
  readonly script?: string;
  readonly entry?: string;
}

/** The first name that means this entry and no other; `scoped`: the crontabs are named already. */
export function nameOf(facts: Facts, job: Job, scoped: boolean): Name | 'none' {
  const { source } = job;
  const users = source.is === 'user' && !scoped ? [{ user: source.user }] : [];
  const files = (source.is === 'system' || source.is === 'cron.d') && !scoped ? [{ file: source.path }] : [];
  for (const scope of [...users, {}, ...files] as readonly Name[]) {
    const { user, file } = scope;
    const only = user === undefined ? file : sourceName({ is: 'user', user });
    const crontabs = facts.crontabs.filter(({ name }) => only === undefined || name === only);
    const picks = [
      { is: 'script', path: job.scriptPath },
      { is: 'entry', line: job.line },
    ] as const;
    for (const pick of picks) {
      const choice = choose({ ...facts, crontabs }, pick);
      if (choice.is !== 'jobs' || choice.jobs.length !== 1) continue;
      const [one] = choice.jobs;
      if (one?.sourceName !== job.sourceName || one.line !== job.line) continue;
      return { ...scope, ...(pick.is === 'script' ? { script: pick.path } : { entry: `${pick.line}` }) };
    }
  }
  return 'none';
}
