// Waiting for old instances: what is said meanwhile, who may kill them, and what they leave running.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, incident, instance, spool } from '../support/site.ts';

const child = { pid: 777, start: '7770', name: 'mysqldump', shares: true };

async function run(
  machine: Machine,
  line: string,
  options: Parameters<typeof contextFor>[2] = {},
): Promise<{ exit: number; err: string; code?: string }> {
  const told = await contextFor(memoryServer(machine), line, options);
  try {
    return { exit: (await deploy(told.ctx)).exit, err: told.err() };
  } catch (error) {
    if (error instanceof Problem) return { exit: error.exit, code: error.code, err: told.err() };
    throw error;
  }
}

function crowded(stubborn: boolean): Machine {
  const machine = incident();
  machine.processes = [
    instance(501, { stubborn, children: [child] }),
    instance(777, { start: '7770', exe: '/usr/bin/mysqldump', argv: ['mysqldump'], ppid: 501 }),
  ];
  return machine;
}

describe('an old instance', () => {
  test('is shown with what it has started; what outlives it is named and left alone', async () => {
    const machine = crowded(false);
    const { exit, err } = await run(machine, 'deploy --all --ci --without verify');
    expect(exit).toBe(0);
    expect(err).toContain('PID 501 (process group 501) has started 777 (mysqldump)');
    expect(err).toContain(
      'PID 777 (mysqldump), started by PID 501, still runs and keeps a connection of it open',
    );
    expect(machine.signals).toEqual(['SIGTERM 501']);
    expect(machine.processes.map((p) => p.pid)).toEqual([777]);
  });

  test('that does not end is waited for, with what it is doing', async () => {
    const { exit, code, err } = await run(crowded(true), 'deploy --all --ci --without verify --grace 12s');
    expect([exit, code]).toEqual([1, 'still-running']);
    expect(err).toMatch(/waiting for PID 501 to end \(\d+ s of 12 s\): 501 is sleeping after 0\.0 s/);
  });

  test.each([
    ['yes', true, ['SIGTERM 501', 'SIGKILL 501'], 0],
    ['no', false, ['SIGTERM 501'], 1],
  ])('is killed after its grace time only by a yes on the terminal: %s', async (_, answer, signals, exit) => {
    const machine = crowded(true);
    const ended = await run(machine, 'deploy --all --without verify --grace 3s', {
      terminal: true,
      answers: [true, answer],
    });
    expect(ended.exit).toBe(exit);
    expect(machine.signals).toEqual(signals);
    // Not stopped means not deployed: cron starts what it always did.
    if (exit === 1) expect(machine.live.get(spool)?.bytes).toBe(crontab);
  });
});
