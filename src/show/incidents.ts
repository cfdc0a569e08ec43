// Incidents of a watch in words: what happened, in one line.
import type { IncidentKind } from '../monitor/records.ts';
import { sayDuration } from './schedule.ts';

type Args = Readonly<Record<string, string | number>>;

const duration = (seconds: string | number | undefined): string => sayDuration(Number(seconds ?? 0) * 1000);

const gaps: Readonly<Record<string, (a: Args) => string>> = {
  late: (a) => `${a['samples']} sample(s) could not be taken: the machine or this watch stood still`,
  resumed: (a) => `nobody watched for ${a['samples']} sample(s), until the watch was taken up again`,
  clock: (a) => `the wall clock was set by ${duration(Math.abs(Number(a['jump'])) / 1000)}`,
};

const unreached: Readonly<Record<string, string>> = {
  'no-server': 'nobody answers there',
  'too-slow': 'no answer in time',
  lost: 'the connection was lost',
  credentials: 'the credentials were refused',
};

const sentences: Readonly<Record<IncidentKind, (a: Args) => string>> = {
  'two-instances': (a) => `${a['count']} instances at once`,
  lockless: () => 'an instance runs without the lock',
  refused: (a) => {
    const log = a['log'] === undefined ? '' : `${a['log']} line(s) of the worker’s log`;
    const counted =
      a['high'] === undefined
        ? ''
        : `${bounds(a)} by the server’s counters (whose, they do not tell)${
            Number(a['full']) > 0 ? `, ${a['full']} because it was full` : ''
          }`;
    return `connections refused: ${[log, counted].filter((part) => part !== '').join('; ')}`;
  },
  full: (a) =>
    Number(a['limit']) > 0
      ? `the account is full: ${a['used']} of ${a['limit']} connections`
      : 'the account is full',
  'too-high': (a) => `${a['used']} of ${a['limit']} connections: 60 % of the limit or more`,
  'missed-tick': (a) =>
    a['count'] === 1 ? 'a run was due and none began' : `${a['count']} runs in a row were due and none began`,
  'long-run': (a) =>
    `a run takes ${duration(a['seconds'])}: longer than the ${duration(a['gap'])} from one start to the next`,
  stalled: (a) => `no sign of progress for ${duration(a['seconds'])} (--max-runtime ${duration(a['most'])})`,
  'lock-left': (a) =>
    `the lock is held for ${duration(a['seconds'])} while no instance runs: a child of one that is gone may have it`,
  errors: (a) => `${a['count']} error(s) in the log`,
  'jobs-stuck': (a) => `${a['stuck']} job(s) in work that nobody works on`,
  backlog: (a) => `the backlog grows: ${a['now']} jobs wait, ${a['was']} at the beginning`,
  unreachable: (a) => `the database could not be asked: ${unreached[String(a['why'])] ?? String(a['why'])}`,
  'no-cron': () => 'no cron runs on this machine',
  gap: (a) => (gaps[String(a['why'])] ?? gaps['late'])?.(a) ?? '',
};

function bounds(a: Args): string {
  return a['low'] === a['high'] ? `${a['low']}` : `between ${a['low']} and ${a['high']}`;
}

/** One line for an incident; its time, worker and processes are said beside it. */
export function sayIncident({
  kind,
  args,
  pids,
}: {
  readonly kind: IncidentKind;
  readonly args: Args;
  readonly pids: readonly number[];
}): string {
  const who = pids.length === 0 ? '' : ` (PID ${pids.slice(0, 8).join(', ')}${pids.length > 8 ? ' …' : ''})`;
  return `${sentences[kind](args)}${who}`;
}
