// Whoever starts cronlatch may have any umask: what it writes has the modes it is meant to have.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cronMissing } from '../support/cron.ts';
import { lanesFor } from '../support/points.ts';

/** In front of a program: it has this umask. */
const withMask = (mask: string): string[] => ['sh', '-c', `umask ${mask} && exec "$@"`, 'sh'];

/** Modes and owners of everything below a directory; the names of journals are new each time. */
function modesOf(directory: string): string[] {
  return ['', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })].sort().map((name) => {
    const { mode, uid, gid } = lstatSync(join(directory, name));
    return `${name.replace(/[\d-]+-[0-9a-f]{4}/, 'ID')} ${mode.toString(8)} ${uid}:${gid}`;
  });
}

describe.skipIf(cronMissing !== '')(
  `the caller’s umask${cronMissing && ` (skipped: ${cronMissing})`}`,
  () => {
    const lanes = lanesFor('umask');

    test.each(['file', 'spool', 'own'] as const)(
      '000 or 077 changes no mode of what is written: %s',
      async (kind) => {
        const lane = lanes.make(kind);
        const seen: { deployed: Record<string, string>; state: string[] }[] = [];
        for (const mask of ['022', '000', '077']) {
          await lane.reset();
          const before = lane.picture();
          const { code, err } = await lane.runBehind(withMask(mask), ...lane.deploy);
          expect(code, err).toBe(0);
          seen.push({ deployed: lane.timeless(), state: modesOf(lane.state) });
          expect((await lane.runBehind(withMask(mask), 'rollback', '--ci')).code).toBe(0);
          expect(lane.picture()).toEqual(before);
          // Nobody else reads a journal, whatever the mask.
          expect(modesOf(lane.state).filter((line) => !/ (40700|100600) /.test(line))).toEqual([]);
        }
        expect(seen[0]?.state.length).toBeGreaterThan(2);
        expect(seen[1]).toEqual(seen[0]);
        expect(seen[2]).toEqual(seen[0]);
      },
    );
  },
);
