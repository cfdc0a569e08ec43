// A spool directory of a test's own, with the owners and modes that cron and crontab(1) ask for.
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { As } from './cron.ts';

/** The group of crontab(1) on this machine. */
export const crontabGroup = (): number =>
  Number(/^crontab:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]);

/** Makes `directory`, which is to stand at /var/spool/cron, and the crontabs directory in it. */
export function makeSpool(directory: string): void {
  const crontabs = join(directory, 'crontabs');
  mkdirSync(crontabs, { recursive: true });
  chownSync(crontabs, 0, crontabGroup());
  chmodSync(crontabs, 0o1730);
}

/** Puts a user's crontab into such a spool. Returns its path. */
export function putCrontab(directory: string, user: As, text: string): string {
  const path = join(directory, 'crontabs', user.name);
  writeFileSync(path, text);
  chownSync(path, user.uid, crontabGroup());
  chmodSync(path, 0o600);
  return path;
}

/** In front of a program: it takes `directory` for /var/spool/cron, and nobody else does. */
export const withSpool = (directory: string): string[] => [
  ...['unshare', '-m', '--propagation', 'private', 'sh', '-c'],
  ...[`mount --bind ${directory} /var/spool/cron && exec "$@"`, 'sh'],
];
