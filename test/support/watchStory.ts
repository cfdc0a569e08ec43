// An hour's watch told record by record, as the sampler writes it: what the fold, the summary and the reports are tried on.
import type { Counters } from '../../src/database/refusals.ts';
import {
  type DatabaseSample,
  printWatchRecord,
  type Sample,
  type SeenInstance,
  type Watched,
  type WatchRecord,
  type WatchStart,
  watchSchema,
} from '../../src/monitor/records.ts';

/** A Tuesday, half a minute before the hour. */
export const begins = Date.UTC(2026, 10, 24, 9, 59, 30);
const zero: Counters = { aborted: 7, preauth: 0, denied: 0, full: 0, uptime: 9000 };

export const worker: Watched = {
  name: 'process_import_jobs',
  script: '/var/www/vhosts/example.com/httpdocs/scripts/process_import_jobs.php',
  source: 'user:example-user',
  line: 4,
  user: 'example-user',
  schedule: '*/2 * * * *',
  gap: 120,
  due: [],
  lock: '/var/www/vhosts/example.com/cronlatch/process_import_jobs/process_import_jobs.lock',
  log: '/var/www/vhosts/example.com/httpdocs/logs/import.log',
  maxRuntime: 600,
  database: { user: 'u12345_app', place: '/run/mysqld/mysqld.sock' },
};

/** One run of the worker in the story. */
export interface ToldRun {
  /** Seconds since the beginning. */
  readonly from: number;
  readonly to: number;
  readonly pid: number;
  /** Runs beside the lock. */
  readonly lockless?: boolean;
}

export interface Told {
  readonly seconds?: number;
  readonly watched?: Partial<Watched>;
  /** Runs, in place of one of `length` seconds at every tick. */
  readonly runs?: readonly ToldRun[];
  readonly length?: number;
  /** Connections of the account at a second. */
  readonly used?: (second: number) => number | 'refused';
  /** Refusals for the account's limit that the counters have at a second. */
  readonly refused?: (second: number) => number;
  readonly pending?: (second: number) => number;
  readonly done?: (second: number) => number;
  /** Seconds in which no sample is taken. */
  readonly hole?: readonly [from: number, to: number];
  /** Further records; put where their time belongs. */
  readonly more?: readonly Exclude<WatchRecord, WatchStart>[];
  readonly lookEvery?: number;
  readonly end?: 'time' | 'SIGINT' | 'none';
}

export interface Story {
  readonly start: WatchStart;
  readonly records: readonly Exclude<WatchRecord, WatchStart>[];
}

/** The moment of a second of the story. */
export const moment = (second: number): { t: number; w: number } => ({
  t: second * 1000,
  w: begins + second * 1000,
});

