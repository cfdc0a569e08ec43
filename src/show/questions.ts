// The wizard's questions in words: what is asked, the answers there are, and what `?` tells.
import type { AboutWorker, QuestionName } from '../ask/questions.ts';
import type { Job } from '../survey/facts.ts';
import type { Program } from '../survey/programs.ts';
import { sayOrigin } from './card.ts';

interface Words {
  readonly message: string;
  readonly help: string;
}

const words: Readonly<Record<QuestionName, Words>> = {
  workers: {
    message: 'Which of them are to be latched?',
    help: 'To latch a worker is to give it a lock that the kernel keeps: one runs at a time, and the lock is free as soon as it ends, however it ends. Nothing is changed before you have seen every change and agreed.',
  },
  interpreter: {
    message: 'Which program is to run it?',
    help: 'The entry gets the full path, so that cron’s short PATH is no matter. A web site and its worker should run with the same version. The panel’s own PHP is never offered.',
  },
  task: {
    message: 'What kind of task is it to be in Plesk?',
    help: 'A command is started by a shell, which can write a log. A PHP script is started by Plesk itself: it works in a chroot, too, and Plesk keeps its output.',
  },
  once: {
    message: 'Does the worker end after one pass when it is told --once?',
    help: 'Its source does not tell. With --once each start does what waits and ends; without it the lock alone keeps others out, for as long as the worker runs. Say yes only if it knows the flag: some scripts stop at one they do not know.',
  },
  log: {
    message: 'Where is its output to go?',
    help: 'Everything the worker prints is added to this file, errors too. Below a document root a browser may be able to fetch it. The directory is made where it is missing.',
  },
  lock: {
    message: 'In which directory is the lock to lie?',
    help: 'It must belong to the worker’s user, with nobody else allowed to write there, outlive every release, and be no directory for temporary files. What does not fit is refused with the reason.',
  },
  second: {
    message: 'Other machines work with its database: lock there, too?',
    help: 'A lock on a file holds on one machine. If this worker runs on another web server as well, a second lock in their database lets one of them run at a time. It takes one connection while the worker runs; if it is lost, the worker stops before its next job, and without it nothing is started. The other server needs the same.',
  },
  guard: {
    message: 'Where is the guard to stand?',
    help: 'In the script it keeps out runs that are started by hand, too. In the entry nothing in the source changes, and the next release of the application cannot take it away.',
  },
  review: {
    message: 'Is this right?',
    help: 'Nothing is changed yet: what would be changed is shown next, line by line. Each of these can be changed here, with the choices there are.',
  },
  keep: {
    message: 'Keep these answers in a file, for CI or the next time?',
    help: 'The file holds the answers and no passwords. cronlatch deploy --config FILE --ci does the same without a question. The file is written at once; the server stays as it is.',
  },
  watch: {
    message: 'Watch it for an hour afterwards, in the background?',
    help: 'It counts instances at every start, reads the log, asks the database how many connections there are, stops nothing, and leaves a report. You may log out meanwhile. cronlatch monitor --status says how it stands.',
  },
  refused: {
    message: 'It cannot be done like that. What now?',
    help: 'What stops it is said above, with what can be done about it. Other answers may do.',
  },
  consent: {
    message: 'Do this now?',
    help: 'Everything as it is now is kept on disk before the first change. If a check fails you are asked whether it is to be put back; cronlatch rollback does so at any time.',
  },
};

/** A question's words. */
export function wordsOf(name: QuestionName): Words {
  return words[name];
}

/** A program to choose. */
export function sayProgram(program: Program): string {
  return `${program.path}  (${[...(program.version === undefined ? [] : [program.version]), sayOrigin(program)].join(', ')})`;
}

/** What changes one answer, as a line of the list below the card. */
export function sayChange(name: AboutWorker, { interpreter }: Job): string {
  return {
    interpreter: `Change which ${interpreter.kind === 'php' ? 'PHP' : 'Node'} runs it`,
    task: 'Change the kind of its task in Plesk',
    once: 'Change whether it is told --once',
    log: 'Change where its output goes',
    lock: 'Change where its lock lies',
    second: 'Change whether it locks in the database, too',
    guard: 'Change where the guard stands',
  }[name];
}

/** Short answers that several questions offer. */
export const choices = {
  goOn: 'Yes, go on',
  backToList: 'Back',
  another: 'Another place',
  noOnce: 'No: leave its arguments as they are',
  yesOnce: 'Yes: add --once',
  aloneHere: 'No: this worker runs on this server alone',
  inScript: 'A line in the script',
  inEntry: 'In the entry: the script stays as it is',
  asCommand: 'Run a command',
  asPhp: 'Run a PHP script',
  keepNot: 'No',
  watchNot: 'No',
  watchHour: 'Yes, for an hour',
  leave: 'Leave: nothing is changed',
  backToAnswers: 'Back to the answers',
} as const;

/** A log to choose, with the reason. */
export function sayLog(path: string, is: 'ours' | 'kept'): string {
  return is === 'ours'
    ? `${path}  (no browser gets it there)`
    : `${path}  (as now, where a browser may get it)`;
}

/** Who was seen there, and the answer that makes them wait for each other. */
export function sayShared(machines: readonly string[], from: string): string {
  return `Yes, it runs there, too (seen: ${machines.join(', ')}; credentials from ${from})`;
}

/** What stands above the command lines. */
export function sayCommandHead(count: number): string {
  return count === 1
    ? 'The same without questions, for CI:'
    : 'The same without questions, for CI, one after the other:';
}

/** No command line can name this entry. */
export function sayUnnamed(line: number, source: string): string {
  return `  (line ${line} of ${source} has a like in another crontab: no command line tells the two apart)`;
}

/** The file is written. */
export function sayAnswersKept(path: string, command: string): string[] {
  return [`Kept in ${path}. To do what it says:`, `  ${command}`];
}

/** What was changed, where that is written down, and the way back. */
export function sayClosing(changed: string, journal: string, id: string): string[] {
  return [`Changed: ${changed}`, `Journal: ${journal}`, `To read it: cronlatch history ${id}`];
}
