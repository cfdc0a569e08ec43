// rollback --to disabled with tasks of Plesk: they are switched off in the panel, and come back as they were, or as deployed.
import { describe, expect, test } from 'vitest';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { once, run, said, stores } from '../support/plesk/run.ts';
import type { Wanted } from '../support/plesk/scene.ts';
import { several } from '../support/plesk/several.ts';

const off = 'rollback --to disabled --ci';

async function works(host: Host, line: string): Promise<string> {
  const ended = await run(host, line);
  expect(ended.exit, said(ended)).toBe(0);
  return said(ended);
}

describe('a task that is to be disabled', () => {
  test.each<[string, Wanted]>([
    ['a command', {}],
    ['a command whose errors are mailed', { notify: 'errors' }],
    ['a PHP script', { type: 'php' }],
    ['a command in the chroot, which became a PHP script', { shell: 'chrooted' }],
  ])('is switched off in the panel, and all of it comes back: %s', async (_, wanted) => {
    const host = pleskHost(wanted);
    const before = stores(host);
    await works(host, once);
    const deployed = stores(host);
    expect(await works(host, off)).toContain('switched off in Plesk');
    expect(host.task()).toEqual({ ...deployed.tasks[0], active: false });
    expect(host.crontab()).not.toContain('process_import_jobs.php');
    const others = deployed.crontab.split('\n').filter((line) => !line.includes('process_import_jobs.php'));
    expect(host.crontab().split('\n')).toEqual(others);
    expect(await works(host, off)).toContain('Nothing to change.');
    // The scan of a server whose task is off has no drift to tell.
    expect(said(await run(host, 'scan'))).not.toContain('task-drift');
    await works(host, 'rollback --ci');
    // The handler's id of a task that was a PHP script for a while is all that may stay (fact: kind-leaves-nothing).
    expect(stores(host)).toEqual(before);
  });

  test('with lines beside it: those are commented out, both come back, and a later edit is kept', async () => {
    const host = several();
    const before = stores(host);
    await works(host, 'deploy --all --ci --without verify');
    await works(host, off);
    expect(host.panel.tasks.map(({ id, active }) => [id, active])).toEqual([
      [7, false],
      [8, true],
      [9, false],
    ]);
    expect(host.crontab()).toContain('# cronlatch: disabled. To run it by hand: ');
    expect(await works(host, off)).toContain('Nothing to change.');
    await works(host, 'rollback --ci');
    expect(stores(host)).toEqual(before);
  });

  test('a Plesk that leaves the line in the crontab: both stores are put back', async () => {
    const host = pleskHost({ flipped: ['inactive-line'] });
    await works(host, once);
    const before = stores(host);
    const ended = await run(host, off);
    expect([ended.exit, said(ended)]).toEqual([1, expect.stringContaining('still-runs')]);
    expect(stores(host)).toEqual(before);
  });

  test.each<[string, (host: Host) => void, string]>([
    ['edited', (host) => Object.assign(host.task(), { command: 'php other.php' }), 'task-edited'],
    ['deleted', (host) => host.panel.tasks.shift(), 'task-gone'],
    ['switched off by somebody', (host) => Object.assign(host.task(), { active: false }), 'task-edited'],
  ])('that was %s since is left alone', async (_, act, code) => {
    const host = pleskHost();
    await works(host, once);
    act(host);
    const before = stores(host);
    const ended = await run(host, off);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining(code)]);
    expect(stores(host)).toEqual(before);
  });

  test('somebody has written into the crontab since it was switched off: where its line goes is not guessed', async () => {
    const host = pleskHost();
    const before = stores(host);
    await works(host, once);
    await works(host, off);
    host.panel.crontabs[host.user.name] = `${host.crontab()}5 5 * * * /usr/bin/theirs\n`;
    const ended = await run(host, 'rollback --ci');
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('task-off')]);
    // The way that is named: switched on in the panel, which writes its line.
    const task = host.task();
    await host.machine.programs(['/usr/sbin/plesk', 'bin', 'scheduler', '--update', '7', '-active', 'true']);
    expect(host.crontab()).toContain(task.command);
    await works(host, 'rollback --ci --keep-foreign-edits');
    expect(host.panel.tasks).toEqual(before.tasks);
    expect(host.crontab()).toContain('5 5 * * * /usr/bin/theirs\n');
    expect(host.crontab()).not.toContain('--once');
  });
});

test('the long-running form is refused: Plesk has no task that starts at boot', async () => {
  const host = pleskHost();
  await works(host, once);
  const before = stores(host);
  const ended = await run(host, 'rollback --to long-running --ci');
  expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('form-of-task')]);
  expect(stores(host)).toEqual(before);
});
