// SIGKILL at the system calls of a deploy and of a rollback: one rollback puts everything back, --resume completes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { fileLane, type Lane, ownLane, some, spoolLane, unlike } from '../support/lane.ts';
import { type Call, straceMissing, strike, trace } from '../support/syscalls.ts';

const why = cronMissing || straceMissing;
type Picture = Readonly<Record<string, string>>;
const stress = process.env['CRONLATCH_STRESS'] === '1';

describe.skipIf(why !== '')(`killed at a system call${why ? ` (skipped: ${why})` : ''}`, () => {
  let directory: string;
  let bin: string;
  const lanes: Lane[] = [];
  beforeAll(() => {
    directory = workshop('kills');
    bin = installProgram(directory);
  });
  afterAll(async () => {
    for (const lane of lanes) lane.close();
    await removeUsers();
    closeWorkshop(directory);
  });

  const kinds = {
    'a crontab file and a Node worker of root’s': (at: string) => fileLane(at, bin),
    'a user’s spool, a PHP worker and an old instance': (at: string) => spoolLane(at, bin, makeUser(at)),
    'the user at work in his own crontab': (at: string) => ownLane(at, bin, makeUser(at)),
  };
  const make = (kind: keyof typeof kinds): Lane => {
    const at = join(directory, `lane${lanes.length}`);
    mkdirSync(at);
    const lane = kinds[kind](at);
    lanes.push(lane);
    return lane;
  };
  /** One point: killed there, put back by one rollback; from the same ruins, carried on. */
  async function atPoint(
    lane: Lane,
    [call, during, among]: readonly [Call, 'deploy' | 'rollback', readonly Call[]],
    wanted: { before: Picture; after: Picture },
  ): Promise<string[] | 'missed'> {
    const note = `${lane.state}.trace`;
    const prepare = async (): Promise<void> => {
      await lane.reset();
      if (during === 'rollback') await lane.run(...lane.deploy);
    };
    await prepare();
    const line = during === 'deploy' ? lane.deploy : ['rollback', '--ci'];
    if ((await strike(lane.program(...line), call, among, 'signal=SIGKILL', note, prepare)) === 'missed')
      return 'missed';
    const wrong: string[] = [];
    lane.keep();
    const settled = await lane.run('rollback', '--ci');
    // Exit 2: the plan had not reached the disk, or all was taken back: there is nothing to put back.
    if (![0, 2].includes(settled.code ?? -1)) wrong.push(`rollback: ${settled.code} ${settled.err}`);
    wrong.push(...unlike(lane.picture(), wanted.before).map((path) => `after the rollback ${path}`));
    if (during === 'deploy') {
      lane.back();
      const id = lane.journal();
      const carried = await lane.run(
        ...(id === 'none' ? lane.deploy : ['deploy', '--resume', id, '--ci', '--without', 'verify']),
      );
      if (carried.code !== 0) wrong.push(`resume: ${carried.code} ${carried.err}`);
      wrong.push(...unlike(lane.timeless(), wanted.after).map((path) => `after the resume ${path}`));
      if (lane.running()) wrong.push('the old instance still runs after the resume');
    }
    wrong.push(...lane.leftovers().map((name) => `left behind: ${name}`));
    return wrong.map((what) => `${during} killed at ${call.key}: ${what}`);
  }

  describe.concurrent.each([
    ['a crontab file and a Node worker of root’s', 28, 2],
    ['a user’s spool, a PHP worker and an old instance', 8, 4],
    ['the user at work in his own crontab', 4, 2],
  ] as const)('%s', (kind, few, width) => {
    test(
      `a deploy and a rollback, at ${stress ? 'every call' : `${few} calls`}`,
      async () => {
        // What lies before a write or an open is what lies behind the call before it: the short form leaves them out.
        const wanted = ({ name }: Call): boolean => stress || !/^(openat|p?write)/.test(name);
        const points = stress ? Number.POSITIVE_INFINITY : few;
        const side = Array.from({ length: width }, () => make(kind));
        const wrong: string[] = [];
        const missed: string[] = [];
        const counted: number[] = [];
        let hit = 0;
        // Each lane has its own paths, so each learns its own calls; the points are dealt out among them.
        await Promise.all(
          side.map(async (lane, mine) => {
            const note = `${lane.state}.trace`;
            await lane.reset();
            const before = lane.picture();
            const deployed = await trace(lane.program(...lane.deploy), note);
            expect(deployed, deployed.err).toMatchObject({ code: 0, elsewhere: [] });
            const after = lane.timeless();
            const taken = await trace(lane.program('rollback', '--ci'), note);
            expect(taken, taken.err).toMatchObject({ code: 0, elsewhere: [] });
            expect(lane.picture()).toEqual(before);
            counted[mine] = deployed.calls.length + taken.calls.length;
            const dealt = [
              ...some(deployed.calls.filter(wanted), points / 2).map(
                (call) => [call, 'deploy', deployed.calls] as const,
              ),
              ...some(taken.calls.filter(wanted), points / 2).map(
                (call) => [call, 'rollback', taken.calls] as const,
              ),
            ].filter((_, i) => i % width === mine);
            for (const point of dealt) {
              const found = await atPoint(lane, point, { before, after });
              if (found === 'missed') missed.push(`${point[1]}: ${point[0].key}`);
              else {
                hit++;
                wrong.push(...found);
              }
            }
          }),
        );
        process.stdout.write(`${kind}: killed at ${hit} points; never hit: ${missed.join('; ') || 'none'}\n`);
        expect(wrong).toEqual([]);
        // How many files of /proc are opened before a call is never the same twice: some are not hit in twelve tries.
        expect(missed.length).toBeLessThan(Math.max(2, hit / 8));
        // Every lane sees the same calls but for the moments it waits: what was dealt out is the whole.
        expect(Math.min(...counted)).toBeGreaterThan(100);
      },
      stress ? 1_800_000 : 120_000,
    );
  });
});
