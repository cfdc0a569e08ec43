// A server with Plesk in memory: psa.conf, sites in three layouts, PHP in four places, tasks of three kinds, their crontabs.
import type { FactName } from '../../../src/plesk/known.ts';
import type { Ran } from '../../../src/server/server.ts';
import { Machine, type MemoryPerson } from '../memory-server.ts';
import { source } from '../site.ts';
import { answer, chrootsh, crontabOf, emptyPanel, type PanelState, type PanelTask } from './panel.ts';

export type Layout = 'main domain' | 'addon domain' | 'moved vhosts';
export type ShellKind = 'bash' | 'chrooted' | 'false';
export type PhpPlace = 'plesk' | 'alt' | 'local' | 'distribution';

export interface Wanted {
  readonly layout?: Layout;
  readonly shell?: ShellKind;
  readonly php?: PhpPlace;
  readonly type?: PanelTask['type'];
  readonly notify?: PanelTask['notify'];
  /** Of an exec task; else one that fits the shell. */
  readonly command?: string;
  readonly flipped?: readonly FactName[];
  readonly verbs?: readonly PanelState['verbs'][number][];
}

export interface Host {
  readonly machine: Machine;
  readonly panel: PanelState;
  readonly user: MemoryPerson;
  readonly site: string;
  readonly docroot: string;
  readonly script: string;
  readonly php: string;
  readonly spool: string;
  crontab(): string;
  task(): PanelTask;
}

const programs: Record<PhpPlace, string> = {
  plesk: '/opt/plesk/php/8.3/bin/php',
  alt: '/opt/alt/php83/usr/bin/php',
  local: '/usr/local/php83/bin/php',
  distribution: '/usr/bin/php8.3',
};
const handlers: Record<PhpPlace, string> = {
  plesk: 'plesk-php83-fpm',
  alt: 'x-httpd-lsphp-83',
  local: 'custom-php83',
  distribution: 'fpm',
};

/** Where --site finds the worker's site. */
const sites: Record<Layout, string> = {
  'main domain': 'example.com',
  'addon domain': 'shop.example',
  'moved vhosts': 'example.com',
};

export function pleskHost(wanted: Wanted = {}): Host {
  const { layout = 'main domain', shell = 'bash', php = 'plesk', type = 'exec', notify = 'ignore' } = wanted;
  const machine = new Machine();
  const vhosts = layout === 'moved vhosts' ? '/srv/vhosts' : '/var/www/vhosts';
  const home = `${vhosts}/example.com`;
  const login = { bash: '/bin/bash', chrooted: chrootsh, false: '/bin/false' }[shell];
  const user = { name: 'example.com_x1abcdefghi', uid: 10001, gid: 1003, home, shell: login };
  machine.people = [machine.people[0] as MemoryPerson, user];
  const docroot = layout === 'addon domain' ? `${home}/shop.example` : `${home}/httpdocs`;
  const script = `${docroot}/scripts/process_import_jobs.php`;
  const own = { uid: user.uid, gid: user.gid };
  machine.directory('/');
  machine.directory('/var/lib');
  machine.directory(vhosts);
  machine.directory(home, { ...own, mode: 0o710 });
  machine.directory(`${docroot}/scripts`, own);
  machine.put('/etc/debian_version', '12.0\n');
  machine.put(
    '/etc/psa/psa.conf',
    `# Plesk\nPRODUCT_ROOT_D\t/opt/psa\nHTTPD_VHOSTS_D\t${vhosts}\nMYSQL_BIN_D\t/usr/bin\n`,
  );
  machine.put('/usr/sbin/plesk', 'ELF', { mode: 0o755 });
  machine.put('/opt/psa/admin/bin/php', 'ELF', { mode: 0o755 });
  machine.put(programs[php], 'ELF', { mode: 0o755 });
  machine.put(script, source, { ...own, mode: 0o640 });
  const spool = `/var/spool/cron/crontabs/${user.name}`;

  const panel = emptyPanel();
  panel.flipped = [...(wanted.flipped ?? [])];
  panel.verbs = [...(wanted.verbs ?? panel.verbs)];
  const base = { login: user.name, home, shell: login, handler: handlers[php] };
  panel.sites.push({ ...base, id: 1, name: 'example.com', webspace: 0, root: `${home}/httpdocs` });
  panel.sites.push({ ...base, id: 2, name: 'shop.example', webspace: 1, root: `${home}/shop.example` });
  panel.handlers.push({
    ...{ id: handlers[php], clipath: programs[php], fullVersion: '8.3.14', status: 'enabled' },
  });
  if (shell === 'chrooted') panel.shells[user.name] = chrootsh;
  panel.crontabs = crontabsOf(machine, own);
  const path = script.slice(home.length + 1);
  const command = {
    exec: wanted.command ?? `php ${path}`,
    php: path,
    http: 'https://example.com/scripts/process_import_jobs.php',
  }[type];
  panel.tasks.push({
    ...{ id: 7, user: user.name, active: true, type, handler: type === 'php' ? handlers[php] : '', command },
    ...{ args: '', description: 'Import', notify, fields: ['*/2', '*', '*', '*', '*'] },
  });
  panel.tasks.push({
    ...{
      id: 8,
      user: user.name,
      active: true,
      type: 'exec',
      handler: '',
      command: 'tar  -czf  b.tgz httpdocs',
    },
    ...{ args: '', description: 'Backup', notify: 'errors', fields: ['0', '3', '*', '*', '*'] },
  });
  machine.put(spool, `${crontabOf(panel, user.name)}# made by hand\n17 4 * * *\t/usr/bin/true   # theirs\n`, {
    ...{ uid: user.uid, gid: 104, mode: 0o600 },
  });
  machine.programs = (argv) => runs(panel, programs[php], argv);
  return {
    ...{ machine, panel, user, site: sites[layout], docroot, script, php: programs[php], spool },
    crontab: () => machine.live.get(spool)?.bytes ?? '',
    task: () => panel.tasks[0] as PanelTask,
  };
}

/** The crontabs in the machine's spool, by user. */
function crontabsOf(machine: Machine, own: { uid: number }): Record<string, string> {
  const at = (user: string): string => `/var/spool/cron/crontabs/${user}`;
  return new Proxy<Record<string, string>>(
    {},
    {
      get: (_, user) => machine.live.get(at(String(user)))?.bytes,
      set: (_, user, text) => {
        machine.put(at(String(user)), text, {
          ...{ uid: own.uid, gid: 104, mode: 0o600, mtime: `${machine.clock}.000000001` },
        });
        return true;
      },
    },
  );
}

function runs(panel: PanelState, php: string, argv: readonly string[]): Ran {
  const [program = '', ...words] = argv;
  if (program === '/usr/sbin/plesk') {
    // The crontabs are the machine's own: a lost one is lost there, too.
    const said = answer(panel, words);
    return { ...said, code: said.code };
  }
  if (words.includes('probe')) {
    const refused = { exit: 0, message: 'Another instance is already running (PID: 1).' };
    const stale = { recovered: true, message: '' };
    return ok(JSON.stringify({ ok: true, acquired: true, refused, stale, errors: [] }));
  }
  if (program === php && words.some((word) => word.includes('get_loaded_extensions')))
    return ok(JSON.stringify(['8.3.14', 'cli', ['Core', 'posix', 'pcntl', 'pdo_mysql', 'tokenizer']]));
  return ok('');
}

const ok = (stdout: string): Ran => ({ code: 0, stdout, stderr: '' });
