// The checklist: did the deployment work? Each answer with what was seen; what could not be seen is said.
import type { Latched } from '../change/plan.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { nextRuns } from '../crontab/schedule.ts';
import type { Baseline } from '../journal/records.ts';
import type { Server } from '../server/server.ts';
import { isInstalled } from '../survey/cron.ts';
import { type Facts, jobsOf } from '../survey/facts.ts';
import { isGuarded } from '../survey/rules/lock.ts';
import { guardFile } from '../worker/guard.ts';
import { addressOf, judgeDownload } from './download.ts';
import { judgeEntry } from './entry.ts';
import { type Forms, formsOf } from './form.ts';
import { judgeRuns, sayNext } from './live.ts';
import { judgeLog } from './log.ts';
import { probe } from './probe.ts';
import { type Verdict, verdictsOf } from './verdict.ts';
import { type Wait, type Watched, type Watching, watch } from './watch.ts';

export interface VerifyOptions {
  readonly ticks: number;
  /** Seconds. */
  readonly maxWait: number;
  readonly baselines: readonly Baseline[];
  /** The crontabs as they are now. */
  readonly facts: Facts;
  /** Workers whose database is checked beside this. */
  readonly watched?: ReadonlySet<Latched>;
  /** Addresses of the sites, to ask whether they hand out the log. */
  readonly urls?: readonly string[];
  readonly seenRuns?: (worker: Latched, runs: number) => void;
  readonly tell: (event: { code: string; [key: string]: unknown }) => void;
  readonly interrupted: () => boolean;
}

/** Runs every check on every worker. Starts no customer's job. */
export async function verify(
  server: Server,
  workers: readonly Latched[],
  options: VerifyOptions,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const waits = new Map<Latched, Wait>();
  for (const worker of workers) {
    verdicts.push(...inPlace(worker, options.facts));
    verdicts.push(...(await probe(server, worker)));
    if (worker.live) waits.set(worker, await waitFor(server, worker, options));
  }
  const forms = new Map(
    workers.map((worker): [Latched, Forms | 'same'] => [worker, formsOf(worker, options.facts)]),
  );
  const watching = [...waits]
    .filter(([, wait]) => wait.due.length > 0)
    .map(([worker, wait]): Watching => ({ worker, wait, forms: forms.get(worker) ?? 'same' }));
  const seen =
    watching.length === 0
      ? new Map<Latched, Watched>()
      : await watch(server, watching, options.tell, options.interrupted);
  for (const worker of workers) {
    const wait = waits.get(worker);
    if (wait === undefined) {
      for (const check of [
        'new-entry',
        'single-instance',
        'lock-held',
        'lock-free',
        'log-written',
        'log-clean',
      ]) {
        verdicts.push({
          check,
          worker: worker.name,
          is: 'skip',
          because: 'not-live',
          args: { source: worker.source },
          evidence: [],
        });
      }
    } else {
      const watched = seen.get(worker);
      options.seenRuns?.(worker, watched?.runs ?? 0);
      const log = await judgeLog(server, worker, options.baselines, watched);
      const form = forms.get(worker) ?? 'same';
      const within = watched === undefined ? 0 : await dueWithin(server, worker, watched.from, watched.to);
      verdicts.push(
        await judgeEntry(server, worker, form, watched, log, sayNext(wait)),
        ...judgeRuns(worker, wait, watched, within, server.now()),
        ...log,
      );
    }
    verdicts.push(await judgeDownload(server, worker, addressOf(worker, workers, options.urls ?? [])));
    if (options.watched?.has(worker)) continue;
    verdicts.push({
      check: 'database',
      worker: worker.name,
      is: 'skip',
      because: 'no-database',
      args: {},
      evidence: [],
    });
  }
  verdicts.push(...(await cronAlive(server, workers)));
  return verdicts;
}

async function waitFor(server: Server, worker: Latched, options: VerifyOptions): Promise<Wait> {
  const until = server.now() + options.maxWait * 1000;
  const line = parseCrontab(`${worker.schedule} x\n`, { dialect: 'cronie', system: false }).lines[0];
  if (line?.is !== 'entry') return { due: [], asked: options.ticks, next: 'never', until };
  const next = await nextRuns(line.schedule, server.now(), options.ticks, server.self.zone);
  return { due: next.filter((due) => due <= until), asked: options.ticks, next: next[0] ?? 'never', until };
}

/** Is what was deployed still there: the entry, the guard, and no second entry that starts the same script? */
function inPlace(worker: Latched, facts: Facts): Verdict[] {
  const verdict = verdictsOf(worker.name);
  const same = jobsOf(facts).filter(
    (job) =>
      job.user.uid === worker.uid &&
      (typeof job.script === 'string' ? job.scriptPath : job.script.path) === worker.script &&
      JSON.stringify(job.args.filter((arg) => arg !== '--once')) === JSON.stringify(worker.args),
  );
  const where = same.map((job) => `${job.sourceName}:${job.line}`);
  const entries =
    same.length === 1
      ? verdict('one-entry', 'pass', 'one', where)
      : same.length === 0
        ? verdict('one-entry', 'fail', 'gone', [`${worker.source}:${worker.line}`])
        : verdict('one-entry', 'warn', 'several', where, { count: same.length });
  if (worker.lock === undefined) return [entries, verdict('guard-in-place', 'skip', 'no-guard')];
  const job = same[0];
  if (job === undefined) return [entries, verdict('guard-in-place', 'inconclusive', 'no-entry')];
  const beside = facts.paths.get(worker.lock.guard);
  const evidence = [worker.lock.guard];
  if (!isGuarded(job)) return [entries, verdict('guard-in-place', 'fail', 'guard-lost', [worker.script])];
  if (beside?.is !== 'file') return [entries, verdict('guard-in-place', 'fail', 'file-gone', evidence)];
  const second = worker.lock.shared?.file;
  if (second !== undefined && facts.paths.get(second)?.is !== 'file')
    return [entries, verdict('guard-in-place', 'fail', 'file-gone', [second])];
  const current = beside.bytes === guardFile(worker.interpreter.kind);
  return [
    entries,
    verdict('guard-in-place', current ? 'pass' : 'warn', current ? 'there' : 'other-version', evidence),
  ];
}

/** How often an entry was due between two moments. */
async function dueWithin(server: Server, worker: Latched, from: number, to: number): Promise<number> {
  const line = parseCrontab(`${worker.schedule} x\n`, { dialect: 'cronie', system: false }).lines[0];
  if (line?.is !== 'entry') return 0;
  for (let most = 16; ; most *= 4) {
    const runs = await nextRuns(line.schedule, from, most, server.self.zone);
    const within = runs.filter((due) => due <= to).length;
    if (within < runs.length || runs.length < most) return within;
  }
}

async function cronAlive(server: Server, workers: readonly Latched[]): Promise<Verdict[]> {
  if (workers.length === 0) return [];
  const bare = { check: 'cron-alive', worker: '', args: {} };
  if (!workers.some(({ from }) => isInstalled(from)))
    return [{ ...bare, is: 'skip', because: 'not-a-system-crontab', evidence: [] }];
  const cron = await server.processes.cron();
  switch (cron.is) {
    case 'seen':
      return [{ ...bare, is: 'pass', because: 'running', evidence: [cron.as] }];
    // Nothing that was deployed is at fault, so nothing is put back for it.
    case 'none':
      return [{ ...bare, is: 'warn', because: 'none', evidence: [] }];
    case 'unseen':
      return [{ ...bare, is: 'inconclusive', because: cron.because, evidence: [] }];
  }
}
