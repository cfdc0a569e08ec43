// A watch from its beginning, or from where it was cut off, to its report.
import { seconds } from '../ask/settle.ts';
import type { Latched } from '../change/plan.ts';
import { parseCrontab } from '../crontab/parse.ts';
import { nextRuns, shortestGap } from '../crontab/schedule.ts';
import type { Watched, WatchRecord, WatchStart } from '../monitor/records.ts';
import { watchSchema } from '../monitor/records.ts';
import { sampler } from '../monitor/sampler.ts';
import { beginWatch, readWatchFile, type WatchPen, watchDirectory, watchPen } from '../monitor/store.ts';
import { type Summary, summarise } from '../monitor/summary.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { beginLines, summaryLines } from '../show/watch.ts';
import type { Watchee } from '../verify/database.ts';
import { probe } from '../verify/probe.ts';
import type { Verdict } from '../verify/verdict.ts';
import { type Context, flag, type Result, word } from './context.ts';
import { ping, watchJson, writeReports, writeTextfile } from './monitorOutputs.ts';
import { bootId, runningAs } from './monitorStatus.ts';
import { viewOf } from './monitorView.ts';
import { refuseUntrusted } from './trust.ts';
import { workersMeant } from './watchWorkers.ts';
import { jobSettings, watchees } from './workerDatabase.ts';

/** Between two writings of the metrics. */
const textfileEvery = 60_000;

/** Begins a watch and goes on to its end. */
export async function runWatch(ctx: Context, lasts: number): Promise<Result> {
  const { server, settings } = ctx;
  const { workers, deployment } = await workersMeant(ctx);
  await refuseUntrusted(server, settings.stateDirectory);
  const databases = await databasesOf(ctx, workers);
  const probes: Verdict[] = [];
  for (const worker of workers) if (worker.lock !== undefined) probes.push(...(await probe(server, worker)));
  const wall = server.now();
  const watched: Watched[] = [];
  for (const worker of workers)
    watched.push(
      await watchedOf(
        ctx,
        worker,
        databases.find((one) => one.worker === worker),
        { from: wall, lasts },
      ),
    );
  const by = { user: server.self.user, host: server.self.host, ...(await selfOf(server)) };
  const startAs = (id: string): WatchStart => ({
    is: 'start',
    schema: watchSchema,
    id,
    at: new Date(wall).toISOString(),
    wall,
    by: { ...by, version: ctx.version },
    deployment,
    lasts,
    every: 1000,
    workers: watched,
    latched: workers,
    probes,
  });
  const { start, pen } = await beginWatch(server, settings.stateDirectory, startAs);
  return carryOut(ctx, { start, workers, databases, pen, earlier: [] });
}

/** Goes on with a watch that was cut off; what it did not see stands in it as a gap. */
export async function resumeWatch(ctx: Context, id: string): Promise<Result> {
  const { server, settings } = ctx;
  await refuseUntrusted(server, watchDirectory(settings.stateDirectory));
  const watch = await readWatchFile(server, settings.stateDirectory, id);
  if (watch === 'absent') throw new Problem('no-watch', { id });
  const running = await runningAs(server, watch);
  if (running !== 'none')
    throw new Problem('watch-over', { id, why: `is still going on (PID ${running.pid})` });
  const end = watch.records.findLast((record) => record.is === 'end');
  if (end?.is === 'end' && end.by === 'time') throw new Problem('watch-over', { id, why: 'is over' });
  const { start } = watch;
  const workers = start.latched;
  const pen = watchPen(server, settings.stateDirectory, id, watch.torn);
  const again: WatchRecord = {
    is: 'resume',
    at: new Date(server.now()).toISOString(),
    ...(await selfOf(server)),
    t: server.now() - start.wall,
    w: server.now(),
  };
  await pen.write(again);
  const databases = await databasesOf(ctx, workers);
  return carryOut(ctx, { start, workers, databases, pen, earlier: [...watch.records, again] });
}

interface Watching {
  readonly start: WatchStart;
  readonly workers: readonly Latched[];
  readonly databases: readonly Watchee[];
  readonly pen: WatchPen;
  readonly earlier: readonly WatchRecord[];
}

