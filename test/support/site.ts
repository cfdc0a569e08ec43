// The incident as a machine in memory: a site, a lock-less worker, the crontab line, two instances running.
import { exampleUser, type FakeProcess, Machine } from './memory-server.ts';

export const home = exampleUser.home;
export const script = `${home}/httpdocs/scripts/process_import_jobs.php`;
export const spool = '/var/spool/cron/crontabs/example-user';
export const lock = `${home}/cronlatch/process_import_jobs/process_import_jobs.lock`;
export const crontab =
  'MAILTO=""\n\n# keep  me\n*/2 * * * *  php httpdocs/scripts/process_import_jobs.php\n0 3 * * *\t/usr/local/bin/backup.sh   --all\n';
export const source = `<?php\ndeclare(strict_types=1);\n$options = getopt('', ['once']);\n$once = isset($options['once']);\nwork($once);\n`;

/** A running instance of the worker. */
export function instance(pid: number, more: Partial<FakeProcess> = {}): FakeProcess {
  return {
    pid,
    ppid: 1,
    start: String(pid * 10),
    uid: exampleUser.uid,
    state: 'S',
    exe: '/usr/bin/php8.2',
    argv: ['php', 'httpdocs/scripts/process_import_jobs.php'],
    cwd: home,
    script,
    ...more,
  };
}

/** The machine before anybody latched anything. */
export function incident(): Machine {
  const machine = new Machine();
  const own = { uid: exampleUser.uid, gid: exampleUser.gid };
  machine.directory('/');
  machine.directory('/var/lib');
  machine.directory('/var/www/vhosts');
  machine.directory(home, { ...own, mode: 0o710 });
  machine.directory(`${home}/httpdocs/scripts`, own);
  machine.put('/etc/debian_version', '12.0\n');
  machine.put('/usr/bin/php', 'ELF', { mode: 0o755 });
  machine.put(script, source, { ...own, mode: 0o640 });
  machine.put(spool, crontab, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  machine.processes = [instance(501), instance(502)];
  return machine;
}
