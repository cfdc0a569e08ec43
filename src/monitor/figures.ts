// The figures of one worker over a watch: runs against their gap, connections against the limit, series and minutes.
import type { Ledger, Run, Worker } from './ledger.ts';
import type { Sample } from './records.ts';
import type { ConnectionFigures, RunFigures, Steps, WorkerSummary } from './summary.ts';

/** A moment of the wall clock as people and programs read it. */
export const iso = (wall: number): string => new Date(wall).toISOString();

/** All that is known of one worker. */
export function workerSummary(book: Ledger, worker: Worker, samples: readonly Sample[]): WorkerSummary {
  const { watched, refusals } = worker;
  const { name, script, source, line, user, schedule, gap, lock, log } = watched;
  const runs = runFigures(worker);
  const jobs = jobFigures(worker);
  const lastEnd = worker.recorded.at(-1)?.to;
  const { ticks } = worker;
  const decided = ticks.run + ticks.skipped + ticks.missed + ticks.unseen;
  const until = book.last?.w ?? book.start.wall;
  const due = watched.due.filter((at) => at <= until).length;
  return {
    name,
    script,
    source,
    line,
    user,
    schedule,
    ...(gap === undefined ? {} : { gap }),
    ...(lock === undefined ? {} : { lock }),
    ...(log === undefined ? {} : { log }),
    instances: {
      most: worker.most,
      ...(worker.mostAt === undefined ? {} : { at: iso(worker.mostAt) }),
      pids: worker.mostPids,
    },
    ...(lock === undefined || samples.length === 0
      ? {}
      : { lockHeld: Math.round((1000 * worker.held) / samples.length) / 10 }),
    ticks: { due, ...ticks, open: due - decided, missedAt: worker.missed.map(iso) },
    ...(runs === undefined ? {} : { runs }),
    ...(lastEnd === undefined ? {} : { lastEnd: iso(lastEnd) }),
    ...(worker.looks === 0 ? {} : { connections: connectionFigures(worker) }),
    refusals: {
      log: log === undefined ? 'unknown' : worker.logRefused,
      ...(refusals.intervals === 0 ? {} : { low: refusals.low, high: refusals.high, full: refusals.full }),
      own: worker.ownAll,
      resets: refusals.resets,
    },
    errors: worker.logErrors,
    ...(jobs === undefined ? {} : { jobs }),
    series: {
      connections: steps(worker.uses.map(({ t, used }) => [t, used === 'refused' ? limitOr(worker) : used])),
      instances: steps(
        withGaps(book, samples).map(([t, sample]) => [
          t,
          sample === null ? null : (sample.workers[worker.index]?.instances.length ?? 0),
        ]),
      ),
      pending: steps(
        [...worker.minutes.values()]
          .filter(({ pending }) => pending !== undefined)
          .map(({ at, pending }) => [Math.max(0, at - book.start.wall), pending ?? null]),
      ),
    },
    minutes: [...worker.minutes.values()]
      .sort((a, b) => a.at - b.at)
      .map((one) => ({
        minute: `${iso(one.at).slice(0, 16)}Z`,
        samples: one.samples,
        instances: one.instances,
        connections: one.connections ?? null,
        refusals: { log: one.refusedInLog, low: one.low, high: one.high },
        errors: one.errors,
        starts: one.starts,
        pending: one.pending ?? null,
        done: one.done ?? null,
      })),
  };
}

function limitOr(worker: Worker): number | null {
  return worker.limit?.connections ?? null;
}

/** Samples with a hole wherever one was not taken. */
function withGaps(book: Ledger, samples: readonly Sample[]): (readonly [number, Sample | null])[] {
  const found: (readonly [number, Sample | null])[] = [];
  let next = 0;
  for (const sample of samples) {
    if (sample.n > next) found.push([next * book.start.every, null]);
    next = sample.n + 1;
    found.push([sample.t, sample]);
  }
  return found;
}

/** Changes only. */
function steps(points: readonly (readonly [t: number, value: number | null])[]): Steps<number> {
  const found: [number, number | null][] = [];
  for (const [t, value] of points) if (found.at(-1)?.[1] !== value) found.push([Math.round(t / 1000), value]);
  return found;
}

/** Runs that the guard wrote down are exact; else those that were seen to go. */
function runsOf(worker: Worker): { readonly runs: readonly Run[]; readonly by: RunFigures['by'] } {
  return worker.recorded.length > 0
    ? { runs: worker.recorded, by: 'guard' }
    : { runs: worker.observed, by: 'kernel' };
}

function runFigures(worker: Worker): RunFigures | undefined {
  const { runs, by } = runsOf(worker);
  const lengths = runs.map(({ from, to }) => Math.max(0, (to - from) / 1000));
  if (worker.running > 0 && worker.seen.size > 0) lengths.push(worker.running);
  if (lengths.length === 0) return undefined;
  lengths.sort((a, b) => a - b);
  const at = (share: number): number =>
    round(lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))] ?? 0);
  const longest = round(lengths.at(-1) ?? 0);
  const { gap } = worker.watched;
  return {
    seen: lengths.length,
    longest,
    median: at(0.5),
    p95: at(0.95),
    ...(gap === undefined ? {} : { gap, share: Math.round((100 * longest) / gap) }),
    over: gap === undefined ? 0 : lengths.filter((one) => one > gap).length,
    by,
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

function connectionFigures(worker: Worker): ConnectionFigures {
  const counts = worker.uses.flatMap(({ used, w }) => (used === 'refused' ? [] : [{ used, w }]));
  const refused = worker.uses.length - counts.length;
  const first = worker.uses.find(({ used }) => used === 'refused');
  const most = worker.limit?.connections;
  const highest = counts.reduce<{ used: number; w: number } | undefined>(
    (best, one) => (best === undefined || one.used > best.used ? one : best),
    undefined,
  );
  const peak =
    first !== undefined && most !== undefined && (highest === undefined || highest.used < most)
      ? { used: most, w: first.w }
      : highest;
  return {
    ...(worker.account === undefined ? {} : { account: worker.account }),
    by: worker.by ?? 'kernel',
    ...(worker.limit === undefined
      ? {}
      : { limit: worker.limit, line: Math.ceil(0.6 * worker.limit.connections) }),
    samples: worker.uses.length,
    refused,
    ...(peak === undefined ? {} : { peak: { value: peak.used, at: iso(peak.w) } }),
    ...(peak === undefined || most === undefined || most === 0
      ? {}
      : { share: Math.round((100 * peak.used) / most) }),
    ...(counts.length === 0
      ? {}
      : {
          average: Math.round((100 * counts.reduce((sum, { used }) => sum + used, 0)) / counts.length) / 100,
        }),
    ...(first === undefined ? {} : { firstFull: iso(first.w) }),
  };
}

function jobFigures({ firstJobs, lastJobs }: Worker): WorkerSummary['jobs'] | undefined {
  if (firstJobs === undefined || lastJobs === undefined) return undefined;
  const [before, after] = [firstJobs.counts, lastJobs.counts];
  const seconds = Math.max(1, (lastJobs.t - firstJobs.t) / 1000);
  const done =
    before.done !== undefined && after.done !== undefined ? Math.max(0, after.done - before.done) : undefined;
  const shrunk = before.pending + before.processing - after.pending - after.processing;
  return {
    before,
    after,
    ...(done === undefined ? {} : { done, perMinute: round(done / (seconds / 60)) }),
    ...(shrunk > 0 ? { drain: Math.ceil(((after.pending + after.processing) / shrunk) * seconds) } : {}),
  };
}
