// The system calls of a deploy and of a rollback, struck one after the other on sites of their own, some at a time.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { type As, closeWorkshop, installProgram, workshop } from './cron.ts';
import { makeUser, removeUsers } from './cronPeople.ts';
import { fileLane, type Lane, ownLane, some, spoolLane, unlike } from './lane.ts';
import { type Call, type Ran, strike, trace } from './syscalls.ts';

const kinds = { file: fileLane, spool: spoolLane, own: ownLane } as const;
export type Kind = keyof typeof kinds;

type Picture = Readonly<Record<string, string>>;

/** One call of a deploy or of a rollback. */
export interface Point {
  readonly call: Call;
  readonly during: 'deploy' | 'rollback';
  readonly among: readonly Call[];
}

/** A lane with what it looks like before and after a deploy. */
export interface Ground {
  readonly lane: Lane;
  readonly before: Picture;
  readonly after: Picture;
  /** Runs the point's command with `what` at its call. */
  strike(point: Point, what: string): Promise<Ran | 'missed'>;
}

export interface Struck {
  readonly wrong: string[];
  readonly missed: string[];
  hit: number;
}

/** For the tests of one file: makes lanes of each kind, and takes everything away in the end. */
export function lanesFor(name: string): { make(kind: Kind): Lane } {
  let directory: string;
  let bin: string;
  const lanes: Lane[] = [];
  beforeAll(() => {
    directory = workshop(name);
    bin = installProgram(directory);
  });
  afterAll(async () => {
    for (const lane of lanes) lane.close();
    await removeUsers();
    closeWorkshop(directory);
  });
  return {
    make(kind) {
      const at = join(directory, `lane${lanes.length}`);
      mkdirSync(at);
      const lane = kind === 'file' ? fileLane(at, bin) : kinds[kind](at, bin, makeUser(at) as As);
      lanes.push(lane);
      return lane;
    },
  };
}

/**
 * Strikes `few` calls on `side` (all with 'each'), half of them of a deploy, half of a rollback. `act` does it and says
 * what was wrong afterwards. The points are dealt out among the lanes: each has its own paths, so each learns its own calls.
 */
export async function atPoints(
  side: readonly Lane[],
  few: number | 'each',
  counts: (call: Call) => boolean,
  act: (ground: Ground, point: Point, number: number) => Promise<Struck>,
): Promise<Struck> {
  const sum: Struck = { wrong: [], missed: [], hit: 0 };
  await Promise.all(
    side.map(async (lane, mine) => {
      const note = `${lane.state}.trace`;
      await lane.reset();
      const before = lane.picture();
      const deployed = await trace(lane.program(...lane.deploy), note);
      expect(deployed, deployed.err).toMatchObject({ code: 0, elsewhere: [] });
      const after = lane.timeless();
      lane.keep('deployed');
      const taken = await trace(lane.program('rollback', '--ci'), note);
      expect(taken, taken.err).toMatchObject({ code: 0, elsewhere: [] });
      expect(unlike(lane.picture(), before)).toEqual([]);
      // Every lane sees the same calls but for the moments it waits: what is dealt out is the whole.
      expect(deployed.calls.length + taken.calls.length).toBeGreaterThan(100);
      const ground: Ground = {
        lane,
        before,
        after,
        async strike({ call, during, among }, what) {
          const prepare = async (): Promise<void> => {
            if (during === 'deploy') return lane.reset();
            lane.clear();
            lane.back('deployed');
          };
          await prepare();
          const line = during === 'deploy' ? lane.deploy : ['rollback', '--ci'];
          return strike(lane.program(...line), call, among, what, note, prepare);
        },
      };
      const chosen = (['deploy', 'rollback'] as const).flatMap((during): Point[] => {
        const among = during === 'deploy' ? deployed.calls : taken.calls;
        const all = among.filter(counts);
        return some(all, few === 'each' ? all.length : few / 2).map((call) => ({ call, during, among }));
      });
      for (const [i, point] of chosen.entries()) {
        if (i % side.length !== mine) continue;
        const { wrong, missed, hit } = await act(ground, point, i);
        sum.wrong.push(...wrong);
        sum.missed.push(...missed);
        sum.hit += hit;
      }
    }),
  );
  return sum;
}
