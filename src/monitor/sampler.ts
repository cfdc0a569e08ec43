// The watch itself: a sample a second by a clock that nobody sets, the database in between, everything written down at once.
import type { Latched } from '../change/plan.ts';
import type { ProcessRow, Server } from '../server/server.ts';
import type { JobSettings } from '../survey/jobs.ts';
import type { Watchee } from '../verify/database.ts';
import { type Eyes, eyesOn } from './eyes.ts';
import { type Fold, foldOf } from './incidents.ts';
import type { EndedBy, Incident, Observation, WatchRecord, WatchStart } from './records.ts';
import type { WatchPen } from './store.ts';
import { lookInTurn, looksAt } from './turns.ts';

/** A signal is heard within so many milliseconds. */
const hearing = 350;
/** Between two looks for a cron that runs. */
const cronEvery = 60_000;
/** From a step of the wall clock of this size on it was set. */
const jumped = 1000;

export interface SamplerOptions {
  readonly server: Server;
  readonly start: WatchStart;
  readonly workers: readonly Latched[];
  readonly databases: readonly Watchee[];
  readonly jobs: JobSettings;
  readonly pen: WatchPen;
  readonly failFast: boolean;
  readonly chance: () => number;
  readonly heard: () => 'no' | 'SIGINT' | 'SIGTERM';
  /** Records of an earlier part, for a watch that goes on. */
  readonly earlier?: readonly WatchRecord[];
  /** Called with each record as it is made. */
  readonly noted: (record: WatchRecord) => void;
  /** Called after every sample, and with the incidents that are new, worse or over. */
  readonly tell: (now: Now, news: readonly Incident[]) => void;
}

/** How things stand after a sample. */
export interface Now {
  readonly fold: Fold;
  readonly t: number;
  readonly w: number;
  /** Starts that are due, ms since the epoch, the next one of all workers. */
  readonly next: number | 'none';
}

