// Verdicts in words: what was expected, what was seen, what would settle it.
import type { Verdict } from '../verify/verdict.ts';
import { sayDuration } from './schedule.ts';

const expected: Record<string, string> = {
  'new-entry': 'cron runs the new entry',
  'single-instance': 'at most one instance at any time',
  'lock-held': 'the lock is held while the worker runs',
  'lock-free': 'the lock is free when it has ended',
  'log-written': 'the log is written',
  'log-clean': 'no refused database connections in the log',
  'second-refused': 'a second instance is refused',
  'stale-recovered': 'a dead instance’s PID file blocks nobody',
  'one-entry': 'exactly one entry starts the script',
  'guard-in-place': 'the guard is in place',
  database: 'database connections stay below 60 % of the limit, and do not rise',
  'second-lock': 'one worker at a time on all machines together',
  refusals: 'the database refused nobody since the deployment',
  jobs: 'jobs are done, none is stuck, and the backlog shrinks',
  'cron-alive': 'cron is running',
  'log-private': 'nobody can download the log',
  'run-now': 'a run as cron starts it ends well',
};

const saw: Record<string, (a: Record<string, string>) => string> = {
  'new-entry/pass/seen': () => 'it does',
  'new-entry/pass/its-log': () => 'the log that only the new entry writes has grown',
  'new-entry/pass/its-guard': () => 'the guard that only the new entry calls has kept a record',
  'new-entry/warn/late': () => 'it ran the old one once more, then the new one',
  'new-entry/fail/old-entry': (a) =>
    `it went on with the old one, so it has not read the new crontab; to make it: ${readAgain[a['how'] ?? '']}`,
  'new-entry/inconclusive/another-entry': (a) =>
    `a run looked like the old entry, but may be one of ${a['where']}, which names the same script`,
  'new-entry/inconclusive/no-run-seen': (a) =>
    `no run was seen; verify again after the next one is due: ${a['next']}`,
  'new-entry/inconclusive/too-short': (a) =>
    `${a['runs']} run(s), each over before it could be seen, and neither log nor guard tells which entry it was`,
  'single-instance/pass/one': (a) =>
    `never more than one over ${a['ticks']} tick(s), ${a['runs']} run(s) seen${sayStarts(a)}`,
  'single-instance/warn/started-beside': (a) =>
    `never more than one, but it is started more often than its entry is due${sayStarts(a)}: by hand, or by another entry?`,
  'single-instance/inconclusive/unaccounted': (a) =>
    `one at most was seen, but not every tick has its run${sayStarts(a)}: one may have run without the guard, too short to be seen, or cron left one out`,
  'single-instance/fail/several': (a) => `${a['count']} at once`,
  'single-instance/inconclusive/no-run-seen': (a) =>
    `${a['ticks']} tick(s) passed, but no run was seen: is cron running this crontab?`,
  'single-instance/inconclusive/cut-short': () => 'watching was cut short',
  'single-instance/inconclusive/fewer-ticks': (a) =>
    `one at most, but only ${a['ticks']} of ${a['asked']} tick(s) were due in time; next: ${a['next']}`,
  'lock-held/pass/held': () => 'held',
  'lock-held/fail/runs-without': () => 'an instance runs without it',
  'lock-held/inconclusive/lock-unseen': () => 'the kernel’s list of locks cannot be read here',
  'lock-free/pass/free': () => 'free',
  'lock-free/fail/held-by-another': (a) =>
    `held by another process than the worker (PID ${a['pids']}): a child that outlived it, perhaps; end that one, and leave the file alone`,
  'lock-free/fail/stale-pid': (a) =>
    `its PID file still names PID ${a['pid']}, which is gone, after a further run`,
  'lock-free/inconclusive/holder-unseen': () =>
    'held, and by none of the worker’s processes that can be seen; ask as root',
  'lock-free/inconclusive/no-lock': () => 'the run has made no lock file: was the guard there at all?',
  'lock-free/inconclusive/lock-unseen': () =>
    'the kernel’s list of locks cannot be read here, or is no proof (a container): cronlatch lock status tries it',
  'lock-free/inconclusive/old-run-holds': (a) =>
    `a run of the old entry (PID ${a['pid']}) got it before the crontab was replaced; it is left to finish, or if it never does: kill -TERM ${a['pid']}`,
  'lock-free/inconclusive/always-held': () =>
    'the worker was running all the time; verify again when a run has ended',
  'log-written/pass/written': (a) => `${a['bytes']} bytes since the deployment`,
  'log-written/pass/created': () => 'created since the deployment, still empty',
  'log-written/fail/absent': () => 'it is not there although the worker ran',
  'log-written/inconclusive/absent': () => 'it is not there yet, and no run was seen',
  'log-clean/pass/clean': () => 'none of 1203, 1226, 1040',
  'log-clean/inconclusive/part-gone': () =>
    'none in what is left, but not all that was written since the deployment is there any more (packed, emptied or removed); what comes from now on is judged by: cronlatch verify --script FILE',
  'log-clean/inconclusive/too-long': (a) =>
    `none in the first ${a['bytes']} bytes since then; the rest was not read`,
  'log-clean/fail/refusals': (a) => `${a['count']} line(s) speak of refused connections`,
  'second-refused/pass/refused': () => 'refused, quietly, with exit code 0 (the guard’s own trial)',
  'second-refused/fail/not-refused': () => 'it was not refused',
  'stale-recovered/pass/recovered': () => 'recovered (the guard’s own trial)',
  'stale-recovered/fail/not-recovered': () => 'it was not recovered',
  'one-entry/pass/one': () => 'one',
  'one-entry/fail/gone': () => 'none',
  'one-entry/warn/several': (a) => `${a['count']}`,
  'guard-in-place/pass/there': () => 'it is',
  'guard-in-place/warn/other-version': () => 'it is, in another version; deploy again to bring it up to date',
  'guard-in-place/fail/guard-lost': () =>
    'it is gone, probably through a release: deploy again, with --guard entry to survive the next one',
  'guard-in-place/fail/file-gone': () => 'its file is gone',
  'log-private/skip/no-docroot': () => 'no directory above it is known as a document root',
  'log-private/inconclusive/no-address': () =>
    'no directory above it is known as a document root: what address it would have cannot be told',
  'log-private/inconclusive/which-site': (a) =>
    `several sites are checked, and none of the addresses is for this one: --url ${a['docroot']}=https://…`,
  'log-private/inconclusive/not-there': (a) =>
    `the site answers ${a['status']}, as the wrong site would: is this the address of the log’s own site?`,
  'log-private/pass/refused': (a) => `the site answers ${a['status']}`,
  'log-private/pass/another-page': () => 'the site answers with another page',
  'log-private/fail/downloadable': (a) =>
    `anybody can: ${a['url']}; a log outside the document root: cronlatch deploy --log PATH`,
  'log-private/warn/in-docroot': (a) =>
    `it lies below ${a['docroot']}; whether the site hands it out tells --url`,
  'log-private/inconclusive/no-answer': (a) => `the site did not answer (${a['why']})`,
  'log-private/inconclusive/odd-answer': (a) => `the site answers ${a['status']}`,
  'log-private/inconclusive/empty-log': () => 'the site hands out a page, and the log is empty',
  'run-now/pass/ended-well': (a) => `exit code 0 after ${a['seconds']} s`,
  'run-now/fail/ended-badly': (a) => `it ended with ${a['code']} after ${a['seconds']} s`,
  'run-now/inconclusive/still-running': (a) => `it was ended after ${a['seconds']} s (--max-wait)`,
  'run-now/inconclusive/already-running': () => 'a run holds the lock already: try again when it is over',
  'run-now/inconclusive/lock-unseen': () =>
    'it cannot be told whether a run holds the lock, and none is started beside one',
  'run-now/inconclusive/not-utf8': () => 'the command is not UTF-8, and Node starts no other',
  'run-now/inconclusive/no-user': (a) => `there is no user ${a['user']}`,
  'lock-free/fail/still-held': () => 'it is still held although the run is over',
  'database/pass/room': (a) =>
    `at most ${a['peak']} of ${a['limit']} (${a['share']} %), ${a['samples']} samples`,
  'database/warn/no-limit': (a) =>
    `at most ${a['peak']}; the account has no limit of its own, the whole server’s is ${a['limit']}`,
  'database/fail/too-high': (a) =>
    `${a['peak']} of ${a['limit']} (${a['share']} %)${a['refused'] === '0' ? '' : `, refused ${a['refused']} time(s) while we looked`}; see: cronlatch connections`,
  'database/fail/full': (a) => `the account was full in ${a['refused']} look(s); see: cronlatch connections`,
  'database/fail/rising': (a) => `rising from ${a['first']} to ${a['last']}; see: cronlatch connections`,
  'database/fail/rising-slowly': (a) => `rising by ${a['slope']} a minute; see: cronlatch connections`,
  'database/fail/administrators-only': () => 'the server’s max_user_connections lets only administrators in',
  'database/inconclusive/no-samples': () => 'no sample could be taken',
  'second-lock/warn/other-machines': (a) =>
    `${a['count'] === '1' ? 'another machine works' : `${a['count']} other machines work`} with the same account, and a lock on a file does not reach there; if this worker runs there, too: cronlatch deploy --shared-lock (docs/guard.md)`,
  'second-lock/warn/small-limit': (a) =>
    `the second lock takes one of the account’s ${a['limit']} connections while the worker runs`,
  'refusals/pass/none': () => 'the server’s counters prove that there was none',
  'refusals/fail/in-log': (a) => `${a['count']} line(s) of the worker’s log speak of it`,
  'refusals/warn/somebody': (a) =>
    `the server refused somebody (${a['low']} to ${a['high']} for an account’s limit or a database that does not exist, ${a['full']} because it was full); nothing in this worker’s log`,
  'refusals/inconclusive/unclear': (a) =>
    `between ${a['low']} and ${a['high']} on the whole server: wrong passwords raise the same counter`,
  'refusals/inconclusive/counters-reset': () => 'the server was restarted since, and its counters with it',
  'refusals/inconclusive/no-counters': () => 'the server’s counters could not be read',
  'jobs/pass/done': (a) => sayJobs(a),
  'jobs/warn/stuck-before': (a) =>
    `${sayJobs(a)}; ${a['stuck']} were left in work by a process that is gone: requeue them yourself, below is how (or failed, when they were tried often)`,
  'jobs/warn/backlog-grows': (a) =>
    `${sayJobs(a)}, but ${a['arrived']} arrived: one instance alone does not keep up (--once passes more often, or a larger batch)`,
  'jobs/warn/several-workers': (a) =>
    `${sayJobs(a)}, by ${a['workers']} workers at once: the lock keeps out those of this machine and this script only`,
  'jobs/warn/waiting-longer': (a) =>
    `${sayJobs(a)}, but the one that waits longest has waited ${sayDuration(Number(a['older']) * 1000)} more than before: are some never taken?`,
  'jobs/fail/stuck': (a) => `${a['stuck']} more in work than before that nobody works on; ${sayJobs(a)}`,
  'jobs/fail/more-failures': (a) => `more fail than before: ${sayJobs(a)}`,
  'jobs/fail/none-done': (a) => `${a['pending']} wait, and the worker’s runs did none of them`,
  'jobs/inconclusive/nothing-pending': () => 'nothing was to be done: verify again when jobs wait',
  'jobs/inconclusive/none-done-yet': (a) =>
    `none was seen done yet (${a['pending']} wait, ${a['processing']} in work): verify again, or with more --ticks`,
  'jobs/inconclusive/jobs-unseen': (a) =>
    `the jobs could not be counted: only the account’s own session may read them (${a['why']})`,
  'cron-alive/pass/running': () => 'it is',
  'cron-alive/warn/none': () => 'none runs on this machine: start it (systemctl start cron, on RHEL crond)',
  'cron-alive/inconclusive/hidden': () =>
    'none was seen, but other users’ processes are hidden from this one; ask as root',
  'cron-alive/inconclusive/confined': () =>
    'none was seen in this container (PID namespace), and outside of it nothing can be seen',
};

