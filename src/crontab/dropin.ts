// Whether a cron reads a file at all: its name, owner, mode, links. What stands in it is parse.ts's matter.
import type { Dialect } from './crontab.ts';
import { cronDirName } from './name.ts';

/** What lstat and stat say of a file that cron may read. */
export interface CronFile {
  readonly name: string;
  /** The owner of the symbolic link, where the name is one. */
  readonly link?: { readonly uid: number };
  /** What the name leads to, links followed. */
  readonly target: CronTarget | 'absent';
}

interface CronTarget {
  readonly regular: boolean;
  readonly uid: number;
  /** Permission bits (07777). */
  readonly mode: number;
  readonly links: number;
}

/** `spool` is one user's crontab, whose name is the user's. */
export type CronPlace =
  | { readonly is: 'cron.d' }
  | { readonly is: 'system' }
  | { readonly is: 'spool'; readonly uid: number };

export type NotLoaded =
  | 'name'
  /** A user's crontab may not be a symbolic link (Debian). */
  | 'symlink'
  /** A symbolic link that is not root's (Debian). */
  | 'symlink-owner'
  | 'broken-symlink'
  | 'absent'
  | 'owner'
  | 'not-a-file'
  /** Group or others may write. */
  | 'writable'
  /** Any other mode this cron will not have: set-uid and sticky bits, an executable file, not exactly 0600. */
  | 'mode'
  | 'hard-links';

/**
 * Why this dialect's daemon passes a file over; nothing when it loads it. The order is that of its own checks, so the
 * first is what its log names.
 *
 * Shown with the daemons of both by test/machine/cronReads.test.ts. Debian: system files are root's, not writable for
 * others, with one hard link, and a symbolic link to one must be root's too; a user's is exactly 0600. cronie: one rule
 * of modes for all, symbolic links are followed, hard links are counted for users' crontabs only.
 */
export function whyNotLoaded(file: CronFile, place: CronPlace, dialect: Dialect): readonly NotLoaded[] {
  return dialect === 'debian' ? debianFaults(file, place) : cronieFaults(file, place);
}

function ownerFits(uid: number, place: CronPlace): boolean {
  return uid === 0 || (place.is === 'spool' && uid === place.uid);
}

function debianFaults({ name, link, target }: CronFile, place: CronPlace): NotLoaded[] {
  const spool = place.is === 'spool';
  const faults: NotLoaded[] = [];
  if (place.is === 'cron.d' && !cronDirName(name, 'debian')) faults.push('name');
  if (spool && name.startsWith('.')) faults.push('name');
  if (link !== undefined && spool) faults.push('symlink');
  if (link !== undefined && !spool && link.uid !== 0) faults.push('symlink-owner');
  if (target === 'absent') return [...faults, link === undefined ? 'absent' : 'broken-symlink'];
  if (!ownerFits(target.uid, place)) faults.push('owner');
  if (!target.regular) faults.push('not-a-file');
  if ((target.mode & 0o022) !== 0) faults.push('writable');
  else if (spool && (target.mode & 0o7777) !== 0o600) faults.push('mode');
  if (target.links !== 1) faults.push('hard-links');
  return faults;
}

/** The bits cronie wants clear but for the owner's read bit: anything executable, writable for others, set-uid, sticky. */
const CRONIE_MODE = 0o7533;

function cronieFaults({ name, link, target }: CronFile, place: CronPlace): NotLoaded[] {
  const faults: NotLoaded[] = [];
  if (place.is !== 'system' && !cronDirName(name, 'cronie')) faults.push('name');
  if (target === 'absent') return [...faults, link === undefined ? 'absent' : 'broken-symlink'];
  if (!target.regular) faults.push('not-a-file');
  if ((target.mode & 0o022) !== 0) faults.push('writable');
  else if ((target.mode & CRONIE_MODE) !== 0o400) faults.push('mode');
  if (!ownerFits(target.uid, place)) faults.push('owner');
  if (place.is === 'spool' && target.links !== 1) faults.push('hard-links');
  return faults;
}
