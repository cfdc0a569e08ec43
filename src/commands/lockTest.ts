// lock test: the basic and the edge-case tests of the lock, with the site's own interpreter, user and directory.
import { dirname, join } from 'node:path/posix';
import nodeEdges from '../../templates/node/test_lock.mjs?raw';
import basic from '../../templates/php/test_lock_basic.php?raw';
import edges from '../../templates/php/test_lock_edges.php?raw';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { type Tried, testLines } from '../show/locks.ts';
import { peek } from '../survey/peek.ts';
import { guardFile } from '../worker/guard.ts';
import { guardFileName } from '../worker/place.ts';
import { type Context, type Result, reportSchema } from './context.ts';
import { scratch } from './lockScratch.ts';
import { type LockTarget, lockPath, oneTarget } from './lockTargets.ts';

/** Exit 0 when all passed, 3 when one failed, 6 when it could not be tried. No worker is started or disturbed. */
export async function lockTest(ctx: Context): Promise<Result> {
  const target = await oneTarget(ctx, 'lock test');
  const { interpreter } = target;
  if (interpreter === undefined)
    throw new Problem('lock-trial', {
      reason: 'no interpreter is known here',
      next: 'Name one: --interpreter PATH',
    });
  const at = await nearest(ctx.server, target);
  ctx.screen.print(
    `${ctx.screen.out.bold(target.name)}: ${interpreter.path} as ${target.user}, in ${at} (a scratch directory, gone afterwards)`,
  );
  const tried = await ctx.interrupts.guard(() =>
    scratch(ctx.server, target, at, async (directory) => {
      const done: Tried[] = [];
      for (const script of await stage(ctx.server, target, directory))
        done.push(await runOne(ctx.server, target, directory, script));
      return done;
    }),
  );
  for (const one of tried) ctx.screen.print(...testLines(one, ctx.screen.out));
  const failed = tried.flatMap(({ tests }) => tests.filter(({ is }) => is === 'fail'));
  const exit = failed.length > 0 ? 3 : 0;
  return {
    json: {
      schema: reportSchema,
      command: 'lock test',
      path: lockPath(target),
      user: target.user,
      interpreter: interpreter.path,
      tried,
      outcome: { is: failed.length > 0 ? 'fail' : 'pass', exit },
    },
    exit,
  };
}

/** The lock's own directory, or the nearest one above that is there: the same drive, the same rights. */
async function nearest(server: Server, target: LockTarget): Promise<string> {
  for (let at = target.directory; at !== '/'; at = dirname(at)) {
    if ((await peek(server, at, target.owner)).is === 'directory') return at;
  }
  return '/';
}

/** Lays the guard and the tests into the scratch directory; the scripts to start. */
async function stage(server: Server, target: LockTarget, directory: string): Promise<readonly string[]> {
  const kind = target.interpreter?.kind ?? 'php';
  const files: Readonly<Record<string, string>> =
    kind === 'php'
      ? { 'test_lock_basic.php': basic, 'test_lock_edges.php': edges }
      : { 'test_lock.mjs': nodeEdges };
  const look = { mode: 0o600, ...target.owner };
  await server.files.write(join(directory, guardFileName(kind)), guardFile(kind), look, target.owner);
  for (const [name, text] of Object.entries(files)) {
    const bytes = Buffer.from(text, 'utf8').toString('latin1');
    await server.files.write(join(directory, name), bytes, look, target.owner);
  }
  return Object.keys(files).map((name) => join(directory, name));
}

async function runOne(server: Server, target: LockTarget, directory: string, script: string): Promise<Tried> {
  const argv = [target.interpreter?.path ?? '', script, '--json', '--dir', directory];
  const ran = await server.programs.run(argv, {
    as: target.owner,
    cwd: directory,
    env: { PATH: '/usr/bin:/bin', HOME: target.home },
    timeout: 120_000,
  });
  try {
    const said: unknown = JSON.parse(ran.stdout);
    if (typeof said === 'object' && said !== null && 'tests' in said) return said as Tried;
  } catch {
    // Said below: it could not be tried.
  }
  const reason = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? '';
  throw new Problem('lock-trial', { reason: reason === '' ? `exit ${ran.code}` : reason.replace(/\.$/, '') });
}
