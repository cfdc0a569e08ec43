// The worker's log since the deployment, through every way of rotating it.
import { describe, expect, test } from 'vitest';
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
    'emptied in place: what was in it is lost, and nobody knows what it said',
    (m: Machine) => {
      const node = m.live.get(log);
      if (node !== undefined) node.bytes = 'done\n';
    },
    'inconclusive part-gone',
  ],
  [
    'emptied in place, what is in it now speaks of one',
    (m: Machine) => {
      const node = m.live.get(log);
      if (node !== undefined) node.bytes = refusal;
    },
    'fail refusals',
  ],
  ...(['done\n', refusal] as const).map(
    (text) =>
      [
        `copied and emptied, the copy says ${text === refusal ? 'so' : 'nothing of the kind'}`,
        (m: Machine) => {
          append(m, log, text);
          const node = m.live.get(log);
          m.put(`${log}.1`, node?.bytes ?? '');
          if (node !== undefined) node.bytes = '';
          append(m, log, 'done\n');
        },
        text === refusal ? 'fail refusals' : 'pass clean',
      ] as const,
  ),
  [
    'moved away under a date, a refusal in it',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      append(m, log, refusal);
      await move(`${log}-20261124`);
      m.put(log, 'done\n');
    },
    'fail refusals',
  ],
  ...(['done\n', refusal] as const).map(
    (text) =>
      [
        `moved away twice, the one in between ${text === refusal ? 'speaks of one' : 'is clean'}`,
        async (m: Machine, move: (to: string) => Promise<void>) => {
          await move(`${log}.2`);
          m.put(`${log}.1`, text, { mtime: '9999999999.000000000' });
          m.put(log, 'done\n');
        },
        text === refusal ? 'fail refusals' : 'pass clean',
      ] as const,
  ),
  [
    'moved away and packed: what it said is not looked up',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      await move('/var/log/app/elsewhere');
      m.put(`${log}.1.gz`, 'packed');
      m.put(log, 'done\n');
    },
    'inconclusive part-gone',
  ],
  [
    'a log of another kind that begins alike is not its own',
    async (m: Machine, move: (to: string) => Promise<void>) => {
      await move(`${log}.1`);
      m.put(`${log}-errors`, refusal, { mtime: '9999999999.000000000' });
      m.put(log, 'done\n');
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

describe('a long log', () => {
  const mebibyte = 1024 * 1024;
  const filler = (length: number): string =>
    `${'x'.repeat(99)}\n`.repeat(Math.ceil(length / 100)).slice(0, length);

  // The end alone was read once, and a refusal before it went unseen.
  test.each([0, mebibyte - 50, mebibyte, 5 * mebibyte, 9 * mebibyte - 20])(
    'a refusal %i bytes after the deployment is found, once',
    async (at) => {
      const machine = new Machine();
      machine.put(log, 'before\n');
      const server = memoryServer(machine);
      const baselines = await baselinesOf(server, [worker]);
      append(machine, log, `${filler(at)}\n${refusal}${filler(9 * mebibyte - at)}`);
      const clean = (await judgeLog(server, worker, baselines, { runs: 1 })).find(
        (v) => v.check === 'log-clean',
      );
      expect(clean).toMatchObject({ is: 'fail', args: { count: 1 } });
      expect(clean?.evidence[1]).toContain('[1203]');
    },
  );

  test('one line without an end, and none of it', async () => {
    const machine = new Machine();
    machine.put(log, '');
    const server = memoryServer(machine);
    const baselines = await baselinesOf(server, [worker]);
    append(machine, log, 'x'.repeat(3 * mebibyte));
    const before = await judgeLog(server, worker, baselines, { runs: 1 });
    expect(before.map((v) => `${v.check} ${v.is}`)).toEqual(['log-written pass', 'log-clean pass']);
    append(machine, log, refusal.trim());
    const after = await judgeLog(server, worker, baselines, { runs: 1 });
    expect(after.map((v) => `${v.check} ${v.is}`)).toEqual(['log-written pass', 'log-clean fail']);
  });

  test('moved away while it was read: what was not seen is not called clean', async () => {
    const machine = new Machine();
    machine.put(log, 'before\n');
    const server = memoryServer(machine);
    const baselines = await baselinesOf(server, [worker]);
    append(machine, log, filler(3 * mebibyte));
    const { part } = server.files;
    let reads = 0;
    const moving = {
      ...server,
      files: {
        ...server.files,
        part: (...asked: Parameters<typeof part>) => {
          if (++reads === 2) machine.put(log, 'another\n');
          return part(...asked);
        },
      },
    };
    const verdicts = await judgeLog(moving, worker, baselines, { runs: 1 });
    expect(verdicts.map((v) => `${v.is} ${v.because}`)).toEqual(['pass written', 'inconclusive part-gone']);
  });
});
