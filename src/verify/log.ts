// The worker's log since the deployment: is it written, and does it speak of refused connections?
import type { Latched } from '../change/plan.ts';
import { refusalLines } from '../database/logLines.ts';
import type { Baseline } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
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
  // Another inode or a shorter file: it was rotated, so all of it is new.
  const from = now.inode === baseline.inode && now.size >= baseline.size ? baseline.size : 0;
  const fresh = await server.files.tail(now.path, from, 4 * 1024 * 1024, eyesOf(server, worker));
  const grown = fresh !== 'absent' && fresh.size > from;
  const created = baseline.inode === 'absent';
  const away = now.inode === baseline.inode ? '' : await rotatedAway(server, worker, path, baseline);
  const text = away + (fresh === 'absent' ? '' : fresh.text);
  const bad = refusalLines(text);
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
            ...bad.slice(0, 3).map(({ line }) => Buffer.from(line, 'latin1').toString('utf8').slice(0, 200)),
          ],
          { count: bad.length },
        )
      : grown
        ? verdict('log-clean', 'pass', 'clean', [path], args)
        : verdict('log-clean', 'inconclusive', 'nothing-written', [path]),
  ];
}

/** What was written since the deployment into a file that has been moved out of the way: logrotate's first name for it. */
async function rotatedAway(
  server: Server,
  worker: Latched,
  path: string,
  baseline: Baseline,
): Promise<string> {
  const old = baseline.inode === 'absent' ? 'absent' : await endOf(server, worker, `${path}.1`);
  if (typeof old === 'string' || old.inode !== baseline.inode) return '';
  const tail = await server.files.tail(old.path, baseline.size, 4 * 1024 * 1024, eyesOf(server, worker));
  return tail === 'absent' ? '' : tail.text;
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

/** Where the log ends, symbolic links followed as the shell's `>>` follows them. A log that is a device or cannot be read is 'unseen'. */
async function endOf(
  server: Server,
  worker: Latched,
  path: string,
): Promise<{ path: string; size: number; inode: string } | 'absent' | 'unseen'> {
  const eyes = eyesOf(server, worker);
  try {
    const real = await server.files.real(path, eyes);
    if (real === 'absent') return 'absent';
    const tail = await server.files.tail(real, 0, 0, eyes);
    return tail === 'absent' ? tail : { path: real, size: tail.size, inode: tail.inode };
  } catch (error) {
    // What cannot be read is no reason to take a good deployment back.
    if (error instanceof Problem && error.code === 'unreadable') return 'unseen';
    throw error;
  }
}

function eyesOf(server: Server, worker: Latched): { uid: number; gid: number } {
  return server.self.root ? (worker.logOwner ?? { uid: worker.uid, gid: worker.gid }) : server.self.owner;
}
