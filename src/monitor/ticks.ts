// Cron's ticks against what was seen: a run that began, one that was in the way, or nothing at all.
import { type Ledger, raise, settle, type Worker } from './ledger.ts';
import type { Sample, WatchEnd } from './records.ts';

/** Cron starts within a second of the minute; a busy machine and the guard take longer. */
const early = 1500;
const patience = 20_000;

/** A run began. */
export function noteStart(worker: Worker, wall: number): void {
  // The kernel tells hundredths, the guard whole seconds: one and the same start comes in twice.
  if (worker.starts.some((start) => Math.abs(start - wall) < 1500)) return;
  worker.starts.push(wall);
  worker.minute(wall).starts++;
}

/** Decides the ticks whose time is up. */
export function judgeTicks(book: Ledger, worker: Worker, at: Sample | WatchEnd): void {
  const { due, gap } = worker.watched;
  const wait = Math.min(patience, (gap ?? 60) * 500);
  for (; worker.tick < due.length; worker.tick++) {
    const tick = due[worker.tick] as number;
    // What was due in the last moments of the watch is left open rather than called missed.
    if (at.w < tick + wait) return;
    const answer = tellTick(book, worker, tick, wait);
    worker.ticks[answer]++;
    // The guard's refusals, too, are no sign of a run while nobody runs.
    if (answer === 'skipped' && isLeft(worker, tick)) {
      worker.leftTicks++;
      worker.leftInAll++;
    }
    if (answer === 'missed') {
      worker.missed.push(tick);
      raise(
        book,
        { t: at.t, w: tick },
        {
          kind: 'missed-tick',
          level: 'violation',
          worker: worker.index,
          args: { count: 1, last: new Date(tick).toISOString() },
          adds: ['count'],
        },
      );
    } else if (answer !== 'unseen') settle(book, at, 'missed-tick', worker.index);
  }
}

function tellTick(book: Ledger, worker: Worker, tick: number, wait: number): keyof Worker['ticks'] {
  const within = (moment: number, from = tick - early): boolean => moment >= from && moment <= tick + wait;
  if (worker.starts.some((start) => within(start))) return 'run';
  if (worker.skippedAt.some((moment) => within(moment))) return 'skipped';
  if (covers(worker, tick)) return 'skipped';
  if (blind(book, tick, wait)) return 'unseen';
  // A lock that was left with a child: a start would have been sent home.
  if (isLeft(worker, tick)) return 'skipped';
  // Written since the tick, and not by a run of before: somebody ran. But others may write the same log: where a guard
  // would have told of the run, or no cron is there to start one, it proves none.
  const guarded = worker.watched.lock !== undefined && worker.unseenLock === 0;
  if (worker.grownAt.some((moment) => within(moment, tick)))
    return guarded || book.cron === 'none' ? 'unseen' : 'run';
  // Without a guard's record a run that is over in a moment is seen by luck: nothing is claimed of such a worker.
  const sure =
    (worker.watched.lock !== undefined &&
      worker.unseenLock === 0 &&
      (worker.record !== undefined || worker.watched.log !== undefined)) ||
    book.cron === 'none' ||
    worker.observed.some((run) => run.to - run.from >= 3000);
  return sure ? 'missed' : 'unseen';
}

/** Was a run under way when it was due? */
function covers(worker: Worker, tick: number): boolean {
  return (
    [...worker.seen.values()].some((known) => known.born <= tick && known.last.w >= tick) ||
    [...worker.observed, ...worker.recorded].some((run) => run.from <= tick && run.to >= tick)
  );
}

/** Was the lock held at that time by nobody who runs? */
const isLeft = (worker: Worker, tick: number): boolean =>
  worker.leftSince !== undefined && worker.leftSince.w <= tick;

/** Was there a time after the tick of which nothing is known? */
function blind(book: Ledger, tick: number, wait: number): boolean {
  const { every, wall } = book.start;
  // The watch stood still until its end.
  if (book.last === undefined || book.last.w < tick + wait - 2 * every) return true;
  return book.gaps.some((gap) => {
    if (gap.why === 'clock') return Math.abs(gap.w - tick) < wait + Math.abs(gap.jump ?? 0);
    const [from, to] = [wall + gap.from * every, wall + (gap.to + 1) * every];
    return to >= tick - early && from <= tick + wait;
  });
}
