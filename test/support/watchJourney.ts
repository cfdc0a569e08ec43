// A site in memory with its database, deployed, and a watch over it: things happen at the seconds they are told to.
import { deploy } from '../../src/commands/deploy.ts';
import { monitor } from '../../src/commands/monitor.ts';
import type { Summary } from '../../src/monitor/summary.ts';
import type { Server } from '../../src/server/server.ts';
import { contextFor } from './context.ts';
import { cronRuns } from './memory-cron.ts';
import { type MemoryDatabase, memoryDatabase } from './memory-database.ts';
import { exampleUser, type Machine, memoryServer } from './memory-server.ts';
import { home, incident } from './site.ts';

export interface Journey {
  readonly machine: Machine;
  db: MemoryDatabase;
  /** What happens at seconds of the watch. */
  readonly plan: Map<number, () => void>;
  /** What happens every second. */
  each: (second: number) => void;
  /** Deploys, then watches. */
  watch(line: string, how?: Watching): Promise<Watched>;
}

export interface Watching {
  readonly cron?: Parameters<typeof cronRuns>[1];
  /** In place of the plain server of the watch. */
  readonly on?: (server: Server) => Server;
  /** What the context is given beside the line. */
  readonly more?: Parameters<typeof contextFor>[2];
}

export type Watched = Awaited<ReturnType<typeof watching>>;

/** The site as it is before anything was deployed. */
export function journey(): Journey {
  const machine = incident();
  machine.put(
    `${home}/httpdocs/.env`,
    "DB_HOST=127.0.0.1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD='canary-p#w;1'\n",
    { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o600 },
  );
  machine.directory('/root', { mode: 0o700 });
  const made: Journey = {
    machine,
    db: memoryDatabase(),
    plan: new Map(),
    each: () => {},
    watch: (line, how = {}) => watching(made, line, how),
  };
  machine.database = (user) => made.db.open(user);
  return made;
}

async function watching(trip: Journey, line: string, { cron, on = (server) => server, more = {} }: Watching) {
  const { machine } = trip;
  cronRuns(machine, { seconds: 20, writes: 'done import-1\n', ...cron });
  const ticking = machine.onTime;
  let began = Number.POSITIVE_INFINITY;
  let second = machine.clock;
  machine.onTime = (now) => {
    ticking(now);
    trip.db.used = machine.processes.filter((one) => one.holds !== undefined).length;
    for (; second <= now; second += 1000) {
      const at = Math.round((second - began) / 1000);
      trip.plan.get(at)?.();
      if (at >= 0) trip.each(at);
      if (at % 10 === 0 && trip.db.pending > 0) {
        trip.db.pending--;
        trip.db.done++;
      }
    }
  };
  const { ctx } = await contextFor(memoryServer(machine), 'deploy --all --ci --without verify');
  await deploy(ctx);
  began = machine.clock;
  const told = await contextFor(on(memoryServer(machine)), `monitor ${line}`, more);
  const result = await monitor(told.ctx);
  const watch = result.json['watch'] as Omit<Summary, 'outcome'>;
  const path = result.json['records'] as string;
  const said: Record<string, string> = Object.fromEntries(
    watch.criteria.map(({ check, is, because }) => [check, `${is} ${because}`]),
  );
  return { ...result, ...told, watch, said, path, text: machine.live.get(path)?.bytes ?? '' };
}
