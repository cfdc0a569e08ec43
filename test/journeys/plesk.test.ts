// Whole deploys on a server with Plesk in memory: tasks and crontabs, both changed, both put back.
import { describe, expect, test } from 'vitest';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { verbOf } from '../support/plesk/panel.ts';
import { once, run, said, stores } from '../support/plesk/run.ts';
import { several } from '../support/plesk/several.ts';

/** Seen from the user's home. */
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

  test('becomes one that runs a PHP script where that is asked for, chroot or not, and comes back', async () => {
    const host = pleskHost();
    const before = stores(host);
    const ended = await run(host, `${once} --task-type php`);
    expect(ended.exit, said(ended)).toBe(0);
    expect(host.task()).toMatchObject({ type: 'php', command: php, args: '--once' });
    expect((await run(host, 'rollback --ci')).exit).toBe(0);
    expect(stores(host)).toEqual(before);
  });

  test.each([
    ['a PHP script as a command', { type: 'php' } as const, '--task-type exec', 'php-to-exec'],
    [
      'a scheduler that has no such verb',
      { verbs: ['create', 'list', 'run', 'delete'] } as const,
      '--through scheduler',
      'no-verb',
    ],
  ])('%s is refused with the reason', async (_, wanted, flags, code) => {
    const host = pleskHost(wanted);
    const before = stores(host);
    const ended = await run(host, `${once} ${flags}`);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining(code)]);
    expect(stores(host)).toEqual(before);
  });

  test('that is none cannot be changed through the scheduler', async () => {
    const host = pleskHost();
    host.panel.tasks.shift();
    const ended = await run(host, `${once} --through scheduler`);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('no-task')]);
  });

  test('that does more than run one script does not become one that runs a PHP script', async () => {
    const host = pleskHost({ shell: 'chrooted', command: `mkdir -p tmp && php ${php}` });
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('no-php-task')]);
  });

  test('whose command holds a password is not handed to a program on its command line', async () => {
    const host = pleskHost({ command: `php ${php} --password=hunter2hunter2` });
    const before = stores(host);
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('task-secret')]);
    expect(stores(host)).toEqual(before);
    expect(JSON.stringify(host.panel.calls)).not.toContain('hunter2');
  });

  test('is in the JSON of a scan, with what has drifted', async () => {
    const host = pleskHost();
    host.task().fields = ['*/3', '*', '*', '*', '*'];
    const { json } = await run(host, 'scan --json');
    expect(json).toMatchObject({ plesk: { is: 'asked', sites: 2, tasks: 2, unanswered: [] } });
    const [crontab] = (json as { crontabs: { entries: { task?: object }[] }[] }).crontabs;
    expect(crontab?.entries[0]?.task).toMatchObject({ id: 7, type: 'exec', drift: ['schedule'] });
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

describe('tasks and lines made by hand in one crontab', () => {
  const all = 'deploy --all --ci --without verify';

  test('are changed each in its way, and all come back', async () => {
    const host = several();
    const before = stores(host);
    const done = await run(host, all);
    expect(done.exit, said(done)).toBe(0);
    const kinds = (done.json as { plan: { steps: { kind: string }[] } }).plan.steps.map(({ kind }) => kind);
    expect(kinds.filter((kind) => /task|crontab/.test(kind))).toEqual(['put-crontab', 'put-task']);
    expect(host.crontab().match(/--once >>/g)).toHaveLength(3);
    expect(host.panel.tasks.filter(({ command }) => command.includes('--once')).map(({ id }) => id)).toEqual([
      7, 9,
    ]);
    expect((await run(host, all)).out()).toContain('Already deployed.');
    expect((await run(host, 'rollback --ci')).exit).toBe(0);
    expect(stores(host)).toEqual(before);
  });

  test('a crontab whose hand-made lines Plesk drops is put back as a whole', async () => {
    const host = several();
    host.panel.flipped = ['update-writes-line'];
    const before = stores(host);
    const done = await run(host, all);
    expect([done.exit, said(done)]).toEqual([1, expect.stringContaining('plesk-rewrote')]);
    expect(stores(host)).toEqual(before);
  });

  test('a saved plan does exactly that, and history shows the task', async () => {
    const host = several();
    const before = stores(host);
    expect((await run(host, 'deploy --all --dry-run --save /root/plan.json')).exit).toBe(0);
    const done = await run(host, 'deploy --plan /root/plan.json --ci --without verify');
    expect(done.exit, said(done)).toBe(0);
    expect(host.panel.tasks[0]?.command).toContain('--once');
    const id = /Deployed as (\S+?)\./.exec(done.out())?.[1] ?? '';
    expect((await run(host, `history ${id}`)).out()).toContain('task 9: run a command');
    expect((await run(host, 'rollback --ci')).exit).toBe(0);
    host.machine.live.delete('/root/plan.json');
    expect({ ...stores(host), picture: {} }).toEqual({ ...before, picture: {} });
  });

  test('a plan that was saved before somebody changed the task is refused', async () => {
    const host = several();
    await run(host, 'deploy --all --dry-run --save /root/plan.json');
    host.task().command = 'php httpdocs/another.php';
    const done = await run(host, 'deploy --plan /root/plan.json --ci');
    expect([done.exit, said(done)]).toEqual([5, expect.stringContaining('plan-stale')]);
  });
});

describe('the scheduler’s own list', () => {
  test.each([
    [
      'another command',
      (rows: Rows) => Object.assign(rows[0] ?? {}, { command: 'php other.php' }),
      'another command (php other.php)',
    ],
    [
      'another state',
      (rows: Rows) => Object.assign(rows[0] ?? {}, { isActive: false }),
      'another state (false)',
    ],
    ['no such task', (rows: Rows) => rows.shift(), 'does not list it'],
  ] as const)('%s than in the table is drift, and stops a deploy', async (_, act, says) => {
    const host = pleskHost();
    listing(host, act);
    const before = stores(host);
    expect(said(await run(host, 'scan'))).toContain(says);
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('task-drifted')]);
    expect(stores(host)).toEqual(before);
  });

  test('a task in it that the table does not have: the table was read wrong, and nothing is changed', async () => {
    const host = pleskHost();
    listing(host, (rows) => rows.push({ ...rows[0], id: 99 }));
    const before = stores(host);
    expect(said(await run(host, 'scan'))).toContain('it lists task 99');
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('plesk-unanswered')]);
    expect(stores(host)).toEqual(before);
  });

  type Rows = Record<string, unknown>[];
  function listing(host: Host, act: (rows: Rows) => unknown): void {
    const { programs } = host.machine;
    host.machine.programs = (argv) => {
      const ran = programs(argv);
      if (!argv.includes('-subscription')) return ran;
      const rows = JSON.parse(ran.stdout) as Rows;
      act(rows);
      return { ...ran, stdout: JSON.stringify(rows) };
    };
  }
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
});

