// An hour's watch on a server in memory, its clock running as fast as it is asked: all that a watch has to find, and what it may cost.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { monitor } from '../../src/commands/monitor.ts';
import { readWatch } from '../../src/monitor/records.ts';
import type { Summary } from '../../src/monitor/summary.ts';
import type { Server } from '../../src/server/server.ts';
import { contextFor } from '../support/context.ts';
import { cronRuns } from '../support/memory-cron.ts';
import { type MemoryDatabase, memoryDatabase } from '../support/memory-database.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, instance, lock } from '../support/site.ts';

const state = '/var/lib/cronlatch';
let machine: Machine;
let db: MemoryDatabase;
/** Things that happen at seconds of the watch. */
let then: Map<number, () => void>;
let began: number;
/** Connections of the account's beside those of the runs. */
let others: number;

beforeEach(() => {
  machine = incident();
  machine.put(
    `${home}/httpdocs/.env`,
    "DB_HOST=127.0.0.1\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD='canary-p#w;1'\n",
    { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o600 },
  );
  db = memoryDatabase();
  machine.database = (user) => db.open(user);
  then = new Map();
  others = 0;
  began = Number.POSITIVE_INFINITY;
});

/** Deploys, then watches; `cron` says how it runs. */
async function watching(
  line: string,
  options: { cron?: Parameters<typeof cronRuns>[1]; heard?: () => 'no' | 'SIGINT'; server?: Server } = {},
) {
  cronRuns(machine, { seconds: 20, writes: 'done import-1\n', ...options.cron });
  const cron = machine.onTime;
  let second = machine.clock;
  machine.onTime = (now) => {
    cron(now);
    db.used = others + machine.processes.filter((one) => one.holds !== undefined).length;
    for (; second <= now; second += 1000) {
      const at = Math.round((second - began) / 1000);
      then.get(at)?.();
      if (at % 30 === 0 && db.pending > 0) {
        db.pending--;
        db.done++;
      }
    }
    db.uptime = 9000 + Math.floor(now / 1000) - Math.floor(Date.UTC(2026, 10, 23) / 1000);
  };
  const deployed = await contextFor(memoryServer(machine), 'deploy --all --ci --without verify');
  expect((await deploy(deployed.ctx)).exit).toBe(0);
  began = machine.clock;
  const told = await contextFor(options.server ?? memoryServer(machine), `monitor ${line}`, {
    ...(options.heard === undefined ? {} : { heard: options.heard }),
  });
  const result = await monitor(told.ctx);
  const watch = result.json['watch'] as Omit<Summary, 'outcome'>;
  const path = result.json['records'] as string;
  return { ...result, ...told, watch, path, text: machine.live.get(path)?.bytes ?? '' };
}

/** The application's database is here, and so root may have a way in. */
function withSocket(): void {
  machine.put('/run/mysqld/mysqld.sock', '', {});
  machine.put(
    `${home}/httpdocs/.env`,
    'DB_SOCKET=/run/mysqld/mysqld.sock\nDB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD=x\n',
    { uid: exampleUser.uid, gid: exampleUser.gid, mode: 0o600 },
  );
}

const said = (watch: Omit<Summary, 'outcome'>): Record<string, string> =>
  Object.fromEntries(watch.criteria.map(({ check, is, because }) => [check, `${is} ${because}`]));

