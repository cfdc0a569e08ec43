// A table of jobs: which one it is, how its states are asked for without changing anything, and what two looks come to.
import type { Judged } from './judge.ts';

/** Which words mean which state, lower case. */
export interface States {
  readonly pending: readonly string[];
  readonly processing: readonly string[];
  readonly done: readonly string[];
  readonly failed: readonly string[];
}

export const usualStates: States = {
  pending: ['pending', 'queued', 'new', 'waiting', 'open', 'ready', 'retry'],
  processing: ['processing', 'running', 'in_progress', 'started', 'locked', 'reserved'],
  done: ['completed', 'complete', 'done', 'finished', 'success', 'succeeded', 'ok'],
  failed: ['failed', 'error', 'dead', 'aborted'],
};

export type JobTable =
  | {
      readonly is: 'states';
      readonly table: string;
      readonly status: string;
      readonly created?: string;
      /** Signs of life, the best one first; a worker may fill only some of them. */
      readonly touched: readonly string[];
      readonly owner?: string;
      /** Of the last run of a job. */
      readonly started?: string;
      readonly ended?: string;
    }
  | { readonly is: 'laravel'; readonly table: string; readonly failed: boolean }
  | { readonly is: 'messenger'; readonly table: string };

export interface Column {
  readonly table: string;
  readonly column: string;
}

/** The table of jobs among the columns of a database: the named one, else one of the usual three. */
export function jobTableIn(columns: readonly Column[], named?: string): JobTable | 'none' {
  const tables = new Map<string, Map<string, string>>();
  for (const { table, column } of columns) {
    const known = tables.get(table) ?? new Map<string, string>();
    tables.set(table, known.set(column.toLowerCase(), column));
  }
  const names = named === undefined ? ['import_jobs', 'jobs', 'messenger_messages'] : [named];
  for (const wanted of names) {
    const found = [...tables].find(
      ([table]) => table === wanted || (named === undefined && table.endsWith(`_${wanted}`)),
    );
    const table = found === undefined ? 'none' : tableOf(found[0], found[1], tables);
    if (table !== 'none') return table;
  }
  return 'none';
}

function tableOf(
  table: string,
  columns: ReadonlyMap<string, string>,
  all: ReadonlyMap<string, unknown>,
): JobTable | 'none' {
  const has = (...names: readonly string[]): boolean => names.every((name) => columns.has(name));
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => columns.get(name)).find((name) => name !== undefined);
  if (has('payload', 'attempts', 'reserved_at', 'available_at'))
    return { is: 'laravel', table, failed: all.has('failed_jobs') };
  if (has('delivered_at', 'available_at', 'queue_name')) return { is: 'messenger', table };
  const status = first('status', 'state', 'job_status');
  if (status === undefined) return 'none';
  const created = first('created_at', 'created', 'queued_at', 'available_at', 'added_at');
  const touched = ['heartbeat_at', 'locked_at', 'started_at', 'updated_at'].flatMap(
    (name) => columns.get(name) ?? [],
  );
  const owner = first('locked_by', 'worker', 'owner');
  const started = first('started_at', 'locked_at', 'processing_at');
  const ended = first('finished_at', 'completed_at', 'done_at', 'ended_at', 'processed_at', 'updated_at');
  return {
    is: 'states',
    table,
    status,
    touched,
    ...(created === undefined ? {} : { created }),
    ...(owner === undefined ? {} : { owner }),
    ...(started === undefined || ended === undefined ? {} : { started, ended }),
  };
}

/** Untouched for so many seconds a job that is being done is stuck, unless jobs take long. */
const leastStuck = 300;

const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const words = (list: readonly string[]): string =>
  list.map((word) => `'${word.replace(/[^\w -]/g, '')}'`).join(',');

/**
 * One statement that counts: pending, processing, done, failed, stuck, oldest (seconds), highest (id), and with `upTo`
 * how many of those there were then are still there. It only reads.
 */
