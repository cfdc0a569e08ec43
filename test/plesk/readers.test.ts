// Readers of what Plesk prints: the texts public sources show, and everything a server might say instead.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDomain, readInfo, readNames } from '../../src/plesk/info.ts';
import { facts } from '../../src/plesk/known.ts';
import { readListed } from '../../src/plesk/listed.ts';
import { readHandlers, versionOfHandler } from '../../src/plesk/phpHandlers.ts';
import { nodePlaces, phpPlaces } from '../../src/plesk/places.ts';
import { readPsaConf } from '../../src/plesk/psaConf.ts';
import { readRows, readSites, readTasks } from '../../src/plesk/rows.ts';
import { readVerbs, updateWords } from '../../src/plesk/scheduler.ts';
import { readVersion } from '../../src/plesk/version.ts';

const garbageTexts = [
  '',
  '\n',
  'ERROR 1045 (28000): Access denied',
  '<html>',
  '{"a":1}',
  '\0\u001b[31m',
  '[[]]',
  'null',
];

describe('psa.conf', () => {
  test.each([
    ['HTTPD_VHOSTS_D\t/var/www/vhosts\n', '/var/www/vhosts'],
    ['# HTTPD_VHOSTS_D /old\nHTTPD_VHOSTS_D   /srv/sites/  \n', '/srv/sites'],
    ['HTTPD_VHOSTS_D /first\nHTTPD_VHOSTS_D /second\n', '/first'],
    ['HTTPD_VHOSTS_D\t/var/www/vhosts\r\n', '/var/www/vhosts'],
    ['HTTPD_VHOSTS_DIR /x\n', 'none'],
    ['HTTPD_VHOSTS_D relative/path\n', 'none'],
    ['HTTPD_VHOSTS_D\n', 'none'],
    ['', 'none'],
  ])('%j has its sites in %s', (text, vhosts) => {
    expect(readPsaConf(text).vhosts).toBe(vhosts);
  });
});

describe('plesk version', () => {
  test('the line that names the product', () => {
    expect(readVersion('Product version: Plesk Obsidian 18.0.80.3\nBuild date: 2026/10/1\n')).toEqual({
      is: 'read',
      value: 'Plesk Obsidian 18.0.80.3',
    });
  });

  test.each([...garbageTexts, 'Product version: \n', 'Product version: soon\n'])(
    '%j is no answer',
    (text) => {
      expect(readVersion(text).is).toBe('garbage');
    },
  );
});

const info = `General
=============================
Domain name:                            example.com
Owner's contact name:                   Site Owner (owner)
FTP Login:                              example_user
SSH access to the server shell under subscription's system user:  /bin/false
Logrotation info
=============================
--WWW-Root--: /var/www/vhosts/example.com/httpdocs

SUCCESS: Gathering information for 'example.com' complete
`;

