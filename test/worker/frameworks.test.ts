// The frameworks people run from cron: recognised by what they are told to do, and as docs/frameworks.md says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { type FrameworkId, frameworkOf, frameworks, onePass } from '../../src/worker/frameworks.ts';

const site = '/var/www/vhosts/example.com';
const nextcloud = "<?php\nrequire_once __DIR__ . '/lib/base.php';\n";

test.each<[string, string, FrameworkId | 'none']>([
  ['artisan', 'queue:work', 'laravel-queue'],
  ['artisan', 'queue:work redis --queue=high,default --sleep=3', 'laravel-queue'],
  ['artisan', '--env=production queue:work', 'laravel-queue'],
  ['artisan', 'queue:listen', 'laravel-queue'],
  ['artisan', 'queue:restart', 'console'],
  ['artisan', 'queue:worker-of-mine', 'console'],
  ['artisan', 'schedule:run', 'laravel-schedule'],
  ['artisan', '-q schedule:run', 'laravel-schedule'],
  ['artisan', 'horizon', 'laravel-horizon'],
  ['artisan', 'horizon:snapshot', 'console'],
  ['bin/console', 'messenger:consume async -vv', 'symfony-messenger'],
  ['bin/console', 'scheduled-task:run', 'shopware-tasks'],
  ['bin/console', 'app:import', 'console'],
  ['httpdocs/wp-cron.php', '', 'wp-cron'],
  ['wp', 'cron event run --due-now', 'wp-cli-cron'],
  ['wp-cli.phar', '--path=httpdocs cron event run --due-now', 'wp-cli-cron'],
  ['wp', 'plugin update --all', 'console'],
  ['vendor/bin/drush', 'cron', 'drush-cron'],
  ['vendor/drush/drush/drush.php', '--uri=example.com core:cron', 'drush-cron'],
  ['vendor/bin/drush', 'queue:run mails', 'drush-queue'],
  ['vendor/bin/drush', 'cron-of-mine', 'console'],
  ['bin/magento', 'cron:run --group=index', 'magento-cron'],
  ['bin/magento', 'queue:consumers:start product_action --max-messages=500', 'magento-consumer'],
  ['bin/magento', 'indexer:reindex', 'console'],
  ['moodle/admin/cli/cron.php', '', 'moodle-cron'],
  ['httpdocs/cron.php', '', 'none'],
  ['yii', 'queue/listen 3', 'yii-queue'],
  ['yii', 'mail/send', 'console'],
  ['craft', 'queue/run', 'craft-queue'],
  ['vendor/bin/typo3', 'scheduler:run', 'typo3-scheduler'],
  ['vendor/bin/typo3', 'messenger:consume doctrine', 'symfony-messenger'],
  ['scripts/process_import_jobs.php', 'queue:work', 'none'],
  ['worker.mjs', '', 'none'],
])('%s %s is %s', (script, args, expected) => {
  const found = frameworkOf(`${site}/${script}`, args === '' ? [] : args.split(' '));
  expect(found === 'none' ? 'none' : found.id).toBe(expected);
});

it('a cron.php is Nextcloud’s only where its source says so', () => {
  expect(frameworkOf(`${site}/cron.php`, [], nextcloud)).toMatchObject({ id: 'nextcloud-cron' });
  expect(frameworkOf(`${site}/cron.php`, [], '<?php\nrequire "lib/mine.php";\n')).toBe('none');
});

const pass = (script: string, args: string, every?: number) => {
  const words = args.split(' ');
  const found = frameworkOf(`${site}/${script}`, words);
  if (found === 'none') throw new Error(`${script} is no framework`);
  return onePass(found, words, every);
};

