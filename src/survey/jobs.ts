// The jobs of an application, counted through a session that only reads.
import {
  type Column,
  countsOf,
  type JobCounts,
  type JobTable,
  jobsQuery,
  jobTableIn,
  type States,
} from '../database/jobs.ts';
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

/** Counts; 'unseen' where the statement failed. `upTo` is the highest number of an earlier look. */
export async function countJobs(
  server: Server,
  session: DatabaseSession,
  source: JobSource,
  states: States,
  upTo?: number,
): Promise<JobCounts | 'unseen'> {
  // Whatever the statement is, it can write nothing.
  const readOnly = await session.ask('SET SESSION TRANSACTION READ ONLY');
  if (readOnly.is === 'failed') return 'unseen';
  const sql = source.is === 'sql' ? source.sql : jobsQuery(source.table, states, upTo);
  const answer = await session.ask(sql);
  if (answer.is === 'failed') return 'unseen';
  const counts = countsOf(answer.rows[0] ?? {});
  if (counts.highest !== undefined && upTo === undefined) {
    // The next look asks how many of these are left: how many there are is part of this one.
    const again = await countJobs(server, session, source, states, counts.highest);
    return again === 'unseen' ? counts : { ...again, highest: counts.highest };
  }
  const orphaned = source.is === 'table' ? await ownersGone(server, session, source.table, states) : 0;
  return orphaned > (counts.stuck ?? 0) ? { ...counts, stuck: orphaned } : counts;
}

/** Jobs in work whose owner is a process of this machine that is not there any more. */
async function ownersGone(
  server: Server,
  session: DatabaseSession,
  table: JobTable,
  states: States,
): Promise<number> {
  if (table.is !== 'states' || table.owner === undefined) return 0;
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  const answer = await session.ask(
    `SELECT ${quote(table.owner)} AS who FROM ${quote(table.table)} WHERE LOWER(${quote(table.status)}) IN (${states.processing.map(() => '?').join(',')}) LIMIT 1000`,
    [...states.processing],
  );
  if (answer.is === 'failed') return 0;
  const alive = new Set((await server.processes.list()).map((row) => row.pid));
  const here = server.self.host.split('.')[0]?.toLowerCase();
  return answer.rows.filter((row) => {
    // host:pid or host:pid:anything; a bare number may be anybody's.
    const match = /^([\w.-]+):(\d+)(?::|$)/.exec(String(row['who'] ?? ''));
    return match !== null && match[1]?.split('.')[0]?.toLowerCase() === here && !alive.has(Number(match[2]));
  }).length;
}
