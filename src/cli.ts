// Commands, flags and help: one table.
import { parseArgs } from 'node:util';
import { Problem } from './problem.ts';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly takes?: string;
  readonly many?: boolean;
  /** All the values there are, where they can be listed. */
  readonly values?: readonly string[];
  readonly help: string;
}

export const everywhere: readonly Flag[] = [
  { name: 'state-dir', takes: 'DIR', help: 'where journals are kept (root: /var/lib/cronlatch)' },
  { name: 'config', takes: 'FILE', help: 'answers from a JSON file, keys named like the flags' },
  { name: 'no-color', help: 'no colours (NO_COLOR does the same)' },
  { name: 'color', help: 'colours even where the output is no terminal' },
  { name: 'quiet', short: 'q', help: 'no progress, only the result' },
  { name: 'verbose', short: 'v', help: 'more lines about what is done' },
  { name: 'debug', help: 'where each answer came from; causes of errors' },
  { name: 'help', short: 'h', help: 'this help' },
  { name: 'version', short: 'V', help: 'the version' },
];

const source: readonly Flag[] = [
  { name: 'file', takes: 'PATH', many: true, help: 'a crontab kept as a file (may be repeated)' },
  { name: 'system', help: 'with --file: it has a user column' },
  {
    name: 'dialect',
    takes: 'NAME',
    values: ['debian', 'cronie'],
    help: 'debian or cronie: whose rules to read by',
  },
  { name: 'user', takes: 'NAME', help: 'the crontab of this user' },
  { name: 'site', takes: 'DOMAIN', help: 'the crontab of this site’s system user' },
  { name: 'subscription', takes: 'NAME', help: 'the same, for a whole Plesk subscription' },
  { name: 'plesk-timeout', takes: 'TIME', help: 'how long Plesk may take for an answer (30s)' },
];

const wait: Flag = { name: 'wait', takes: 'TIME', help: 'wait so long for another cronlatch to end (0s)' };
const json: Flag = { name: 'json', help: 'one JSON document on standard output' };
const yes: readonly Flag[] = [
  { name: 'yes', short: 'y', help: 'consent: do not ask whether to go on' },
  { name: 'ci', help: 'consent and no questions at all' },
];

/** Which database: answers for whoever asks one. */
const database: readonly Flag[] = [
  { name: 'db-url', takes: 'URL', help: 'mysql://USER@HOST/NAME, no password in it' },
  { name: 'db-url-file', takes: 'FILE', help: 'a file of mode 0600 with the whole URL' },
  { name: 'db-user', takes: 'NAME', help: 'or one by one: the account' },
  { name: 'db-password-file', takes: 'FILE', help: 'mode 0600; or CRONLATCH_DB_PASSWORD' },
  { name: 'db-name', takes: 'NAME', help: 'the database' },
  { name: 'db-host', takes: 'HOST', help: 'localhost is the unix socket, as in PHP' },
  { name: 'db-port', takes: 'N', help: 'its port' },
  { name: 'db-socket', takes: 'PATH', help: 'its unix socket' },
  { name: 'db-tls', takes: 'WHEN', help: 'off, on, or verify (off)' },
  { name: 'db-tls-ca', takes: 'FILE', help: 'authority to verify it with' },
];

/** What the checklist asks a database. */
const jobs: readonly Flag[] = [
  { name: 'jobs-table', takes: 'NAME', help: 'the table of jobs (import_jobs, jobs …)' },
  { name: 'jobs-states', takes: 'WORDS', help: 'its words: pending=new,done=ok|sent …' },
  { name: 'jobs-sql', takes: 'SELECT', help: 'or one row: pending, processing, done, failed' },
];

export type CommandName =
  | 'wizard'
  | 'scan'
  | 'deploy'
  | 'verify'
  | 'rollback'
  | 'lock'
  | 'connections'
  | 'history'
  | 'sandbox'
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
        values: ['text', 'json', 'sarif', 'github'],
        help: 'text, json, sarif or github (text)',
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
      { name: 'keep-on-fail', help: 'do not roll back when a check fails' },
      { name: 'strict', help: 'exit 6 when a check could not be measured' },
      { name: 'url', takes: 'URL', help: 'the site: does it hand out the log?' },
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
      { name: 'url', takes: 'URL', help: 'the site: does it hand out the log?' },
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

