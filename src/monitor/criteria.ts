// The success criteria judged over the whole watch, in the checklist's own form: an answer, a reason, the evidence.
import { judgeJobs } from '../database/jobs.ts';
import { type Judged, judgePeak, judgeRefusals } from '../database/judge.ts';
import { type Verdict, verdictsOf } from '../verify/verdict.ts';
import type { Ledger, Worker } from './ledger.ts';
import type { EndedBy, Incident } from './records.ts';

/** Fewer samples than this share of the plan prove nothing of the rest. */
const enough = 99;

interface Course {
  /** Percent of the planned samples that were taken. */
  readonly share: number;
  readonly ended: EndedBy | 'cut-off';
  /** Milliseconds from the beginning to the end. */
  readonly t: number;
}

type Say = (check: string, judged: Judged, evidence?: readonly string[]) => Verdict;

/** Every criterion of every worker, and those of the watch itself. */
export function criteriaOf(book: Ledger, course: Course): Verdict[] {
  return [...book.workers.flatMap((worker) => ofWorker(book, worker, course)), ...ofWatch(book, course)];
}

function ofWorker(book: Ledger, worker: Worker, course: Course): Verdict[] {
  const make = verdictsOf(worker.watched.name);
  const say: Say = (check, { is, because, args }, evidence = []) => make(check, is, because, evidence, args);
  const mine = book.incidents.filter((one) => one.worker === worker.index);
  const trials = book.start.probes.filter((probe) => probe.worker === worker.watched.name);
  return [
    single(worker, mine, say),
    refusals(worker, mine, say),
    connections(worker, mine, say),
    jobs(worker, course, say),
    ...locks(worker, mine, say),
    ...trials,
    ticks(worker, mine, say),
    length(worker, say),
    progress(worker, mine, say),
    errors(worker, mine, say),
  ];
}

const pids = (list: readonly number[]): string[] => list.map((pid) => `PID ${pid}`);
const judged = (is: Judged['is'], because: string, args: Judged['args'] = {}): Judged => ({
  is,
  because,
  args,
});

function evidenceOf(incidents: readonly Incident[], ...kinds: readonly Incident['kind'][]): string[] {
  return incidents
    .filter(({ kind }) => kinds.includes(kind))
    .flatMap((one) => [
      new Date(one.w).toISOString(),
      ...(one.pids.length === 0 ? [] : [pids(one.pids).join(', ')]),
      ...one.evidence,
    ])
    .slice(0, 8);
}

function single(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  const check = 'single-instance';
  const seen = worker.ticks.run + worker.ticks.skipped;
  const args = { ticks: seen, runs: worker.starts.length, count: worker.most };
  if (mine.some(({ kind }) => kind === 'two-instances'))
    return say(check, judged('fail', 'several', args), evidenceOf(mine, 'two-instances'));
  if (worker.starts.length === 0) return say(check, judged('inconclusive', 'no-run-seen', args));
  // One run cannot overlap with itself.
  if (seen < 2) return say(check, judged('inconclusive', 'one-run', args));
  return say(check, judged('pass', 'one', args));
}

function refusals(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  const { low, high, full, intervals, resets } = worker.refusals;
  const log = said(worker) || worker.logRefused > 0 ? worker.logRefused : 'unknown';
  const evidence = evidenceOf(mine, 'refused', 'full');
  const args = { low, high, full };
  if (log !== 'unknown' && log > 0)
    return say('refusals', judged('fail', 'in-log', { count: log, ...args }), evidence);
  if (mine.some(({ kind, level }) => kind === 'refused' && level === 'violation'))
    return say('refusals', judged('fail', 'while-full', args), evidence);
  if (worker.watched.database === undefined && worker.watched.log !== undefined && log === 'unknown')
    return say('refusals', judged('inconclusive', unheard(worker), { bytes: worker.logUnread }));
  if (worker.watched.database === undefined && log !== 'unknown')
    return say('refusals', judged('pass', 'log-clean', { bytes: worker.logGrown }));
  const interval = intervals === 0 ? 'unknown' : ({ is: 'interval', low, high, full } as const);
  const found = judgeRefusals(log, interval);
  // Without a log nobody speaks for this worker, and the server did refuse somebody.
  if (found.because === 'somebody' && log === 'unknown')
    return say('refusals', judged('inconclusive', 'somebody-no-log', args), evidence);
  if (found.is === 'pass' && resets > 0) return say('refusals', judged('pass', 'none-restarted', { resets }));
  return say('refusals', found, found.is === 'pass' ? [] : evidence);
}

/** Has the log said anything, and was all of it read? One that is not there or silent proves nothing. */
const said = (worker: Worker): boolean =>
  worker.watched.log !== undefined && worker.logGrown > 0 && worker.logUnread === 0;

const unheard = (worker: Worker): string => (worker.logUnread > 0 ? 'log-unread' : 'log-silent');

function connections(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  if (worker.watched.database === undefined) return say('database', judged('skip', 'no-database'));
  if (worker.uses.length === 0)
    return say('database', judged('inconclusive', 'no-samples', { unreached: worker.unreached }));
  const points = worker.uses.map(({ t, used }) => ({ at: t / 1000, used }));
  return say('database', judgePeak(points, worker.limit), evidenceOf(mine, 'full', 'too-high'));
}

function jobs(worker: Worker, { t }: Course, say: Say): Verdict {
  const { firstJobs, lastJobs } = worker;
  if (worker.watched.database === undefined) return say('jobs', judged('skip', 'no-database'));
  if (firstJobs === undefined || lastJobs === undefined) return say('jobs', judged('skip', 'no-job-table'));
  const seconds = Math.max(1, Math.min(t, lastJobs.t - firstJobs.t) / 1000);
  return say('jobs', judgeJobs(firstJobs.counts, lastJobs.counts, seconds, worker.starts.length));
}

