// docs/rules.md as a table: each rule, its example and the fixed form, and what the machine must be like for them.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Server } from '../../src/server/server.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { answer, emptyPanel, type PanelTask } from '../support/plesk/panel.ts';
import { home, instance, script, source } from '../support/site.ts';

interface Form {
  /** What stands behind ``` : crontab, system, cronie, text, sh. */
  readonly info: readonly string[];
  readonly text: string;
}

export interface Documented {
  readonly code: string;
  readonly level: string;
  readonly bad: Form;
  readonly fixed?: Form;
}

export const page = readFileSync(resolve(import.meta.dirname, '../../docs/rules.md'), 'utf8');

/** The rules in the order of the page. */
export function documented(): Documented[] {
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const code = /^\S+/.exec(section)?.[0] ?? '';
      const level = /^\*\*(\w+)\*\*/m.exec(section)?.[1] ?? '';
      const forms = [...section.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map(
        ([, info = '', text = '']): Form => ({ info: info.split(' '), text }),
      );
      const [bad = { info: [], text: '' }, fixed] = forms;
      return { code, level, bad, ...(fixed === undefined ? {} : { fixed }) };
    });
}

/** What makes the example happen, beyond the crontab the page shows. */
export interface Fixture {
  /** The crontab where the page can only describe it. */
  readonly text?: string;
  /** The crontab's file, when it is not the user's own. */
  readonly path?: string;
  readonly before?: (machine: Machine) => void;
  readonly server?: (machine: Machine) => Server;
  readonly env?: Readonly<Record<string, string>>;
  /** Command lines that are run before the scan. */
  readonly first?: readonly string[];
  /** Between those and the scan. */
  readonly later?: (machine: Machine) => void;
  /** Does what the page says, where its fix is no crontab. */
  readonly mend?: { readonly run?: string; readonly act?: (machine: Machine) => void } & Omit<
    Fixture,
    'mend'
  >;
}

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const line = '0 3 * * * root /usr/local/bin/report\n';
const shop = { path: '/etc/cron.d/shop', text: line };
const asUser = (machine: Machine): Server => memoryServer(machine, { user: exampleUser });
const deploy = 'deploy --user example-user --all --ci --without verify';
/** A server on which files look as `change` says. */
const looking =
  (change: (path: string) => object) =>
  (machine: Machine): Server => {
    const server = memoryServer(machine);
    const look: Server['files']['look'] = async (path, as) => ({
      ...(await server.files.look(path, as)),
      ...change(path),
    });
    return { ...server, files: { ...server.files, look } };
  };