/** What argv says. Flags that were not given are absent. */
export interface Line {
  readonly command: CommandName;
  /** The word that stands behind the command's own: what is to be done. */
  readonly action?: string;
  readonly id?: string;
  readonly flags: Readonly<Record<string, string | boolean | readonly string[]>>;
}

/**
 * Reads argv (without node and the script). Throws a Problem 'usage' (exit 2) on anything it does not know, with
 * the nearest known word. `-h` and `--version` win wherever they stand before `--`.
 */
export function readLine(
  argv: readonly string[],
): Line | { readonly command: 'help'; readonly about?: CommandName } | { readonly command: 'version' } {
  const words = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  const named = words.find((word) => commands.some((c) => c.name === word)) as CommandName | undefined;
  if (words.includes('-h') || words.includes('--help') || words[0] === 'help') {
    return { command: 'help', ...(named === undefined ? {} : { about: named }) };
  }
  // Node asks every flag it is told about for its kind, so it is told about those of the command, where that is plain.
  const first = commands.find((c) => c.name === argv[0]);
  const flags = first === undefined ? allFlags() : byName([...first.flags, ...everywhere]);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        [...flags.values()].map((flag) => [
          flag.name,
          {
            type: flag.takes === undefined ? ('boolean' as const) : ('string' as const),
            ...(flag.many ? { multiple: true } : {}),
            ...(flag.short === undefined ? {} : { short: flag.short }),
          },
        ]),
      ),
    });
  } catch (error) {
    throw badFlag(error, first, [...allFlags().keys()]);
  }
  // Grouped as in -yh it is found only here.
  if (parsed.values['help']) return { command: 'help', ...(named === undefined ? {} : { about: named }) };
  if (parsed.values['version']) return { command: 'version' };
  const [word, ...rest] = parsed.positionals;
  const row = commands.find((c) => c.name === word);
  const action = row?.actions === undefined ? undefined : actionOf(row, rest.shift());
  const [id, ...more] = rest;
  if (word !== undefined && row === undefined) {
    const near = nearest(
      word,
      commands.map((c) => c.name),
    );
    throw new Problem('usage', {
      what: `There is no command '${word}'.${near ? ` Did you mean '${near}'?` : ''}`,
    });
  }
  const extra = row?.takesId ? more[0] : (id ?? more[0]);
  if (extra !== undefined)
    throw new Problem('usage', {
      what: `'${extra}' is one word too many.`,
      next: `Usage: ${row?.usage}${row?.usage.includes('[SOURCE]') ? `  (a crontab kept as a file: --file ${extra})` : ''}`,
    });
  const given = parsed.values as Record<string, string | boolean | readonly string[]>;
  const allowed = row === undefined ? everywhere : [...row.flags, ...everywhere];
  for (const name of Object.keys(given))
    if (!allowed.some((flag) => flag.name === name)) throw foreignFlag(name, row);
  if (given['format'] === 'json') given['json'] = true;
  else if (given['format'] !== undefined && given['json'] === true)
    throw new Problem('usage', { what: `--json and --format ${given['format']} cannot be used together.` });
  return {
    command: row?.name ?? 'wizard',
    ...(action === undefined ? {} : { action }),
    ...(row?.takesId && id !== undefined ? { id } : {}),
    flags: given,
  };
}

/** What is to be done with it; a Problem names the words there are. */
function actionOf(row: CommandRow, word: string | undefined): string {
  const { actions = [] } = row;
  if (word !== undefined && actions.includes(word)) return word;
  const near = word === undefined ? undefined : nearest(word, actions);
  const said = word === undefined ? 'A word is missing' : `'${word}' is nothing to do with it`;
  throw new Problem('usage', {
    what: `${said}: ${row.name} takes ${actions.join(', ')}.${near ? ` Did you mean '${near}'?` : ''}`,
    next: `See: cronlatch ${row.name} --help`,
  });
}

