// The jobs of an application, counted through a session that only reads.
import {
  type Column,
  countsOf,
  durationsQuery,
  type JobCounts,
  type JobTable,
  jobsQuery,
  jobTableIn,
  type States,
  stuckAfterOf,
} from '../database/jobs.ts';
import { type InWork, inWorkQuery, isStuck, mostInWork, requeueOf } from '../database/stuckJobs.ts';
import type { DatabaseSession } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';

export type JobSource =
  | { readonly is: 'table'; readonly table: JobTable }
  /** A statement of the user's own that gives one row: pending, processing, done, failed, stuck, oldest. */
  | { readonly is: 'sql'; readonly sql: string };

export interface JobSettings {
  readonly states: States;
  readonly table?: string;
  readonly sql?: string;
  readonly lock?: string;
}

/** Where the jobs are; 'none' where no table is known, 'unseen' where the database would not tell. */
export async function jobSource(
  session: DatabaseSession,
  database: string | undefined,
  { table, sql }: JobSettings,
): Promise<JobSource | 'none' | 'unseen'> {
  if (sql !== undefined) return { is: 'sql', sql };
  const where = database === undefined ? 'DATABASE()' : '?';
  const answer = await session.ask(
    `SELECT TABLE_NAME AS t, COLUMN_NAME AS c FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${where}`,
    database === undefined ? [] : [database],
  );
  if (answer.is === 'failed') return 'unseen';
  const columns = answer.rows.map((row): Column => ({ table: String(row['t']), column: String(row['c']) }));
  const found = jobTableIn(columns, table);
  return found === 'none' ? 'none' : { is: 'table', table: found };
}

/**
 * We ask no longer than three seconds; the server is told so, or it would go on with a slow statement for nobody, and hold one of
 * the account's connections for it. MariaDB counts in seconds, MySQL in milliseconds; who knows neither runs without.
 */
async function limitStatements(session: DatabaseSession): Promise<void> {
  const set = await session.ask('SET SESSION max_statement_time = 3');
  if (set.is === 'failed') await session.ask('SET SESSION max_execution_time = 3000');
}

/**
 * Counts; 'unseen' where the statement failed. `upTo` is the highest number of an earlier look, `earlier` what that one
 * called stuck: between two looks the measure must not change.
 */
export async function countJobs(
  server: Server,
  session: DatabaseSession,
  source: JobSource,
  settings: States | Counting,
  upTo?: number,
): Promise<JobCounts | 'unseen'> {
  const counting = 'states' in settings ? settings : { states: settings };
  const { states } = counting;
  // Whatever the statement is, it can write nothing.
  const readOnly = await session.ask('SET SESSION TRANSACTION READ ONLY');
  if (readOnly.is === 'failed') return 'unseen';
  await limitStatements(session);
  if (source.is === 'sql') {
    const own = await session.ask(source.sql);
    return own.is === 'failed' ? 'unseen' : countsOf(own.rows[0] ?? {});
  }
  const { table } = source;
  const stuckAfter = Math.max(await measure(session, table, states), counting.earlier?.stuckAfter ?? 0);
  const answer = await session.ask(jobsQuery(table, states, upTo, stuckAfter));
  if (answer.is === 'failed') return 'unseen';
  const counts = countsOf(answer.rows[0] ?? {});
  if (counts.highest !== undefined && upTo === undefined) {
    // The next look asks how many of these are left: how many there are is part of this one.
    const again = await countJobs(server, session, source, settings, counts.highest);
    return again === 'unseen' ? counts : { ...again, highest: counts.highest };
  }
  const stuck = await stuckIn(server, session, table, counting, stuckAfter);
  if (stuck === 'unseen') return table.is === 'states' ? { ...counts, stuckAfter } : counts;
  const { owners, workers } = stuck;
  const requeue = owners.length === 0 ? undefined : requeueOf(table, states, owners);
  const more = requeue === undefined ? {} : { requeue };
  return { ...counts, stuck: owners.length, stuckAfter, workers, ...more };
}

export interface Counting {
  readonly states: States;
  /** The name of a worker's lock (GET_LOCK), `{owner}` standing for what it writes into its jobs. */
  readonly lock?: string;
  readonly earlier?: Pick<JobCounts, 'stuckAfter'> | undefined;
}

/** After how long a job without a sign is stuck here. */
async function measure(session: DatabaseSession, table: JobTable, states: States): Promise<number> {
  const sql = durationsQuery(table, states);
  const answer = sql === undefined ? undefined : await session.ask(sql);
  return stuckAfterOf(answer?.is === 'rows' ? answer.rows.map((row) => Number(row['seconds'])) : []);
}

/** Owners of jobs that nobody works on, one for each, and how many workers there are else; 'unseen' where the table names no owners, or too many. */
async function stuckIn(
  server: Server,
  session: DatabaseSession,
  table: JobTable,
  { states, lock }: Counting,
  stuckAfter: number,
): Promise<{ readonly owners: readonly string[]; readonly workers: number } | 'unseen'> {
  const sql = inWorkQuery(table, states);
  const answer = sql === undefined ? undefined : await session.ask(sql);
  if (answer === undefined || answer.is === 'failed' || answer.rows.length >= mostInWork) return 'unseen';
  const jobs = answer.rows.map((row): InWork => {
    const silent = row['silent'] === null || row['silent'] === undefined ? NaN : Number(row['silent']);
    return { owner: String(row['who'] ?? ''), ...(Number.isNaN(silent) ? {} : { silent }) };
  });
  const free = new Map<string, boolean>();
  for (const owner of lock === undefined ? [] : new Set(jobs.map((job) => job.owner))) {
    const said = await session.ask('SELECT IS_FREE_LOCK(?) AS free', [
      (lock ?? '').replaceAll('{owner}', owner),
    ]);
    const value = said.is === 'rows' ? said.rows[0]?.['free'] : undefined;
    if (owner !== '' && (value === 0 || value === 1)) free.set(owner, value === 1);
  }
  const witnesses = {
    here: server.self.host.split('.')[0]?.toLowerCase() ?? '',
    alive: new Map((await server.processes.list()).map((row) => [row.pid, row.start])),
    free,
    stuckAfter,
    beats: table.is === 'states' && table.touched[0]?.toLowerCase() === 'heartbeat_at',
  };
  const owners = jobs.filter((job) => isStuck(job, witnesses)).map((job) => job.owner);
  const gone = new Set(owners);
  const living = new Set(jobs.map((job) => job.owner).filter((owner) => owner !== '' && !gone.has(owner)));
  return { owners, workers: living.size };
}
