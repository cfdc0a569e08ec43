// Without rights on the server: the steps for the panel. And the probe, which only asks.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { facts } from '../../src/plesk/known.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, Machine, memoryServer } from '../support/memory-server.ts';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { incident, source } from '../support/site.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/plesk.md'), 'utf8');
/** The block of the page that stands below these words. */
const block = (after: string): string =>
  /```\w*\n([\s\S]*?)```/.exec(page.slice(page.indexOf(after)))?.[1] ?? '';

const run = async (machine: Machine, line: string, user = machine.people[0]) => {
  const told = await contextFor(memoryServer(machine, user === undefined ? {} : { user }), line);
  try {
    const done = await (line.startsWith('scan') ? scan : deploy)(told.ctx);
    return { ...done, out: told.out(), err: told.err(), code: '' };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { exit: error.exit, json: {}, out: told.out(), err: JSON.stringify(error.args), code: error.code };
  }
};

describe('deploy --print', () => {
  const pasted = (): Machine => {
    const machine = new Machine();
    machine.directory('/root');
    machine.put('/root/tasks.txt', block('what the panel shows'));
    machine.put('/root/import.php', source);
    return machine;
  };
  const lockDir = '/var/www/vhosts/example.com/cronlatch/process_import_jobs';

  test('text pasted from the panel: the steps of the page, and the files to upload', async () => {
    const machine = pasted();
    const line = block('written down, and the files')
      .trim()
      .replace(/^cronlatch /, '')
      .replaceAll(/ \\\n */g, ' ');
    const done = await run(machine, line);
    expect(done.exit, done.err).toBe(0);
    expect(done.out).toBe(block('It prints'));
    const files = [...machine.live.keys()].filter((path) => path.startsWith('/root/upload/'));
    expect(files.sort()).toEqual([
      '/root/upload/cronlatch-guard.php',
      '/root/upload/process_import_jobs.php',
    ]);
    expect(machine.live.get('/root/upload/process_import_jobs.php')?.bytes).toContain(
      `'dir' => '${lockDir}'`,
    );
    expect(machine.live.get('/root/import.php')?.bytes).toBe(source);
  });

  test.each([
    ['without the script', `--lock-dir ${lockDir}`, '--worker FILE'],
    ['without a place for the lock', '--worker /root/import.php', '--lock-dir DIR'],
  ])('%s it says what is missing', async (_, flags, missing) => {
    const done = await run(pasted(), `deploy --file /root/tasks.txt --print /root/upload ${flags}`);
    expect([done.exit, done.out]).toEqual([5, expect.stringContaining(missing)]);
  });

  test('a tenant with a shell on the server gets both kinds of task, and nothing of the site is touched', async () => {
    const host = pleskHost();
    const before = host.machine.picture();
    const done = await run(host.machine, 'deploy --print /tmp/out', host.user);
    expect(done.exit, done.err).toBe(0);
    for (const text of [
      'httpdocs/scripts/process_import_jobs.php',
      'with arguments:  --once',
      `cd ${host.user.home} && php httpdocs/scripts/process_import_jobs.php --once >>`,
      `make the directory ${host.user.home}/cronlatch/process_import_jobs`,
    ])
      expect(done.out).toContain(text);
    const kept = Object.entries(host.machine.picture()).filter(([path]) => !path.startsWith('/tmp'));
    expect(Object.fromEntries(kept)).toEqual(before);
  });

  test('where the task shell is a chroot only the task that runs a PHP script is offered', async () => {
    const host = pleskHost({ shell: 'chrooted' });
    const done = await run(host.machine, 'deploy --print /tmp/out', host.user);
    expect(done.exit, done.err).toBe(0);
    expect(done.out).toContain('Run a PHP script');
    expect(done.out).not.toContain('Run a command');
  });

  test('a directory with something in it is not written into', async () => {
    const machine = pasted();
    machine.put('/root/upload/mine', 'x');
    const done = await run(machine, 'deploy --file /root/tasks.txt --print /root/upload');
    expect([done.exit, done.code]).toEqual([2, 'usage']);
  });
});

