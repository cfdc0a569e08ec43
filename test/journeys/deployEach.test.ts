// Several workers of one config file: each a deployment of its own, all or nothing.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Config } from '../../src/ask/config.ts';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { cronRuns } from '../support/memory-cron.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, spool } from '../support/site.ts';

const mails = `${home}/bin/mails.php`;
let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.put(mails, '<?php\necho 1;\n', { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o644 });
  machine.put(spool, `${crontab}*/5 * * * * php ${mails}\n`, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
});

const both: Config = {
  shared: { user: exampleUser.name, without: 'stop,verify' },
  workers: [
    { script: 'httpdocs/scripts/process_import_jobs.php' },
    { script: 'bin/mails.php', guard: 'entry' },
  ],
};

const run = async (line: string, config: Config = both, more: Parameters<typeof contextFor>[2] = {}) => {
  const told = await contextFor(memoryServer(machine), line, { ...more, config });
  return { ...(await (line.startsWith('rollback') ? rollback : deploy)(told.ctx)), ...told };
};
const problem = async (line: string, config: Config = both): Promise<Problem> => {
  const error = await run(line, config).then(
    () => 'none',
    (thrown: unknown) => thrown,
  );
  if (error instanceof Problem) return error;
  throw new Error(`no problem arose: ${error}`);
};
const ours = (json: Record<string, unknown>) =>
  json['deployments'] as { worker: string; deployment?: string; outcome: { is: string; exit: number } }[];
const text = (path: string): string => machine.live.get(path)?.bytes ?? '';

