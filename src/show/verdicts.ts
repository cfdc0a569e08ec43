// Verdicts in words: what was expected, what was seen, what would settle it.
import type { Verdict } from '../verify/verdict.ts';

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
  database: 'connections below the limit',
  'cron-alive': 'cron is running',
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
    `never more than one over ${a['ticks']} tick(s), ${a['runs']} run(s) seen`,
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
  'lock-free/inconclusive/lock-unseen': () => 'the kernel’s list of locks cannot be read here',
  'lock-free/inconclusive/old-run-holds': (a) =>
    `a run of the old entry (PID ${a['pid']}) got it before the crontab was replaced; it is left to finish, or if it never does: kill -TERM ${a['pid']}`,
  'lock-free/inconclusive/always-held': () =>
    'the worker was running all the time; verify again when a run has ended',
  'log-written/pass/written': (a) => `${a['bytes']} bytes since the deployment`,
  'log-written/pass/created': () => 'created since the deployment, still empty',
  'log-written/fail/absent': () => 'it is not there although the worker ran',
  'log-written/inconclusive/absent': () => 'it is not there yet, and no run was seen',
  'log-clean/pass/clean': () => 'none of 1203, 1226, 1040',
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
  'cron-alive/pass/running': () => 'it is',
  'cron-alive/warn/none': () => 'none runs on this machine: start it (systemctl start cron, on RHEL crond)',
  'cron-alive/inconclusive/hidden': () =>
    'none was seen, but other users’ processes are hidden from this one; ask as root',
  'cron-alive/inconclusive/confined': () =>
    'none was seen in this container (PID namespace), and outside of it nothing can be seen',
};

/** How cron is made to read a crontab that it has missed. */
const readAgain: Record<string, string> = {
  crontab: 'install it once more (crontab FILE), or restart cron',
  directory: 'touch its directory, or restart cron',
  file: 'have whatever runs this file read it again',
};

const because: Record<string, (a: Record<string, string>) => string> = {
  'not-live': (a) => `skipped: no cron runs ${a['source']}`,
  'no-database': () => 'skipped: no database is given, and database checks are not part of this version',
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