/** What the guard has written of its starts, where that could be read. */
function sayStarts(a: Record<string, string>): string {
  return a['began'] === undefined
    ? ''
    : ` (due ${a['within']} time(s): ${a['began']} begun, ${a['refused']} refused by the guard)`;
}

function sayJobs(a: Record<string, string>): string {
  const drain = a['drain'] === '-1' ? '' : `, drained in about ${sayDuration(Number(a['drain']) * 1000)}`;
  const failed = a['failed'] === '0' ? '' : `, ${a['failed']} failed`;
  const oldest =
    a['oldest'] === undefined || a['pending'] === '0'
      ? ''
      : ` (since ${sayDuration(Number(a['oldest']) * 1000)})`;
  return `${a['done']} done (${a['perMinute']} a minute)${failed}, ${a['pending']} wait${oldest}, ${a['processing']} in work${drain}`;
}

/** How cron is made to read a crontab that it has missed. */
const readAgain: Record<string, string> = {
  crontab: 'install it once more (crontab FILE), or restart cron',
  directory: 'touch its directory, or restart cron',
  file: 'have whatever runs this file read it again',
};

const because: Record<string, (a: Record<string, string>) => string> = {
  'not-live': (a) => `skipped: no cron runs ${a['source']}`,
  'no-database': () =>
    'skipped: no credentials of a MariaDB or MySQL were found beside the script (--db-url names one)',
  'no-job-table': () => 'skipped: no table of jobs is known there (--jobs-table or --jobs-sql names one)',
  unreached: (a) => `the database could not be asked (${a['why']}); see: cronlatch connections`,
  'entry-unchanged': () => 'skipped: the deployment did not change the entry',
  'runs-alike': () => 'skipped: a run of the new entry looks no different from one of the old',
  'no-guard': () => 'skipped: deployed without a guard',
  'no-log': () => 'skipped: it has no log',
  'not-a-system-crontab': () => 'skipped: it is not one of the system’s crontabs',
  'no-tick-in-time': (a) =>
    `no run is due in time (${a['schedule']}); next: ${a['next']}. Verify again after it, or with a longer --max-wait`,
  'no-run-seen': () => 'no run was seen',
  'nothing-written': () => 'the worker has written nothing since the deployment',
  'log-unseen': () => 'the log is no file that can be read',
  'no-entry': () => 'the entry is gone',
  'probe-silent': (a) =>
    `the guard’s trial gave no answer (exit ${a['code']}): the interpreter cannot run the guard`,
  'probe-impossible': (a) => `the guard’s trial cannot be made here: ${a['why']}`,
};

/** Expected and seen, as two short texts. */
export function sayVerdict(verdict: Verdict): { expected: string; saw: string } {
  const flat = Object.fromEntries(Object.entries(verdict.args).map(([k, v]) => [k, String(v)]));
  const say = saw[`${verdict.check}/${verdict.is}/${verdict.because}`] ?? because[verdict.because];
  return { expected: expected[verdict.check] ?? verdict.check, saw: say ? say(flat) : verdict.because };
}
