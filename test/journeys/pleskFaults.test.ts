// A failure, a kill or a power cut at every single call of a deploy that changes a task of Plesk: both stores come back.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { type Fault, Killed, memoryServer } from '../support/memory-server.ts';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import type { Wanted } from '../support/plesk/scene.ts';

const line = 'deploy --script process_import_jobs.php --ci --without verify';
const stress = process.env['CRONLATCH_STRESS'] === '1';

async function run(
  host: Host,
  words: string,
  fault?: Fault,
): Promise<{ exit: number | 'killed'; calls: number }> {
  const server = memoryServer(host.machine, fault === undefined ? {} : { fault });
  const { ctx } = await contextFor(server, words);
  try {
    const { exit } = await (words.startsWith('deploy') ? deploy(ctx) : rollback(ctx));
    return { exit, calls: server.calls() };
  } catch (error) {
    if (error instanceof Killed) return { exit: 'killed', calls: server.calls() };
    if (!(error instanceof Problem)) throw error;
    return { exit: fault?.kind === 'kill' ? 'killed' : error.exit, calls: server.calls() };
  }
}

const stores = (host: Host) => ({
  crontab: host.crontab(),
  tasks: structuredClone(host.panel.tasks),
  picture: Object.fromEntries(
    Object.entries(host.machine.picture()).filter(([path]) => !path.includes('/var/lib/cronlatch')),
  ),
});

/** The short form has the hardest of them: the kind of the task and the place of its line change, too. */
const cases: readonly (readonly [string, Wanted])[] = [
  ['a command that becomes a PHP script', { shell: 'chrooted' }],
  ...(stress
    ? ([
        ['a command', {}],
        ['a PHP script', { type: 'php' }],
      ] as const)
    : []),
];

describe.each(cases)('a task that runs %s', (_, wanted) => {
  for (const when of ['before', 'after'] as const) {
    test(`a failure ${when} any call leaves both stores as before, or both changed`, async () => {
      const whole = pleskHost(wanted);
      const { calls } = await run(whole, line);
      const after = [whole.crontab(), whole.panel.tasks];
      for (let at = 1; at <= calls; at++) {
        const host = pleskHost(wanted);
        const before = stores(host);
        const { exit } = await run(host, line, { at, kind: 'fail', when });
        if (exit === 0) {
          expect([host.crontab(), host.panel.tasks], `call ${at}`).toEqual(after);
          continue;
        }
        if (exit === 4) expect((await run(host, 'rollback --ci')).exit, `rollback after call ${at}`).toBe(0);
        expect(stores(host), `call ${at}, exit ${exit}`).toEqual(before);
      }
    });

    for (const how of stress ? (['restart', 'powerCut'] as const) : (['powerCut'] as const)) {
      const what = how === 'restart' ? 'kill -9' : 'power cut';
      test(`a kill ${when} any call (${what}) is settled by a rollback`, async () => {
        const { calls } = await run(pleskHost(wanted), line);
        for (let at = 1; at <= calls; at++) {
          const host = pleskHost(wanted);
          const before = stores(host);
          await run(host, line, { at, kind: 'kill', when });
          host.machine[how]();
          const settled = await run(host, 'rollback --ci');
          expect([0, 2], `rollback after call ${at}`).toContain(settled.exit);
          expect(stores(host), `call ${at}`).toEqual(before);
        }
      });

      test(`a kill ${when} any call of the rollback (${what}) is settled by the next one`, async () => {
        const whole = pleskHost(wanted);
        await run(whole, line);
        const { calls } = await run(whole, 'rollback --ci');
        for (let at = 1; at <= calls; at++) {
          const host = pleskHost(wanted);
          const before = stores(host);
          await run(host, line);
          await run(host, 'rollback --ci', { at, kind: 'kill', when });
          host.machine[how]();
          expect([0, 2], `second rollback after call ${at}`).toContain(
            (await run(host, 'rollback --ci')).exit,
          );
          expect(stores(host), `call ${at}`).toEqual(before);
        }
      });

      test(`a kill ${when} any call while the task is switched off (${what}) is settled by a rollback`, async () => {
        const whole = pleskHost(wanted);
        await run(whole, line);
        const { calls } = await run(whole, 'rollback --to disabled --ci');
        for (let at = 1; at <= calls; at++) {
          const host = pleskHost(wanted);
          const before = stores(host);
          await run(host, line);
          await run(host, 'rollback --to disabled --ci', { at, kind: 'kill', when });
          host.machine[how]();
          expect((await run(host, 'rollback --ci')).exit, `rollback after call ${at}`).toBe(0);
          expect(stores(host), `call ${at}`).toEqual(before);
        }
      });

      test(`a deploy killed ${when} any call (${what}) can be carried on`, async () => {
        const whole = pleskHost(wanted);
        const { calls } = await run(whole, line);
        let resumed = 0;
        for (let at = 1; at <= calls; at++) {
          const host = pleskHost(wanted);
          await run(host, line, { at, kind: 'kill', when });
          host.machine[how]();
          const journal = [...host.machine.live].find(
            ([path, node]) => path.endsWith('.jsonl') && node.bytes.includes('\n'),
          );
          const id = journal?.[0].replace(/^.*\/(.*)\.jsonl$/, '$1');
          if (id === undefined) continue;
          resumed++;
          const carried = await run(host, `deploy --resume ${id} --ci --without verify`);
          expect(carried.exit, `call ${at}`).toBe(0);
          expect([host.crontab(), host.panel.tasks], `call ${at}`).toEqual([
            whole.crontab(),
            whole.panel.tasks,
          ]);
        }
        expect(resumed).toBeGreaterThan(20);
      });
    }
  }
});
