// Several workers of one account: one look for all of them, and our own connections and tries are nobody else's.
import { expect, test } from 'vitest';
import type { Latched } from '../../src/change/plan.ts';
import { usualStates } from '../../src/database/jobs.ts';
import { secret } from '../../src/database/secret.ts';
import type { DatabaseSample, Observation } from '../../src/monitor/records.ts';
import { lookInTurn, looksAt } from '../../src/monitor/turns.ts';
import type { FoundCredentials } from '../../src/survey/credentials.ts';
import { memoryDatabase } from '../support/memory-database.ts';
import { Machine, memoryServer } from '../support/memory-server.ts';

const found = (database: string): FoundCredentials => ({
  credentials: { user: 'u12345_app', password: secret('x'), database },
  place: { is: 'tcp', host: '127.0.0.1', port: 3306 },
  placeBecause: 'given',
  source: 'dotenv',
  where: `/srv/${database}/.env`,
  worldReadable: false,
});

/** Workers with databases of these names, all looked at in the same moment. */
function scene(names: readonly string[], options: Parameters<typeof memoryDatabase>[0] = {}) {
  const machine = new Machine();
  machine.directory('/');
  const db = memoryDatabase(options);
  machine.database = (user) => db.open(user);
  const workers = names.map((_, n) => ({ name: `worker-${n}` }) as Latched);
  const databases = names.map((name, n) => ({ worker: workers[n] as Latched, found: found(name) }));
  const server = memoryServer(machine);
  const looks = looksAt({ server, workers, databases, jobs: { states: usualStates }, chance: () => 0 });
  const seen: DatabaseSample[] = [];
  const note = async (record: Observation): Promise<void> => {
    if (record.is === 'database') seen.push(record);
  };
  const moment = () => ({ t: machine.clock, w: machine.clock });
  const round = async (): Promise<DatabaseSample[]> => {
    seen.length = 0;
    await Promise.all(looks.map((one) => lookInTurn(one, moment, note)));
    machine.clock += 10_000;
    return [...seen];
  };
  return { db, looks, round };
}

test('three workers of one application are one look, told for each, and none of them counts the others’', async () => {
  const { db, looks, round } = scene(['app', 'app', 'app']);
  expect(looks).toHaveLength(1);
  for (let n = 0; n < 3; n++) {
    const seen = await round();
    expect(seen.map(({ worker, used }) => [worker, used])).toEqual([
      [0, 0],
      [1, 0],
      [2, 0],
    ]);
  }
  expect(db.ours.most).toBe(1);
  expect(db.ours.opened).toBe(3);
});

test('with databases of their own they look one after the other: never two connections of the account', async () => {
  const { db, looks, round } = scene(['one', 'two', 'three']);
  expect(looks).toHaveLength(3);
  for (let n = 0; n < 3; n++) expect((await round()).map(({ used }) => used)).toEqual([0, 0, 0]);
  expect(db.ours.most).toBe(1);
});

test('a look of ours that was refused is told by whoever reads the counters next', async () => {
  const { db, round } = scene(['one', 'two'], { admin: false });
  await round();
  db.used = db.limit;
  const refused = await round();
  expect(refused.map(({ used }) => used)).toEqual(['refused', 'refused']);
  db.used = 0;
  const after = await round();
  // Each worker's own account of our tries comes to both of them: the counters have both.
  for (const worker of [0, 1]) {
    const told = [...refused, ...after].filter((one) => one.worker === worker);
    expect(told.reduce((sum, { own }) => sum + (own?.refused ?? 0), 0)).toBe(2);
  }
  expect(after.every(({ counters }) => counters?.aborted === db.aborted)).toBe(true);
});
