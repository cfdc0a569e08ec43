// The databases of the workers that are checked: found, noted at the deployment, watched while the checklist runs.
import type { Latched } from '../change/plan.ts';
import { sayPlace } from '../database/credentials.ts';
import { statesIn, usualStates } from '../database/jobs.ts';
import { onlyReads } from '../database/readOnly.ts';
import type { DatabaseBaseline } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { JobSettings } from '../survey/jobs.ts';
import { databaseBaseline, type Watchee, watchDatabase } from '../verify/database.ts';
import type { Verdict } from '../verify/verdict.ts';
import { type Context, word } from './context.ts';
import { credentialsFor } from './databaseAccess.ts';

/** What the flags say of jobs. Called before anything is changed: a slip is refused while that costs nothing. */
export function jobSettings(ctx: Context): JobSettings {
  const table = word(ctx, 'jobs-table');
  const sql = word(ctx, 'jobs-sql');
  const lock = word(ctx, 'jobs-lock');
  const given = word(ctx, 'jobs-states');
  const states = given === undefined ? usualStates : statesIn(given);
  if (states === 'wrong')
    throw new Problem('usage', {
      what: `--jobs-states ${given}: it is like pending=new,processing=busy,done=ok|sent,failed=bad.`,
    });
  if (lock !== undefined && !lock.includes('{owner}'))
    throw new Problem('usage', {
      what: `--jobs-lock ${lock}: the name has {owner} in it, for what the worker writes into its jobs.`,
      next: 'For example: --jobs-lock import_worker:{owner}',
    });
  if (table !== undefined && sql !== undefined)
    throw new Problem('usage', { what: '--jobs-table and --jobs-sql cannot be used together.' });
  if (sql !== undefined && !onlyReads(sql))
    throw new Problem('usage', {
      what: '--jobs-sql: one SELECT that only reads is needed.',
      next: 'It gives one row with the columns pending, processing, done, failed (and stuck, oldest).',
    });
  return {
    states,
    ...(lock === undefined ? {} : { lock }),
    ...(table === undefined ? {} : { table }),
    ...(sql === undefined ? {} : { sql: sql.replace(/;\s*$/, '') }),
  };
}

/** The workers whose credentials are known. A failure to find them is none of a deployment's. */
export async function watchees(ctx: Context, workers: readonly Latched[]): Promise<Watchee[]> {
  if (ctx.settings.latching.without.includes('database')) return [];
  const found: Watchee[] = [];
  for (const worker of workers.filter(({ live }) => live)) {
    const at = worker.script.slice(0, worker.script.lastIndexOf('/'));
    const home = worker.script.startsWith(`${worker.directory}/`) ? worker.directory : at;
    try {
      const as = { uid: worker.uid, gid: worker.gid };
      const search = await credentialsFor(ctx, {
        as: ctx.server.self.root ? as : ctx.server.self.owner,
        home,
        directory: at,
      });
      if (search.found !== 'none') found.push({ worker, found: search.found });
    } catch (error) {
      if (!(error instanceof Problem) || error.code === 'usage') throw error;
    }
  }
  return found;
}

/** How the databases stand now, for the journal. */
export async function databaseBaselines(
  ctx: Context,
  workers: readonly Latched[],
): Promise<DatabaseBaseline[]> {
  const jobs = jobSettings(ctx);
  const all: DatabaseBaseline[] = [];
  for (const one of await watchees(ctx, workers)) {
    try {
      all.push(await databaseBaseline(ctx.server, one, jobs));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return all;
}

/** Watches the databases while `act` goes on; the checks on them need its own to be judged. */
export async function beside(
  ctx: Context,
  watched: readonly Watchee[],
  baselines: readonly DatabaseBaseline[],
  act: () => Promise<{ verdicts: Verdict[]; runs: ReadonlyMap<Latched, number> }>,
): Promise<Verdict[]> {
  const jobs = jobSettings(ctx);
  let over = false;
  const sessions = new Map<string, Set<number>>();
  const watching = watched.map(async (one) => {
    const baseline = baselines.findLast((b) => b.script === one.worker.script);
    const place = sayPlace(one.found.place);
    const ours = sessions.get(place) ?? new Set<number>();
    sessions.set(place, ours);
    const judge = await watchDatabase(ctx.server, one, { jobs, baseline, over: () => over, ours });
    return { worker: one.worker, judge };
  });
  // A failure is met where it is awaited; until then it must not end the process in the middle of a deployment.
  for (const one of watching) one.catch(() => undefined);
  let done: Awaited<ReturnType<typeof act>>;
  try {
    done = await act();
  } finally {
    over = true;
    await Promise.allSettled(watching);
  }
  const { verdicts, runs } = done;
  for (const { worker, judge } of await Promise.all(watching)) {
    const log = verdicts.find((v) => v.worker === worker.name && v.check === 'log-clean');
    const lines = log?.is === 'fail' ? Number(log.args['count']) : log?.is === 'pass' ? 0 : 'unknown';
    verdicts.push(...judge(lines, runs.get(worker) ?? 0));
  }
  return verdicts;
}