describe('an hour in which all goes well', () => {
  test('passes, with every sample taken, every tick seen, and no connection of the account’s held', async () => {
    const done = await watching('--for 1h');
    expect(said(done.watch)).toMatchObject({
      'single-instance': 'pass one',
      refusals: 'pass none',
      database: 'pass room',
      jobs: 'pass done',
      'lock-held': 'pass held',
      'lock-free': 'pass free',
      'second-refused': 'pass refused',
      'stale-recovered': 'pass recovered',
      ticks: 'pass seen',
      coverage: 'pass whole',
      'cron-alive': 'pass running',
    });
    expect(done.exit).toBe(0);
    expect(done.watch.samples).toMatchObject({ planned: 3600, taken: 3600 });
    expect(done.watch.incidents).toEqual([]);
    // Criterion (c)1: at most a second of drift in an hour.
    expect(Math.abs(done.watch.clock.drift)).toBeLessThanOrEqual(1000);
    expect(done.watch.clock.late).toBeLessThanOrEqual(1000);
    const [worker] = done.watch.workers;
    expect(worker?.ticks).toMatchObject({ due: 30, run: 30, missed: 0 });
    expect(worker?.runs).toMatchObject({ seen: 30, by: 'kernel', gap: 120 });
    // Criterion (c)2: none between looks, one at a time, every 5 to 10 seconds.
    expect(db.ours.now).toBe(0);
    expect(db.ours.most).toBe(1);
    expect(db.ours.opened).toBeGreaterThan(3600 / 10);
    expect(db.ours.opened).toBeLessThan(3600 / 5 + 10);
    // Criterion (c)4: at most 2 MB of records an hour.
    expect(done.text.length).toBeLessThan(2_000_000);
    expect(done.out()).toContain('All criteria were met.');
  });

  test('its records are mode 0600 below the state directory, and say the same when they are read back', async () => {
    const done = await watching('--for 10m');
    expect(done.path).toMatch(/^\/var\/lib\/cronlatch\/watches\/[\d-]+-watch\.jsonl$/);
    expect(machine.live.get(done.path)?.mode).toBe(0o600);
    const status = await contextFor(memoryServer(machine), 'monitor --status');
    const again = await monitor(status.ctx);
    expect(again.json['state']).toBe('over');
    expect(again.json['watch']).toEqual(done.json['watch']);
    expect(again.exit).toBe(done.exit);
  });

  test('an administrator’s session is one, kept for the whole time; the account’s is opened to count jobs only', async () => {
    db = memoryDatabase({ admin: true });
    withSocket();
    const server = memoryServer(machine);
    const done = await watching('--for 10m', { server });
    expect(server.log.filter((one) => one === 'open root')).toHaveLength(1);
    expect(db.ours.opened).toBeLessThan(15);
    expect(done.watch.workers[0]?.connections?.by).toBe('administrator');
  });
});

