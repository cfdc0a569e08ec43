// Whole deploys on a server in memory: what a person or CI sees, and what is left on the server.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { history } from '../../src/commands/history.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { scan } from '../../src/commands/scan.ts';
import { verifyDeployment } from '../../src/commands/verify.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor, scripted } from '../support/context.ts';
import { checkOf, cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, instance, lock, script, source, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
});

const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const run = async (
  line: string,
  options: Parameters<typeof contextFor>[2] & { user?: typeof exampleUser } = {},
) => {
  const server = memoryServer(machine, options.user === undefined ? {} : { user: options.user });
  const told = await contextFor(server, line, options);
  const command = { deploy, rollback, scan, verify: verifyDeployment, history }[
    line.split(' ')[0] as 'deploy'
  ];
  return { ...(await command(told.ctx)), ...told };
};
const problem = async (line: string, options: Parameters<typeof run>[1] = {}): Promise<Problem> => {
  try {
    await run(line, options);
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('no problem arose');
};

describe('deploy', () => {
  test('the incident: one locked instance, a passed checklist, and a working way back', async () => {
    const before = machine.picture();
    cronRuns(machine);
    const done = await run('deploy --all --ci');
    expect(done.exit).toBe(0);
    const checks = done.json['checks'] as { check: string; is: string }[];
    expect(checks.filter((c) => !['pass', 'skip'].includes(c.is))).toEqual([]);
    expect(checks.find((c) => c.check === 'single-instance')?.is).toBe('pass');
    expect(checkOf(done.json, 'new-entry')).toMatchObject({ is: 'pass', because: 'seen' });
    expect(textOf(spool)).toBe(
      crontab.replace(
        'php httpdocs/scripts/process_import_jobs.php',
        `cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once >> ${home}/cronlatch/process_import_jobs/output.log 2>&1`,
      ),
    );
    expect(textOf(script)).toContain("declare(strict_types=1);\n(require __DIR__ . '/cronlatch-guard.php')(");
    expect(machine.signals).toEqual(['SIGTERM 501', 'SIGTERM 502']);
    machine.onTime = () => {};
    machine.processes = [];
    expect((await run('rollback --ci')).exit).toBe(0);
    const after = machine.picture();
    // The log and the lock are the user's now; everything else is as it was.
    const ours = (path: string): boolean => path.startsWith(`${home}/cronlatch`);
    expect(Object.fromEntries(Object.entries(after).filter(([path]) => !ours(path)))).toEqual(before);
  });

  test('a second deploy says "Already deployed." and writes nothing', async () => {
    await run('deploy --all --ci --without verify');
    machine.processes = [];
    const before = machine.picture();
    const journals = [...machine.live.keys()].length;
    const again = await run('deploy --all --ci');
    expect(again.exit).toBe(0);
    expect(again.out()).toContain('Already deployed.');
    expect(machine.picture()).toEqual(before);
    expect([...machine.live.keys()].length).toBe(journals);
  });

  test('a dry run writes nothing and prints the whole texts before and after', async () => {
    const before = machine.picture();
    const { json, exit } = await run('deploy --all --dry-run');
    expect(exit).toBe(0);
    expect(machine.picture()).toEqual(before);
    const plan = json['plan'] as { steps: { kind: string; before: string; after: string }[] };
    const step = plan.steps.find((s) => s.kind === 'put-crontab');
    expect(step?.before).toBe(crontab);
    expect(step?.after).toContain('--once >>');
  });

  test('who holds the lock is left to finish; only lock-less instances get SIGTERM', async () => {
    machine.processes = [];
    await run('deploy --all --ci --without verify');
    machine.makeLock(lock, exampleUser);
    const inode = `1:${machine.live.get(lock)?.inode}`;
    machine.processes = [instance(501), instance(502, { holds: inode })];
    await run('deploy --all --ci --without verify');
    expect(machine.signals).toEqual(['SIGTERM 501']);
    expect(machine.processes.map((p) => p.pid)).toEqual([502]);
  });

  test('an editor, a grep and other people’s workers are never signalled', async () => {
    machine.processes = [
      instance(601, { exe: '/usr/bin/vim', argv: ['vim', script] }),
      instance(602, { exe: '/usr/bin/grep', argv: ['grep', 'x', script] }),
      instance(603, { uid: 10002 }),
      instance(604, { argv: ['php', 'other.php', script], script: `${home}/other.php` }),
      instance(605, { exe: '/usr/bin/dash', argv: ['/bin/sh', '-c', `php ${script}`] }),
      instance(606, { argv: ['php', '-l', script] }),
    ];
    await run('deploy --all --ci --without verify');
    expect(machine.signals).toEqual([]);
  });

  test('an instance that ignores SIGTERM is a failed step: everything is put back and nothing is killed', async () => {
    machine.processes = [instance(501, { stubborn: true })];
    const before = machine.picture();
    const { code, exit } = await problem('deploy --all --ci --without verify --grace 5s');
    expect([code, exit]).toEqual(['still-running', 1]);
    expect(machine.signals).toEqual(['SIGTERM 501']);
    expect(machine.picture()).toEqual(before);
  });

  test('an old run that shows up while others are being ended is ended, too', async () => {
    // 502 takes a second to end, and meanwhile 503 appears.
    machine.processes = [instance(501), instance(502, { stubborn: true })];
    let asked: number | undefined;
    machine.onTime = (now) => {
      if (asked === undefined && machine.signals.includes('SIGTERM 502')) {
        asked = now;
        machine.processes.push(instance(503));
      }
      if (asked !== undefined && now > asked + 1000)
        machine.processes = machine.processes.filter((p) => p.pid !== 502);
    };
    await run('deploy --all --ci --without verify');
    expect(machine.signals).toEqual(['SIGTERM 501', 'SIGTERM 502', 'SIGTERM 503']);
    expect(machine.processes).toEqual([]);
  });

  test('with --kill-after it is killed, after its time', async () => {
    machine.processes = [instance(501, { stubborn: true })];
    expect((await run('deploy --all --ci --without verify --kill-after 60s')).exit).toBe(0);
    expect(machine.signals).toEqual(['SIGTERM 501', 'SIGKILL 501']);
  });

  test('the crontab changed while the person was reading the plan: exit 5, theirs stays', async () => {
    const server = memoryServer(machine);
    const told = await contextFor(server, 'deploy --all', { terminal: true });
    const ctx = {
      ...told.ctx,
      ask: async () =>
        scripted(() => {
          machine.put(spool, `${crontab}# new\n`, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
          return true;
        }),
    };
    await expect(deploy(ctx)).rejects.toMatchObject({ code: 'changed-since', exit: 5 });
    expect(textOf(spool)).toBe(`${crontab}# new\n`);
    expect(textOf(script)).toBe(source);
  });

  test('a failed check puts everything back in CI, and is kept with --keep-on-fail', async () => {
    const refused =
      'SQLSTATE[HY000] [1203] User u12345_app already has more than max_user_connections active connections\n';
    cronRuns(machine, { writes: refused });
    const rolled = await run('deploy --all --ci');
    expect(rolled.exit).toBe(1);
    expect(textOf(spool)).toBe(crontab);
    expect(textOf(script)).toBe(source);
    machine = incident();
    cronRuns(machine, { writes: refused });
    const kept = await run('deploy --all --ci --keep-on-fail');
    expect(kept.exit).toBe(3);
    expect(textOf(spool)).toContain('--once');
  });

  test('instances that pile up all the same fail the checklist', async () => {
    cronRuns(machine, { guarded: false, seconds: 400 });
    const { exit, json } = await run('deploy --all --ci --keep-on-fail');
    expect(exit).toBe(3);
    const checks = json['checks'] as { check: string; is: string }[];
    expect(checks.find((c) => c.check === 'single-instance')?.is).toBe('fail');
  });

  test('nothing seen is inconclusive, never a pass: kept with 0, and 6 with --strict', async () => {
    const { exit, json } = await run('deploy --all --ci');
    expect(exit).toBe(0);
    const checks = json['checks'] as { check: string; is: string; because: string }[];
    expect(checks.find((c) => c.check === 'single-instance')).toMatchObject({
      is: 'inconclusive',
      because: 'no-run-seen',
    });
    machine = incident();
    expect((await run('deploy --all --ci --strict')).exit).toBe(6);
  });

  test('a schedule that is not due in time is not waited for', async () => {
    machine.put(spool, crontab.replace('*/2 * * * *  php', '0 3 * * *  php'), {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    const start = machine.clock;
    const { json } = await run('deploy --all --ci --max-wait 10m');
    expect(machine.clock - start).toBeLessThan(60_000);
    const checks = json['checks'] as { check: string; is: string; because: string }[];
    expect(checks.find((c) => c.check === 'single-instance')).toMatchObject({
      is: 'inconclusive',
      because: 'no-tick-in-time',
    });
  });

  test('Ctrl-C between two steps puts back what was done, exit 130', async () => {
    const before = machine.picture();
    let asked = 0;
    const { code, exit } = await problem('deploy --all --ci', {
      heard: () => (++asked > 3 ? 'SIGINT' : 'no'),
    });
    expect([code, exit]).toEqual(['interrupted', 130]);
    expect(machine.picture()).toEqual(before);
    expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
  });

  test('a script in a git checkout gets its guard in the entry, and its source is not touched', async () => {
    machine.directory(`${home}/httpdocs/.git`);
    await run('deploy --all --ci --without verify');
    expect(textOf(script)).toBe(source);
    expect(textOf(spool)).toContain(
      `/usr/bin/php -d auto_prepend_file=${home}/cronlatch/cronlatch-guard.php -d cronlatch.dir=`,
    );
    machine.processes = [];
    expect((await run('deploy --all --ci')).out()).toContain('Already deployed.');
  });

  test('two jobs of one console script get a lock each', async () => {
    machine.put(`${home}/artisan`, '<?php\necho 1;\n', { uid: exampleUser.uid, gid: exampleUser.gid });
    machine.put(
      spool,
      '* * * * * cd /var/www/vhosts/example.com && php artisan queue:work\n* * * * * cd /var/www/vhosts/example.com && php artisan mail:send\n',
      { uid: exampleUser.uid, gid: 104, mode: 0o600 },
    );
    machine.processes = [
      instance(701, { argv: ['php', 'artisan', 'tinker'], script: `${home}/artisan` }),
      instance(702, { argv: ['php', 'artisan', 'queue:work'], script: `${home}/artisan` }),
    ];
    await run('deploy --all --ci --without verify');
    expect(textOf(spool)).toContain('cronlatch.name=artisan-queue-work artisan queue:work');
    expect(textOf(spool)).toContain('cronlatch.name=artisan-mail-send artisan mail:send');
    expect(machine.signals).toEqual(['SIGTERM 702']);
  });

  test('a framework’s scheduler gets no lock, which would make it miss what is due, and is not stopped', async () => {
    machine.put(`${home}/artisan`, '<?php\necho 1;\n', { uid: exampleUser.uid, gid: exampleUser.gid });
    machine.put(spool, '* * * * * cd /var/www/vhosts/example.com && php artisan schedule:run\n', {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    machine.processes = [
      instance(701, { argv: ['php', 'artisan', 'schedule:run'], script: `${home}/artisan` }),
    ];
    await run('deploy --all --ci --without verify');
    expect(textOf(spool)).toContain('/usr/bin/php artisan schedule:run >> ');
    expect(textOf(spool)).not.toContain('cronlatch-guard');
    expect(machine.signals).toEqual([]);
  });

  test('a worker that is started at boot is not told to end after one pass', async () => {
    machine.put(spool, '@reboot php httpdocs/scripts/process_import_jobs.php\n', {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    await run('deploy --all --ci --without verify');
    expect(textOf(spool)).toContain('process_import_jobs.php >> ');
  });

  test('a script that a line we cannot follow names, too, gets its guard in the entry', async () => {
    machine.put(
      spool,
      `${crontab}* * * * * flock -n /tmp/x php httpdocs/scripts/process_import_jobs.php --queue=c\n`,
      {
        uid: exampleUser.uid,
        gid: 104,
        mode: 0o600,
      },
    );
    await run('deploy --all --ci --without verify');
    expect(textOf(script)).toBe(source);
    expect(textOf(spool)).toContain('auto_prepend_file=');
  });

  test('root running a script that a customer may change is refused', async () => {
    machine.put('/etc/cron.d/worker', `* * * * * root php ${script}\n`);
    machine.live.delete(spool);
    machine.disk.delete(spool);
    const { exit, out } = await run('deploy --script process_import_jobs.php --ci');
    expect(exit).toBe(5);
    expect(out()).toContain('root-runs-foreign-script');
    expect(textOf(script)).toBe(source);
  });

  test('an ordinary user deploys his own crontab through crontab(1)', async () => {
    const user = { ...exampleUser };
    const done = await run('deploy --all --ci --without verify', { user });
    expect(done.exit).toBe(0);
    expect(textOf(spool)).toContain('--once');
    machine.processes = [];
    expect((await run('rollback --ci', { user })).exit).toBe(0);
    expect(textOf(spool)).toBe(crontab);
  });

  test('--worker ships a new version of the script, guarded', async () => {
    machine.put('/root/new.php', "<?php\ngetopt('', ['once']);\necho 'new';\n");
    await run('deploy --all --ci --without verify --worker /root/new.php');
    expect(textOf(script)).toContain("echo 'new';");
    expect(textOf(script)).toContain('// cronlatch: one instance at a time');
    machine.processes = [];
    await run('rollback --ci');
    expect(textOf(script)).toBe(source);
  });

  test('with --worker it is the new version that has to understand --once', async () => {
    machine.put('/root/new.php', "<?php\necho 'new';\n");
    await run('deploy --all --ci --without verify --worker /root/new.php');
    expect(textOf(spool)).toContain('process_import_jobs.php >> ');
    expect(textOf(spool)).not.toContain('--once');
  });

  test('an interpreter that refuses the new source stops the deploy before it goes live', async () => {
    machine.programs = (argv) =>
      argv[1] === '-l'
        ? { code: 255, stdout: 'PHP Parse error: boom', stderr: '' }
        : { code: 0, stdout: '', stderr: '' };
    const before = machine.picture();
    expect(await problem('deploy --all --ci')).toMatchObject({ code: 'unkeepable', exit: 1 });
    expect(machine.picture()).toEqual(before);
  });
});

describe('a saved plan', () => {
  test('is applied exactly, or refused when the server differs', async () => {
    await run('deploy --all --dry-run --save /root/plan.json');
    const saved = JSON.parse(textOf('/root/plan.json')) as { id: string };
    const done = await run('deploy --plan /root/plan.json --ci --without verify');
    expect(done.exit).toBe(0);
    expect((done.json['plan'] as { id: string }).id).toBe(saved.id);
    expect((await run('deploy --plan /root/plan.json --ci')).out()).toContain('Already deployed.');
    machine = incident();
    await run('deploy --all --dry-run --save /root/plan.json');
    machine.put(spool, `${crontab}# one more\n`, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
    expect(await problem('deploy --plan /root/plan.json --ci')).toMatchObject({
      code: 'plan-stale',
      exit: 5,
    });
    expect(textOf(script)).toBe(source);
  });

  test('is not shown as if it were to be done when it is done already', async () => {
    await run('deploy --all --dry-run --save /root/plan.json');
    machine.processes = [];
    await run('deploy --plan /root/plan.json --ci --without verify');
    const { out } = await run('deploy --plan /root/plan.json --ci');
    expect(out()).toBe('Already deployed.\n');
  });

  test.each([
    '--plan /root/plan.json --all',
    '--plan /root/plan.json --script worker.php --kill-after 5s',
    '--plan /root/plan.json --dry-run --save /root/other.json',
    '--resume 20261123-120030-9c2e --log /tmp/log',
  ])('%s: a flag that would be passed over is refused', async (flags) => {
    await run('deploy --all --dry-run --save /root/plan.json');
    const { code, exit, args } = await problem(`deploy --ci ${flags}`);
    expect([code, exit]).toEqual(['usage', 2]);
    expect(args['what']).toMatch(/cannot be used with --(?:plan|resume)/);
    expect(textOf(spool)).toBe(crontab);
  });

  test('may be named with its own crontab, and not with another', async () => {
    await run('deploy --all --dry-run --save /root/plan.json');
    const { args, exit } = await problem('deploy --plan /root/plan.json --user root --ci --without verify');
    expect([args['what'], exit]).toEqual(['The plan is about user:example-user, which was not named.', 2]);
    expect(textOf(spool)).toBe(crontab);
    expect((await run('deploy --plan /root/plan.json --user example-user --ci --without verify')).exit).toBe(
      0,
    );
  });

  test('that somebody edited is no plan', async () => {
    await run('deploy --all --dry-run --save /root/plan.json');
    machine.put('/root/plan.json', textOf('/root/plan.json').replace('--once', '--evil'));
    expect(await problem('deploy --plan /root/plan.json --ci')).toMatchObject({
      code: 'plan-unreadable',
      exit: 2,
    });
  });
});

describe('rollback', () => {
  beforeEach(async () => {
    await run('deploy --all --ci --without verify');
    machine.processes = [];
  });

  test('--to disabled comments the entry out, and --to before still finds the way back', async () => {
    await run('rollback --to disabled --ci');
    const lines = textOf(spool).split('\n');
    expect(lines[3]).toMatch(
      /^# cronlatch: disabled\. To run it by hand: cd \/var\/www\/vhosts\/example\.com && \/usr\/bin\/php /,
    );
    expect(lines[4]).toMatch(/^#\*\/2 \* \* \* \* {2}cd /);
    expect((await run('rollback --ci')).exit).toBe(0);
    expect(textOf(spool)).toBe(crontab);
    expect(textOf(script)).toBe(source);
  });

  test('--to long-running starts at boot and looks every five minutes', async () => {
    await run('rollback --to long-running --ci');
    expect(textOf(spool)).toMatch(
      /^@reboot cd \/var\/www\/vhosts\/example\.com && .*process_import_jobs\.php >> .* 2>&1 &$/m,
    );
    expect(textOf(spool)).toMatch(/^\*\/5 \* \* \* \* LC_ALL=C pgrep -u example-user -f /m);
    expect(textOf(spool)).not.toContain('--once');
    await run('rollback --ci');
    expect(textOf(spool)).toBe(crontab);
  });

  test('others edited the crontab: CI refuses; with a word of its own it takes back only our line', async () => {
    const edited = `${textOf(spool)}15 4 * * * /usr/local/bin/new-job\n`;
    machine.put(spool, edited, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
    expect(await problem('rollback --ci')).toMatchObject({ code: 'foreign-edits', exit: 5 });
    expect(textOf(spool)).toBe(edited);
    expect((await run('rollback --ci --keep-foreign-edits')).exit).toBe(0);
    expect(textOf(spool)).toBe(`${crontab}15 4 * * * /usr/local/bin/new-job\n`);
    expect(textOf(script)).toBe(source);
  });

  test('our own line was edited: refused, shown, nothing touched', async () => {
    const edited = textOf(spool).replace('--once', '--once --fast');
    machine.put(spool, edited, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
    const { exit, out } = await run('rollback --ci');
    expect(exit).toBe(5);
    expect(out()).toContain('our-line-edited');
    expect(textOf(spool)).toBe(edited);
  });

  test('a release replaced the script: verify says the guard is lost, rollback leaves the release and takes back the rest', async () => {
    machine.put(script, '<?php echo "release 2";\n', {
      uid: exampleUser.uid,
      gid: exampleUser.gid,
      mode: 0o640,
    });
    const { json } = await run('verify --max-wait 1s');
    const checks = json['checks'] as { check: string; is: string; because: string }[];
    expect(checks.find((c) => c.check === 'guard-in-place')).toMatchObject({
      is: 'fail',
      because: 'guard-lost',
    });
    expect((await run('scan')).out()).toContain('guard-lost-by-release');
    const { exit, out } = await run('rollback --ci');
    expect(exit).toBe(0);
    expect(out()).toContain('[script-replaced]');
    expect(textOf(script)).toBe('<?php echo "release 2";\n');
    expect(textOf(spool)).toBe(crontab);
    expect(textOf(script.replace('process_import_jobs', 'cronlatch-guard'))).toBe('(absent)');
  });

  test('twice is once: the second finds nothing to take back', async () => {
    await run('rollback --ci');
    expect(await problem('rollback --ci')).toMatchObject({ code: 'no-deployment', exit: 2 });
  });

  test('history tells what stands and what was taken back', async () => {
    expect((await run('history')).out()).toContain('stands');
    await run('rollback --ci');
    const { json } = await run('history');
    const list = json['deployments'] as { command: string; state: string; stands: boolean }[];
    expect(list.map((d) => [d.command, d.state, d.stands])).toEqual([
      ['rollback', 'rolled-back', false],
      ['deploy', 'rolled-back', false],
    ]);
  });
});

describe('one at a time', () => {
  test('a second deployer exits 5 and says who holds the lock since when', async () => {
    machine.latch = {
      path: '/var/lib/cronlatch/lock',
      holder: { id: '1', who: 'root', command: 'deploy', since: '2026-11-23T12:00:00Z', pid: 77 },
    };
    expect(await problem('deploy --all --ci')).toMatchObject({
      code: 'locked',
      exit: 5,
      args: { pid: 77, who: 'root' },
    });
  });
});

describe('scan', () => {
  test('tells the incident’s risks and fails on warnings', async () => {
    const { exit, out, json } = await run('scan --json');
    expect(exit).toBe(3);
    for (const code of ['no-lock', 'no-once', 'relative-interpreter', 'no-log', 'piling-up'])
      expect(out()).toContain(`[${code}]`);
    const [first] = json['crontabs'] as { source: string; entries: { line: number; worker: unknown }[] }[];
    expect(first?.source).toBe('user:example-user');
    expect(first?.entries.map((e) => [e.line, e.worker !== null])).toEqual([
      [4, true],
      [5, false],
    ]);
  });
});
