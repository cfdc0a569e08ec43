// What is hidden in output, and what is not: an ordinary crontab has to stay readable.
import { describe, expect, test } from 'vitest';
import { hideSecrets, secretsIn } from '../../src/command/secrets.ts';

const s = 'Canary-7f3a9';

describe('hidden is', () => {
  test.each([
    ['a variable before the command', `DB_PASSWORD=${s} php worker.php`],
    ['a variable in quotes', `MYSQL_PWD="${s}" php worker.php`],
    ['a crontab’s own setting', `API_KEY = "${s}"`],
    ['a camel-cased name', `dbPass=${s} node worker.mjs`],
    ['a long option', `php worker.php --password=${s} --host=db`],
    ['a long option with a blank', `php worker.php --api-key '${s}'`],
    ['the password of mysqldump', `mysqldump -u app -p${s} shop > /backup/shop.sql`],
    ['the password of sshpass', `sshpass -p ${s} ssh shop.example`],
    ['curl’s user and password', `curl -s -u admin:${s} https://shop.example/cron`],
    ['curl’s user and password behind the long option', `curl --user admin:${s} https://shop.example/cron`],
    ['a short name with a number', `DB_PW1=${s} php worker.php`],
    ['openssl’s pass phrase', `openssl enc -pass pass:${s} -in a`],
    ['a URL’s password', `mysql://app:${s}@db.example/shop`],
    ['a URL’s token', `wget -q "https://shop.example/cron.php?token=${s}&x=1"`],
    ['a header', `curl -H "Authorization: Bearer ${s}" https://shop.example`],
    ['a header with a key', `curl -H 'X-Api-Key: ${s}' https://shop.example`],
    ['a name and password before a host', `MAILTO=ops:${s}@mail.example.com`],
    ['a constant of PHP', `define('DB_PASSWORD', '${s}');`],
    ['an array of PHP', `  'password' => '${s}',`],
    ['a variable of PHP', `$apiToken = '${s}';`],
    ['a key of JSON', `{"secret": "${s}"}`],
    ['a line of YAML in a diff', `+  password: ${s}`],
    ['a line of .env in a diff', `-APP_KEY=base64:${s}`],
    ['two in one line', `A_TOKEN=${s} B_SECRET='${s}' php x.php`],
  ])('%s', (_, text) => {
    const shown = hideSecrets(text);
    expect(shown).not.toContain(s);
    expect(shown).toContain('***');
    // All else is as it was.
    expect(shown.split('***').every((part) => text.includes(part))).toBe(true);
  });

  test.each([
    `ghp_${'a1B2'.repeat(9)}`,
    `github_pat_${'a1B2'.repeat(9)}`,
    'AKIAIOSFODNN7EXAMPLE',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0AA.c2lnbmF0dXJl',
  ])('a key known by its shape: %s', (key) => {
    expect(hideSecrets(`php worker.php ${key}`)).toBe('php worker.php ***');
  });
});

describe('left alone is', () => {
  test.each([
    '*/2 * * * * cd /var/www/vhosts/example.com && php httpdocs/scripts/worker.php --once >> logs/worker.log 2>&1',
    'MAILTO=ops@example.com',
    'php artisan queue:work --max-tokens=5 --tries=3',
    'php worker.php --password-file=/etc/app/password --bypass=1',
    'php worker.php --password="$DB_PASSWORD" --token=$(cat /run/token)',
    'mysqldump --defaults-file=/root/.my.cnf -p shop',
    'rsync -a -p user@backup.example:/srv/data /srv',
    'PWD=/srv/app php worker.php',
    'scp report.csv u12345_app@shop.example:/in/',
    'tokenize.php --keyword=shop --monkey=1 --author=me',
    'Put it back: cronlatch rollback 20261123-120000-abcd   Or carry it on: cronlatch deploy --resume 1',
    '-rw-r----- uid:gid 10001:10001 2026-11-23T12:00:00.000Z user:example-user, line 3',
    '$password = getenv("DB_PASSWORD");',
  ])('%s', (text) => {
    expect(hideSecrets(text)).toBe(text);
    expect(secretsIn(text)).toEqual([]);
  });
});

test('a long line of what looks like the beginning of a secret costs no time to speak of', () => {
  // Linear: ten times the text may not take a hundred times the steps. Counted by finishing at all.
  for (const part of ['password', 'a-', 'mysql -', 'x:', 'key=', '"password" '])
    expect(hideSecrets(part.repeat(20_000)).length).toBeGreaterThan(0);
}, 60_000);
