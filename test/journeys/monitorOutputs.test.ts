// What a watch is to leave for others: noticed at once where it could not be left at the end, and secrets out of sight.
import { expect, test } from 'vitest';
import { monitor } from '../../src/commands/monitor.ts';
import type { Server } from '../../src/server/server.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { journey } from '../support/watchJourney.ts';

const refused = async (line: string, env: Record<string, string> = {}) => {
  const { machine } = journey();
  machine.directory('/root/there.json', { mode: 0o700 });
  machine.put('/root/url', 'https://u:p@hc.example/abc\n', { mode: 0o600 });
  machine.put('/root/open', 'https://hc.example/abc\n', { mode: 0o644 });
  const { ctx } = await contextFor(memoryServer(machine), `monitor --for 1h ${line}`, { env });
  return expect(monitor(ctx)).rejects;
};

test.each([
  ['--report there.json'],
  ['--ping-url http://user:pass@hc.example/abc'],
  ['--ping-url-file url'],
  ['--ping-url-file open'],
  ['--ping-url-file none'],
  ['--ping-url-file open --ping-url https://hc.example/x'],
])('%s is refused before the watch begins', async (line) => {
  await (await refused(line)).toMatchObject({ code: 'usage' });
});

test('a user and a password in CRONLATCH_PING_URL are refused, too', async () => {
  await (await refused('', { CRONLATCH_PING_URL: 'http://user:pass@hc.example/' })).toMatchObject({
    code: 'usage',
  });
});

test('several reports in the config file are all written', async () => {
  const trip = journey();
  const config = { shared: { report: ['a.json', 'b c.md'] }, workers: [] };
  await trip.watch('--for 1m', { more: { config } });
  for (const name of ['a.json', 'b c.md']) expect(trip.machine.live.has(`/root/${name}`), name).toBe(true);
});

test('an address in a file of mode 0600 is told, and stands nowhere', async () => {
  const trip = journey();
  trip.machine.put('/root/url', 'https://hc.example/abc\n', { mode: 0o600 });
  trip.machine.web = () => ({ status: 200, body: '' });
  const done = await trip.watch('--for 1m --ping-url-file url');
  expect(trip.machine.posted.map(([url]) => url)[0]).toBe('https://hc.example/abc/start');
  expect(trip.machine.posted).toHaveLength(2);
  expect(done.out() + done.err() + done.text).not.toContain('hc.example');
});

test('a report that cannot be put in its place leaves nothing beside it', async () => {
  const trip = journey();
  const on = (server: Server): Server => ({
    ...server,
    files: {
      ...server.files,
      rename: async (from, to, as) => {
        if (to.startsWith('/root/')) throw new Error('EISDIR');
        return server.files.rename(from, to, as);
      },
    },
  });
  const done = await trip.watch('--for 1m --report r.json', { on });
  expect(done.err()).toContain('Not written');
  expect([...trip.machine.live.keys()].filter((name) => name.startsWith('/root/.'))).toEqual([]);
});
