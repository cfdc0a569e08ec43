// A large hoster's server: many subscriptions, ten tasks each, one crontab each.
import { emptyPanel, type PanelState, type PanelTask } from './panel.ts';
import { crontabOf } from './written.ts';

export interface Large {
  readonly panel: PanelState;
  readonly users: readonly { readonly name: string; readonly uid: number; readonly home: string }[];
  /** By user. */
  readonly crontabs: ReadonlyMap<string, string>;
}

/** The kinds of tasks take turns: commands, PHP scripts, addresses. */
export function largeHost(subscriptions: number, tasksEach = 10): Large {
  const panel = emptyPanel();
  const clipath = '/opt/plesk/php/8.3/bin/php';
  panel.handlers.push({ id: 'plesk-php83-fpm', clipath, fullVersion: '8.3.14', status: 'enabled' });
  const users = Array.from({ length: subscriptions }, (_, i) => {
    const domain = `shop-${i + 1}.example`;
    return { name: `${domain}_x${i + 1}`, uid: 200_000 + i, home: `/var/www/vhosts/${domain}`, domain };
  });
  const crontabs = new Map<string, string>();
  for (const [i, { name, home, domain }] of users.entries()) {
    const base = { login: name, home, shell: '/bin/bash', handler: 'plesk-php83-fpm' };
    panel.sites.push({ ...base, id: i + 1, name: domain, webspace: 0, root: `${home}/httpdocs` });
    const own: PanelState = { ...panel, tasks: [] };
    for (let n = 0; n < tasksEach; n++) {
      const type = (['exec', 'php', 'exec', 'http', 'exec'] as const)[n % 5] ?? 'exec';
      const command = {
        exec: `php httpdocs/cron-${n}.php`,
        php: `httpdocs/cron-${n}.php`,
        http: `https://${domain}/cron-${n}.php`,
      }[type];
      const task: PanelTask = {
        ...{ id: i * tasksEach + n + 1, user: name, active: true, type, command, args: '', description: '' },
        ...{ handler: type === 'php' ? 'plesk-php83-fpm' : '', notify: n % 2 === 0 ? 'ignore' : 'errors' },
        fields: [`*/${n + 2}`, '*', '*', '*', '*'],
      };
      panel.tasks.push(task);
      own.tasks.push(task);
    }
    crontabs.set(name, crontabOf(own, name));
  }
  return { panel, users, crontabs };
}
