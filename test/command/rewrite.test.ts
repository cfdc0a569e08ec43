// The recommended form, example by example: what changes, what stays, and what is said about it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Surroundings, Wish } from '../../src/command/command.ts';
import { readCommand } from '../../src/command/read.ts';
import { rewriteCommand } from '../../src/command/rewrite.ts';

const home = '/home/u12345_app';
const sh: Surroundings = {
  shell: '/bin/sh',
  home,
  variables: new Map([
    ['HOME', home],
    ['SITE', '/srv/shop.example'],
    ['PHP', '/opt/php84/bin/php'],
  ]),
};
const bash = { ...sh, shell: '/bin/bash' };
const full: Wish = { interpreter: '/opt/php84/bin/php', once: true, log: 'logs/w.log' };

function rewrite(text: string, wish: Wish, surroundings = sh) {
  const command = readCommand(text, surroundings);
  if (command.is === 'opaque') throw new Error(`${text} is opaque: ${command.why}`);
  return rewriteCommand(text, command, wish);
}

test('the entry of the incident becomes the recommended one', () => {
  const { text, notes } = rewrite('example.com/httpdocs/scripts/process_import_jobs.php', {
    interpreter: '/usr/local/php84/bin/php',
    once: true,
    log: '/var/www/logs/import_worker.log',
  });
  expect(text).toBe(
    `cd ${home} && /usr/local/php84/bin/php example.com/httpdocs/scripts/process_import_jobs.php --once >> /var/www/logs/import_worker.log 2>&1`,
  );
  expect(notes).toEqual([
    { code: 'cd-added', directory: home },
    { code: 'interpreter', from: '', to: '/usr/local/php84/bin/php' },
    { code: 'once-added' },
    { code: 'log-added', log: '/var/www/logs/import_worker.log' },
  ]);
});

describe('the whole line', () => {
  const done = (rest: string) => `cd /srv && /opt/php84/bin/php ${rest}`;
  test.each([
    [
      'keeps blanks, quotes and arguments',
      'cd  /srv  &&  php  -q  "w.php"  \'a  b\'',
      'cd  /srv  &&  /opt/php84/bin/php  -q  "w.php"  \'a  b\' --once >> logs/w.log 2>&1',
    ],
    [
      'keeps guards, assignments and wrappers in order',
      '[ -f x ] && cd /srv && A="1 2" nice -n 5 timeout 9 php w.php',
      '[ -f x ] && cd /srv && A="1 2" nice -n 5 timeout 9 /opt/php84/bin/php w.php --once >> logs/w.log 2>&1',
    ],
    [
      'puts the cd behind the guards',
      'sleep 30; export A=b; php w.php',
      `sleep 30; export A=b; cd ${home} && /opt/php84/bin/php w.php --once >> logs/w.log 2>&1`,
    ],
    [
      'puts the cd before the assignments',
      'A=b php w.php',
      `cd ${home} && A=b /opt/php84/bin/php w.php --once >> logs/w.log 2>&1`,
    ],
    ['adds no second --once', 'cd /srv && php w.php --once a', done('w.php --once a >> logs/w.log 2>&1')],
    [
      'puts --once before a --',
      'cd /srv && php w.php a -- b',
      done('w.php a --once -- b >> logs/w.log 2>&1'),
    ],
    ['gives php -f its -- first', 'cd /srv && php -f w.php', done('-f w.php -- --once >> logs/w.log 2>&1')],
    [
      'uses the -- that php -f has',
      'cd /srv && php -f w.php -- a',
      done('-f w.php -- a --once >> logs/w.log 2>&1'),
    ],
    [
      'needs no -- behind an argument',
      'cd /srv && php -fw.php a',
      done('-fw.php a --once >> logs/w.log 2>&1'),
    ],
    [
      'puts --once behind options that follow the file',
      'cd /srv && php -f w.php -d a=b',
      done('-f w.php -d a=b -- --once >> logs/w.log 2>&1'),
    ],
    [
      'keeps input and its place',
      'cd /srv && < in php w.php',
      'cd /srv && < in /opt/php84/bin/php w.php --once >> logs/w.log 2>&1',
    ],
    [
      'drops an env that only looks up',
      'cd /srv && /usr/bin/env php w.php',
      done('w.php --once >> logs/w.log 2>&1'),
    ],
    [
      'keeps an env that does more',
      'cd /srv && env A=b php w.php',
      'cd /srv && env A=b /opt/php84/bin/php w.php --once >> logs/w.log 2>&1',
    ],
    [
      'drops nohup and the ampersand',
      'cd /srv && nohup php w.php > /dev/null 2>&1 &',
      done('w.php --once >> logs/w.log 2>&1'),
    ],
    [
      'keeps a comment',
      'cd /srv && php w.php & # nightly',
      done('w.php --once >> logs/w.log 2>&1 # nightly'),
    ],
    [
      'keeps a comment apart',
      'cd /srv && php w.php&#nightly',
      done('w.php --once >> logs/w.log 2>&1 #nightly'),
    ],
    ['keeps a last semicolon', 'cd /srv && php w.php ;', done('w.php --once >> logs/w.log 2>&1 ;')],
    [
      'names a variable interpreter in full',
      'cd /srv && $PHP w.php',
      done('w.php --once >> logs/w.log 2>&1'),
    ],
  ])('%s', (_, before, after) => expect(rewrite(before, full).text).toBe(after));
});

