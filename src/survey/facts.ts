// What a look at the server found out. Plain values: findings and plans are made of these and nothing else.
import type { Command, Reading } from '../command/command.ts';
import type { Bytes, Crontab, Dialect, EntryLine } from '../crontab/crontab.ts';
import type { Drift } from '../plesk/match.ts';
import type { Verbs } from '../plesk/scheduler.ts';
import type { Task } from '../plesk/task.ts';
import type { Answer } from '../server/panelPort.ts';
import type { CrontabSource, Owner, Person, Route, Seen, SeenFile } from '../server/server.ts';
import type { Framework } from '../worker/frameworks.ts';
import type { Found } from '../worker/line.ts';
import type { LockFault } from '../worker/lockFaults.ts';
import type { OwnLock } from '../worker/ownLock.ts';
import type { SourceTokens } from '../worker/tree.ts';
import type { Instance } from './instances.ts';
import type { Sight } from './look.ts';

export type Level = 'stop' | 'warn' | 'note';

/** A finding is a code, a place and values; its sentence is made in show/. */
export interface Finding {
  readonly level: Level;
  readonly code: string;
  /** Line 0 is the file as a whole. Columns count from 1 in UTF-16 units, the end not included. */
  readonly where?: {
    readonly source: string;
    readonly line: number;
    readonly column?: number;
    readonly endColumn?: number;
  };
  readonly args: Readonly<Record<string, string | number>>;
}

/** The script of a worker, as it stands on the server. */
export interface ScriptFacts {
  /** Symbolic links resolved. */
  readonly path: string;
  readonly file: SeenFile;
  readonly directory: Extract<Seen, { is: 'directory' }>;
  /** For root's jobs: what on the script's path somebody else may change. */
  readonly foreignWriter: string | 'none';
  /** The next release would overwrite what we put into the script: a git checkout, releases/, vendor/. */
  readonly releasedBy: 'git' | 'releases' | 'vendor' | 'nobody';
  readonly guard: Found | 'none';
  readonly once: 'yes' | 'no' | 'unknown';
  readonly ownLock: OwnLock;
  /** What is wrong with that lock. */
  readonly lockFaults: readonly LockFault[];
}

/** The framework a worker belongs to. */
export interface FrameworkFacts extends Framework {
  /** Does the installed version know the flag for one pass? 'unknown' where its source is not to be seen. */
  readonly knowsPass: 'yes' | 'no' | 'unknown';
}

export interface InterpreterFacts {
  /** Named with --interpreter. */
  readonly asked: boolean;
  /** Absolute path, or 'missing' with the name that was looked for. */
  readonly path: string | 'missing';
  readonly wanted: string;
  readonly kind: 'php' | 'node';
  /** `8.2`, `18.17.0`: as far as its path says. */
  readonly version?: string;
  /** What the site wants of it and does not get. */
  readonly asks?: { readonly range: string; readonly file: string };
  /** An interpreter was asked for that runs scripts of the other kind; the entry's own is meant here. */
  readonly unfit?: string;
  /** The name stays in the entry: a login shell or sudo may look it up elsewhere than we can see. */
  readonly nameStays?: true;
  /** The script is its own command, and its first line names this, which is none of its kind. */
  readonly firstLine?: string;
  /** Where it is missing: others of its kind that are there. Which of them the site wants is for a person to say. */
  readonly there?: readonly string[];
  /** Why it is another one than the entry's own. */
  readonly because?: InterpreterChoice;
}

/** Why an interpreter was chosen in place of the one the entry names. */
export interface InterpreterChoice {
  /** The PHP Plesk has the site run with; the same version in another place; the only one there is. */
  readonly is: 'site' | 'same-version' | 'shelf';
  readonly site?: string;
  readonly handler?: string;
  /** The entry names this by its full path, and it is not there. */
  readonly missing?: string;
}

/** The scheduled task of Plesk that an entry is the line of. */
export interface TaskFacts {
  readonly task: Task;
  readonly drift: readonly Drift[];
  /** The task's own text, where Plesk has written something around it. */
  readonly inner?: { readonly text: Bytes; readonly command: Command };
  /** Full version of the site's PHP, for a task that becomes one that runs a PHP script. */
  readonly php?: string;
}

/** What Plesk said of this server. */
export interface PleskFacts {
  /** 'closed' to who is not root: the panel's own program does not answer anybody else. */
  readonly is: 'asked' | 'closed';
  readonly version: string | 'unknown';
  readonly sites: number;
  readonly tasks: number;
  /** Questions without an answer. */
  readonly gaps: readonly Extract<Answer<never>, { is: 'unanswered' }>[];
  /** Tasks of users who have no crontab at all, and the like: what belongs to no line. */
  readonly findings: readonly Finding[];
  /** Which verbs the scheduler has. Asked before a deploy, and where few users' tasks are looked at. */
  readonly verbs?: Answer<Verbs>;
}

