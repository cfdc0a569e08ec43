// Is a running process a run of the entry as it is now, or as it was before the deployment? Told by what it looks like.
import { basename } from 'node:path/posix';
import { bytesOf, readable } from '../change/encode.ts';
import type { Latched } from '../change/plan.ts';
import type { Command } from '../command/command.ts';
import { readCommand } from '../command/read.ts';
import { logOf } from '../command/redirects.ts';
import { settingsAt } from '../crontab/settings.ts';
import type { ProcessRow } from '../server/server.ts';
import type { Facts } from '../survey/facts.ts';

/** What the runs of one entry look like. */
interface Look {
  /** What cron gives its shell: `sh -c TEXT`. */
  readonly text: string;
  /** Argument list of the interpreter; 'unknown' where only the shell can know it. */
  readonly argv: readonly string[] | 'unknown';
  /** Absolute path its standard output goes to; '' when that is no file of its own. */
  readonly log: string;
  /** The guard stands in the entry. */
  readonly guard: boolean;
}

export interface Forms {
  readonly old: Look;
  readonly now: Look;
}

export type Form = 'now' | 'old' | 'unclear';

/** How runs looked before the deployment and look now; 'same' when the deployment did not change the entry. */
export function formsOf(worker: Latched, facts: Facts): Forms | 'same' {
  const { before, after } = worker.command;
  if (before === after) return 'same';
  const crontab = facts.crontabs.find((c) => c.name === worker.source);
  const entry = crontab?.entries.find((e) => readable(e.entry.command.text) === after);
  const settings = crontab && entry ? settingsAt(crontab.crontab, entry.line) : new Map<string, string>();
  const home = settings.get('HOME') ?? bytesOf(worker.directory);
  const shell = settings.get('SHELL') ?? '/bin/sh';
  const variables = new Map([...settings, ['HOME', home], ['LOGNAME', bytesOf(worker.user)]] as const);
  const look = (text: string, guard: boolean): Look => {
    const reading = readCommand(bytesOf(text), { shell, home: bytesOf(worker.directory), variables });
    const log = reading.is === 'worker' ? logOf(reading) : 'unknown';
    return {
      text,
      argv: reading.is === 'worker' ? argvOf(reading) : 'unknown',
      log: log.startsWith('/') ? readable(log) : '',
      guard,
    };
  };
  const now = look(after, worker.lock?.place === 'entry');
  return {
    old: look(before, now.guard && worker.lock !== undefined && before.includes(worker.lock.guard)),
    now,
  };
}

function argvOf(command: Command): readonly string[] | 'unknown' {
  const { interpreter, flags, script, fileOption, args } = command;
  if (interpreter.word === undefined) return 'unknown';
  const dashes = fileOption?.dashes;
  // `--` may stand among the flags as well: each word once, as they stand.
  const all = [interpreter.word, ...flags, script, ...(dashes ? [dashes] : []), ...args];
  const words = [...new Map(all.map((word) => [word.span.start, word])).values()].sort(
    (a, b) => a.span.start - b.span.start,
  );
  return words.some((word) => word.open) ? 'unknown' : words.map((word) => readable(word.value));
}

/** Can a run be told by its argument list? */
export function argvTells({ old, now }: Forms): boolean {
  return old.argv !== 'unknown' && now.argv !== 'unknown' && !sameWords(old.argv, now.argv);
}

/** Can a run be told by where it writes? */
export function logTells({ old, now }: Forms): boolean {
  return now.log !== '' && old.log !== now.log;
}

/** The form of the shell cron starts an entry with; 'none' when it is no such shell. */
export function formOfShell(row: ProcessRow, { old, now }: Forms): Form | 'none' {
  const [, flag, text] = row.argv;
  if (row.argv.length !== 3 || flag !== '-c') return 'none';
  return text === now.text ? 'now' : text === old.text ? 'old' : 'none';
}

/** The form of an instance of the worker. `output` is where its standard output goes, asked only when nothing else tells. */
export function formOfInstance(argv: readonly string[], forms: Forms, output: string): Form {
  const { old, now } = forms;
  if (argvTells(forms)) {
    if (sameWords(argv, now.argv)) return 'now';
    return sameWords(argv, old.argv) ? 'old' : 'unclear';
  }
  if (!logTells(forms) || output === '') return 'unclear';
  if (output === now.log) return 'now';
  return output === old.log ? 'old' : 'unclear';
}

function sameWords(a: readonly string[] | 'unknown', b: readonly string[] | 'unknown'): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Who started it: cron (or `standIn`, which plays cron for a file), somebody else, or nobody knows. */
export function startedBy(
  row: ProcessRow,
  rows: ReadonlyMap<number, ProcessRow>,
  standIn: number | 'none',
): 'cron' | 'other' | 'unseen' {
  for (let at: ProcessRow | undefined = row, steps = 0; steps < 20; steps++) {
    if (at.ppid === standIn) return 'cron';
    if (at.ppid <= 1) return 'other';
    at = rows.get(at.ppid);
    // Where /proc shows a user his own processes only, his entries' ancestry ends here.
    if (at === undefined) return 'unseen';
    if (isCron(at)) return 'cron';
  }
  return 'other';
}

/** The daemon, and the child it forks for each run: it calls itself CRON on Debian. */
function isCron(row: ProcessRow): boolean {
  return row.uid === 0 && /^-?(?:cron|crond|CRON)$/.test(basename(row.argv[0] ?? ''));
}