describe('the cd', () => {
  test.each([
    ['cd /srv; php w.php', 'cd /srv && php w.php'],
    ['cd /srv ;php w.php', 'cd /srv && php w.php'],
    ["cd '/srv/my shop' && php w.php", "cd '/srv/my shop' && php w.php"],
    ['cd ~/app && php w.php', 'cd ~/app && php w.php'],
    ['cd $HOME/app && php w.php', 'cd $HOME/app && php w.php'],
    ['cd "${HOME}/app" && php w.php', 'cd "${HOME}/app" && php w.php'],
    ['cd && php w.php', 'cd && php w.php'],
    ['cd my\\ app && php w.php', `cd '${home}/my app' && php w.php`],
    ['cd app; php w.php', `cd ${home}/app && php w.php`],
    ['cd $SITE/httpdocs && php w.php', 'cd /srv/shop.example/httpdocs && php w.php'],
    ['cd ../app && php w.php', 'cd ../app && php w.php'],
    ['php w.php', `cd ${home} && php w.php`],
  ])('%s becomes %s', (before, after) => expect(rewrite(before, {}).text).toBe(after));
});

describe('the output', () => {
  const cases: readonly (readonly [string, string, string, Surroundings?])[] = [
    ['', ' >> L 2>&1', 'log-added'],
    [' > /dev/null 2>&1', ' >> L 2>&1', 'null-replaced'],
    [' >/dev/null', ' >> L 2>&1', 'null-replaced'],
    [' >> /dev/null 2>&1', ' >> L 2>&1', 'null-replaced'],
    [' 1>> /dev/null 2>&1', ' >> L 2>&1', 'null-replaced'],
    [' &>/dev/null', ' >> L 2>&1', 'null-replaced', bash],
    [' >& /dev/null', ' >> L 2>&1', 'null-replaced', bash],
    [' 2>&1 >/dev/null', ' >> L 2>&1', 'null-replaced'],
    [' > /dev/null 2> /dev/null', ' >> L 2>&1', 'null-replaced'],
    [' >/dev/null 2>> e', ' >> L 2>> e', 'null-replaced'],
    [' > f 2>&1', ' >> f 2>&1', 'truncate-to-append'],
    [' >| f', ' >> f 2>&1', 'truncate-to-append'],
    [' > f', ' >> f 2>&1', 'truncate-to-append'],
    [' > "f" 2> "f"', ' >> "f" 2>> "f"', 'truncate-to-append'],
    [' &> f', ' >> f 2>&1', 'truncate-to-append', bash],
    [' &>> f', ' &>> f', 'log-kept', bash],
    [' >> f', ' >> f 2>&1', 'stderr-added'],
    [' >> "f $(date)"', ' >> "f $(date)" 2>&1', 'stderr-added'],
    [' 2>&1 >> f', ' >> f 2>&1', 'stderr-added'],
    [' >> f 2>&1', ' >> f 2>&1', 'log-kept'],
    [' >> f 2>> e', ' >> f 2>> e', 'log-kept'],
    [' >> f 2>/dev/null', ' >> f 2>/dev/null', 'log-kept'],
    [' 2>&1', ' >> L 2>&1', 'log-added'],
    [' 2>> e', ' 2>> e >> L', 'log-added'],
    [' >&2', ' >> L 2>&1', 'log-added'],
    [' 2> e >&2', ' 2>> e >&2', 'truncate-to-append'],
    [' < in', ' < in >> L 2>&1', 'log-added'],
  ];
  for (const [before, after, code, surroundings = sh] of cases) {
    test(`"${before}" becomes "${after}" under ${surroundings.shell}`, () => {
      const { text, notes } = rewrite(`cd /srv && php w.php${before}`, { log: 'L' }, surroundings);
      expect(text).toBe(`cd /srv && php w.php${after}`);
      expect(notes.map((note) => note.code)).toEqual([code]);
    });
  }

  test('is not touched when no log is wished for', () => {
    const text = 'cd /srv && php w.php 2>&1 > f';
    expect(rewrite(text, {})).toEqual({ text, notes: [] });
  });

  test('never joins a digit to a redirect', () => {
    expect(rewrite('cd /srv && php w.php 5 2>&1>/dev/null', { log: 'L' }, bash).text).toBe(
      'cd /srv && php w.php 5 >> L 2>&1',
    );
  });
});

