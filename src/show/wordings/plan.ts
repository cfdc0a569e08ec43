// The words of findings that only a plan has: where the guard goes, what stands in a deploy's or a rollback's way.
import type { Said, Values } from './wording.ts';

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

export const planWordings: Readonly<Record<string, (a: Values) => Said>> = {
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
  'log-unwritable': (a) => ({
    what: `${a['user']} cannot write the log ${a['log']}${a['path'] === a['log'] ? '' : `, because of ${a['path']}`}: the shell then runs nothing at all.`,
    fix: 'mend the permissions, or name another place with --log',
  }),
  'lock-elsewhere': (a) => ({
    what: `This worker's guard holds ${a['lock']} already: a lock that moves is two locks for a while.`,
    fix: 'leave --lock-dir away, or roll back first',
  }),
  'lock-in-tmp': (a) => ({
    what: `${a['directory']} is a place for temporary files: others may put a lock there first, and cleaners delete it under a running worker.`,
    fix: 'choose a directory of the site, beside its document root',
  }),
  'lock-in-release': (a) => ({
    what: `${a['directory']} belongs to one release: the next one would have a lock of its own, and two workers run.`,
    fix: 'choose a directory that all releases share',
  }),
  'lock-under-docroot': (a) => ({
    what: `${a['directory']} lies below the document root ${a['docroot']}: anybody may download the lock and the guard's log (nginx does not read .htaccess).`,
    fix: 'choose a directory beside it; --lock-in-docroot puts it there all the same',
  }),
  'lock-dir-unfit': (a) => ({
    what:
      a['why'] === 'owner'
        ? `${a['directory']} does not belong to ${a['user']}, and the guard locks only in a directory of its own user's.`
        : `Others may write ${a['directory']} (group or all), and the guard refuses such a directory.`,
    fix: a['why'] === 'owner' ? 'choose another directory' : 'chmod go-w it, or choose another',
  }),
  'shared-lock': (a) => ({
    what: `A second lock in the database, for several web servers (credentials: ${a['from'] === 'env' ? 'the environment' : a['from']}). It takes one connection of the account's limit as long as the worker runs. If it is lost, the worker stops before its next job; without it nothing is started (exit 76).`,
    fix: `the other servers need the same, and the lock is named by the worker, '${a['as']}' here: where another server calls it otherwise, put #NAME behind the file`,
  }),
  'shared-lock-unreadable': (a) => ({
    what: `${a['user']} cannot read ${a['from']}, where the credentials for the second lock are to be.`,
    fix: 'name the application’s .env by its absolute path, or env where the worker has them in its environment',
  }),
  'shared-lock-no-database': (a) => ({
    what: `${a['from']} names no MySQL or MariaDB: DB_USERNAME and DB_DATABASE, or DATABASE_URL, are needed there.`,
    fix: 'name the file that the application itself reads',
  }),
  'place-taken': (a) => ({
    what: `${a['path']} is in the way: lock and log belong there, in directories in which ${a['user']} may write.`,
    fix: 'look who put it there, and move it away',
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
  'script-gone': (a) => ({
    what: `${a['path']} is not there any more, nor is it put back: its site was moved or removed, or a release took it away. Its text of before is in the journal.`,
  }),
  'script-replaced': (a) => ({
    what: `${a['path']} was replaced since and has no guard any more: it stays as it is.`,
  }),
  'our-line-edited': (a) => ({
    what: `The deployed line is no longer in ${a['source']}: ${a['line']}${a['now'] ? ` -- somebody made of it: ${a['now']}` : ''}`,
    fix: a['later']
      ? 'later deployments of yours have changed this crontab, too: roll those back first (cronlatch history)'
      : `put it there again as it was deployed, or what stood there before${a['was'] ? `: ${a['was']}` : ''}; then roll back again`,
  }),
  'our-line-twice': (a) => ({
    what: `The deployed line stands in ${a['source']} more than once: ${a['line']}`,
    fix: 'take one of them out, then roll back again',
  }),
  'crontab-gone': (a) => ({ what: `The crontab ${a['source']} is gone.` }),
  'no-long-running-form': () => ({
    what: 'This worker has no long-running form: its interpreter or its log is not known.',
  }),
};
