// Telling a running worker from a look-alike by its argument list.
import { describe, expect, test } from 'vitest';
import { scriptOfArgv } from '../../src/command/argv.ts';
import { interpreterKind } from '../../src/command/interpreter.ts';

describe('a program name', () => {
  test.each([
    ...'php php8 php8.2 php84 php7.4 php-cli php-cgi php8.2-cli php-cgi8.2 ea-php84 lsphp php-8.4 php84.cli'
      .split(' ')
      .map((name) => [name, 'php']),
    ...'node nodejs node20 nodejs18 node-v20.20.2'.split(' ').map((name) => [name, 'node']),
    ...'php-fpm php-fpm8.2 phpize phpdbg php-config phpunit nodemon node_exporter nodenv python3 sh nph ephp'
      .split(' ')
      .map((name) => [name, 'none']),
    ['', 'none'],
    ['php84 x', 'none'],
  ])('%s is %s', (name, kind) => expect(interpreterKind(name)).toBe(kind));
});

describe('a PHP process runs', () => {
  const script = (argv: string) => {
    const found = scriptOfArgv('php', argv.split(' '));
    return found === 'none' ? 'none' : [found.script, ...found.args].join(' ');
  };
  test.each([
    ['php worker.php', 'worker.php'],
    ['/usr/bin/php -q /srv/worker.php --once', '/srv/worker.php --once'],
    ['php -f worker.php', 'worker.php'],
    ['php -fworker.php a', 'worker.php a'],
    ['php --file=worker.php', 'worker.php'],
    ['php --file worker.php -- --once', 'worker.php --once'],
    ['php -f worker.php -d x=y -- a', 'worker.php a'],
    ['php -d x=y worker.php', 'worker.php'],
    ['php -dx=y -nq worker.php', 'worker.php'],
    ['php -nqd x=y worker.php', 'worker.php'],
    ['php --define x=y worker.php', 'worker.php'],
    ['php -c /etc/php.ini -z /x.so -C worker.php', 'worker.php'],
    ['php other.php worker.php', 'other.php worker.php'],
    ['php artisan queue:work --once', 'artisan queue:work --once'],
    ['php worker.php -- -r', 'worker.php -- -r'],
  ])('the script in: %s', (argv, expected) => expect(script(argv)).toBe(expected));
  test.each([
    'php',
    'php -a',
    'php -r worker.php',
    "php -r require('worker.php'); worker.php",
    'php -d x=y -r code worker.php',
    'php -rcode worker.php',
    'php -qr code worker.php',
    'php -l worker.php',
    'php -ql worker.php',
    'php -w worker.php',
    'php --syntax-check worker.php',
    'php -s worker.php',
    'php -i worker.php',
    'php -v worker.php',
    'php --ini worker.php',
    'php --rf worker.php',
    'php -S 127.0.0.1:80 worker.php',
    'php -R code worker.php',
    'php -B code -F worker.php',
    'php -- worker.php',
    'php - worker.php',
    'php -f',
    'php -d',
    'php -Z worker.php',
    'php --unheard-of worker.php',
    'php -f worker.php --once',
  ])('none in: %s', (argv) => expect(script(argv)).toBe('none'));
});

describe('a Node process runs', () => {
  const script = (argv: string) => {
    const found = scriptOfArgv('node', argv.split(' '));
    return found === 'none' ? 'none' : [found.script, ...found.args].join(' ');
  };
  test.each([
    ['node w.mjs', 'w.mjs'],
    ['node --import x w.mjs', 'w.mjs'],
    ['node --import=x w.mjs', 'w.mjs'],
    ['node -r dotenv/config --max-old-space-size=512 w.js --once', 'w.js --once'],
    ['node --max_old_space_size=512 --no-warnings w.js', 'w.js'],
    ['node --env-file .env --require ./a.cjs w.js', 'w.js'],
    ['node --icu_data_dir /x w.js', 'w.js'],
    ['node -- w.js -e', 'w.js -e'],
    ['node other.js w.js', 'other.js w.js'],
    ['node -C development --title worker dist/index', 'dist/index'],
  ])('the script in: %s', (argv, expected) => expect(script(argv)).toBe(expected));
  test.each([
    'node',
    'node -e code w.js',
    'node --eval=code w.js',
    'node -pe code w.js',
    'node --print code w.js',
    'node -r x -e code w.js',
    'node -c w.js',
    'node --check w.js',
    'node --test w.js',
    'node -i w.js',
    'node inspect w.js',
    'node - w.js',
    'node --version w.js',
    'node -r',
  ])('none in: %s', (argv) => expect(script(argv)).toBe('none'));
});
