// Is a worker's database at work for other machines, too? Asked before the wizard asks whether a second lock is wanted.
import { otherMachines } from '../database/owners.ts';
import { Problem } from '../problem.ts';
import { lookAtDatabase } from '../survey/database.ts';
import type { Job } from '../survey/facts.ts';
import { entryGuard } from '../worker/entry.ts';
import type { Context } from './context.ts';
import { credentialsFor } from './databaseAccess.ts';

export interface Elsewhere {
  readonly machines: readonly string[];
  /** The application's own file with the credentials. */
  readonly from: string;
}

/**
 * The other machines that are seen with the account of the application's .env; none where that cannot be told, or is not
 * wanted. One look with the account's own session: no administrator is tried for it.
 */
export async function seenElsewhere(ctx: Context, job: Job): Promise<Elsewhere | 'none'> {
  const { script, live, owner, user } = job;
  const { latching } = ctx.settings;
  if (typeof script === 'string' || !live || job.places === 'none') return 'none';
  const held = script.guard === 'none' ? entryGuard(job.command) : script.guard;
  if (held !== 'none' && held.shared !== undefined) return 'none';
  if (latching.without.includes('database') || latching.without.includes('guard')) return 'none';
  try {
    const as = ctx.server.self.root ? owner : ctx.server.self.owner;
    const directory = script.path.slice(0, script.path.lastIndexOf('/'));
    const { found } = await credentialsFor(ctx, { as, home: user.home, directory });
    if (found === 'none' || found.source !== 'dotenv' || found.wrongPort !== undefined) return 'none';
    const open = await lookAtDatabase(ctx.server, found, { administrators: 'leave' });
    await open.close();
    const machines = otherMachines(open.look.connections);
    return machines.length === 0 ? 'none' : { machines, from: found.where };
  } catch (error) {
    if (error instanceof Problem && error.code !== 'usage') return 'none';
    throw error;
  }
}
