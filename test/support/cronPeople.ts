// Users that a test makes and removes, each with a home of its own.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { As } from './cron.ts';
import { endAll, rowsOf } from './cronProcesses.ts';

const made: As[] = [];
const groups: string[] = [];

/** Makes the user cronlatch-test-PID-N with a home below `directory`. */
export function makeUser(directory: string): As {
  const name = `cronlatch-test-${process.pid}-${made.length + 1}`;
  const home = join(directory, name);
  // Another useradd may hold the lock of /etc/passwd for a moment.
  for (let left = 20; ; left--) {
    const ran = spawnSync('useradd', ['-M', '-U', '-d', home, '-s', '/bin/sh', name]);
    if (ran.status === 0) break;
    if (left === 0) throw new Error(`useradd: ${ran.stderr}`);
    spawnSync('sleep', ['0.3']);
  }
  const line = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'));
  const user = { name, home, uid: Number(line?.[1]), gid: Number(line?.[2]) };
  if (!(user.uid > 0)) throw new Error(`${name} did not get a uid`);
  made.push(user);
  mkdirSync(home);
  chmodSync(home, 0o750);
  chownSync(home, user.uid, user.gid);
  return user;
}

/** Makes a group of its own, with the user in it or not. Returns its number. */
export function makeGroup(user: As, member: boolean): number {
  const name = `${user.name}-g`;
  spawnSync('groupadd', [name]);
  groups.push(name);
  if (member) spawnSync('usermod', ['-a', '-G', name, user.name]);
  const gid = Number(new RegExp(`^${name}:[^:]*:(\\d+):`, 'm').exec(readFileSync('/etc/group', 'utf8'))?.[1]);
  if (!(gid > 0)) throw new Error(`${name} did not get a gid`);
  return gid;
}

/** Ends what the test's users run and removes them. */
export async function removeUsers(): Promise<void> {
  for (const user of made.splice(0)) {
    await endAll(() => rowsOf().filter((row) => row.uid === user.uid));
    for (let left = 20; left > 0 && spawnSync('userdel', ['-f', user.name]).status !== 0; left--)
      spawnSync('sleep', ['0.3']);
  }
  for (const name of groups.splice(0)) spawnSync('groupdel', [name]);
}
