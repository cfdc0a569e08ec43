// Findings in words: what is wrong, and the fix.
import type { Finding } from '../survey/facts.ts';

type Say = (a: Record<string, string>) => { what: string; fix?: string };

const sentences: Record<string, Say> = {
  percent: () => ({
    what: 'cron ends the command at the first % and feeds the rest to its standard input.',
    fix: 'write \\% where a percent sign is meant',
  }),
  scheduler: (a) => ({
    what: `${a['job']} starts what is due at its minute: it gets no lock, which would make it miss jobs. It keeps them apart itself.`,
  }),
  'other-users-job': (a) => ({
    what: `This entry runs as ${a['user']}; only that user or root can latch it.`,
    fix: 'run cronlatch as root',
  }),
  'bad-field': (a) => ({
    what: `cron does not understand the ${a['field']} field${a['text'] ? ` '${a['text']}'` : ''} (${(a['why'] ?? '').replaceAll('-', ' ')}).`,
    fix: 'write five time fields, then the command',
  }),
  'no-final-newline': () => ({
    what: 'The last line has no newline: cron refuses the whole crontab.',
    fix: 'end the file with a newline',
  }),
  'carriage-return': () => ({
    what: 'The line ends in a carriage return, which becomes part of the command.',
    fix: 'convert the file: dos2unix',
  }),
  'byte-order-mark': () => ({
    what: 'The file begins with a byte order mark, which cron does not understand.',
    fix: 'save it as UTF-8 without one',
  }),
  'junk-in-field': (a) => ({
    what: `cron skips '${a['text'] ?? a['junk'] ?? ''}' in the ${a['field'] ?? 'time'} field without a word.`,
    fix: 'write what is meant',
  }),
  'days-or-weekdays': () => ({
    what: 'Both day fields are set: the entry runs on days that fit either of them.',
  }),
  'days-and-weekdays': () => ({
    what: 'A day field begins with *: the entry runs only on days that fit both of them.',
  }),
  'no-lock': (a) => ({
    what: `Nothing keeps two instances of ${a['script']} from running at once.`,
    fix: 'cronlatch deploy gives it a kernel lock',
  }),
  'own-lock': (a) => ({
    what: `${a['script']} takes a lock of its own with flock().`,
    fix: 'the guard adds stale recovery and a checklist; the own lock may stay',
  }),
  'guard-lost': (a) => ({
    what: `The script asks for its guard, but ${a['path']} is gone: the worker fails at once.`,
    fix: 'cronlatch deploy puts it back',
  }),
  'guard-lost-by-release': (a) => ({
    what: `The guard deployed into ${a['script']} is no longer there, probably through a new release.`,
    fix: 'cronlatch deploy, with --guard entry to survive releases',
  }),
  'piling-up': (a) => ({
    what: `${a['count']} instances run at this moment (PID ${a['pids']}).`,
    fix: 'cronlatch deploy stops the lock-less ones',
  }),
  'no-once': () => ({
    what: 'The script understands --once, but the entry does not say it: each run may never end.',
    fix: 'add --once',
  }),
  'never-ends': (a) => ({
    what: `${a['framework']}: '${a['job']}' runs until it is stopped, so each tick adds a process.`,
    fix: a['flag'] ? `add ${a['flag']}` : `use ${a['instead']}`,
  }),
  'once-is-one-job': (a) => ({
    what: `${a['framework']}: --once does a single job and ends; one pass of the queue is --stop-when-empty.`,
  }),
  'pass-added': (a) => ({ what: `${a['flag']} is added: ${a['framework']} ends each run with it.` }),
  'pass-unknown': (a) => ({
    what: `The installed ${a['framework']} does not know ${a['flag']}: each run goes on until it is stopped. The guard keeps it at one.`,
  }),
  'pass-unseen': (a) => ({
    what: `Whether this ${a['framework']} knows ${a['flag']} cannot be seen: it is not added. The guard keeps it at one instance.`,
    fix: 'if it does, --once yes adds it',
  }),
  'no-pass-flag': (a) => ({
    what: `${a['framework']} has no flag for one pass: --once is not added, it would be refused.`,
  }),
  'relative-interpreter': (a) => ({
    what: `'${a['wanted']}' is looked up on cron’s short PATH (it finds ${a['path']}).`,
    fix: `write ${a['path']}`,
  }),
  'no-interpreter': (a) => ({
    what: 'The script itself is the command: it runs only if it is executable and its first line names an interpreter.',
    fix: `write ${a['path']} in front of it`,
  }),
  'interpreter-missing': (a) => ({
    what: `The interpreter '${a['wanted']}' is not there or may not be run.`,
    fix: 'name one with --interpreter',
  }),
  'interpreter-kind': (a) => ({
    what: `${a['asked']} does not run ${a['script']}, which is a ${a['kind'] === 'php' ? 'PHP' : 'Node'} script.`,
    fix: 'name an interpreter of its kind, or none',
  }),
  'script-missing': (a) => ({
    what: `The script ${a['script']} is not there.`,
    fix: 'correct the path, or the cd in front of it',
  }),
  'script-unreadable': (a) => ({
    what: `The script ${a['script']} cannot be read.`,
    fix: 'look at the permissions of its directories',
  }),
  'no-log': () => ({
    what: 'The output goes nowhere but into cron’s mail.',
    fix: 'append it to a log: >> FILE 2>&1',
  }),
  'log-null': () => ({
    what: 'The output is thrown away: when the worker fails, nobody will know why.',
    fix: 'append it to a log: >> FILE 2>&1',
  }),
  'log-under-docroot': (a) => ({
    what: `The log ${a['log']} lies below the document root ${a['docroot']}: anyone may download it.`,
    fix: 'keep it outside: --log PATH',
  }),
  'log-unwritable': (a) => ({
    what: `${a['user']} cannot write the log ${a['log']}${a['path'] === a['log'] ? '' : `, because of ${a['path']}`}: the shell then runs nothing at all.`,
    fix: 'mend the permissions, or name another place with --log',
  }),
  'place-taken': (a) => ({
    what: `${a['path']} is in the way: lock and log belong there, in directories in which ${a['user']} may write.`,
    fix: 'look who put it there, and move it away',
  }),
  'log-directory-missing': (a) => ({
    what: `The directory ${a['directory']} is not here. Where it is missing the shell runs nothing at all.`,
    fix: 'make it on the server before installing this crontab',
  }),
  'cd-semicolon': (a) => ({
    what: `'cd ${a['directory']};' goes on in the wrong directory when the cd fails.`,
    fix: 'use && instead of ;',
  }),
  background: () => ({
    what: 'The worker is started in the background: cron believes it has ended at once.',
    fix: 'take the & away',
  }),
  'never-fires': () => ({
    what: 'This schedule never fires.',
    fix: 'look for a reversed range or a day that does not exist',
  }),
  'unknown-user': (a) => ({ what: `There is no user '${a['user']}' on this machine.` }),
  'undefined-variable': (a) => ({
    what: `\${${a['name']}} is not set in cron’s environment: the cd fails and nothing reaches the log.`,
    fix: 'write the directory itself',
  }),
  'same-script-twice': (a) => ({
    what: `Line ${a['line']} starts the same script in the same way.`,
    fix: 'keep one of the two',
  }),
  'root-runs-foreign-script': (a) => ({
    what: `root runs ${a['script']}, but others may change ${a['writable']}: who can, owns the server.`,
    fix: 'run it as its owner, or give the script and its directory to root',
  }),
  'panel-job': (a) => ({ what: `A job of the panel itself (${a['interpreter']}). It is never touched.` }),
  'no-home': (a) => ({
    what: `The user ${a['user']} has no home directory of their own for lock and log.`,
    fix: 'run cronlatch as root',
  }),
  'no-worker': () => ({ what: 'Starts no PHP or Node script.' }),
  opaque: (a) => ({
    what: `Left alone: ${opaque[a['why'] ?? ''] ?? a['why']}${a['detail'] ? ` (${a['detail']})` : ''}.`,
  }),
  'crontab-ignored': (a) => ({
    what:
      a['dialect'] === 'debian'
        ? 'cron ignores this whole crontab for the line above: none of its entries run.'
        : 'cron skips the line above and runs the rest.',
    fix: 'mend or remove the line',
  }),
  'cron-d-name': (a) => ({
    what: `cron does not read ${a['path']}: its name has a character that /etc/cron.d does not allow.`,
    fix: 'rename it',
  }),
  'guard-in-script': () => ({ what: 'The guard goes into the script: manual starts are guarded too.' }),
  'guard-in-entry': (a) => ({
    what: `The guard goes into the entry: ${places[a['because'] ?? ''] ?? a['because']}.`,
  }),
  'guard-refused': (a) => ({
    what: `${a['script']} cannot take the guard: ${refusals[a['why'] ?? ''] ?? a['why']}${a['detail'] ? ` (${a['detail']})` : ''}.`,
    fix: '--guard entry changes no script',
  }),
  'script-hard-linked': (a) => ({
    what: `${a['script']} has a second name (hard link): replacing it would part the two.`,
    fix: '--guard entry changes no script',
  }),
  'script-owners-differ': (a) => ({
    what: `${a['script']} and its directory do not both belong to the user the entry runs as.`,
    fix: '--guard entry changes no script',
  }),
  'worker-for-many': (a) => ({
    what: `--worker ${a['path']} is one script, but several are chosen.`,
    fix: 'choose one with --script',
  }),
  'worker-needs-script': () => ({ what: '--worker replaces a script, but there is none to replace.' }),
  'rewrite-refused': (a) => ({
    what:
      a['why'] === 'too-long'
        ? 'The new line would be longer than cron accepts.'
        : `The line cannot be rewritten (${a['why']}).`,
    fix: 'shorten the paths, or put the command into a script',
  }),
  'file-edited': (a) => ({
    what: `${a['path']} was changed by somebody else since the deployment.`,
    fix: 'take our line out by hand, or put the deployed version back first',
  }),
  'guard-still-used': (a) => ({
    what: `${a['path']} stays: another deployment that stands needs it.`,
  }),
  'script-replaced': (a) => ({
    what: `${a['path']} was replaced since and has no guard any more: it stays as it is.`,
  }),
  'our-line-edited': (a) => ({
    what: `The deployed line is no longer in ${a['source']}: ${a['line']}`,
    fix: 'somebody edited it; change it by hand',
  }),
  'our-line-twice': (a) => ({
    what: `The deployed line stands in ${a['source']} more than once: ${a['line']}`,
    fix: 'change it by hand',
  }),
  'crontab-gone': (a) => ({ what: `The crontab ${a['source']} is gone.` }),
  'no-long-running-form': () => ({
    what: 'This worker has no long-running form: its interpreter or its log is not known.',
  }),
  'not-done-elsewhere': (a) => ({ what: `Not looked at: ${a['what']}.` }),
};

