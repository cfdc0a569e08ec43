// The criteria of a watch in words; those that the checklist has as well are said as there.
import type { Verdict } from '../verify/verdict.ts';
import { sayDuration } from './schedule.ts';
import { sayVerdict } from './verdicts.ts';

const expected: Readonly<Record<string, string>> = {
  'single-instance': 'only one instance runs at any time',
  refusals: 'no refused database connections',
  database: 'database connections stay below 60 % of the limit, and do not rise',
  jobs: 'jobs are processed',
  'lock-held': 'the lock is held while the worker runs',
  'lock-free': 'the lock is free when it has ended',
  ticks: 'cron starts it at every tick',
  'run-length': 'a run ends before the next one is due',
  progress: 'no run hangs',
  'log-errors': 'no errors in the log',
  coverage: 'the watch saw the whole time',
  'cron-alive': 'cron is running',
};

const duration = (seconds: string | undefined): string => sayDuration(Number(seconds ?? 0) * 1000);

const saw: Readonly<Record<string, (a: Record<string, string>) => string>> = {
  'single-instance/one': (a) => `never more than one over ${a['ticks']} tick(s), ${a['runs']} run(s) seen`,
  'single-instance/several': (a) => `${a['count']} at once`,
  'single-instance/no-run-seen': () => 'no run was seen',
  'single-instance/one-run': (a) =>
    `one at most, but only ${a['ticks']} tick(s) were due: one run cannot overlap with itself`,
  'refusals/none': () => 'none: the server’s counters prove it',
  'refusals/log-clean': (a) => `none in what the log got (${a['bytes']} bytes)`,
  'refusals/in-log': (a) => `${a['count']} line(s) of the log speak of them`,
  'refusals/while-full': (a) => `${counted(a)} while the account was full`,
  'refusals/none-restarted': (a) =>
    `none; the server was restarted ${a['resets']} time(s), what it counted between the last look before and that is not known`,
  'refusals/somebody': (a) => `the server refused somebody (${counted(a)}); nothing in this worker’s log`,
  'refusals/somebody-no-log': (a) =>
    `the server refused somebody (${counted(a)}), and this worker has no log that would tell whom`,
  'refusals/unclear': (a) =>
    `between ${a['low']} and ${a['high']} on the whole server: wrong passwords raise the same counter`,
  'refusals/no-counters': () => 'the server’s counters could not be read twice',
  'database/no-samples': () => 'no sample could be taken',
  'ticks/seen': (a) => `${a['run']} run(s), ${inTheWay(a)}none missed`,
  'ticks/seen-mostly': (a) =>
    `${a['run']} run(s), ${inTheWay(a)}none missed; ${a['unseen']} could not be told`,
  'ticks/missed': (a) => `${a['missed']} of ${a['due']} missed`,
  'ticks/none-due': () => 'no run was due in this time',
  'ticks/unseen': (a) =>
    `${a['due']} were due, and no run was seen: too short to be seen, or cron does not run this crontab`,
  'run-length/fits': (a) => share(a),
  'run-length/tight': (a) => `${share(a)}: little is left before runs are skipped`,
  'run-length/longer': (a) =>
    `${share(a)}: with the lock the next start is skipped, without it two run at once`,
  'run-length/no-gap': () => 'skipped: its schedule has no interval',
  'run-length/no-run-seen': () => 'skipped: no whole run was seen',
  'progress/moves': (a) => `none longer than ${duration(a['most'])} without a sign of progress`,
  'progress/stalled': (a) => `a run showed none for more than ${duration(a['most'])}`,
  'progress/lock-left': () => 'the lock was held while nobody ran, and no start got past it',
  'ticks/lock-left': (a) =>
    `at ${a['count']} of ${a['due']} the lock was held while nobody ran: a child of a run may have it`,
  'refusals/log-silent': () => 'its log has not grown: it is not there, or says nothing',
  'refusals/log-unread': (a) => `${a['bytes']} bytes of its log came too fast to be read`,
  'log-errors/log-silent': () => 'its log has not grown: it is not there, or says nothing',
  'log-errors/log-unread': (a) => `${a['bytes']} bytes of its log came too fast to be read`,
  'progress/no-run-seen': () => 'skipped: no run was seen',
  'lock-free/left-held': () => 'it was held while no instance ran',
  'log-errors/none': (a) => `none in ${a['bytes']} bytes`,
  'log-errors/errors': (a) => `${a['count']} line(s)`,
  'coverage/whole': (a) => `${a['share']} % of the samples were taken`,
  'coverage/gaps': (a) => `only ${a['share']} % of the samples were taken`,
  'coverage/too-large': () =>
    'it was ended before its time: its records had grown to 48 MiB, far beyond what a watch of a day needs',
  'coverage/cut-short': (a) =>
    `it was ended before its time; until then ${a['share']} % of the samples were taken`,
};

function counted(a: Record<string, string>): string {
  const some = a['low'] === a['high'] ? `${a['low']}` : `${a['low']} to ${a['high']}`;
  return `${some} for an account’s limit, ${a['full']} because it was full`;
}

function inTheWay(a: Record<string, string>): string {
  return a['skipped'] === '0' ? '' : `${a['skipped']} found one in their way, `;
}

function share(a: Record<string, string>): string {
  return `the longest took ${duration(a['longest'])}, ${a['share']} % of the interval`;
}

/** Expected and seen, as two short texts. */
export function sayCriterion(verdict: Verdict): { readonly expected: string; readonly saw: string } {
  const flat = Object.fromEntries(Object.entries(verdict.args).map(([k, v]) => [k, String(v)]));
  const own = saw[`${verdict.check}/${verdict.because}`];
  const usual = sayVerdict(verdict);
  return {
    expected: expected[verdict.check] ?? usual.expected,
    saw: own === undefined ? usual.saw : own(flat),
  };
}
