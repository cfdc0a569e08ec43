// Every failure we expect: what happened, why, what to do next, and the exit code, in at most four lines.

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 130 | 143;

type Args = Readonly<Record<string, string | number | readonly string[]>>;

interface Wording {
  readonly exit: ExitCode;
  readonly say: (a: Record<string, string>) => { what: string; why?: string; next?: string };
}

const rewritten: Readonly<Record<string, string>> = {
  'task-gone': 'the task is gone',
  'task-as-before': 'it took the change and did not keep it',
  'rest-changed': 'it changed other settings of the task, which nobody had named',
  'crontab-gone': 'the crontab is gone',
  'no-line': 'the crontab has no line with the new command',
  'still-runs': 'the task is switched off, and its line in the crontab runs all the same',
  'others-changed': 'lines of others in the crontab were changed or dropped, or stand below other settings',
  chrooted: 'its line would run in the chroot',
  'not-steady': 'both stores read otherwise each time',
};

const wordings = {
  usage: {
    exit: 2,
    say: (a) => ({ what: a['what'] ?? '', next: a['next'] ?? 'See: cronlatch --help' }),
  },
  'answers-missing': {
    exit: 2,
    say: (a) => ({
      what: `Cannot ask: ${a['because']}, and these are missing: ${a['missing']}.`,
      why: 'Piped input and the variable CI are never taken for an answer or for consent.',
      next: `Give them as flags, for example: ${a['example']}`,
    }),
  },
  'file-missing': {
    exit: 2,
    say: (a) => ({ what: `There is no file ${a['path']}.`, next: 'Check the path; nothing was changed.' }),
  },
  unreadable: {
    exit: 1,
    say: (a) => ({
      what: `Cannot read ${a['path']}.`,
      why: `${a['reason']}. An unreadable file is never treated as an empty one.`,
      next: 'Run as a user who may read it (often root), then try again.',
    }),
  },
  'crontab-unreadable': {
    exit: 1,
    say: (a) => ({
      what: `Cannot read the crontab of ${a['user']}.`,
      why: `crontab -l said: ${a['reason']}`,
      next: 'Nothing was changed. Solve this first, or name a file with --file.',
    }),
  },
  'crontab-artefact': {
    exit: 1,
    say: (a) => ({
      what: `crontab -l may not show the true bytes of the crontab of ${a['user']} (it prints ${a['reason']} for a control character).`,
      next: 'Run cronlatch as root, which reads the spool file itself.',
    }),
  },
  'crontab-refused': {
    exit: 1,
    say: (a) => ({
      what: `cron refuses the new crontab for ${a['source']}.`,
      why: a['reason'] ?? '',
      next: 'Nothing was changed. Please report this with the output of: cronlatch scan --json',
    }),
  },
  'not-written': {
    exit: 1,
    say: (a) => ({
      what: `Cannot ${a['act']} ${a['path']}.`,
      why: a['reason'] ?? '',
      next:
        a['next'] ??
        (a['settled'] ? 'What had been done was put back.' : 'Nothing was changed by this step.'),
    }),
  },
  unkeepable: {
    exit: 5,
    say: (a) => ({
      what: `Will not change ${a['path']}: ${a['reason']}.`,
      next: a['next'] ?? 'Nothing was changed. --guard entry changes no script.',
    }),
  },
  'changed-since': {
    exit: 5,
    say: (a) => ({
      what: `Changed since you looked: ${a['what']}.`,
      next: 'Nothing was changed. Look again: cronlatch deploy --dry-run',
    }),
  },
  'changed-under-us': {
    exit: 1,
    say: (a) => ({
      what: `Somebody else changed ${a['what']} while we were at work.`,
      next: 'It was left as they made it. Try again when they are done.',
    }),
  },
  'read-back': {
    exit: 1,
    say: (a) => ({
      what: `${a['what']} does not read back as it was written.`,
      next: a['rollback']
        ? `The rollback is still unfinished. To try again: cronlatch rollback ${a['rollback']}`
        : a['settled']
          ? 'What had been done was put back.'
          : 'It was not touched any further.',
    }),
  },
  'still-running': {
    exit: 1,
    say: (a) => ({
      what: `${a['count']} old instance(s) of ${a['script']} did not end within ${a['grace']} s of SIGTERM (PID ${a['pids']}).`,
      why: 'Nothing is killed without consent.',
      next: 'Wait for the job to end, or allow it: --kill-after 60s',
    }),
  },
  'not-allowed': {
    exit: 1,
    say: (a) => ({
      what: `May not ${a['act']}.`,
      why: a['reason'] ?? '',
      next: a['next'] ?? 'Run as root or as the owner.',
    }),
  },
  locked: {
    exit: 5,
    say: (a) => ({
      what: `Another cronlatch is at work: ${a['who']}, since ${a['since']} (PID ${a['pid']}, ${a['command']}).`,
      next: 'Wait until it is done, then try again, or let it be waited for: --wait 60s',
    }),
  },
  'lock-impossible': {
    exit: 1,
    say: (a) => ({
      what: `Cannot take the lock ${a['path']}: ${a['reason']}.`,
      next: 'Install flock (package util-linux) or perl, or choose a local --state-dir.',
    }),
  },
  'lock-unverified': {
    exit: 5,
    say: (a) => ({
      what: `Cannot be sure who holds ${a['path']}: ${a['reason']}.`,
      why: 'Nothing is signalled that is not known to be the worker.',
      next: 'Look at that process. Deleting the lock file would let a second instance run.',
    }),
  },
  'lock-trial': {
    exit: 6,
    say: (a) => ({
      what: `The lock could not be tried: ${a['reason']}.`,
      next: a['next'] ?? 'See: cronlatch lock doctor',
    }),
  },
  unfinished: {
    exit: 5,
    say: (a) => ({
      what: `The ${a['command']} ${a['id']} of ${a['at']} was not finished.`,
      why: 'Until it is settled nothing else may be written.',
      next: `Put it back: cronlatch rollback ${a['rollback']}${
        a['resume'] ? `   Or carry it on: cronlatch deploy --resume ${a['resume']}` : ''
      }`,
    }),
  },
  'still-unfinished': {
    exit: 4,
    say: (a) => ({
      what: 'The deployment is still unfinished: what was done stays, the rest is not done.',
      why: a['reason'] ?? '',
      next: `Carry it on: cronlatch deploy --resume ${a['id']}   Or put it back: cronlatch rollback ${a['id']}`,
    }),
  },
  'no-such-entry': {
    exit: 2,
    say: (a) => ({ what: `${a['what']}`, next: 'See what there is: cronlatch scan' }),
  },
  'no-deployment': {
    exit: 2,
    say: (a) => ({
      what: a['id'] ? `There is no deployment ${a['id']}.` : 'No deployment stands.',
      next: a['next'] ?? 'See: cronlatch history',
    }),
  },
  'taken-back': {
    exit: 2,
    say: (a) => ({
      what: `The deployment ${a['id']} is not in place any more (${a['state']}${a['by'] ? ` by ${a['by']}` : ''}).`,
      next: 'Nothing was changed. To deploy anew: cronlatch deploy   See: cronlatch history',
    }),
  },
  'plan-stale': {
    exit: 5,
    say: (a) => ({
      what: `The saved plan does not fit this server any more: ${a['what']}.`,
      why: 'A saved plan is applied exactly as it was reviewed, or not at all.',
      next: 'Make a new one: cronlatch deploy --dry-run --save FILE',
    }),
  },
  untrusted: {
    exit: 5,
    say: (a) => ({
      what: `${a['path']} cannot be trusted: ${a['at'] === a['path'] ? '' : `${a['at']}: `}${a['why']}.`,
      why: 'Whoever can change it would act with your rights.',
      next: 'Keep it where only you or root may write (chmod go-w), and name it by its real path.',
    }),
  },
  'plan-unreadable': {
    exit: 2,
    say: (a) => ({
      what: `${a['path']} is not a plan this version can read: ${a['reason']}.`,
      next: 'Make one with: cronlatch deploy --dry-run --save FILE',
    }),
  },
  'journal-unreadable': {
    exit: 4,
    say: (a) => ({
      what: `The journal ${a['path']}, line ${a['line']}, cannot be read: ${a['reason']}.`,
      next: 'Nothing was changed. Keep the file: it holds the texts as they were before.',
    }),
  },
  'no-watch': {
    exit: 2,
    say: (a) => ({
      what: a['id'] ? `There is no watch ${a['id']}.` : (a['what'] ?? 'There is no watch.'),
      next: a['next'] ?? 'Begin one: cronlatch monitor --for 1h',
    }),
  },
  'watch-over': {
    exit: 2,
    say: (a) => ({
      what: `The watch ${a['id']} ${a['why']}.`,
      next: `How it stands: cronlatch monitor --status ${a['id']}`,
    }),
  },
  'watch-unreadable': {
    exit: 1,
    say: (a) => ({
      what: `${a['path']} is not a watch this version can read: ${a['reason']}.`,
      next: 'Begin another: cronlatch monitor --for 1h',
    }),
  },
  'foreign-edits': {
    exit: 5,
    say: (a) => ({
      what: `${a['what']} was changed by somebody else since the deployment.`,
      why: a['reason'] ?? '',
      next:
        a['next'] ?? 'Nothing was changed. To keep their lines and take back only ours: --keep-foreign-edits',
    }),
  },
  'half-done': {
    exit: 4,
    say: (a) => ({
      what: `Half done: ${a['what']}.`,
      why: a['reason'] ?? '',
      next: `A person is needed. The journal says where things stand: ${a['journal']}`,
    }),
  },
  'not-closed': {
    exit: 4,
    say: (a) => ({
      what: 'The rollback is carried out, but reading it back or closing its journal failed.',
      why: a['reason'] ?? '',
      next: `Until it is settled nothing else may be written: cronlatch rollback ${a['rollback']}`,
    }),
  },
  'worker-file': {
    exit: 5,
    say: (a) => ({ what: `Cannot ship ${a['path']}: ${a['reason']}.`, next: 'Nothing was changed.' }),
  },
  'plesk-refused': {
    exit: 1,
    say: (a) => ({
      what: `Plesk did not change task ${a['id']}.`,
      why: `${a['asked']}: ${a['said']}`,
      next: `${a['settled'] ? 'What had been done was put back. ' : ''}To change the crontab alone: --through crontab. To do it by hand in the panel: deploy --print DIR`,
    }),
  },
  'plesk-unanswered': {
    exit: 1,
    say: (a) => ({
      what: `Plesk gave no answer that can be used (${a['asked']}).`,
      why: a['said'] ?? '',
      next: a['settled']
        ? 'What had been done was put back.'
        : 'Nothing was changed. Try again when the panel answers.',
    }),
  },
  'plesk-rewrote': {
    exit: 1,
    say: (a) => ({
      what: `Plesk made something else of ${a['what']} than was planned: ${rewritten[a['why'] ?? ''] ?? a['why']}${a['line'] ? ` (line ${a['line']} of before)` : ''}.`,
      why: 'The task and the crontab were put back and read back.',
      next: 'To change the crontab alone: --through crontab. Please report this with: cronlatch scan --probe FILE',
    }),
  },
  'not-exported': {
    exit: 5,
    say: (a) => ({
      what: `Nothing was written to ${a['directory']}: ${a['reason']}.`,
      next: 'Name a directory that is empty, or not there yet, or has an export of this version or an older one.',
    }),
  },
  declined: {
    exit: 1,
    say: () => ({ what: 'Nothing was changed.' }),
  },
  interrupted: {
    exit: 130,
    say: (a) => ({ what: a['what'] ?? 'Interrupted. Nothing was changed.' }),
  },
  'database-unusable': {
    exit: 1,
    say: (a) => ({
      what: `The database of ${a['at']} cannot be used: ${a['reason']}.`,
      next: 'Without --database the sandbox starts one of its own where there is a MariaDB, or goes without.',
    }),
  },
  'wrong-port': {
    exit: 2,
    say: (a) => ({
      what: `${a['port']} is no port: ${a['at']}.`,
      why: 'Ports end at 65535, so nobody was asked.',
      next: 'Put it right there, or name the database: --db-url mysql://USER@HOST:PORT/DATABASE',
    }),
  },
  'no-credentials': {
    exit: 2,
    say: (a) => ({
      what: `No credentials of a MariaDB or MySQL were found for ${a['directory']}.`,
      why: `Looked at: ${a['looked']}.`,
      next: 'Name them: --db-url mysql://USER@HOST/NAME with CRONLATCH_DB_PASSWORD, or the application: --app DIR',
    }),
  },
  sandbox: {
    exit: 1,
    say: (a) => ({
      what: `The sandbox did not show what it should: ${a['what']}.`,
      next: a['next'] ?? 'Run it again with --keep and look at the files it names.',
    }),
  },
} satisfies Record<string, Wording>;

