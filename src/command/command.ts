// The shapes of a command: what an entry's shell text runs, or why we cannot tell.
import type { Bytes, Span } from '../crontab/crontab.ts';

export type InterpreterKind = 'php' | 'node';

/** A word of the command: where it stands in the decoded text and what it says when no expansion is left in it. */
export interface Word {
  /** Offsets in the decoded command text. */
  readonly span: Span;
  /** Its text as written, quotes included. */
  readonly raw: Bytes;
  /** Its value with quotes removed and known variables put in. */
  readonly value: Bytes;
  /** Present when only the shell can know the value: an expansion is left in it, as written. */
  readonly open?: true;
}

export type WrapperName =
  | 'nice'
  | 'ionice'
  | 'timeout'
  | 'env'
  | 'nohup'
  | 'setsid'
  | 'chrt'
  | 'stdbuf'
  | 'exec'
  | 'chronic'
  /** A lock of the entry's own: it stays, since other entries may wait for the same file. */
  | 'flock'
  | UserSwitch;

/** Programs that run another as somebody else. */
export type UserSwitch = 'sudo' | 'doas' | 'runuser' | 'su' | 'gosu' | 'su-exec' | 'setuidgid';

export interface Wrapper {
  readonly name: WrapperName;
  /** From the wrapper's own word to the word before what it wraps. */
  readonly words: readonly Word[];
}

export interface Redirect {
  readonly span: Span;
  /** The descriptor changed: 0, 1, 2 …; 'both' for bash's `&>`. */
  readonly fd: number | 'both';
  readonly operator: '>' | '>>' | '<' | '>&' | '<&' | '&>' | '&>>' | '>|' | '<>';
  readonly target: Word;
  /** bash's `&>` read by dash: an `&`, then a redirect of nothing. */
  readonly afterAmpersand?: true;
}

/** Redirects on the way out, of the worker itself or of something around it, such as `( … ) >> log`. */
export interface Outlet {
  /** Index of the text the redirects stand in: 0 is the entry's own, the last one the worker's. */
  readonly level: number;
  /** In the order written. */
  readonly redirects: readonly Redirect[];
  /** Where what has them starts and ends, redirects included. */
  readonly span: Span;
  /** Relative targets are seen from here: the directory the shell is in when it opens them. */
  readonly directory: Bytes;
  /** Who opens them, when it is not the entry's user. */
  readonly user?: Bytes;
  /** The last program of a pipe that everything further in writes to. */
  readonly sink?: true;
}

/** A text in which another stands as one word: the string of `sh -c`, `su -c` or `flock -c`. */
export interface Frame {
  readonly text: Bytes;
  readonly word: Word;
}

/** Where the names of programs are looked up: on the entry's PATH, on the one sudo sets, or on that of a login shell. */
export type LookUp = 'entry' | 'sudo' | 'login';

/** What starts a PHP or Node script of the site. Offsets are those of `text`, unless a level is named. */
export interface Command {
  readonly is: 'worker';
  /** The text the worker stands in: the entry's own, or the innermost string of its shells. */
  readonly text: Bytes;
  /** The texts around it, outermost first. */
  readonly frames: readonly Frame[];
  /**
   * Text that stands before the worker and stays as it is: guards (`[ -f x ] &&`), `sleep 30 &&`,
   * `export A=b;`. The `cd` is not part of it.
   */
  readonly before: readonly Span[];
  /** A test with pgrep in front, which the guard makes needless: `pgrep -f worker.php ||`. */
  readonly pgrep?: Span;
  /** An outer shell has gone to the directory already, by its full name and only if that worked. */
  readonly placed: boolean;
  /** The `cd DIR &&` or `cd DIR;` in front, when there is one. */
  readonly cd?: { readonly span: Span; readonly word: Word; readonly joint: '&&' | ';' };
  /** Absolute directory the worker starts in: after the cd, else where its shell starts. Not resolved through symlinks. */
  readonly directory: Bytes;
  /** `NAME=value` words directly before the command. */
  readonly assignments: readonly Word[];
  readonly wrappers: readonly Wrapper[];
  readonly interpreter: {
    readonly kind: InterpreterKind;
    /** How it is named: by absolute path, by name to be found on PATH, through env(1), or by the script itself (`#!` or its ending). */
    readonly how: 'absolute' | 'relative' | 'path' | 'env' | 'script';
    /** Absent when the script itself is the command. */
    readonly word?: Word;
  };
  /** Interpreter options before the script: `-q`, `-d memory_limit=-1`, `-f` … */
  readonly flags: readonly Word[];
  readonly script: Word;
  /** Absolute path of the script: `script.value` seen from `directory`. */
  readonly scriptPath: Bytes;
  readonly args: readonly Word[];
  /**
   * `php -f FILE`: PHP goes on reading options of its own after the file, up to its first other word or `--`. Says
   * whether that `--` is there, since without it or an argument no `--once` may follow.
   */
  readonly fileOption?: { readonly dashes?: Word };
  /** The worker's own, in the order written. */
  readonly redirects: readonly Redirect[];
  /** Every place where its output can be redirected, from the inside out: its own, its pipe's, those of groups and shells around it. */
  readonly outlets: readonly Outlet[];
  /** Started in the background, by itself or by something around it. */
  readonly background: boolean;
  /** Ends of commands behind which an `&` stands. */
  readonly ampersands: readonly { readonly level: number; readonly end: number }[];
  /** The user it runs as, when the command switches to one. */
  readonly user?: Bytes;
  readonly lookUp: LookUp;
  /** More than lead, cd, wrappers and worker: groups, shells inside shells, pipes, other users, steps behind it. */
  readonly involved: boolean;
  /** Where the worker's simple command starts and ends, redirects included. */
  readonly span: Span;
}

