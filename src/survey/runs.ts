// How long a worker's run takes: told by one that runs now, or by what the guard wrote down about the last one.
import type { Owner } from '../server/server.ts';
import type { Instance } from './instances.ts';
import { type Look, once } from './look.ts';
import { peek, peekLock } from './peek.ts';

/** Ticks of /proc a second: 100 on every Linux (USER_HZ). */
const TICKS = 100;

/** The longest run that can be seen; 'unseen' when none can. */
export async function measuredRun(
  look: Look,
  instances: readonly Instance[],
  lock: string | undefined,
  as: Owner,
): Promise<{ seconds: number; measured: string } | 'unseen'> {
  let longest: { seconds: number; measured: string } | 'unseen' = 'unseen';
  const take = (seconds: number, measured: string): void => {
    if (longest === 'unseen' || seconds > longest.seconds) longest = { seconds, measured };
  };
  if (instances.length > 0) {
    const up = await once(look, 'uptime', () => uptime(look));
    for (const { pid, start } of instances) {
      // In a container the two may count from different boots: then nothing is claimed.
      const seconds = Math.floor(up - Number(start) / TICKS);
      if (seconds >= 0 && seconds <= up) take(seconds, `PID ${pid}`);
    }
  }
  if (lock !== undefined) {
    const seen = await peekLock(look.server, lock, as);
    const seconds = seen.is === 'file' ? lastRun(seen.bytes) : undefined;
    if (seconds !== undefined) take(seconds, 'last run');
  }
  return longest;
}

async function uptime(look: Look): Promise<number> {
  const seen = await peek(look.server, '/proc/uptime', look.server.self.owner);
  return seen.is === 'file' ? Number.parseFloat(seen.bytes) || 0 : 0;
}

/** Seconds of the run the guard's record is about, when that has ended. */
function lastRun(bytes: string): number | undefined {
  try {
    const { started, ended } = JSON.parse(bytes.slice(0, 1024).trim()) as Record<string, unknown>;
    return typeof started === 'number' && typeof ended === 'number' && ended >= started
      ? ended - started
      : undefined;
  } catch {
    return undefined; // no record, or one that is being written
  }
}