describe('a panel that does not answer as it should stops the deploy before anything is written', () => {
  const modes = ['garbage', 'slow', 'exit'] as const;
  /** Every command a deploy runs, and how it ends when that one fails: refused before anything, or taken back. */
  const ends = {
    version: { exit: 5, says: 'plesk-unanswered' },
    sites: { exit: 5, says: 'plesk-unanswered' },
    tasks: { exit: 5, says: 'plesk-unanswered' },
    handlers: { exit: 5, says: 'plesk-unanswered' },
    help: { exit: 5, says: 'verb-unknown' },
    list: { exit: 5, says: 'plesk-unanswered' },
    // Asked when the task is about to be changed: the guard stands there already, and goes again.
    task: { exit: 1, says: 'plesk-unanswered' },
    update: { exit: 1, says: 'plesk-' },
  } as const;
  const verbs = Object.keys(ends) as (keyof typeof ends)[];

  test.each(verbs.flatMap((verb) => modes.map((mode) => [verb, mode] as const)))(
    '%s: %s',
    async (verb, mode) => {
      const host = pleskHost();
      const before = stores(host);
      host.panel.fails = { [verb]: mode };
      const ended = await run(host, once);
      const { exit, says } = ends[verb];
      expect([ended.exit, said(ended)]).toEqual([exit, expect.stringContaining(says)]);
      expect(stores(host)).toEqual(before);
      const wrote = host.panel.calls.some((words) => words.includes('--update'));
      expect(wrote, 'Plesk was asked to change the task').toBe(verb === 'update');
    },
  );

  test('the table has every command that a deploy runs', async () => {
    const host = pleskHost();
    await run(host, once);
    const asked = host.panel.calls.map((words) => verbOf(host.panel, words));
    expect([...new Set(asked)].sort()).toEqual([...verbs].sort());
  });

  test.each(modes)(
    'the site is asked for where the database is away, and that answers, too (%s): nothing is written',
    async (mode) => {
      for (const fails of [{ sites: mode }, { sites: mode, info: mode }]) {
        const host = pleskHost();
        const before = stores(host);
        host.panel.fails = fails;
        const ended = await run(host, `${once} --site example.com`);
        expect([ended.exit, said(ended)]).toEqual([5, expect.stringContaining('plesk-unanswered')]);
        expect(host.panel.calls).toContainEqual(['bin', 'site', '--info', 'example.com']);
        expect(stores(host)).toEqual(before);
      }
    },
  );

  test('a list of tasks is not asked for where the scheduler has none', async () => {
    const host = pleskHost({ verbs: ['create', 'update', 'run', 'delete'] });
    expect((await run(host, once)).exit).toBe(0);
    expect(host.panel.calls.filter((words) => words.includes('--list'))).toEqual([
      ['bin', 'php_handler', '--list', '-json', 'true'],
      ['bin', 'php_handler', '--list', '-json', 'true'],
    ]);
  });

  test('a list of verbs that was read and has no --update is an answer: the crontab is changed, and that is said', async () => {
    const host = pleskHost({ verbs: ['create', 'list', 'run', 'delete'] });
    const before = stores(host);
    const ended = await run(host, once);
    expect([ended.exit, said(ended)]).toEqual([0, expect.stringContaining('task-in-panel')]);
    expect(host.panel.tasks).toEqual(before.tasks);
    expect(host.crontab()).toContain('--once');
  });

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
