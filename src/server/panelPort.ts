// The part of the door that is the panel: what may be asked of Plesk, and the one thing that may be changed through it.
import type { Listed } from '../plesk/listed.ts';
import type { PhpHandler } from '../plesk/phpHandlers.ts';
import type { PsaConf } from '../plesk/psaConf.ts';
import type { Site } from '../plesk/rows.ts';
import type { Verbs } from '../plesk/scheduler.ts';
import type { Task, TaskText } from '../plesk/task.ts';
import type { Ran } from './server.ts';

/** What Plesk answered, or why that is no answer. A scan tells the gap, a deploy stops at it. */
export type Answer<T> =
  | { readonly is: 'answer'; readonly value: T }
  | {
      readonly is: 'unanswered';
      /** The command that was run. */
      readonly asked: string;
      readonly why: 'missing' | 'late' | 'failed' | 'garbage';
      readonly said: string;
    };

/** One change of a task's text, and only of that. */
export interface TaskChange {
  readonly id: number;
  readonly before: TaskText;
  readonly after: TaskText;
  /** Full version of PHP, for a task that becomes one that runs a PHP script. */
  readonly php?: string;
}

/** The panel. All of it but `update` only reads; its database is never written. */
export interface Plesk {
  readonly conf: PsaConf;
  version(): Promise<Answer<string>>;
  /** Every site with its document root, user, shell and PHP handler, in one question. */
  sites(): Promise<Answer<readonly Site[]>>;
  /** One site by what `site --info` says of it, for where the database does not answer. */
  site(name: string): Promise<Answer<Pick<Site, 'name' | 'login' | 'root'>>>;
  handlers(): Promise<Answer<readonly PhpHandler[]>>;
  /** Every task of every user, in one question. */
  tasks(): Promise<Answer<readonly Task[]>>;
  task(id: number): Promise<Answer<Task | 'gone'>>;
  /** Which verbs has `plesk bin scheduler`? */
  verbs(): Promise<Answer<Verbs>>;
  /** The tasks of one subscription as the scheduler lists them. */
  listed(subscription: string): Promise<Answer<readonly Listed[]>>;
  /** Changes a task's text. Throws a Problem when Plesk says that it has not. */
  update(change: TaskChange): Promise<void>;
  /** What a question of a probe is answered with, as it is. */
  probe(words: readonly string[]): Promise<Ran>;
}
