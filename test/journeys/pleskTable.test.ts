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
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { stores } from '../support/plesk/run.ts';
import { sceneOf } from '../support/plesk/scene.ts';
import { judge, refusals, rows, type Standing } from '../support/plesk/table.ts';

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
const standing = (host: Host): Standing => ({
  crontab: host.crontab(),
  tasks: structuredClone(host.panel.tasks),
  script: host.machine.live.get(host.script)?.bytes ?? '',
});
const drifts = async (host: Host): Promise<boolean> =>
  (await run(host, 'scan')).text.includes('[task-drift]');

describe('on Plesk', () => {
  test.each(rows)('$layout, $type, $shell, PHP of $php, through the $way: $outcome', async (row) => {
    const host = pleskHost(row);
    const [all, before] = [stores(host), standing(host)];
    const through = row.way === 'crontab' ? ' --through crontab' : '';
    const flags = `--script process_import_jobs.php --site ${host.site} --without verify${through}`;
    const done = await run(host, `deploy --ci ${flags}`);
    judge(sceneOf(row), before, standing(host), await drifts(host), row.outcome);
    const refusal = refusals[row.outcome];
    if (refusal !== undefined) {
      expect([done.exit, done.text]).toEqual([refusal.exit, expect.stringContaining(refusal.says)]);
      expect(stores(host)).toEqual(all);
      return;
    }
    expect(done.exit, done.text).toBe(0);
    expect((await run(host, `deploy --ci ${flags}`)).text).toContain('Already deployed.');
    const back = await run(host, 'rollback --ci');
    expect(back.exit, back.text).toBe(0);
    expect(stores(host)).toEqual(all);

    const env = row.way === 'crontab' ? { CRONLATCH_THROUGH: 'crontab' } : {};
    const told = await contextFor(memoryServer(host.machine), '', {
      answers: (question) => (question === 'Do this now?' ? true : 'Enter'),
      terminal: true,
      env: { ...env, CRONLATCH_WITHOUT: 'verify' },
    });
    expect((await wizard(told.ctx)).exit, told.out()).toBe(0);
    judge(sceneOf(row), before, standing(host), await drifts(host), row.outcome);
    expect((await run(host, 'rollback', [true])).exit).toBe(0);
    expect(stores(host)).toEqual(all);
  });
});
