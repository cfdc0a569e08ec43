// Flags that several commands have, and what a flag is.

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
  { name: 'plain', help: 'for screen readers: lines, nothing redrawn' },
  { name: 'quiet', short: 'q', help: 'no progress, only the result' },
  { name: 'verbose', short: 'v', help: 'more lines about what is done' },
  { name: 'debug', help: 'where each answer came from; causes of errors' },
  { name: 'help', short: 'h', help: 'this help' },
  { name: 'version', short: 'V', help: 'the version' },
];

export const source: readonly Flag[] = [
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

export const wait: Flag = {
  name: 'wait',
  takes: 'TIME',
  help: 'wait so long for another cronlatch to end (0s)',
};
export const json: Flag = { name: 'json', help: 'one JSON document on standard output' };
export const yes: readonly Flag[] = [
  { name: 'yes', short: 'y', help: 'consent: do not ask whether to go on' },
  { name: 'ci', help: 'consent and no questions at all' },
];

/** Which database: answers for whoever asks one. */
export const database: readonly Flag[] = [
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
export const jobs: readonly Flag[] = [
  { name: 'jobs-table', takes: 'NAME', help: 'the table of jobs (import_jobs, jobs …)' },
  { name: 'jobs-states', takes: 'WORDS', help: 'its words: pending=new,done=ok|sent …' },
  { name: 'jobs-lock', takes: 'NAME', help: 'its workers’ named lock, as in work:{owner}' },
  { name: 'jobs-sql', takes: 'SELECT', help: 'or one row: pending, processing, done, failed' },
];
