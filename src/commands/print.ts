// deploy --print DIR: the steps to do by hand in the panel, and the files to upload. Writes nothing but DIR.
import { resolve } from 'node:path/posix';
import { byHand } from '../plan/byHand.ts';
import { Problem } from '../problem.ts';
import { byHandLines, sayCannotPrint } from '../show/byHand.ts';
import type { Facts, Job } from '../survey/facts.ts';
import { report } from './carryOut.ts';
import type { Context, Result } from './context.ts';

/** Prints the steps for these workers. Exit 5 when there are none for any of them. */
export async function printSteps(
  ctx: Context,
  facts: Facts,
  jobs: readonly Job[],
  to: string,
): Promise<Result> {
  const directory = resolve(ctx.around.cwd, to);
  const { files, self } = ctx.server;
  const as = self.owner;
  const seen = await files.look(directory, as);
  const names = seen.is === 'directory' ? await files.list(directory, as) : [];
  if (seen.is !== 'absent' && (seen.is !== 'directory' || names === 'absent' || names.length > 0))
    throw new Problem('usage', { what: `--print ${to}: name a directory that is empty or not there yet.` });
  const done: Record<string, unknown>[] = [];
  for (const job of jobs) {
    const found = await byHand(facts, job, ctx.settings.latching);
    if (found.is === 'not') {
      ctx.screen.print(sayCannotPrint(job.line, found.why));
      continue;
    }
    const { steps } = found;
    // Each worker has files of its own: two scripts may have one name.
    const own = jobs.length === 1 ? directory : `${directory}/line-${steps.line}`;
    for (const path of new Set([directory, own]))
      if ((await files.look(path, as)).is === 'absent') await files.makeDirectory(path, 0o700, as, as);
    for (const { name, bytes } of steps.uploads)
      await files.write(`${own}/${name}`, bytes, { mode: 0o600, ...as }, as);
    const shown = own.startsWith(`${ctx.around.cwd}/`) ? own.slice(ctx.around.cwd.length + 1) : own;
    ctx.screen.print(...(done.length > 0 ? [''] : []), `Line ${steps.line}, ${steps.script}:`);
    ctx.screen.print(...byHandLines(steps, shown));
    const { uploads, ...rest } = steps;
    done.push({
      ...rest,
      uploads: uploads.map(({ name, to: where }) => ({ file: `${own}/${name}`, to: where })),
    });
  }
  if (jobs.length === 0) ctx.screen.print('Nothing here is a worker that could get a guard.');
  if (done.length > 0) ctx.screen.print('', 'Nothing on the server was changed.');
  const exit = done.length === jobs.length && jobs.length > 0 ? 0 : 5;
  const outcome = { is: exit === 0 ? 'printed' : 'refused', exit };
  return { json: report(ctx, { byHand: done, outcome }), exit };
}
