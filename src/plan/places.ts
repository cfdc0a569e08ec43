// Can the worker's user write where its lock, guard and log are to be? Asked of the mode bits before anything is touched.
import { dirname, join } from 'node:path/posix';
import type { Owner, Seen } from '../server/server.ts';
import type { Facts, Finding, Job, Places } from '../survey/facts.ts';
import type { Guarding } from './guard.ts';

/** Reasons why this worker's lock, guard or log cannot be where the plan has them. */
export function inTheWay(facts: Facts, job: Job, guard: Guarding): Finding[] {
  if (!job.live || job.places === 'none') return [];
  const ours = job.places.logIs === 'ours';
  const taken = guard.place !== 'none' || ours ? placeTaken(facts, job, job.places) : [];
  if (guard.guard !== undefined) taken.push(...guardTaken(facts, job, guard.guard));
  return ours && taken.length > 0 ? taken : [...taken, ...logUnwritable(job, job.places)];
}

/**
 * What stands in the way of the directories we make for this worker, and of its lock. The site's user may have laid
 * anything there, a link into another's home included.
 */
function placeTaken(facts: Facts, job: Job, places: Places): Finding[] {
  const { base, directory, name } = places;
  const below = directory.startsWith(`${base}/`) ? [base, directory] : [directory];
  const groups = [job.owner.gid];
  let last = { path: dirname(base), seen: seenAt(facts, dirname(base)) };
  for (const path of below) {
    const seen = seenAt(facts, path);
    if (seen.is === 'absent') break;
    if (seen.is !== 'directory') return [taken(job, path)];
    last = { path, seen };
  }
  // A home of root's making does not exist yet, or is given to the user when it is made.
  if (last.seen.is === 'directory' && !may(job.owner, groups, last.seen, 3)) return [taken(job, last.path)];
  const lock = join(directory, `${name}.lock`);
  const held = seenAt(facts, lock);
  const fits = held.is === 'absent' || (held.is === 'file' && may(job.owner, groups, held, 2));
  return fits ? [] : [taken(job, lock)];
}

/** Something that is no file stands where the guard is to be. */
function guardTaken(facts: Facts, job: Job, guard: string): Finding[] {
  const seen = seenAt(facts, guard);
  return seen.is === 'absent' || seen.is === 'file' ? [] : [taken(job, guard)];
}

/** A shell that cannot open the log runs nothing, at every tick, and says so only in cron's mail. */
function logUnwritable(job: Job, places: Places): Finding[] {
  const { seen, way, groups } = places.logAt;
  if (places.logIs === 'piped') return [];
  const opener = places.logOwner;
  const at = whatRefuses();
  return at === 'nothing'
    ? []
    : [
        {
          level: 'stop',
          code: 'log-unwritable',
          where: { source: job.sourceName, line: job.line },
          args: { log: places.log, path: at, user: job.user.name },
        },
      ];

  function whatRefuses(): string {
    const closed = way.find((step) => step.seen.is !== 'directory' || !may(opener, groups, step.seen, 1));
    if (closed !== undefined) return closed.path;
    switch (seen.is) {
      case 'file':
        return may(opener, groups, seen, 2) ? 'nothing' : places.log;
      case 'directory':
      case 'link':
        return places.log;
      case 'other':
        // A device or a pipe is odd, but somebody's wish.
        if (seen.what === 'unreadable') return places.log;
        return seen.own === undefined || may(opener, groups, seen.own, 2) ? 'nothing' : places.log;
      case 'absent': {
        const [above] = way;
        // Our own places are judged as such; root makes their first directories.
        if (above?.seen.is !== 'directory' || places.logIs === 'ours') return 'nothing';
        return may(opener, groups, above.seen, 3) ? 'nothing' : above.path;
      }
    }
  }
}

/** 1 is to search, 2 to write, 3 both. Who owns a thing is judged by the owner's bits alone, as the kernel does. */
function may(
  owner: Owner,
  groups: readonly number[],
  it: { readonly mode: number; readonly uid: number; readonly gid: number },
  bits: 1 | 2 | 3,
): boolean {
  if (owner.uid === 0) return true;
  const shift = it.uid === owner.uid ? 6 : groups.includes(it.gid) ? 3 : 0;
  return ((it.mode >> shift) & bits) === bits;
}

function seenAt(facts: Facts, path: string): Seen {
  return facts.paths.get(path) ?? { is: 'absent' };
}

function taken(job: Job, path: string): Finding {
  return {
    level: 'stop',
    code: 'place-taken',
    where: { source: job.sourceName, line: job.line },
    args: { path, user: job.user.name },
  };
}
