// Which journals nothing needs any more.
import { fateOf, held, unfinished } from './fate.ts';
import { type Journal, stateOf } from './records.ts';

/**
 * The journals that may go when the last `keep` good deployments are to stay. Never one that is unfinished or stands
 * in any form, nor its rollbacks; nor one that left a file to a deployment that stands, since the way back of that one
 * leads through it. `journals` are all there are, oldest first.
 */
export function prunable(journals: readonly Journal[], keep: number): Journal[] {
  const deployments = journals.filter((j) => j.open.command === 'deploy');
  const standing = held(journals);
  const kept = new Set<Journal>([
    ...standing,
    ...unfinished(journals),
    ...deployments.filter((j) => stateOf(j) === 'deployed').slice(-keep),
  ]);
  const needed = standing.flatMap((j) => [...made(j), ...called(j)]);
  for (const journal of deployments) {
    const left = fateOf(journals, journal).is === 'rolled-back' && stateOf(journal) === 'deployed';
    const mine = made(journal);
    if (left && needed.some((path) => mine.some((m) => path === m || path.startsWith(`${m}/`))))
      kept.add(journal);
  }
  const ids = new Set([...kept].map((j) => j.open.id));
  // A rollback goes with its deployment, and an unfinished one keeps its deployment.
  for (const { open } of kept) if (open.of !== undefined) ids.add(open.of);
  return journals.filter(({ open }) => !ids.has(open.id) && (open.of === undefined || !ids.has(open.of)));
}

/** Files and directories that it made or changed. */
function made({ open }: Journal): string[] {
  return open.plan.steps.flatMap((step) =>
    step.kind === 'put-file' || step.kind === 'make-directory' ? [step.path] : [],
  );
}

/** Files that its workers call. */
function called({ open }: Journal): string[] {
  return open.plan.workers.flatMap(({ lock, script }) => (lock === undefined ? [] : [lock.guard, script]));
}
