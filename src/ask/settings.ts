// Every answer a command needs, settled: the value and where it came from.
import type { Dialect } from '../crontab/crontab.ts';
import type { CrontabSource } from '../server/server.ts';

export type Part = 'guard' | 'stop' | 'verify' | 'database';

/** Which crontabs are meant. */
export type Scope =
  | { readonly is: 'everything' }
  | {
      readonly is: 'files';
      readonly paths: readonly string[];
      readonly system: boolean;
      readonly live: boolean;
    }
  /** Those of a deployment. */
  | { readonly is: 'sources'; readonly sources: readonly CrontabSource[] }
  | { readonly is: 'user'; readonly name: string }
  /** `whole`: a subscription was named, not one of its sites. */
  | { readonly is: 'site'; readonly domain: string; readonly whole: boolean };

/** Which entries of them. */
export type Pick =
  | { readonly is: 'unsaid' }
  | { readonly is: 'all' }
  | { readonly is: 'script'; readonly path: string }
  | { readonly is: 'entry'; readonly line: number }
  /** Chosen in the wizard: source name and line, and the answers for that worker where it has its own. */
  | {
      readonly is: 'chosen';
      readonly entries: readonly {
        readonly source: string;
        readonly line: number;
        readonly latching?: Latching;
      }[];
    };

/** How a worker is to be latched; absent means: as the tool decides. */
export interface Latching {
  readonly interpreter?: string;
  readonly log?: string;
  readonly guard?: 'script' | 'entry';
  /** Directory of the lock, where it is not to be ours beside the document root. */
  readonly lockDir?: string;
  /** The lock may lie below a document root: said by name, never by default. */
  readonly lockInDocroot?: boolean;
  /** Several web servers: the file with the credentials for a second lock in their database, or `env`. */
  readonly shared?: string;
  /** Path of a new version of the script. */
  readonly worker?: string;
  readonly once: 'auto' | 'yes' | 'no';
  /** What a task of Plesk is changed through. */
  readonly through?: 'scheduler' | 'crontab';
  /** The kind of task it is to be. */
  readonly taskType?: 'exec' | 'php';
  /** Seconds. */
  readonly grace: number;
  readonly killAfter?: number;
  readonly without: readonly Part[];
}

/** A lock that an earlier deployment gave to a worker, as the journals know it. */
export interface EarlierLock {
  readonly script: string;
  readonly uid: number;
  readonly args: readonly string[];
  readonly directory: string;
  readonly name: string;
}

export interface Settings {
  readonly scope: Scope;
  readonly dialect?: Dialect;
  readonly pick: Pick;
  readonly latching: Latching;
  /** Newest last: a worker that is latched again gets its old lock and log back. */
  readonly earlier?: readonly EarlierLock[];
  readonly stateDirectory: string;
}

/** How the worker of this entry is to be latched: by its own answers, or by those for all. */
export function latchingFor(
  { pick, latching }: { readonly pick: Pick; readonly latching: Latching },
  source: string,
  line: number,
): Latching {
  if (pick.is !== 'chosen') return latching;
  return pick.entries.find((e) => e.source === source && e.line === line)?.latching ?? latching;
}
