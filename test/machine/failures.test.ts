// A system call that fails during a deploy or a rollback: the old state or a way back, said in plain words.
import { describe, expect, test } from 'vitest';
import { cronMissing } from '../support/cron.ts';
import { unlike } from '../support/lane.ts';
import { atPoints, type Ground, lanesFor, type Point, type Struck } from '../support/points.ts';
import { type Call, straceMissing } from '../support/syscalls.ts';

const why = cronMissing || straceMissing;
const stress = process.env['CRONLATCH_STRESS'] === '1';
const errors = ['ENOSPC', 'EIO', 'EACCES', 'EROFS'];
/** Part of a call's key, to strike only calls that have it: after a fault was mended, its points alone. */
const only = process.env['CRONLATCH_CALLS'] ?? '';

describe.skipIf(why !== '')(`a system call that fails${why ? ` (skipped: ${why})` : ''}`, () => {
  const lanes = lanesFor('failures');

  /** One point with one error: the exit code tells the truth, the reason is said, and one rollback puts everything back. */
  async function fail(ground: Ground, point: Point, error: string): Promise<string[] | 'missed'> {
    const { lane, before, after } = ground;
    const { call, during } = point;
    const ran = await ground.strike(point, `error=${error}`);
    if (ran === 'missed') return 'missed';
    const wrong: string[] = [];
    const say = (what: string): void => {
      wrong.push(`${during}, ${error} at ${call.key}: ${what}`);
    };
    const { code, err } = ran;
    const old = during === 'deploy' ? lane.picture() : lane.timeless();
    const [done, undone] = during === 'deploy' ? [after, before] : [before, after];
    if (code === 0) {
      // It did not matter: then everything is as it would have been.
      const now = during === 'deploy' ? lane.timeless() : lane.picture();
      for (const path of unlike(now, done)) say(`exit 0, and ${path}`);
    } else if (code === 1) {
      for (const path of unlike(old, undone)) say(`exit 1, and ${path} ${err}`);
    } else if (code !== 4) say(`exit ${code} ${err}`);
    if (code !== 0) {
      const last = err.trimEnd().split('\n').at(-1) ?? '';
      if (!/\[[a-z-]+\]$/.test(last) || /^\s+at /m.test(err)) say(`says ${err}`);
      if (!/\((ENOSPC|EIO|EACCES|EROFS)\)|E(NOSPC|IO|ACCES|ROFS)|refuses|flock nor perl|crontab/.test(err))
        say(`no reason in ${err}`);
    }
    // Whatever it left, one rollback puts back; exit 2: there is nothing to put back.
    const settled = await lane.run('rollback', '--ci');
    if (![0, 2].includes(settled.code ?? -1)) say(`then rollback: ${settled.code} ${settled.err}`);
    for (const path of unlike(lane.picture(), before)) say(`after the rollback ${path}`);
    return wrong;
  }

  // The user at work in his own crontab is a slow one: each install waits for the kernel's next second.
  const kinds = [
    ['file', 10, 2],
    ['spool', 4, stress ? 4 : 2],
    ['own', 2, stress ? 4 : 1],
  ] as const;
  describe.concurrent.each(kinds)('%s', (kind, few, width) => {
    test(
      `a deploy and a rollback, ${stress ? 'each call' : `${few} calls`}`,
      async () => {
        const side = Array.from({ length: width }, () => lanes.make(kind));
        // In the short form the spool's calls are those that are met at the first try.
        const counts = ({ name, key }: Call): boolean =>
          key.includes(only) && (stress || kind === 'file' || !/^(openat|p?write)/.test(name));
        const act = async (ground: Ground, point: Point, number: number): Promise<Struck> => {
          const all: Struck = { wrong: [], missed: [], hit: 0 };
          // Under stress each call fails in every way where that is quick, else in one after the other.
          const every = stress && kind !== 'own';
          for (const error of every ? errors : [errors[number % errors.length] ?? 'EIO']) {
            const found = await fail(ground, point, error);
            if (found === 'missed') all.missed.push(`${point.during}, ${error}: ${point.call.key}`);
            else {
              all.hit++;
              all.wrong.push(...found);
            }
          }
          return all;
        };
        const { wrong, missed, hit } = await atPoints(side, stress ? 'each' : few, counts, act);
        process.stdout.write(`${kind}: ${hit} failures; never hit: ${missed.join('; ') || 'none'}\n`);
        expect(wrong).toEqual([]);
        expect(missed.length).toBeLessThan(Math.max(2, hit / 8));
      },
      stress ? 3_600_000 : 120_000,
    );
  });
});
