// Being the one deployer: the lock, unfinished business, and the bell that apply rings.

import type { Bell } from '../apply/stop.ts';
import { type Pen, prepareState, unfinished } from '../journal/journal.ts';
import type { Journal } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import type { Context } from './context.ts';
import { refuseUntrusted } from './trust.ts';

/** Does `act` while nobody else deploys. Takes the state directory's lock, says who left it behind, releases it. */
export async function alone<T>(ctx: Context, command: string, act: () => Promise<T>): Promise<T> {
  const { server, settings } = ctx;
  if (server.self.root) await refuseUntrusted(server, settings.stateDirectory);
  await prepareState(server, settings.stateDirectory);
  const since = new Date(server.now()).toISOString();
  const holder = { id: `${server.self.pid}`, who: server.self.user, command, since, pid: server.self.pid };
  const got = await server.latch.take(`${settings.stateDirectory}/lock`, holder);
  if (got.is === 'held') {
    const { holder: other } = got;
    const args =
      other === 'unknown'
        ? { who: 'someone', since: 'just now', pid: '?', command: '?' }
        : { who: other.who, since: other.since, pid: other.pid, command: other.command };
    throw new Problem('locked', args);
  }
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

/** Throws 'unfinished' (exit 5) when an earlier deployment was cut off. */
export function refuseUnfinished(journals: readonly Journal[]): void {
  const [first] = unfinished(journals);
  if (first === undefined) return;
  const { open } = first;
  throw new Problem('unfinished', { command: open.command, id: open.of ?? open.id, at: open.at });
}

/** The bell for apply: progress to the screen, signals to the journal. */
export function bellFor(ctx: Context, pen: Pen): Bell {
  return {
    tell: (event) => ctx.screen.tell(event),
    interrupted: () => ctx.interrupts.heard(),
    record: (pid, signal, said) =>
      pen.write({ is: 'signal', at: new Date(ctx.server.now()).toISOString(), pid, signal, said }),
  };
}
