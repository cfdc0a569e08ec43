// scan, deploy, and plans that are kept: rules 37, 38 and the contracts of --json.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy, expectProblem, hasPhp, json, rollback, run, type Site, site, snapshot } from './harness.ts';

const kinds = ['node', 'php'] as const;

interface Scan {
  crontabs: {
    source: string;
    dialect: string;
    accepted: boolean;
    entries: Record<string, unknown>[];
    findings: unknown[];
  }[];
}

describe.concurrent('scan', () => {
  test('its document is the one scripts rely on', async () => {
    const at = site('node', (d, entry) => `HOME=${d}\n${entry}\n\n# a note\n0 0 31 2 * /usr/bin/true\n`);
    const ended = await run(['scan', ...at.on, '--json']);
    const document = json(ended) as unknown as Scan & Record<string, unknown>;
    expect(Object.keys(document)).toEqual(
      expect.arrayContaining(['schema', 'command', 'crontabs', 'outcome']),
    );
    expect(document).toMatchObject({ schema: 1, command: 'scan', outcome: { exit: 3 } });
    const [crontab] = document.crontabs;
    expect(document.crontabs.length).toBe(1);
    expect(Object.keys(crontab ?? {}).sort()).toEqual([
      'accepted',
      'crons',
      'dialect',
      'differences',
      'entries',
      'findings',
      'source',
      'suppressed',
    ]);
    expect(crontab).toMatchObject({ source: at.tab, dialect: 'debian', accepted: true });
    const [worker = {}, never = {}] = crontab?.entries ?? [];
    for (const entry of [worker, never])
      for (const key of ['line', 'schedule', 'command', 'fires', 'next', 'worker', 'findings'])
        expect(entry).toHaveProperty(key);
    expect(worker).toMatchObject({
      line: 2,
      schedule: '*/2 * * * *',
      fires: true,
      worker: { script: at.script, args: [], guarded: false },
    });
    expect((worker['next'] as string[]).length).toBe(3);
    for (const next of worker['next'] as string[]) {
      expect(new Date(next).toISOString()).toBe(next);
      expect(new Date(next).getUTCMinutes() % 2).toBe(0);
    }
    expect(never).toMatchObject({ line: 5, fires: false, next: [], worker: null });
    expect((worker['findings'] as { code: string }[]).map((f) => f.code)).toContain('no-lock');
  });

  test('source in the document is the path of the file, made absolute', async () => {
    const at = site();
    const ended = await run(['scan', '--file', 'crontab', ...at.stateFlags, '--json'], { cwd: at.directory });
    expect((json(ended) as unknown as Scan).crontabs[0]?.source).toBe(at.tab);
  });

  test.each([
    ['note', 3],
    ['warn', 3],
    ['stop', 0],
    ['never', 0],
  ])('--fail-on %s of an entry with warnings exits %i', async (level, exit) => {
    const at = site();
    const ended = await run(['scan', ...at.on, '--fail-on', level, '--json']);
    expect(ended.code).toBe(exit);
    expect(json(ended).outcome).toEqual({ is: exit === 3 ? 'findings' : 'clean', exit });
  });

  test('--fail-on stop of a crontab that cron does not accept exits 3', async () => {
    const at = site('node', (d, entry) => `HOME=${d}\n${entry}\n61 * * * * true\n`);
    const ended = await run(['scan', ...at.on, '--fail-on', 'stop', '--json']);
    expect(ended.code).toBe(3);
    expect((json(ended) as unknown as Scan).crontabs[0]?.accepted).toBe(false);
    expect((await run(['scan', ...at.on, '--fail-on', 'never'])).code).toBe(0);
  });

  test('--system reads a user column, --dialect says whose rules', async () => {
    const at = site('node', (d, entry) => `HOME=${d}\n${entry.replace('* * * * cd', '* * * * root cd')}\n`);
    const ended = await run([
      'scan',
      ...at.on,
      '--system',
      '--dialect',
      'cronie',
      '--json',
      '--fail-on',
      'never',
    ]);
    const [crontab] = (json(ended) as unknown as Scan).crontabs;
    expect(crontab?.dialect).toBe('cronie');
    expect(crontab?.entries[0]).toMatchObject({ user: 'root', worker: { script: at.script } });
  });

  test('an empty crontab is clean', async () => {
    const at = site('node', () => '');
    const ended = await run(['scan', ...at.on, '--json']);
    expect(ended.code).toBe(0);
    expect((json(ended) as unknown as Scan).crontabs).toMatchObject([{ accepted: true, entries: [] }]);
  });

  test('it writes nothing at all', async () => {
    const at = site();
    const before = snapshot(at.directory);
    await run(['scan', ...at.on, '--verbose']);
    expect(snapshot(at.directory)).toEqual(before);
  });
});

