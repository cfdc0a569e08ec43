// Every combination of layout, kind of task, shell and place of PHP, through the scheduler and through the crontab: what
// becomes of the task and of its line, and that a rollback brings back both stores to the byte.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { scan } from '../../src/commands/scan.ts';
import { wizard } from '../../src/commands/wizard.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import type { Host, Layout, PhpPlace, ShellKind } from '../support/plesk/host.ts';
import { pleskHost } from '../support/plesk/host.ts';

const layouts: readonly Layout[] = ['main domain', 'addon domain', 'moved vhosts'];
const types = ['exec', 'php', 'http'] as const;
const shells: readonly ShellKind[] = ['bash', 'chrooted', 'false'];
const places: readonly PhpPlace[] = ['plesk', 'alt', 'local', 'distribution'];
const ways = ['scheduler', 'crontab'] as const;

type Outcome = 'task changed' | 'task becomes php' | 'line changed' | 'refused: chroot' | 'refused: http';

/** What is to become of each. The layout and the place of PHP change the paths, never the way. */
function wanted(type: (typeof types)[number], shell: ShellKind, way: (typeof ways)[number]): Outcome {
  if (type === 'http') return 'refused: http';
  if (type === 'exec' && shell === 'chrooted')
    return way === 'scheduler' ? 'task becomes php' : 'refused: chroot';
  return way === 'scheduler' ? 'task changed' : 'line changed';
}

const rows = layouts.flatMap((layout) =>
  types.flatMap((type) =>
    shells.flatMap((shell) =>
      places.flatMap((php) =>
        ways.map((way) => ({ layout, type, shell, php, way, outcome: wanted(type, shell, way) })),
      ),
    ),
  ),
);

const run = async (host: Host, line: string, answers?: readonly unknown[]) => {
  const told = await contextFor(
    memoryServer(host.machine),
    line,
    answers === undefined ? {} : { answers, terminal: true },
  );
  const command = { deploy, rollback, scan }[line.split(' ')[0] as 'deploy'] ?? wizard;
  try {
    return { ...(await command(told.ctx)), text: `${told.out()}${told.err()}` };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { exit: error.exit, text: `${told.out()}${told.err()}${JSON.stringify(error.args)}` };
  }
};
const stores = (host: Host) => ({
  crontab: host.crontab(),
  tasks: structuredClone(host.panel.tasks),
  picture: Object.fromEntries(
    Object.entries(host.machine.picture()).filter(([path]) => !path.includes('/cronlatch')),
  ),
});
/** The entry that starts the worker, and SHELL in force for it. */
const entryOf = (crontab: string): { line: string; shell: string } => {
  const lines = crontab.split('\n');
  const at = lines.findIndex((line) => line.includes('process_import_jobs.php'));
  const shell = lines.slice(0, at).findLast((line) => line.startsWith('SHELL='));
  return { line: lines[at] ?? '', shell: shell ?? '' };
};

/** Looks at what a deploy has left. */
async function judge(host: Host, before: ReturnType<typeof stores>, outcome: Outcome): Promise<void> {
  const { line, shell } = entryOf(host.crontab());
  const task = host.task();
  const drift = (await run(host, 'scan')).text.includes('[task-drift]');
  switch (outcome) {
    case 'task changed':
      expect(drift).toBe(false);
      expect(task.type).toBe(before.tasks[0]?.type);
      expect(`${task.command} ${task.args}`).toContain('--once');
      if (task.type === 'exec') {
        expect(task.command).toContain(`${host.php} ${host.script.slice(host.user.home.length + 1)}`);
        expect(line.endsWith(`\t${task.command}`)).toBe(true);
      } else expect(line).toContain(`(${host.php} -f '${task.command}' -- '--once')`);
      break;
    case 'task becomes php':
      expect(drift).toBe(false);
      expect(task).toMatchObject({ type: 'php', args: '--once' });
      expect(`${host.user.home}/${task.command}`).toBe(host.script);
      expect(line).toContain(host.php);
      expect(shell).toBe('SHELL="/bin/sh"');
      break;
    case 'line changed':
      expect(host.panel.tasks).toEqual(before.tasks);
      expect(line).toContain('--once');
      expect(line).toContain(host.php);
      // Plesk goes on showing the old one, and that is said.
      expect(drift).toBe(true);
      break;
    default:
      expect(stores(host)).toEqual(before);
  }
  if (!outcome.startsWith('refused')) {
    expect(host.machine.live.get(host.script)?.bytes).toContain('cronlatch-guard.php');
    expect(host.crontab()).toContain('# made by hand\n17 4 * * *\t/usr/bin/true   # theirs\n');
    expect(host.crontab()).toContain('(tar  -czf  b.tgz httpdocs)  > /dev/null');
  }
}

describe('on Plesk', () => {
  test.each(rows)('$layout, $type, $shell, PHP of $php, through the $way: $outcome', async (row) => {
    const host = pleskHost(row);
    const before = stores(host);
    const through = row.way === 'crontab' ? ' --through crontab' : '';
    const flags = `--script process_import_jobs.php --site ${host.site} --without verify${through}`;
    const done = await run(host, `deploy --ci ${flags}`);
    await judge(host, before, row.outcome);
    if (row.outcome === 'refused: chroot')
      expect([done.exit, done.text]).toEqual([5, expect.stringContaining('chrooted-task')]);
    if (row.outcome === 'refused: http')
      expect([done.exit, done.text]).toEqual([2, expect.stringContaining('Fetch a URL')]);
    if (row.outcome.startsWith('refused')) return;
    expect(done.exit, done.text).toBe(0);
    expect((await run(host, `deploy --ci ${flags}`)).text).toContain('Already deployed.');
    const back = await run(host, 'rollback --ci');
    expect(back.exit, back.text).toBe(0);
    expect(stores(host)).toEqual(before);

    const env = row.way === 'crontab' ? { CRONLATCH_THROUGH: 'crontab' } : {};
    const told = await contextFor(memoryServer(host.machine), '', {
      answers: [true],
      terminal: true,
      env: { ...env, CRONLATCH_WITHOUT: 'verify' },
    });
    expect((await wizard(told.ctx)).exit, told.out()).toBe(0);
    await judge(host, before, row.outcome);
    expect((await run(host, 'rollback', [true])).exit).toBe(0);
    expect(stores(host)).toEqual(before);
  });
});
