// A server with Plesk in memory where one user has several workers: two tasks, and a line that Plesk knows nothing of, with
// bytes that are no UTF-8 beside it.
import { source } from '../site.ts';
import { type Host, pleskHost } from './host.ts';
import type { PanelTask } from './panel.ts';
import type { Wanted } from './scene.ts';
import { crontabOf } from './written.ts';

/** Task 7 runs process_import_jobs.php, task 9 second.php, the line made by hand third.php. */
export function several(wanted: Wanted = {}): Host {
  const host = pleskHost(wanted);
  const own = { uid: host.user.uid, gid: host.user.gid };
  const second: PanelTask = {
    ...host.task(),
    id: 9,
    command: 'php httpdocs/second.php',
    fields: ['7', '*', '*', '*', '*'],
  };
  for (const name of ['second', 'third'])
    host.machine.put(`${host.user.home}/httpdocs/${name}.php`, source, own);
  host.panel.tasks.push(second);
  const lines = `# gr\xfc\xdfe\n*/9  * * * *\t${host.php}  httpdocs/third.php\n`;
  host.panel.crontabs[host.user.name] = `${crontabOf(host.panel, host.user.name)}${lines}`;
  return host;
}
