// Our own tries at a server that failed: its counters have them, whoever of us it was, and they are nobody else's refusals.
import { noTries, type OwnTries, sumOf } from '../database/refusals.ts';
import type { DatabaseLook } from '../survey/database.ts';
import { type Refused, withTry } from '../survey/ladder.ts';
import type { DatabaseSample } from './records.ts';

/** What all who look at one server from here have in common: its counters are one, and nobody of us is anybody's connection. */
export interface Together {
  /** Sessions that were ours; one that was given back a moment ago may be listed yet. */
  readonly ours: Set<number>;
  /** All our tries that failed so far, and those that met a full server. */
  own: OwnTries;
  full: number;
}

/** Nobody has looked yet. */
export const together = (): Together => ({ ours: new Set(), own: noTries, full: 0 });

/**
 * Tries of anybody's of us beyond those that were `told`. Asked when the counters were read: what is tried after that
 * raises the next look's.
 */
export function triesSince(
  { own, full }: Together,
  told: Omit<Together, 'ours'>,
): Pick<DatabaseSample, 'own' | 'ownFull'> {
  const more = { refused: own.refused - told.own.refused, denied: own.denied - told.own.denied };
  return {
    ...(more.refused + more.denied === 0 ? {} : { own: more }),
    ...(full === told.full ? {} : { ownFull: full - told.full }),
  };
}

/** A try of ours that failed just now. */
export function noteTry(together: Together, refused: Refused): void {
  together.own = withTry(together.own, refused);
  if (refused.failure.is === 'full' && refused.failure.by === 'server') together.full++;
}

/** A whole look's tries; it may have had several. The account's own against a full server are not among those the ladder counts. */
export function noteLook(together: Together, { own, refused, tries, by }: DatabaseLook): void {
  together.own = sumOf(together.own, own);
  const full = refused?.failure.is === 'full' && refused.failure.by === 'server';
  if (full) together.full += tries - (by === 'account' ? 1 : 0);
}
