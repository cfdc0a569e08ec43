// Getting into a database whose account may be full: the account itself, an administrator where root may, else nobody.
import { basename, dirname, join } from 'node:path/posix';
import { type Credentials, credentialsOf, type Place } from '../database/credentials.ts';
import { clientOptions, fromMyCnf, readMyCnf } from '../database/myCnf.ts';
import { type Failure, failureOf } from '../database/refusals.ts';
import { isEmptySecret } from '../database/secret.ts';
import type { DatabaseFailure, DatabaseSession } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';
import type { FoundCredentials } from './credentials.ts';
import { peek } from './peek.ts';

/** A short outage is got through, a dead server is not waited for. */
const connectTimeout = 3000;
const most = { tries: 8, milliseconds: 5000 };

export interface Refused {
  readonly failure: Failure;
  readonly errno: number;
  readonly message: string;
}

export interface Inside {
  /** The account's own session; absent when it was refused. */
  readonly account?: DatabaseSession;
  readonly refused?: Refused;
  /** How often the account was tried. */
  readonly tries: number;
  /** An administrator's session, and how it was had. */
  readonly admin?: { readonly session: DatabaseSession; readonly how: string };
}

/** What a failure of the port means. */
function refusedBy({ errno, code, message }: DatabaseFailure): Refused {
  return { failure: failureOf(errno, code, message), errno, message };
}

/**
 * Tries the account, and as root an administrator beside it. A full account is tried again, since a gap may come; a
 * wrong password is not, since the server may count that.
 */
export async function enter(
  server: Server,
  { credentials, place }: FoundCredentials,
  socket: string | undefined,
): Promise<Inside> {
  const first = await server.databases.open(place, credentials, connectTimeout);
  if (first.is === 'open') {
    const admin = await administrator(server, place, socket);
    return { account: first.session, tries: 1, ...(admin === 'none' ? {} : { admin }) };
  }
  let refused = refusedBy(first);
  // Nobody is let in where nobody answers.
  const asking = !['no-server', 'too-slow', 'lost'].includes(refused.failure.is);
  const admin = asking ? await administrator(server, place, socket) : 'none';
  if (admin !== 'none') return { refused, tries: 1, admin };
  const began = server.elapsed();
  let pause = 50;
  for (let tries = 2; tries <= most.tries && refused.failure.is === 'full'; tries++) {
    await server.wait(pause * (1 + Math.random() / 4));
    pause *= 1.5;
    if (server.elapsed() - began > most.milliseconds) return { refused, tries: tries - 1 };
    const again = await server.databases.open(place, credentials, connectTimeout);
    if (again.is === 'open') return { account: again.session, refused, tries };
    refused = refusedBy(again);
    if (tries === most.tries) return { refused, tries };
  }
  return { refused, tries: 1 };
}

/**
 * The account's own session for a moment. Whatever reads an object of a site's is asked here and nowhere else: a view or
 * a function of the site's may run with the rights of whoever asks, and an administrator may write files.
 */
export async function asAccount<T>(
  server: Server,
  { credentials, place }: FoundCredentials,
  act: (session: DatabaseSession) => Promise<T>,
): Promise<T | Refused> {
  const opened = await server.databases.open(place, credentials, connectTimeout);
  if (opened.is === 'failed') return refusedBy(opened);
  try {
    return await act(opened.session);
  } finally {
    await opened.session.close();
  }
}

/** Root's own ways in, all of them to this machine only. */
async function administrator(
  server: Server,
  place: Place,
  socket: string | undefined,
): Promise<{ session: DatabaseSession; how: string } | 'none'> {
  if (!server.self.root) return 'none';
  const here: Place | undefined =
    place.is === 'socket'
      ? place
      : socket !== undefined && isLoopback(place.host)
        ? { is: 'socket', path: socket }
        : undefined;
  if (here?.is !== 'socket') return 'none';
  // A link on the way could be another one by the time of the connection: what was looked at is what is connected to.
  const directory = await server.files.real(dirname(here.path), server.self.owner);
  if (directory === 'absent') return 'none';
  const resolved: Place = { is: 'socket', path: join(directory, basename(here.path)) };
  const trusted = await isServersOwn(server, directory);
  for (const { credentials, how } of await administrators(server)) {
    // Which socket it is may come from a file of the site's: a password is shown to no server that a site could be.
    if (!isEmptySecret(credentials.password) && !trusted) continue;
    const opened = await server.databases.open(resolved, credentials, connectTimeout);
    if (opened.is === 'open') return { session: opened.session, how };
  }
  return 'none';
}

/** Can only root and the database's own user have put a socket into this directory, which no link leads to? */
async function isServersOwn({ files, people, self }: Server, last: string): Promise<boolean> {
  for (let at = last; ; at = dirname(at)) {
    const seen = await files.look(at, self.owner);
    if (seen.is !== 'directory') return false;
    const isRoots = seen.uid === 0 && (seen.mode & 0o022) === 0;
    if (!isRoots) {
      const owner = at === last && (seen.mode & 0o002) === 0 ? await people.find(seen.uid) : 'unknown';
      if (owner === 'unknown' || !/^(?:mysql|mariadb)$/.test(owner.name)) return false;
    }
    if (at === '/') return true;
  }
}

async function administrators(server: Server): Promise<{ credentials: Credentials; how: string }[]> {
  const found: { credentials: Credentials; how: string }[] = [];
  const add = (credentials: Credentials | 'none', how: string): void => {
    if (credentials !== 'none') found.push({ credentials, how });
  };
  add(credentialsOf({ user: 'root' }), 'root over the unix socket');
  const read = async (path: string): Promise<string> => {
    const seen = await peek(server, path, server.self.owner);
    // Whoever else may write it could have put anything there.
    return seen.is === 'file' && seen.uid === 0 && (seen.mode & 0o022) === 0
      ? Buffer.from(seen.bytes, 'latin1').toString('utf8')
      : '';
  };
  const plesk = (await read('/etc/psa/.psa.shadow')).trim();
  if (plesk !== '')
    add(credentialsOf({ user: 'admin', password: plesk }), 'Plesk’s admin (/etc/psa/.psa.shadow)');
  const debian = await read('/etc/mysql/debian.cnf');
  if (debian !== '')
    add(fromMyCnf(clientOptions(readMyCnf(debian))), 'Debian’s own account (/etc/mysql/debian.cnf)');
  return found;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '::1';
}
