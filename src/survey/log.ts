// A look at the place a worker's log is to be: what the shell will open there, and the directories on the way.
import { dirname, isAbsolute, join } from 'node:path/posix';
import type { Owner, Person, Seen } from '../server/server.ts';
import type { LogFacts } from './facts.ts';
import { type Look, once } from './look.ts';
import { isClosed, peek } from './peek.ts';

/** Streams of the worker's own, which are no place on the disk. */
const streams = /^\/(?:dev\/(?:stdout|stderr|fd\/\d+|tty)|proc\/self\/fd\/\d+)$/;

/** Looks with root's eyes where that is possible, and leaves it to the mode bits to say what the job's user may do. */
export async function lookAtLog(look: Look, person: Person, log: string): Promise<LogFacts> {
  const groups = await once(look, `groups ${person.name}`, () => groupsOf(look, person));
  if (streams.test(log)) return { seen: { is: 'other', what: 'a stream' }, way: [], groups };
  const { path, seen } = await follow(look, log);
  let above = dirname(path);
  while (above !== '/' && (await follow(look, above)).seen.is === 'absent') above = dirname(above);
  const way = await once(look, `way ${above}`, () => wayTo(look, above));
  return { seen, made: above !== dirname(path), way, groups };
}

/** Every directory on the way, innermost first. */
async function wayTo(look: Look, path: string): Promise<LogFacts['way']> {
  const way: LogFacts['way'][number][] = [];
  for (let at = await real(look, path); ; at = dirname(at)) {
    way.push(await follow(look, at));
    if (at === '/') return way;
  }
}

/** What stands there when links at its end are followed; a link that leads round in a circle stays one. */
async function follow(look: Look, start: string): Promise<{ path: string; seen: Seen }> {
  let path = start;
  let seen = await see(look, path);
  for (let links = 0; seen.is === 'link' && links < 40; links++) {
    path = isAbsolute(seen.target) ? seen.target : join(await real(look, dirname(path)), seen.target);
    seen = await see(look, path);
  }
  return { path, seen };
}

async function see(look: Look, path: string): Promise<Seen> {
  const known = look.onTheWay.get(path);
  if (known !== undefined) return known;
  const seen = await peek(look.server, path, look.server.self.owner);
  look.onTheWay.set(path, seen);
  return seen;
}

async function real(look: Look, path: string): Promise<string> {
  try {
    const found = await look.server.files.real(path, look.server.self.owner);
    return found === 'absent' ? path : found;
  } catch (error) {
    if (isClosed(error)) return path;
    throw error;
  }
}

/** The groups cron gives the user's jobs: the one of /etc/passwd and those of /etc/group. */
async function groupsOf(look: Look, person: Person): Promise<readonly Owner['gid'][]> {
  const seen = await see(look, '/etc/group');
  const groups = [person.gid];
  for (const line of seen.is === 'file' ? seen.bytes.split('\n') : []) {
    const [, , gid, members] = line.split(':');
    if (members?.split(',').includes(person.name)) groups.push(Number(gid));
  }
  return groups;
}