describe('what goes wrong is found', () => {
  test('every refusal is counted although no look has seen the burst', async () => {
    // Six refused workers of half a second each, somewhere between two looks.
    for (let i = 0; i < 6; i++)
      then.set(200 + i, () => {
        db.aborted++;
      });
    const { watch, exit } = await watching('--for 10m');
    const [worker] = watch.workers;
    expect(worker?.connections?.peak?.value).toBe(1);
    expect(worker?.refusals).toMatchObject({ low: 6, high: 6, own: 0 });
    expect(watch.incidents).toMatchObject([{ kind: 'refused', args: { low: 6, high: 6 } }]);
    expect(said(watch)['refusals']).toBe('warn somebody');
    expect(exit).toBe(0);
  });

  test('a refusal in the log fails it, within seconds, also after the log was rotated', async () => {
    let log = '';
    then.set(130, () => {
      const path = [...machine.live.keys()].find((name) => name.endsWith('output.log')) ?? '';
      log = path;
      machine.write(
        path,
        "[1203] User u12345_app already has more than 'max_user_connections' active connections\n",
        exampleUser,
      );
    });
    then.set(300, () => {
      const old = machine.live.get(log);
      if (old !== undefined) machine.live.set(`${log}.1`, old);
      machine.live.delete(log);
      machine.write(
        log,
        "[1226] User 'u' has exceeded the 'max_user_connections' resource (current value: 5)\n",
        exampleUser,
      );
    });
    const { watch, exit } = await watching('--for 10m');
    expect(exit).toBe(3);
    expect(watch.workers[0]?.refusals.log).toBe(2);
    const found = watch.incidents.filter(({ kind }) => kind === 'refused');
    expect(found).toHaveLength(2);
    // Criterion (c)5.
    expect(found[0]?.second).toBeLessThanOrEqual(134);
    expect(watch.firstViolation).toMatchObject({ kind: 'refused' });
  });

  test.each([
    ['an administrator', true, 2],
    ['the account alone', false, 10],
  ])('seen by %s, too many connections are a violation within seconds', async (_, admin, within) => {
    db = memoryDatabase({ admin });
    withSocket();
    then.set(100, () => {
      others = 3;
    });
    const { watch, exit } = await watching('--for 5m --fail-fast');
    expect(exit).toBe(3);
    expect(watch.firstViolation).toMatchObject({ kind: 'too-high', args: { limit: 5 } });
    expect((watch.firstViolation?.second ?? 0) - 100).toBeLessThanOrEqual(within);
    expect(watch.ended).toBe('fail-fast');
  });

  test('two instances: told with both PIDs, and --fail-fast ends there with exit 3', async () => {
    then.set(125, () => machine.processes.push(instance(7777)));
    const { watch, exit } = await watching('--for 1h --fail-fast', { cron: { seconds: 60 } });
    expect(exit).toBe(3);
    expect(watch.ended).toBe('fail-fast');
    expect(watch.seconds.watched).toBeLessThan(135);
    expect(watch.firstViolation?.pids).toContain(7777);
  });

  test('a tick that cron has missed', async () => {
    const ran = await watching('--for 20m', { cron: { seconds: 20 } });
    expect(said(ran.watch)['ticks']).toBe('pass seen');
    machine = incident();
    machine.database = (user) => db.open(user);
    then = new Map([
      [
        320,
        () => {
          machine.onTime = () => {};
        },
      ],
    ]);
    const { watch, exit } = await watching('--for 20m', { cron: { seconds: 20 } });
    expect(said(watch)['ticks']).toBe('fail missed');
    expect(exit).toBe(3);
    expect(watch.incidents.some(({ kind }) => kind === 'missed-tick')).toBe(true);
  });

  test('a lock that makes no progress beyond --max-runtime', async () => {
    then.set(100, () => {
      const inode = `1:${machine.live.get(lock)?.inode ?? 0}`;
      machine.makeLock(lock, exampleUser);
      machine.processes.push(instance(7777, { holds: `1:${machine.live.get(lock)?.inode ?? inode}` }));
    });
    const { watch, exit } = await watching('--for 10m --max-runtime 90s');
    expect(exit).toBe(3);
    const stalled = watch.incidents.find(({ kind }) => kind === 'stalled');
    expect(stalled).toMatchObject({ pids: [7777], args: { most: 90 } });
    expect(said(watch)['progress']).toBe('fail stalled');
  });

  test('a database that goes away is told, and asked again within 15 seconds of its return', async () => {
    then.set(100, () => {
      db.down = true;
    });
    then.set(160, () => {
      db.down = false;
      db.aborted = 0;
      db.uptime = 1;
    });
    const { watch } = await watching('--for 10m');
    const away = watch.incidents.find(({ kind }) => kind === 'unreachable');
    expect(away?.args['why']).toBe('no-server');
    expect((away?.second ?? 0) + (away?.lasted ?? 0)).toBeLessThanOrEqual(175);
    expect(watch.workers[0]?.series.connections.length).toBeGreaterThan(1);
  });

  test('a session of an administrator that somebody ends is had again', async () => {
    db = memoryDatabase({ admin: true });
    withSocket();
    then.set(100, () => db.kill());
    const { watch } = await watching('--for 5m');
    expect(watch.incidents).toEqual([]);
    expect(watch.workers[0]?.connections?.samples).toBeGreaterThan(290);
  });

  test('a full account: the look that was refused is a finding, is not tried again at once, and is nobody else’s refusal', async () => {
    then.set(100, () => {
      others = 5;
    });
    then.set(110, () => {
      others = 0;
    });
    const { watch, exit } = await watching('--for 5m');
    expect(exit).toBe(3);
    const [worker] = watch.workers;
    expect(worker?.refusals.own).toBeGreaterThan(0);
    expect(worker?.refusals.own).toBeLessThanOrEqual(2);
    expect(worker?.refusals).toMatchObject({ low: 0, high: 0 });
    expect(watch.incidents.map(({ kind }) => kind)).toContain('full');
  });
});

