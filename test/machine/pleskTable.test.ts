// The same table as in memory, with the built program, the program `plesk`, real PHP in four places and real users' rights.
// The short form runs some of it, so that any two values of two columns meet; the stress run all of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cronMissing } from '../support/cron.ts';
import { type Ground, openGround, own, phpVersion, plesksNode } from '../support/plesk/ground.ts';
import type { Verb } from '../support/plesk/panel.ts';
import { judge, type Row, refusals, rows } from '../support/plesk/table.ts';
import { enterThrough, hasTmux, inTerminal } from '../terminal/harness.ts';

const reason = cronMissing || (phpVersion === 'none' ? 'no php' : '');
const stress = process.env['CRONLATCH_STRESS'] === '1';

/** Rows until each two values of two columns have met. */
function few(all: readonly Row[]): Row[] {
  const columns = ['layout', 'type', 'shell', 'php', 'way'] as const;
  const seen = new Set<string>();
  const pairs = (row: Row): string[] =>
    columns.flatMap((a, i) => columns.slice(i + 1).map((b) => `${a}=${row[a]} ${b}=${row[b]}`));
  const chosen: Row[] = [];
  for (;;) {
    const fresh = (row: Row): number => pairs(row).filter((pair) => !seen.has(pair)).length;
    const best = all.reduce((a, b) => (fresh(b) > fresh(a) ? b : a));
    if (fresh(best) === 0) return chosen;
    chosen.push(best);
    for (const pair of pairs(best)) seen.add(pair);
  }
}