describe('--info', () => {
  const value = {
    name: 'example.com',
    login: 'example_user',
    root: '/var/www/vhosts/example.com/httpdocs',
    shell: '/bin/false',
  };

  test('labels are told by their words, not by their place or padding', () => {
    expect(readInfo(info)).toEqual({ is: 'read', value });
    const turned = info.split('\n').reverse().join('\n').replaceAll(/: +/g, ': ');
    expect(readInfo(turned)).toEqual({ is: 'read', value });
  });

  test.each([
    ...garbageTexts,
    info.replace('FTP Login:', 'FTP-Anmeldung:'),
    info.replace('/var/www/vhosts/example.com/httpdocs', 'httpdocs'),
    info.replace('example_user', '--delete'),
  ])('%j is no answer', (text) => {
    expect(readInfo(text).is).toBe('garbage');
  });

  test('a list is names and nothing else', () => {
    expect(readNames('example.com\nshop.example\n')).toEqual({
      is: 'read',
      value: ['example.com', 'shop.example'],
    });
    expect(readNames('').is).toBe('read');
    expect(readNames('Usage: site [options]\n').is).toBe('garbage');
    expect(readNames('--update\n').is).toBe('garbage');
  });

  test('no name can be an option or a path', () => {
    fc.assert(fc.property(fc.string(), (text) => !isDomain(text) || !/^[-./]|[\s/;&|$`'"\\]/.test(text)));
  });
});

describe('PHP handlers', () => {
  test('id, program and full version', () => {
    const rows = [
      {
        id: 'plesk-php83-fpm',
        clipath: '/opt/plesk/php/8.3/bin/php',
        fullVersion: '8.3.14',
        status: 'enabled',
      },
      { id: 'fpm', status: 'disabled' },
    ];
    expect(readHandlers(JSON.stringify(rows))).toEqual({
      is: 'read',
      value: [
        { id: 'plesk-php83-fpm', enabled: true, cli: '/opt/plesk/php/8.3/bin/php', full: '8.3.14' },
        { id: 'fpm', enabled: false },
      ],
    });
  });

  test.each([...garbageTexts, '[{}]', '[{"id":""}]', '[null]', '["plesk-php83-fpm"]'])(
    '%j is no answer',
    (text) => {
      expect(readHandlers(text).is).toBe('garbage');
    },
  );

  test('the number in an id', () => {
    expect(
      ['plesk-php83-fpm', 'x-httpd-lsphp-82', 'plesk-php74-cgi', 'fpm', 'alt-php81'].map(versionOfHandler),
    ).toEqual(['8.3', '8.2', '7.4', undefined, '8.1']);
  });

  test('where a version of PHP or Node may be', () => {
    expect(phpPlaces('8.4.25')).toEqual([
      '/opt/plesk/php/8.4/bin/php',
      '/opt/alt/php84/usr/bin/php',
      '/usr/local/php84/bin/php',
      '/usr/bin/php8.4',
    ]);
    expect(nodePlaces('22.1.0')[0]).toBe('/opt/plesk/node/22/bin/node');
  });
});

const taskRow =
  '7\texample_user\t1\tphp\tplesk-php83-fpm\thttpdocs/cron.php\t--once\tImport\terrors\t*/5\t*\t*\t*\t*\n';

describe('rows of the database', () => {
  test('a tab, a line end and a backslash inside a column come back', () => {
    const value = fc.string({ unit: 'binary-ascii' }).filter((text) => !text.includes('\0'));
    const escaped = (text: string) => text.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n');
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1 }), (rows) => {
        const text = rows.map((row) => `${row.map(escaped).join('\t')}\n`).join('');
        expect(readRows(text, 3)).toEqual({ is: 'read', value: rows });
      }),
    );
  });

  test('a main domain, and an addon domain that belongs to it', () => {
    const text =
      '1\texample.com\t0\t/var/www/vhosts/example.com/httpdocs\tplesk-php83-fpm\texample_user\t/var/www/vhosts/example.com\t/bin/bash\n' +
      '2\tshop.example\t1\t/var/www/vhosts/example.com/shop.example\tfpm\texample_user\t/var/www/vhosts/example.com\t/bin/bash\n';
    const sites = readSites(text);
    expect(sites.is === 'read' && sites.value.map((s) => [s.name, s.subscription, s.root])).toEqual([
      ['example.com', 'example.com', '/var/www/vhosts/example.com/httpdocs'],
      ['shop.example', 'example.com', '/var/www/vhosts/example.com/shop.example'],
    ]);
  });

  test('a task', () => {
    expect(readTasks(taskRow)).toEqual({
      is: 'read',
      value: [
        {
          id: 7,
          user: 'example_user',
          active: true,
          type: 'php',
          handler: 'plesk-php83-fpm',
          command: 'httpdocs/cron.php',
          args: '--once',
          description: 'Import',
          notify: 'errors',
          schedule: '*/5 * * * *',
        },
      ],
    });
  });

  test.each([
    taskRow.replace('\tphp\t', '\tscript\t'),
    taskRow.replace('\t1\t', '\tyes\t'),
    taskRow.replace('7\t', 'seven\t'),
    taskRow.replace('\t*\n', '\n'),
    "ERROR 1146 (42S02): Table 'psa.ScheduledTasks' doesn't exist\n",
  ])('%j is no answer', (text) => {
    expect(readTasks(text).is).toBe('garbage');
  });
});

describe('the scheduler', () => {
  test.each([
    ['Usage: scheduler <command>\n    --update or -u   Update a task\n', true],
    ['--create|--update|--delete', true],
    ['    --list, -l\n    --create, -c\n', false],
    ['    --list\n    --updates    \n', false],
  ])('%j: can it update? %s', (help, can) => {
    expect(readVerbs(help)).toMatchObject({ is: 'read', value: { update: can } });
  });

  test.each([
    ...garbageTexts,
    'ERROR: Unknown command scheduler',
    'Usage: scheduler <command>\n',
    '    -u USER\n',
  ])('%j is no list of verbs: whether it can is not known', (help) => {
    expect(readVerbs(help).is).toBe('garbage');
  });

  test('a list has what its rows say in words we know, and nothing else', () => {
    const row = { id: '7', command: 'php a.php', isActive: '1', arguments: null, minute: '*', cmd: 'x' };
    expect(readListed(JSON.stringify([row]))).toEqual({
      is: 'read',
      value: [{ id: 7, command: 'php a.php', active: true }],
    });
    expect(readListed('[]')).toEqual({ is: 'read', value: [] });
  });

  test.each([...garbageTexts, '[{}]', '[{"id":"x"}]', '[null]', '[{"id":0}]'])(
    '%j is no list of tasks',
    (text) => {
      expect(readListed(text).is).toBe('garbage');
    },
  );

  test('an update names what it changes and nothing else', () => {
    const exec = { type: 'exec', command: 'php a.php', args: '' } as const;
    expect(updateWords(7, exec, { ...exec, command: 'php a.php --once' }, undefined)).toEqual([
      '--update',
      '7',
      '-command',
      'php a.php --once',
    ]);
    const php = { type: 'php', command: 'httpdocs/a.php', args: '--once' } as const;
    expect(updateWords(7, exec, php, '8.3.14')).toEqual([
      ...['--update', '7', '-type', 'php', '-php', '8.3.14'],
      ...['-command', 'httpdocs/a.php', '-arguments', '--once'],
    ]);
  });
});

test('no text whatever makes a reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      for (const reader of [
        readVersion,
        readInfo,
        readNames,
        readHandlers,
        readSites,
        readTasks,
        readPsaConf,
        readVerbs,
        readListed,
      ])
        reader(text);
    }),
  );
});

test('what is only assumed says what the tool does where it is not so', () => {
  const bare = Object.entries(facts).filter(([, fact]) => fact.tag === 'assumed' && !('otherwise' in fact));
  expect(bare).toEqual([]);
});
