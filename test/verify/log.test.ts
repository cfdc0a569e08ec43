// The worker's log since the deployment, through every way of rotating it.
import { expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { baselinesOf, judgeLog } from '../../src/verify/log.ts';
import { exampleUser, Machine, memoryServer } from '../support/memory-server.ts';

const log = '/var/log/app/worker.log';
const { uid, gid } = exampleUser;
const worker = { name: 'w', log, uid, gid, live: true } as Latched;
const refusal =
  "SQLSTATE[HY000] [1203] User u already has more than 'max_user_connections' active connections\n";

async function after(act: (machine: Machine, move: (to: string) => Promise<void>) => Promise<void> | void) {
  const machine = new Machine();
  machine.put(log, `${refusal}before\n`);
  const server = memoryServer(machine);
  const baselines = await baselinesOf(server, [worker]);
  await act(machine, (to) => server.files.rename(log, to, exampleUser));
  const verdicts = await judgeLog(server, worker, baselines, { runs: 1 });
  return Object.fromEntries(verdicts.map((v) => [v.check, `${v.is} ${v.because}`]));
}

const append = (machine: Machine, path: string, text: string): void => {
  const node = machine.live.get(path);
  if (node !== undefined) node.bytes += text;
};

test.each([
  ['what was there before is not held against it', (m: Machine) => append(m, log, 'done\n'), 'pass clean'],
  ['a refusal since', (m: Machine) => append(m, log, `done\n${refusal}`), 'fail refusals'],
  [
    'moved away, a refusal in the old file',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      append(m, log, refusal);
      await move(`${log}.1`);
      m.put(log, 'done\n');
    },
    'fail refusals',
  ],
  [
    'moved away, the old file clean since',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      append(m, log, 'done\n');
      await move(`${log}.1`);
      m.put(log, 'done\n');
    },
    'pass clean',
  ],
  [
    'emptied in place: what is in it is new',
    (m: Machine) => {
      const node = m.live.get(log);
      if (node !== undefined) node.bytes = 'done\n';
    },
    'pass clean',
  ],
  [
    'another file under its name and the old one is gone',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      await move('/var/log/app/elsewhere');
      m.put(log, refusal);
    },
    'fail refusals',
  ],
] as const)('%s', async (_, act, expected) => {
  expect((await after(act))['log-clean']).toBe(expected);
});
