// Looks at a worker's database folded into incidents: the account's use, refusals by counters, jobs.
import { leavesRoom } from '../database/limits.ts';
import { noTries, refusalsBetween, sumOf } from '../database/refusals.ts';
import { type Ledger, raise, settle, type Worker } from './ledger.ts';
import type { DatabaseSample } from './records.ts';

/** A full account explains refusals that the counters tell within so long. */
const near = 30_000;

/** Takes one look. */
export function judgeLooks(book: Ledger, look: DatabaseSample): void {
  const worker = book.workers[look.worker];
  if (worker === undefined) return;
  worker.looks++;
  worker.by = look.by === 'kernel' ? (worker.by ?? look.by) : look.by;
  worker.account = look.account ?? worker.account;
  worker.limit = look.limit ?? worker.limit;
  worker.own = sumOf(worker.own, look.own ?? noTries);
  worker.ownFull += look.ownFull ?? 0;
  worker.ownAll += (look.own?.refused ?? 0) + (look.ownFull ?? 0);
  if (look.unreached === undefined) settle(book, look, 'unreachable', worker.index);
  else {
    worker.unreached++;
    raise(book, look, {
      kind: 'unreachable',
      level: 'warning',
      worker: worker.index,
      args: { why: look.unreached },
    });
  }
  use(book, worker, look);
  counters(book, worker, look);
  jobs(book, worker, look);
}

function use(book: Ledger, worker: Worker, look: DatabaseSample): void {
  if (look.used === undefined) return;
  worker.uses.push({ t: look.t, w: look.w, used: look.used });
  const most = worker.limit?.connections;
  const used = look.used === 'refused' ? most : look.used;
  const minute = worker.minute(look.w);
  if (used !== undefined) minute.connections = Math.max(minute.connections ?? 0, used);
  const pids = (look.holders ?? []).map(([pid]) => pid);
  const full = look.used === 'refused' || (most !== undefined && look.used >= most);
  const args = { used: used ?? 0, limit: most ?? 0 };
  if (full) {
    worker.fullAt = look.t;
    raise(book, look, { kind: 'full', level: 'violation', worker: worker.index, args, pids });
  } else settle(book, look, 'full', worker.index);
  if (!full && used !== undefined && most !== undefined && !leavesRoom(used, most))
    raise(book, look, { kind: 'too-high', level: 'violation', worker: worker.index, args, pids });
  else settle(book, look, 'too-high', worker.index);
}

function counters(book: Ledger, worker: Worker, look: DatabaseSample): void {
  if (look.counters === undefined) return;
  const before = worker.counters;
  const now = look.counters;
  worker.counters = now;
  const [own, ownFull] = [worker.own, worker.ownFull];
  worker.own = noTries;
  worker.ownFull = 0;
  if (before === undefined) return;
  const plain = refusalsBetween(before, now, own);
  if (plain.is === 'reset') {
    worker.refusals.resets++;
    worker.carry = 0;
    return;
  }
  const denied = Math.max(0, (now.denied ?? 0) - (before.denied ?? 0) - own.denied);
  const { high } = plain;
  const full = Math.max(0, plain.full - ownFull);
  const known = now.preauth !== undefined && now.denied !== undefined;
  // A denied connection is counted as denied first and as aborted then: a look may fall in between.
  const low = known ? Math.max(0, high - denied - worker.carry) : 0;
  worker.carry = Math.max(0, denied - high);
  const sums = worker.refusals;
  worker.refusals = {
    ...sums,
    low: sums.low + low,
    high: sums.high + high,
    full: sums.full + full,
    intervals: sums.intervals + 1,
  };
  const minute = worker.minute(look.w);
  minute.low += low + full;
  minute.high += high + full;
  if (low + full === 0) return;
  worker.refusedAt = look.t;
  // Counters are everybody's; of an account that was full at that time they are its own.
  const ours = worker.fullAt !== undefined && look.t - worker.fullAt <= near;
  raise(book, look, {
    kind: 'refused',
    level: ours ? 'violation' : 'warning',
    worker: worker.index,
    args: { low, high, full },
    adds: ['low', 'high', 'full'],
  });
}

function jobs(book: Ledger, worker: Worker, look: DatabaseSample): void {
  if (look.jobs === undefined) return;
  const counts = look.jobs;
  worker.firstJobs ??= { t: look.t, counts };
  worker.lastJobs = { t: look.t, counts };
  const first = worker.firstJobs.counts;
  const minute = worker.minute(look.w);
  minute.pending = counts.pending;
  minute.done = counts.done;
  const stuck = (counts.stuck ?? 0) - (first.stuck ?? 0);
  if (stuck > 0)
    raise(book, look, { kind: 'jobs-stuck', level: 'violation', worker: worker.index, args: { stuck } });
  else settle(book, look, 'jobs-stuck', worker.index);
  const [was, is] = [first.pending + first.processing, counts.pending + counts.processing];
  if (is >= was + 20 && is >= 2 * was)
    raise(book, look, { kind: 'backlog', level: 'warning', worker: worker.index, args: { was, now: is } });
  else settle(book, look, 'backlog', worker.index);
}
