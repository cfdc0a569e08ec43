// A look that may be refused: one user's closed directory must not end the survey of a whole server.
import { Problem } from '../problem.ts';
import type { Owner, Seen, Server } from '../server/server.ts';

/** What stands at the path; where the user may not look, that is what is seen. */
export async function peek(server: Server, path: string, as: Owner, most?: number): Promise<Seen> {
  try {
    return await server.files.look(path, as, most);
  } catch (error) {
    if (isClosed(error)) return { is: 'other', what: 'unreadable' };
    throw error;
  }
}

/** A lock file: the guard's record is a line of some hundred bytes, and whatever else a site's owner puts there is not read. */
export function peekLock(server: Server, path: string, as: Owner): Promise<Seen> {
  return peek(server, path, as, mostOfLock);
}

/** So many bytes of a lock file are read. */
const mostOfLock = 4096;

/** Was a look refused? Any other failure is one. */
export function isClosed(error: unknown): boolean {
  return error instanceof Problem && error.code === 'unreadable';
}
