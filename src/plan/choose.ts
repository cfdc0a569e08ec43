// Which entries are meant: a person's words (a script, a line, all) → jobs.
import type { Pick } from '../ask/settings.ts';
import { type Facts, type Job, jobsOf, sourceName } from '../survey/facts.ts';
import { isScript, type Sight } from '../survey/look.ts';

export type Choice =
  | { readonly is: 'jobs'; readonly jobs: readonly Job[]; readonly left: readonly Job[] }
  | { readonly is: 'unclear'; readonly among: readonly Job[] }
  | {
      readonly is: 'none';
      readonly because: 'nothing-there' | 'no-match' | 'ambiguous';
      readonly what: string;
    };

/**
 * Chooses jobs. With nothing said, a single job that can be latched is the choice; of several none is. `left` are
 * those that '--all' leaves alone because something stands in the way.
 */
export function choose(facts: Facts, pick: Pick): Choice {
  const jobs = jobsOf(facts);
  const able = jobs.filter((job) => job.obstacles.length === 0);
  switch (pick.is) {
    case 'unsaid': {
      if (able.length === 0) return { is: 'none', because: 'nothing-there', what: '' };
      return able.length === 1 ? { is: 'jobs', jobs: able, left: [] } : { is: 'unclear', among: able };
    }
    case 'all':
      if (able.length === 0) return { is: 'none', because: 'nothing-there', what: '' };
      return { is: 'jobs', jobs: able, left: jobs.filter((job) => job.obstacles.length > 0) };
    case 'script': {
      const found = jobs.filter((job) => isScript(job, pick.path));
      const scripts = new Set(found.map((job) => job.scriptPath));
      if (found.length === 0)
        return {
          is: 'none',
          because: 'no-match',
          what: `No entry starts the script ${pick.path} in a way that can be changed.${byUrl(facts, pick.path)}`,
        };
      if (scripts.size > 1)
        return {
          is: 'none',
          because: 'ambiguous',
          what: `${pick.path} fits several scripts: ${[...scripts].join(', ')}.`,
        };
      return { is: 'jobs', jobs: found, left: [] };
    }
    case 'entry': {
      const found = jobs.filter((job) => job.line === pick.line);
      if (found.length > 1)
        return {
          is: 'none',
          because: 'ambiguous',
          what: `Line ${pick.line} is an entry in several crontabs: ${found.map((job) => job.sourceName).join(', ')}. Name one with --user or --file.`,
        };
      if (found.length === 0) return { is: 'none', because: 'no-match', what: noEntry(facts, pick.line) };
      return { is: 'jobs', jobs: found, left: [] };
    }
    case 'chosen':
      return {
        is: 'jobs',
        jobs: jobs.filter((job) =>
          pick.entries.some((e) => e.source === job.sourceName && e.line === job.line),
        ),
        left: [],
      };
  }
}

/** A task of Plesk may start it by way of the web server. */
function byUrl(facts: Facts, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const found = facts.crontabs
    .flatMap((crontab) => crontab.entries)
    .find(({ task }) => task?.task.type === 'http' && task.task.command.includes(name));
  return found?.task === undefined
    ? ''
    : ` Task ${found.task.task.id} of Plesk ("Fetch a URL") may: what it starts runs in the web server, where no entry can hold a lock. Make it a task of the kind "Run a PHP script".`;
}

/** Which workers a person's words can mean, where they leave any out: only those need a closer look. */
export function meantBy(pick: Pick): ((worker: Sight) => boolean) | undefined {
  switch (pick.is) {
    case 'entry':
      return ({ entry }) => entry.number === pick.line;
    case 'script':
      return (worker) => isScript(worker, pick.path);
    case 'chosen':
      return ({ source, entry }) =>
        pick.entries.some((e) => e.source === sourceName(source) && e.line === entry.number);
    default:
      return undefined;
  }
}

function noEntry(facts: Facts, line: number): string {
  for (const crontab of facts.crontabs) {
    const entry = crontab.entries.find((e) => e.line === line);
    if (entry?.reading.is === 'opaque')
      return `Line ${line} of ${crontab.name} starts nothing that cronlatch can rewrite (${entry.reading.why}). It is left alone.`;
  }
  return `There is no entry on line ${line}.`;
}