/** Watches to the end, or until somebody says stop. Gives back all records but the start. */
export async function sampler(options: SamplerOptions): Promise<readonly WatchRecord[]> {
  const { server, start, workers, pen, earlier = [] } = options;
  const fold = foldOf(start);
  const records: WatchRecord[] = [...earlier];
  for (const record of earlier) if (isObservation(record)) fold.take(record);
  const eyes: Eyes[] = [];
  for (const [index, worker] of workers.entries()) eyes.push(await eyesOn(server, worker, index));
  const looks = looksAt(options);
  // A watch that goes on takes up the clock where the wall says it is.
  const offset = earlier.length === 0 ? 0 : Math.max(0, server.now() - start.wall);
  const began = server.elapsed() - offset;
  const since = (): number => Math.round(server.elapsed() - began);
  const moment = (): { t: number; w: number } => ({ t: since(), w: server.now() });
  /** What is seen out of turn is written in turn: lines are never mixed. */
  let writing: Promise<void> = Promise.resolve();
  let failure: unknown;
  let violated = fold.incidents.some((one) => one.level === 'violation');
  let news: Incident[] = [];
  const note = (record: Observation): Promise<void> => {
    records.push(record);
    options.noted(record);
    const fresh = fold.take(record);
    news.push(...fresh);
    violated ||= fresh.some((one) => one.level === 'violation');
    writing = writing
      .then(async () => {
        await pen.write(record);
        for (const one of fresh) await pen.write(one);
      })
      .catch((error: unknown) => {
        failure ??= error;
      });
    return writing;
  };
  const list = server.processes.follow();
  const last = records.findLast((record) => record.is === 'sample');
  let next = last?.is === 'sample' ? last.n + 1 : 0;
  let cronAt = Number.NEGATIVE_INFINITY;
  let ahead = server.now() - start.wall - since();
  const all = Math.floor((start.lasts * 1000) / start.every);
  const resumed = Math.min(all, Math.floor(since() / start.every));
  if (resumed > next) {
    await note({ is: 'gap', ...moment(), from: next, to: resumed - 1, why: 'resumed' });
    next = resumed;
  }
  const pending = new Set<Promise<void>>();
  let by: EndedBy = 'time';
  for (;;) {
    by = await waitFor(options, () => since(), next * start.every);
    if (by !== 'time' || since() >= start.lasts * 1000) break;
    const at = moment();
    const due = Math.floor(at.t / start.every);
    if (due > next) {
      await note({ is: 'gap', ...at, from: next, to: due - 1, why: 'late' });
      next = due;
    }
    const jump = at.w - start.wall - at.t - ahead;
    if (Math.abs(jump) >= jumped) {
      await note({ is: 'gap', ...at, from: next, to: next, why: 'clock', jump: Math.round(jump) });
      ahead += jump;
    }
    const rows = await list();
    await sample(eyes, rows, { n: next, ...at }, note);
    if (at.t - cronAt >= cronEvery) {
      cronAt = at.t;
      await note({ is: 'cron', ...at, cron: (await server.processes.cron()).is });
    }
    for (const one of looks) {
      if (one.busy || at.t < one.eyes.due()) continue;
      one.busy = true;
      const look = lookInTurn(one, moment, note)
        .catch((error: unknown) => {
          failure ??= error;
        })
        .finally(() => {
          one.busy = false;
          pending.delete(look);
        });
      pending.add(look);
    }
    next++;
    const told = news;
    news = [];
    options.tell({ fold, ...at, next: nextDue(start, at.w) }, told);
    if (failure !== undefined) break;
    if (pen.full()) {
      by = 'too-large';
      break;
    }
    if (options.failFast && violated) {
      by = 'fail-fast';
      break;
    }
  }
  // Somebody who presses Ctrl-C is not kept waiting for a database that does not answer.
  if (by === 'time' || by === 'fail-fast' || by === 'too-large') {
    await Promise.allSettled(pending);
    for (const one of looks) await lookInTurn(one, moment, note, 'last');
  }
  const planned = Math.max(next, by === 'time' ? all : next);
  const end = moment();
  // What could not be written down has no end: it was cut off, and can be taken up again.
  if (failure === undefined)
    await note({ is: 'end', ...end, t: by === 'time' ? start.lasts * 1000 : end.t, by, planned });
  await Promise.race([
    Promise.allSettled(looks.map((one) => one.eyes.close())),
    by === 'time' ? new Promise(() => undefined) : server.wait(hearing),
  ]);
  if (failure !== undefined) throw failure;
  await pen.close();
  if (news.length > 0) options.tell({ fold, ...moment(), next: 'none' }, news);
  return records;
}

/** Is it something that was seen, and not something that was made of it? */
function isObservation(record: WatchRecord): record is Observation {
  return record.is !== 'start' && record.is !== 'incident' && record.is !== 'resume';
}

/** Waits in short pieces, so that a signal is heard. */
async function waitFor(
  { server, heard }: SamplerOptions,
  since: () => number,
  until: number,
): Promise<'time' | 'SIGINT' | 'SIGTERM'> {
  for (;;) {
    const signal = heard();
    if (signal !== 'no') return signal;
    const left = until - since();
    if (left <= 0) return 'time';
    await server.wait(Math.min(left, hearing));
  }
}

async function sample(
  eyes: readonly Eyes[],
  rows: readonly ProcessRow[],
  at: { readonly n: number; readonly t: number; readonly w: number },
  note: (record: Observation) => Promise<void>,
): Promise<void> {
  const { n, ...moment } = at;
  const seen = await Promise.all(eyes.map((one) => one.look(rows, moment)));
  for (const { more } of seen) for (const record of more) await note(record);
  await note({ is: 'sample', n, ...moment, workers: seen.map(({ state }) => state) });
}

function nextDue(start: WatchStart, now: number): number | 'none' {
  const next = Math.min(
    ...start.workers.map(({ due }) => due.find((at) => at > now) ?? Number.POSITIVE_INFINITY),
  );
  return Number.isFinite(next) ? next : 'none';
}
