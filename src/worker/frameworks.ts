// The frameworks people run from cron: what each locks itself, what ends one pass of it, what must never be locked.
// docs/frameworks.md is this table in words; a test holds the two together.
import { basename } from 'node:path/posix';

export type FrameworkId =
  | 'laravel-queue'
  | 'laravel-schedule'
  | 'laravel-horizon'
  | 'symfony-messenger'
  | 'shopware-tasks'
  | 'wp-cron'
  | 'wp-cli-cron'
  | 'drush-cron'
  | 'drush-queue'
  | 'magento-cron'
  | 'magento-consumer'
  | 'moodle-cron'
  | 'nextcloud-cron'
  | 'yii-queue'
  | 'craft-queue'
  | 'typo3-scheduler'
  | 'console';

/** What a framework keeps its own runs apart with; each but flock fails in a way of its own (docs/frameworks.md). */
type Keeps = 'nothing' | 'cache-key' | 'transient' | 'database-row' | 'get-lock' | 'task-locks';

/**
 * 'scheduler': starts what is due at its minute, so a refused run misses jobs: never locked. 'runner': does what is due and
 * ends; what a refused run leaves is done by the next. 'consumer': takes jobs from a queue for as long as it is let.
 * 'command': anything else that one console runs.
 */
export type Role = 'scheduler' | 'runner' | 'consumer' | 'command';

export interface Framework {
  readonly id: FrameworkId;
  /** As people call it. */
  readonly name: string;
  readonly role: Role;
  readonly keeps: Keeps;
  /** Flags any of which already limits a run. */
  readonly limits: readonly string[];
  /** The flag that makes one draining pass, or the next best limit; 'SECONDS' is worked out from the schedule. */
  readonly pass?: string;
  /** Where the framework's own source says whether it knows that flag, from the application's directory. */
  readonly evidence?: string;
  /** Another command of the same console that makes one pass, where no flag does. */
  readonly instead?: string;
}

interface Row extends Framework {
  /** What the script is called. Vendor's own launchers keep their names wherever they stand. */
  readonly scripts: readonly string[];
  /** What the console is told to do: the first words of the arguments, options aside; absent: anything. */
  readonly commands?: readonly string[];
  /** The end of the script's path, where the name alone says too little. */
  readonly path?: RegExp;
  /** What its source has to hold, where path and name say too little. */
  readonly holds?: RegExp;
}

const LARAVEL = ['artisan'];
const SYMFONY = ['console'];
const WP = ['wp', 'wp-cli.phar'];
const DRUSH = ['drush', 'drush.php', 'drush.phar'];
const MESSENGER = 'vendor/symfony/messenger/Command/ConsumeMessagesCommand.php';

/** First match counts. */
export const frameworks: readonly Row[] = [
  {
    id: 'laravel-queue',
    name: 'Laravel queue',
    scripts: LARAVEL,
    commands: ['queue:work', 'queue:listen'],
    role: 'consumer',
    keeps: 'nothing',
    limits: ['--stop-when-empty', '--max-time', '--max-jobs', '--once'],
    pass: '--stop-when-empty',
    evidence: 'vendor/laravel/framework/src/Illuminate/Queue/Console/WorkCommand.php',
  },
  {
    id: 'laravel-schedule',
    name: 'Laravel scheduler',
    scripts: LARAVEL,
    commands: ['schedule:run', 'schedule:work'],
    role: 'scheduler',
    keeps: 'cache-key',
    limits: [],
  },
  {
    id: 'laravel-horizon',
    name: 'Laravel Horizon',
    scripts: LARAVEL,
    commands: ['horizon'],
    role: 'consumer',
    keeps: 'cache-key',
    limits: [],
  },
  {
    id: 'symfony-messenger',
    name: 'Symfony Messenger',
    scripts: [...SYMFONY, 'typo3'],
    commands: ['messenger:consume', 'messenger:consume-messages'],
    role: 'consumer',
    keeps: 'nothing',
    limits: ['--time-limit', '--limit', '--memory-limit', '-t', '-l', '-m'],
    pass: '--time-limit=SECONDS',
    evidence: MESSENGER,
  },
  {
    id: 'shopware-tasks',
    name: 'Shopware scheduled tasks',
    scripts: SYMFONY,
    commands: ['scheduled-task:run'],
    role: 'consumer',
    keeps: 'database-row',
    limits: ['--no-wait', '--time-limit', '--memory-limit', '-t', '-m'],
    pass: '--no-wait',
    evidence: 'vendor/shopware/core/Framework/MessageQueue/Command/ScheduledTaskRunner.php',
  },
  {
    id: 'wp-cron',
    name: 'WordPress wp-cron.php',
    scripts: ['wp-cron.php'],
    role: 'runner',
    keeps: 'transient',
    limits: [],
  },
  {
    id: 'wp-cli-cron',
    name: 'WP-CLI cron',
    scripts: WP,
    commands: ['cron event run'],
    role: 'runner',
    keeps: 'nothing',
    limits: [],
  },
  {
    id: 'drush-cron',
    name: 'Drupal cron by drush',
    scripts: DRUSH,
    commands: ['cron', 'core:cron', 'core-cron'],
    role: 'runner',
    keeps: 'database-row',
    limits: [],
  },
  {
    id: 'drush-queue',
    name: 'Drupal queue by drush',
    scripts: DRUSH,
    commands: ['queue:run', 'queue-run'],
    role: 'runner',
    keeps: 'nothing',
    limits: ['--time-limit', '--items-limit'],
  },
  {
    id: 'magento-cron',
    name: 'Magento cron',
    scripts: ['magento'],
    commands: ['cron:run'],
    role: 'scheduler',
    keeps: 'get-lock',
    limits: [],
  },
  {
    id: 'magento-consumer',
    name: 'Magento queue consumer',
    scripts: ['magento'],
    commands: ['queue:consumers:start'],
    role: 'consumer',
    keeps: 'nothing',
    limits: ['--max-messages', '--single-thread'],
  },
  {
    id: 'moodle-cron',
    name: 'Moodle cron',
    scripts: ['cron.php'],
    path: /\/admin\/cli\/cron\.php$/,
    role: 'scheduler',
    keeps: 'task-locks',
    limits: ['--keep-alive', '-k'],
  },
  {
    id: 'nextcloud-cron',
    name: 'Nextcloud cron.php',
    scripts: ['cron.php'],
    holds: /\blib\/(?:base|versioncheck)\.php/,
    role: 'runner',
    keeps: 'database-row',
    limits: [],
  },
  {
    id: 'yii-queue',
    name: 'Yii queue',
    scripts: ['yii'],
    commands: ['queue/listen', 'queue/run'],
    role: 'consumer',
    keeps: 'nothing',
    limits: [],
    instead: 'queue/run',
  },
  {
    id: 'craft-queue',
    name: 'Craft queue',
    scripts: ['craft'],
    commands: ['queue/listen', 'queue/run'],
    role: 'consumer',
    keeps: 'nothing',
    limits: [],
    instead: 'queue/run',
  },
  {
    id: 'typo3-scheduler',
    name: 'TYPO3 scheduler',
    scripts: ['typo3'],
    commands: ['scheduler:run'],
    role: 'scheduler',
    keeps: 'database-row',
    limits: [],
  },
  {
    id: 'console',
    name: 'a framework’s console',
    scripts: [
      ...LARAVEL,
      ...SYMFONY,
      ...WP,
      ...DRUSH,
      'craft',
      'yii',
      'magento',
      'occ',
      'typo3',
      'please',
      'spark',
      'cake',
      'cake.php',
      'n98-magerun2.phar',
    ],
    role: 'command',
    keeps: 'nothing',
    limits: [],
  },
];

