// Does cron run the new entry after a deploy? What it runs looks like the one or the other, on a server in memory.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { contextFor } from '../support/context.ts';
import { checkOf, cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, instance, lock, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
});

const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const run = async (line: string) => {
  const told = await contextFor(memoryServer(machine), line);
  return { ...(await deploy(told.ctx)), ...told };
};

describe('does cron run the new entry?', () => {
  const own = { uid: exampleUser.uid, gid: exampleUser.gid };
  const install = (text: string): void => machine.put(spool, text, { ...own, gid: 104, mode: 0o600 });

  test('a cron that missed the new crontab fails the checklist, and CI gets everything back', async () => {
    cronRuns(machine, { deaf: 99 });
    const { exit, json, out } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'fail', because: 'old-entry' });
    // The guard stands in the script, and holds all the same: no other check sees it.
    expect(checkOf(json, 'single-instance')?.is).toBe('pass');
    expect(out()).toMatch(/went on with the old one.*install it once more \(crontab FILE\), or restart cron/);
    expect(exit).toBe(1);
    expect(textOf(spool)).toBe(crontab);
  });

  test('the shell cron starts tells it, too', async () => {
    cronRuns(machine, { deaf: 99, shell: true });
    const { json } = await run('deploy --all --ci --keep-on-fail');
    expect(checkOf(json, 'new-entry')).toMatchObject({
      is: 'fail',
      evidence: expect.arrayContaining([
        expect.stringContaining('/bin/sh -c php httpdocs/scripts/process_import_jobs.php'),
      ]),
    });
    machine = incident();
    cronRuns(machine, { shell: true });
    expect(checkOf((await run('deploy --all --ci')).json, 'new-entry')?.is).toBe('pass');
  });

  test('a cron that comes round one tick late is a warning', async () => {
    cronRuns(machine, { deaf: 1 });
    const { exit, json } = await run('deploy --all --ci');
    expect([exit, checkOf(json, 'new-entry')]).toMatchObject([0, { is: 'warn', because: 'late' }]);
  });

  test('a cron that comes round at the very last tick is waited for', async () => {
    cronRuns(machine, { deaf: 3 });
    const { json } = await run('deploy --all --ci --ticks 3');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'warn', because: 'late' });
  });

  test('a run of the old entry that cron did not start is nobody’s failure', async () => {
    cronRuns(machine);
    const tick = machine.onTime;
    machine.onTime = (now) => {
      tick(now);
      if (now % 120_000 < 60_000) return;
      if (!machine.processes.some((p) => p.pid === 77)) machine.processes.push(instance(77, { ppid: 1 }));
      machine.processes = machine.processes.filter((p) => p.pid !== 77 || now % 120_000 < 61_000);
    };
    const { json } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')?.is).toBe('pass');
  });

  test('a worker that starts itself again, in the old words, is no old run', async () => {
    cronRuns(machine, { seconds: 10 });
    const tick = machine.onTime;
    machine.onTime = (now) => {
      tick(now);
      const parent = machine.processes.find((p) => p.argv.includes('--once'));
      machine.processes = machine.processes.filter((p) => p.pid !== 88);
      if (parent && now % 120_000 < 3000) machine.processes.push(instance(88, { ppid: parent.pid }));
    };
    const { json } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'pass', because: 'seen' });
  });

  test('what an old run starts late is still that run', async () => {
    cronRuns(machine);
    const tick = machine.onTime;
    let since = 0;
    machine.onTime = (now) => {
      tick(now);
      since ||= now;
      const [shell, worker] = [611, 612];
      machine.processes = machine.processes.filter((p) => p.pid !== shell && p.pid !== worker);
      const argv = ['/bin/sh', '-c', 'php httpdocs/scripts/process_import_jobs.php'];
      if (now < since + 200_000)
        machine.processes.push(instance(shell, { ppid: 300, exe: '/usr/bin/dash', argv, script: '' }));
      if (now > since + 100_000 && now < since + 102_000)
        machine.processes.push(instance(worker, { ppid: shell }));
    };
    const { json } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')?.is).toBe('pass');
  });

  test('an old run that met the guard and never ends is named: nobody else would say why the lock is never free', async () => {
    cronRuns(machine);
    const tick = machine.onTime;
    machine.onTime = (now) => {
      machine.makeLock(lock, exampleUser);
      const holds = `1:${machine.live.get(lock)?.inode}`;
      if (!machine.processes.some((p) => p.pid === 99))
        machine.processes.push(instance(99, { holds, ppid: 300 }));
      tick(now);
    };
    const { exit, json, out } = await run('deploy --all --ci');
    expect(machine.signals).not.toContain('SIGTERM 99');
    expect([exit, checkOf(json, 'lock-free')]).toMatchObject([
      0,
      { is: 'inconclusive', because: 'old-run-holds' },
    ]);
    expect(out()).toContain('if it never does: kill -TERM 99');
  });

  test('another entry that names the script leaves it open', async () => {
    install(`${crontab}*/30 * * * * flock -n /tmp/x php httpdocs/scripts/process_import_jobs.php\n`);
    cronRuns(machine, { deaf: 99 });
    const { json } = await run('deploy --entry 4 --ci');
    expect(checkOf(json, 'new-entry')).toMatchObject({
      is: 'inconclusive',
      because: 'another-entry',
      evidence: ['user:example-user:6'],
    });
  });

  test('runs too short to be seen are shown by a log that only the new entry writes', async () => {
    cronRuns(machine, { quick: true });
    expect(checkOf((await run('deploy --all --ci')).json, 'new-entry')).toMatchObject({
      is: 'pass',
      because: 'its-log',
    });
  });

  test('runs too short to be seen that write where they always wrote prove nothing', async () => {
    install(crontab.replace('jobs.php', `jobs.php >> ${home}/import.log 2>&1`));
    cronRuns(machine, { quick: true });
    const { json, out } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'inconclusive', because: 'too-short' });
    expect(out()).toContain('each over before it could be seen');
  });

  test('runs too short to be seen are shown by the guard when it stands in the entry', async () => {
    install(crontab.replace('jobs.php', `jobs.php >> ${home}/import.log 2>&1`));
    cronRuns(machine, { quick: true });
    const { json } = await run('deploy --all --ci --guard entry');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'pass', because: 'its-guard' });
  });

  test('where only the log is another, the run’s standard output tells', async () => {
    const line = `*/2 * * * * cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once`;
    install(`${line} >> ${home}/old.log 2>&1\n`);
    cronRuns(machine, { deaf: 99 });
    const late = await run(`deploy --all --ci --keep-on-fail --log ${home}/cronlatch/new.log`);
    expect(checkOf(late.json, 'new-entry')).toMatchObject({ is: 'fail', because: 'old-entry' });
    machine = incident();
    install(`${line} >> ${home}/old.log 2>&1\n`);
    cronRuns(machine);
    const done = await run(`deploy --all --ci --log ${home}/cronlatch/new.log`);
    expect(checkOf(done.json, 'new-entry')).toMatchObject({ is: 'pass', because: 'seen' });
  });

  test('an entry that was right already is not asked about', async () => {
    install(
      `*/2 * * * * cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once >> ${home}/cronlatch/process_import_jobs/output.log 2>&1\n`,
    );
    cronRuns(machine);
    const { json } = await run('deploy --all --ci');
    expect(checkOf(json, 'guard-in-place')?.is).toBe('pass');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'skip', because: 'entry-unchanged' });
  });

  test('a crontab that nobody’s cron runs is not asked about', async () => {
    machine.put(`${home}/crontab`, crontab.replaceAll('httpdocs', `${home}/httpdocs`), own);
    const { json } = await run(`deploy --file ${home}/crontab --all --ci`);
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'skip', because: 'not-live' });
  });

  test('no tick in time is said with the time of the next', async () => {
    install(crontab.replace('*/2 * * * *  php', '0 3 * * *  php'));
    const { json } = await run('deploy --all --ci');
    expect(checkOf(json, 'new-entry')).toMatchObject({ is: 'inconclusive', because: 'no-tick-in-time' });
  });
});