test.each([
  ['artisan', 'queue:work', 60, { is: 'flag', flag: '--stop-when-empty' }],
  ['artisan', 'queue:work --stop-when-empty', 60, { is: 'limited', by: '--stop-when-empty' }],
  ['artisan', 'queue:work --max-time=55', 60, { is: 'limited', by: '--max-time' }],
  ['artisan', 'queue:work --once', 60, { is: 'limited', by: '--once' }],
  ['artisan', 'queue:work --max-timeout-of-mine=5', 60, { is: 'flag', flag: '--stop-when-empty' }],
  ['artisan', 'queue:listen', 60, { is: 'instead', command: 'queue:work --stop-when-empty' }],
  ['artisan', 'schedule:run', 60, { is: 'ends' }],
  ['artisan', 'schedule:work', 60, { is: 'instead', command: 'schedule:run' }],
  ['artisan', 'horizon', 60, { is: 'endless' }],
  ['bin/console', 'messenger:consume async', 60, { is: 'flag', flag: '--time-limit=55' }],
  ['bin/console', 'messenger:consume async', 300, { is: 'flag', flag: '--time-limit=295' }],
  ['bin/console', 'messenger:consume async', undefined, { is: 'endless' }],
  ['bin/console', 'messenger:consume async -t 55', 60, { is: 'limited', by: '-t' }],
  ['bin/console', 'messenger:consume async -l10', 60, { is: 'limited', by: '-l' }],
  ['bin/console', 'messenger:consume async --limit=10', 60, { is: 'limited', by: '--limit' }],
  ['bin/console', 'app:import', 60, { is: 'unknown' }],
  ['bin/console', 'scheduled-task:run', 300, { is: 'flag', flag: '--no-wait' }],
  ['wp', 'cron event run --due-now', 60, { is: 'ends' }],
  ['bin/magento', 'queue:consumers:start export', 60, { is: 'endless' }],
  [
    'bin/magento',
    'queue:consumers:start export --max-messages=10',
    60,
    { is: 'limited', by: '--max-messages' },
  ],
  ['yii', 'queue/listen', 60, { is: 'instead', command: 'queue/run' }],
  ['yii', 'queue/run --verbose', 60, { is: 'ends' }],
  ['craft', 'queue/listen', 60, { is: 'instead', command: 'queue/run' }],
])('one pass of %s %s, every %s s', (script, args, every, expected) => {
  expect(pass(script, args, every)).toEqual(expected);
});

describe('docs/frameworks.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/frameworks.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z0-9-]+)`\s*\|(.*)\|$/gm)].map(([, id, rest = '']) => ({
    id,
    cells: rest.split('|').map((cell) => cell.trim()),
  }));

  it('names the frameworks of the program, in its order, with their role and lock', () => {
    expect(rows.map(({ id, cells }) => [id, cells[1], cells[2]])).toEqual(
      frameworks.map(({ id, role, keeps }) => [id, role, keeps]),
    );
  });

  it('names commands that the program takes for that framework', () => {
    for (const { id, cells } of rows) {
      for (const [, line = ''] of (cells[0] ?? '').matchAll(/`([^`]+)`/g)) {
        const [script = '', ...args] = line.split(' ');
        const found = frameworkOf(`${site}/${script}`, args, id === 'nextcloud-cron' ? nextcloud : '');
        expect([line, found === 'none' ? found : found.id]).toEqual([line, id]);
      }
    }
  });

  it('names the same flag for one pass', () => {
    for (const row of frameworks) {
      const said = rows.find(({ id }) => id === row.id)?.cells[3] ?? '';
      const flag = row.pass ?? row.instead;
      if (flag !== undefined) expect(said).toContain(`\`${flag}\``);
      else if (row.role === 'consumer') expect(said).toMatch(/^none: /);
      else expect(said).toBe(row.role === 'command' ? 'not known' : 'ends by itself');
    }
  });

  it('says of every kind of lock how it fails', () => {
    const said = new Set([...text.matchAll(/^\| ([a-z-]+)\s*\| [A-Z]/gm)].map((m) => m[1]));
    expect([...new Set(frameworks.map((f) => f.keeps))].filter((keeps) => !said.has(keeps))).toEqual([]);
  });
});
