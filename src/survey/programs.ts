// The PHPs or Nodes of a machine that a worker could run with, the best guess first, and where each comes from.
import { shelves } from '../plesk/places.ts';
import type { Owner, Server } from '../server/server.ts';
import type { Job } from './facts.ts';
import { isClosed } from './peek.ts';
import { versionOfPath } from './version.ts';

export interface Program {
  readonly path: string;
  readonly version?: string;
  /** What the site runs with; what the entry starts today; the panel's, CloudLinux', the hoster's, the system's shelf. */
  readonly from: 'site' | 'entry' | 'plesk' | 'cloudlinux' | 'hoster' | 'system';
  readonly site?: string;
}

type Kind = Job['interpreter']['kind'];

/** The programs there are for this worker. The first is the one that is taken where nobody says otherwise. */
export async function programsFor(
  server: Server,
  { interpreter, owner }: Pick<Job, 'interpreter' | 'owner'>,
): Promise<Program[]> {
  const eyes = server.self.root ? owner : server.self.owner;
  const { kind, path, because } = interpreter;
  const found: Program[] = [];
  const known = new Set<string>();
  const add = async (one: string, from: Program['from'], site?: string): Promise<void> => {
    const real = await realOf(server, one, eyes);
    if (known.has(real) || !(await server.files.executable(one, eyes))) return;
    known.add(real);
    const version = versionOfPath(one, kind) ?? versionOfPath(real, kind);
    found.push({
      path: one,
      from,
      ...(version === undefined ? {} : { version }),
      ...(site === undefined ? {} : { site }),
    });
  };
  if (path !== 'missing') {
    const isSites = because?.is === 'site';
    await add(path, isSites ? 'site' : 'entry', isSites ? because?.site : undefined);
  }
  for (const shelf of shelves[kind]) {
    const names = (await namesIn(server, shelf.directory, eyes)).filter((name) => shelf.name.test(name));
    for (const name of newestFirst(names, kind))
      await add(`${shelf.directory}/${name}/${shelf.program}`, shelfOf(shelf.directory));
  }
  for (const directory of ['/usr/bin', '/usr/local/bin']) {
    await add(`${directory}/${kind}`, 'system');
    const names = (await namesIn(server, directory, eyes)).filter((name) => /^php\d\.\d$/.test(name));
    if (kind === 'php')
      for (const name of newestFirst(names, kind)) await add(`${directory}/${name}`, 'system');
  }
  return found;
}

function shelfOf(directory: string): Program['from'] {
  if (directory.startsWith('/opt/plesk/')) return 'plesk';
  return directory === '/opt/alt' ? 'cloudlinux' : 'hoster';
}

function newestFirst(names: readonly string[], kind: Kind): string[] {
  const number = (name: string): number => Number((versionOfPath(name, kind) ?? name).replace(/^php/, ''));
  return [...names].sort((a, b) => number(b) - number(a));
}

async function namesIn(server: Server, directory: string, eyes: Owner): Promise<readonly string[]> {
  try {
    const names = await server.files.list(directory, eyes);
    return names === 'absent' ? [] : names;
  } catch (error) {
    if (isClosed(error)) return [];
    throw error;
  }
}

async function realOf(server: Server, path: string, eyes: Owner): Promise<string> {
  try {
    const real = await server.files.real(path, eyes);
    return real === 'absent' ? path : real;
  } catch (error) {
    if (isClosed(error)) return path;
    throw error;
  }
}
