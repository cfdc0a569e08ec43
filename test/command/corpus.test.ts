// The collected lines read one by one: what each starts, by what the shell really does with it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Reading, Word } from '../../src/command/command.ts';
import { readCommand } from '../../src/command/read.ts';
import { isPiped } from '../../src/command/redirects.ts';
import { entriesOf } from './corpus.ts';

// line, interpreter and how it is named, working directory: (wrappers) assignments interpreter flags <script> arguments
// redirects. Or line, reason: detail. The home is /home/example-user, the shell /bin/sh.
const EXPECTED = [
  '2 php by path in /path-to-project: php </path-to-project/artisan> schedule:run 1>>/dev/null 2>&1',
  '3 php by path in /app: php </app/artisan> queue:work --stop-when-empty',
  '4 opaque no-worker: *',
  '5 opaque framework-binary: pnpm',
  '6 opaque framework-binary: pnpm',
  '7 php by absolute in /home/example-user/example-app: /usr/local/bin/php </home/example-user/example-app/artisan> queue:work --stop-when-empty --tries=3 --timeout=600 1>>/dev/null 2>&1',
  '8 php by absolute in /home/example-user: /opt/cpanel/ea-php84/root/usr/bin/php </home/example-user/projects/example-erp/backend/artisan> queue:work --stop-when-empty --max-time=55 1>>/home/example-user/logs/example-queue.log 2>&1',
  '9 php by path in /home/example-user: php </home/example-user/artisan> queue:work --stop-when-empty',
  '10 php by path in /home/example-user: php -q </home/example-user/projects/example.test/crons/cron.php> all',
  '11 php by path in /home/example-user: php -q </path/to/your/root/fuTelldus/cron_temp_log.php>',
  '12 php by path in /home/example-user: php -q </root/dcs/example_iptables.php> 1>/dev/null 2>&1',
  '13 php by path in /home/example-user: php -q </path/to/whmcs/modules/addons/remotebackups/cron.php>',
  '14 php by absolute in /home/example-user: (runuser -u site.example.com_abcdefghijk --) /opt/plesk/php/8.4/bin/php </var/www/vhosts/site.example.com/admin.site.example.com/artisan> schedule:run 1>/dev/null 2>&1, as site.example.com_abcdefghijk',
  '15 php by absolute in /var/www/vhosts/x: /opt/plesk/php/8.2/bin/php </var/www/vhosts/x/artisan> schedule:run 1>>/dev/null 2>&1',
  '16 php by absolute in /home/example-user: /opt/plesk/php/8.3/bin/php </var/www/vhosts/wordpress.example.com/httpdocs/artisan> schedule:run 1>>/dev/null 2>&1',
  '17 php by path in /home/example-user: php </var/www/vhosts/example.com/httpdocs/artisan> schedule:run',
  '18 php by absolute in /home/example-user: /opt/plesk/php/8.4/bin/php </var/www/vhosts/example.com/httpdocs/artisan> queue:work --stop-when-empty --max-time=55',
  '19 php by path in /home/example-user: php </httpdocs/artisan> queue:work database --stop-when-empty --tries=3',
  '20 php by path in /home/example-user: php </var/www/vhosts/example.com/httpdocs/artisan> schedule:run 1>>/var/log/example-schedule.log 2>&1',
  '21 php by absolute in /home/example-user: /opt/plesk/php/8.2/bin/php -f </home/example-user/httpdocs/wp-cron.php>',
  '22 php by absolute in /home/example-user: /usr/local/psa/admin/bin/php -dauto_prepend_file=sdk.php </usr/local/psa/admin/plib/modules/wp-toolkit/scripts/maintenance.php>',
  '23 opaque no-worker: /path/to/example-plugin/.venv/bin/python',
  '24 opaque no-worker: /path/monitor.sh',
  '25 opaque no-worker: /home/example-user/apps/example-app/current/ops/watchdog.sh',
  '26 opaque no-worker: python',
  '27 opaque no-worker: /usr/bin/python3',
  '28 opaque no-worker: /home/ubuntu/app-bot/.venv/bin/python3',
  '29 php by absolute in /home/example-user: (/usr/bin/flock -n /tmp/leben-queue.lock) /usr/local/bin/php </home/usuario/laravel/artisan> queue:work database --queue=default --sleep=3 --tries=3 --backoff=5 --max-time=50 --stop-when-empty 1>>/home/usuario/laravel/storage/logs/queue-worker.log 2>&1',
  '30 opaque no-worker: /usr/local/qcloud/stargate/admin/start.sh',
  '31 php by absolute in /home/example-user: (/usr/bin/flock -w 0 /path/to/cron.lock) /usr/bin/php </path/to/cron.php>',
  '32 opaque no-worker: python',
  '33 opaque no-worker: /home/u/secretary-startup.sh',
  '34 opaque no-worker: /opt/start-tunnel.sh',
  '35 opaque no-worker: pgrep',
  '36 opaque no-worker: pgrep',
  '37 php by absolute in /home/example-user: (/usr/bin/env PHP_PATH=/usr/bin/php) /usr/bin/php </path/to/project/background/dialog_processor.php>',
  '38 php by env in /home/example-user: (/usr/bin/env) php </srv/project-root/artisan> schedule:run 1>>/dev/null 2>&1',
  '39 opaque undefined-variable: WWW_DIR',
  '40 php by env in /home/example-user: (/usr/bin/env) php </path/to/fetch.php> your-fetch-job',
  '41 php by env in /home/example-user: (/usr/bin/env) php </home/example-user/checkout/master/current/craft> queue/run',
  '42 opaque no-worker: wget',
  '43 opaque several-commands: nice -n 10 cd /var/www/autolearn &&',
  '44 opaque no-worker: ~/search-nlp-rag/backend/venv/bin/python',
  '45 opaque no-worker: sha256sum',
  '46 php by absolute in /home/example-user: (nice -n 10) (ionice -c2) /usr/bin/php </var/www/moodle/admin/cli/cron.php>',
  '47 opaque no-worker: nice',
  '48 php by path in /var/www/app.example.org/app/src/public: php </var/www/app.example.org/app/src/public/index.php> notification worker, as www-data, 1 deep, by the PATH of login',
  '49 opaque no-worker: /usr/bin/python3',
  '50 php by path in /ruta/completa/a/tu/proyecto: php </ruta/completa/a/tu/proyecto/artisan> backup:scheduled, as www-data, 1 deep, by the PATH of login',
  '51 opaque no-worker: /usr/bin/python3',
  '52 opaque no-worker: /usr/bin/flant-integration',
  '53 opaque no-worker: /usr/bin/timeout',
  '54 php by path in /home/example-user: (sudo -u www-data) php </var/www/html/op5/artisan> schedule:run 1>>/dev/null 2>&1, as www-data, by the PATH of sudo',
  '55 php by path in /home/example-user: (sudo -u www-data) php -d memory_limit=-1 </var/www/artisan> schedule:run 1>>/dev/null 2>&1, as www-data, by the PATH of sudo',
  '56 php by path in /home/ubuntu/shop-system/backend: HOME=/tmp XDG_CONFIG_HOME=/tmp php </home/ubuntu/shop-system/backend/artisan> schedule:run 1>>storage/logs/schedule.log 2>&1, as www-data, 1 deep, by the PATH of sudo',
  '57 php by script in /home/example-user: (sudo -u www-data) #! </var/www/desk.example.org/sources/bin/console> app:cancel-non-confirmed-bookings 60, as www-data, by the PATH of sudo',
  '58 php by script in /home/example-user: #! </var/www/html/admin/modules/dashboard/scheduler.php> 1>/dev/null 2>&1',
  '59 opaque no-worker: /home/site/wwwroot/cron.sh',
  '60 opaque no-worker: [',
  '61 php by absolute in /home/example-user: /usr/bin/php </var/www/html/magento2/bin/magento> cron:run 2>&1, into a pipe',
  '62 opaque container: /usr/local/bin/docker-compose',
  '63 php by absolute in /home/example-user: APP_ENV=production /usr/bin/php </caminho/do/projeto/service/workers/process-mail-queue.php> 1>>/caminho/privado/example-mail.log 2>&1',
  '64 opaque no-worker: curl',
  '65 opaque no-worker: wget',
  '66 php by path in /home/example-user: php </path/to/wordpress/wp-cron.php> 1>/dev/null 2>&1',
  '67 opaque no-worker: /bin/bash',
  '68 opaque no-worker: bundle',
  '69 opaque no-worker: bundle',
  '70 php by absolute in /home/example-user: /usr/bin/php </home/account/example-app/bin/worker.php> --once 1>/dev/null 2>&1',
  '71 node by absolute in /home/example-user: /usr/bin/node </path/to/dist/flushWorker.js>',
  '72 node by absolute in /home/example-user: /usr/bin/node </home/example-user/scripts/plex-info/index.js> 1>>/var/log/plex/plexstatus.log 2>/dev/null',
  '73 node by absolute in /home/example-user: /usr/bin/node </var/www/fishing-pos/scripts/expire-pending-sales.mjs> 1>>/var/log/fishing-pos/expire-pending.log 2>&1',
  '74 node by path in /var/git/example-app/.workers/twitter: node </var/git/example-app/.workers/twitter/parser.js>',
  '75 node by path in /opt/stagecoach/apps/my-app/current: node </opt/stagecoach/apps/my-app/current/app> tasks --frequency=hourly',
  '76 opaque no-worker: wget',
  '77 opaque no-worker: /usr/bin/git',
  '78 php by absolute in /home/example-user/projects/myinst: /usr/bin/php </home/example-user/projects/myinst/artisan> fastTask:run 1>/dev/null 2>&1',
  '79 php by path in /home/username/your/laravel/dir: php </home/username/your/laravel/dir/artisan> queue:work --tries=3',
  '80 opaque no-worker: /home/example-user/miniforge3/envs/ai-ml/bin/python',
  '81 opaque no-worker: python3',
  '82 opaque no-worker: cd',
  '83 opaque no-worker: cd',
  '84 opaque no-worker: .venv/bin/python',
  '85 opaque no-worker: ~/heartbeat.sh',
  '86 opaque no-worker: source',
  '87 opaque no-worker: /app/env/bin/python',
  '88 opaque no-worker: /usr/local/bin/python',
  '89 opaque no-worker: /usr/local/bin/python3.4',
  '90 php by absolute in /home/example-user: (/usr/bin/sudo -u http) /usr/bin/php </usr/share/webapps/cacti/poller.php> both&>/dev/null, as http, by the PATH of sudo',
  '91 opaque container: docker',
  '92 opaque container: docker',
  '93 php by absolute in /home/example-user: /usr/local/bin/php -q </home/example-user/app/cron/send_newsletter.php> 1>/dev/null 2>&1',
  '94 php by absolute in /home/example-user: /usr/local/bin/php -q </home/example-user/public_html/sms/cron_sms_raw.php> 400 1>/dev/null 2>&1',
  '95 opaque no-worker: curl',
  '96 opaque several-commands: path/to/my/project &&',
  '97 php by absolute in /Library/WebServer/Documents/Foo/Bar: /usr/local/bin/php </Library/WebServer/Documents/Foo/Bar/artisan> schedule:run 1>>/dev/null 2>&1',
  '98 php by path in /home/example-user: php -q </opt/faveo/faveo-helpdesk/artisan> schedule:run 2>&1 1>/dev/null',
  '99 php by path in /home/example-user: php7.4 </home/USER/htdocs/script.php>',
  '100 php by path in /var/www: php -f </var/www/html/cron.php>, as www-data, 1 deep, by the PATH of login',
  '101 php by path in /home/example-user: php </web/html/xyz/blabla/tweetnest/maintenance/loadtweets.php>',
  '102 php by absolute in /home/example-user: /opt/bitnami/php/bin/php </opt/bitnami/pimcore/bin/console> maintenance --env=prod 1>>/dev/null 2>&1',
  '103 php by absolute in /home/example-user: /path/to/php </path/to/panopticon/cli/panopticon.php> task:run --loop',
  '104 opaque no-worker: /root/example-app/scripts/workers/sync-crontab.sh',
];

