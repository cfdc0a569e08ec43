// What a config file may hold: answers for all workers, named like the flags, and those of each worker it lists.
import { Problem } from '../problem.ts';

/** Flags that are about one command line only: never taken from the environment or a file. */
export const onlyFlags: ReadonlySet<string> = new Set([
  'help',
  'version',
  'ci',
  'config',
  'plan',
  'save',
  'print',
  'html',
  'probe',
  'resume',
  'dry-run',
  'expect',
  'keep',
  'kill',
  'run-now',
  'background',
  'status',
  'stop',
  'scaffold',
  'force',
  'remote',
  'unseen-transactions',
  'file',
  'debug',
  'quiet',
  'verbose',
  'color',
  'no-color',
  'json',
  'format',
]);

/** Answers about the run as a whole: one worker of several cannot have its own. */
export const ofTheRun: readonly string[] = [
  ...['state-dir', 'wait', 'yes', 'plesk-timeout', 'all'],
  ...['plain', 'answers', 'watch'],
];

export type Answers = Readonly<Record<string, unknown>>;

export interface Config {
  /** For every worker. */
  readonly shared: Answers;
  /** One for each worker, where the file lists any; each names its `script` or `entry`. */
  readonly workers: readonly Answers[];
}

/**
 * Takes a config file apart. Throws 'usage' for keys that nobody would ever read: a slip must not be passed over in
 * silence.
 */
export function readAnswers(path: string, config: Answers, flags: readonly string[]): Config {
  const { $schema: _, workers = [], ...shared } = config;
  refuseKeys(`The config file ${path}`, shared, flags);
  if (!Array.isArray(workers))
    throw new Problem('usage', { what: `The config file ${path}: 'workers' is no list.` });
  for (const [index, worker] of workers.entries()) {
    const name = `The config file ${path}, worker ${index + 1}`;
    if (typeof worker !== 'object' || worker === null || Array.isArray(worker))
      throw new Problem('usage', { what: `${name}: it is no object with answers.` });
    refuseKeys(name, worker, flags);
    const foreign = ofTheRun.find((key) => key in worker);
    if (foreign !== undefined)
      throw new Problem('usage', {
        what: `${name}: '${foreign}' is about the whole run and stands above 'workers'.`,
      });
    if ('script' in worker === 'entry' in worker)
      throw new Problem('usage', { what: `${name}: it is to name its 'script' or its 'entry'.` });
  }
  const both = workers.length === 0 ? undefined : ['script', 'entry', 'all'].find((key) => key in shared);
  if (both !== undefined)
    throw new Problem('usage', {
      what: `The config file ${path}: '${both}' stands beside 'workers', which names them.`,
    });
  return { shared, workers };
}

function refuseKeys(name: string, answers: Answers, flags: readonly string[]): void {
  for (const key of Object.keys(answers)) {
    if (flags.includes(key) && !onlyFlags.has(key)) continue;
    const why = flags.includes(key) ? 'can be given on the command line only' : 'is no answer';
    throw new Problem('usage', { what: `${name}: '${key}' ${why}.` });
  }
}
