// The one door to the machine: what the rest of cronlatch may ask of a server, and nothing else.
import type { Bytes } from '../crontab/crontab.ts';
import type { Databases, Sockets } from './databasePort.ts';
import type { Plesk } from './panelPort.ts';

/** Whose rights an act has. Root uses it to become a site's user before touching what that user owns. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What stands at a path, symbolic links not followed. */
export type Seen =
  | { readonly is: 'absent' }
  | SeenFile
  | {
      readonly is: 'directory';
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly inode: string;
    }
  | { readonly is: 'link'; readonly target: string }
  /** FIFO, socket, device, or a file too large to be a script or a crontab. */
  | {
      readonly is: 'other';
      readonly what: string;
      /** Of the file that is too large: a log may be one. */
      readonly own?: { readonly mode: number; readonly uid: number; readonly gid: number };
    };

export interface SeenFile {
  readonly is: 'file';
  readonly bytes: Bytes;
  /** Permission bits only (07777). */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds and nine digits of nanoseconds, as a string: a JavaScript double cannot hold them. */
  readonly mtime: string;
  /** `device:inode`, decimal. */
  readonly inode: string;
  readonly links: number;
}

/** How a new file is to look. Without mtime it gets the present time. */
export interface FileLook {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime?: string;
}

/** Some of a file; size, inode and mtime are the whole file's at that moment. */
export interface Part {
  readonly text: Bytes;
  readonly size: number;
  readonly inode: string;
  readonly mtime: string;
}

/** Small acts, so that a fault or a crash can fall between any two of them. Each throws a Problem on failure. */
export interface Files {
  /** `most`: no more of the bytes than that, for files that others write to, of whatever size. */
  look(path: string, as: Owner, most?: number): Promise<Seen>;
  /** The last `bytes` bytes of a file from `offset`, for logs of any size. */
  tail(path: string, offset: number, bytes: number, as: Owner): Promise<Part | 'absent'>;
  /** Up to so many bytes of a file from `offset` on: a long one is read piece by piece. */
  part(path: string, offset: number, bytes: number, as: Owner): Promise<Part | 'absent'>;
  /** Path with every symbolic link resolved. */
  real(path: string, as: Owner): Promise<string | 'absent'>;
  list(path: string, as: Owner): Promise<readonly string[] | 'absent'>;
  /** May `as` execute this file? */
  executable(path: string, as: Owner): Promise<boolean>;
  /**
   * Creates a file that must not exist. Not durable before sync. `like` is a file whose access control list and
   * extended attributes the new one is to have.
   */
  write(path: string, bytes: Bytes, look: FileLook, as: Owner, like?: string): Promise<void>;
  /** Adds to a file, creating it with 0600. Not durable before sync. */
  append(path: string, bytes: Bytes, as: Owner): Promise<void>;
  /** fsync of a file or a directory. A new name is durable when its directory is. */
  sync(path: string, as: Owner): Promise<void>;
  /** Replaces what stands at `to`. */
  rename(from: string, to: string, as: Owner): Promise<void>;
  remove(path: string, as: Owner): Promise<void>;
  /** `owner` differs from `as` only where root makes a directory for a user inside one of its own. */
  makeDirectory(path: string, mode: number, owner: Owner, as: Owner): Promise<void>;
  /** Only an empty one; 'kept' when something is in it. */
  removeDirectory(path: string, as: Owner): Promise<'removed' | 'kept'>;
}

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  /** Ticks since boot, as printed in /proc/PID/stat: with the pid it names one process for ever. */
  readonly start: string;
  /** Seconds since its birth, by the kernel's clock; absent where the list does not tell. */
  readonly age?: number;
  /** The uid, where real, effective and saved one are the same; else -1. */
  readonly uid: number;
  /** R, S, D, Z … */
  readonly state: string;
  readonly exe: string | 'unseen';
  readonly argv: readonly string[];
  readonly cwd: string | 'unseen';
}

/** Enough to be sure, just before a signal, that it is still the process that was meant. */
export interface Target {
  readonly pid: number;
  readonly start: string;
  readonly uid: number;
  /** Real path of the script it runs. */
  readonly script: string;
  /** The script's word in its argv. */
  readonly word: string;
}

/** What a process is at: for who waits for its end. */
export interface Doing {
  /** R, S, D, T, Z … */
  readonly state: string;
  /** Seconds of processor time it has used. */
  readonly cpu: number;
  readonly group: number;
  /** What it has started and what those have. `shares`: has a socket of it open, a database connection for example. */
  readonly children: readonly {
    readonly pid: number;
    readonly start: string;
    readonly name: string;
    readonly shares: boolean;
  }[];
}

/** The cron of this machine; `as` is what was found of it. 'unseen': it may run where we cannot look. */
export type Daemon =
  | { readonly is: 'seen'; readonly as: string }
  | { readonly is: 'none' }
  | { readonly is: 'unseen'; readonly because: 'hidden' | 'confined' };

