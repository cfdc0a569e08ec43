// What a probe asks: the answers this program only assumes, gathered on a real server. Every question only reads.
import { someTasksQuery } from './rows.ts';

export interface Probe {
  /** What of src/plesk/known.ts it settles. */
  readonly about: string;
  readonly words: readonly string[];
  /** The answer has a customer's commands in it: their words are taken out. */
  readonly private?: true;
}

/** The questions, the ones about one subscription with its name. */
export function probes(subscription: string | 'none', user: string | 'none'): Probe[] {
  const query = (about: string, sql: string): Probe => ({ about, words: ['db', '-B', '-N', '-e', sql] });
  const bin = (about: string, ...words: string[]): Probe => ({ about, words: ['bin', ...words] });
  return [
    { about: 'product-version', words: ['version'] },
    bin('help-names-verbs update-arguments', 'scheduler', '--help'),
    bin('handler-keys', 'php_handler', '--list', '-json', 'true'),
    query('db-tasks active-values', 'SHOW COLUMNS FROM ScheduledTasks'),
    query('db-sites home-is-webspace', 'SHOW COLUMNS FROM sys_users'),
    ...(subscription === 'none'
      ? []
      : [
          bin('info-labels', 'site', '--info', subscription),
          bin('info-labels', 'subscription', '--info', subscription),
          {
            ...bin(
              'scheduler-verbs list-fields',
              'scheduler',
              '--list',
              '-subscription',
              subscription,
              '-json',
            ),
            private: true as const,
          },
        ]),
    // A name is taken from the panel's own list and has been looked at: nothing in it can end the string.
    ...(user === 'none'
      ? []
      : [
          {
            ...query('exec-line php-arguments inactive-line batch-escapes task-login', someTasksQuery(user)),
            private: true as const,
          },
        ]),
  ];
}
