// Acting as another user: root becomes the site's user for the length of one synchronous act.
import { Problem } from '../problem.ts';
import type { Owner } from './server.ts';

/** Who this process is whenever it is not acting as somebody else. */
const uid = process.geteuid?.() ?? 0;
const gid = process.getegid?.() ?? 0;

/**
 * Runs `act` with the effective uid and gid of `as`. The kernel then judges every path as it would for that
 * user, so a symlink or a swapped directory that the user laid can only lead where the user may go anyway.
 * `act` must be synchronous: nothing else may run while the process is somebody else (seteuid(2) is process-wide).
 */
export function actAs<T>(as: Owner, act: () => T): T {
  if (uid === as.uid) {
    // An ordinary user's gid cannot be chosen; root acting as root keeps root's.
    return act();
  }
  if (uid !== 0) {
    throw new Problem('not-allowed', {
      act: `act as uid ${as.uid}`,
      reason: `This process runs as uid ${uid}.`,
    });
  }
  const groups = process.getgroups?.() ?? [];
  try {
    // The group first: process.getgroups() counts the effective group in, and root's must not be among the user's.
    process.setegid?.(as.gid);
    process.setgroups?.(groupsOf(as));
    process.seteuid?.(as.uid);
    return act();
  } finally {
    process.seteuid?.(uid);
    process.setegid?.(gid);
    process.setgroups?.(groups);
  }
}

/** The further groups of a user, as the kernel is told them; none where root acts as root. */
export function furtherGroups(as: Owner): number[] {
  if (uid !== 0 || as.uid === 0) return [];
  return actAs(as, () => process.getgroups?.() ?? []).filter((group) => group !== as.gid);
}

const known = new Map<string, number[]>();

/** The user's own groups and no others: never those of the file at hand. */
function groupsOf(as: Owner): number[] {
  const key = `${as.uid}:${as.gid}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  let groups = [as.gid];
  try {
    // Missing in Node's types; there wherever setgroups is.
    (process as { initgroups?: (user: number, gid: number) => void }).initgroups?.(as.uid, as.gid);
    groups = process.getgroups?.() ?? groups;
  } catch {
    // A uid without a name has no groups to be in.
  }
  known.set(key, groups);
  return groups;
}
