// What a hostile site owner may try, on a server in memory: nobody's rights are lent to him.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, script, source, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
});
const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const run = async (line: string) => {
  const told = await contextFor(memoryServer(machine), line);
  return { ...(await (line.startsWith('scan') ? scan : deploy)(told.ctx)), ...told };
};
const code = async (line: string): Promise<string> => {
  try {
    return String((await run(line)).json['outcome']);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
};
const entry = (text: string): void =>
  machine.put(spool, `${text}\n`, { uid: exampleUser.uid, gid: 104, mode: 0o600 });

describe('a site owner whose crontab names somebody else’s script', () => {
  test('gets no guard written into it, and no program of his run with its owner’s rights', async () => {
    machine.put('/usr/share/php/lib.php', source, { uid: 0, gid: 0, mode: 0o644 });
    machine.put(`${home}/bin/php`, '#!/bin/sh\n', { ...own, mode: 0o755 });
    entry(`* * * * * ${home}/bin/php /usr/share/php/lib.php`);
    const ran: (readonly string[])[] = [];
    machine.programs = (argv) => {
      ran.push(argv);
      return { code: 0, stdout: '', stderr: '' };
    };
    await run('deploy --all --ci --without verify');
    expect(textOf('/usr/share/php/lib.php')).toBe(source);
    expect(textOf('/usr/share/php/cronlatch-guard.php')).toBe('(absent)');
    expect(ran).toEqual([]);
    const { exit } = await run('deploy --all --ci --without verify --guard script');
    expect(exit).toBe(5);
  });

  test('cannot have a neighbour’s script replaced with --worker', async () => {
    machine.put('/var/www/vhosts/shop.example/index.php', source, { uid: 10002, gid: 10002, mode: 0o644 });
    machine.put('/root/new.php', '<?php\n', {});
    entry('* * * * * php /var/www/vhosts/shop.example/index.php');
    expect((await run('deploy --all --ci --worker /root/new.php')).exit).toBe(5);
    expect(textOf('/var/www/vhosts/shop.example/index.php')).toBe(source);
  });
});

describe('a file that others can put there', () => {
  test('is no new version of a worker for root', async () => {
    machine.put(`${home}/new.php`, '<?php\n', own);
    expect(await code(`deploy --all --ci --worker ${home}/new.php`)).toBe('untrusted');
    expect(textOf(script)).toBe(source);
  });

  test('is no plan for root', async () => {
    await run('deploy --all --dry-run --save /root/plan.json');
    machine.put(`${home}/plan.json`, textOf('/root/plan.json'), { uid: 0, gid: 0, mode: 0o600 });
    expect(await code(`deploy --plan ${home}/plan.json --ci`)).toBe('untrusted');
    expect(textOf(spool)).toBe(crontab);
  });

  test('is no journal: root keeps its state where only root may write', async () => {
    expect(await code(`deploy --all --ci --state-dir ${home}/state`)).toBe('untrusted');
    expect(textOf(spool)).toBe(crontab);
  });
});

describe('root’s own jobs', () => {
  const at = '/opt/app/worker.php';
  beforeEach(() => {
    machine.live.delete(spool);
    machine.put('/etc/cron.d/worker', `* * * * * root cd / && php ${at}\n`);
    machine.directory('/root', { mode: 0o700 });
  });
  test('are latched where only root may change what they run', async () => {
    machine.put(at, source, {});
    expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
  });
  test.each<[string, [string, object][], number]>([
    ['the script is writable for all', [], 0o666],
    ['its directory is', [['/opt/app', { mode: 0o777 }]], 0o644],
    [
      'a directory above belongs to a user',
      [
        ['/opt', own],
        ['/opt/app', {}],
      ],
      0o644,
    ],
  ])('are refused when %s', async (_, directories, mode) => {
    for (const [path, look] of directories) machine.directory(path, look);
    machine.put(at, source, { mode });
    const { exit, json } = await run('deploy --script worker.php --ci');
    expect(exit).toBe(5);
    expect(JSON.stringify(json['outcome'])).toContain('root-runs-foreign-script');
  });
});

test('a script of a few megabytes made of marks does not stop a scan', async () => {
  const trap = `<?php\n${'// cronlatch: one instance at a time '.repeat(12_000)}\n`;
  machine.put(script, trap, own);
  expect((await run('scan')).exit).toBe(3);
  machine.put(script, `<?php (require '${'\\a'.repeat(200_000)}// cronlatch: one instance at a time\n`, own);
  expect((await run('scan')).exit).toBe(3);
});
