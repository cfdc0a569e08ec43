// Cron on the machine in memory: runs what stands in the crontab, or goes on with what stood there.
import { parseCrontab } from '../../src/crontab/parse.ts';
import { exampleUser, type Machine } from './memory-server.ts';
import { instance, lock, spool } from './site.ts';

/**
 * Cron in memory: what stands in the crontab every two minutes, a run of three seconds that writes a line to its log. A
 * `deaf` cron goes on with the text it read first for so many ticks.
 */
export function cronRuns(
  machine: Machine,
  options: {
    seconds?: number;
    guarded?: boolean;
    writes?: string;
    deaf?: number;
    quick?: boolean;
    /** Between cron and the worker there is a shell. */
    shell?: boolean;
  } = {},
): void {
  let pid = 9000;
  let next = Math.ceil(machine.clock / 120_000) * 120_000;
  let ticks = 0;
  const ends = new Map<number, number>();
  const commands = (): string[] =>
    parseCrontab(machine.live.get(spool)?.bytes ?? '', { dialect: 'debian', system: false }).lines.flatMap(
      (line) =>
        line.is === 'entry' && line.command.text.includes('process_import_jobs') ? [line.command.text] : [],
    );
  const first = commands();
  machine.processes.push(
    instance(300, { uid: 0, exe: '/usr/sbin/cron', argv: ['/usr/sbin/cron', '-f'], script: '' }),
  );
  machine.onTime = (now) => {
    for (const [id, end] of ends) {
      if (now < end) continue;
      machine.processes = machine.processes.filter((p) => p.pid !== id);
      ends.delete(id);
    }
    if (now < next) return;
    next += 120_000;
    const old = options.deaf !== undefined && ticks++ < options.deaf;
    for (const command of old ? first : commands()) {
      pid += 2;
      machine.makeLock(lock, exampleUser);
      const inode = `1:${machine.live.get(lock)?.inode}`;
      const busy = machine.processes.some((p) => p.holds === inode);
      const [, words = '', log = ''] =
        /((?:\/usr\/bin\/)?php [^>]*?)(?: >> (\S+) 2>&1)?$/.exec(command) ?? [];
      // The shell makes the log, whatever becomes of the run.
      if (log !== '') machine.write(log, '', exampleUser);
      if (busy && options.guarded !== false) {
        const line = `2026-11-24T00:00:00Z [${pid}] Another instance is already running (PID: 1).\n`;
        machine.write(lock.replace(/\.lock$/, '.log'), line, exampleUser);
        continue;
      }
      const more = options.guarded === false ? {} : { holds: inode };
      const argv = words.trim().split(' ');
      const shell = { exe: '/usr/bin/dash', argv: ['/bin/sh', '-c', command], script: '', ppid: 300 };
      const parent = options.shell ? pid - 1 : 300;
      const run = instance(pid, { ...more, argv, ppid: parent, output: log });
      if (options.quick) machine.put(lock, `{"pid":${pid},"start":${pid}}`, exampleUser);
      else machine.processes.push(...(options.shell ? [instance(pid - 1, shell)] : []), run);
      for (const id of [pid - 1, pid]) ends.set(id, now + (options.seconds ?? 3) * 1000);
      if (log !== '') machine.write(log, options.writes ?? 'done import-1\n', exampleUser);
    }
  };
}

/** The verdict of one check in a report. */
export const checkOf = (
  json: Record<string, unknown>,
  name: string,
): { is: string; because: string } | undefined =>
  (json['checks'] as { check: string; is: string; because: string }[]).find((c) => c.check === name);
