// What this program takes for true about Plesk, each in one place with how sure it is. docs/plesk.md is held to this list.

/** 'confirmed': a public source shows it. 'assumed': nobody has shown it to us; the tool adapts or refuses where it is not so. */
export type Tag = 'confirmed' | 'assumed';

export interface Fact {
  readonly tag: Tag;
  readonly says: string;
  /** What the tool does on a server where it is not so. Confirmed facts need none. */
  readonly otherwise?: string;
}

/** Everything src/plesk and src/server/plesk.ts rest on. */
export const facts = {
  'psa-conf': {
    tag: 'confirmed',
    says: '/etc/psa/psa.conf has lines KEY, blanks, value to the end of the line; # begins a comment; the first line of a key counts.',
  },
  'product-root': {
    tag: 'confirmed',
    says: 'PRODUCT_ROOT_D is /opt/psa on Debian and /usr/local/psa on RHEL; either may be a link to the other.',
  },
  'product-version': {
    tag: 'confirmed',
    says: '`plesk version` prints a line `Product version: Plesk Obsidian 18.0.80.3`.',
  },
  'info-labels': {
    tag: 'confirmed',
    says: '`plesk bin site --info D` prints `Label:  value`, among them `FTP Login:` and `--WWW-Root--:`.',
  },
  'list-lines': {
    tag: 'confirmed',
    says: '`--list` of site, subscription and domain prints one name a line.',
  },
  'db-rows': {
    tag: 'confirmed',
    says: '`plesk db -B -N -e Q` prints rows with tabs between the columns.',
  },
  'db-sites': {
    tag: 'confirmed',
    says: 'domains, hosting and sys_users hold name, www_root, php_handler_id, login, home, shell and webspace_id.',
  },
  'db-tasks': {
    tag: 'confirmed',
    says: 'ScheduledTasks has the columns id, sysUserId, sysUserLogin, isActive, type, phpHandlerId, command, arguments, description, notify and the five fields.',
  },
  'task-types': { tag: 'confirmed', says: 'The type of a task is exec, php or http.' },
  'handler-ids': {
    tag: 'confirmed',
    says: '`php_handler --list -json true` prints an array of objects with id and status.',
  },
  'php-line': {
    tag: 'confirmed',
    says: "A php task stands in the crontab as (PHP -f 'SCRIPT')  > /dev/null, the script seen from the user's home.",
  },
  'scheduler-verbs': {
    tag: 'confirmed',
    says: '`plesk bin scheduler` has --list, --create, --update ID, --run and --delete.',
  },
  'update-active': {
    tag: 'confirmed',
    says: '`scheduler --update ID -active false` switches a task off.',
  },
  'list-rows': {
    tag: 'confirmed',
    says: '`scheduler --list -subscription D -json` prints an array with one object for each task, its number under id.',
  },
  'scheduler-length': {
    tag: 'confirmed',
    says: 'A command of a task has at most about 740 characters (one source).',
  },
  'scheduler-php': {
    tag: 'confirmed',
    says: '-php of the scheduler wants the full version, 8.4.25 (one source).',
  },
  'program-place': {
    tag: 'assumed',
    says: 'The program plesk is in /usr/sbin, /usr/local/sbin, /usr/bin, /usr/local/bin or PRODUCT_ROOT_D/bin.',
    otherwise: 'Plesk is not asked: a deploy stops with plesk-unanswered, a scan says what it did not see.',
  },
  'task-login': {
    tag: 'assumed',
    says: 'sysUserId or sysUserLogin of ScheduledTasks names the system user of a task.',
    otherwise: 'A task of nobody is no answer: a deploy stops.',
  },
  'batch-escapes': {
    tag: 'assumed',
    says: '`plesk db -B` writes a tab, a line end and a backslash inside a column as \\t, \\n and \\\\, as mysql does.',
    otherwise:
      'A row with another number of columns is no answer; a command that differs by its backslashes is drift.',
  },
  'active-values': {
    tag: 'assumed',
    says: 'isActive is 1 or true for a task that runs, 0 or false for one that does not.',
    otherwise: 'Any other value is no answer.',
  },
  'handler-keys': {
    tag: 'assumed',
    says: 'A PHP handler names its command line program under clipath, its full version under fullVersion.',
    otherwise: 'Without them the PHP is looked for in its usual places by the number in the handler’s id.',
  },
  'exec-line': {
    tag: 'assumed',
    says: 'An exec task stands in the crontab with its command as it is, bare or as ( COMMAND )  > /dev/null.',
    otherwise: 'The line is not recognised as the task’s: it is told as drift and changed in neither place.',
  },
  'php-arguments': {
    tag: 'assumed',
    says: "The arguments of a php task follow its script: -f 'SCRIPT' -- 'ARGUMENT'.",
    otherwise: 'The line is told by its script alone; a change that comes out otherwise is taken back.',
  },
  'inactive-line': {
    tag: 'assumed',
    says: 'A task that is switched off has no line in the crontab that cron would run.',
    otherwise:
      'A line that runs all the same is told as drift; rollback --to disabled puts both stores back.',
  },
  'help-names-verbs': {
    tag: 'assumed',
    says: '`plesk bin scheduler --help` names its verbs, --update among them.',
    otherwise:
      'Whether tasks can be changed is not known: a deploy stops with verb-unknown. A list of verbs that was read and has no --update is an answer: the change goes through the crontab.',
  },
  'list-fields': {
    tag: 'assumed',
    says: 'A row of that list has type, command, arguments, isActive and the five fields, with the table’s own values.',
    otherwise:
      'What it does not say in these words is not compared; where it says something else, that is told as drift.',
  },
  'update-writes-line': {
    tag: 'assumed',
    says: '`scheduler --update` writes the task’s own line anew and leaves every other byte of the crontab as it is.',
    otherwise: 'Both stores are put back, and what Plesk made of the crontab is said.',
  },
  'update-keeps-rest': {
    tag: 'assumed',
    says: '`scheduler --update` changes what it names, and leaves a task’s schedule, state, notification and description as they are.',
    otherwise: 'They are set back by their names, with both stores, and it is said.',
  },
  'http-line': {
    tag: 'assumed',
    says: 'The line of a task that fetches a URL names that address.',
    otherwise:
      'The line is not recognised as the task’s, which is told as drift; nothing of it is changed in any case.',
  },
  'update-arguments': {
    tag: 'assumed',
    says: '-arguments of `scheduler --update` sets the arguments of a php task on Linux.',
    otherwise: 'Plesk refuses or ignores it: both stores are put back, and the text for the panel is said.',
  },
  'kind-leaves-nothing': {
    tag: 'assumed',
    says: '-type exec of `scheduler --update` leaves no PHP handler with a task that had become one that runs a PHP script.',
    otherwise:
      'The handler’s id stays in a column that an exec task does not use; type, command and arguments are as before.',
  },
  'php-task-shell': {
    tag: 'assumed',
    says: 'A php task runs under SHELL="/bin/sh", outside of the chroot, even where the task shell is chrooted.',
    otherwise: 'Its line stands below SHELL=…chrootsh: it is refused like any other command there.',
  },
  'chroot-line': {
    tag: 'assumed',
    says: 'An exec task of a chrooted user stands below SHELL="/opt/psa/bin/chrootsh"; inside, / is the user’s home.',
    otherwise: 'Another shell is read by its name; one that is not known is left alone.',
  },
  'home-is-webspace': {
    tag: 'assumed',
    says: 'sys_users.home is the home of the system user in /etc/passwd, the directory of the webspace.',
    otherwise: 'The home that cron uses counts: the one of /etc/passwd.',
  },
} as const satisfies Record<string, Fact>;

export type FactName = keyof typeof facts;