describe.concurrent('deploy', () => {
  test('a dry run is a whole document, writes nothing, and its step holds the whole text', async () => {
    const at = site();
    const before = snapshot(at.directory);
    const ended = await run(['deploy', ...at.on, '--all', '--dry-run', '--json']);
    expect(ended.code).toBe(0);
    const document = json(ended) as unknown as {
      plan: { id: string; steps: Record<string, string>[]; cannotUndo: unknown[] };
      findings: unknown[];
    };
    expect(document).toMatchObject({ schema: 1, command: 'deploy', outcome: { is: 'planned', exit: 0 } });
    expect(document.plan.id).toMatch(/^[0-9a-f]{12}$/);
    expect(document.plan.cannotUndo).toEqual([]);
    expect(Array.isArray(document.findings)).toBe(true);
    const step = document.plan.steps.find((s) => s['kind'] === 'put-crontab');
    expect(step?.['before']).toBe(at.read().toString());
    expect(step?.['after']).toContain('# jobs of the site\n');
    expect(step?.['after']).toContain('--once');
    expect(snapshot(at.directory)).toEqual(before);
    // The plan of a second look is the same plan, and so is what a deploy makes of the crontab.
    const again = json(
      await run(['deploy', ...at.on, '--all', '-n', '--json']),
    ) as unknown as typeof document;
    expect(again.plan.id).toBe(document.plan.id);
    await deploy(at);
    expect(at.read().toString()).toBe(step?.['after']);
  });

  test.for(kinds)(
    'of a %s worker twice: the second says so and writes nothing (rule 37)',
    async (kind, { skip }) => {
      skip(kind === 'php' && !hasPhp, 'there is no php');
      const at = site(kind);
      const first = await deploy(at);
      expect(first.code).toBe(0);
      const before = snapshot(at.directory);
      const second = await deploy(at);
      expect(second).toMatchObject({ code: 0 });
      expect(second.out).toContain('Already deployed.');
      expect(second.out).not.toContain('Undo:');
      const third = await deploy(at, '--json');
      expect(json(third).outcome).toEqual({ is: 'already-deployed', exit: 0 });
      expect(snapshot(at.directory)).toEqual(before);
    },
  );

  test.skipIf(!hasPhp)('of a PHP worker keeps declare first, and PHP still takes the script', async () => {
    const at = site('php');
    expect((await deploy(at)).code).toBe(0);
    const lines = readFileSync(at.script, 'utf8').split('\n');
    expect(lines[1]).toBe('declare(strict_types=1);');
    expect(lines[2]).toContain("require __DIR__ . '/cronlatch-guard.php'");
  });

  test('says exactly what changed and how to undo it, and that line works as it stands (rule 38)', async () => {
    const at = site();
    const before = at.read();
    const ended = await deploy(at);
    const id = /Deployed as (\S+)\.\n/.exec(ended.out)?.[1];
    const undo = /^Undo: cronlatch (.+)$/m.exec(ended.out)?.[1];
    expect(undo).toBe(`rollback ${id} --state-dir ${at.state}`);
    expect(ended.out).toContain(`--- ${at.tab}`);
    expect(ended.out).toContain(`--- ${at.script}`);
    expect(ended.out).toMatch(
      /^Plan: 2 directories to add, 1 file to add, 1 file to change, 1 crontab to change\.$/m,
    );
    const back = await run([...(undo as string).split(' '), '--ci']);
    expect(back.code).toBe(0);
    expect(back.out).toMatch(new RegExp(`^Put back: .*${id}`, 'm'));
    expect(at.read()).toEqual(before);
  });

  test('history names who did what and when, newest first', async () => {
    const at = site();
    await deploy(at);
    await rollback(at);
    const text = await run(['history', ...at.stateFlags]);
    expect(text.out.split('\n')[0]).toMatch(/rollback {2}rolled-back/);
    expect(text.out.split('\n')[1]).toMatch(/deploy/);
    const { deployments } = json(await run(['history', ...at.stateFlags, '--json'])) as unknown as {
      deployments: { id: string; command: string; stands: boolean }[];
    };
    expect(deployments.map((d) => [d.command, d.stands])).toEqual([
      ['rollback', false],
      ['deploy', false],
    ]);
    const one = await run(['history', deployments[1]?.id as string, ...at.stateFlags]);
    expect(one.out).toContain(`--- ${at.tab}`);
    const empty = await run(['history', '--state-dir', join(at.directory, 'none')]);
    expect(empty).toMatchObject({ code: 0, out: 'Nothing was deployed yet.\n', err: '' });
  });

  test('what cannot be measured on a file that no cron reads is skipped, and --strict is content with that', async () => {
    const at = site();
    const ended = await deploy(at, '--strict', '--json');
    expect(ended.code).toBe(0);
    const { checks } = json(ended) as unknown as { checks: { is: string }[] };
    expect(checks.filter((c) => c.is === 'skip').length).toBeGreaterThan(3);
    expect(checks.some((c) => c.is === 'fail' || c.is === 'inconclusive')).toBe(false);
  });

  test('a new version of the script is shipped, guarded, and taken back', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state', 'new.mjs']);
    const next = join(at.directory, 'new.mjs');
    writeFileSync(next, `// version 2\n${readFileSync(at.script, 'utf8')}`);
    expect((await deploy(at, '--worker', next)).code).toBe(0);
    expect(readFileSync(at.script, 'utf8')).toContain('// version 2');
    expect(readFileSync(at.script, 'utf8')).toContain('cronlatch-guard');
    expect((await rollback(at)).code).toBe(0);
    expect(snapshot(at.directory, ['state', 'new.mjs'])).toEqual(before);
  });

  test.each(['guard', 'stop', 'verify', 'guard,stop,verify'])(
    '--without %s still goes there and back',
    async (parts) => {
      const at = site();
      const before = snapshot(at.directory, ['state']);
      const ended = await deploy(at, '--without', parts);
      expect(ended.code).toBe(0);
      expect(readFileSync(at.script, 'utf8').includes('cronlatch')).toBe(!parts.includes('guard'));
      expect((await rollback(at)).code).toBe(0);
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    },
  );

  test('--guard entry leaves the script alone to the nanosecond', async () => {
    const at = site();
    const script = snapshot(join(at.directory, 'scripts'));
    expect((await deploy(at, '--guard', 'entry')).code).toBe(0);
    expect(snapshot(join(at.directory, 'scripts'))).toEqual(script);
    expect(at.read().toString()).toContain('--import');
  });
});