describe('what cannot be seen is said', () => {
  test('to a tenant: tasks and sites of the panel', async () => {
    const host = pleskHost();
    const done = await run(host.machine, 'scan', host.user);
    expect(done.out).toContain('Not seen: Plesk’s scheduled tasks');
    expect(host.panel.calls).toEqual([]);
  });

  test('to root: nothing is missing but what Plesk did not answer', async () => {
    const host = pleskHost();
    expect((await run(host.machine, 'scan')).out).toContain('Plesk Obsidian 18.0.80.3: 2 sites, 2 tasks.');
    host.panel.fails = { tasks: 'exit' };
    const done = await run(host.machine, 'scan');
    expect(done.out).toContain('Not seen: plesk db: ScheduledTasks (exit code 1');
  });

  test('on a plain server nothing is said of Plesk, and nothing of it is asked', async () => {
    const machine = incident();
    const server = memoryServer(machine);
    const told = await contextFor(server, 'scan');
    await scan(told.ctx);
    expect(told.out()).not.toMatch(/plesk/i);
    expect(server.log.filter((call) => /psa|plesk/.test(call))).toEqual(['look /etc/psa/psa.conf']);
  });
});

describe('scan --probe', () => {
  const probed = async (host: Host) => {
    const done = await run(host.machine, 'scan --probe /root/probe.txt');
    return { ...done, text: host.machine.live.get('/root/probe.txt')?.bytes ?? '' };
  };

  test('writes down what Plesk answers and changes nothing', async () => {
    const host = pleskHost({ type: 'php', shell: 'chrooted' });
    const before = [host.crontab(), structuredClone(host.panel.tasks)];
    const { exit, text, err } = await probed(host);
    expect(exit, err).toBe(0);
    expect([host.crontab(), host.panel.tasks]).toEqual(before);
    expect(
      host.panel.calls.filter((words) => /update|create|delete|insert|run/i.test(words.join(' '))),
    ).toEqual([]);
    expect(text).toContain('Product version: Plesk Obsidian 18.0.80.3');
    expect(text).toContain('--update or -u');
    expect(text).toMatch(
      /\t\(\/opt\/plesk\/php\/8\.3\/bin\/php -f 'w\d+\/w\d+\/w\d+\.php'\) {2}> \/dev\/null/,
    );
    expect(host.machine.live.get('/root/probe.txt')?.mode).toBe(0o600);
  });

  test('nothing in it says whose server it is', async () => {
    const host = pleskHost({ command: 'php httpdocs/customer-import.php --token=geheim owner@shop.example' });
    host.task().description = 'Import of a customer';
    const { text } = await probed(host);
    for (const name of [
      'example.com_x1',
      'shop.example',
      'customer',
      'geheim',
      'owner@',
      'process_import',
      'Site Owner',
    ])
      expect(text).not.toContain(name);
    expect(text.replaceAll(/site-\d+\.example/g, '')).not.toMatch(/example\.com/);
  });

  test.each([
    ['an ordinary user', (host: Host) => run(host.machine, 'scan --probe /root/p', host.user), 'not-allowed'],
    ['a plain server', () => run(incident(), 'scan --probe /root/p'), 'usage'],
    ['a file that is there', (host: Host) => run(host.machine, 'scan --probe /etc/psa/psa.conf'), 'usage'],
  ])('%s is refused with the reason', async (_, act, code) => {
    expect((await act(pleskHost())).code).toBe(code);
  });
});

describe('docs/plesk.md', () => {
  test('has every fact with its tag, and for what is assumed what happens otherwise', () => {
    // The formatter pads the columns of tables.
    const plain = (text: string): string => text.replaceAll(/ {2,}/g, ' ');
    const table = plain(page);
    for (const [name, fact] of Object.entries(facts)) {
      expect(table, name).toContain(plain(`| ${fact.says.replaceAll('|', '\\|')} |`));
      if ('otherwise' in fact) expect(table, name).toContain(plain(`| ${fact.otherwise} |`));
    }
  });

  test('names a user in no example that could be a real one', () => {
    expect(exampleUser.name).toBe('example-user');
    expect(page).not.toMatch(/@(?!example)/);
  });
});
