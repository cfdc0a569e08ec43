// What a guard has written into its lock file about the run, and whether the process it names is still that run.
import type { Bytes } from '../crontab/crontab.ts';

export interface LockRecord {
  readonly pid: number;
  /** Ticks since boot; with the boot it names one process for ever. */
  readonly start: string | 'unsaid';
  readonly boot: string;
  readonly pidns: string;
  readonly host: string;
  /** Unix seconds. */
  readonly started: number | undefined;
  readonly heartbeat: number | undefined;
  readonly state: string;
  readonly ended: number | undefined;
  readonly why: string;
  /** The second lock's name in the database; '' without one. */
  readonly shared: string;
}

/** The file is its owner's to write: a longer text is no guard's, and must not go on into our own records. */
const letters = 100;
/** Unix seconds of the year 2100: no run begins later, and no calendar breaks on it. */
const latest = 4_102_444_800;

const cut = (value: unknown): string => (typeof value === 'string' ? value.slice(0, letters) : '');

/** 'empty': a lock file nobody has written into, as flock(1) leaves it. 'foreign': somebody else's text. */
export function readRecord(bytes: Bytes): LockRecord | 'empty' | 'foreign' {
  if (bytes.trim() === '') return 'empty';
  let json: unknown;
  try {
    json = JSON.parse(bytes);
  } catch {
    return 'foreign';
  }
  if (typeof json !== 'object' || json === null) return 'foreign';
  const said = json as Readonly<Record<string, unknown>>;
  const { pid, start } = said;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return 'foreign';
  const text = (key: string): string => cut(said[key]);
  const moment = (key: string): number | undefined => {
    const value = said[key];
    return typeof value === 'number' && value >= 0 && value <= latest ? value : undefined;
  };
  return {
    pid,
    start: typeof start === 'number' ? String(start) : cut(start) || 'unsaid',
    boot: text('boot'),
    pidns: text('pidns'),
    host: text('host'),
    started: moment('started'),
    heartbeat: moment('hb'),
    state: text('state'),
    ended: moment('ended'),
    why: text('why'),
    shared: text('shared'),
  };
}

/** What this machine says of itself and of the process in question. '' is not known. */
export interface Present {
  readonly boot: string;
  readonly pidns: string;
  readonly row: { readonly start: string; readonly state: string } | 'none';
}

/**
 * Is the process of the record alive? A number alone is no proof: it may have been given to another. Where the record was
 * written in another PID namespace (a container), its number says nothing here.
 */
export function judgeRecord(record: LockRecord, now: Present): 'alive' | 'dead' | 'unknown' {
  if (record.start === 'unsaid') return 'unknown';
  if (record.pidns !== '' && now.pidns !== '' && record.pidns !== now.pidns) return 'unknown';
  if (record.boot !== '' && now.boot !== '' && record.boot !== now.boot) return 'dead';
  if (now.row === 'none') return 'dead';
  return now.row.start === record.start && now.row.state !== 'Z' ? 'alive' : 'dead';
}