/** Where a worker's lock, log and guard go. */
export interface Places {
  readonly name: string;
  /** `<site home>/cronlatch`, the directory everything of ours is in. */
  readonly base: string;
  /** Lock and log directory of this worker. */
  readonly directory: string;
  readonly log: string;
  /** The log the old command writes, kept; else 'ours' or 'asked'; 'piped' when a program takes the output. */
  readonly logIs: 'kept' | 'ours' | 'asked' | 'piped';
  /** Who opens the log: the shell in front of a `sudo` still has the rights of the entry's user. */
  readonly logOwner: Owner;
  readonly logAt: LogFacts;
  /** Guard file when it stands in the entry. */
  readonly guardInBase: string;
}

/** The place of a log, as whoever ran the survey sees it. */
export interface LogFacts {
  /** What the shell would open, links followed. */
  readonly seen: Seen;
  /** Directories have to be made for it. */
  readonly made?: boolean;
  /** From the nearest directory that exists up to the root. */
  readonly way: readonly { readonly path: string; readonly seen: Seen }[];
  /** Groups of the job's user. */
  readonly groups: readonly number[];
}

/** An entry that starts a PHP or Node script. */
export interface Job {
  readonly source: CrontabSource;
  readonly sourceName: string;
  readonly live: boolean;
  readonly crontab: Crontab;
  readonly entry: EntryLine;
  readonly line: number;
  readonly command: Command;
  /** The user it runs as: the entry's, or the one its command switches to. */
  readonly user: Person;
  /** Its user may not enter the directory it starts in: root's home behind a `su`, say. */
  readonly directoryClosed?: true;
  /** Runs as somebody whose files we may not write. */
  readonly foreign: boolean;
  readonly owner: Owner;
  readonly interpreter: InterpreterFacts;
  readonly script: ScriptFacts | 'absent' | 'unreadable';
  readonly scriptPath: string;
  readonly args: readonly string[];
  readonly framework: FrameworkFacts | 'none';
  readonly places: Places | 'none';
  /** The command sees this directory as its root: the user's home. */
  readonly chroot?: string;
  readonly task?: TaskFacts;
  /** Running now, with or without the lock. */
  readonly instances: readonly Instance[];
  /** The longest run that could be measured. */
  readonly runs?: { readonly seconds: number; readonly measured: string };
  /** Why this entry cannot be latched as it is. */
  readonly obstacles: readonly Finding[];
  readonly findings: readonly Finding[];
}

export interface EntryFacts {
  readonly entry: EntryLine;
  readonly line: number;
  readonly user: string;
  readonly reading: Reading;
  readonly task?: TaskFacts;
  readonly job: Job | 'none';
  readonly findings: readonly Finding[];
}

export interface CrontabFacts {
  readonly source: CrontabSource;
  readonly name: string;
  readonly dialect: Dialect;
  readonly crontab: Crontab;
  readonly route: Route;
  readonly entries: readonly EntryFacts[];
  readonly findings: readonly Finding[];
}

export interface Facts {
  readonly crontabs: readonly CrontabFacts[];
  /** What this user may not see. */
  readonly unseen: readonly string[];
  readonly plesk: PleskFacts | 'none';
  /** Every worker entry, also those that were not meant and have no job. */
  readonly workers: readonly Sight[];
  /** States of paths a plan may need to create or replace. */
  readonly paths: ReadonlyMap<string, Seen>;
  /** Scripts as the site's own PHP reads them, by path; for those that may get the guard's line. */
  readonly tokens?: ReadonlyMap<string, SourceTokens>;
  /** New version of the script, with --worker. */
  readonly worker?: {
    readonly path: string;
    readonly bytes: string;
    readonly once: ScriptFacts['once'];
  };
}

/** Every job of the survey, in the order of the crontabs. */
export function jobsOf(facts: Facts): Job[] {
  return facts.crontabs.flatMap((c) => c.entries.flatMap((e) => (e.job === 'none' ? [] : [e.job])));
}

/** Arguments that tell jobs of one script apart; `--once` and the like say how a run ends, not which job it is. */
export function tellingArgs(args: readonly string[]): string[] {
  return args.filter((arg) => !/^--(?:once|stop-when-empty|no-wait|time-limit=\d+)$/.test(arg));
}

/** The name a source has in reports and JSON: a path, or `user:NAME`. */
export function sourceName(source: CrontabSource): string {
  return source.is === 'user' ? `user:${source.user}` : source.path;
}