const title = `Plesk’s stand-in as a program${reason === '' ? '' : ` (skipped: ${reason})`}`;
describe.skipIf(reason !== '')(title, () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround('plesk-table');
  }, 120_000);
  afterAll(async () => ground?.close());

  const drifts = async (): Promise<boolean> =>
    (await ground.cronlatch('scan', '--fail-on', 'never')).stdout.includes('[task-drift]');
  const text = ({ stdout, stderr }: { stdout: string; stderr: string }): string => `${stdout}${stderr}`;
  const flags = ['--script', 'process_import_jobs.php', '--without', 'verify'];

  test.each(stress ? rows : few(rows))(
    '$layout, $type, $shell, PHP of $php, through the $way: $outcome',
    async (row) => {
      const scene = ground.set(row);
      const [all, before] = [ground.picture(), ground.standing()];
      const through = row.way === 'crontab' ? ['--through', 'crontab'] : [];
      const done = await ground.cronlatch('deploy', '--ci', ...flags, '--site', scene.site, ...through);
      const refusal = refusals[row.outcome];
      judge(scene, before, ground.standing(), refusal === undefined && (await drifts()), row.outcome);
      if (refusal !== undefined) {
        expect([done.code, text(done)]).toEqual([refusal.exit, expect.stringContaining(refusal.says)]);
        expect(ground.picture()).toEqual(all);
        return;
      }
      expect(done.code, text(done)).toBe(0);
      if (row.type === 'exec') {
        expect(text(done)).toContain(
          `It runs with ${scene.php}: the PHP that Plesk has ${scene.site} run with`,
        );
        expect(text(done)).toContain(`${scene.php} was run as ${scene.user.name}: ${phpVersion} (cli)`);
      }
      // One interpreter alone was started, the site's, with the rights of the site's user: not root's, not the panel's.
      if (row.php !== 'distribution')
        expect([...new Set(ground.started())]).toEqual([`${scene.php} ${own.uid}`]);
      const back = await ground.cronlatch('rollback', '--ci');
      expect(back.code, text(back)).toBe(0);
      expect(ground.picture()).toEqual(all);
      expect(ground.standing()).toEqual(before);
    },
    60_000,
  );

  const asked = [
    { layout: 'main domain', shell: 'bash', type: 'exec', outcome: 'task changed' },
    { layout: 'addon domain', shell: 'chrooted', type: 'exec', outcome: 'task becomes php' },
    { layout: 'moved vhosts', shell: 'false', type: 'php', outcome: 'task changed' },
  ] as const;
  test.skipIf(!hasTmux).each(asked)(
    'in a terminal the wizard deploys it: $layout, $type, $shell',
    async (row) => {
      const scene = ground.set(row);
      const [all, before] = [ground.picture(), ground.standing()];
      await inTerminal(async (terminal) => {
        terminal.start(ground.argv([], { CRONLATCH_WITHOUT: 'verify' }).join(' '));
        // Whatever is asked before, Enter takes what is offered; the last question is the one that Enter does not answer with yes.
        await enterThrough(terminal);
        expect(ground.standing()).toEqual(before);
        terminal.keys('y', 'Enter');
        expect(await terminal.exit(), terminal.screen()).toBe(0);
      });
      judge(scene, before, ground.standing(), await drifts(), row.outcome);
      expect((await ground.cronlatch('rollback', '--ci')).code).toBe(0);
      expect(ground.picture()).toEqual(all);
      expect(ground.standing()).toEqual(before);
    },
    60_000,
  );

  const modes = ['garbage', 'slow', 'exit'] as const;
  const verbs: readonly Verb[] = ['version', 'sites', 'tasks', 'handlers', 'help', 'list', 'task', 'update'];
  const broken = verbs.flatMap((verb) => modes.map((mode) => ({ verb, mode })));
  // In memory all of them are in the short form, too.
  test.each(stress ? broken : broken.filter((_, i) => i % 4 === 0))(
    'a panel whose answer is broken stops the deploy ($verb: $mode)',
    async ({ verb, mode }) => {
      ground.set({});
      const [all, before] = [ground.picture(), ground.standing()];
      ground.panel.fails = { [verb]: mode };
      const ended = await ground.cronlatch('deploy', '--ci', ...flags, '--plesk-timeout', '1s');
      expect(ended.code, text(ended)).toBe(verb === 'task' || verb === 'update' ? 1 : 5);
      expect(text(ended)).toMatch(/\[(?:plesk-unanswered|verb-unknown|plesk-refused|plesk-rewrote)\]/);
      if (mode === 'slow') expect(text(ended)).toContain('did not answer within 1 s');
      expect(ground.standing()).toEqual(before);
      expect(ground.picture()).toEqual(all);
    },
    60_000,
  );

  test('a task is switched off by rollback --to disabled, and comes back', async () => {
    ground.set({ shell: 'false' });
    const [all, before] = [ground.picture(), ground.standing()];
    expect((await ground.cronlatch('deploy', '--ci', ...flags)).code).toBe(0);
    const off = await ground.cronlatch('rollback', '--to', 'disabled', '--ci');
    expect([off.code, text(off)]).toEqual([0, expect.stringContaining('switched off in Plesk')]);
    expect(ground.panel.tasks[0]).toMatchObject({ active: false });
    expect(ground.standing().crontab).not.toContain('process_import_jobs.php');
    expect((await ground.cronlatch('rollback', '--ci')).code).toBe(0);
    expect(ground.picture()).toEqual(all);
    expect(ground.standing()).toEqual(before);
  }, 60_000);

  test('Node of Plesk takes the place of one that is not there, and was run as the site’s user', async () => {
    const major = process.versions.node.split('.')[0];
    const scene = ground.set({ command: `/usr/local/node${major}/bin/node httpdocs/worker.mjs` });
    ground.write(
      'httpdocs/worker.mjs',
      "if (!process.argv.includes('--once')) setInterval(() => {}, 1000);\n",
    );
    const before = ground.standing();
    const done = await ground.cronlatch('deploy', '--ci', '--script', 'worker.mjs', '--without', 'verify');
    expect([done.code, text(done)]).toEqual([
      0,
      expect.stringContaining(`${plesksNode} was run as ${scene.user.name}`),
    ]);
    expect(ground.panel.tasks[0]?.command).toContain(`${plesksNode} httpdocs/worker.mjs --once`);
    expect([...new Set(ground.started())]).toEqual([`${plesksNode} ${own.uid}`]);
    expect((await ground.cronlatch('rollback', '--ci')).code).toBe(0);
    expect(ground.standing()).toEqual(before);
  });
});