const entries = entriesOf(readFileSync(join(import.meta.dirname, '../corpus/worker-lines.tsv'), 'latin1'));

function summary(reading: Reading): string {
  if (reading.is === 'opaque') return `opaque ${reading.why}: ${reading.detail}`;
  const values = (words: readonly Word[]) => words.map(({ value }) => value).join(' ');
  const { interpreter, directory, wrappers, assignments, flags, scriptPath, args, redirects } = reading;
  const around = [
    ...(reading.user === undefined ? [] : [`as ${reading.user}`]),
    ...(reading.frames.length === 0 ? [] : [`${reading.frames.length} deep`]),
    ...(reading.lookUp === 'entry' ? [] : [`by the PATH of ${reading.lookUp}`]),
    ...(isPiped(reading) ? ['into a pipe'] : []),
  ];
  const parts = [
    ...wrappers.map(({ words }) => `(${values(words)})`),
    values(assignments),
    interpreter.word?.value ?? '#!',
    values(flags),
    `<${scriptPath}>`,
    values(args),
    redirects.map(({ fd, operator, target }) => `${fd}${operator}${target.value}`).join(' '),
  ];
  const line = [...parts, ...around.map((word) => `, ${word}`)]
    .filter((part) => part !== '')
    .join(' ')
    .replaceAll(' ,', ',');
  return `${interpreter.kind} by ${interpreter.how} in ${directory}: ${line}`;
}

describe('the collected lines', () => {
  test('are 103, 53 of them workers we understand', () => {
    expect(entries).toHaveLength(103);
    expect(EXPECTED).toHaveLength(103);
    const workers = entries.filter(
      ({ command, surroundings }) => readCommand(command, surroundings).is === 'worker',
    );
    expect(workers).toHaveLength(53);
  });

  entries.forEach(({ number, command, surroundings }, at) => {
    test(`line ${number} is read as what it does: ${command.slice(0, 60)}`, () => {
      expect(`${number} ${summary(readCommand(command, surroundings))}`).toBe(EXPECTED[at]);
    });
  });
});
