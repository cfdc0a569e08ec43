// Does cron run the new entry? It may have missed that its crontab was replaced, and then goes on with the old one.
import { basename } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { Latched } from '../change/plan.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { sourceName } from '../survey/facts.ts';
import { argvTells, type Forms, logTells } from './form.ts';
import { type Verdict, verdictsOf } from './verdict.ts';
import type { Watched } from './watch.ts';

/** What the checks on the worker's log found: a log that only the new entry writes is proof by itself. */
type LogVerdicts = readonly Verdict[];

/** Was a run of the new entry seen since the deployment, and none of the old one? */
export async function judgeEntry(
  server: Server,
  worker: Latched,
  forms: Forms | 'same',
  seen: Watched | undefined,
  log: LogVerdicts,
  next: string,
): Promise<Verdict> {
  const verdict = verdictsOf(worker.name);
  const say = (is: Verdict['is'], because: string, evidence: readonly string[] = [], args = {}): Verdict =>
    verdict('new-entry', is, because, evidence, args);
  if (forms === 'same') return say('skip', 'entry-unchanged');
  const runs = { runs: seen?.runs ?? 0, next, schedule: worker.schedule };
  const { old = [], now = [], last = 'none' } = seen?.forms ?? {};
  if (old.length > 0) {
    if (last === 'now') return say('warn', 'late', [...old, ...now], runs);
    const others = await alsoStarting(server, worker, forms);
    return others.length > 0
      ? say('inconclusive', 'another-entry', others, { ...runs, where: others.join(', ') })
      : say('fail', 'old-entry', old, { ...runs, ...wayOut(worker) });
  }
  if (now.length > 0) return say('pass', 'seen', now, runs);
  if (logTells(forms) && log.some((v) => v.check === 'log-written' && v.because === 'written'))
    return say('pass', 'its-log', [forms.now.log], runs);
  if (seen !== undefined && seen.recorded > 0 && forms.now.guard && !forms.old.guard)
    return say('pass', 'its-guard', [worker.lock?.directory ?? ''], runs);
  if (seen === undefined) return say('inconclusive', 'no-tick-in-time', [], runs);
  if (seen.runs === 0) return say('inconclusive', 'no-run-seen', [], runs);
  if (!argvTells(forms) && !logTells(forms)) return say('skip', 'runs-alike', [], runs);
  return say('inconclusive', 'too-short', [], runs);
}

/** What makes cron read the crontab again. */
function wayOut(worker: Latched): { how: string } {
  switch (worker.from.is) {
    case 'user':
      return { how: 'crontab' };
    case 'file':
      return { how: 'file' };
    default:
      return { how: 'directory' };
  }
}

/**
 * Other entries that name the script, in every crontab we may read: a run that looks like the old entry may be theirs.
 * Asked only when such a run was seen.
 */
async function alsoStarting(server: Server, worker: Latched, forms: Forms): Promise<string[]> {
  const name = basename(worker.script);
  const found: string[] = [];
  const { sources } = await server.crontabs.sources();
  const known = sources.some((s) => sourceName(s) === worker.source) ? sources : [...sources, worker.from];
  for (const source of known) {
    try {
      const seen = await server.crontabs.read(source);
      if (seen.is === 'none') continue;
      const system =
        source.is === 'system' || source.is === 'cron.d' || (source.is === 'file' && source.system);
      const crontab = parseCrontab(seen.text, { dialect: worker.dialect ?? 'debian', system });
      for (const line of crontab.lines) {
        if (line.is !== 'entry') continue;
        const text = readable(line.command.text);
        if (text !== forms.now.text && text.includes(name))
          found.push(`${sourceName(source)}:${line.number}`);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return found;
}