/** Why a command is left alone. `detail` is a word or name from the text. */
export type OpaqueReason =
  | 'empty'
  | 'syntax-error'
  | 'no-worker' // starts no PHP or Node script: a backup, a wget, a shell script
  | 'inline-code' // php -r, node -e
  | 'framework-binary' // npm, npx, composer …
  | 'several-commands'
  | 'pipe'
  | 'subshell'
  | 'nested-shell' // sh -c '…'
  | 'compound' // if, for, while, function …
  | 'user-switch' // sudo -i, sudo -b, setpriv …
  | 'unknown-user' // the user it switches to does not exist
  | 'no-login' // su to a user whose shell is none
  | 'lock-wrapper' // setlock, run-one …: has a lock already
  | 'pgrep-guard'
  | 'container' // docker exec …
  | 'unknown-wrapper'
  | 'undefined-variable'
  | 'expansion' // $( ), globs, … in a word that matters
  | 'bash-syntax' // means something else under /bin/sh
  | 'redirect' // a redirect we cannot keep: here-document, descriptor games
  | 'home-unknown'
  | 'not-utf8'; // a path whose bytes are no text: Node would open another file

export interface Opaque {
  readonly is: 'opaque';
  readonly why: OpaqueReason;
  readonly detail: Bytes;
  readonly span: Span;
  /** Nothing more can be told before this user's home and shell are known: see `Surroundings.people`. */
  readonly needs?: Bytes;
}

export type Reading = Command | Opaque;

/** A user as a command that switches to him finds him. */
export interface Known {
  /** Absent where nobody can tell: the crontab is for another machine. */
  readonly home?: Bytes;
  readonly shell: Bytes;
}

/** What cron gives the command besides its text. */
export interface Surroundings {
  /** SHELL in force for the entry; decides whether bash or dash reads the text. */
  readonly shell: Bytes;
  /** HOME in force: the directory cron starts the command in. */
  readonly home: Bytes;
  /** Variables known to be set: the crontab's settings above the entry plus what cron sets itself. */
  readonly variables: ReadonlyMap<Bytes, Bytes>;
  /** Users a command may switch to, as far as they have been looked up. */
  readonly people?: ReadonlyMap<Bytes, Known | 'unknown'>;
}

/** What a command's new form is to say. Absent means: as it is. */
export interface Wish {
  /** Absolute path of the interpreter. */
  readonly interpreter?: Bytes;
  /** Interpreter options to put right after the interpreter (`-d auto_prepend_file=…`), once. */
  readonly addFlags?: readonly Bytes[];
  /** Words among the interpreter's options that `addFlags` takes the place of. */
  readonly insteadOf?: readonly Word[];
  /** Add `--once` behind the arguments unless it is there. */
  readonly once?: boolean;
  /** The same with another flag, a framework's own for one pass. */
  readonly pass?: Bytes;
  /** Absolute path or path relative to the directory: `>> LOG 2>&1` unless the command already appends both streams to a file of its own. */
  readonly log?: Bytes;
  /** The log was asked for by name: it takes the place of a file the command writes already. */
  readonly logReplaces?: boolean;
  /** Its user may not enter the directory, which it merely inherits from whoever switched to him: no `cd` is added. */
  readonly inherits?: boolean;
  /** A guard keeps a second instance out: what looked for one with pgrep goes. */
  readonly guarded?: boolean;
}

export type RewriteNote =
  | { readonly code: 'cd-added' | 'cd-joint' | 'cd-absolute'; readonly directory: Bytes }
  | { readonly code: 'interpreter'; readonly from: Bytes; readonly to: Bytes }
  | { readonly code: 'once-added' | 'pass-added' }
  | {
      readonly code: 'log-added' | 'log-kept' | 'null-replaced' | 'truncate-to-append' | 'stderr-added';
      readonly log: Bytes;
    }
  | { readonly code: 'background-removed' | 'nohup-removed' | 'pgrep-removed' }
  /** flock(1) stays: another entry may wait for the same file. */
  | { readonly code: 'flock-kept' }
  /** What a pipe does with the output stays. */
  | { readonly code: 'pipe-kept' };
