// A scratch directory in the place where the locks are, made with the user's rights, and taken away whatever comes.
import { join } from 'node:path/posix';
import type { Server } from '../server/server.ts';
import { peek } from '../survey/peek.ts';
import type { LockTarget } from './lockTargets.ts';

/** Does `act` in a new directory that only the user may enter. What killed trials have left is removed first. */
export async function scratch<T>(
  server: Server,
  { owner }: LockTarget,
  at: string,
  act: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = join(at, `.cronlatch-trial-${server.self.pid}`);
  for (const left of await leftovers(server, at, owner)) await clear(server, left, owner);
  await server.files.makeDirectory(directory, 0o700, owner, owner);
  try {
    return await act(directory);
  } finally {
    await clear(server, directory, owner);
  }
}

/** Directories of trials whose process is gone, or was ours. */
async function leftovers(server: Server, at: string, owner: LockTarget['owner']): Promise<string[]> {
  const names = await server.files.list(at, owner);
  const found = (names === 'absent' ? [] : names).flatMap((name) => {
    const pid = /^\.cronlatch-trial-(\d+)$/.exec(name)?.[1];
    return pid === undefined ? [] : [{ path: join(at, name), pid: Number(pid) }];
  });
  if (found.length === 0) return [];
  const rows = await server.processes.list();
  return found
    .filter(({ pid }) => pid === server.self.pid || !rows.some((row) => row.pid === pid))
    .map(({ path }) => path);
}

/** Plain files and few levels of directories: all that a trial makes. */
async function clear(
  server: Server,
  directory: string,
  owner: LockTarget['owner'],
  depth = 0,
): Promise<void> {
  if ((await peek(server, directory, owner)).is !== 'directory') return;
  const names = await server.files.list(directory, owner);
  for (const name of names === 'absent' ? [] : names) {
    const path = join(directory, name);
    const seen = await peek(server, path, owner);
    if (seen.is === 'directory') {
      if (depth < 3) await clear(server, path, owner, depth + 1);
    } else if (seen.is !== 'absent') await server.files.remove(path, owner);
  }
  await server.files.removeDirectory(directory, owner);
}
