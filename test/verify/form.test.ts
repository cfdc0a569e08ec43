// What the runs of an entry look like before and after a deployment, and who started them.
import { describe, expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import type { ProcessRow } from '../../src/server/server.ts';
import { formOfInstance, formOfShell, formsOf, startedBy } from '../../src/verify/form.ts';

const home = '/var/www/vhosts/example.com';
const worker = (before: string, after: string, place: 'script' | 'entry' = 'script'): Latched => ({
  name: 'worker',
  source: 'user:example-user',
  from: { is: 'user', user: 'example-user' },
  line: 1,
  script: `${home}/worker.php`,
  uid: 10001,
  gid: 10001,
  user: 'example-user',
  interpreter: { kind: 'php', path: '/usr/bin/php' },
  args: [],
  directory: home,
  lock: { directory: `${home}/cronlatch/worker`, name: 'worker', guard: `${home}/guard.php`, place },
  once: true,
  command: { before, after },
  schedule: '* * * * *',
  live: true,
});
const nothing = { crontabs: [], unseen: [], plesk: 'none' as const, paths: new Map(), workers: [] };
const forms = (before: string, after: string, place?: 'entry') => {
  const found = formsOf(worker(before, after, place), nothing);
  if (found === 'same') throw new Error('the same');
  return found;
};
const row = (pid: number, ppid: number, argv: readonly string[], uid = 10001): ProcessRow => ({
  pid,
  ppid,
  start: String(pid),
  uid,
  state: 'S',
  exe: argv[0] ?? '',
  argv,
  cwd: home,
});

describe('the look of a run', () => {
  test.each([
    ['php worker.php', ['php', 'worker.php']],
    [
      'cd /srv && nice -n 5 php -q "my worker.php" a \'b c\' >> log 2>&1',
      ['php', '-q', 'my worker.php', 'a', 'b c'],
    ],
    ['MODE=x /usr/bin/env php worker.php', ['php', 'worker.php']],
    [
      'php -d memory_limit=-1 -f worker.php -- --fast',
      ['php', '-d', 'memory_limit=-1', '-f', 'worker.php', '--', '--fast'],
    ],
    [
      'timeout 60 /opt/plesk/php/8.2/bin/php $HOME/worker.php',
      ['/opt/plesk/php/8.2/bin/php', `${home}/worker.php`],
    ],
    // Only the shell knows what these become.
    ['php worker.php $(date +%s)', 'unknown'],
    ['./worker.php', 'unknown'],
    ['php a.php | php worker.php', 'unknown'],
  ])('%s', (command, argv) => {
    expect(forms(command, '/usr/bin/php worker.php --once').old.argv).toEqual(argv);
  });

  test('an entry that was not changed has no other look', () => {
    expect(formsOf(worker('php worker.php', 'php worker.php'), nothing)).toBe('same');
  });

  test('a process is told by all its words, else by nothing', () => {
    const both = forms('php worker.php', 'cd /x && /usr/bin/php worker.php --once >> /x/log 2>&1');
    expect(formOfInstance(['/usr/bin/php', 'worker.php', '--once'], both, '')).toBe('now');
    expect(formOfInstance(['php', 'worker.php'], both, '/x/log')).toBe('old');
    expect(formOfInstance(['php', 'worker.php', '--once'], both, '/x/log')).toBe('unclear');
  });

  test('where the words are the same, the log tells', () => {
    const line = 'cd /x && /usr/bin/php worker.php --once >> ';
    const both = forms(`${line}old.log 2>&1`, `${line}/x/new.log 2>&1`);
    const argv = ['/usr/bin/php', 'worker.php', '--once'];
    expect(formOfInstance(argv, both, '/x/new.log')).toBe('now');
    expect(formOfInstance(argv, both, '/x/old.log')).toBe('old');
    expect(formOfInstance(argv, both, '')).toBe('unclear');
  });

  test('a shell is told by its text to the letter', () => {
    const both = forms('php worker.php', '/usr/bin/php worker.php --once');
    expect(formOfShell(row(1, 0, ['/bin/sh', '-c', 'php worker.php']), both)).toBe('old');
    expect(formOfShell(row(1, 0, ['/bin/bash', '-c', '/usr/bin/php worker.php --once']), both)).toBe('now');
    expect(formOfShell(row(1, 0, ['/bin/sh', '-c', 'php worker.php ']), both)).toBe('none');
    expect(formOfShell(row(1, 0, ['grep', '-c', 'php worker.php', 'x']), both)).toBe('none');
  });
});

describe('who started a run', () => {
  const cron = row(300, 1, ['/usr/sbin/cron', '-f'], 0);
  const child = row(301, 300, ['/usr/sbin/CRON', '-f'], 0);
  const shell = row(302, 301, ['/bin/sh', '-c', 'php worker.php']);
  const login = row(400, 1, ['-bash']);
  const fake = row(500, 1, ['cron']);
  const all = new Map([cron, child, shell, login, fake].map((one) => [one.pid, one]));
  test.each([
    [302, 'cron'],
    [301, 'cron'],
    [400, 'other'],
    [500, 'other'], // calls itself cron and is not root
    [1, 'other'],
    [999, 'unseen'], // of another user, in a /proc that shows one’s own only
    [777, 'cron'], // plays cron for the sandbox
  ] as const)('a child of %i: %s', (ppid, by) => {
    expect(startedBy(row(9, ppid, ['php', 'worker.php']), all, 777)).toBe(by);
  });
});
