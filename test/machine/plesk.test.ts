// The stand-in of Plesk on this machine: a real cron, real PHP, a real chroot without PHP in it, and the built program.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type As,
  type Cron,
  closeWorkshop,
  cronMissing,
  installProgram,
  startCron,
  until,
  workshop,
} from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { type Installed, installPlesk } from '../support/plesk/install.ts';
import { emptyPanel, type PanelState } from '../support/plesk/panel.ts';
import { chrootsh, crontabOf } from '../support/plesk/written.ts';

const setcap = spawnSync('sh', ['-c', 'command -v setcap']).status === 0;
const reason = cronMissing || (setcap ? '' : 'no setcap');
const php = '/opt/plesk/php/8.2/bin/php';
/** Says in the site that it ran, how, and with which PHP: a task that runs a PHP script has no log. */
const worker = `<?php
$once = in_array('--once', $argv, true);
file_put_contents(__DIR__ . '/ran', ($once ? 'once ' : 'for ever ') . PHP_BINARY . "\\n", FILE_APPEND);
echo "done\\n";
`;

describe.skipIf(reason !== '')(
  `Plesk’s stand-in with a real cron${reason === '' ? '' : ` (skipped: ${reason})`}`,
  () => {
    let directory: string;
    let bin: string;
    let cron: Cron;
    let user: As;
    let panel: Installed;
    const at = (name: string): string => join(directory, name);
    const site = (name: string): string => join(user.home, name);
    const cronlatch = (...words: string[]) =>
      cron.run([process.execPath, bin, ...words, '--state-dir', at('state')], {});
    const ran = (): string =>
      existsSync(site('httpdocs/scripts/ran')) ? readFileSync(site('httpdocs/scripts/ran'), 'utf8') : '';
    const crontab = (): string => readFileSync(join(cron.spool, user.name), 'utf8');
    const install = async (text: string): Promise<void> => {
      writeFileSync(at('new'), text);
      const done = await cron.run(['crontab', '-u', user.name, at('new')]);
      expect(done.stderr).toBe('');
      await cron.notice();
    };
    const domain = (): string => basename(user.home);
    const script = 'httpdocs/scripts/process_import_jobs.php';

    beforeAll(async () => {
      directory = workshop('plesk');
      mkdirSync(at('vhosts'));
      user = makeUser(at('vhosts'));
      // As Plesk makes most of them: nobody logs in, and cron runs their tasks all the same.
      spawnSync('usermod', ['-s', '/bin/false', user.name]);
      chmodSync(user.home, 0o755);
      for (const name of ['httpdocs', 'httpdocs/scripts', 'httpdocs/logs']) {
        mkdirSync(site(name));
        chownSync(site(name), user.uid, user.gid);
      }
      writeFileSync(site(script), worker);
      chownSync(site(script), user.uid, user.gid);
      panel = installPlesk(directory, { etc: at('etc'), sbin: at('upper'), vhosts: at('vhosts') }, state());
      bin = installProgram(directory);
      // PHP where Plesk has it, and the shell of its chroot: chroot(1) with the right to do so, and nothing else.
      for (const name of ['opt/plesk/php/8.2/bin', 'opt/psa/bin', 'opt.work'])
        mkdirSync(at(name), { recursive: true });
      symlinkSync('/usr/bin/php', at('opt/plesk/php/8.2/bin/php'));
      cpSync('/usr/sbin/chroot', at('opt/psa/bin/chroot-as-user'));
      writeFileSync(
        at('opt/psa/bin/chrootsh'),
        '#!/bin/sh\nexec /opt/psa/bin/chroot-as-user "$HOME" /bin/bash "$@"\n',
      );
      chmodSync(at('opt/psa/bin/chrootsh'), 0o755);
      cron = await startCron(directory);
      const opt = `lowerdir=/opt,upperdir=${at('opt')},workdir=${at('opt.work')}`;
      for (const argv of [
        ['mount', '-t', 'overlay', 'overlay', '-o', opt, '/opt'],
        ['setcap', 'cap_sys_chroot+ep', '/opt/psa/bin/chroot-as-user'],
      ])
        expect(await cron.run(argv)).toMatchObject({ code: 0 });
      chrootIn(user.home);
    }, 120_000);

    afterAll(async () => {
      await cron?.stop();
      await removeUsers();
      closeWorkshop(directory);
    });

    const state = (): PanelState => {
      const empty = emptyPanel();
      const base = { login: user.name, home: user.home, shell: '/bin/false', handler: 'plesk-php82-fpm' };
      empty.sites.push({ ...base, id: 1, name: domain(), webspace: 0, root: site('httpdocs') });
      empty.handlers.push({ id: 'plesk-php82-fpm', clipath: php, fullVersion: '8.2.30', status: 'enabled' });
      return empty;
    };

    /** Everything that is not as the panel of a test finds it is taken away. */
    const afresh = (next: PanelState): void => {
      panel.set(next);
      writeFileSync(site('httpdocs/scripts/ran'), '');
      chownSync(site('httpdocs/scripts/ran'), user.uid, user.gid);
    };

    test('crontabmng of the stand-in gets, sets and removes', async () => {
      writeFileSync(at('some'), '# one\n');
      expect(await cron.run(['crontabmng', 'set', user.name, at('some')])).toMatchObject({ code: 0 });
      expect(await cron.run(['crontabmng', 'get', user.name])).toMatchObject({ stdout: '# one\n' });
      await cron.run(['crontabmng', 'remove', user.name]);
      expect(existsSync(join(cron.spool, user.name))).toBe(false);
      // cron knows a crontab by the second it was written in: the next one is to have another.
      await cron.notice();
    });

    test.each<[string, () => string, string, () => string]>([
      [
        'the line of the incident',
        () => `*/2 * * * *  ${domain()}/${script}`,
        'no-interpreter',
        // The line names the script from the directory of all sites: what it means is kept.
        () => `${domain()}/`,
      ],
      [
        'the line that was recommended',
        () =>
          `*/2 * * * *  cd \${HTTPD_VHOSTS_D}/${domain()} && /usr/local/php84/bin/php ${script} --once >> httpdocs/logs/import_worker.log 2>&1`,
        'undefined-variable',
        () => '',
      ],
    ])(
      '%s is recognised, explained, and runs once it is deployed',
      async (_, line, code, shown) => {
        afresh(state());
        const text = `MAILTO="owner@example.com"\n${line()}\n`;
        await install(text);
        const mails = cron.mails().length;
        // As it stands cron starts something that fails, and says so in a mail alone.
        await until('the old line has failed', () => cron.mails().length > mails, 30);
        expect(ran()).toBe('');
        const scan = await cronlatch('scan', '--site', domain());
        expect(scan.stdout).toContain(`[${code}]`);
        expect(scan.stdout).toContain(site(script).slice(-20));
        const done = await cronlatch('deploy', '--site', domain(), '--all', '--ci', '--without', 'verify');
        expect([done.code, done.stderr]).toEqual([0, expect.not.stringContaining('Error')]);
        expect(crontab()).toContain(`${php} ${shown()}${script} --once >> `);
        expect(crontab()).toMatch(new RegExp(`cd ${at('vhosts')}(?:/${domain()})? && `));
        expect(crontab()).not.toContain('HTTPD_VHOSTS_D');
        await cron.notice();
        await until('the new line has run', () => ran().includes('\n'), 30);
        expect(ran()).toMatch(/^once .*php/);
        const back = await cronlatch('rollback', '--ci');
        expect([back.code, back.stdout]).toEqual([0, expect.stringContaining('Put back')]);
        expect(crontab().endsWith(text)).toBe(true);
      },
      120_000,
    );

    test('in the chroot the recommended line fails as predicted, and the task that is proposed runs', async () => {
      const panelState = state();
      panelState.shells[user.name] = chrootsh;
      panelState.tasks.push({
        ...{
          id: 7,
          user: user.name,
          active: true,
          type: 'exec',
          handler: '',
          args: '',
          description: 'Import',
        },
        ...{ notify: 'ignore', fields: ['*/2', '*', '*', '*', '*'] },
        command: `cd \${HTTPD_VHOSTS_D}/${domain()} && /usr/local/php84/bin/php ${script} --once >> httpdocs/logs/import_worker.log 2>&1`,
      });
      afresh(panelState);
      const text = crontabOf(panelState, user.name).replaceAll('MAILTO=""', 'MAILTO="owner@example.com"');
      expect(text).toContain(`SHELL="${chrootsh}"`);
      await install(text);
      const mails = cron.mails().length;
      // A mail of the crontab before may still be on its way: the shell tells whose it is.
      const failed = (): string | undefined =>
        cron
          .mails()
          .slice(mails)
          .find((mail) => mail.includes(`<SHELL=${chrootsh}>`) && /\n\n[\s\S]*\S/.test(mail));
      await until('the old line has failed in the chroot', () => failed() !== undefined, 30);
      expect(failed()).toMatch(new RegExp(`cd: /${domain()}: No such file or directory`));
      expect(ran()).toBe('');

      // A scan has foretold that.
      const foretold = await cronlatch('scan', '--site', domain());
      expect(foretold.stdout).toContain('[chrooted-shell]');
      const before = [panel.state().tasks, crontab()];
      const done = await cronlatch('deploy', '--site', domain(), '--all', '--ci', '--without', 'verify');
      expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('task-becomes-php')]);
      expect(panel.state().tasks[0]).toMatchObject({ type: 'php', command: script, args: '--once' });
      await cron.notice();
      await until('the task has run', () => ran().includes('\n'), 30);
      expect(ran()).toMatch(/^once /);
      const back = await cronlatch('rollback', '--ci');
      expect([back.code, back.stdout]).toEqual([0, expect.stringContaining('Put back')]);
      expect([panel.state().tasks, crontab()]).toEqual(before);
      const asked = await cronlatch('deploy', '--site', domain(), '--all', '--ci', '--through', 'crontab');
      expect([asked.code, asked.stdout]).toEqual([5, expect.stringContaining('chrooted-task')]);
    }, 120_000);

    test('a task that runs a command is deployed through the scheduler, and the checklist sees it run', async () => {
      const panelState = state();
      panelState.tasks.push({
        ...{
          id: 9,
          user: user.name,
          active: true,
          type: 'exec',
          handler: '',
          args: '',
          description: 'Import',
        },
        ...{ notify: 'ignore', fields: ['*/2', '*', '*', '*', '*'] },
        command: `php ${script}`,
      });
      afresh(panelState);
      await install(crontabOf(panelState, user.name));
      const before = [panel.state().tasks, crontab()];
      // Slower than it may be: nothing is written.
      panel.set({ ...panel.state(), fails: { tasks: 'slow' } });
      const late = await cronlatch('deploy', '--site', domain(), '--all', '--ci', '--plesk-timeout', '1s');
      expect([late.code, late.stdout]).toEqual([5, expect.stringContaining('did not answer within 1 s')]);
      expect([panel.state().tasks, crontab()]).toEqual(before);
      panel.set({ ...panel.state(), fails: {} });

      const words = [
        'deploy',
        '--site',
        domain(),
        '--all',
        '--ci',
        '--ticks',
        '2',
        '--state-dir',
        at('state'),
      ];
      const done = await cron.run([process.execPath, bin, ...words], { fast: true });
      expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('Deployed as')]);
      expect(done.stdout).not.toMatch(/fail /);
      expect(panel.state().tasks[0]?.command).toContain(`${php} ${script} --once >> `);
      expect(crontab()).toContain(`\t${panel.state().tasks[0]?.command}\n`);
      // The old line may have run until then.
      expect(ran().trim().split('\n').at(-1)).toMatch(/^once /);
      expect((await cronlatch('rollback', '--ci')).code).toBe(0);
      expect([panel.state().tasks, crontab()]).toEqual(before);
    }, 120_000);

    test('what the stand-in was asked is what the page says: it only reads, but for the one verb', () => {
      const verbs = panel
        .calls()
        .map((words) => (words[0] === 'db' ? 'db SELECT' : words.slice(0, 3).join(' ')));
      expect(panel.calls().flatMap((w) => (w[0] === 'db' ? [w.at(-1)?.slice(0, 7)] : []))).not.toContainEqual(
        expect.not.stringMatching(/^SELECT $/),
      );
      expect([...new Set(verbs)].sort()).toEqual([
        'bin php_handler --list',
        'bin scheduler --help',
        'bin scheduler --list',
        'bin scheduler --update',
        'db SELECT',
        'version',
      ]);
    });
  },
);

/** A shell and what it needs, in the user's home: no PHP, no flock, nothing else. */
function chrootIn(home: string): void {
  const ldd = spawnSync('ldd', ['/bin/bash'], { encoding: 'utf8' }).stdout;
  const files = ['/bin/bash', ...[...ldd.matchAll(/(\/[^\s]+) \(0x/g)].map(([, file]) => file ?? '')];
  for (const file of files) {
    mkdirSync(join(home, dirname(file)), { recursive: true });
    cpSync(file, join(home, file), { dereference: true });
  }
}
