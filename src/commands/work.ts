// Being the one deployer: the lock, unfinished business, and the bell that apply rings.

import type { Bell } from '../apply/stop.ts';
import { defaultState, seconds } from '../ask/settle.ts';
import { shellQuote } from '../command/quote.ts';
import { canResume, unfinished } from '../journal/fate.ts';
import { type Pen, prepareState } from '../journal/journal.ts';
import type { Journal } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { Holder, Latch } from '../server/server.ts';
import { type Context, word } from './context.ts';
import { refuseUntrusted } from './trust.ts';

/** Does `act` while nobody else deploys. Takes the state directory's lock, says who left it behind, releases it. */
export async function alone<T>(ctx: Context, command: string, act: () => Promise<T>): Promise<T> {
  const { server, settings } = ctx;
  await refuseUntrusted(server, settings.stateDirectory);
  await prepareState(server, settings.stateDirectory);
  const since = new Date(server.now()).toISOString();
  const holder = { id: `${server.self.pid}`, who: server.self.user, command, since, pid: server.self.pid };
  const got = await takeLatch(ctx, holder);
  if (got.leftBy !== undefined)
    ctx.screen.say(
      `Taking over: PID ${got.leftBy.pid} (${got.leftBy.command}, ${got.leftBy.since}) is gone.`,
    );
  try {
    return await act();
  } finally {
    await got.release();
  }
}

/** Tries for as long as --wait says. Throws 'locked' (exit 5) with the holder's name when it is still held then. */
async function takeLatch(
  ctx: Context,
  holder: Holder,
): Promise<Extract<Awaited<ReturnType<Latch['take']>>, { is: 'mine' }>> {
  const { server, settings } = ctx;
  const asked = server.elapsed();
  const patience = seconds(word(ctx, 'wait') ?? '0', '--wait');
  for (;;) {
    const got = await server.latch.take(`${settings.stateDirectory}/lock`, holder);
    if (got.is === 'mine') return got;
    const waited = (server.elapsed() - asked) / 1000;
    const args =
      got.holder === 'unknown'
        ? { who: 'someone', since: 'just now', pid: '?', command: '?' }
        : {
            who: got.holder.who,
            since: got.holder.since,
            pid: got.holder.pid,
            command: got.holder.command,
          };
    if (waited >= patience) throw new Problem('locked', args);
    ctx.screen.tell({ code: 'locked-out', ...args, seconds: Math.floor(waited), grace: patience });
    await server.wait(250);
  }
}

/** Throws 'unfinished' (exit 5) when an earlier deployment was cut off. */
export function refuseUnfinished(ctx: Context, journals: readonly Journal[]): void {
  const [first] = unfinished(journals);
  if (first !== undefined) throw unfinishedProblem(ctx, journals, first);
}

/** What was cut off, and the ways out that are really there. */
export function unfinishedProblem(ctx: Context, journals: readonly Journal[], journal: Journal): Problem {
  const { command, id, at, of } = journal.open;
  const where = stateFlag(ctx);
  return new Problem('unfinished', {
    command,
    id,
    at,
    rollback: `${of ?? id}${where}`,
    resume: canResume(journals, journal) ? `${id}${where}` : '',
  });
}

/** ` --state-dir DIR` for a command line we print, where a bare one would look somewhere else. */
export function stateFlag(ctx: Context): string {
  const { stateDirectory } = ctx.settings;
  return stateDirectory === defaultState(ctx.around) ? '' : ` --state-dir ${shellQuote(stateDirectory)}`;
}

/** The bell for apply: progress to the screen, signals to the journal. */
export function bellFor(ctx: Context, pen: Pen): Bell {
  return {
    tell: (event) => ctx.screen.tell(event),
    interrupted: () => ctx.interrupts.heard(),
    record: (pid, signal, said) =>
      pen.write({ is: 'signal', at: new Date(ctx.server.now()).toISOString(), pid, signal, said }),
    ...(ctx.consent.prompts
      ? {
          mayKill: async (script, pids, seconds) =>
            (await ctx.ask()).confirm(
              `${pids.length} instance(s) of ${script} still run after ${seconds} s (PID ${pids.join(', ')}). Kill them?`,
            ),
        }
      : {}),
  };
}