export function jobsQuery(table: JobTable, states: States, upTo?: number, stuckAfter = leastStuck): string {
  const t = quote(table.table);
  const left = upTo === undefined ? 'NULL' : `(SELECT COUNT(*) FROM ${t} WHERE id <= ${Math.trunc(upTo)})`;
  switch (table.is) {
    case 'states': {
      const s = `LOWER(${quote(table.status)})`;
      const is = (list: readonly string[]): string => `SUM(${s} IN (${words(list)}))`;
      const pending = `${s} IN (${words(states.pending)})`;
      const oldest =
        table.created === undefined
          ? 'NULL'
          : `MAX(IF(${pending}, TIMESTAMPDIFF(SECOND, ${quote(table.created)}, NOW()), NULL))`;
      const stuck =
        table.touched.length === 0
          ? 'NULL'
          : `SUM(${s} IN (${words(states.processing)}) AND ${touchedOf(table.touched)} < NOW() - INTERVAL ${Math.trunc(stuckAfter)} SECOND)`;
      return `SELECT ${is(states.pending)} AS pending, ${is(states.processing)} AS processing, ${is(states.done)} AS done, ${is(states.failed)} AS failed, ${stuck} AS stuck, ${oldest} AS oldest, NULL AS highest, NULL AS remaining FROM ${t}`;
    }
    case 'laravel': {
      const failed = table.failed ? '(SELECT COUNT(*) FROM failed_jobs)' : 'NULL';
      return `SELECT SUM(reserved_at IS NULL AND available_at <= UNIX_TIMESTAMP()) AS pending, SUM(reserved_at IS NOT NULL) AS processing, NULL AS done, ${failed} AS failed, SUM(reserved_at < UNIX_TIMESTAMP() - ${stuckAfter}) AS stuck, MAX(IF(reserved_at IS NULL, CAST(UNIX_TIMESTAMP() AS SIGNED) - CAST(available_at AS SIGNED), NULL)) AS oldest, MAX(id) AS highest, ${left} AS remaining FROM ${t}`;
    }
    case 'messenger':
      return `SELECT SUM(delivered_at IS NULL AND available_at <= UTC_TIMESTAMP() AND queue_name <> 'failed') AS pending, SUM(delivered_at IS NOT NULL AND queue_name <> 'failed') AS processing, NULL AS done, SUM(queue_name = 'failed') AS failed, SUM(delivered_at < UTC_TIMESTAMP() - INTERVAL 3600 SECOND AND queue_name <> 'failed') AS stuck, MAX(IF(delivered_at IS NULL AND queue_name <> 'failed', TIMESTAMPDIFF(SECOND, available_at, UTC_TIMESTAMP()), NULL)) AS oldest, MAX(id) AS highest, ${left} AS remaining FROM ${t}`;
  }
}

function touchedOf(columns: readonly string[]): string {
  return columns.length === 1 ? quote(columns[0] ?? '') : `COALESCE(${columns.map(quote).join(', ')})`;
}

/** How long the last jobs took, in seconds, one a row; undefined where the table does not keep it. */
export function durationsQuery(table: JobTable, states: States): string | undefined {
  if (table.is !== 'states' || table.started === undefined || table.ended === undefined) return undefined;
  const [from, to] = [quote(table.started), quote(table.ended)];
  return `SELECT TIMESTAMPDIFF(SECOND, ${from}, ${to}) AS seconds FROM ${quote(table.table)} WHERE LOWER(${quote(table.status)}) IN (${words(states.done)}) AND ${to} >= ${from} ORDER BY ${to} DESC LIMIT 500`;
}

/** After how many seconds without a sign a job is stuck: three times as long as all but one in twenty took. */
export function stuckAfterOf(seconds: readonly number[]): number {
  const sorted = [...seconds].sort((a, b) => a - b);
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
  return Math.max(leastStuck, Math.ceil(3 * p95));
}

/** Words of a flag such as pending=new,processing=busy,done=ok,failed=bad; the rest stays as usual. */
export function statesIn(text: string): States | 'wrong' {
  const found: Record<string, readonly string[]> = { ...usualStates };
  for (const part of text.split(/[,\s]+/).filter((p) => p !== '')) {
    const match = /^(pending|processing|done|failed)=([\w|-]+)$/.exec(part);
    if (!match) return 'wrong';
    found[match[1] ?? ''] = (match[2] ?? '').toLowerCase().split('|');
  }
  return found as unknown as States;
}

