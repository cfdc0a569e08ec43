// lock status: is it held, by whom, since when, and when did it last show life.
import { oneOf } from '../ask/settle.ts';
import { holderLines } from '../show/locks.ts';
import { type Context, type Result, reportSchema, word } from './context.ts';
import { type LockState, lookAtLock } from './lockLook.ts';
import { type LockTarget, lockPath, lockTargets } from './lockTargets.ts';

/** Exit 0 when it can be told, 6 when not; with --expect, 3 when it is otherwise. */
export async function lockStatus(ctx: Context): Promise<Result> {
  const expect = oneOf(word(ctx, 'expect'), ['held', 'free'] as const, '--expect');
  const locks = [];
  for (const target of await lockTargets(ctx)) {
    const state = await lookAtLock(ctx.server, target);
    ctx.screen.print(
      ...holderLines(lockPath(target), state, ctx.server.now(), ctx.screen.out),
      ...(target.guarded ? [] : [ctx.screen.out.odd('  this worker has no guard: nothing locks this file')]),
    );
    locks.push({ target, state });
  }
  const unknown = locks.some(({ state }) => state.held === 'unknown');
  const wrong =
    expect !== undefined && locks.some(({ state }) => state.held !== expect && state.held !== 'unknown');
  const exit = wrong ? 3 : unknown ? 6 : 0;
  return {
    json: {
      schema: reportSchema,
      command: 'lock status',
      locks: locks.map(({ target, state }) => stateJson(target, state)),
      outcome: { is: wrong ? 'otherwise' : unknown ? 'inconclusive' : 'told', exit },
    },
    exit,
  };
}

/** A lock's state as --json prints it. */
export function stateJson(target: LockTarget, state: LockState): Record<string, unknown> {
  const { held, because, by, record, writer, holder } = state;
  return {
    path: lockPath(target),
    name: target.name,
    user: target.user,
    guarded: target.guarded,
    ...(target.script === undefined ? {} : { script: target.script }),
    held: held === 'unknown' ? null : held === 'held',
    ...(because === undefined ? {} : { because }),
    by,
    record: typeof record === 'string' ? null : record,
    writer,
    holder,
  };
}
