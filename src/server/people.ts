// The machine's users: /etc/passwd first, then getent for those of a directory service.
import { readFileSync } from 'node:fs';
import { plainEnvironment, spawnNow } from './child.ts';
import type { People, Person } from './server.ts';

const known = new Map<string | number, Person | 'unknown'>();

export const localPeople: People = {
  find: async (nameOrUid) => findPerson(nameOrUid),
};

/** The user of this name or uid. Each is looked up once. */
export function findPerson(nameOrUid: string | number): Person | 'unknown' {
  const before = known.get(nameOrUid);
  if (before !== undefined) return before;
  const person = findIn(readFileSync('/etc/passwd', 'utf8'), nameOrUid) ?? ask(nameOrUid);
  known.set(nameOrUid, person);
  return person;
}

function findIn(passwd: string, nameOrUid: string | number): Person | undefined {
  const column = typeof nameOrUid === 'number' ? 2 : 0;
  for (const line of passwd.split('\n')) {
    const parts = line.split(':');
    if (parts.length >= 7 && parts[column] === String(nameOrUid)) {
      return {
        name: parts[0] ?? '',
        uid: Number(parts[2]),
        gid: Number(parts[3]),
        home: parts[5] ?? '/',
        shell: parts[6] ?? '/bin/sh',
      };
    }
  }
  return undefined;
}

function ask(nameOrUid: string | number): Person | 'unknown' {
  const ran = spawnNow('getent', ['passwd', '--', String(nameOrUid)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: plainEnvironment(),
    timeout: 5000,
  });
  if (ran.status !== 0) return 'unknown';
  return findIn(ran.stdout.toString(), nameOrUid) ?? 'unknown';
}
