// Which files in /etc/cron.d a cron reads.
import type { Dialect } from './crontab.ts';

/**
 * Does this dialect's cron load a file of this name from /etc/cron.d? (crontab.md 2.6, measured and read.)
 *
 * Debian: letters, digits, `_` and `-` only. cronie: anything that does not look hidden, like an editor's backup or
 * like something rpm left behind; so a `worker.bak` is dead on one and runs on the other.
 *
 * @param lsb Debian's cron was started with `-l`: the LSB's names, which may hold a dot before a hyphen
 */
export function cronDirName(name: string, dialect: Dialect, lsb = false): boolean {
  if (dialect === 'debian') {
    if (!lsb) return /^[A-Za-z0-9_-]+$/.test(name);
    if (/^_?(?:[a-z0-9_.]+-)+[a-z0-9]+$/.test(name)) return !/^[a-z0-9-].*dpkg-(?:old|dist)$/.test(name);
    return /^[a-z0-9][a-z0-9-]*$/.test(name);
  }
  if (name === '' || /[/\0]/.test(name)) return false;
  return !/^[.#]|~$|.\.rpm(?:save|orig|new)$/.test(name);
}
