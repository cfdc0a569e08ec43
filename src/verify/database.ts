// The database side of the checklist: how it stood at the deployment, and the looks at it while runs are watched.
import type { Latched } from '../change/plan.ts';
import type { JobCounts } from '../database/jobs.ts';
import { noTries } from '../database/refusals.ts';
import type { DatabaseBaseline } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { DatabaseSession } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';
import type { FoundCredentials } from '../survey/credentials.ts';
import { type DatabaseLook, type LookOptions, lookAtDatabase, type OpenLook } from '../survey/database.ts';
import { countJobs, type JobSettings, jobSource } from '../survey/jobs.ts';
import { asAccount, type Refused } from '../survey/ladder.ts';
import { note, noteOwn, type Seen, type Unseen, verdictsOnDatabase } from './databaseSeen.ts';
import type { Verdict } from './verdict.ts';

/** A worker and the database it works with. */
export interface Watchee {
  readonly worker: Latched;
  readonly found: FoundCredentials;
}

/** Between two looks at the processes; a session of the account's own is opened for every fifth of them only. */
const pace = 1000;
const sessionEvery = 5;

/** What a count came to; `refused` is a try of ours that raised the server's counters after the look before it. */
interface Counted {
  readonly jobs: JobCounts | 'none' | Unseen;
  readonly refused?: Refused;
}

/** Counters and jobs as they are now, for the journal. What cannot be asked is left out. */
export async function databaseBaseline(
  server: Server,
  { worker, found }: Watchee,
  jobs: JobSettings,
): Promise<DatabaseBaseline> {
  const at = new Date(server.now()).toISOString();
  if (found.wrongPort !== undefined) return { script: worker.script, at };
  const ours = new Set<number>();
  const open = await lookAtDatabase(server, found, { ours });
  try {
    const { jobs: counts, refused } = await countIn(server, open, found, jobs, ours);
    // A try of ours that was refused belongs to the time before.
    const { counters } = refused === undefined ? open.look : await open.again();
    return {
      script: worker.script,
      at,
      ...(counters === undefined ? {} : { counters }),
      ...(isCounts(counts) ? { jobs: counts } : {}),
      ...(open.look.denied ? { administrators: 'denied' as const } : {}),
    };
  } finally {
    await open.close();
  }
}

/**
 * Samples until `over` says so, then judges. An administrator's session costs the account nothing; the account's own is
 * opened for a moment, since one of five is a fifth of all, and a sample that is refused is an observation as well.
 */
export async function watchDatabase(
  server: Server,
  { worker, found }: Watchee,
  options: {
    readonly jobs: JobSettings;
    readonly baseline: DatabaseBaseline | undefined;
    readonly over: () => boolean;
    /** Numbers of the sessions that this process has at that place: those who watch beside us are nobody's connections. */
    readonly ours?: Set<number>;
  },
): Promise<(log: number | 'unknown', runs: number) => Verdict[]> {
  const { baseline, ours = new Set() } = options;
  const seen: Seen = {
    samples: [],
    first: baseline?.counters,
    own: noTries,
    since: noTries,
    machines: new Set(),
  };
  try {
    if (found.wrongPort !== undefined)
      seen.unreached = `${found.wrongPort.port} is no port, ${found.wrongPort.at}`;
    else await sample(server, worker, found, seen, { ...options, ours });
  } catch (error) {
    // Watching a database is no reason for a deployment to fail.
    if (!(error instanceof Problem)) throw error;
    seen.unreached ??= error.code;
  }
  return (log, runs) => verdictsOnDatabase(worker, seen, log, runs);
}

