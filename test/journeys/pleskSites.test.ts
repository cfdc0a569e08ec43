// Which site is meant on a server with Plesk, which program runs its worker, and what of the crontabs is the panel's own.
import { describe, expect, test } from 'vitest';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { once, run, said, stores } from '../support/plesk/run.ts';

describe('which site', () => {
  const scanned = async (host: Host, flags: string): Promise<string> =>
    said(await run(host, `scan ${flags}`));

  test('an addon domain in another subscription’s directory, and a moved vhosts directory, lead to their user', async () => {
    for (const layout of ['addon domain', 'moved vhosts'] as const) {
      const host = pleskHost({ layout });
      expect(await scanned(host, `--site ${host.site}`)).toContain(`user:${host.user.name}`);
    }
  });

  test('a subscription is named by its main domain alone', async () => {
    const host = pleskHost();
    expect(await scanned(host, '--subscription example.com')).toContain(`user:${host.user.name}`);
    expect(await scanned(host, '--subscription shop.example')).toContain('it belongs to example.com');
    expect(await scanned(host, '--site example.com --subscription example.com')).toContain(
      'cannot be used together',
    );
  });

  test('where the database is away, the site itself is asked, and then the directory', async () => {
    const host = pleskHost({ layout: 'addon domain' });
    host.panel.fails = { sites: 'exit' };
    expect(await scanned(host, '--site shop.example')).toContain(`user:${host.user.name}`);
    expect(host.panel.calls).toContainEqual(['bin', 'site', '--info', 'shop.example']);
    host.panel.fails = { sites: 'exit', info: 'garbage' };
    expect(await scanned(host, '--site example.com')).toContain(`user:${host.user.name}`);
    expect(await scanned(host, '--site shop.example')).toContain('Cannot tell which user owns the site');
  });

  test('a tenant finds his own by the directory', async () => {
    const host = pleskHost();
    const told = await contextFor(memoryServer(host.machine, { user: host.user }), 'scan --site example.com');
    await scan(told.ctx);
    expect(told.out()).toContain(`user:${host.user.name}`);
    expect(host.panel.calls).toEqual([]);
  });
});

describe('interpreters', () => {
  test('a version that is not where the entry says is taken from where it is, and the program is tried', async () => {
    for (const [php, path] of [
      ['plesk', '/opt/plesk/php/8.3/bin/php'],
      ['alt', '/opt/alt/php83/usr/bin/php'],
      ['distribution', '/usr/bin/php8.3'],
    ] as const) {
      const host = pleskHost({
        php,
        command: '/usr/local/php83/bin/php httpdocs/scripts/process_import_jobs.php',
      });
      const ended = await run(host, once);
      expect(said(ended)).toContain(`deploy writes ${path} in its place`);
      expect(host.task().command).toContain(`${path} httpdocs/`);
    }
  });

  test('one that does not run as the site’s user is refused', async () => {
    const host = pleskHost();
    const programs = host.machine.programs;
    host.machine.programs = (argv) =>
      argv[0] === host.php ? { code: 127, stdout: '', stderr: 'no such library' } : programs(argv);
    const before = stores(host);
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('interpreter-unfit')]);
    expect(stores(host)).toEqual(before);
  });

  test('a cgi is no command line PHP', async () => {
    const host = pleskHost();
    const programs = host.machine.programs;
    const cgi = JSON.stringify(['8.3.14', 'cgi-fcgi', []]);
    host.machine.programs = (argv) =>
      argv[0] === host.php ? { code: 0, stdout: cgi, stderr: '' } : programs(argv);
    expect(said(await run(host, once))).toContain('is cgi-fcgi and no cli');
  });

  test('Node of Plesk is named where the entry’s is missing: which version is for a person to say', async () => {
    const host = pleskHost({ command: 'node httpdocs/worker.mjs' });
    const own = { uid: host.user.uid, gid: host.user.gid };
    host.machine.put(`${host.user.home}/httpdocs/worker.mjs`, 'run();\n', own);
    for (const major of [20, 22])
      host.machine.put(`/opt/plesk/node/${major}/bin/node`, 'ELF', { mode: 0o755 });
    const ended = await run(host, 'deploy --script worker.mjs --ci --without verify');
    expect(ended.exit).toBe(5);
    expect(said(ended)).toContain('there are /opt/plesk/node/20/bin/node, /opt/plesk/node/22/bin/node');
    const named = await run(
      host,
      'deploy --script worker.mjs --ci --without verify --node /opt/plesk/node/22/bin/node',
    );
    expect(named.exit, said(named)).toBe(0);
    expect(host.task().command).toContain('/opt/plesk/node/22/bin/node httpdocs/worker.mjs');
  });

  test('the panel’s own PHP is never taken', async () => {
    const host = pleskHost();
    await expect(run(host, `${once} --interpreter /opt/psa/admin/bin/php`)).resolves.toMatchObject({
      exit: 2,
    });
    host.panel.handlers = [
      { id: 'plesk-php83-fpm', clipath: '/opt/psa/admin/bin/php', fullVersion: '8.3.14', status: 'enabled' },
    ];
    await run(host, once);
    expect(host.task().command).toContain('/opt/plesk/php/8.3/bin/php');
  });
});