/** Scripts that are many jobs in one. */
export const consoleNames: readonly string[] = frameworks.find((row) => row.id === 'console')?.scripts ?? [];

/** The framework a worker belongs to, by its script's path, its arguments and, where those say too little, its source. */
export function frameworkOf(scriptPath: string, args: readonly string[], source = ''): Framework | 'none' {
  const name = basename(scriptPath);
  const told = `${toldWords(args).join(' ')} `;
  return (
    frameworks.find(
      (row) =>
        row.scripts.includes(name) &&
        (row.commands?.some((command) => told.startsWith(`${command} `)) ?? true) &&
        (row.path?.test(scriptPath) ?? true) &&
        (row.holds?.test(source) ?? true),
    ) ?? 'none'
  );
}

/** The arguments without options: what the console is told to do, and with what. */
function toldWords(args: readonly string[]): readonly string[] {
  return args.filter((arg) => !arg.startsWith('-') && arg !== '');
}

export type Pass =
  /** Does what is there and ends by itself. */
  | { readonly is: 'ends' }
  /** The entry limits the run already. */
  | { readonly is: 'limited'; readonly by: string }
  /** This flag makes one pass of it. */
  | { readonly is: 'flag'; readonly flag: string }
  /** No flag does, but another command of the same console. */
  | { readonly is: 'instead'; readonly command: string }
  /** Runs until it is stopped. */
  | { readonly is: 'endless' }
  /** Cannot be told from the arguments. */
  | { readonly is: 'unknown' };

/**
 * What makes one pass of it. `every` is the schedule's interval in seconds: a time limit is to end the run just before a tick,
 * so that the next one starts at once (locks.md: 60k - 5 s).
 */
export function onePass(framework: Framework, args: readonly string[], every?: number): Pass {
  const limit = framework.limits.find((flag) =>
    args.some((arg) => arg === flag || arg.startsWith(`${flag}=`) || isGlued(flag, arg)),
  );
  if (limit !== undefined) return { is: 'limited', by: limit };
  const [told] = toldWords(args);
  if (framework.role === 'command') return { is: 'unknown' };
  if (told === 'queue:listen' || told === 'schedule:work') {
    // `listen` starts a fresh `work` for each job and knows no end of its own.
    return {
      is: 'instead',
      command: told === 'queue:listen' ? 'queue:work --stop-when-empty' : 'schedule:run',
    };
  }
  if (framework.role !== 'consumer') return { is: 'ends' };
  if (framework.instead !== undefined)
    return told === framework.instead ? { is: 'ends' } : { is: 'instead', command: framework.instead };
  if (framework.pass === undefined) return { is: 'endless' };
  if (!framework.pass.endsWith('=SECONDS')) return { is: 'flag', flag: framework.pass };
  if (every === undefined || every < 60) return { is: 'endless' };
  return { is: 'flag', flag: framework.pass.replace('SECONDS', String(every - 5)) };
}

/** `-t55`: a short option with its value behind it. */
function isGlued(flag: string, arg: string): boolean {
  return /^-[a-z]$/.test(flag) && arg.startsWith(flag) && /^\d/.test(arg.slice(2));
}