async function carryOut(ctx: Context, watching: Watching): Promise<Result> {
  const { server, screen } = ctx;
  const { start, pen } = watching;
  screen.say(...beginLines(start, pen.path, server.self.zone));
  await ping(ctx, 'start', start.id);
  const view = viewOf(screen, start, server.self.zone);
  const records: WatchRecord[] = [...watching.earlier];
  let written = Number.NEGATIVE_INFINITY;
  let writing: Promise<void> = Promise.resolve();
  const metrics = word(ctx, 'textfile') !== undefined;
  const all = await ctx.interrupts.guard(() =>
    sampler({
      server,
      ...watching,
      jobs: jobSettings(ctx),
      failFast: flag(ctx, 'fail-fast'),
      chance: Math.random,
      heard: () => ctx.interrupts.heard(),
      noted: (record) => records.push(record),
      tell: (now, news) => {
        view(now, news);
        if (!metrics || now.t - written < textfileEvery) return;
        written = now.t;
        writing = writing.then(() => writeTextfile(ctx, summaryOf(start, records)));
      },
    }),
  );
  await writing;
  screen.settle();
  const summary = summaryOf(start, all);
  const reports = await writeReports(ctx, summary);
  if (metrics) await writeTextfile(ctx, summary);
  screen.print(...summaryLines(summary, screen.out, server.self.zone));
  screen.print(...reports.map((path) => `Report: ${path}`), `Records: ${pen.path}`);
  const heard = ctx.interrupts.heard();
  const { outcome } = summary;
  // Whoever is told and does not answer must not delay a person who has pressed Ctrl-C.
  if (heard === 'no') await ping(ctx, outcome.is, start.id, summary);
  const exit = heard === 'no' ? outcome.exit : heard === 'SIGINT' ? 130 : 143;
  return { json: watchJson(summary, pen.path, exit), exit };
}

function summaryOf(start: WatchStart, records: readonly WatchRecord[]): Summary {
  return summarise({ start, records: records.filter((one) => one.is !== 'start') });
}

/** The databases of the workers; a crontab that no cron runs may have one, too. */
async function databasesOf(ctx: Context, workers: readonly Latched[]): Promise<Watchee[]> {
  const copies = workers.map((worker) => ({ ...worker, live: true }));
  const found = await watchees(ctx, copies);
  return found.map((one) => ({ ...one, worker: workers[copies.indexOf(one.worker)] ?? one.worker }));
}

/** What the records say of a worker: when it is due until the watch ends, by cron's own rules for clock changes. */
export async function watchedOf(
  ctx: Context,
  worker: Latched,
  database: Watchee | undefined,
  { from, lasts }: { readonly from: number; readonly lasts: number },
): Promise<Watched> {
  const dialect = worker.dialect ?? 'cronie';
  const line = parseCrontab(`${worker.schedule} x\n`, { dialect, system: false }).lines[0];
  const schedule = line?.is === 'entry' ? line.schedule : undefined;
  const gap = schedule === undefined ? 'never' : shortestGap(schedule);
  const count = typeof gap === 'number' ? Math.ceil(lasts / gap) + 2 : 0;
  const due =
    schedule === undefined || !worker.live || count === 0
      ? []
      : await nextRuns(schedule, from, count, ctx.server.self.zone);
  const most = word(ctx, 'max-runtime');
  const { lock } = worker;
  return {
    name: worker.name,
    script: worker.script,
    source: worker.source,
    line: worker.line,
    user: worker.user,
    schedule: worker.schedule,
    ...(typeof gap === 'number' ? { gap } : {}),
    due: due.filter((at) => at < from + lasts * 1000),
    ...(lock === undefined ? {} : { lock: `${lock.directory}/${lock.name}.lock` }),
    ...(worker.log === undefined ? {} : { log: worker.log }),
    maxRuntime:
      most === undefined
        ? Math.max(600, typeof gap === 'number' ? 5 * gap : 0)
        : seconds(most, '--max-runtime'),
    ...(database === undefined
      ? {}
      : {
          database: {
            user: database.found.credentials.user,
            place:
              database.found.place.is === 'socket'
                ? database.found.place.path
                : `${database.found.place.host}:${database.found.place.port}`,
          },
        }),
  };
}

/** What tells this process from another one with its number. */
async function selfOf(server: Server): Promise<{ pid: number; born: string; boot?: string }> {
  const { pid } = server.self;
  const boot = await bootId(server);
  const born = (await server.processes.list()).find((row) => row.pid === pid)?.start ?? '';
  return { pid, born, ...(boot === '' ? {} : { boot }) };
}
