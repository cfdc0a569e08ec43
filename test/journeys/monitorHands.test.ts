// Watches that lie there: whose word is believed, who is signalled, what a spoilt file among them costs, and names of their own.
import { beforeEach, describe, expect, test } from 'vitest';
import { monitor } from '../../src/commands/monitor.ts';
import { readWatch, type WatchStart } from '../../src/monitor/records.ts';
import { beginWatch, watchIds } from '../../src/monitor/store.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type FakeProcess, type Machine, memoryServer } from '../support/memory-server.ts';
import { incident, instance } from '../support/site.ts';
import { goodHour, printed, tell } from '../support/watchStory.ts';

const state = '/var/lib/cronlatch';
const program = '/usr/lib/node_modules/cronlatch/dist/main.js';
let machine: Machine;

/** The process that the story's watch names. */
const watcher = (more: Partial<FakeProcess> = {}): FakeProcess =>
  instance(4242, {
    start: '42420',
    uid: 0,
    exe: '/usr/bin/node',
    argv: ['node', program, 'monitor', '--for', '1h'],
    script: program,
    ...more,
  });
const running = (): string => printed(tell({ seconds: 100, end: 'none' }));
const put = (id: string, text: string): void =>
  machine.put(`${state}/watches/${id}.jsonl`, text, { mode: 0o600 });
const act = async (line: string) => monitor((await contextFor(memoryServer(machine), `monitor ${line}`)).ctx);

beforeEach(() => {
  machine = incident();
  machine.directory(state, { mode: 0o700 });
  machine.directory(`${state}/watches`, { mode: 0o700 });
});

describe('--stop', () => {
  test('ends our own watch', async () => {
    put('20261124-095930-watch', running());
    machine.processes.push(watcher());
    await act('--stop');
    expect(machine.signals).toEqual(['SIGTERM 4242']);
  });

  test.each<[string, Partial<FakeProcess>]>([
    ['another program', { argv: ['nginx', '-g', 'daemon off'], script: '/usr/sbin/nginx' }],
    ['another program with our words', { argv: ['node', '/srv/app.js', 'monitor'], script: '/srv/app.js' }],
    ['another of our commands', { argv: ['node', program, 'deploy'] }],
    ['another user’s process', { uid: exampleUser.uid }],
  ])('signals nobody where the records name %s', async (_, more) => {
    put('20261124-095930-watch', running());
    machine.processes.push(watcher(more));
    await expect(act('--stop')).rejects.toMatchObject({ code: 'not-allowed' });
    expect(machine.signals).toEqual([]);
  });

  test('signals nobody of a boot after the one the watch was begun in', async () => {
    machine.put('/proc/sys/kernel/random/boot_id', 'b-2\n');
    put('20261124-095930-watch', running().replace('"born":"42420"', '"born":"42420","boot":"b-1"'));
    machine.processes.push(watcher());
    await expect(act('--stop')).rejects.toMatchObject({ code: 'no-watch' });
    expect(machine.signals).toEqual([]);
  });
});

test.each(['--stop', '--status', '--resume 20261124-095930-watch'])(
  '%s does not believe a state directory that belongs to somebody else',
  async (line) => {
    machine.directory(state, { mode: 0o755, uid: exampleUser.uid, gid: exampleUser.gid });
    put('20261124-095930-watch', running());
    machine.processes.push(watcher());
    await expect(act(line)).rejects.toMatchObject({ code: 'untrusted' });
    expect(machine.signals).toEqual([]);
  },
);

describe('a spoilt file among the watches', () => {
  const spoilt: [string, string][] = [
    ['no watch at all', 'hello\nworld\n'],
    ['a first line with nothing in it', '{"is":"start","schema":1}\n'],
    [
      'a first line whose workers are none',
      '{"is":"start","schema":1,"id":"x","at":"","wall":1,"workers":7}\n',
    ],
    ['one of a later version', running().replace('"schema":1', '"schema":99')],
  ];

  test.each(spoilt)('is refused with the reason when it is named: %s', async (_, text) => {
    put('20261124-100000-watch', text);
    await expect(act('--status 20261124-100000-watch')).rejects.toMatchObject({ code: 'watch-unreadable' });
  });

  test.each(spoilt)('costs the others nothing: %s', async (_, text) => {
    put('20261124-095930-watch', printed(goodHour()));
    put('20261124-100000-watch', text);
    expect((await act('--status')).json['state']).toBe('over');
  });

  test('a line in the middle that is no whole record is passed over', () => {
    const story = tell({ seconds: 100 });
    const lines = printed(story).split('\n');
    const broken = [
      '{"is":"sample","n":1,"t":1,"w":1,"workers":[{"instances":7}]}',
      '{"is":"sample","t":"x"}',
      '{"is":"log","worker":0,"t":1,"w":1,"grown":1}',
      '{"is":"run","t":1,"w":1}',
      'null',
    ];
    const read = readWatch('x', [...lines.slice(0, 20), ...broken, ...lines.slice(20)].join('\n'));
    expect(read === 'empty' ? [] : read.records).toEqual(story.records);
  });
});

test('two watches that begin in the same second have a file each', async () => {
  const { start } = tell({ seconds: 100 });
  const server = memoryServer(machine);
  const startAs = (id: string): WatchStart => ({ ...start, id });
  const begun = await Promise.all([
    beginWatch(server, state, startAs),
    beginWatch(server, state, startAs),
    beginWatch(server, state, startAs),
  ]);
  const ids = begun.map((one) => one.start.id);
  expect(new Set(ids).size).toBe(3);
  expect(await watchIds(server, state)).toEqual([...ids].sort());
  for (const { pen } of begun) expect(machine.live.get(pen.path)?.bytes.split('\n')).toHaveLength(2);
});

describe('--background', () => {
  test('finds the watch it has begun, whatever lies there', async () => {
    for (let n = 1; n < 9; n++) put(`20301124-10000${n}-watch`, 'not ours\n');
    machine.detached = () => {
      put('20261124-095930-watch', running());
      machine.processes.push(watcher());
      return 4242;
    };
    expect((await act('--for 1h --background')).json['id']).toBe('20261124-095930-watch');
  });

  test('finds an old watch that it takes up again', async () => {
    put('20251124-095930-watch', running().replaceAll('"pid":4242', '"pid":1'));
    for (let n = 1; n < 9; n++) put(`20261124-10000${n}-watch`, printed(tell({ seconds: 10 })));
    machine.detached = () => {
      const again = { is: 'resume', at: '', pid: 4242, born: '42420', t: 100_000, w: 1 };
      machine.write(`${state}/watches/20251124-095930-watch.jsonl`, `${JSON.stringify(again)}\n`, {
        uid: 0,
        gid: 0,
      });
      machine.processes.push(watcher());
      return 4242;
    };
    const begun = await act('--background --resume 20251124-095930-watch');
    expect(begun.json['id']).toBe('20251124-095930-watch');
  });
});