describe('Plesk’s own jobs', () => {
  test('stand in root’s crontab beside hand-made ones, are told as such, and keep their bytes', async () => {
    const host = pleskHost();
    const dump = [
      'MAILTO=""',
      "29\t*\t*\t*\t*\t/opt/psa/admin/bin/php -dauto_prepend_file=sdk.php '/opt/psa/admin/plib/modules/wp-toolkit/scripts/maintenance.php'",
      '*/5 * * * *  /usr/bin/php8.3  /root/jobs/sync.php   # by hand',
      'MAILTO=""',
      '7\t3\t*\t*\t*\t/opt/psa/admin/sbin/backupmng  > /dev/null',
      '',
    ].join('\n');
    host.machine.put('/var/spool/cron/crontabs/root', dump, { mode: 0o600 });
    host.machine.put('/opt/psa/admin/plib/modules/wp-toolkit/scripts/maintenance.php', '<?php\n');
    host.machine.put('/usr/bin/php8.3', 'ELF', { mode: 0o755 });
    host.machine.put('/root/jobs/sync.php', '<?php\nwork();\n');
    expect((await run(host, 'scan --user root')).out()).toContain('[panel-job]');
    const ended = await run(host, 'deploy --user root --all --ci --without verify');
    expect(ended.exit, said(ended)).toBe(0);
    const after = (host.machine.live.get('/var/spool/cron/crontabs/root')?.bytes ?? '').split('\n');
    expect(after.filter((_, i) => i !== 2)).toEqual(dump.split('\n').filter((_, i) => i !== 2));
    expect(after[2]).toContain('/root/jobs/sync.php');
    await run(host, 'rollback --ci');
    expect(host.machine.live.get('/var/spool/cron/crontabs/root')?.bytes).toBe(dump);
  });

  test.each([
    ['its user’s', 'psaadm', '/usr/bin/php8.3  /usr/local/sites/alerts.php'],
    [
      'its extensions’, run by another PHP',
      'root',
      '/usr/bin/php8.3 /opt/psa/admin/plib/modules/git/scripts/fetch.php',
    ],
    [
      'its own PHP’s',
      'psaadm',
      "/opt/psa/admin/bin/php -dauto_prepend_file=sdk.php '/opt/psa/admin/plib/modules/monitoring/scripts/cloud-alerts.php'",
    ],
  ])('%s are told as such and never touched', async (_, user, command) => {
    const host = pleskHost();
    host.machine.people.push({
      name: 'psaadm',
      uid: 500,
      gid: 500,
      home: '/opt/psa/admin',
      shell: '/bin/false',
    });
    const text = `MAILTO=""\nMAILTO=""\n*/5\t*\t*\t*\t*\t${command}\n`;
    const path = `/var/spool/cron/crontabs/${user}`;
    host.machine.put(path, text, { uid: user === 'root' ? 0 : 500, mode: 0o600 });
    for (const script of command.match(/\/\S+\.php(?=$|')/g) ?? [])
      host.machine.put(script, '<?php\nwork();\n', { uid: user === 'root' ? 0 : 500 });
    host.machine.put('/usr/bin/php8.3', 'ELF', { mode: 0o755 });
    const before = stores(host);
    expect((await run(host, `scan --user ${user}`)).out()).toContain('[panel-job]');
    const ended = await run(host, `deploy --user ${user} --all --ci --without verify`);
    expect(ended.out()).toContain('Nothing here can be latched.');
    expect(stores(host)).toEqual(before);
    expect(host.machine.live.get(path)?.bytes).toBe(text);
  });
});