/** Tells it. */
export function tell(told: Told = {}): Story {
  const seconds = told.seconds ?? 3600;
  const due = Array.from({ length: Math.floor(seconds / 120) }, (_, i) => begins + 30_000 + i * 120_000);
  const watched: Watched = { ...worker, due, ...told.watched };
  const start: WatchStart = {
    is: 'start',
    schema: watchSchema,
    id: '20261124-095930-watch',
    at: new Date(begins).toISOString(),
    wall: begins,
    by: { user: 'root', host: 'shop.example', pid: 4242, born: '42420', version: '0.0.0-test' },
    deployment: ['20261124-095500-5b48'],
    lasts: seconds,
    every: 1000,
    workers: [watched],
    latched: [],
    probes: [],
  };
  const runs: readonly ToldRun[] =
    told.runs ??
    watched.due.map((at, i) => ({
      from: (at - begins) / 1000 + 1,
      to: (at - begins) / 1000 + 1 + (told.length ?? 20),
      pid: 9000 + i,
    }));
  const records: Exclude<WatchRecord, WatchStart>[] = [];
  const [from, to] = told.hole ?? [-1, -1];
  let dark = false;
  for (let n = 0; n < seconds; n++) {
    if (n >= from && n < to) {
      dark = true;
      continue;
    }
    if (dark) records.push({ is: 'gap', ...moment(n), from, to: to - 1, why: 'late' });
    dark = false;
    const here = runs.filter((run) => run.from <= n && n < run.to);
    const instances = here.map(
      (run): SeenInstance => ({
        pid: run.pid,
        start: String(run.pid * 10),
        born: begins + run.from * 1000,
        holds: watched.lock !== undefined && !run.lockless,
      }),
    );
    const lock = watched.lock === undefined ? 'none' : instances.some(({ holds }) => holds) ? 'held' : 'free';
    records.push({ is: 'sample', n, ...moment(n), workers: [{ instances, lock }] });
    for (const run of runs) {
      if (run.lockless || watched.lock === undefined) continue;
      const base = { is: 'run', worker: 0, pid: run.pid, start: String(run.pid * 10) } as const;
      const started = begins / 1000 + run.from;
      if (Math.ceil(run.from) === n) records.push({ ...base, ...moment(n), started });
      if (Math.ceil(run.to) === n)
        records.push({ ...base, ...moment(n), started, ended: begins / 1000 + run.to, why: 'done' });
    }
    if (watched.log !== undefined && runs.some((run) => Math.ceil(run.to) === n))
      records.push({ is: 'log', worker: 0, ...moment(n), grown: 30, refusals: [], errors: [] });
    if (n % (told.lookEvery ?? 5) === 0) records.push(look(told, n));
  }
  for (const one of told.more ?? []) {
    const at = records.findIndex((record) => record.t > one.t);
    records.splice(at < 0 ? records.length : at, 0, one);
  }
  const end = told.end ?? 'time';
  if (end !== 'none') records.push({ is: 'end', ...moment(seconds), by: end, planned: seconds });
  return { start, records };
}

function look(told: Told, second: number): DatabaseSample {
  const used = told.used?.(second) ?? 1;
  const refused = told.refused?.(second) ?? 0;
  const base = { is: 'database', worker: 0, ...moment(second), used } as const;
  if (used === 'refused') return { ...base, by: 'kernel', own: { refused: 1, denied: 0 } };
  return {
    ...base,
    by: 'account',
    account: 'u12345_app@localhost',
    limit: { is: 'global', connections: 5 },
    counters: { ...zero, aborted: zero.aborted + refused, uptime: zero.uptime + second },
    jobs: {
      pending: told.pending?.(second) ?? Math.max(0, 100 - Math.floor(second / 30)),
      processing: 0,
      done: told.done?.(second) ?? Math.floor(second / 30),
      failed: 0,
    },
  };
}

/** The file that a sampler would have written. */
export function printed({ start, records }: Story): string {
  let before: Sample | undefined;
  return [start, ...records]
    .map((record) => {
      const line = printWatchRecord(record, before);
      if (record.is === 'sample') before = record;
      return line;
    })
    .join('');
}

/** An hour in which all went well. */
export const goodHour = (): Story => tell();

/** An hour of everything that can go wrong: a pile-up, refusals, a missed tick, errors, a hole. */
export const badHour = (): Story =>
  tell({
    runs: [
      ...Array.from({ length: 5 }, (_, i) => ({ from: 31 + i * 120, to: 144 + i * 120, pid: 9000 + i })),
      // Two at once, for a minute and a half; then nothing at the tick of 12 minutes and a half.
      { from: 631, to: 751, pid: 9010 },
      { from: 660, to: 750, pid: 9011, lockless: true },
      ...Array.from({ length: 20 }, (_, i) => ({ from: 991 + i * 120, to: 1011 + i * 120, pid: 9100 + i })),
    ],
    used: (second) => (second >= 700 && second < 720 ? 'refused' : second >= 660 && second < 750 ? 4 : 1),
    refused: (second) => (second >= 720 ? 10 : second >= 715 ? 3 : 0),
    hole: [2000, 2060],
    more: [
      {
        is: 'log',
        worker: 0,
        ...moment(716),
        grown: 300,
        refusals: [
          "SQLSTATE[HY000] [1203] User u12345_app already has more than 'max_user_connections' active connections",
        ],
        errors: [],
      },
      {
        is: 'log',
        worker: 0,
        ...moment(1500),
        grown: 80,
        refusals: [],
        errors: ['PHP Fatal error:  Uncaught Error: <b>no & such</b> thing'],
      },
    ],
  });
