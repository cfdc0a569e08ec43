// Whole deploys on a server with Plesk in memory: tasks and crontabs, both changed, both put back.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { scan } from '../../src/commands/scan.ts';
import { type FactName, facts } from '../../src/plesk/known.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { type Host, pleskHost, type Wanted } from '../support/plesk/host.ts';

type AssumedFact = {
  [Name in FactName]: (typeof facts)[Name]['tag'] extends 'assumed' ? Name : never;
}[FactName];

const run = async (host: Host, line: string) => {
  const told = await contextFor(memoryServer(host.machine), line);
  const command = { deploy, rollback, scan }[line.split(' ')[0] as 'deploy'];
  try {
    return { ...(await command(told.ctx)), ...told, problem: undefined };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ...told, exit: error.exit, json: {}, problem: error };
  }
};
const said = (ended: Awaited<ReturnType<typeof run>>): string =>
  `${ended.out()}\n${ended.err()}\n${ended.problem === undefined ? '' : JSON.stringify([ended.problem.code, ended.problem.args])}`;
/** Everything but our own directory, the journals and what the panel was asked. */
const stores = (host: Host) => ({
  crontab: host.crontab(),
  tasks: structuredClone(host.panel.tasks),
  picture: Object.fromEntries(
    Object.entries(host.machine.picture()).filter(([path]) => !path.includes('/cronlatch')),
  ),
});
const once = 'deploy --script process_import_jobs.php --ci --without verify';

/** The site's other domain gives nothing away that this one does not. */
const php = 'httpdocs/scripts/process_import_jobs.php';

describe('a task of Plesk', () => {
  test('is changed through the scheduler, and both stores say the same', async () => {
    const host = pleskHost();
    const before = stores(host);
    const done = await run(host, once);
    expect(said(done)).toContain('Deployed as');
    expect(host.task().command).toBe(
      `cd ${host.user.home} && ${host.php} ${php} --once >> ${host.user.home}/cronlatch/process_import_jobs/output.log 2>&1`,
    );
    expect(host.crontab()).toBe(before.crontab.replace(`php ${php}`, host.task().command));
    expect(done.out()).toContain('the PHP that Plesk has example.com run with (plesk-php83-fpm)');
    expect(done.out()).toContain(`${host.php} was run as ${host.user.name}: 8.3.14 (cli)`);
    expect((await run(host, once)).out()).toContain('Already deployed.');
    expect(said(await run(host, 'rollback --ci'))).toContain('Put back');
    expect(stores(host)).toEqual(before);
  });

  test.each(['bash', 'chrooted'] as const)(
    'keeps what Plesk writes around it, and a percent sign in its arguments (%s)',
    async (shell) => {
      const host = pleskHost({ shell, notify: 'errors' });
      const before = stores(host);
      expect(said(await run(host, once))).toContain('Deployed as');
      expect(host.crontab()).toMatch(/\(.*process_import_jobs\.php.*\) {2}> \/dev\/null/);
      expect(host.task().type).toBe(shell === 'bash' ? 'exec' : 'php');
      expect(said(await run(host, 'rollback --ci'))).toContain('Put back');
      expect(stores(host)).toEqual(before);
    },
  );

  test('of a script that takes no flag for one run is not touched: the guard stands in the script', async () => {
    const host = pleskHost({ type: 'php' });
    host.machine.put(host.script, '<?php\nwork();\n', { uid: host.user.uid, gid: host.user.gid });
    const { crontab, tasks } = stores(host);
    expect(said(await run(host, once))).toContain('Deployed as');
    expect([host.crontab(), host.panel.tasks]).toEqual([crontab, tasks]);
    expect(host.panel.calls.filter((words) => words.includes('--update'))).toEqual([]);
  });

  test('that runs a PHP script has no place for a guard in its entry', async () => {
    const host = pleskHost({ type: 'php' });
    const before = stores(host);
    const ended = await run(host, `${once} --guard entry`);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('php-task-guard')]);
    expect(stores(host)).toEqual(before);
  });

  test('that does more than run one script does not become one that runs a PHP script', async () => {
    const host = pleskHost({ shell: 'chrooted', command: `mkdir -p tmp && php ${php}` });
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('no-php-task')]);
  });

  test('whose command would be too long for the scheduler is refused', async () => {
    const host = pleskHost({ command: `php ${php} --only=${'1,'.repeat(320)}` });
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('task-too-long')]);
  });

  test('is found where only the task has the other stores’ percent sign', async () => {
    const host = pleskHost({ command: `php ${php} --day=$(date +\\%F)` });
    expect(host.crontab()).toContain('\\%F');
    const before = stores(host);
    const ended = await run(host, `${once} --dry-run`);
    expect(stores(host)).toEqual(before);
    expect(said(ended)).not.toContain('task-drift');
  });
});

