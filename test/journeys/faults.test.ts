// A failure or a kill at every single call of a deploy and of a rollback: never anything half-written.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { type Fault, Killed, type Machine, memoryServer } from '../support/memory-server.ts';
import { incident } from '../support/site.ts';

const deployLine = 'deploy --all --ci --without verify --kill-after 60s';

async function run(
  machine: Machine,
  line: string,
  fault?: Fault,
): Promise<{ exit: number | 'killed'; calls: number }> {
  const server = memoryServer(machine, fault === undefined ? {} : { fault });
  const { ctx } = await contextFor(server, line);
  try {
    const { exit } = await (line.startsWith('deploy') ? deploy(ctx) : rollback(ctx));
    return { exit, calls: server.calls() };
  } catch (error) {
    if (error instanceof Killed) return { exit: 'killed', calls: server.calls() };
    if (error instanceof Problem) {
      // After a kill everything fails, also the taking back: what counts is that the process was gone.
      return {
        exit: server.calls() > 0 && fault?.kind === 'kill' ? 'killed' : error.exit,
        calls: server.calls(),
      };
    }
    throw error;
  }
}

/** What the server looks like when all is well: before, and after a whole deploy. */
async function reference(): Promise<{
  before: Record<string, string>;
  after: Record<string, string>;
  calls: number;
}> {
  const machine = incident();
  const before = machine.picture();
  const { exit, calls } = await run(machine, deployLine);
  expect(exit).toBe(0);
  return { before, after: withoutTimes(machine.picture()), calls };
}

function withoutTimes(picture: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(picture).map(([path, text]) => [path, text.replace(/ \d+\.\d+ /, ' ')]),
  );
}

describe('a deploy with a fault at every call', () => {
  for (const when of ['before', 'after'] as const) {
    test(`a failure ${when} any call leaves the old state, or the new one`, async () => {
      const { before, after, calls } = await reference();
      expect(calls).toBeGreaterThan(60);
      let failed = 0;
      for (let at = 1; at <= calls; at++) {
        const machine = incident();
        const { exit } = await run(machine, deployLine, { at, kind: 'fail', when });
        const picture = machine.picture();
        if (exit === 0) {
          expect(withoutTimes(picture), `call ${at}`).toEqual(after);
          continue;
        }
        failed++;
        if (exit === 4) {
          // Taking back failed as well or could not be judged: the journal settles it.
          expect((await run(machine, 'rollback --ci')).exit, `rollback after call ${at}`).toBe(0);
        }
        expect(machine.picture(), `call ${at}, exit ${exit}`).toEqual(before);
      }
      expect(failed).toBeGreaterThan(calls / 2);
    });

    test(`a failure ${when} any call of the rollback: exit 1 is as deployed, 4 what the next one settles`, async () => {
      const { before, after } = await reference();
      const whole = incident();
      await run(whole, deployLine);
      const { calls } = await run(whole, 'rollback --ci');
      const exits = new Set<number | string>();
      for (let at = 1; at <= calls; at++) {
        const machine = incident();
        await run(machine, deployLine);
        const { exit } = await run(machine, 'rollback --ci', { at, kind: 'fail', when });
        exits.add(exit);
        machine.restart();
        if (exit === 1) expect(withoutTimes(machine.picture()), `call ${at}`).toEqual(after);
        expect((await run(machine, 'rollback --ci')).exit, `second rollback after call ${at}`).toBeOneOf([
          0, 2,
        ]);
        expect(machine.picture(), `call ${at}, exit ${exit}`).toEqual(before);
      }
      expect([...exits].sort()).toEqual([1, 4]);
    });

    for (const how of ['restart', 'powerCut'] as const) {
      test(`a kill ${when} any call (${how === 'restart' ? 'kill -9' : 'power cut'}) leaves the old state, or what rollback settles`, async () => {
        const { before, calls } = await reference();
        for (let at = 1; at <= calls; at++) {
          const machine = incident();
          const { exit } = await run(machine, deployLine, { at, kind: 'kill', when });
          machine[how]();
          if (exit !== 'killed') expect(exit).toBe(0);
          const settled = await run(machine, 'rollback --ci');
          // Exit 2: there was nothing to take back, since the plan had not reached the disk.
          expect([0, 2], `rollback after call ${at}`).toContain(settled.exit);
          expect(machine.picture(), `call ${at}`).toEqual(before);
        }
      });

      test(`a kill ${when} any call of the rollback (${how === 'restart' ? 'kill -9' : 'power cut'}) is settled by the next one`, async () => {
        const { before } = await reference();
        const whole = incident();
        await run(whole, deployLine);
        const { calls } = await run(whole, 'rollback --ci');
        for (let at = 1; at <= calls; at++) {
          const machine = incident();
          await run(machine, deployLine);
          await run(machine, 'rollback --ci', { at, kind: 'kill', when });
          machine[how]();
          const settled = await run(machine, 'rollback --ci');
          expect([0, 2], `second rollback after call ${at}`).toContain(settled.exit);
          expect(machine.picture(), `call ${at}`).toEqual(before);
        }
      });

      test(`a deploy killed ${when} any call (${how === 'restart' ? 'kill -9' : 'power cut'}) can be carried on`, async () => {
        const { after, calls } = await reference();
        let resumed = 0;
        for (let at = 1; at <= calls; at++) {
          const machine = incident();
          await run(machine, deployLine, { at, kind: 'kill', when });
          machine[how]();
          const journals = [...machine.live].filter(
            ([path, node]) => path.endsWith('.jsonl') && node.bytes.includes('\n'),
          );
          const id = journals[0]?.[0].replace(/^.*\/(.*)\.jsonl$/, '$1');
          if (id === undefined) continue;
          resumed++;
          expect((await run(machine, `deploy --resume ${id} --ci --without verify`)).exit, `call ${at}`).toBe(
            0,
          );
          expect(withoutTimes(machine.picture()), `call ${at}`).toEqual(after);
          expect(machine.processes, `call ${at}`).toEqual([]);
        }
        expect(resumed).toBeGreaterThan(20);
      });
    }
  }
});
