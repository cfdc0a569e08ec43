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

export interface Wrapper {
  readonly name: 'nice' | 'ionice' | 'timeout' | 'env' | 'nohup' | 'setsid' | 'chrt' | 'stdbuf';
  /** From the wrapper's own word to the word before what it wraps. */
  readonly words: readonly Word[];
}

export interface Redirect {
  readonly span: Span;
  /** The descriptor changed: 0, 1, 2 …; 'both' for bash's `&>`. */
  readonly fd: number | 'both';
  readonly operator: '>' | '>>' | '<' | '>&' | '<&' | '&>' | '&>>' | '>|' | '<>';
  readonly target: Word;
}

/** What starts a PHP or Node script of the site. */
export interface Command {
  readonly is: 'worker';
  /**
   * Text that stands before the worker and stays as it is: guards (`[ -f x ] &&`), `sleep 30 &&`,
   * `export A=b;`. The `cd` is not part of it.
   */
  readonly before: readonly Span[];
  /** The `cd DIR &&` or `cd DIR;` in front, when there is one. */
  readonly cd?: { readonly span: Span; readonly word: Word; readonly joint: '&&' | ';' };
  /** Absolute directory the worker starts in: after the cd, else cron's HOME. Not resolved through symlinks. */
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
  /** In the order written. */
  readonly redirects: readonly Redirect[];
  /** Ends in `&`. */
  readonly background: boolean;
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
  | 'user-switch' // sudo, su, runuser …
  | 'lock-wrapper' // flock, setlock, run-one: has a lock already
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
}

export type Reading = Command | Opaque;

/** What cron gives the command besides its text. */
export interface Surroundings {
  /** SHELL in force for the entry; decides whether bash or dash reads the text. */
  readonly shell: Bytes;
  /** HOME in force: the directory cron starts the command in. */
  readonly home: Bytes;
  /** Variables known to be set: the crontab's settings above the entry plus what cron sets itself. */
  readonly variables: ReadonlyMap<Bytes, Bytes>;
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
}

export type RewriteNote =
  | { readonly code: 'cd-added' | 'cd-joint' | 'cd-absolute'; readonly directory: Bytes }
  | { readonly code: 'interpreter'; readonly from: Bytes; readonly to: Bytes }
  | { readonly code: 'once-added' | 'pass-added' }
  | {
      readonly code: 'log-added' | 'log-kept' | 'null-replaced' | 'truncate-to-append' | 'stderr-added';
      readonly log: Bytes;
    }
  | { readonly code: 'background-removed' | 'nohup-removed' };