describe('a rollback', () => {
  test('keeps what others wrote into the crontab since, when that is said', async () => {
    const host = pleskHost();
    const before = stores(host);
    await run(host, once);
    host.panel.crontabs[host.user.name] = `${host.crontab()}5 5 * * * /usr/bin/theirs\n`;
    const refused = await run(host, 'rollback --ci');
    expect([refused.exit, said(refused)]).toEqual([5, expect.stringContaining('foreign-edits')]);
    expect((await run(host, 'rollback --ci --keep-foreign-edits')).exit).toBe(0);
    expect(host.crontab()).toBe(`${before.crontab}5 5 * * * /usr/bin/theirs\n`);
    expect(host.panel.tasks).toEqual(before.tasks);
  });

  test.each([
    ['edited', (host: Host) => Object.assign(host.task(), { command: 'php something.php' }), 'task-edited'],
    ['deleted', (host: Host) => host.panel.tasks.shift(), 'task-gone'],
  ])('touches nothing when somebody has %s the task in the panel', async (_, act, code) => {
    const host = pleskHost();
    await run(host, once);
    act(host);
    const before = stores(host);
    const ended = await run(host, 'rollback --ci');
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining(code)]);
    expect(stores(host)).toEqual(before);
  });

  test('to another form is refused: the panel would take it back with its next save', async () => {
    const host = pleskHost();
    await run(host, once);
    const before = stores(host);
    const ended = await run(host, 'rollback --to disabled --ci');
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('form-of-task')]);
    expect(stores(host)).toEqual(before);
  });
});

describe('a panel that does not answer as it should stops the deploy before anything is written', () => {
  const verbs = ['sites', 'tasks', 'handlers', 'help', 'update'] as const;
  const modes = ['garbage', 'slow', 'exit'] as const;
  test.each(verbs.flatMap((verb) => modes.map((mode) => [verb, mode] as const)))(
    '%s: %s',
    async (verb, mode) => {
      const host = pleskHost();
      const before = stores(host);
      host.panel.fails = { [verb]: mode };
      const ended = await run(host, once);
      const goes = verb === 'help' && mode !== 'slow' ? 0 : verb === 'update' ? 1 : 5;
      expect(ended.exit, said(ended)).toBe(goes);
      if (goes !== 0) expect(stores(host)).toEqual(before);
    },
  );

  test('an update that is done although Plesk says it failed is taken back', async () => {
    const host = pleskHost();
    const before = stores(host);
    const programs = host.machine.programs;
    let first = true;
    host.machine.programs = (argv) => {
      const ran = programs(argv);
      const lies = argv.includes('--update') && first;
      if (lies) first = false;
      return lies ? { ...ran, code: 1, stderr: 'it said no\n' } : ran;
    };
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([1, expect.stringContaining('plesk-refused')]);
    expect(stores(host)).toEqual(before);
  });
});

describe('each assumed fact, turned round', () => {
  type Row = { wanted?: Wanted; act?: (host: Host) => void; exit: number; says: string };
  const rows: Record<AssumedFact, Row> = {
    'program-place': {
      act: ({ machine }) => {
        machine.live.delete('/usr/sbin/plesk');
        machine.put('/opt/elsewhere/plesk', 'ELF', { mode: 0o755 });
      },
      ...{ exit: 5, says: 'plesk-unanswered' },
    },
    'batch-escapes': { wanted: { command: `php\t${php}` }, exit: 5, says: 'plesk-unanswered' },
    'active-values': { exit: 5, says: 'plesk-unanswered' },
    'handler-keys': { exit: 0, says: '/opt/plesk/php/8.3/bin/php' },
    'exec-line': { exit: 2, says: 'No entry starts' },
    'php-arguments': { wanted: { type: 'php' }, exit: 1, says: 'plesk-rewrote' },
    'inactive-line': {
      act: (host) => {
        host.task().active = false;
      },
      ...{ exit: 5, says: 'task-drifted' },
    },
    'help-names-verbs': { exit: 0, says: 'task-in-panel' },
    'update-writes-line': { exit: 1, says: 'others-changed' },
    'update-arguments': { wanted: { type: 'php' }, exit: 1, says: 'plesk-refused' },
    'kind-leaves-nothing': { wanted: { shell: 'chrooted' }, exit: 0, says: 'task-becomes-php' },
    'php-task-shell': { wanted: { shell: 'chrooted' }, exit: 1, says: 'chrooted' },
    'chroot-line': { wanted: { shell: 'chrooted' }, exit: 2, says: 'No entry starts' },
    'home-is-webspace': { exit: 0, says: 'Deployed as' },
  };

  test('the table has them all', () => {
    const assumed = Object.entries(facts).flatMap(([name, { tag }]) => (tag === 'assumed' ? [name] : []));
    expect(Object.keys(rows).sort()).toEqual(assumed.sort());
  });

  test.each(Object.entries(rows))(
    '%s: the tool adapts or refuses',
    async (name, { wanted, act, exit, says }) => {
      const host = pleskHost({ ...wanted, flipped: [name as FactName] });
      act?.(host);
      const before = stores(host);
      const ended = await run(host, once);
      expect([ended.exit, said(ended)]).toEqual([exit, expect.stringContaining(says)]);
      if (exit !== 0) expect(stores(host)).toEqual(before);
      else {
        const back = await run(host, 'rollback --ci');
        expect(back.exit, said(back)).toBe(0);
        expect(host.crontab()).toBe(before.crontab);
        const { handler: _, ...task } = host.task();
        expect(before.tasks[0]).toMatchObject(task);
      }
    },
  );
});
