// A server with Plesk in memory: psa.conf, sites in three layouts, PHP in four places, tasks of three kinds, their crontabs.
import type { Ran } from '../../../src/server/server.ts';
import { Machine, type MemoryPerson } from '../memory-server.ts';
import { source } from '../site.ts';
import { answer, type PanelState, type PanelTask } from './panel.ts';
import { byHand, sceneOf, type Wanted } from './scene.ts';
import { crontabOf } from './written.ts';

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

export function pleskHost(wanted: Wanted = {}): Host {
  const scene = sceneOf(wanted);
  const { panel, vhosts, docroot, script, php } = scene;
  const machine = new Machine();
  const user = { ...scene.user, uid: 10001, gid: 1003 };
  machine.people = [machine.people[0] as MemoryPerson, user];
  const own = { uid: user.uid, gid: user.gid };
  machine.directory('/');
  machine.directory('/var/lib');
  machine.directory(vhosts);
  machine.directory(user.home, { ...own, mode: 0o710 });
  machine.directory(`${docroot}/scripts`, own);
  machine.put('/etc/debian_version', '12.0\n');
  machine.put('/etc/psa/psa.conf', scene.psaConf);
  machine.put('/usr/sbin/plesk', 'ELF', { mode: 0o755 });
  machine.put('/opt/psa/admin/bin/php', 'ELF', { mode: 0o755 });
  machine.put(php, 'ELF', { mode: 0o755 });
  machine.put(script, source, { ...own, mode: 0o640 });
  const spool = `/var/spool/cron/crontabs/${user.name}`;
  panel.crontabs = crontabsOf(machine, own);
  machine.put(spool, `${crontabOf(panel, user.name)}${byHand}`, { uid: user.uid, gid: 104, mode: 0o600 });
  machine.programs = (argv) => runs(panel, php, argv);
  return {
    ...{ machine, panel, user, site: scene.site, docroot, script, php, spool },
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
