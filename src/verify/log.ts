// The worker's log since the deployment: is it written, and does it speak of refused connections?
import type { Latched } from '../change/plan.ts';
import type { Baseline } from '../journal/records.ts';
import type { Server } from '../server/server.ts';
import { endOf, most, movedAway, readAll } from './logParts.ts';
import { type Verdict, verdictsOf } from './verdict.ts';
import type { Watched } from './watch.ts';

/** Was the log written since the deployment, and is what was written free of refused connections? */
export async function judgeLog(
  server: Server,
  worker: Latched,
  baselines: readonly Baseline[],
  seen: Pick<Watched, 'runs'> | undefined,
): Promise<Verdict[]> {
  const verdict = verdictsOf(worker.name);
  const path = worker.log;
  if (path === undefined)
    return [verdict('log-written', 'skip', 'no-log'), verdict('log-clean', 'skip', 'no-log')];
  // Of several deployments of one worker the last counts.
  const baseline = baselines.findLast((b) => b.log === path) ?? { log: path, size: 0, inode: 'absent' };
  const now = await endOf(server, worker, path);
  if (now === 'unseen') {
    return ['log-written', 'log-clean'].map((check) => verdict(check, 'inconclusive', 'log-unseen', [path]));
  }
  if (now === 'absent') {
    return [
      verdict('log-written', seen === undefined || seen.runs === 0 ? 'inconclusive' : 'fail', 'absent', [
        path,
      ]),
      verdict('log-clean', 'inconclusive', 'nothing-written', [path]),
    ];
  }
  const kept = now.inode === baseline.inode && now.size >= baseline.size;
  const from = kept ? baseline.size : 0;
  const grown = now.size > from;
  const away = kept ? 'none' : await movedAway(server, worker, path, baseline, now.inode);
  const found = await readAll(server, worker, [
    ...(away === 'gone' || away === 'none' ? [] : away),
    { path: now.path, inode: now.inode, from, to: now.size },
  ]);
  const whole = found.whole && away !== 'gone';
  const args = { bytes: found.bytes };
  return [
    grown || baseline.inode === 'absent'
      ? verdict('log-written', 'pass', grown ? 'written' : 'created', [path], args)
      : verdict('log-written', 'inconclusive', 'nothing-written', [path]),
    found.count > 0
      ? verdict('log-clean', 'fail', 'refusals', [path, ...found.lines], { count: found.count })
      : !whole
        ? verdict('log-clean', 'inconclusive', found.bytes > most ? 'too-long' : 'part-gone', [path], args)
        : grown
          ? verdict('log-clean', 'pass', 'clean', [path], args)
          : verdict('log-clean', 'inconclusive', 'nothing-written', [path]),
  ];
}

/** Where each log ends now: what comes after is what verify judges. */
export async function baselinesOf(server: Server, workers: readonly Latched[]): Promise<Baseline[]> {
  const found: Baseline[] = [];
  for (const worker of workers) {
    if (worker.log === undefined || !worker.live) continue;
    const now = await endOf(server, worker, worker.log);
    found.push(
      typeof now === 'string'
        ? { log: worker.log, size: 0, inode: 'absent' }
        : { log: worker.log, size: now.size, inode: now.inode },
    );
  }
  return found;
}
