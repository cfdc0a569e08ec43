// monitor --status and --stop: how a watch stands, and ending one that goes on by itself.
import type { Watch } from '../monitor/records.ts';
import { readableWatch, readWatchFile, watchDirectory, watchIds } from '../monitor/store.ts';
import { summarise } from '../monitor/summary.ts';
import { Problem } from '../problem.ts';
import type { ProcessRow, Server, Target } from '../server/server.ts';
import { summaryLines } from '../show/watch.ts';
import { peek } from '../survey/peek.ts';
import type { Context, Result } from './context.ts';
import { watchJson } from './monitorOutputs.ts';
import { refuseUntrusted } from './trust.ts';

/** How long a watch is given to write its end. */
const patience = 10_000;

/** The process that carries on the watch; 'none' when it is over or was cut off. */
export async function runningAs(server: Server, watch: Watch): Promise<ProcessRow | 'none'> {
  const last = watch.records.findLast((record) => record.is === 'resume' || record.is === 'end');
  if (last?.is === 'end') return 'none';
  const who = last?.is === 'resume' ? last : watch.start.by;
  const boot = await bootId(server);
  // Counted from a boot before this one, number and birth are anybody's.
  if (who.boot !== undefined && boot !== '' && who.boot !== boot) return 'none';
  const rows = await server.processes.list();
  return rows.find((row) => row.pid === who.pid && row.start === who.born && row.state !== 'Z') ?? 'none';
}

/** The kernel's name for this boot; '' where it tells none. */
export async function bootId(server: Server): Promise<string> {
  const seen = await peek(server, '/proc/sys/kernel/random/boot_id', server.self.owner);
  return seen.is === 'file' ? seen.bytes.trim() : '';
}

/** The watch that is named, else the newest one; with `running` the newest that goes on. */
async function chosen(ctx: Context, which: 'newest' | 'running'): Promise<Watch> {
  const { server, settings, line } = ctx;
  // What stands there names a process that is to be signalled.
  await refuseUntrusted(server, watchDirectory(settings.stateDirectory));
  if (line.id !== undefined) {
    const watch = await readWatchFile(server, settings.stateDirectory, line.id);
    if (watch === 'absent') throw new Problem('no-watch', { id: line.id });
    return watch;
  }
  for (const id of (await watchIds(server, settings.stateDirectory)).reverse()) {
    const watch = await readableWatch(server, settings.stateDirectory, id);
    if (watch === 'absent') continue;
    if (which === 'newest' || (await runningAs(server, watch)) !== 'none') return watch;
  }
  throw new Problem('no-watch', which === 'running' ? { what: 'No watch is going on.' } : {});
}

/** Exit 3 where there is a violation, else 0 while it goes on, and what it came to when it is over. */
export async function watchStatus(ctx: Context): Promise<Result> {
  const watch = await chosen(ctx, 'newest');
  return told(ctx, watch);
}

async function told(ctx: Context, watch: Watch): Promise<Result> {
  const running = await runningAs(ctx.server, watch);
  const summary = summarise(watch);
  const { id } = watch.start;
  const { zone } = ctx.server.self;
  const over = watch.records.some((record) => record.is === 'end');
  const state =
    running !== 'none'
      ? `The watch ${id} goes on (PID ${running.pid}); to end it: cronlatch monitor --stop ${id}`
      : over
        ? `The watch ${id} is over.`
        : `The watch ${id} was cut off; to go on with it: cronlatch monitor --resume ${id}`;
  ctx.screen.print(state, ...summaryLines(summary, ctx.screen.out, zone), `Records: ${watch.path}`);
  const exit = summary.outcome.is === 'fail' ? 3 : running !== 'none' ? 0 : summary.outcome.exit;
  const more = {
    state: running !== 'none' ? 'running' : over ? 'over' : 'cut-off',
    ...(running === 'none' ? {} : { pid: running.pid }),
  };
  return { json: watchJson(summary, watch.path, exit, more), exit };
}

/** Ends a watch as Ctrl-C would, and says what it came to. */
export async function stopWatch(ctx: Context): Promise<Result> {
  const { server, settings } = ctx;
  const watch = await chosen(ctx, 'running');
  const { id } = watch.start;
  const running = await runningAs(server, watch);
  if (running === 'none') throw new Problem('watch-over', { id, why: 'does not go on any more' });
  const answer = await server.processes.signal(await targetOf(ctx, running), 'SIGTERM');
  if (answer === 'different') throw notOurs(running);
  const began = server.elapsed();
  for (;;) {
    const now = await readWatchFile(server, settings.stateDirectory, id);
    if (now !== 'absent' && (await runningAs(server, now)) === 'none') return told(ctx, now);
    if (server.elapsed() - began > patience)
      throw new Problem('watch-over', { id, why: `was told to end and has not (PID ${running.pid})` });
    await server.wait(100);
  }
}

const notOurs = ({ pid }: ProcessRow): Problem =>
  new Problem('not-allowed', {
    act: `end PID ${pid}`,
    reason: 'it is no watch of ours: another program, or another user’s.',
    next: 'Look at it with ps, and end it by hand if it is one.',
  });

/** Our own program, run by ourselves, as a monitor: nothing else is signalled, whatever the records say. */
async function targetOf({ server, around }: Context, row: ProcessRow): Promise<Target> {
  const { pid, start, uid, argv } = row;
  const at = argv.indexOf('monitor');
  const word = argv.slice(1, Math.max(1, at)).find((one) => !one.startsWith('-')) ?? '';
  if (uid !== server.self.owner.uid || word === '') throw notOurs(row);
  const script = await server.processes.resolve(pid, word);
  if (script === 'unseen')
    throw new Problem('not-allowed', {
      act: `look at PID ${pid}`,
      reason: 'its program cannot be seen from here.',
    });
  const ours = around.program?.[1] ?? '';
  const same = ours !== '' && script === (await server.files.real(ours, server.self.owner));
  // Another version of it may lie elsewhere.
  if (!same && !/\/cronlatch[^/]*\/(?:.+\/)?(?:main|cronlatch)(?:\.m?js)?$/.test(script)) throw notOurs(row);
  return { pid, start, uid, script, word };
}
