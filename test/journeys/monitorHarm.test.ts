// A site's owner who means harm, and a watch by root: what he writes into his own files must cost root nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { largestWatch } from '../../src/monitor/store.ts';
import { localFiles } from '../../src/server/files.ts';
import { lock } from '../support/site.ts';
import { journey } from '../support/watchJourney.ts';

test('a lock file of megabytes that changes every second leaves records as small as any', async () => {
  const trip = journey();
  const quiet = await journey().watch('--for 2m');
  trip.each = (second) => {
    const node = trip.machine.live.get(lock);
    if (node === undefined) return;
    const why = 'x'.repeat(second % 2 === 0 ? 3000 : 1_000_000);
    const started = Math.floor(trip.machine.clock / 1000);
    node.bytes = JSON.stringify({ pid: 9000, start: why, started, hb: started + second, boot: why, why });
  };
  const asked: (number | undefined)[] = [];
  const done = await trip.watch('--for 2m', {
    on: (server) => ({
      ...server,
      files: {
        ...server.files,
        look: (path, as, most) => {
          if (path === lock) asked.push(most);
          return server.files.look(path, as, most);
        },
      },
    }),
  });
  expect(done.watch.ended).toBe('time');
  expect(done.text.length).toBeLessThan(quiet.text.length + 120 * 1000);
  // Nothing but its beginning is read at all, however often it is looked at.
  expect(asked.length).toBeGreaterThan(100);
  expect(Math.max(...asked.map((most) => most ?? Number.POSITIVE_INFINITY))).toBeLessThanOrEqual(4096);
});

test('a moment that no calendar has, in the lock file, does not break the report', async () => {
  const trip = journey();
  trip.each = (second) => {
    const node = trip.machine.live.get(lock);
    if (node !== undefined)
      node.bytes = `{"pid":9000,"start":"1","started":1e300,"hb":${second},"ended":1e308,"why":""}`;
  };
  const done = await trip.watch('--for 1m');
  expect(done.watch.ended).toBe('time');
});

test('records that have grown to the most that is kept end the watch, and it says so', async () => {
  const trip = journey();
  const done = await trip.watch('--for 1h', {
    on: (server) => ({
      ...server,
      files: {
        ...server.files,
        async tail(path, offset, bytes, as) {
          const tail = await server.files.tail(path, offset, bytes, as);
          const grown = largestWatch - 20_000;
          if (!path.includes('/watches/')) return tail;
          return tail === 'absent'
            ? { text: '', inode: '1:1', mtime: '0', size: grown }
            : { ...tail, size: grown };
        },
      },
    }),
  });
  expect(done.watch.ended).toBe('too-large');
  expect(done.watch.seconds.watched).toBeLessThan(3600);
  expect(done.said['coverage']).toBe('inconclusive too-large');
  expect(done.watch.incidents).toEqual([]);
  expect(done.exit).toBe(6);
  expect(done.text).toContain('"by":"too-large"');
  expect(done.out()).toContain('48 MiB');
});

test('of a real file no more is read than was asked for, whatever its size', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-'));
  try {
    const path = join(directory, 'x.lock');
    writeFileSync(path, 'y'.repeat(1_000_000), { mode: 0o644 });
    const as = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const seen = await localFiles.look(path, as, 4096);
    expect(seen.is === 'file' ? seen.bytes.length : 'none').toBe(4096);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
