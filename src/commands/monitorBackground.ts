// monitor --background: the same command line once more, in a session of its own.
import { prepareWatches, readableWatch, watchDirectory, watchId, watchIds } from '../monitor/store.ts';
import { Problem } from '../problem.ts';
import { type Context, type Result, reportSchema, word } from './context.ts';
import { runningAs } from './monitorStatus.ts';
import { refuseUntrusted } from './trust.ts';

/** A watch has so many milliseconds to write its beginning: it surveys the crontabs and tries the guards first. */
const patience = 60_000;

/** Starts the watch and returns when it has begun. */
export async function inBackground(ctx: Context): Promise<Result> {
  const { server, settings, around } = ctx;
  const { program = [] } = around;
  await refuseUntrusted(server, settings.stateDirectory);
  await prepareWatches(server, settings.stateDirectory);
  const known = new Set(await watchIds(server, settings.stateDirectory));
  const stamp = watchId(server.now());
  const output = `${watchDirectory(settings.stateDirectory)}/${stamp}-${server.self.pid}.out`;
  const argv = program.filter((part) => part !== '--background');
  const pid = await server.programs.detach(argv, output);
  const began = server.elapsed();
  for (;;) {
    const id = await begunBy(ctx, pid, known);
    if (id !== 'none') {
      ctx.screen.print(
        `Watching in the background: ${id} (PID ${pid}).`,
        `How it stands: cronlatch monitor --status   To end it: cronlatch monitor --stop`,
        `What it says: ${output}`,
      );
      return {
        json: {
          schema: reportSchema,
          command: 'monitor',
          id,
          pid,
          output,
          outcome: { is: 'begun', exit: 0 },
        },
        exit: 0,
      };
    }
    const alive = (await server.processes.list()).some((row) => row.pid === pid && row.state !== 'Z');
    if (!alive || server.elapsed() - began > patience) {
      const said = await server.files.look(output, server.self.owner);
      const lines = said.is === 'file' ? Buffer.from(said.bytes, 'latin1').toString('utf8').trim() : '';
      throw new Problem('no-watch', {
        what: 'The watch did not begin.',
        next: `It said: ${lines.split('\n').slice(0, 2).join(' ') || 'nothing'}`,
      });
    }
    await server.wait(100);
  }
}

/** The watch that the process has begun, or has taken up again. */
async function begunBy(ctx: Context, pid: number, known: ReadonlySet<string>): Promise<string | 'none'> {
  const { server, settings } = ctx;
  const resumed = word(ctx, 'resume');
  for (const id of await watchIds(server, settings.stateDirectory)) {
    if (known.has(id) && id !== resumed) continue;
    const watch = await readableWatch(server, settings.stateDirectory, id);
    if (watch === 'absent') continue;
    const running = await runningAs(server, watch);
    if (running !== 'none' && running.pid === pid) return id;
  }
  return 'none';
}
