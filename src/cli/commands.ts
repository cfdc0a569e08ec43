// The table of commands: what each is for, its flags, its examples. Help, completions and the manual are made of it.
import { database, type Flag, jobs, json, source, wait, yes } from './flags.ts';

export type CommandName =
  | 'wizard'
  | 'scan'
  | 'deploy'
  | 'verify'
  | 'rollback'
  | 'lock'
  | 'connections'
  | 'monitor'
  | 'history'
  | 'sandbox'
  | 'export'
  | 'report'
  | 'completion';

export interface CommandRow {
  readonly name: Exclude<CommandName, 'wizard'>;
  readonly what: string;
  readonly usage: string;
  readonly takesId: boolean;
  /** Words one of which follows the command. */
  readonly actions?: readonly string[];
  readonly examples: readonly (readonly [string, string])[];
  readonly flags: readonly Flag[];
}

/** What only the wizard takes. */
export const ofWizard: readonly Flag[] = [
  { name: 'answers', takes: 'FILE', help: 'keep the answers there, as a config file' },
  { name: 'watch', takes: 'TIME', help: 'watch so long afterwards, in the background (or no)' },
];
/** Of deploy's: what goes without a person, or without questions. */
const notOfWizard = ['ci', 'print', 'save', 'plan', 'resume', 'json', 'format'];

/** The wizard takes the answers that deploy takes: what is given is not asked. */
export function wizardFlags(): readonly Flag[] {
  const { flags = [] } = commands.find(({ name }) => name === 'deploy') ?? {};
  return [...ofWizard, ...flags.filter(({ name }) => !notOfWizard.includes(name))];
}

