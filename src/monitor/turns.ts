// Who looks at a database when: one look for all workers of an account, and one after the other where a server is shared.
import type { Latched } from '../change/plan.ts';
import { Problem } from '../problem.ts';
import type { Watchee } from '../verify/database.ts';
import { type DatabaseEyes, databaseEyes, type EyesOn } from './databaseEyes.ts';
import { type Together, together } from './ownTries.ts';
import type { DatabaseSample, Observation } from './records.ts';

interface Looking extends Pick<EyesOn, 'server' | 'jobs' | 'chance'> {
  readonly workers: readonly Latched[];
  readonly databases: readonly Watchee[];
}

/** One look is for all workers that have the same credentials for the same place. */
export interface LookAt {
  readonly workers: number[];
  readonly eyes: DatabaseEyes;
  readonly place: Place;
  busy: boolean;
}

/** Whoever looks at one server goes one after the other: two of our own connections might be two of the account's five. */
interface Place {
  readonly together: Together;
  turn: Promise<void> | 'free';
}

/** The looks that a watch of these workers needs. */
export function looksAt({ server, workers, databases, jobs, chance }: Looking): LookAt[] {
  const places = new Map<string, Place>();
  const looks = new Map<string, LookAt>();
  for (const { worker, found } of databases) {
    const at = JSON.stringify(found.place);
    const place: Place = places.get(at) ?? { together: together(), turn: 'free' };
    places.set(at, place);
    const { user, database } = found.credentials;
    const key = JSON.stringify([at, user, database, found.where]);
    const known = looks.get(key);
    if (known === undefined) {
      const eyes = databaseEyes({ server, found, jobs, chance, together: place.together });
      looks.set(key, { workers: [workers.indexOf(worker)], eyes, place, busy: false });
    } else known.workers.push(workers.indexOf(worker));
  }
  return [...looks.values()];
}

/** A look at a database beside the samples: it may take longer than one of them. */
export async function lookInTurn(
  { workers, eyes, place }: LookAt,
  moment: () => { t: number; w: number },
  note: (record: Observation) => Promise<void>,
  which: 'one' | 'last' = 'one',
): Promise<void> {
  while (place.turn !== 'free') await place.turn;
  let done = (): void => {};
  place.turn = new Promise((resolve) => {
    done = resolve;
  });
  let look: Omit<DatabaseSample, 'is' | 'worker' | 't' | 'w'>;
  try {
    look = await eyes.look(moment().t, which);
  } catch (error) {
    // Watching a database is no reason for the watch to end.
    if (!(error instanceof Problem)) throw error;
    look = { by: 'kernel', unreached: error.code };
  } finally {
    place.turn = 'free';
    done();
  }
  const at = moment();
  for (const worker of workers) await note({ is: 'database', worker, ...at, ...look });
}