describe('a watch that does not go to its end', () => {
  test('Ctrl-C: a report of what was seen, exit 130', async () => {
    const heard = () => (machine.clock - began > 90_000 ? ('SIGINT' as const) : ('no' as const));
    const { exit, watch, out } = await watching('--for 1h', { heard });
    expect(exit).toBe(130);
    expect(watch.ended).toBe('SIGINT');
    expect(watch.samples.share).toBe(100);
    expect(out()).toContain('until it was interrupted');
  });

  test('cut off in the middle of a line, it is taken up again; what nobody saw is a gap', async () => {
    const done = await watching('--for 20m');
    const [id = ''] = /[\d-]+-watch/.exec(done.path) ?? [];
    const node = machine.live.get(done.path);
    if (node === undefined) throw new Error('no records');
    const lines = node.bytes.split('\n');
    const cut = lines.findIndex((line) => line.includes('"n":400,'));
    node.bytes = `${lines.slice(0, cut).join('\n')}\n${(lines[cut] ?? '').slice(0, 11)}`;
    machine.clock = began + 500_000;
    const status = await monitor((await contextFor(memoryServer(machine), 'monitor --status')).ctx);
    expect(status.json['state']).toBe('cut-off');
    const told = await contextFor(memoryServer(machine), `monitor --resume ${id}`);
    const again = await monitor(told.ctx);
    const watch = again.json['watch'] as Omit<Summary, 'outcome'>;
    expect(watch.ended).toBe('time');
    expect(watch.samples).toMatchObject({ planned: 1200, taken: 1100 });
    expect(watch.gaps).toMatchObject([{ why: 'resumed', samples: 100 }]);
    expect(said(watch)['coverage']).toBe('inconclusive gaps');
    expect(readWatch('x', machine.live.get(done.path)?.bytes ?? '')).not.toBe('empty');
    // Once its time is over there is nothing to go on with, but its end can still be written down.
    node.bytes = `${lines.slice(0, cut).join('\n')}\n`;
    machine.clock = began + 5_000_000;
    const late = await monitor((await contextFor(memoryServer(machine), `monitor --resume ${id}`)).ctx);
    expect(late.json['watch']).toMatchObject({
      ended: 'time',
      samples: { planned: 1200, taken: 400 },
      gaps: [{ why: 'resumed', samples: 800 }],
    });
    const over = contextFor(memoryServer(machine), `monitor --resume ${id}`);
    await expect(monitor((await over).ctx)).rejects.toMatchObject({ code: 'watch-over' });
  });

  test('a machine that stands still for a minute leaves a gap, not samples of nought', async () => {
    then.set(200, () => {
      machine.clock += 60_000;
    });
    const { watch } = await watching('--for 10m');
    expect(watch.gaps).toMatchObject([{ why: 'late' }]);
    expect(watch.samples.planned - watch.samples.taken).toBeGreaterThanOrEqual(59);
    expect(watch.workers[0]?.series.instances.some(([, value]) => value === null)).toBe(true);
  });
});

describe('what it leaves for others', () => {
  test('metrics, a report, and a word to a service at the beginning and the end', async () => {
    machine.web = () => ({ status: 200, body: '' });
    machine.directory('/root', { mode: 0o700 });
    const done = await watching(
      '--for 5m --report r.json --report r.html --report r.md --textfile w.prom --ping-url https://hc.example/abc?rid=1',
    );
    expect(machine.posted.map(([url]) => url)).toEqual([
      'https://hc.example/abc/start?rid=1',
      'https://hc.example/abc?rid=1',
    ]);
    const report = JSON.parse(machine.live.get('/root/r.json')?.bytes ?? '') as Summary;
    expect(report.workers).toEqual(done.watch.workers);
    expect(report.criteria).toEqual(done.watch.criteria);
    for (const [path, begins] of [
      ['/root/r.html', '<!doctype html>'],
      ['/root/r.md', '# The watch of '],
    ] as const) {
      const file = machine.live.get(path);
      expect(file?.mode).toBe(0o600);
      const text = Buffer.from(file?.bytes ?? '', 'latin1').toString('utf8');
      expect(text.startsWith(begins)).toBe(true);
      expect(text).toContain(`${report.samples.taken} of ${report.samples.planned}`);
    }
    const metrics = machine.live.get('/root/w.prom');
    expect(metrics?.mode).toBe(0o644);
    expect(metrics?.bytes).toContain(
      'worker_db_connections_limit{worker="process_import_jobs",user="example-user"} 5',
    );
    expect(done.out()).not.toContain('hc.example');
    expect([...machine.live.keys()].filter((name) => name.startsWith('/root/.'))).toEqual([]);
  });

  test('a service that does not answer changes nothing; a violation tells it so', async () => {
    machine.web = () => ({ failed: 'ETIMEDOUT' });
    then.set(60, () => {
      machine.processes.push(instance(7777), instance(7778));
    });
    const { exit } = await watching('--for 5m --ping-url http://127.0.0.1:1/x');
    expect(exit).toBe(3);
    expect(machine.posted.at(-1)?.[0]).toBe('http://127.0.0.1:1/x/fail');
  });

  test.each([
    ['--for 5', 'usage'],
    ['--for 1h --report x.pdf', 'usage'],
    ['--for 1h --textfile x.txt', 'usage'],
    ['--for 1h --ping-url ftp://x', 'usage'],
    ['--status --stop', 'usage'],
    ['--stop', 'no-watch'],
    ['--status', 'no-watch'],
    ['--resume nothing', 'no-watch'],
    ['', 'no-deployment'],
  ])('monitor %s is refused before anything begins: %s', async (line, code) => {
    machine.directory('/root', { mode: 0o700 });
    const { ctx } = await contextFor(memoryServer(machine), `monitor ${line}`);
    await expect(monitor(ctx)).rejects.toMatchObject({ code });
    expect([...machine.live.keys()].filter((name) => name.startsWith(`${state}/watches/`))).toEqual([]);
  });
});
