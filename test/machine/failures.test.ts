// A system call that fails during a deploy or a rollback: the old state or a way back, said in plain words.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { fileLane, type Lane, some, spoolLane, unlike } from '../support/lane.ts';
import { type Call, straceMissing, strike, trace } from '../support/syscalls.ts';

const why = cronMissing || straceMissing;
const stress = process.env['CRONLATCH_STRESS'] === '1';
const errors = ['ENOSPC', 'EIO', 'EACCES', 'EROFS'];
type Picture = Readonly<Record<string, string>>;

describe.skipIf(why !== '')(`a system call that fails${why ? ` (skipped: ${why})` : ''}`, () => {
  let directory: string;
  let bin: string;
  const lanes: Lane[] = [];
  beforeAll(() => {
    directory = workshop('failures');
    bin = installProgram(directory);
  });
  afterAll(async () => {
    for (const lane of lanes) lane.close();
    await removeUsers();
    closeWorkshop(directory);
  });
  const make = (kind: 'file' | 'spool'): Lane => {
    const at = join(directory, `lane${lanes.length}`);
    mkdirSync(at);
    const lane = kind === 'file' ? fileLane(at, bin) : spoolLane(at, bin, makeUser(at));
    lanes.push(lane);
    return lane;
  };

  async function atPoint(
    lane: Lane,
    [call, during, among, error]: readonly [Call, 'deploy' | 'rollback', readonly Call[], string],
    wanted: { before: Picture; after: Picture },
  ): Promise<string[] | 'missed'> {
    const note = `${lane.state}.trace`;
    const prepare = async (): Promise<void> => {
      await lane.reset();
      if (during === 'rollback') await lane.run(...lane.deploy);
    };
    await prepare();
    const line = during === 'deploy' ? lane.deploy : ['rollback', '--ci'];
    const ran = await strike(lane.program(...line), call, among, `error=${error}`, note, prepare);
    const wrong: string[] = [];
    const say = (what: string): void => {
      wrong.push(`${during}, ${error} at ${call.key}: ${what}`);
    };
    if (ran === 'missed') return 'missed';
    const { code, err } = ran;
    const old = during === 'deploy' ? lane.picture() : lane.timeless();
    const [done, undone] =
      during === 'deploy' ? [wanted.after, wanted.before] : [wanted.before, wanted.after];
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
    for (const path of unlike(lane.picture(), wanted.before)) say(`after the rollback ${path}`);
    return wrong;
  }

  describe.concurrent.each([
    ['file', 10, 2],
    ['spool', 4, 2],
  ] as const)('%s', (kind, few, width) => {
    test(
      `a deploy and a rollback, ${stress ? 'each call' : `${few} calls`}`,
      async () => {
        const side = Array.from({ length: width }, () => make(kind));
        const wrong: string[] = [];
        let [hit, missed] = [0, 0];
        await Promise.all(
          side.map(async (lane, mine) => {
            const note = `${lane.state}.trace`;
            await lane.reset();
            const before = lane.picture();
            const deployed = await trace(lane.program(...lane.deploy), note);
            const after = lane.timeless();
            const taken = await trace(lane.program('rollback', '--ci'), note);
            expect(unlike(lane.picture(), before)).toEqual([]);
            // In the short form the spool's calls are those that are met at the first try.
            const wanted = ({ name }: Call): boolean =>
              stress || kind === 'file' || !/^(openat|p?write)/.test(name);
            const n = stress ? Number.POSITIVE_INFINITY : few / 2;
            const points = [
              ...some(deployed.calls.filter(wanted), n).map(
                (call) => [call, 'deploy', deployed.calls] as const,
              ),
              ...some(taken.calls.filter(wanted), n).map((call) => [call, 'rollback', taken.calls] as const),
            ].filter((_, i) => i % width === mine);
            for (const [i, point] of points.entries()) {
              // Under stress each call fails in every way where that is quick, elsewhere in turn.
              const ways = stress && kind === 'file' ? errors : [errors[(i + mine) % errors.length] ?? 'EIO'];
              for (const error of ways) {
                const found = await atPoint(lane, [...point, error], { before, after });
                if (found === 'missed') missed++;
                else {
                  hit++;
                  wrong.push(...found);
                }
              }
            }
          }),
        );
        process.stdout.write(`${kind}: ${hit} calls failed, ${missed} were not met\n`);
        expect(wrong).toEqual([]);
        expect(missed).toBeLessThan(Math.max(2, hit / 8));
      },
      stress ? 1_800_000 : 120_000,
    );
  });
});
