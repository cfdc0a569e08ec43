// The checklist: did the deployment work? Each answer with what was seen; what could not be seen is said.
import { dirname } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { nextRuns } from '../crontab/schedule.ts';
import type { Baseline } from '../journal/records.ts';
import type { Owner, Server } from '../server/server.ts';
import { type Facts, jobsOf } from '../survey/facts.ts';
import { isGuarded } from '../survey/findings.ts';
import { guardFile } from '../worker/guard.ts';
import type { Answer, Verdict } from './verdict.ts';
import { type Wait, type Watched, watch } from './watch.ts';

export interface VerifyOptions {
  readonly ticks: number;
  /** Seconds. */
  readonly maxWait: number;
  readonly baselines: readonly Baseline[];
  /** The crontabs as they are now. */
  readonly facts: Facts;
  readonly tell: (event: { code: string; [key: string]: unknown }) => void;
  readonly interrupted: () => boolean;
}

/** What MySQL and MariaDB say when connections run out: 1203 and 1226 (per user), 1040 (server). */
const refusal = /\[(?:1203|1226|1040)\]|max_user_connections|Too many connections|ERROR (?:1203|1226|1040)\b/;

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
  const watching = [...waits]
    .filter(([, wait]) => wait.due.length > 0)
    .map(([worker, wait]) => ({ worker, wait }));
  const seen =
    watching.length === 0
      ? new Map<Latched, Watched>()
      : await watch(server, watching, options.tell, options.interrupted);
  for (const worker of workers) {
    const wait = waits.get(worker);
    if (wait === undefined) {
      for (const check of ['single-instance', 'lock-held', 'lock-free', 'log-written', 'log-clean']) {
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
      verdicts.push(...live(worker, wait, seen.get(worker), server.now()));
      verdicts.push(...(await log(server, worker, options.baselines, seen.get(worker))));
    }
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
  if (line?.is !== 'entry') return { due: [], until };
  const next = await nextRuns(line.schedule, server.now(), options.ticks, server.self.zone);
  return { due: next.filter((due) => due <= until), until };
}

/** Is what was deployed still there: the entry, the guard, and no second entry that starts the same script? */
function inPlace(worker: Latched, facts: Facts): Verdict[] {
  const verdict = (
    check: string,
    is: Answer,
    because: string,
    evidence: string[] = [],
    args: Verdict['args'] = {},
  ): Verdict => ({ check, worker: worker.name, is, because, args, evidence });
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
  const current = beside.bytes === guardFile(worker.interpreter.kind);
  return [
    entries,
    verdict('guard-in-place', current ? 'pass' : 'warn', current ? 'there' : 'other-version', evidence),
  ];
}

/** The guard tries itself in the real directory, with the real interpreter and user, on a lock of its own. */
async function probe(server: Server, worker: Latched): Promise<Verdict[]> {
  const verdict = (
    check: string,
    is: Answer,
    because: string,
    evidence: string[],
    args: Verdict['args'] = {},
  ): Verdict => ({ check, worker: worker.name, is, because, args, evidence });
  const checks = ['second-refused', 'stale-recovered'] as const;
  if (worker.lock === undefined) return checks.map((check) => verdict(check, 'skip', 'no-guard', []));
  const argv = [worker.interpreter.path, worker.lock.guard, 'probe', worker.lock.directory, worker.lock.name];
  const as: Owner = { uid: worker.uid, gid: worker.gid };
  const ran = await server.programs.run(argv, {
    as,
    cwd: dirname(worker.lock.guard),
    env: { PATH: '/usr/bin:/bin', HOME: worker.directory },
    timeout: 30_000,
  });
  let said: {
    refused?: { exit: number; message: string };
    stale?: { recovered: boolean; message: string };
    errors?: string[];
  };
  try {
    said = JSON.parse(ran.stdout);
  } catch {
    const words = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? '';
    return checks.map((check) =>
      verdict(check, 'inconclusive', 'probe-silent', [argv.join(' '), words], { code: String(ran.code) }),
    );
  }
  const errors = said.errors ?? [];
  const refused =
    said.refused?.exit === 0 && /^Another instance is already running/.test(said.refused.message);
  const recovered = said.stale?.recovered === true;
  return [
    verdict(
      'second-refused',
      refused ? 'pass' : 'fail',
      refused ? 'refused' : 'not-refused',
      [said.refused?.message ?? '', ...errors].filter((e) => e !== ''),
    ),
    verdict(
      'stale-recovered',
      recovered ? 'pass' : 'fail',
      recovered ? 'recovered' : 'not-recovered',
      [said.stale?.message ?? '', ...errors].filter((e) => e !== ''),
    ),
  ];
}

function live(worker: Latched, wait: Wait, seen: Watched | undefined, now: number): Verdict[] {
  const verdict = (
    check: string,
    is: Answer,
    because: string,
    evidence: string[] = [],
    args: Verdict['args'] = {},
  ): Verdict => ({ check, worker: worker.name, is, because, args, evidence });
  if (seen === undefined) {
    const args = { schedule: worker.schedule };
    return ['single-instance', 'lock-held', 'lock-free'].map((check) =>
      verdict(check, 'inconclusive', 'no-tick-in-time', [], args),
    );
  }
  const ticks = { ticks: seen.ticks, due: wait.due.length, runs: seen.runs };
  const pids = (list: readonly number[]): string[] => list.map((pid) => `PID ${pid}`);
  const verdicts: Verdict[] = [];
  if (seen.most > 1)
    verdicts.push(
      verdict('single-instance', 'fail', 'several', pids(seen.mostPids), { ...ticks, count: seen.most }),
    );
  else if (seen.runs === 0)
    verdicts.push(verdict('single-instance', 'inconclusive', 'no-run-seen', [], ticks));
  else if (now < (wait.due.at(-1) ?? 0))
    verdicts.push(verdict('single-instance', 'inconclusive', 'cut-short', [], ticks));
  else verdicts.push(verdict('single-instance', 'pass', 'one', [], { ...ticks, count: seen.most }));
  if (worker.lock === undefined)
    return [...verdicts, verdict('lock-held', 'skip', 'no-guard'), verdict('lock-free', 'skip', 'no-guard')];
  const evidence = [`${worker.lock.directory}/${worker.lock.name}.lock`];
  if (seen.lockless.length > 0)
    verdicts.push(verdict('lock-held', 'fail', 'runs-without', [...evidence, ...pids(seen.lockless)]));
  else if (seen.held) verdicts.push(verdict('lock-held', 'pass', 'held', evidence));
  else
    verdicts.push(
      verdict('lock-held', 'inconclusive', seen.lockSeen ? 'no-run-seen' : 'lock-unseen', evidence),
    );
  if (seen.free) verdicts.push(verdict('lock-free', 'pass', 'free', evidence));
  else
    verdicts.push(verdict('lock-free', 'inconclusive', seen.held ? 'always-held' : 'no-run-seen', evidence));
  return verdicts;
}

/** Was the log written since the deployment, and is what was written free of refused connections? */
async function log(
  server: Server,
  worker: Latched,
  baselines: readonly Baseline[],
  seen: Watched | undefined,
): Promise<Verdict[]> {
  const verdict = (
    check: string,
    is: Answer,
    because: string,
    evidence: string[] = [],
    args: Verdict['args'] = {},
  ): Verdict => ({ check, worker: worker.name, is, because, args, evidence });
  const path = worker.log;
  if (path === undefined)
    return [verdict('log-written', 'skip', 'no-log'), verdict('log-clean', 'skip', 'no-log')];
  const baseline = baselines.find((b) => b.log === path) ?? { log: path, size: 0, inode: 'absent' };
  const eyes = server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
  const now = await server.files.tail(path, 0, 0, eyes);
  if (now === 'absent') {
    return [
      verdict('log-written', seen === undefined || seen.runs === 0 ? 'inconclusive' : 'fail', 'absent', [
        path,
      ]),
      verdict('log-clean', 'inconclusive', 'nothing-written', [path]),
    ];
  }
  // Another inode or a shorter file: it was rotated, so all of it is new.
  const from = now.inode === baseline.inode && now.size >= baseline.size ? baseline.size : 0;
  const fresh = await server.files.tail(path, from, 4 * 1024 * 1024, eyes);
  const grown = fresh !== 'absent' && fresh.size > from;
  const created = baseline.inode === 'absent';
  const text = fresh === 'absent' ? '' : fresh.text;
  const bad = text.split('\n').filter((line) => refusal.test(line));
  const args = { bytes: text.length };
  return [
    grown || created
      ? verdict('log-written', 'pass', grown ? 'written' : 'created', [path], args)
      : verdict('log-written', 'inconclusive', 'nothing-written', [path]),
    bad.length > 0
      ? verdict(
          'log-clean',
          'fail',
          'refusals',
          [
            path,
            ...bad.slice(0, 3).map((line) => Buffer.from(line, 'latin1').toString('utf8').slice(0, 200)),
          ],
          { count: bad.length },
        )
      : grown
        ? verdict('log-clean', 'pass', 'clean', [path], args)
        : verdict('log-clean', 'inconclusive', 'nothing-written', [path]),
  ];
}

async function cronAlive(server: Server, workers: readonly Latched[]): Promise<Verdict[]> {
  if (workers.length === 0) return [];
  const bare = { check: 'cron-alive', worker: '', args: {} };
  const installed = workers.filter(
    (w) =>
      w.live &&
      (w.source.startsWith('user:') || w.source === '/etc/crontab' || w.source.startsWith('/etc/cron.d/')),
  );
  if (installed.length === 0) return [{ ...bare, is: 'skip', because: 'not-a-system-crontab', evidence: [] }];
  const daemons = (await server.processes.list()).filter((row) => {
    const name = (row.argv[0] ?? '').split('/').pop() ?? '';
    return /^(cron|crond)$/.test(name.replace(/^-/, '')) && row.uid === 0;
  });
  return daemons.length > 0
    ? [{ ...bare, is: 'pass', because: 'running', evidence: daemons.map((row) => `PID ${row.pid}`) }]
    : [{ ...bare, is: 'inconclusive', because: 'not-seen', evidence: [] }];
}

/** Where each log ends now: what comes after is what verify judges. */
export async function baselinesOf(server: Server, workers: readonly Latched[]): Promise<Baseline[]> {
  const found: Baseline[] = [];
  for (const worker of workers) {
    if (worker.log === undefined || !worker.live) continue;
    const eyes = server.self.root ? { uid: worker.uid, gid: worker.gid } : server.self.owner;
    const now = await server.files.tail(worker.log, 0, 0, eyes);
    found.push(
      now === 'absent'
        ? { log: worker.log, size: 0, inode: 'absent' }
        : { log: worker.log, size: now.size, inode: now.inode },
    );
  }
  return found;
}
