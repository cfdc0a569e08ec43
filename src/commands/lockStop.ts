// lock stop: ends the run that holds a lock, and no other process: verified, asked, looked at again, signalled.
import { basename } from 'node:path/posix';
import { scriptOfArgv } from '../command/argv.ts';
import { interpreterKind } from '../command/interpreter.ts';
import { Problem } from '../problem.ts';
import type { Target } from '../server/server.ts';
import { holderLines } from '../show/locks.ts';
import { agree } from './carryOut.ts';
import { type Context, type Result, reportSchema } from './context.ts';
import { isStranger, type LockHolder, type LockState, lookAtLock, sameHolder } from './lockLook.ts';
import { stateJson } from './lockStatus.ts';
import { type LockTarget, lockPath, oneTarget } from './lockTargets.ts';

const pace = 200;

/** SIGTERM to the verified holder; after the grace time it has failed, unless --kill-after allows SIGKILL. */
export async function lockStop(ctx: Context): Promise<Result> {
  if (!ctx.consent.given && !ctx.consent.prompts)
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: 'cronlatch lock stop --script worker.php --ci',
    });
  const target = await oneTarget(ctx, 'lock stop');
  const state = await lookAtLock(ctx.server, target);
  ctx.screen.print(...holderLines(lockPath(target), state, ctx.server.now(), ctx.screen.out));
  if (state.held === 'free') {
    ctx.screen.print('Nothing holds it: nothing was done.');
    return resultOf(target, state, { is: 'free', exit: 0 });
  }
  const holder = stoppable(target, state);
  const aim = await aimAt(ctx, target, holder);
  await agree(ctx, `Ask PID ${holder.pid} to end (SIGTERM)?`);
  const again = await lookAtLock(ctx.server, target);
  if (again.holder.is !== 'verified' || !sameHolder(again.holder.process, holder)) {
    if (again.held === 'free') {
      ctx.screen.print('It has ended by itself meanwhile: nothing was done.');
      return resultOf(target, again, { is: 'free', exit: 0 });
    }
    throw new Problem('changed-since', { what: `the holder of ${lockPath(target)}` });
  }
  return ctx.interrupts.guard(() => end(ctx, target, holder, aim));
}

async function end(ctx: Context, target: LockTarget, holder: LockHolder, aim: Target): Promise<Result> {
  const { server } = ctx;
  const { grace, killAfter } = ctx.settings.latching;
  const sent = await send(ctx, aim, 'SIGTERM');
  const asked = server.elapsed();
  let killed = false;
  while (await isThere(ctx, holder)) {
    const seconds = (server.elapsed() - asked) / 1000;
    const limit = killAfter === undefined ? grace : killAfter + (killed ? 10 : 0);
    const heard = ctx.interrupts.heard();
    if (heard !== 'no')
      throw new Problem(
        'interrupted',
        { what: `Interrupted. PID ${holder.pid} was asked to end and may still be at it.` },
        { exit: heard === 'SIGINT' ? 130 : 143 },
      );
    if (seconds >= limit) {
      if (killAfter === undefined || killed)
        throw new Problem('still-running', {
          count: 1,
          script: aim.script,
          grace: Math.floor(seconds),
          pids: [String(holder.pid)],
        });
      await send(ctx, aim, 'SIGKILL');
      killed = true;
      continue;
    }
    const doing = await server.processes.doing(holder.pid);
    ctx.screen.tell({
      code: 'waiting',
      pids: [holder.pid],
      seconds: Math.floor(seconds),
      grace: killAfter ?? grace,
      doing: doing === 'gone' ? [] : [{ pid: holder.pid, ...doing }],
    });
    await server.wait(pace);
  }
  const after = await lookAtLock(server, target);
  const how = killed ? 'killed' : sent === 'gone' ? 'gone' : 'stopped';
  if (after.held === 'held' && after.holder.is !== 'verified') {
    ctx.screen.print(...holderLines(lockPath(target), after, server.now(), ctx.screen.out));
    throw new Problem('lock-unverified', { path: lockPath(target), reason: reasonFor(after) });
  }
  ctx.screen.print(
    `PID ${holder.pid} has ended${killed ? ' (SIGKILL)' : ''}. ${after.held === 'held' ? 'The next run has the lock already.' : 'The lock is free.'}`,
  );
  return resultOf(target, after, { is: how, exit: 0, pid: holder.pid });
}

async function send(ctx: Context, aim: Target, signal: 'SIGTERM' | 'SIGKILL'): Promise<'sent' | 'gone'> {
  const said = await ctx.server.processes.signal(aim, signal);
  ctx.screen.tell({ code: 'signalled', pid: aim.pid, signal, said });
  if (said === 'different') throw new Problem('changed-since', { what: `PID ${aim.pid}` });
  return said;
}

async function isThere(ctx: Context, holder: LockHolder): Promise<boolean> {
  const rows = await ctx.server.processes.list();
  return rows.some((row) => sameHolder(row, holder) && row.state !== 'Z');
}

/** The process that may be asked to end; throws where it cannot be told who holds the lock. */
function stoppable(target: LockTarget, state: LockState): LockHolder {
  const { holder } = state;
  if (holder.is !== 'verified')
    throw new Problem('lock-unverified', { path: lockPath(target), reason: reasonFor(state) });
  if (isStranger(holder.process, target.owner))
    throw new Problem('lock-unverified', {
      path: lockPath(target),
      reason: `PID ${holder.process.pid} runs as uid ${holder.process.uid}, the lock belongs to uid ${target.owner.uid}`,
    });
  return holder.process;
}

function reasonFor({ held, because, holder, writer }: LockState): string {
  if (held === 'unknown') return because ?? 'it cannot be told whether it is held';
  if (holder.is === 'other') {
    const names = holder.processes.map((p) => `PID ${p.pid} (${p.argv.join(' ').slice(0, 60)})`).join(', ');
    return `held by ${names}, which did not write its record: probably started by a worker that is ${writer === 'alive' ? 'still at work' : 'dead'}`;
  }
  return 'the process that holds it cannot be seen from here';
}

/** What the signal is aimed at: the script's own word in the process's command line, resolved as the process sees it. */
async function aimAt(ctx: Context, target: LockTarget, holder: LockHolder): Promise<Target> {
  const { processes } = ctx.server;
  const kind = interpreterKind(basename(holder.exe));
  const runs = kind === 'none' ? 'none' : scriptOfArgv(kind, holder.argv);
  const script = runs === 'none' ? 'unseen' : await processes.resolve(holder.pid, runs.script, target.script);
  if (runs !== 'none' && script !== 'unseen' && (target.script ?? script) === script)
    return { pid: holder.pid, start: holder.start, uid: holder.uid, script, word: runs.script };
  throw new Problem('lock-unverified', {
    path: lockPath(target),
    reason: `PID ${holder.pid} does not run ${target.script ?? 'a script that can be seen'}`,
  });
}

function resultOf(
  target: LockTarget,
  state: LockState,
  outcome: { readonly is: string; readonly exit: 0; readonly pid?: number },
): Result {
  return {
    json: { schema: reportSchema, command: 'lock stop', lock: stateJson(target, state), outcome },
    exit: outcome.exit,
  };
}
