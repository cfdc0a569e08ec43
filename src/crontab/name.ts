// Which files in /etc/cron.d a cron reads.
import type { Dialect } from './crontab.ts';

/**
 * Does this dialect's cron load a file of this name from /etc/cron.d? (crontab.md 2.6, measured and read.)
 *
 * Debian: letters, digits, `_` and `-` only (cron without `-l`). cronie: anything that does not look hidden, like
 * an editor's backup or like something rpm left behind; so a `worker.bak` is dead on one and runs on the other.
 */
export function cronDirName(name: string, dialect: Dialect): boolean {
  if (dialect === 'debian') return /^[A-Za-z0-9_-]+$/.test(name);
  if (name === '' || /[/\0]/.test(name)) return false;
  return !/^[.#]|~$|\.rpm(?:save|orig|new)$/.test(name);
}
