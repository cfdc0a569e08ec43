// May this file be believed? Only if nobody else could have put it there.
import { dirname } from 'node:path/posix';
import { Problem } from '../problem.ts';
import type { Owner, Seen, Server } from '../server/server.ts';

/**
 * Throws 'untrusted' (exit 5) unless the path and every directory above it belong to root or to the present user and
 * nobody else may write there. A plan is carried out, a worker file is copied and a journal is the way back: whoever
 * can swap one of them would act with our rights. Parts that do not exist yet are judged by what is above them.
 */
export async function refuseUntrusted(server: Server, path: string): Promise<void> {
  const { owner } = server.self;
  for (let at = path; ; at = dirname(at)) {
    const why = doubt(await server.files.look(at, owner), owner, at === path);
    if (why !== 'none') throw new Problem('untrusted', { path, at, why });
    if (at === '/') return;
  }
}

function doubt(seen: Seen, self: Owner, last: boolean): string {
  if (seen.is === 'absent') return 'none';
  if (seen.is === 'link') return 'it is a symbolic link';
  if (seen.is === 'other') return seen.what;
  if (seen.uid !== 0 && seen.uid !== self.uid) return `it belongs to uid ${seen.uid}`;
  // A user's own group may be let in: that is his to decide, and usual where each user has a group of his own. Root's
  // choice is made here.
  const others = self.uid === 0 ? 0o022 : 0o002;
  // In a sticky directory such as /tmp others may add names, but not take away ours.
  const sticky = seen.is === 'directory' && (seen.mode & 0o1000) !== 0 && !last;
  return (seen.mode & others) !== 0 && !sticky ? 'others may write it' : 'none';
}
