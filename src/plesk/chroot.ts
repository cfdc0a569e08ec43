// Plesk's chroot shell: what its name is, and where a path of the command is on the host (fact: chroot-line).
import type { Bytes } from '../crontab/crontab.ts';

/** Is this the shell that Plesk gives to users who may not leave their webspace? */
export function isChrootShell(shell: Bytes): boolean {
  return /(?:^|\/)chrootsh$/.test(shell);
}

/**
 * A path of a command that runs in the chroot, as the host has it. One that names the home in full was written by somebody
 * who did not know of the chroot: the same file is meant.
 */
export function outsideOf(home: Bytes, path: Bytes): Bytes {
  if (path === home || path.startsWith(`${home}/`)) return path;
  return path === '/' ? home : `${home}${path}`;
}