describe.concurrent('a plan that is kept', () => {
  async function planned(at: Site): Promise<string> {
    const plan = join(at.directory, 'plan.json');
    const ended = await run(['deploy', ...at.on, '--all', '--dry-run', '--save', plan]);
    expect(ended.code).toBe(0);
    return plan;
  }
  const apply = (at: Site, plan: string, ...more: string[]): ReturnType<typeof run> =>
    run(['deploy', '--plan', plan, ...at.stateFlags, '--ci', ...more]);

  test('is applied exactly, once', async () => {
    const at = site();
    const plan = await planned(at);
    const { steps } = JSON.parse(readFileSync(plan, 'utf8')) as { steps: Record<string, string>[] };
    const wanted = steps.find((s) => s['kind'] === 'put-crontab')?.['after'];
    const before = snapshot(at.directory, ['state', 'plan.json']);
    expect((await apply(at, plan)).code).toBe(0);
    expect(at.read().toString()).toBe(wanted);
    const after = snapshot(at.directory);
    const again = await apply(at, plan);
    expect(again.code).toBe(0);
    expect(again.out).toContain('Already deployed.');
    expect(snapshot(at.directory)).toEqual(after);
    expect((await rollback(at)).code).toBe(0);
    expect(snapshot(at.directory, ['state', 'plan.json'])).toEqual(before);
  });

  test('is read from the document of --dry-run --json as well', async () => {
    const at = site();
    const plan = join(at.directory, 'plan.json');
    writeFileSync(plan, (await run(['deploy', ...at.on, '--all', '--dry-run', '--json'])).out);
    expect((await apply(at, plan)).code).toBe(0);
    expect(at.read().toString()).toContain('--once');
  });

  test.each([
    ['the crontab', (at: Site) => appendFileSync(at.tab, '# one more\n')],
    ['the script', (at: Site) => appendFileSync(at.script, '// one more\n')],
  ])('is refused when %s has changed since, with nothing done', async (_, change) => {
    const at = site();
    const plan = await planned(at);
    change(at);
    const before = snapshot(at.directory, ['state']);
    const ended = await apply(at, plan, '--json');
    expectProblem(ended, 'plan-stale', 5);
    expect(json(ended).outcome).toMatchObject({ code: 'plan-stale', exit: 5 });
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });

  test('is refused when somebody edited the plan', async () => {
    const at = site();
    const plan = await planned(at);
    writeFileSync(plan, readFileSync(plan, 'utf8').replaceAll('--once', '--twice'));
    expectProblem(await apply(at, plan), 'plan-unreadable', 2);
    writeFileSync(plan, '{}');
    expectProblem(await apply(at, plan), 'plan-unreadable', 2);
    writeFileSync(plan, 'no\njson\nat\nall');
    expectProblem(await apply(at, plan), 'plan-unreadable', 2);
    expect(at.read().toString()).not.toContain('--twice');
  });

  test('needs consent where nobody can be asked', async () => {
    const at = site();
    const plan = await planned(at);
    expectProblem(await run(['deploy', '--plan', plan, ...at.stateFlags]), 'answers-missing', 2);
    const look = await run(['deploy', '--plan', plan, '--dry-run', ...at.stateFlags, '--json']);
    expect(json(look).outcome).toEqual({ is: 'planned', exit: 0 });
    expect(at.read().toString()).not.toContain('--once');
  });
});
