// What was seen of the runs while they were watched: one at a time, with the lock, and the lock free after them.
import type { Latched } from '../change/plan.ts';
import { type Verdict, verdictsOf } from './verdict.ts';
import type { Wait, Watched } from './watch.ts';

/** `within`: how often the entry was due while we watched, by its schedule. */
export function judgeRuns(
  worker: Latched,
  wait: Wait,
  seen: Watched | undefined,
  within: number,
  now: number,
): Verdict[] {
  const verdict = verdictsOf(worker.name);
  if (seen === undefined) {
    const args = { schedule: worker.schedule, next: sayNext(wait) };
    return ['single-instance', 'lock-held', 'lock-free'].map((check) =>
      verdict(check, 'inconclusive', 'no-tick-in-time', [], args),
    );
  }
  const single = judgeSingle(worker, wait, seen, within, now);
  if (worker.lock === undefined)
    return [single, verdict('lock-held', 'skip', 'no-guard'), verdict('lock-free', 'skip', 'no-guard')];
  const evidence = [`${worker.lock.directory}/${worker.lock.name}.lock`];
  return [single, judgeHeld(worker, seen, evidence), judgeFree(worker, seen, evidence)];
}

const say = (pids: readonly number[]): string[] => pids.map((pid) => `PID ${pid}`);

function judgeSingle(worker: Latched, wait: Wait, seen: Watched, within: number, now: number): Verdict {
  const verdict = verdictsOf(worker.name);
  const { refused, began } = seen;
  const told = worker.lock !== undefined && refused !== 'unseen';
  const args = {
    ticks: seen.ticks,
    asked: wait.asked,
    runs: seen.runs,
    next: sayNext(wait),
    ...(told ? { within, began, refused } : {}),
  };
  const check = 'single-instance';
  if (seen.most > 1)
    return verdict(check, 'fail', 'several', say(seen.mostPids), { ...args, count: seen.most });
  if (now < (wait.due.at(-1) ?? 0)) return verdict(check, 'inconclusive', 'cut-short', [], args);
  if (seen.runs === 0) return verdict(check, 'inconclusive', 'no-run-seen', [], args);
  // One run cannot overlap with itself: fewer ticks than asked for prove nothing.
  if (seen.ticks < wait.asked) return verdict(check, 'inconclusive', 'fewer-ticks', [], args);
  // Each tick is a start or a refused one; the first and the last may lie on the edge. A run past the guard is neither.
  if (told && began + refused < within - 1) return verdict(check, 'inconclusive', 'unaccounted', [], args);
  if (told && began + refused > within + 1)
    return verdict(check, 'warn', 'started-beside', [], { ...args, count: seen.most });
  return verdict(check, 'pass', 'one', [], { ...args, count: seen.most });
}

function judgeHeld(worker: Latched, seen: Watched, evidence: readonly string[]): Verdict {
  const verdict = verdictsOf(worker.name);
  if (seen.lockless.length > 0)
    return verdict('lock-held', 'fail', 'runs-without', [...evidence, ...say(seen.lockless)]);
  const byOthers = seen.others !== 'none' && seen.holders.length === 0 && seen.recorded === 0;
  if (seen.held && !byOthers)
    return verdict('lock-held', 'pass', 'held', [...evidence, ...say(seen.holders)]);
  return verdict('lock-held', 'inconclusive', seen.lockSeen ? 'no-run-seen' : 'lock-unseen', evidence);
}

/** A lock file that lies there unlocked is clean: nobody deletes it. */
function judgeFree(worker: Latched, seen: Watched, evidence: readonly string[]): Verdict {
  const verdict = verdictsOf(worker.name);
  const { holder } = seen.forms;
  if (seen.others !== 'none')
    return seen.others.length > 0
      ? verdict('lock-free', 'fail', 'held-by-another', [...evidence, ...say(seen.others)], {
          pids: seen.others.join(' '),
        })
      : verdict('lock-free', 'inconclusive', 'holder-unseen', evidence);
  if (seen.stalePid !== 'none')
    return verdict('lock-free', 'fail', 'stale-pid', evidence, { pid: seen.stalePid });
  if (seen.free) return verdict('lock-free', 'pass', 'free', evidence);
  if (holder !== undefined)
    return verdict('lock-free', 'inconclusive', 'old-run-holds', [...evidence, `PID ${holder}`], {
      pid: holder,
    });
  const why = !seen.lockSeen || seen.freeUntold ? 'lock-unseen' : seen.held ? 'always-held' : 'no-run-seen';
  return verdict('lock-free', 'inconclusive', why, evidence);
}

/** When the first run after now is due. */
export function sayNext(wait: Wait): string {
  return wait.next === 'never' ? 'never' : new Date(wait.next).toISOString();
}