const opaque: Record<string, string> = {
  empty: 'there is no command',
  'syntax-error': 'the shell would not understand it',
  'inline-code': 'the code stands in the entry itself',
  'framework-binary': 'a package manager starts it',
  'several-commands': 'it runs several commands',
  pipe: 'its output goes through a pipe',
  subshell: 'it runs in a subshell',
  'nested-shell': 'a shell inside the shell runs it',
  compound: 'it is a shell program of its own',
  'user-switch': 'it changes to another user',
  'lock-wrapper': 'it has a lock already',
  'pgrep-guard': 'it looks for itself with pgrep',
  container: 'it runs in a container',
  'unknown-wrapper': 'it is started by a program we do not know',
  'undefined-variable': 'it uses a variable that cron does not set',
  expansion: 'the shell works out a word that matters',
  'bash-syntax': 'it is written for bash, but /bin/sh runs it',
  redirect: 'it has a redirect that cannot be kept',
  'home-unknown': 'its home directory is not known here',
  'not-utf8': 'a path in it is not valid UTF-8',
};

const places: Record<string, string> = {
  asked: 'as you asked',
  there: 'it is there already',
  console: 'the script runs many different jobs',
  'several-jobs': 'other entries start the same script for other jobs',
  git: 'the script is in a git checkout, and the next pull would take it out again',
  releases: 'the script is in a releases layout, and the next release would take it out again',
  vendor: 'the script is vendor code, and the next update would take it out again',
  owners: 'the script is not the job’s own user’s to change',
};

const refusals: Record<string, string> = {
  'html-before-tag': 'text stands before its first <?php',
  'halt-compiler': 'it uses __halt_compiler',
  encoded: 'it is encoded',
  unparsable: 'the parser does not understand it',
  'no-open-tag': 'it has no <?php',
  commonjs: 'it is a CommonJS script, which cannot import the guard',
  empty: 'it is empty',
  'too-large': 'it is larger than 512 KiB',
};

/** One finding in words. Marks of the crontab grammar have no sentence of their own: their code says it. */
export function sayFinding(finding: Finding): { what: string; fix?: string } {
  const flat = Object.fromEntries(Object.entries(finding.args).map(([k, v]) => [k, String(v)]));
  const say = sentences[finding.code];
  if (say !== undefined) return say(flat);
  const values = Object.values(flat).join(', ');
  return { what: `${finding.code.replaceAll('-', ' ')}${values ? `: ${values}` : ''}.` };
}
