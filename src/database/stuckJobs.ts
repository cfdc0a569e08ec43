// Which jobs in work have nobody who works on them: by their owner's process, its named lock, or their last sign of life.
import type { JobTable, States } from './jobs.ts';

/** A job in work. */
export interface InWork {
  /** As the worker wrote it, such as host:pid or host:pid:start. */
  readonly owner: string;
  /** Seconds since its last sign of life; absent where the table has none. */
  readonly silent?: number;
}

export interface Witnesses {
  /** This machine's name, without its domain. */
  readonly here: string;
  /** PIDs that run here, with the ticks of their start. */
  readonly alive: ReadonlyMap<number, string>;
  /** The owner's named lock: true is free. Owners whose lock is not known of are not in it. */
  readonly free: ReadonlyMap<string, boolean>;
  readonly stuckAfter: number;
  /** Do workers of this table give signs of life while they work, or only when they begin? */
  readonly beats: boolean;
}

/** Is nobody at this job any more? */
export function isStuck(
  { owner, silent }: InWork,
  { here, alive, free, stuckAfter, beats }: Witnesses,
): boolean {
  const lock = free.get(owner);
  if (lock === true) return true;
  const named = processOf(owner, here);
  const started = named === undefined ? undefined : alive.get(named.pid);
  const dead = named !== undefined && (started === undefined || (named.start ?? started) !== started);
  if (dead) return true;
  const late = silent !== undefined && silent > stuckAfter;
  // A long job of a worker that lives is no stuck one, where nobody gives signs of life on the way.
  return late && (beats || (named === undefined && lock === undefined));
}

/** host:pid, perhaps with its start or something of the worker's own behind it; a bare number may be anybody's. */
function processOf(owner: string, here: string): { pid: number; start?: string } | undefined {
  const match = /^([\w.-]+):(\d+)(?::([^:]*))?(?::|$)/.exec(owner);
  if (match === null || match[1]?.split('.')[0]?.toLowerCase() !== here) return undefined;
  const start = match[3] ?? '';
  // Ticks since boot, as the templates write them; anything else behind the PID tells nothing.
  return { pid: Number(match[2]), ...(/^\d{3,}$/.test(start) ? { start } : {}) };
}

const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** The jobs in work, one a row. */
export function inWorkQuery(table: JobTable, states: States): string | undefined {
  if (table.is !== 'states' || table.owner === undefined) return undefined;
  const touched = table.touched.map(quote).join(', ');
  const silent = touched === '' ? 'NULL' : `TIMESTAMPDIFF(SECOND, COALESCE(${touched}), NOW())`;
  const words = states.processing.map((word) => `'${word.replace(/[^\w -]/g, '')}'`).join(',');
  return `SELECT COALESCE(${quote(table.owner)}, '') AS who, ${silent} AS silent FROM ${quote(table.table)} WHERE LOWER(${quote(table.status)}) IN (${words}) LIMIT ${mostInWork}`;
}

/** More than these are not looked at one by one. */
export const mostInWork = 1000;

/** What gives jobs of these owners back, to be read and run by a person. */
export function requeueOf(table: JobTable, states: States, owners: readonly string[]): string | undefined {
  if (table.is !== 'states' || table.owner === undefined) return undefined;
  const text = (value: string): string =>
    `'${value
      .replace(/[\0-\x1f\x7f]/g, '?')
      .replaceAll('\\', '\\\\')
      .replaceAll("'", "''")}'`;
  const shown = [...new Set(owners)].slice(0, 10);
  const [pending = 'pending'] = states.pending;
  const [processing = 'processing'] = states.processing;
  return `UPDATE ${quote(table.table)} SET ${quote(table.status)} = ${text(pending)}, ${quote(table.owner)} = NULL WHERE ${quote(table.status)} = ${text(processing)} AND ${quote(table.owner)} IN (${shown.map(text).join(', ')})`;
}
