// The eyes on a worker: when a process was born, also after the wall clock was set.
import { expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { eyesOn } from '../../src/monitor/eyes.ts';
import type { ProcessRow } from '../../src/server/server.ts';
import { exampleUser, Machine, memoryServer } from '../support/memory-server.ts';
import { instance, script } from '../support/site.ts';

/** Seconds the machine has been up. */
const up = 500;

test('a process is no older because somebody has set the clock forward', async () => {
  const machine = new Machine();
  const tellsBoot = (): void => {
    machine.put('/proc/stat', `btime ${Math.round(machine.clock / 1000 - up)}\n`);
    machine.put('/proc/uptime', `${up}.00 900.00\n`);
  };
  tellsBoot();
  const worker = {
    script,
    uid: exampleUser.uid,
    gid: exampleUser.gid,
    interpreter: { kind: 'php' },
    args: [],
  };
  const eyes = await eyesOn(memoryServer(machine), worker as unknown as Latched, 0);
  const rows: ProcessRow[] = [instance(501, { start: String((up - 20) * 100) })];
  machine.processes = rows as never;
  const ageAt = async (t: number): Promise<number> => {
    const w = machine.clock;
    const { state } = await eyes.look(rows, { t, w });
    return w - (state.instances[0]?.born ?? 0);
  };
  expect(await ageAt(0)).toBe(20_000);
  machine.clock += 3_600_000;
  tellsBoot();
  expect(await ageAt(0)).toBe(20_000);
});