export const fixtures: Readonly<Record<string, Fixture>> = {
  'command-too-long': { text: `0 3 * * * /usr/local/bin/report --ids=${'1,'.repeat(600)}\n` },
  'command-cut': { text: `0 3 * * * /usr/local/bin/report --ids=${'1,'.repeat(70_000)}\n` },
  'no-final-newline': { text: '0 3 * * * /usr/local/bin/report' },
  'too-many-lines': { text: '# a comment\n'.repeat(10_001) },
  'too-many-entries': { path: '/root/many', text: '@reboot x\n'.repeat(10_001) },
  'too-many-settings': { text: 'A=1\n'.repeat(1001) },
  'too-much-comment': { text: `# ${'x'.repeat(998)}\n`.repeat(33) },
  'nul-byte': { text: '0 3 * * * /usr/local/bin/report \0\n' },
  'carriage-return': { text: '0 3 * * * /usr/local/bin/report\r\n' },
  'byte-order-mark': { text: '\xef\xbb\xbfLANG=C.UTF-8\n' },
  'setting-cut': { text: `PATHS=${'/srv/a:'.repeat(200)}\n` },
  'cron-d-name': {
    ...shop,
    path: '/etc/cron.d/shop.example',
    mend: { ...shop, path: '/etc/cron.d/shop-example' },
  },
  'cron-d-backup': { ...shop, path: '/etc/cron.d/shop.bak', mend: shop },
  'file-mode': { ...shop, later: (m) => setMode(m, shop.path, 0o664), mend: shop },
  'file-owner': {
    ...shop,
    later: (m) => Object.assign(m.live.get(shop.path) ?? {}, own),
    mend: shop,
  },
  'file-links': { ...shop, server: looking((path) => (path === shop.path ? { links: 2 } : {})), mend: shop },
  'own-lock': {
    before: (m) =>
      m.put(
        `${home}/httpdocs/own-lock.php`,
        '<?php\n$f = fopen(__FILE__ . ".lock", "c");\nif (!flock($f, LOCK_EX | LOCK_NB)) exit;\nwork();\n',
        own,
      ),
  },
  'no-lock': { mend: { run: deploy } },
  'piling-up': {
    before: (m) => {
      m.processes = [501, 502].map((pid) =>
        instance(pid, { argv: ['php', 'httpdocs/worker.php'], script: `${home}/httpdocs/worker.php` }),
      );
    },
    mend: { run: deploy },
  },
  overlap: {
    before: (m) => {
      m.put('/proc/uptime', '20000.00 100.00\n');
      m.processes = [
        instance(501, {
          start: '1000000',
          argv: ['php', 'httpdocs/worker.php'],
          script: `${home}/httpdocs/worker.php`,
        }),
      ];
    },
  },
  'interpreter-version': {
    before: (m) => {
      m.put('/usr/bin/php7.4', 'ELF', { mode: 0o755 });
      m.put('/usr/bin/php8.3', 'ELF', { mode: 0o755 });
      m.put(`${home}/httpdocs/composer.json`, '{"require": {"php": "^8.1"}}', own);
    },
  },
  'interpreter-kind': {
    env: { CRONLATCH_INTERPRETER: '/usr/bin/node' },
    mend: { env: { CRONLATCH_INTERPRETER: '/usr/bin/php' } },
  },
  'first-line': {
    before: (m) =>
      m.put(`${home}/httpdocs/python.php`, '#!/usr/bin/python3\nprint(1)\n', { ...own, mode: 0o755 }),
  },
  'script-unreadable': {
    before: (m) => m.put(`${home}/httpdocs/closed.php`, source, { mode: 0o600 }),
    server: (machine) => {
      const server = memoryServer(machine);
      const real: Server['files']['real'] = async (path, as) => {
        if (path.endsWith('/closed.php')) await refuse(path);
        return server.files.real(path, as);
      };
      return { ...server, files: { ...server.files, real } };
    },
  },
  'guard-lost': {
    first: [deploy],
    later: (m) => m.live.delete(`${home}/httpdocs/scripts/cronlatch-guard.php`),
    mend: { run: deploy },
  },
  'guard-lost-by-release': {
    first: [deploy],
    later: (m) => m.put(script, source, own),
    mend: { run: deploy },
  },
  'other-users-job': { server: asUser, mend: {} },
  'no-home': {
    before: (m) => Object.assign(m.live.get(home) ?? {}, { uid: 0, gid: 0 }),
    server: asUser,
    mend: {},
  },
  'panel-job': {
    before: (m) => {
      m.put('/opt/psa/admin/bin/php', 'ELF', { mode: 0o755 });
      m.put('/opt/psa/admin/plib/x.php', source);
    },
  },
  'no-cron': {
    before: (m) => {
      m.cron = { is: 'none' };
    },
    mend: { before: () => {} },
  },
  'task-drift': { before: (m) => plesk(m, { type: 'exec', command: 'php httpdocs/once.php' }) },
  'http-task': {
    before: (m) => plesk(m, { type: 'http', command: 'https://example.com/once.php' }),
    mend: {
      text: "*/5 * * * * (/usr/bin/php -f 'httpdocs/once.php')  > /dev/null\n",
      before: (m) => plesk(m, { type: 'php', command: 'httpdocs/once.php' }),
    },
  },
  'not-done-elsewhere': {
    server: (machine) => {
      const server = memoryServer(machine);
      const list: Server['files']['list'] = async (path, as) => {
        if (path.includes('cronlatch/deployments')) await refuse(path);
        return server.files.list(path, as);
      };
      return { ...server, files: { ...server.files, list } };
    },
    mend: {},
  },
};

async function refuse(path: string): Promise<never> {
  const { Problem } = await import('../../src/problem.ts');
  throw new Problem('unreadable', { path, reason: 'permission denied' });
}

/** A panel that shows one task of the user. */
function plesk(machine: Machine, task: Pick<PanelTask, 'type' | 'command'>): void {
  machine.put('/etc/psa/psa.conf', 'HTTPD_VHOSTS_D /var/www/vhosts\nPRODUCT_ROOT_D /opt/psa\n');
  machine.put('/usr/sbin/plesk', 'ELF', { mode: 0o755 });
  const panel = emptyPanel();
  panel.tasks.push({
    ...{ id: 7, user: exampleUser.name, active: true, handler: '', args: '', description: '' },
    ...{ notify: 'ignore', fields: ['*/5', '*', '*', '*', '*'] },
    ...task,
  });
  machine.programs = ([program, ...words]) =>
    program === '/usr/sbin/plesk' ? answer(panel, words) : { code: 0, stdout: '', stderr: '' };
}

function setMode(machine: Machine, path: string, mode: number): void {
  Object.assign(machine.live.get(path) ?? {}, { mode });
}
