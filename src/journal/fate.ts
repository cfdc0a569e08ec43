// What became of each deployment, read from its own journal and from those of its rollbacks.
import { type CloseState, type Journal, stateOf } from './records.ts';

/** 'stands': the entries run as deployed. A form stands too, but in the way it says. */
export interface Fate {
  readonly is: 'stands' | 'long-running' | 'disabled' | 'unfinished' | Exclude<CloseState, 'deployed'>;
  /** The journal that made it so. */
  readonly by?: string;
}

/** The fate of a deployment; of a rollback, how it ended. `journals` are all there are, oldest first. */
export function fateOf(journals: readonly Journal[], journal: Journal): Fate {
  const state = stateOf(journal);
  if (state !== 'deployed') {
    const close = journal.records.findLast((r) => r.is === 'close');
    return { is: state, ...(close?.by === undefined ? {} : { by: close.by }) };
  }
  const done = rollbacksOf(journals, journal).filter((j) => stateOf(j) === 'rolled-back');
  // Nothing is done on top of a deployment that is taken back, so 'before' is always the last word.
  const last = done.find((j) => j.open.to === 'before') ?? done.at(-1);
  if (last === undefined) return { is: 'stands' };
  const { to, id } = last.open;
  return { is: to === undefined || to === 'before' ? 'rolled-back' : to, by: id };
}

/** The rollbacks of a deployment that were begun, whatever became of them. */
export function rollbacksOf(journals: readonly Journal[], journal: Journal): Journal[] {
  return journals.filter((j) => j.open.command === 'rollback' && j.open.of === journal.open.id);
}

/** Journals that nobody has settled: a deployment or a rollback that was cut off. */
export function unfinished(journals: readonly Journal[]): Journal[] {
  return journals.filter((journal) => stateOf(journal) === 'unfinished');
}

/** Can a deployment that was cut off be carried on? Not when a rollback of it was begun and not undone. */
export function canResume(journals: readonly Journal[], journal: Journal): boolean {
  return (
    journal.open.command === 'deploy' &&
    stateOf(journal) === 'unfinished' &&
    rollbacksOf(journals, journal).every((j) => stateOf(j) === 'failed')
  );
}

/** Deployments whose entries run as deployed, oldest first. */
export function standing(journals: readonly Journal[]): Journal[] {
  return deployments(journals, ['stands']);
}

/** Deployments that were brought into another form and not taken back since. */
export function inForm(journals: readonly Journal[]): Journal[] {
  return deployments(journals, ['long-running', 'disabled']);
}

/** Deployments that can be taken back: those that stand, as deployed or in another form. */
export function held(journals: readonly Journal[]): Journal[] {
  return deployments(journals, ['stands', 'long-running', 'disabled']);
}

/** Deployments that were in place once and were taken back later. */
export function takenBack(journals: readonly Journal[]): Journal[] {
  return deployments(journals, ['rolled-back']).filter((j) => stateOf(j) === 'deployed');
}

/**
 * Deployments and rollbacks of others that were carried out since, in order. A deploy that put itself back, when a
 * check had failed, has done nothing in the end; a deployment's own rollbacks are its own business.
 */
export function doneSince(journals: readonly Journal[], journal: Journal): Journal[] {
  return journals
    .slice(journals.indexOf(journal) + 1)
    .filter((j) => j.open.of !== journal.open.id)
    .filter((j) => stateOf(j) === (j.open.command === 'deploy' ? 'deployed' : 'rolled-back'));
}

function deployments(journals: readonly Journal[], fates: readonly Fate['is'][]): Journal[] {
  return journals.filter((j) => j.open.command === 'deploy' && fates.includes(fateOf(journals, j).is));
}
