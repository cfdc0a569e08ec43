// What a survey must not miss on a server in memory: names that are taken, other entries, places that cannot be written.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { scan } from '../../src/commands/scan.ts';
import { Problem } from '../../src/problem.ts';
import type { Server } from '../../src/server/server.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, instance, script, source, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.processes = [];
});

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const putCrontab = (text: string): void =>
  machine.put(spool, text, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
const putScript = (path: string): void => machine.put(`${home}/${path}`, source, { ...own, mode: 0o640 });
const putLink = (path: string, target: string): void =>
  machine.directory(path, { ...own, kind: 'link', bytes: target });
const run = async (line: string, server: Server = memoryServer(machine)) => {
  const told = await contextFor(server, line);
  const command = { deploy, rollback, scan }[line.split(' ')[0] as 'deploy'];
  return { ...(await command(told.ctx)), ...told };
};
/** A machine on which these paths are closed to whoever looks with other eyes than root's. */
const closed = (server: Server, paths: readonly string[]): Server => {
  const refuse = (path: string, uid: number): void => {
    if (!server.self.root && uid !== server.self.owner.uid)
      throw new Problem('not-allowed', { act: `act as uid ${uid}`, reason: '' });
    if (uid !== 0 && paths.some((p) => path === p || path.startsWith(`${p}/`)))
      throw new Problem('unreadable', { path, reason: 'permission denied' });
  };
  const { look, real } = server.files;
  const files: Server['files'] = {
    ...server.files,
    look: async (path, as) => {
      refuse(path, as.uid);
      return look(path, as);
    },
    real: async (path, as) => {
      refuse(path, as.uid);
      return real(path, as);
    },
  };
  const read: Server['crontabs']['read'] = async (source) => {
    if (source.is !== 'user') refuse(source.path, server.self.owner.uid);
    return server.crontabs.read(source);
  };
  return { ...server, files, crontabs: { ...server.crontabs, read } };
};
const codes = (json: Record<string, unknown>, level = 'stop'): unknown[] =>
  (json['findings'] as { level: string; code: string }[]).filter((f) => f.level === level).map((f) => f.code);
const locks = (json: Record<string, unknown>): string[] =>
  (json['plan'] as { workers: { script: string; lock?: { directory: string; name: string } }[] }).workers.map(
    (w) => `${w.script.slice(home.length + 1)} ${w.lock?.directory}/${w.lock?.name}`,
  );

describe('two workers never share a lock', () => {
  test('scripts of one name, deployed from two crontabs one after the other, get a name each', async () => {
    putScript('x/worker.php');
    putScript('y/worker.php');
    putCrontab('* * * * * php x/worker.php\n');
    machine.put('/etc/cron.d/more', '* * * * * example-user php y/worker.php\n');
    const first = await run('deploy --user example-user --all --ci --without verify');
    const second = await run('deploy --file /etc/cron.d/more --all --ci --without verify');
    expect(locks(first.json)).toEqual([`x/worker.php ${home}/cronlatch/worker/worker`]);
    expect(locks(second.json)).toEqual([`y/worker.php ${home}/cronlatch/y-worker/y-worker`]);
    const again = await run('deploy --file /etc/cron.d/more --all --ci');
    expect(again.out()).toContain('Already deployed.');
  });

  test('a guard in an entry further down keeps its name, and its flags are not put there twice', async () => {
    putScript('vendor/a/worker.php');
    putCrontab('* * * * * php vendor/a/worker.php\n');
    await run('deploy --all --ci --without verify');
    const guarded = textOf(spool);
    expect(guarded).toContain(`cronlatch.name=worker vendor/a/worker.php`);
    putScript('vendor/b/worker.php');
    putCrontab(`* * * * * php vendor/b/worker.php\n${guarded}`);
    const { json } = await run('deploy --all --ci --without verify');
    expect(locks(json)).toEqual([
      `vendor/b/worker.php ${home}/cronlatch/b-worker/b-worker`,
      `vendor/a/worker.php ${home}/cronlatch/worker/worker`,
    ]);
    expect(textOf(spool).split('\n')[0]).toContain('cronlatch.name=b-worker vendor/b/worker.php');
    expect(textOf(spool).split('\n')[1]).toBe(guarded.trimEnd());
  });

  test('a second entry for the very same worker shares the lock of the guarded one', async () => {
    putScript('vendor/a/worker.php');
    putCrontab('* * * * * php vendor/a/worker.php\n');
    await run('deploy --all --ci --without verify');
    putCrontab(`${textOf(spool)}0 3 * * * php vendor/a/worker.php\n`);
    const { json } = await run('deploy --all --ci --without verify');
    expect(new Set(locks(json))).toEqual(new Set([`vendor/a/worker.php ${home}/cronlatch/worker/worker`]));
  });

  test('a release that takes the guard out of the script does not change the worker’s name', async () => {
    await run('deploy --all --ci --without verify');
    machine.put(script, source, { ...own, mode: 0o640 });
    const { json } = await run('deploy --all --ci --without verify');
    expect(locks(json)).toEqual([
      `httpdocs/scripts/process_import_jobs.php ${home}/cronlatch/process_import_jobs/process_import_jobs`,
    ]);
  });

  test('what another deployer’s rollback left behind is not taken over, and the deploy after it works', async () => {
    await run('deploy --all --ci --without verify');
    machine.makeLock(`${home}/cronlatch/process_import_jobs/process_import_jobs.lock`, own);
    await run('rollback --ci');
    const { json, exit } = await run('deploy --all --ci --without verify --state-dir /var/lib/other');
    expect([exit, ...codes(json)]).toEqual([0]);
    expect(locks(json)).toEqual([
      `httpdocs/scripts/process_import_jobs.php ${home}/cronlatch/scripts-process_import_jobs/scripts-process_import_jobs`,
    ]);
  });

  test('flags for a lock of another name are replaced, whatever stands between them', async () => {
    putScript('vendor/a/worker.php');
    putCrontab(
      `* * * * * cd ${home} && /usr/bin/php -q -d auto_prepend_file=/old/cronlatch-guard.php -d memory_limit=-1 -d cronlatch.dir=/old -dcronlatch.name=old -d cronlatch.max_time=60 vendor/a/worker.php\n`,
    );
    await run('deploy --all --ci --without verify');
    expect(textOf(spool)).toContain(
      `/usr/bin/php -d auto_prepend_file=${home}/cronlatch/cronlatch-guard.php -d cronlatch.dir=/old -d cronlatch.name=old -q -d memory_limit=-1 -d cronlatch.max_time=60 vendor/a/worker.php`,
    );
  });
});

describe('a script that other entries start, too', () => {
  test('gets its guard in the entry that is chosen; the others go on as they were', async () => {
    putScript('q.php');
    const lines = ['* * * * * php q.php mails', '* * * * * php ./q.php bills', ''];
    putCrontab(lines.join('\n'));
    const { json } = await run('deploy --entry 1 --ci --without verify');
    expect(codes(json, 'note')).toContain('guard-in-entry');
    expect(textOf(`${home}/q.php`)).toBe(source);
    expect(textOf(spool).split('\n')[1]).toBe(lines[1]);
  });

  test('for the same job keeps the guard in the script', async () => {
    putScript('q.php');
    putCrontab('* * * * * php q.php\n0 * * * * php q.php --once\n');
    await run('deploy --entry 1 --ci --without verify');
    expect(textOf(`${home}/q.php`)).toContain('cronlatch-guard.php');
  });

  test('as another user has a guard in each entry, and a lock in each home', async () => {
    machine.people.push({ ...exampleUser, name: 'u12345_app', uid: 10002, home: '/srv/app' });
    machine.directory('/srv/app', { uid: 10002, gid: 10002 });
    putScript('q.php');
    machine.put(
      '/etc/cron.d/q',
      `* * * * * example-user php q.php\n* * * * * u12345_app php ${home}/q.php\n`,
    );
    const { json } = await run('deploy --file /etc/cron.d/q --all --ci --without verify');
    expect(locks(json)).toEqual([`q.php ${home}/cronlatch/q/q`, 'q.php /srv/app/cronlatch/q/q']);
    expect(textOf(`${home}/q.php`)).toBe(source);
  });
});

describe('running instances', () => {
  beforeEach(() => {
    putScript('q.php');
    machine.directory(`${home}/.git`);
    const runs = (pid: number, ...args: string[]) =>
      instance(pid, { argv: ['php', 'q.php', ...args], script: `${home}/q.php` });
    machine.processes = [runs(801), runs(802, '--once'), runs(803, 'mails'), runs(804, 'mails', 'all')];
  });

  test('of a worker without arguments are not those of the same script with some', async () => {
    putCrontab('* * * * * php q.php\n');
    await run('deploy --all --ci --without verify');
    expect(machine.signals).toEqual(['SIGTERM 801', 'SIGTERM 802']);
  });

  test('are told apart by all their arguments, in the scan, too', async () => {
    putCrontab('* * * * * php q.php mails\n* * * * * php q.php\n');
    const { json } = await run('scan --json');
    const [first] = json['crontabs'] as { entries: { worker: { instances: number[] } }[] }[];
    expect(first?.entries.map((e) => e.worker.instances)).toEqual([[803], [801, 802]]);
  });
});

describe('an interpreter that is asked for', () => {
  beforeEach(() => {
    putScript('q.php');
    machine.put(`${home}/q.mjs`, 'await 1;\n', own);
    machine.put('/usr/bin/node', 'ELF', { mode: 0o755 });
    machine.put('/opt/node20/bin/node', 'ELF', { mode: 0o755 });
    putCrontab('* * * * * php q.php\n* * * * * node q.mjs\n');
  });

  test('with --all is for the workers of its kind', async () => {
    expect((await run('deploy --all --node /opt/node20/bin/node --ci --without verify')).exit).toBe(0);
    expect(textOf(spool)).toMatch(/ \/usr\/bin\/php q\.php .*\n.* \/opt\/node20\/bin\/node q\.mjs /);
  });

  test('for a worker of the other kind stops the deploy', async () => {
    const { json, exit } = await run('deploy --script q.php --node /opt/node20/bin/node --ci');
    expect([exit, ...codes(json)]).toEqual([5, 'interpreter-kind']);
    expect(textOf(spool)).toContain('* * * * * php q.php\n');
  });
});

describe('what may not be seen', () => {
  const shut = ['/etc/crontab', '/etc/cron.d/secret', '/root', '/srv/app'];
  beforeEach(() => {
    machine.live.delete('/etc/crontab');
    machine.put('/etc/crontab', '* * * * * root php /root/q.php\n', { mode: 0o600 });
    machine.put('/etc/cron.d/secret', '* * * * * root php /root/q.php\n', { mode: 0o600 });
    machine.put('/etc/cron.d/open', '* * * * * root php foo.php\n* * * * * u12345_app php q.php\n');
    machine.people.push({ ...exampleUser, name: 'u12345_app', uid: 10002, home: '/srv/app' });
    machine.directory('/srv/app', { uid: 10002, gid: 10002 });
  });
  const asUser = () => closed(memoryServer(machine, { user: exampleUser }), shut);

  test('is named by its path, and the scan goes on with the rest', async () => {
    const { json, out, exit } = await run('scan --fail-on never --json', asUser());
    expect(exit).toBe(0);
    expect(json['unseen']).toEqual(['/etc/crontab', '/etc/cron.d/secret']);
    expect(out()).toContain('Not seen: /etc/cron.d/secret');
    expect(out()).toContain('script-unreadable');
    expect(out()).toContain('/etc/cron.d/open');
  });

  test('is a failure when it was asked for by name', async () => {
    await expect(run('scan --file /etc/cron.d/secret', asUser())).rejects.toMatchObject({
      code: 'unreadable',
    });
  });

  test('ends no survey when it is the lock of another user’s guarded script', async () => {
    machine.put(
      '/etc/cron.d/open',
      `* * * * * u12345_app php -d auto_prepend_file=/srv/app/cronlatch/cronlatch-guard.php -d cronlatch.dir=/srv/app/cronlatch/q -d cronlatch.name=q ${script}\n`,
    );
    machine.put('/srv/app/cronlatch/q/q.lock', '', { uid: 10002, gid: 10002, mode: 0o600 });
    machine.processes = [instance(901, { uid: 10002 }), instance(902, { uid: 10002 })];
    const { json } = await run('scan --fail-on never --json', asUser());
    const crontabs = json['crontabs'] as { source: string; entries: { worker: object }[] }[];
    expect(crontabs.find((c) => c.source === '/etc/cron.d/open')?.entries[0]?.worker).toMatchObject({
      guarded: true,
      instances: [901, 902],
    });
  });
});

describe('workers that something stands in the way of', () => {
  test('all of them: exit 5 with the reasons, as for one that was named', async () => {
    putCrontab('* * * * * php gone.php\n* * * * * /opt/none/php httpdocs/scripts/process_import_jobs.php\n');
    const { json, exit, out } = await run('deploy --all --ci');
    expect([exit, ...codes(json)]).toEqual([5, 'script-missing', 'interpreter-missing']);
    expect(out()).toContain('gone.php is not there');
    expect((json['outcome'] as { is: string }).is).toBe('refused');
  });

  test('some of them: those are left alone, and it is said; the others are latched', async () => {
    putScript('q.php');
    putCrontab('* * * * * php gone.php\n* * * * * php q.php\n');
    const { exit, err } = await run('deploy --all --ci --without verify');
    expect(exit).toBe(0);
    expect(err()).toContain('left alone: user:example-user, line 1');
    expect(textOf(spool)).toMatch(/^\* \* \* \* \* php gone\.php\n.*cd .* q\.php --once >>/);
  });

  test('no workers at all: nothing to do', async () => {
    putCrontab('0 3 * * * /usr/local/bin/backup.sh\n* * * * * /opt/psa/admin/bin/php x.php\n');
    const { exit, out } = await run('deploy --all --ci');
    expect(exit).toBe(0);
    expect(out()).toContain('Nothing here can be latched.');
  });
});

describe('a log that the worker’s user cannot write', () => {
  const group = (members: string): void => machine.put('/etc/group', `adm:x:4:${members}\n`);
  const file = (mode: number, gid = 4) => machine.put('/var/log/q.log', '', { mode, uid: 0, gid });
  const refused: [string, () => void, string, string][] = [
    ['a file of root’s', () => file(0o640), '/var/log/q.log', '/var/log/q.log'],
    ['a file of a group he is not in', () => file(0o660), '/var/log/q.log', '/var/log/q.log'],
    ['no file, in a directory of root’s', () => machine.directory('/var/log'), '/var/log/q.log', '/var/log'],
    ['no directory, in one of root’s', () => machine.directory('/var/log'), '/var/log/q/q.log', '/var/log'],
    [
      'a file in a closed directory',
      () => [file(0o666), machine.directory('/var/log', { mode: 0o700 })],
      '/var/log/q.log',
      '/var/log',
    ],
    ['a directory', () => machine.directory('/var/log/q.log', own), '/var/log/q.log', '/var/log/q.log'],
    ['a file where a directory should be', () => file(0o666), '/var/log/q.log/q', '/var/log/q.log'],
    [
      'a link to a file of root’s',
      () => [file(0o644), putLink(`${home}/q.log`, '/var/log/q.log')],
      `${home}/q.log`,
      `${home}/q.log`,
    ],
  ];
  test.each(refused)('%s: asked for or kept, the deploy is stopped', async (_, lay, log, because) => {
    lay();
    for (const kept of [false, true]) {
      if (kept) putCrontab(`* * * * * php httpdocs/scripts/process_import_jobs.php >> ${log} 2>&1\n`);
      const { json, exit } = await run(`deploy --all --ci${kept ? '' : ` --log ${log}`}`);
      expect([exit, ...codes(json)]).toEqual([5, 'log-unwritable']);
      const found = (json['findings'] as { code: string; args: object }[]).find(
        (f) => f.code === 'log-unwritable',
      );
      expect(found?.args).toEqual({ log, path: because, user: 'example-user' });
      expect(textOf(script)).toBe(source);
    }
  });

  const taken: [string, () => void, string][] = [
    ['his own file', () => machine.put('/var/log/q.log', '', own), '/var/log/q.log'],
    ['a file of his group', () => [file(0o660), group('x,example-user')], '/var/log/q.log'],
    [
      'a directory of his group',
      () => [machine.directory('/var/log', { mode: 0o775, gid: 4 }), group('example-user')],
      '/var/log/q.log',
    ],
    ['a stream', () => {}, '/dev/stderr'],
    [
      'a link to his own file',
      () => [machine.put('/srv/logs/q', '', own), putLink(`${home}/q.log`, '/srv/logs/q')],
      `${home}/q.log`,
    ],
    [
      'a directory to be made in one of his group',
      () => [machine.directory('/var/log', { mode: 0o775, gid: 4 }), group('example-user')],
      '/var/log/new/q.log',
    ],
    ['a directory to be made at home', () => {}, `${home}/logs/new/q.log`],
  ];
  test.each(taken)('%s is fine', async (_, lay, log) => {
    lay();
    const { json, exit } = await run(`deploy --all --dry-run --log ${log}`);
    expect([exit, ...codes(json)]).toEqual([0]);
  });
});

describe('something in the way of lock and guard', () => {
  const base = `${home}/cronlatch`;
  const laid: [string, () => void, string][] = [
    ['a link', () => putLink(base, '/root'), base],
    ['a file', () => machine.put(base, '', own), base],
    ['a directory of root’s', () => machine.directory(base), base],
    [
      'a link further down',
      () => putLink(`${base}/process_import_jobs`, '/root'),
      `${base}/process_import_jobs`,
    ],
    [
      'a link for the guard in the script',
      () => putLink(`${home}/httpdocs/scripts/cronlatch-guard.php`, '/root/x'),
      `${home}/httpdocs/scripts/cronlatch-guard.php`,
    ],
    [
      'a link for the guard of the entry',
      () => [putLink(`${base}/cronlatch-guard.php`, '/root/x'), machine.directory(`${home}/.git`)],
      `${base}/cronlatch-guard.php`,
    ],
  ];
  test.each(laid)('%s stops the deploy before anything is done', async (_, lay, path) => {
    lay();
    const before = machine.picture();
    const { json, exit } = await run('deploy --all --ci');
    expect([exit, ...codes(json)]).toEqual([5, 'place-taken']);
    expect((json['findings'] as { args: object }[]).map((f) => f.args)).toContainEqual({
      path,
      user: 'example-user',
    });
    expect(machine.picture()).toEqual(before);
  });

  test('a lock of the standing guard that became a link stops the next deploy', async () => {
    await run('deploy --all --ci --without verify');
    const lock = `${base}/process_import_jobs/process_import_jobs.lock`;
    putLink(lock, '/root/x');
    const { json, exit } = await run('deploy --all --ci');
    expect([exit, ...codes(json)]).toEqual([5, 'place-taken']);
  });
});

describe('which Debian', () => {
  const settings = 'EMPTY=\nMAILTO="Ops <ops@example.com>"\n* * * * * x\n';
  const refused = async (
    version: string,
    command = 'scan --user example-user --json',
  ): Promise<unknown[]> => {
    machine.put('/etc/debian_version', version);
    putCrontab(settings);
    machine.put('/root/tab', settings);
    const { json } = await run(command);
    return (json['crontabs'] as { findings: { level: string; code: string; where: { line: number } }[] }[])
      .flatMap(({ findings }) => findings)
      .filter(({ level, where }) => level === 'stop' && where.line > 0)
      .map(({ code, where }) => `${where.line} ${code}`);
  };

  test('12 refuses a setting without a value, 13 an address it does not mail to', async () => {
    expect(await refused('12.9\n')).toEqual(['1 bad-field']);
    expect(await refused('13.1\n')).toEqual(['2 unsafe-mail']);
    expect(await refused('trixie/sid\n')).toEqual(['1 bad-field']);
  });

  test('a crontab kept as a file may be for another machine: it is read by the older rules', async () => {
    expect(await refused('13.1\n', 'scan --file tab --json')).toEqual(['1 bad-field']);
  });
});

describe('runs that take longer than the time to the next', () => {
  const found = async (): Promise<{ level: string; message: string }[]> => {
    const { json } = await run('scan --user example-user --json');
    return (
      json['crontabs'] as { entries: { findings: { code: string; level: string; message: string }[] }[] }[]
    )
      .flatMap(({ entries }) => entries.flatMap(({ findings }) => findings))
      .filter(({ code }) => code === 'overlap');
  };

  test('are told by the record the guard left, and the lock is said to keep them apart', async () => {
    await run('deploy --all --ci --without verify');
    const record = (ended: number | null): void =>
      machine.put(
        `${home}/cronlatch/process_import_jobs/process_import_jobs.lock`,
        `${JSON.stringify({ pid: 1, started: 1000, ended, state: 'done' }).padEnd(511)}\n`,
        own,
      );
    record(1100);
    expect(await found()).toEqual([]);
    record(1000 + 600);
    expect(await found()).toMatchObject([
      {
        level: 'note',
        message: expect.stringMatching(/takes 10 min \(last run\).* 2 min: the lock leaves out/),
      },
    ]);
    // A run that has not ended says nothing about how long it takes; nor does what is no record.
    record(null);
    expect(await found()).toEqual([]);
    machine.put(
      `${home}/cronlatch/process_import_jobs/process_import_jobs.lock`,
      '{"started": 1000, "ended',
      own,
    );
    expect(await found()).toEqual([]);
  });

  test('are told by an instance that runs, and without a lock they overlap', async () => {
    machine.put('/proc/uptime', '20000.00 100.00\n');
    machine.processes = [instance(501, { start: String((20_000 - 90) * 100) })];
    expect(await found()).toEqual([]);
    machine.processes = [instance(501, { start: String((20_000 - 900) * 100) })];
    expect(await found()).toMatchObject([
      { level: 'warn', message: expect.stringContaining('15 min (PID 501)') },
    ]);
    // In a container the clocks may count from different boots.
    machine.put('/proc/uptime', '10.00 1.00\n');
    expect(await found()).toEqual([]);
  });
});

test('a script that the user’s and the system’s crontab both start is said, with the place of the other', async () => {
  machine.put('/etc/cron.d/shop', `*/5 * * * * example-user /usr/bin/php ${script}\n`);
  const { json } = await run('scan --json');
  const twice = (
    json['crontabs'] as { source: string; entries: { findings: { code: string; message: string }[] }[] }[]
  )
    .flatMap(({ source: at, entries }) =>
      entries.flatMap(({ findings }) => findings.map((f) => ({ at, ...f }))),
    )
    .filter(({ code }) => code === 'same-script-twice');
  expect(twice).toMatchObject([
    {
      at: '/etc/cron.d/shop',
      message: 'Line 4 of user:example-user starts the same script in the same way.',
    },
  ]);
});