function locks(worker: Worker, mine: readonly Incident[], say: Say): Verdict[] {
  const { lock } = worker.watched;
  if (lock === undefined)
    return ['lock-held', 'lock-free'].map((check) => say(check, judged('skip', 'no-guard')));
  const unseen = worker.unseenLock > 0 && !worker.everHeld;
  const left = mine.some(({ kind }) => kind === 'lock-left');
  const stays = mine.some(
    ({ kind, level, until }) => kind === 'lock-left' && (level === 'violation' || until === undefined),
  );
  const held = mine.some(({ kind }) => kind === 'lockless')
    ? say('lock-held', judged('fail', 'runs-without'), evidenceOf(mine, 'lockless'))
    : worker.everHeld || worker.recorded.length > 0
      ? say('lock-held', judged('pass', 'held'), [lock])
      : say('lock-held', judged('inconclusive', unseen ? 'lock-unseen' : 'no-run-seen'), [lock]);
  const free =
    !stays && (worker.freed || (worker.recorded.length > 0 && !left))
      ? say('lock-free', judged('pass', 'free'), [lock])
      : left
        ? say('lock-free', judged('fail', 'left-held'), evidenceOf(mine, 'lock-left'))
        : say(
            'lock-free',
            judged('inconclusive', unseen ? 'lock-unseen' : worker.everHeld ? 'always-held' : 'no-run-seen'),
            [lock],
          );
  return [held, free];
}

function ticks(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  const { run, skipped, missed, unseen } = worker.ticks;
  const args = { run, skipped, missed, unseen, due: run + skipped + missed + unseen };
  if (missed > 0)
    return say(
      'ticks',
      judged('fail', 'missed', args),
      worker.missed.slice(0, 8).map((at) => new Date(at).toISOString()),
    );
  if (worker.leftInAll > 0) {
    const is = isLeft(mine) ? 'fail' : 'warn';
    return say(
      'ticks',
      judged(is, 'lock-left', { ...args, count: worker.leftInAll }),
      evidenceOf(mine, 'lock-left'),
    );
  }
  if (args.due === 0) return say('ticks', judged('inconclusive', 'none-due', args));
  if (run + skipped === 0) return say('ticks', judged('inconclusive', 'unseen', args));
  return say('ticks', judged('pass', unseen > 0 ? 'seen-mostly' : 'seen', args));
}

/** Did the lock stay with somebody who is no run, so that nobody worked? */
const isLeft = (mine: readonly Incident[]): boolean =>
  mine.some(({ kind, level }) => kind === 'lock-left' && level === 'violation');

function length(worker: Worker, say: Say): Verdict {
  const { gap } = worker.watched;
  const known = worker.recorded.length > 0 ? worker.recorded : worker.observed;
  const longest = Math.max(0, worker.running, ...known.map(({ from, to }) => (to - from) / 1000));
  if (gap === undefined) return say('run-length', judged('skip', 'no-gap'));
  if (known.length === 0 && worker.running === 0) return say('run-length', judged('skip', 'no-run-seen'));
  const args = { longest: Math.round(longest * 10) / 10, gap, share: Math.round((100 * longest) / gap) };
  if (longest > gap) return say('run-length', judged('warn', 'longer', args));
  return say(
    'run-length',
    judged(longest >= 0.8 * gap ? 'warn' : 'pass', longest >= 0.8 * gap ? 'tight' : 'fits', args),
  );
}

function progress(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  const args = { most: worker.watched.maxRuntime };
  if (mine.some(({ kind }) => kind === 'stalled'))
    return say('progress', judged('fail', 'stalled', args), evidenceOf(mine, 'stalled'));
  if (isLeft(mine)) return say('progress', judged('fail', 'lock-left', args), evidenceOf(mine, 'lock-left'));
  if (worker.starts.length === 0) return say('progress', judged('skip', 'no-run-seen', args));
  return say('progress', judged('pass', 'moves', args));
}

function errors(worker: Worker, mine: readonly Incident[], say: Say): Verdict {
  if (worker.watched.log === undefined) return say('log-errors', judged('skip', 'no-log'));
  if (worker.logErrors > 0)
    return say(
      'log-errors',
      judged('warn', 'errors', { count: worker.logErrors }),
      evidenceOf(mine, 'errors'),
    );
  if (!said(worker))
    return say('log-errors', judged('inconclusive', unheard(worker), { bytes: worker.logUnread }));
  return say('log-errors', judged('pass', 'none', { bytes: worker.logGrown }));
}

function ofWatch(book: Ledger, { share, ended }: Course): Verdict[] {
  const make = verdictsOf('');
  const args = { share, taken: book.samples, gaps: book.gaps.length };
  const short = ended === 'cut-off' || ended === 'SIGINT' || ended === 'SIGTERM';
  const cron: Verdict[] =
    book.cron === 'unasked'
      ? []
      : [
          make(
            'cron-alive',
            book.cron === 'seen' ? 'pass' : book.cron === 'none' ? 'warn' : 'inconclusive',
            book.cron === 'seen' ? 'running' : book.cron === 'none' ? 'none' : 'hidden',
          ),
        ];
  return [
    ended === 'too-large'
      ? make('coverage', 'inconclusive', 'too-large', [], args)
      : share < enough
        ? make('coverage', 'inconclusive', 'gaps', [], args)
        : short
          ? make('coverage', 'inconclusive', 'cut-short', [], args)
          : make('coverage', 'pass', 'whole', [], args),
    ...cron,
  ];
}