/** Does the command line ask for JSON? Told from its words alone, since a failure to read them is reported as JSON too. */
export function asksForJson(words: readonly string[]): boolean {
  const format = words.lastIndexOf('--format');
  return (
    words.includes('--json') ||
    words.includes('--format=json') ||
    (format >= 0 && words[format + 1] === 'json')
  );
}

/** The names of all flags there are. */
export function flagNames(): string[] {
  return [...allFlags().keys()];
}

function allFlags(): Map<string, Flag> {
  return byName([...everywhere, ...commands.flatMap((c) => c.flags)]);
}

const byName = (flags: readonly Flag[]) => new Map(flags.map((flag) => [flag.name, flag]));

function foreignFlag(name: string, row: CommandRow | undefined): Problem {
  return new Problem('usage', {
    what: `--${name} is no flag of ${row === undefined ? 'cronlatch without a command' : `'${row.name}'`}.`,
    next: `See: cronlatch ${row === undefined ? '' : `${row.name} `}--help`,
  });
}

function badFlag(error: unknown, row: CommandRow | undefined, known: readonly string[]): Problem {
  const message = (error as Error).message;
  const unknown = /Unknown option '(-{1,2})([^'=]+)/.exec(message);
  if (unknown) {
    if (unknown[1] === '--' && known.includes(unknown[2] ?? '')) return foreignFlag(unknown[2] ?? '', row);
    const near = nearest(unknown[2] ?? '', known);
    const what = `There is no flag ${unknown[1]}${unknown[2]}.${near ? ` Did you mean --${near}?` : ''}`;
    return new Problem('usage', { what }, { cause: error });
  }
  const value = /Option '([^']*)'? ?(.*)/.exec(message);
  const what = value
    ? `${value[1]?.split(' ')[0]?.split(',').pop()?.trim()}: ${/missing/.test(message) ? 'a value is missing' : 'takes no value'}.`
    : message;
  return new Problem('usage', { what }, { cause: error });
}

/** The nearest word by edit distance, if it is near enough to be meant. */
function nearest(word: string, among: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of among) {
    const plain = (s: string): string => s.replaceAll('-', '');
    const d = plain(candidate) === plain(word) ? 0 : distance(word, candidate);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Help as text, at most 80 columns wide. */
export function help(about?: CommandName): string {
  const row = commands.find((c) => c.name === about);
  if (row !== undefined) {
    return [
      `${row.what[0]?.toUpperCase()}${row.what.slice(1)}.`,
      '',
      'Examples',
      ...row.examples.flatMap(([line, says]) => [`  ${line}`, `      ${says}`]),
      '',
      'Usage',
      `  ${row.usage}`,
      ...(row.usage.includes('[SOURCE]')
        ? ['  SOURCE: --file PATH, --user NAME or --site DOMAIN; nothing: all you may see']
        : []),
      '',
      'Flags',
      ...flagLines(row.flags),
      '',
      'Everywhere',
      ...flagLines(everywhere),
      '',
      'More: docs/ beside the program.',
      '',
    ].join('\n');
  }
  return [
    'cronlatch: one instance of every cron worker, and a way back.',
    '',
    'Examples',
    '  cronlatch sandbox            see it work on a disposable site',
    '  cronlatch scan               find the entries that can pile up',
    '  cronlatch deploy --dry-run   show what would be changed',
    '  cronlatch rollback           put everything back, byte for byte',
    '',
    'Commands',
    '  cronlatch            the wizard, on a terminal',
    ...commands.map((c) => `  ${c.name.padEnd(11)} ${c.what}`),
    '',
    'Everywhere',
    ...flagLines(everywhere),
    '',
    'Exit codes',
    '  0 done or nothing to do · 1 failed, server as before · 2 usage',
    '  3 a check or finding · 4 half done · 5 refused · 6 inconclusive',
    '',
    'More: cronlatch COMMAND --help, and docs/ beside the program.',
    '',
  ].join('\n');
}

function flagLines(flags: readonly Flag[]): string[] {
  return flags.map((flag) => {
    const head = `${flag.short ? `-${flag.short}, ` : ''}--${flag.name}${flag.takes ? ` ${flag.takes}` : ''}`;
    return `  ${head.padEnd(22)} ${flag.help}`;
  });
}