describe('options for the interpreter', () => {
  const wish = { interpreter: '/opt/php84/bin/php', addFlags: ['-d', 'auto_prepend_file=/srv/my guard.php'] };
  test('are put right behind it, once', () => {
    const { text } = rewrite('cd /srv && php -q w.php', wish);
    expect(text).toBe("cd /srv && /opt/php84/bin/php -d 'auto_prepend_file=/srv/my guard.php' -q w.php");
    expect(rewrite(text, wish)).toEqual({ text, notes: [] });
  });

  test('are put behind an interpreter that is new', () => {
    expect(rewrite('cd /srv && ./w.php', wish).text).toBe(
      "cd /srv && /opt/php84/bin/php -d 'auto_prepend_file=/srv/my guard.php' ./w.php",
    );
  });
});

describe('the notes', () => {
  test('name every change', () => {
    const { notes } = rewrite('cd app; nohup env A=b php w.php > /dev/null &', full);
    const directory = `${home}/app`;
    expect(notes).toEqual([
      { code: 'cd-absolute', directory },
      { code: 'cd-joint', directory },
      { code: 'nohup-removed' },
      { code: 'interpreter', from: 'php', to: '/opt/php84/bin/php' },
      { code: 'once-added' },
      { code: 'null-replaced', log: 'logs/w.log' },
      { code: 'background-removed' },
    ]);
  });
});

const php = ['/usr/bin/php', '/usr/local/bin/php'].find((path) => {
  try {
    execFileSync(path, ['-v']);
    return true;
  } catch {
    return false;
  }
});

describe.skipIf(php === undefined)('the real PHP', () => {
  test.each([
    'php w.php',
    'php -q w.php a -- b',
    'php -f w.php',
    'php -fw.php',
    'php --file=w.php a',
    'php -f w.php -- a',
    'php -f w.php -d a=b',
    'php -f w.php -d a=b -- -x',
    'php -nd a=b w.php -- -x',
  ])('gives the script of `%s` its old arguments and --once', (before) => {
    const directory = mkdtempSync(join(tmpdir(), 'cronlatch-php-'));
    try {
      writeFileSync(join(directory, 'w.php'), '<?php echo json_encode(array_slice($argv, 1));');
      const surroundings = { ...sh, home: directory };
      const after = rewrite(before, { interpreter: php ?? '', once: true }, surroundings).text;
      const run = (text: string): string[] =>
        JSON.parse(execFileSync('/bin/sh', ['-c', text], { cwd: directory }).toString());
      const without = run(after).filter((word) => word !== '--once');
      expect(run(after)).toContain('--once');
      expect(without).toEqual(run(before));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a log that was asked for', () => {
  const rewritten = (text: string, log: string): string => {
    const command = readCommand(text, { shell: '/bin/sh', home: '/home/example-user', variables: new Map() });
    if (command.is !== 'worker') throw new Error(command.why);
    return rewriteCommand(text, command, { log, logReplaces: true }).text;
  };
  test('takes the place of the one the command had', () => {
    expect(rewritten('cd /srv && php w.php >> old.log 2>&1', '/srv/new.log')).toBe(
      'cd /srv && php w.php >> /srv/new.log 2>&1',
    );
  });
  test('leaves the line alone when it is the same file in other words', () => {
    expect(rewritten('cd /srv && php w.php >> new.log 2>&1', '/srv/new.log')).toBe(
      'cd /srv && php w.php >> new.log 2>&1',
    );
  });
});
