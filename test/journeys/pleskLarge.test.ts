// A server of many subscriptions: how often Plesk is asked does not depend on how many there are.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { Machine, memoryServer } from '../support/memory-server.ts';
import { largeHost } from '../support/plesk/large.ts';
import { answer, type PanelState } from '../support/plesk/panel.ts';
import { source } from '../support/site.ts';

function hostOf(subscriptions: number): { machine: Machine; panel: PanelState } {
  const { panel, users, crontabs } = largeHost(subscriptions);
  const machine = new Machine();
  machine.directory('/');
  machine.put('/etc/psa/psa.conf', 'HTTPD_VHOSTS_D\t/var/www/vhosts\nPRODUCT_ROOT_D\t/opt/psa\n');
  machine.put('/usr/sbin/plesk', 'ELF', { mode: 0o755 });
  machine.put('/opt/plesk/php/8.3/bin/php', 'ELF', { mode: 0o755 });
  for (const { name, uid, home } of users) {
    machine.people.push({ name, uid, gid: uid, home, shell: '/bin/bash' });
    machine.directory(home, { uid, gid: uid });
    machine.put(`${home}/httpdocs/cron-0.php`, source, { uid, gid: uid });
    machine.put(`/var/spool/cron/crontabs/${name}`, crontabs.get(name) ?? '', { uid, gid: 104, mode: 0o600 });
  }
  machine.programs = ([program, ...words]) =>
    program === '/usr/sbin/plesk' ? answer(panel, words) : { code: 0, stdout: '', stderr: '' };
  return { machine, panel };
}

describe('a server of many subscriptions', () => {
  /** The scheduler's own lists are one question each: asked for where there are few. */
  const lists = ['bin scheduler', 'bin scheduler', 'bin scheduler'];
  test.each([
    [2, lists],
    [150, []],
  ])(
    '%i of them: a scan asks Plesk four things, and the lists of few, and finds no drift',
    async (subscriptions, more) => {
      const { machine, panel } = hostOf(subscriptions);
      const { ctx, out } = await contextFor(memoryServer(machine), 'scan --fail-on never');
      const told: string[] = [];
      const tell = (event: { readonly code: string }): void => {
        told.push(Object.values(event).join(' '));
      };
      await scan({ ...ctx, screen: { ...ctx.screen, tell } });
      expect(panel.calls.map(([first, second]) => `${first} ${second ?? ''}`)).toEqual([
        'version ',
        'db -B',
        'db -B',
        'bin php_handler',
        ...more,
      ]);
      expect(out()).toContain(`${subscriptions} sites, ${subscriptions * 10} tasks.`);
      expect(out()).not.toContain('task-drift');
      // Whoever waits is told for what.
      expect(told).toContain('asking tasks');
      if (subscriptions > 100) expect(told).toContain(`reading 100 ${subscriptions}`);
    },
  );

  test('a deploy of one of its workers asks a few things more, however many there are', async () => {
    const asked = async (subscriptions: number): Promise<number> => {
      const { machine, panel } = hostOf(subscriptions);
      const line = 'deploy --site shop-2.example --script cron-0.php --dry-run';
      const { ctx } = await contextFor(memoryServer(machine), line);
      await deploy(ctx);
      return panel.calls.length;
    };
    expect(await asked(2)).toBeLessThanOrEqual(7);
    expect(await asked(150)).toBe(await asked(2));
  });
});