export type ProblemCode = keyof typeof wordings;

/** An expected failure as a value with a code; anything else that is thrown is a bug. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly args: Args;
  readonly exit: ExitCode;

  constructor(code: ProblemCode, args: Args = {}, options: { cause?: unknown; exit?: ExitCode } = {}) {
    super(code, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.args = args;
    this.exit = options.exit ?? wordings[code].exit;
  }
}

/** The problem in words: at most four lines, the code last. */
export function words(problem: Problem): string[] {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(problem.args)) {
    flat[key] = typeof value === 'object' ? value.join(', ') : String(value);
  }
  const said = (wordings[problem.code] as Wording).say(flat);
  const open =
    flat['settled'] === 'journal-open'
      ? 'Everything was put back, but its journal could not be closed. To settle it: cronlatch rollback'
      : undefined;
  const lines = [said.what, said.why, said.next, open]
    .filter((line) => line)
    .map((line) => oneLine(line ?? ''));
  lines[lines.length - 1] += `  [${problem.code}]`;
  return lines;
}

/** Values come from files and other programs: their line breaks add no line, their control characters move no cursor. */
function oneLine(text: string): string {
  return text
    .trim()
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** The reason a caught error gives, in one line, for a problem's `reason`. */
export function reasonOf(error: unknown): string {
  if (error instanceof Problem) return words(error).join(' ');
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    const known: Record<string, string> = {
      EACCES: 'permission denied',
      EPERM: 'operation not permitted',
      ENOSPC: 'no space left on the device',
      EDQUOT: 'the disk quota is used up',
      EROFS: 'the file system is read-only',
      ENOENT: 'no such file or directory',
      EIO: 'input/output error',
      ELOOP: 'a symbolic link stands in the way',
    };
    return (code && known[code] && `${known[code]} (${code})`) || error.message;
  }
  return String(error);
}