export interface JobCounts {
  readonly pending: number;
  readonly processing: number;
  /** Absent where done jobs are deleted, and nothing tells of them. */
  readonly done?: number;
  readonly failed?: number;
  readonly stuck?: number;
  /** Age of the oldest one that waits, in seconds. */
  readonly oldest?: number;
  /** After how many seconds without a sign one was called stuck. */
  readonly stuckAfter?: number;
  /** Workers that have jobs in work and live, as far as the table names them. */
  readonly workers?: number;
  /** What would give the stuck ones back: for a person to read and to run. */
  readonly requeue?: string;
  /** Where done jobs are deleted: the highest number there was. */
  readonly highest?: number;
  /** And how many of those up to a number that was asked for are still there. */
  readonly remaining?: number;
}

/** A row of the statement above, or of somebody's own. */
export function countsOf(row: Readonly<Record<string, string | number | null>>): JobCounts {
  const number = (name: string): number | undefined =>
    row[name] === null || row[name] === undefined || Number.isNaN(Number(row[name]))
      ? undefined
      : Number(row[name]);
  const optional = (['done', 'failed', 'stuck', 'oldest', 'highest', 'remaining'] as const).flatMap(
    (name) => {
      const value = number(name);
      return value === undefined ? [] : [[name, value] as const];
    },
  );
  return {
    pending: number('pending') ?? 0,
    processing: number('processing') ?? 0,
    ...Object.fromEntries(optional),
  };
}

/** Ages are whole seconds, and two looks are not at the same moment of a second. */
const slack = 2;

/** How many jobs were done between two looks; where they are deleted, those that have gone. */
function doneBetween(before: JobCounts, after: JobCounts): number | 'unknown' {
  if (before.done !== undefined && after.done !== undefined) return Math.max(0, after.done - before.done);
  if (after.remaining === undefined) return 'unknown';
  const there = before.remaining ?? before.pending + before.processing + (before.failed ?? 0);
  return Math.max(0, there - after.remaining);
}

/** Are jobs done, none stuck, and does the backlog shrink? Nothing to do proves nothing. */
export function judgeJobs(before: JobCounts, after: JobCounts, seconds: number, runs: number): Judged {
  const done = doneBetween(before, after);
  const made = done === 'unknown' ? 0 : done;
  const minutes = Math.max(seconds, 1) / 60;
  const perMinute = Math.round((made / minutes) * 10) / 10;
  const grown = after.pending + after.processing - before.pending - before.processing;
  const drain = grown < 0 ? Math.ceil((after.pending / -grown) * seconds) : -1;
  const failed = Math.max(0, (after.failed ?? 0) - (before.failed ?? 0));
  const args = {
    pending: after.pending,
    processing: after.processing,
    done: made,
    failed,
    perMinute,
    drain,
    ...(after.oldest === undefined ? {} : { oldest: after.oldest }),
  };
  const say = (is: Judged['is'], because: string, more = {}): Judged => ({
    is,
    because,
    args: { ...args, ...more },
  });
  const stuck = (after.stuck ?? 0) - (before.stuck ?? 0);
  if (stuck > 0) return say('fail', 'stuck', { stuck });
  const rate = failed + made === 0 ? 0 : failed / (failed + made);
  const all = (before.failed ?? 0) + (before.done ?? 0);
  if (failed > 0 && rate > (all === 0 ? 0 : (before.failed ?? 0) / all)) return say('fail', 'more-failures');
  if (made === 0) {
    if (before.pending + before.processing + after.pending + after.processing === 0)
      return say('inconclusive', 'nothing-pending');
    if (done === 'unknown' || after.processing > 0 || runs === 0) return say('inconclusive', 'none-done-yet');
    return say('fail', 'none-done');
  }
  if ((after.stuck ?? 0) > 0) return say('warn', 'stuck-before', { stuck: after.stuck ?? 0 });
  // The lock lets one work: another machine has its own, or the table has workers of several kinds.
  if ((after.workers ?? 0) > 1) return say('warn', 'several-workers', { workers: after.workers ?? 0 });
  if (grown > 0) return say('warn', 'backlog-grows', { arrived: made + grown });
  // A backlog that was put in at one moment grows older while it shrinks; one that does not shrink should not.
  const older = (after.oldest ?? 0) - (before.oldest ?? 0);
  if (before.oldest !== undefined && older > slack && after.pending > 0 && after.pending >= before.pending)
    return say('warn', 'waiting-longer', { older });
  return say('pass', 'done');
}
