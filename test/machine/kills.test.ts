// SIGKILL at the system calls of a deploy and of a rollback: one rollback puts everything back, --resume completes.
import { describe, expect, test } from 'vitest';
import { cronMissing } from '../support/cron.ts';
import { unlike } from '../support/lane.ts';
import { atPoints, type Ground, lanesFor, type Point, type Struck } from '../support/points.ts';
import { type Call, straceMissing } from '../support/syscalls.ts';

const why = cronMissing || straceMissing;
const stress = process.env['CRONLATCH_STRESS'] === '1';

describe.skipIf(why !== '')(`killed at a system call${why ? ` (skipped: ${why})` : ''}`, () => {
  const lanes = lanesFor('kills');

  /** One point: killed there, put back by one rollback; from the same ruins, carried on. */
  async function kill(ground: Ground, point: Point): Promise<Struck> {
    const { lane, before, after } = ground;
    const { call, during } = point;
    const ran = await ground.strike(point, 'signal=SIGKILL');
    if (ran === 'missed') return { wrong: [], missed: [`${during}: ${call.key}`], hit: 0 };
    const wrong: string[] = [];
    lane.keep('ruins');
    const settled = await lane.run('rollback', '--ci');
    // Exit 2: the plan had not reached the disk, or all was taken back: there is nothing to put back.
    if (![0, 2].includes(settled.code ?? -1)) wrong.push(`rollback: ${settled.code} ${settled.err}`);
    wrong.push(...unlike(lane.picture(), before).map((path) => `after the rollback ${path}`));
    if (during === 'deploy') {
      lane.back('ruins');
      const id = lane.journal();
      const carried = await lane.run(
        ...(id === 'none' ? lane.deploy : ['deploy', '--resume', id, '--ci', '--without', 'verify']),
      );
      if (carried.code !== 0) wrong.push(`resume: ${carried.code} ${carried.err}`);
      wrong.push(...unlike(lane.timeless(), after).map((path) => `after the resume ${path}`));
      if (lane.running()) wrong.push('the old instance still runs after the resume');
    }
    wrong.push(...lane.leftovers().map((name) => `left behind: ${name}`));
    return { wrong: wrong.map((what) => `${during} killed at ${call.key}: ${what}`), missed: [], hit: 1 };
  }

  describe.concurrent.each([
    ['a crontab file and a Node worker of root’s', 'file', 28, 2],
    ['a user’s spool, a PHP worker and an old instance', 'spool', 8, 4],
    ['the user at work in his own crontab', 'own', 4, 2],
  ] as const)('%s', (name, kind, few, width) => {
    test(
      `a deploy and a rollback, at ${stress ? 'every call' : `${few} calls`}`,
      async () => {
        const side = Array.from({ length: width }, () => lanes.make(kind));
        // What lies before a write or an open is what lies behind the call before it: the short form leaves them out.
        const counts = ({ name: call }: Call): boolean => stress || !/^(openat|p?write)/.test(call);
        const { wrong, missed, hit } = await atPoints(side, stress ? 'each' : few, counts, kill);
        process.stdout.write(`${name}: killed at ${hit} points; never hit: ${missed.join('; ') || 'none'}\n`);
        expect(wrong).toEqual([]);
        // How many files of /proc are opened before a call is never the same twice: some are not hit in twelve tries.
        expect(missed.length).toBeLessThan(Math.max(2, hit / 8));
      },
      stress ? 2_400_000 : 120_000,
    );
  });
});