export interface Processes {
  list(): Promise<readonly ProcessRow[]>;
  /** The same list for who asks once a second: what has not changed its program is not read anew. */
  follow(): () => Promise<readonly ProcessRow[]>;
  /**
   * Is what the process means by `path` (from its own root, mounts and working directory) the file at `real`? Then
   * that, else the real path outside, where there is the same file.
   */
  resolve(pid: number, path: string, real?: string): Promise<string | 'unseen'>;
  /** Does the process hold a flock on this file? From its fdinfo; 'unseen' where that is not readable. */
  holds(pid: number, lockInode: string): Promise<boolean | 'unseen'>;
  /** Path of what its standard output goes to; 'unseen' where that is not readable. */
  output(pid: number): Promise<string | 'unseen'>;
  /** Is a flock held on this file by anybody? From /proc/locks. */
  locked(lockInode: string): Promise<boolean | 'unseen'>;
  /** Are there processes outside of this one's PID namespace, which nobody here can see or signal? */
  confined(): Promise<boolean>;
  /** Does a cron run that reads this machine's crontabs? */
  cron(): Promise<Daemon>;
  /** What it is at and what it has started. */
  doing(pid: number): Promise<Doing | 'gone'>;
  /** Checks pid, start time, uid and script again, then signals. */
  signal(target: Target, signal: 'SIGTERM' | 'SIGKILL'): Promise<'sent' | 'gone' | 'different'>;
}

export type CrontabSource =
  | { readonly is: 'user'; readonly user: string }
  | { readonly is: 'system'; readonly path: string }
  | { readonly is: 'cron.d'; readonly path: string }
  | {
      readonly is: 'file';
      readonly path: string;
      readonly system: boolean;
      /** A cron (or the sandbox) runs this file's entries. */
      readonly live: boolean;
    };

/** How a crontab's bytes were read and are to be written. */
export type Route =
  /** A file replaced by rename: /etc/crontab, /etc/cron.d, --file, and root's way into the spool. */
  | { readonly by: 'file' | 'spool'; readonly path: string; readonly as: Owner; readonly look: FileLook }
  /** crontab(1), for people who may not see the spool. */
  | { readonly by: 'command'; readonly user: string };

export type SeenCrontab =
  | { readonly is: 'none' }
  | { readonly is: 'crontab'; readonly text: Bytes; readonly route: Route };

export interface Crontabs {
  /** Every crontab this user may see; where it may not look, that is said in `unseen`. */
  sources(): Promise<{ readonly sources: readonly CrontabSource[]; readonly unseen: readonly string[] }>;
  /** Throws a Problem on any failure that is not 'there is no crontab'. */
  read(source: CrontabSource): Promise<SeenCrontab>;
  /** Asks the real cron (`crontab -n`); user crontabs only. */
  check(
    text: Bytes,
  ): Promise<{ readonly is: 'ok' | 'unavailable' } | { readonly is: 'refused'; readonly said: string }>;
  /** `crontab FILE` as the present user. */
  install(text: Bytes): Promise<void>;
  /**
   * Moves the spool directory's mtime into a second of its own: cron sees changes by whole seconds. crontab(1) is given
   * `text`, which it has just installed, once more, since nobody else may touch the spool; not when it is another's now.
   */
  poke(route: Route, text: Bytes): Promise<void>;
}

export interface Ran {
  readonly code: number | 'signal' | 'timeout' | 'missing';
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly as: Owner;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stands on its standard input; closed without. */
  readonly input?: Bytes;
  /** Milliseconds; the whole process group is ended then. */
  readonly timeout: number;
}

export interface Programs {
  /** Runs a program without a shell, its standard input closed. */
  run(argv: readonly string[], options: RunOptions): Promise<Ran>;
  /**
   * Starts a program of our own that goes on when this one has ended, in a session of its own, and gives its PID. What
   * it says goes into a new file of mode 0600; its environment is ours.
   */
  detach(argv: readonly string[], output: string): Promise<number>;
}

export interface Person {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface People {
  find(nameOrUid: string | number): Promise<Person | 'unknown'>;
}

/** Who else may be deploying. */
export interface Holder {
  readonly id: string;
  readonly who: string;
  readonly command: string;
  readonly since: string;
  readonly pid: number;
}

export interface Latch {
  /** One deployer at a time. A kernel lock: a dead holder never blocks. */
  take(
    path: string,
    holder: Holder,
  ): Promise<
    | { readonly is: 'mine'; readonly release: () => Promise<void>; readonly leftBy?: Holder }
    | { readonly is: 'held'; readonly holder: Holder | 'unknown' }
  >;
}

export interface Web {
  /** What a site answers to this address: its code and the first bytes, or why there is no answer. */
  get(
    url: string,
    timeout: number,
  ): Promise<{ readonly status: number; readonly body: Bytes } | { readonly failed: string }>;
  /** Hands a text to an address, for whoever wants to be told. */
  post(
    url: string,
    text: string,
    timeout: number,
  ): Promise<{ readonly status: number } | { readonly failed: string }>;
}

export interface Self {
  readonly host: string;
  readonly user: string;
  readonly owner: Owner;
  readonly home: string;
  readonly root: boolean;
  /** IANA name of the server's time zone; undefined is the one this process keeps anyway. */
  readonly zone: string | undefined;
  readonly pid: number;
}

export interface Server {
  readonly self: Self;
  readonly files: Files;
  readonly processes: Processes;
  readonly crontabs: Crontabs;
  readonly programs: Programs;
  readonly people: People;
  /** The panel; 'none' where there is no psa.conf, which costs one look. */
  plesk(): Promise<Plesk | 'none'>;
  readonly latch: Latch;
  readonly databases: Databases;
  readonly sockets: Sockets;
  readonly web: Web;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment, for measuring a wait: nobody sets this clock. */
  elapsed(): number;
  wait(milliseconds: number): Promise<void>;
}