describe('a config file with several workers', () => {
  test('deploys each as its own deployment, with its own answers, and each can be put back alone', async () => {
    const done = await run('deploy --ci');
    expect(done.exit).toBe(0);
    expect(ours(done.json).map(({ worker, outcome }) => [worker, outcome.is])).toEqual([
      ['httpdocs/scripts/process_import_jobs.php', 'deployed'],
      ['bin/mails.php', 'deployed'],
    ]);
    const [first, second] = ours(done.json).map((one) => one.deployment);
    expect(first).not.toBe(second);
    expect(text(spool)).toContain('auto_prepend_file');
    expect(text(mails)).not.toContain('cronlatch');
    await run(`rollback ${second} --ci`, { shared: {}, workers: [] });
    expect(text(spool)).not.toContain('auto_prepend_file');
    expect(text(spool)).toContain('cronlatch/process_import_jobs/output.log');
  });

  test('one that fails leaves the other deployed, and the exit code is its own', async () => {
    const config: Config = { ...both, workers: [{ script: 'bin/no-such.php' }, ...both.workers] };
    const done = await run('deploy --ci', config);
    expect(done.exit).toBe(2);
    expect(ours(done.json).map(({ outcome }) => outcome.is)).toEqual(['problem', 'deployed', 'deployed']);
    expect(done.json['outcome']).toMatchObject({
      is: 'each',
      failed: ['bin/no-such.php'],
    });
    expect(done.err()).toContain('no-such.php');
  });

  test('a failed check puts its own worker back and no other', async () => {
    cronRuns(machine);
    // The second worker's log cannot be written, so its checks fail.
    const config: Config = { shared: { user: exampleUser.name }, workers: both.workers };
    machine.processes = [];
    const before = text(spool);
    const done = await run('deploy --ci --ticks 1', config);
    const kept = ours(done.json).filter(({ outcome }) => outcome.is === 'deployed').length;
    const back = ours(done.json).filter(({ outcome }) => outcome.is === 'rolled-back').length;
    expect(kept + back).toBe(2);
    expect(done.exit).toBe(back > 0 ? 1 : 0);
    expect(text(spool) === before).toBe(back === 2);
  });

  test('answers that make no sense are refused before the first worker is touched', async () => {
    const before = machine.picture();
    const config: Config = { ...both, workers: [...both.workers, { script: 'x.php', guard: 'nowhere' }] };
    expect(await problem('deploy --ci', config)).toMatchObject({ code: 'usage' });
    expect(machine.picture()).toEqual(before);
  });

  test('without consent nobody is planned for, let alone deployed', async () => {
    const refused = await problem('deploy');
    expect(refused).toMatchObject({ code: 'answers-missing', exit: 2 });
    expect(refused.args['missing']).toBe('--yes or --ci');
  });

  test('--script picks one of them; --all, --entry and a script that is not listed are refused', async () => {
    const done = await run('deploy --ci --script mails.php');
    expect(ours(done.json).map(({ worker }) => worker)).toEqual(['bin/mails.php']);
    for (const more of ['--all', '--entry 3', '--script other.php'])
      expect(await problem(`deploy --ci ${more}`), more).toMatchObject({ code: 'usage', exit: 2 });
  });

  test('an interruption ends the round: the rest is named and not begun', async () => {
    const done = await run('deploy --ci', both, { heard: () => 'SIGTERM' });
    expect(done.exit).toBe(143);
    expect(done.json['outcome']).toMatchObject({ notBegun: ['bin/mails.php'] });
    expect(ours(done.json)).toHaveLength(1);
  });

  test('the plans are kept together and applied exactly, also with the answers of each', async () => {
    const planned = await run('deploy --dry-run --save /root/plan.json');
    expect(planned.exit).toBe(0);
    expect(text(spool)).not.toContain('cronlatch');
    const plans = JSON.parse(text('/root/plan.json')) as { plans: { id: string }[] };
    expect(plans.plans).toHaveLength(2);
    const before = text(spool);
    // Both plans saw the same crontab: the second is applied on top of the first.
    const done = await run('deploy --ci --plan /root/plan.json');
    expect(ours(done.json).map(({ outcome }) => outcome.is)).toEqual(['deployed', 'deployed']);
    expect(text(spool)).toContain('auto_prepend_file');
    expect(text(spool)).toContain('cronlatch/process_import_jobs/output.log');
    const again = await run('deploy --ci --plan /root/plan.json');
    expect(again.exit).toBe(0);
    expect(ours(again.json).map(({ outcome }) => outcome.is)).toEqual([
      'already-deployed',
      'already-deployed',
    ]);
    const none: Config = { shared: {}, workers: [] };
    for (const { deployment } of ours(done.json).reverse())
      expect((await run(`rollback ${deployment} --ci`, none)).exit).toBe(0);
    expect(text(spool)).toBe(before);
  });

  test('two sites with the same script each get their own answers with --plan', async () => {
    const other = { name: 'other-user', uid: 10002, gid: 10002, home: '/var/www/vhosts/shop.example' };
    machine.people.push({ ...other, shell: '/bin/bash' });
    const at = { uid: other.uid, gid: other.gid };
    machine.directory(`${other.home}/bin`, { ...at, mode: 0o755 });
    machine.put(`${other.home}/bin/mails.php`, '<?php\necho 1;\n', { ...at, mode: 0o644 });
    machine.put('/var/spool/cron/crontabs/other-user', '* * * * * php bin/mails.php\n', {
      uid: other.uid,
      gid: 104,
      mode: 0o600,
    });
    const config: Config = {
      shared: { without: 'stop,verify' },
      workers: [
        { user: exampleUser.name, script: 'bin/mails.php' },
        { user: other.name, script: 'bin/mails.php', guard: 'entry' },
      ],
    };
    await run('deploy --dry-run --save /root/plan.json', config);
    const done = await run('deploy --ci --plan /root/plan.json', config);
    expect(done.exit).toBe(0);
    expect(ours(done.json).map(({ worker }) => worker)).toEqual([
      'bin/mails.php (example-user)',
      'bin/mails.php (other-user)',
    ]);
    const [first] = config.workers;
    const fewer = { ...config, workers: first === undefined ? [] : [first] };
    expect(await problem('deploy --ci --plan /root/plan.json', fewer)).toMatchObject({ code: 'usage' });
  });

  test('a plan of one listed worker is applied with that worker’s answers', async () => {
    const config: Config = {
      shared: {},
      workers: [{ user: exampleUser.name, script: 'bin/mails.php', without: 'stop,verify' }],
    };
    await run('deploy --dry-run --save /root/plan.json', config);
    const done = await run('deploy --ci --plan /root/plan.json', config);
    expect(ours(done.json)[0]).toMatchObject({ outcome: { is: 'deployed' }, checks: [] });
  });

  test('two scripts of different modes in one directory share the guard that the first one got', async () => {
    const beside = `${home}/bin/more.php`;
    machine.put(beside, '<?php\necho 2;\n', { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o640 });
    machine.put(spool, `*/5 * * * * php ${mails}\n*/5 * * * * php ${beside}\n`, {
      uid: exampleUser.uid,
      gid: 104,
      mode: 0o600,
    });
    const config: Config = { ...both, workers: [{ script: 'bin/mails.php' }, { script: 'bin/more.php' }] };
    await run('deploy --dry-run --save /root/plan.json', config);
    const done = await run('deploy --ci --plan /root/plan.json', config);
    expect(ours(done.json).map(({ outcome }) => outcome.is)).toEqual(['deployed', 'deployed']);
  });

  test('a saved plan that others have made stale is refused for its worker alone', async () => {
    await run('deploy --dry-run --save /root/plan.json');
    machine.put(mails, '<?php\necho 2;\n', { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o644 });
    const done = await run('deploy --ci --plan /root/plan.json');
    expect(ours(done.json)[0]?.outcome.is).toBe('deployed');
  });
});
