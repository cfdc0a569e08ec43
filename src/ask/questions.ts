// Every question of the wizard and what answers it beforehand: a flag, its variable, or a key of the config file.

export interface Question {
  /** Any of these, given before, and it is not asked. The first is the one an answer becomes. */
  readonly flags: readonly [string, ...string[]];
}

export const questions = {
  workers: { flags: ['script', 'entry', 'all'] },
  interpreter: { flags: ['interpreter', 'php', 'node'] },
  log: { flags: ['log'] },
  lock: { flags: ['lock-dir'] },
  /** Only where other machines were seen at the worker's database. */
  second: { flags: ['shared-lock'] },
  once: { flags: ['once'] },
  guard: { flags: ['guard'] },
  task: { flags: ['task-type'] },
  review: { flags: ['yes'] },
  keep: { flags: ['answers'] },
  watch: { flags: ['watch'] },
  /** What was planned is refused: is something to be answered in another way? */
  refused: { flags: ['yes'] },
  consent: { flags: ['yes'] },
} as const satisfies Readonly<Record<string, Question>>;

export type QuestionName = keyof typeof questions;

/** Those about how one worker is latched, in the order they are asked. */
export const aboutWorker = ['interpreter', 'task', 'once', 'log', 'lock', 'second', 'guard'] as const;

export type AboutWorker = (typeof aboutWorker)[number];

/** The answers for one worker, by flag. */
export type Own = Readonly<Partial<Record<(typeof questions)[AboutWorker]['flags'][0], string>>>;