export const commands: readonly CommandRow[] = [
  {
    name: 'scan',
    what: 'find entries that can pile up or fail in silence; only reads',
    usage: 'cronlatch scan [SOURCE] [--only RULES] [--fail-on LEVEL] [--format NAME]',
    takesId: false,
    examples: [
      ['cronlatch scan', 'every crontab you may see'],
      ['cronlatch scan --file deploy/crontab --fail-on warn', 'in CI: exit 3 on findings'],
      ['cronlatch scan --file deploy/crontab --format sarif', 'for code scanning'],
    ],
    flags: [
      ...source,
      {
        name: 'fail-on',
        takes: 'LEVEL',
        values: ['note', 'warn', 'stop', 'never'],
        help: 'exit 3 from note, warn or stop up, or never (warn)',
      },
      { name: 'only', takes: 'RULES', many: true, help: 'these rules only (docs/rules.md lists them)' },
      { name: 'ignore', takes: 'RULES', many: true, help: 'not these; stop findings are always said' },
      {
        name: 'format',
        takes: 'NAME',
        values: ['text', 'json', 'sarif', 'github', 'gitlab'],
        help: 'text, json, sarif, github or gitlab (text)',
      },
      { name: 'probe', takes: 'FILE', help: 'only ask Plesk how it answers, for a bug report' },
      json,
    ],
  },
  {
    name: 'deploy',
    what: 'latch workers: guard, new entry, old instances stopped, verified',
    usage: 'cronlatch deploy [SOURCE] [--script PATH|--entry LINE|--all] [--yes|--ci]',
    takesId: false,
    examples: [
      ['cronlatch deploy --dry-run', 'show the plan, change nothing'],
      ['cronlatch deploy --user example-user --script worker.php --ci', 'no questions'],
    ],
    flags: [
      { name: 'script', takes: 'PATH', help: 'the worker’s script' },
      { name: 'entry', takes: 'LINE', help: 'the line of the entry' },
      { name: 'all', help: 'every worker that can be latched' },
      { name: 'dry-run', short: 'n', help: 'stop after the plan' },
      ...yes,
      ...source,
      { name: 'interpreter', takes: 'PATH', help: 'PHP or Node to use (also --php, --node)' },
      { name: 'php', takes: 'PATH', help: 'the same as --interpreter' },
      { name: 'node', takes: 'PATH', help: 'the same as --interpreter' },
      { name: 'log', takes: 'PATH', help: 'where the worker’s output goes' },
      {
        name: 'guard',
        takes: 'PLACE',
        values: ['script', 'entry'],
        help: 'script or entry: where the guard stands',
      },
      { name: 'lock-dir', takes: 'DIR', help: 'where the lock lies (<home>/cronlatch/NAME)' },
      { name: 'lock-in-docroot', help: 'with --lock-dir: even where a browser can get it' },
      {
        name: 'shared-lock',
        takes: 'FILE',
        help: 'several servers: lock their database, too (.env)',
      },
      {
        name: 'once',
        takes: 'WHEN',
        values: ['auto', 'yes', 'no'],
        help: 'add --once: auto, yes or no (auto)',
      },
      { name: 'worker', takes: 'FILE', help: 'ship this new version of the script' },
      { name: 'scaffold', help: 'ship our worker for a table of jobs instead' },
      { name: 'grace', takes: 'TIME', help: 'wait this long after SIGTERM (30s)' },
      { name: 'kill-after', takes: 'TIME', help: 'SIGKILL what still runs then (never)' },
      {
        name: 'through',
        takes: 'STORE',
        values: ['scheduler', 'crontab'],
        help: 'change Plesk’s task, or the crontab alone',
      },
      {
        name: 'task-type',
        takes: 'KIND',
        values: ['exec', 'php'],
        help: 'exec or php: the kind of task it is to be',
      },
      {
        name: 'without',
        takes: 'PARTS',
        values: ['guard', 'stop', 'verify', 'database'],
        help: 'leave out guard, stop, verify or database (a,b)',
      },
      { name: 'ticks', takes: 'N', help: 'runs to watch when verifying (3)' },
      { name: 'max-wait', takes: 'TIME', help: 'longest wait for them (10m)' },
      { name: 'print', takes: 'DIR', help: 'steps for the panel; files to upload in DIR' },
      { name: 'save', takes: 'FILE', help: 'with --dry-run: keep the plan' },
      { name: 'plan', takes: 'FILE', help: 'apply exactly this plan, or refuse' },
      { name: 'resume', takes: 'ID', help: 'carry on a deployment that was cut off' },
      {
        name: 'format',
        takes: 'NAME',
        values: ['text', 'json', 'markdown'],
        help: 'text, json or markdown (text)',
      },
      { name: 'keep-on-fail', help: 'do not roll back when a check fails' },
      { name: 'strict', help: 'exit 6 when a check could not be measured' },
      {
        name: 'url',
        takes: 'URL',
        many: true,
        help: 'the site, or DOCROOT=URL: does it hand out the log?',
      },
      ...jobs,
      ...database,
      wait,
      json,
    ],
  },
  {
    name: 'verify',
    what: 'check that a deployment works, with evidence for each verdict',
    usage: 'cronlatch verify [ID] [--script PATH [SOURCE]] [--ticks N] [--json]',
    takesId: true,
    examples: [
      ['cronlatch verify', 'the deployments that stand'],
      ['cronlatch verify --script worker.php', 'a worker as it stands, deployed or not'],
    ],
    flags: [
      { name: 'script', takes: 'PATH', help: 'check this worker, deployed or not' },
      { name: 'entry', takes: 'LINE', help: 'or the one in this line' },
      ...source,
      { name: 'ticks', takes: 'N', help: 'runs to watch (3)' },
      { name: 'max-wait', takes: 'TIME', help: 'longest wait for them (10m)' },
      { name: 'run-now', help: 'start it once as cron would, and judge that run (asks)' },
      {
        name: 'url',
        takes: 'URL',
        many: true,
        help: 'the site, or DOCROOT=URL: does it hand out the log?',
      },
      {
        name: 'without',
        takes: 'PARTS',
        values: ['database'],
        help: 'database: do not ask the worker’s database',
      },
      ...yes,
      ...jobs,
      ...database,
      json,
    ],
  },
  {
    name: 'rollback',
    what: 'put everything back, byte for byte',
    usage: 'cronlatch rollback [ID] [--to before|long-running|disabled] [--yes|--ci]',
    takesId: true,
    examples: [
      ['cronlatch rollback', 'the last deployment, after showing the diff'],
      ['cronlatch rollback --to disabled --ci', 'keep the files, comment the entry out'],
      ['cronlatch rollback --to long-running --ci', 'start at boot, look every 5 minutes'],
    ],
    flags: [
      {
        name: 'to',
        takes: 'FORM',
        values: ['before', 'long-running', 'disabled'],
        help: 'before, long-running or disabled (before)',
      },
      { name: 'dry-run', short: 'n', help: 'stop after the plan' },
      ...yes,
      { name: 'keep-foreign-edits', help: 'others edited it since: take back only our lines' },
      wait,
      json,
    ],
  },
  {
    name: 'lock',
    what: 'who holds a worker’s lock; end that run; do locks work here',
    usage: 'cronlatch lock status|stop|doctor|test [PATH] [SOURCE] [--script PATH]',
    takesId: true,
    actions: ['status', 'stop', 'doctor', 'test'],
    examples: [
      ['cronlatch lock status', 'of every worker that has a guard'],
      ['cronlatch lock status --script worker.php --expect free', 'exit 3 while it runs'],
      ['cronlatch lock stop --script worker.php', 'SIGTERM to the verified holder'],
      ['cronlatch lock doctor --user example-user', 'drive, rights, PHP, chroot …'],
      ['cronlatch lock test --script worker.php', 'the lock tests, in a scratch name'],
    ],
    flags: [
      ...source,
      { name: 'script', takes: 'PATH', help: 'the worker’s script' },
      { name: 'entry', takes: 'LINE', help: 'the line of the entry' },
      { name: 'all', help: 'every worker that has a guard' },
      {
        name: 'expect',
        takes: 'STATE',
        values: ['held', 'free'],
        help: 'status: exit 3 unless it is held, or free',
      },
      { name: 'grace', takes: 'TIME', help: 'stop: wait this long after SIGTERM (30s)' },
      { name: 'kill-after', takes: 'TIME', help: 'stop: SIGKILL what still runs then (never)' },
      { name: 'interpreter', takes: 'PATH', help: 'PHP or Node to try it with (also --php, --node)' },
      { name: 'php', takes: 'PATH', help: 'the same as --interpreter' },
      { name: 'node', takes: 'PATH', help: 'the same as --interpreter' },
      ...yes,
      json,
    ],
  },
  {
    name: 'connections',
    what: 'database connections: limit, owners, refusals; what to do',
    usage: 'cronlatch connections [--app DIR|--user NAME] [--kill] [--json]',
    takesId: false,
    examples: [
      ['cronlatch connections', 'of the application in this directory'],
      ['cronlatch connections --app /var/www/vhosts/example.com/httpdocs', 'of that one'],
      ['cronlatch connections --kill --yes', 'end what is provably nobody’s'],
    ],
    flags: [
      { name: 'app', takes: 'DIR', help: 'where the application lies: .env, config.php … (here)' },
      { name: 'user', takes: 'NAME', help: 'whose application it is' },
      { name: 'kill', help: 'end dead and orphaned connections, each looked at again' },
      { name: 'min-idle', takes: 'TIME', help: 'only those idle for so long (5m)' },
      { name: 'remote', takes: 'HOST', many: true, help: 'also idle ones of this other machine' },
      { name: 'unseen-transactions', help: 'also where open ones cannot be seen' },
      { name: 'force', help: 'allow --min-idle below 60 s' },
      ...database,
      ...yes,
      json,
    ],
  },
  {
    name: 'monitor',
    what: 'watch workers for an hour: incidents as they come, and a report',
    usage: 'cronlatch monitor [ID] [--for TIME] [--script PATH [SOURCE]] [--report FILE]',
    takesId: true,
    examples: [
      ['cronlatch monitor --for 1h --report watch.html', 'the deployments that stand'],
      ['cronlatch monitor --for 1h --script worker.php', 'a worker as it stands, deployed or not'],
      ['cronlatch monitor --for 1h --background', 'goes on by itself'],
      ['cronlatch monitor --status', 'how it stands; --stop ends it'],
    ],
    flags: [
      { name: 'for', takes: 'TIME', help: 'how long (1h)' },
      { name: 'script', takes: 'PATH', help: 'watch this worker, deployed or not' },
      { name: 'entry', takes: 'LINE', help: 'or the one in this line' },
      { name: 'all', help: 'or every worker' },
      ...source,
      { name: 'fail-fast', help: 'end at the first violation (exit 3)' },
      { name: 'max-runtime', takes: 'TIME', help: 'a run that shows no progress for so long hangs' },
      { name: 'report', takes: 'FILE', many: true, help: 'write a report: FILE.html, .md or .json' },
      { name: 'textfile', takes: 'FILE', help: 'keep metrics in FILE.prom for Prometheus' },
      { name: 'ping-url', takes: 'URL', help: 'tell a healthchecks.io (or CRONLATCH_PING_URL, unseen)' },
      { name: 'ping-url-file', takes: 'FILE', help: 'the same, from a file of mode 0600' },
      { name: 'background', help: 'go on without this terminal' },
      { name: 'status', help: 'how the last watch, or the one named, stands' },
      { name: 'stop', help: 'end the watch that runs' },
      { name: 'resume', takes: 'ID', help: 'go on with a watch that was cut off' },
      {
        name: 'without',
        takes: 'PARTS',
        values: ['database'],
        help: 'database: do not ask the worker’s database',
      },
      ...jobs,
      ...database,
      json,
    ],
  },
  {
    name: 'history',
    what: 'what was deployed, by whom, and what became of it',
    usage: 'cronlatch history [ID] [--prune N] [--json]',
    takesId: true,
    examples: [
      ['cronlatch history', 'every deployment, newest first'],
      ['cronlatch history 20261123-120030-5b48', 'what it changed, as a diff'],
      ['cronlatch history --prune 20 --ci', 'forget what is over, but for the last 20'],
    ],
    flags: [
      { name: 'prune', takes: 'N', help: 'forget all but what is in use and the last N good ones' },
      { name: 'dry-run', short: 'n', help: 'with --prune: only say which' },
      ...yes,
      wait,
      json,
    ],
  },
  {
    name: 'sandbox',
    what: 'the whole road on a disposable site of its own, in under a minute',
    usage: 'cronlatch sandbox [--database URL] [--keep]',
    takesId: false,
    examples: [
      ['cronlatch sandbox', 'touches nothing of the machine'],
      ['cronlatch sandbox --database mysql://u12345_app@127.0.0.1:3306/app', 'with this database'],
    ],
    flags: [
      { name: 'database', takes: 'URL', help: 'use it and change nothing there (else one of its own)' },
      { name: 'database-password-file', takes: 'FILE', help: 'mode 0600; or CRONLATCH_DATABASE_PASSWORD' },
      { name: 'keep', help: 'leave the directory there to look at' },
    ],
  },
  {
    name: 'export',
    what: 'write the Ansible collection for many servers',
    usage: 'cronlatch export ansible DIR [--json]',
    takesId: true,
    actions: ['ansible'],
    examples: [
      ['cronlatch export ansible fleet', 'then: ansible-galaxy collection install ./fleet'],
      ['cronlatch export ansible collections/ansible_collections/cronlatch/fleet', ''],
    ],
    flags: [json],
  },
  {
    name: 'report',
    what: 'one report of the watches that were collected from many hosts',
    usage: 'cronlatch report DIR [--html FILE] [--json]',
    takesId: true,
    examples: [
      ['cronlatch report watches', 'each host with its verdict, the worst first'],
      ['cronlatch report watches --html fleet.html', 'the same as a page'],
    ],
    flags: [{ name: 'html', takes: 'FILE', help: 'write it as a page, too' }, json],
  },
  {
    name: 'completion',
    what: 'print what bash, zsh or fish needs to complete cronlatch’s words',
    usage: 'cronlatch completion bash|zsh|fish',
    takesId: false,
    actions: ['bash', 'zsh', 'fish'],
    examples: [
      ['cronlatch completion bash > /etc/bash_completion.d/cronlatch', 'for every user'],
      ['cronlatch completion zsh > /usr/local/share/zsh/site-functions/_cronlatch', ''],
      ['cronlatch completion fish > ~/.config/fish/completions/cronlatch.fish', ''],
    ],
    flags: [],
  },
];