async function sample(
  server: Server,
  worker: Latched,
  found: FoundCredentials,
  seen: Seen,
  {
    jobs,
    baseline,
    over,
    ours,
  }: {
    jobs: JobSettings;
    baseline: DatabaseBaseline | undefined;
    over: () => boolean;
    ours: Set<number>;
  },
): Promise<void> {
  const began = server.elapsed();
  const since = (): number => (server.elapsed() - began) / 1000;
  const denied = baseline?.administrators === 'denied';
  const open = await lookAtDatabase(server, found, { ours, administrators: denied ? 'leave' : 'ask' });
  // Whoever was denied once is not asked for again: each time is counted as if somebody had been refused.
  const later = { ours, administrators: denied || open.look.denied ? ('leave' as const) : ('ask' as const) };
  // An administrator's session is kept, the account's own is given back after every look.
  const kept = open.look.by === 'administrator' ? open : undefined;
  try {
    const before = await countIn(server, open, found, jobs, ours);
    if (kept === undefined) await open.close();
    note(seen, open.look, since());
    noteOwn(seen, before.refused);
    if (seen.unreached !== undefined) return;
    for (let round = 1; !over(); round++) {
      await server.wait(pace);
      if (over()) break;
      if (kept !== undefined) note(seen, await kept.again(), since());
      else if (round % sessionEvery === 0) note(seen, await lookAndLeave(server, found, later), since());
      else seen.samples.push({ at: since(), used: await usedByWorker(server, worker, found) });
    }
    const end = kept ?? (await lookAtDatabase(server, found, later));
    const start = baseline?.jobs ?? before.jobs;
    const earlier = isCounts(start) ? start : undefined;
    try {
      const { jobs: after, refused } = await countIn(server, end, found, jobs, ours, earlier);
      noteOwn(seen, refused);
      note(seen, kept === undefined ? end.look : await kept.again(), since());
      const seconds =
        baseline?.jobs === undefined ? since() : (server.now() - Date.parse(baseline.at)) / 1000;
      seen.jobs = !isCounts(after)
        ? after
        : isCounts(start)
          ? { before: start, after, seconds }
          : start === 'none'
            ? { unseen: 'no-answer' }
            : start;
    } finally {
      if (kept === undefined) await end.close();
    }
  } finally {
    await open.close();
  }
}

async function lookAndLeave(
  server: Server,
  found: FoundCredentials,
  options: LookOptions,
): Promise<DatabaseLook> {
  const open = await lookAtDatabase(server, found, options);
  await open.close();
  return open.look;
}

/** Counts on the account's own session and on no other: the tables are the site's, and may be views. */
async function countIn(
  server: Server,
  { look, session }: OpenLook,
  found: FoundCredentials,
  { states, lock, ...jobs }: JobSettings,
  ours: Set<number>,
  earlier?: JobCounts,
): Promise<Counted> {
  const count = async (own: DatabaseSession): Promise<Counted> => {
    const source = await jobSource(own, found.credentials.database, { states, ...jobs });
    const counting = { states, ...(lock === undefined ? {} : { lock }), earlier };
    const counts =
      typeof source === 'string' ? source : await countJobs(server, own, source, counting, earlier?.highest);
    return { jobs: counts === 'unseen' ? { unseen: 'no-answer' } : counts };
  };
  const why = look.refused?.failure.is;
  if (session === undefined) return { jobs: { unseen: why ?? 'lost' } };
  if (look.by === 'account') return count(session);
  // A full account may have room by now; what else kept it out is not tried again.
  if (why !== undefined && why !== 'full') return { jobs: { unseen: why } };
  const counted = await asAccount(server, found, count, ours);
  return 'jobs' in counted ? counted : { jobs: { unseen: counted.failure.is }, refused: counted };
}

function isCounts(jobs: JobCounts | 'none' | Unseen): jobs is JobCounts {
  return jobs !== 'none' && !('unseen' in jobs);
}

/** Connections that the worker's own processes hold, as the kernel tells it. */
async function usedByWorker(server: Server, worker: Latched, { place }: FoundCredentials): Promise<number> {
  const view = await server.sockets.look(
    place.is === 'socket' ? { socket: place.path } : { port: place.port },
  );
  const mine = [...view.holders.values()].filter((holders) =>
    holders.some(
      (one) => one.uid === worker.uid && one.kind === 'interpreter' && isScript(one.script, worker.script),
    ),
  );
  return mine.length;
}

/** A relative word in a command line names the script by its end. */
function isScript(word: string | undefined, script: string): boolean {
  return word !== undefined && (word === script || script.endsWith(`/${word.replace(/^\.\//, '')}`));
}
