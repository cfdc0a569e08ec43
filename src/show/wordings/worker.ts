// The words of findings about the worker an entry starts, and about suppressions.
import type { RuleCode } from '../../survey/rules/levels.ts';
import { span, type Wording } from './wording.ts';

/** What is wrong with hand-written locks. */
const lockFaultWords: Readonly<Record<string, string>> = {
  unlinked: 'it deletes its lock file, so that the next run locks another one and two run',
  truncated: 'it opens the file with w, so that a refused run wipes what the holder wrote',
  waits: 'it waits for the lock (no LOCK_NB), so that runs queue up',
  'unused-result': 'nobody asks whether flock() was successful',
  'local-handle': 'its handle is a local variable: the lock is lost when the function returns',
  inherited: 'programs it starts inherit the lock and keep it after its death (open with e)',
  'eperm-as-dead': 'posix_kill(…, 0) takes another user’s live process for a dead one',
  'pid-only': 'a PID says little: after a crash it is stale, and then somebody else’s',
  'in-tmp': 'the file is in a temporary directory, where others may put it first and cleaners delete it',
  expires: 'it expires: a long job or a blocked event loop lets a second one in',
  'unseen-by-flock': 'it is a kind of lock that flock() does not see',
};

export const workerWordings = {
  'no-lock': {
    title: 'Nothing keeps a second instance out',
    say: (a) => ({
      what: `Nothing keeps two instances of ${a['script']} from running at once.`,
      fix: 'cronlatch deploy gives it a kernel lock',
    }),
  },
  'own-lock': {
    title: 'The script has a lock of its own',
    say: (a) => {
      const faults = (a['faults'] ?? '').split(' ').filter((fault) => fault !== '');
      const own =
        a['kind'] === 'pidfile'
          ? 'keeps a PID file'
          : a['kind'] === 'get-lock'
            ? 'uses GET_LOCK()'
            : 'takes a lock of its own with flock()';
      return faults.length === 0
        ? {
            what: `${a['script']} ${own}.`,
            fix: 'the guard adds stale recovery and a checklist; the own lock may stay',
          }
        : {
            what: `${a['script']} ${own}, and it fails: ${faults.map((fault) => lockFaultWords[fault] ?? fault).join('; ')}.`,
            fix: 'latch it with cronlatch deploy, then take the old lock out of the script',
          };
    },
  },
  'entry-lock': {
    title: 'The entry has a lock of its own',
    say: (a) => ({
      what: `flock(1) in the entry locks ${a['file']}: runs of ${a['script']} started elsewhere, by hand for instance, do not know of it.`,
      fix: 'the guard in the script keeps those out too; the flock may stay, on its own file',
    }),
  },
  scheduler: {
    title: 'A scheduler keeps its jobs apart itself',
    say: (a) => ({
      what: `${a['job']} starts what is due at its minute: it gets no lock, which would make it miss jobs. It keeps them apart itself.`,
    }),
  },
  'no-once': {
    title: 'The worker can end after one pass, and is not told to',
    say: () => ({
      what: 'The script understands --once, but the entry does not say it: each run may never end.',
      fix: 'add --once',
    }),
  },
  'never-ends': {
    title: 'A framework’s worker that never ends by itself',
    say: (a) => ({
      what: `${a['framework']}: '${a['job']}' runs until it is stopped, so each tick adds a process.`,
      fix: a['flag'] ? `add ${a['flag']}` : `use ${a['instead']}`,
    }),
  },
  'once-is-one-job': {
    title: '--once takes one job, not one pass',
    say: (a) => ({
      what: `${a['framework']}: --once does a single job and ends; one pass of the queue is --stop-when-empty.`,
    }),
  },
  'piling-up': {
    title: 'Several instances run at this moment',
    say: (a) => ({
      what: `${a['count']} instances run at this moment (PID ${a['pids']}).`,
      fix: 'cronlatch deploy stops the lock-less ones',
    }),
  },
  overlap: {
    title: 'A run takes longer than the time to the next',
    say: (a) => ({
      what: `A run takes ${span(a['seconds'])} (${a['measured']}), and the next starts after ${span(a['gap'])}: ${a['kept'] ? 'the lock leaves out the runs in between.' : 'they overlap.'}`,
      fix: a['kept']
        ? 'start it less often, where each start matters'
        : 'cronlatch deploy gives it a lock; or start it less often',
    }),
  },
  'same-script-twice': {
    title: 'Two entries start the same script in the same way',
    say: (a) => ({
      what: `Line ${a['line']}${a['source'] ? ` of ${a['source']}` : ''} starts the same script in the same way.`,
      fix: 'keep one of the two',
    }),
  },
  'relative-interpreter': {
    title: 'The interpreter is looked up on cron’s short PATH',
    say: (a) => ({
      what: `'${a['wanted']}' is looked up on cron’s short PATH (${a['site'] === undefined ? `it finds ${a['path']}` : `Plesk has ${a['site']} run with ${a['path']}`}).`,
      fix: `write ${a['path']}`,
    }),
  },
  'no-interpreter': {
    title: 'The script itself is the command',
    say: (a) => ({
      what: 'The script itself is the command: it runs only if it is executable and its first line names an interpreter.',
      fix: `write ${a['path']} in front of it`,
    }),
  },
  'first-line': {
    title: 'The script is its own command, and something else runs it',
    say: (a) => ({
      what: a['line']
        ? `${a['script']} is run by ${a['line']}, as its first line says, not by ${a['kind']}.`
        : `${a['script']} has no first line that names an interpreter: the shell reads it as shell text.`,
      fix: `write ${a['kind']} in front of it if it is a ${a['kind']} script`,
    }),
  },
  'name-left-to-login': {
    title: 'A login shell or sudo looks the interpreter up',
    say: (a) => ({
      what: `'${a['wanted']}' is looked up on the PATH of ${a['by'] === 'sudo' ? 'sudo' : 'a login shell'}, which may be another than ${a['path']}: the name stays in the entry.`,
      fix: 'name the one that is meant with --interpreter',
    }),
  },
  'interpreter-missing': {
    title: 'The interpreter is not there',
    say: (a) =>
      a['instead'] === undefined
        ? {
            what: `The interpreter '${a['wanted']}' is not there or may not be run.`,
            fix: `name one with --interpreter${a['there'] === undefined ? '' : `; there are ${a['there']}`}`,
          }
        : {
            what: `The interpreter '${a['wanted']}' is not there or may not be run: nothing runs.`,
            fix: `deploy writes ${a['instead']} in its place; another one with --interpreter`,
          },
  },
  'interpreter-version': {
    title: 'Another version of PHP or Node than the site asks for',
    say: (a) => ({
      what: `This is ${a['kind']} ${a['version']}, but ${a['file']} asks for ${a['range']}.`,
      fix: `name a ${a['kind']} of that version`,
    }),
  },
  'interpreter-kind': {
    title: 'The interpreter named does not run such scripts',
    say: (a) => ({
      what: `${a['asked']} does not run ${a['script']}, which is a ${a['kind'] === 'php' ? 'PHP' : 'Node'} script.`,
      fix: 'name an interpreter of its kind, or none',
    }),
  },
  'script-missing': {
    title: 'The script is not there',
    say: (a) => ({
      what: `The script ${a['script']} is not there.`,
      fix: 'correct the path, or the cd in front of it',
    }),
  },
  'script-unreadable': {
    title: 'The script cannot be read',
    say: (a) => ({
      what: `The script ${a['script']} cannot be read.`,
      fix: 'look at the permissions of its directories',
    }),
  },
  'guard-lost': {
    title: 'The guard that the script asks for is gone',
    say: (a) => ({
      what: `The script asks for its guard, but ${a['path']} is gone: the worker fails at once.`,
      fix: 'cronlatch deploy puts it back',
    }),
  },
  'guard-lost-by-release': {
    title: 'A release took the guard out of the script',
    say: (a) => ({
      what: `The guard deployed into ${a['script']} is no longer there, probably through a new release.`,
      fix: 'cronlatch deploy, with --guard entry to survive releases',
    }),
  },
  'no-log': {
    title: 'The output goes nowhere but into cron’s mail',
    say: () => ({
      what: 'The output goes nowhere but into cron’s mail.',
      fix: 'append it to a log: >> FILE 2>&1',
    }),
  },
  'log-null': {
    title: 'The output is thrown away',
    say: () => ({
      what: 'The output is thrown away: when the worker fails, nobody will know why.',
      fix: 'append it to a log: >> FILE 2>&1',
    }),
  },
  'log-directory-missing': {
    title: 'The log’s directory is not there',
    say: (a) => ({
      what: `The directory ${a['directory']} is not here. Where it is missing the shell runs nothing at all.`,
      fix: `mkdir -p ${a['directory']}, as the user of the job`,
    }),
  },
  'log-under-docroot': {
    title: 'The log can be downloaded',
    say: (a) => ({
      what: `The log ${a['log']} lies below the document root ${a['docroot']}: anyone may download it.`,
      fix: 'keep it outside: --log PATH',
    }),
  },
  background: {
    title: 'The worker is started in the background',
    say: () => ({
      what: 'The worker is started in the background: cron believes it has ended at once.',
      fix: 'take the & away',
    }),
  },
  'other-users-job': {
    title: 'The entry runs as somebody else',
    say: (a) => ({
      what: `This entry runs as ${a['user']}; only that user or root can latch it.`,
      fix: 'run cronlatch as root',
    }),
  },
  'panel-job': {
    title: 'A job of the panel itself',
    say: (a) => ({ what: `A job of the panel itself (${a['interpreter']}). It is never touched.` }),
  },
  'root-runs-foreign-script': {
    title: 'root runs a script that others may change',
    say: (a) => ({
      what: `root runs ${a['script']}, but others may change ${a['writable']}: who can, owns the server.`,
      fix: 'run it as its owner, or give the script and its directory to root',
    }),
  },
  'no-home': {
    title: 'There is no place for lock and log',
    say: (a) => ({
      what: `The user ${a['user']} has no home directory of their own for lock and log.`,
      fix: 'run cronlatch as root',
    }),
  },
  'suppression-unexplained': {
    title: 'A suppression without a reason',
    say: (a) => ({
      what: `The suppression${a['rule'] ? ` of ${a['rule']}` : ''} gives no reason, so it does nothing.`,
      fix: 'write one behind two hyphens: # cronlatch-ignore: RULE -- why',
    }),
  },
  'suppression-unknown': {
    title: 'A suppression of a rule that does not exist',
    say: (a) => ({
      what: a['rule'] ? `There is no rule '${a['rule']}'.` : 'The suppression names no rule.',
      fix: 'docs/rules.md lists them',
    }),
  },
  'suppression-unused': {
    title: 'A suppression of nothing',
    say: (a) => ({
      what: `Nothing here breaks the rule ${a['rule']}: the suppression can go.`,
      fix: 'remove it, so that it hides nothing later',
    }),
  },
  'suppression-refused': {
    title: 'What cron refuses cannot be suppressed',
    say: (a) => ({
      what: `${a['rule']} cannot be suppressed: cron does not load what it is about, and no comment changes that.`,
      fix: 'mend the line',
    }),
  },
  'no-cron': {
    title: 'No cron was seen that starts the entries',
    say: (a) => ({
      what:
        a['because'] === 'none'
          ? 'No cron runs on this machine: none of the entries is started, until one does.'
          : a['because'] === 'hidden'
            ? 'No cron was seen, but other users’ processes are hidden from this one: whether the entries are started is not known.'
            : 'No cron was seen in this container (PID namespace), and outside of it nothing can be seen: whether the entries are started is not known.',
      fix:
        a['because'] === 'hidden'
          ? 'ask as root'
          : 'start it (systemctl start cron, on RHEL crond), and have it started at boot',
    }),
  },
  'not-done-elsewhere': {
    title: 'Something was not looked at',
    say: (a) => ({ what: `Not looked at: ${a['what']}.` }),
  },
} as const satisfies Partial<Record<RuleCode, Wording>>;
