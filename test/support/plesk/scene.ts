// One site with Plesk, on paper: the layout of its directories, its user, its PHP, and the panel that knows of it. The server
// in memory and the real one are both built from this.
import type { FactName } from '../../../src/plesk/known.ts';
import { emptyPanel, type PanelState, type PanelTask } from './panel.ts';
import { chrootsh } from './written.ts';

export const layouts = ['main domain', 'addon domain', 'moved vhosts'] as const;
export const shells = ['bash', 'chrooted', 'false'] as const;
export const phpPlaces = ['plesk', 'alt', 'local', 'distribution'] as const;
export type Layout = (typeof layouts)[number];
export type ShellKind = (typeof shells)[number];
export type PhpPlace = (typeof phpPlaces)[number];

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
  /** Full version of PHP. */
  readonly version?: string;
}

export interface Scene {
  readonly panel: PanelState;
  readonly vhosts: string;
  readonly user: { readonly name: string; readonly home: string; readonly shell: string };
  /** Where --site finds the worker's site. */
  readonly site: string;
  readonly docroot: string;
  readonly script: string;
  /** The script, seen from the user's home. */
  readonly path: string;
  readonly php: string;
  readonly psaConf: string;
}

/** Where a version of PHP is, by whose it is. */
export function programOf(place: PhpPlace, version: string): string {
  const [major, minor] = version.split('.');
  return {
    plesk: `/opt/plesk/php/${major}.${minor}/bin/php`,
    alt: `/opt/alt/php${major}${minor}/usr/bin/php`,
    local: `/usr/local/php${major}${minor}/bin/php`,
    distribution: `/usr/bin/php${major}.${minor}`,
  }[place];
}

function handlerOf(place: PhpPlace, version: string): string {
  const number = version.split('.').slice(0, 2).join('');
  return {
    plesk: `plesk-php${number}-fpm`,
    alt: `x-httpd-lsphp-${number}`,
    local: `custom-php${number}`,
    distribution: 'fpm',
  }[place];
}

/** Two tasks: the worker, and a backup that is nobody's business. */
export function sceneOf(wanted: Wanted): Scene {
  const { layout = 'main domain', shell = 'bash', php: place = 'plesk', type = 'exec' } = wanted;
  const { notify = 'ignore', version = '8.3.14' } = wanted;
  const vhosts = layout === 'moved vhosts' ? '/srv/vhosts' : '/var/www/vhosts';
  const home = `${vhosts}/example.com`;
  const login = { bash: '/bin/bash', chrooted: chrootsh, false: '/bin/false' }[shell];
  const user = { name: 'example.com_x1abcdefghi', home, shell: login };
  const docroot = layout === 'addon domain' ? `${home}/shop.example` : `${home}/httpdocs`;
  const script = `${docroot}/scripts/process_import_jobs.php`;
  const path = script.slice(home.length + 1);
  const php = programOf(place, version);
  const handler = handlerOf(place, version);

  const panel = emptyPanel();
  panel.flipped = [...(wanted.flipped ?? [])];
  panel.verbs = [...(wanted.verbs ?? panel.verbs)];
  const base = { login: user.name, home, shell: login, handler };
  panel.sites.push({ ...base, id: 1, name: 'example.com', webspace: 0, root: `${home}/httpdocs` });
  panel.sites.push({ ...base, id: 2, name: 'shop.example', webspace: 1, root: `${home}/shop.example` });
  panel.handlers.push({ id: handler, clipath: php, fullVersion: version, status: 'enabled' });
  if (shell === 'chrooted') panel.shells[user.name] = chrootsh;
  const command = {
    exec: wanted.command ?? `php ${path}`,
    php: path,
    http: 'https://example.com/scripts/process_import_jobs.php',
  }[type];
  panel.tasks.push({
    ...{ id: 7, user: user.name, active: true, type, handler: type === 'php' ? handler : '', command },
    ...{ args: '', description: 'Import', notify, fields: ['*/2', '*', '*', '*', '*'] },
  });
  panel.tasks.push({
    ...{ id: 8, user: user.name, active: true, type: 'exec', handler: '' },
    command: 'tar  -czf  b.tgz httpdocs',
    ...{ args: '', description: 'Backup', notify: 'errors', fields: ['0', '3', '*', '*', '*'] },
  });
  return {
    ...{ panel, vhosts, user, docroot, script, path, php },
    site: layout === 'addon domain' ? 'shop.example' : 'example.com',
    psaConf: `# Plesk\nPRODUCT_ROOT_D\t/opt/psa\nHTTPD_VHOSTS_D\t${vhosts}\nMYSQL_BIN_D\t/usr/bin\n`,
  };
}

/** What stands below the tasks in the crontab: lines made by hand, with their tab and blanks. */
export const byHand = '# made by hand\n17 4 * * *\t/usr/bin/true   # theirs\n';
