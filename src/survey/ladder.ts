// Getting into a database whose account may be full: the account itself, an administrator where root may, else nobody.
import { basename, dirname, join } from 'node:path/posix';
import { type Credentials, credentialsOf, type Place } from '../database/credentials.ts';
import { clientOptions, fromMyCnf, readMyCnf } from '../database/myCnf.ts';
import { type Failure, failureOf, noTries, type OwnTries, sumOf } from '../database/refusals.ts';
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
  /** Tries of ours that failed, the administrators' among them, as the server counts them. */
  readonly own: OwnTries;
  /** Every administrator that was asked for was denied: asking again would only be counted once more. */
  readonly denied: boolean;
}

/** Adds a try of ours that failed to those that raised the server's counters. */
export function withTry(own: OwnTries, { failure }: Refused): OwnTries {
  // A database that does not exist raises the same one counter as a limit does.
  if (
    (failure.is === 'full' && failure.by !== 'server') ||
    ['hourly', 'unknown-database'].includes(failure.is)
  )
    return { ...own, refused: own.refused + 1 };
  return failure.is === 'credentials' ? { ...own, denied: own.denied + 1 } : own;
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
  administrators: 'ask' | 'leave' = 'ask',
): Promise<Inside> {
  let own = noTries;
  const open = async (): Promise<{ session: DatabaseSession } | Refused> => {
    const opened = await server.databases.open(place, credentials, connectTimeout);
    if (opened.is === 'open') return opened;
    const refused = refusedBy(opened);
    own = withTry(own, refused);
    return refused;
  };
  const first = await open();
  // Nobody is let in where nobody answers.
  const answers = 'session' in first || !['no-server', 'too-slow', 'lost'].includes(first.failure.is);
  const asked = answers && administrators === 'ask' ? await administrator(server, place, socket) : nobody;
  own = sumOf(own, asked.own);
  const settle = (rest: Pick<Inside, 'account' | 'refused' | 'tries'>): Inside => ({
    ...rest,
    own,
    denied: asked.is === 'none' && asked.denied,
    ...(asked.is === 'none' ? {} : { admin: { session: asked.session, how: asked.how } }),
  });
  if ('session' in first) return settle({ account: first.session, tries: 1 });
  if (asked.is === 'inside') return settle({ refused: first, tries: 1 });
  let refused = first;
  const began = server.elapsed();
  let pause = 50;
  for (let tries = 2; refused.failure.is === 'full'; tries++) {
    await server.wait(pause * (1 + Math.random() / 4));
    pause *= 1.5;
    if (server.elapsed() - began > most.milliseconds) return settle({ refused, tries: tries - 1 });
    const again = await open();
    if ('session' in again) return settle({ account: again.session, refused, tries });
    refused = again;
    if (tries === most.tries) return settle({ refused, tries });
  }
  return settle({ refused, tries: 1 });
}

/**
 * The account's own session for a moment. Whatever reads an object of a site's is asked here and nowhere else: a view or
 * a function of the site's may run with the rights of whoever asks, and an administrator may write files.
 */
export async function asAccount<T>(
  server: Server,
  { credentials, place }: FoundCredentials,
  act: (session: DatabaseSession) => Promise<T>,
  ours: Set<number> = new Set(),
): Promise<T | Refused> {
  const opened = await server.databases.open(place, credentials, connectTimeout);
  if (opened.is === 'failed') return refusedBy(opened);
  ours.add(opened.session.id);
  try {
    return await act(opened.session);
  } finally {
    await opened.session.close();
  }
}

type Asked =
  | {
      readonly is: 'inside';
      readonly session: DatabaseSession;
      readonly how: string;
      readonly own: OwnTries;
    }
  | { readonly is: 'none'; readonly denied: boolean; readonly own: OwnTries };

const nobody: Asked = { is: 'none', denied: false, own: noTries };

/** Root's own ways in, all of them to this machine only. */
async function administrator(server: Server, place: Place, socket: string | undefined): Promise<Asked> {
  if (!server.self.root) return nobody;
  const here: Place | undefined =
    place.is === 'socket'
      ? place
      : socket !== undefined && isLoopback(place.host)
        ? { is: 'socket', path: socket }
        : undefined;
  if (here?.is !== 'socket') return nobody;
  // A link on the way could be another one by the time of the connection: what was looked at is what is connected to.
  const directory = await server.files.real(dirname(here.path), server.self.owner);
  if (directory === 'absent') return nobody;
  const resolved: Place = { is: 'socket', path: join(directory, basename(here.path)) };
  const trusted = await isServersOwn(server, directory);
  let own = noTries;
  let denied = true;
  for (const { credentials, how } of await administrators(server)) {
    // Which socket it is may come from a file of the site's: a password is shown to no server that a site could be.
    if (!isEmptySecret(credentials.password) && !trusted) continue;
    const opened = await server.databases.open(resolved, credentials, connectTimeout);
    if (opened.is === 'open') return { is: 'inside', session: opened.session, how, own };
    const refused = refusedBy(opened);
    own = withTry(own, refused);
    denied &&= refused.failure.is === 'credentials';
  }
  return { is: 'none', denied, own };
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

/** In the order in which they are likely to be let in: each that is not raises a counter that the checks read. */
async function administrators(server: Server): Promise<{ credentials: Credentials; how: string }[]> {
  const found: { credentials: Credentials; how: string }[] = [];
  const add = (credentials: Credentials | 'none', how: string): void => {
    if (credentials === 'none') return;
    // Debian's file names root without a password as well: one try is enough.
    const again = ({ user, password }: Credentials): boolean =>
      user === credentials.user && isEmptySecret(password) && isEmptySecret(credentials.password);
    if (!found.some((one) => again(one.credentials))) found.push({ credentials, how });
  };
  const read = async (path: string): Promise<string> => {
    const seen = await peek(server, path, server.self.owner);
    // Whoever else may write it could have put anything there.
    return seen.is === 'file' && seen.uid === 0 && (seen.mode & 0o022) === 0
      ? Buffer.from(seen.bytes, 'latin1').toString('utf8')
      : '';
  };
  const plesk = (await read('/etc/psa/.psa.shadow')).trim();
  if (plesk !== '')
    // There root has a password of its own as a rule, and admin is the administrator.
    add(credentialsOf({ user: 'admin', password: plesk }), 'Plesk’s admin (/etc/psa/.psa.shadow)');
  add(credentialsOf({ user: 'root' }), 'root over the unix socket');
  const debian = await read('/etc/mysql/debian.cnf');
  if (debian !== '')
    add(fromMyCnf(clientOptions(readMyCnf(debian))), 'Debian’s own account (/etc/mysql/debian.cnf)');
  return found;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.') || host === '::1';
}
