// Credentials of a database as an application keeps them: an address, variables, or nothing that can be used.
import { type Secret, secret } from './secret.ts';

export type Tls = 'off' | 'on' | 'verify';

export interface Credentials {
  readonly user: string;
  readonly password: Secret;
  readonly database?: string;
  readonly socket?: string;
  readonly host?: string;
  readonly port?: number;
  readonly tls?: Tls;
  /** The authority's file, by its path. */
  readonly ca?: string;
  /** What stands in it, read with the rights of whoever named it; 'unreadable' where no file was had. */
  readonly authority?: { readonly is: 'read'; readonly text: string } | 'unreadable';
}

/** Parts of credentials, before anything is left out that is empty. */
export interface Parts {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly socket?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly tls?: Tls | undefined;
  readonly ca?: string | undefined;
}

/** Credentials out of their parts; 'none' without a user. */
export function credentialsOf(parts: Parts): Credentials | 'none' {
  const { user, password = '', database, socket, tls, ca } = parts;
  if (user === undefined || user === '') return 'none';
  const { host, port, socket: inHost } = splitHost(parts.host ?? '', parts.port);
  const at = socket || inHost;
  return {
    user,
    password: secret(password),
    ...(database ? { database } : {}),
    ...(at ? { socket: at } : {}),
    ...(host ? { host } : {}),
    ...(port ? { port } : {}),
    ...(tls === undefined ? {} : { tls }),
    ...(ca ? { ca } : {}),
  };
}

/** WordPress and mysqli write `localhost:3307`, `localhost:/run/my.sock` and `[::1]:3306`. */
function splitHost(host: string, port: string | undefined): { host: string; port?: number; socket?: string } {
  // A number that is no port stays, to be told of: another server than the one that was meant is none to ask. 0 and
  // words are the usual port, as they are to PHP.
  const number = (text: string | undefined): { port?: number } =>
    /^\d+$/.test(text ?? '') && Number(text) > 0 ? { port: Number(text) } : {};
  const socket = /^[^/]*:(\/.*)$/.exec(host);
  if (socket) return { host: '', socket: socket[1] ?? '' };
  if (host.startsWith('/')) return { host: '', socket: host };
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(host);
  if (bracketed) return { host: bracketed[1] ?? '', ...number(bracketed[2] ?? port) };
  const plain = /^(?:p:)?([^:]*):(\d+)$/.exec(host);
  if (plain) return { host: plain[1] ?? '', ...number(plain[2]) };
  return { host: host.replace(/^p:/, ''), ...number(port) };
}

/** mysql://user:password@host:port/database?socket=…; what else it may be is said in a word. */
export function fromUrl(text: string): Credentials | 'no-url' | 'other-database' | 'no-user' {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?/i.exec(
    text.trim(),
  );
  if (!match) return 'no-url';
  const [, scheme = '', who = '', host = '', path = '', query = ''] = match;
  if (!/^(?:pdo[-_])?(?:mysqli?|mariadb)(?:2)?$/i.test(scheme)) return 'other-database';
  const colon = who.indexOf(':');
  const options = new URLSearchParams(query);
  const mode = (options.get('ssl-mode') ?? options.get('sslmode') ?? '').toLowerCase();
  const found = credentialsOf({
    user: decoded(colon === -1 ? who : who.slice(0, colon)),
    password: colon === -1 ? '' : decoded(who.slice(colon + 1)),
    database: decoded(path),
    host: decoded(host),
    socket: options.get('socket') ?? options.get('unix_socket') ?? undefined,
    tls: /verify/.test(mode) ? 'verify' : /require/.test(mode) ? 'on' : undefined,
    ca: options.get('ssl-ca') ?? undefined,
  });
  return found === 'none' ? 'no-user' : found;
}

/** A percent sign that begins nothing is one: people put raw passwords into addresses. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Variables of a process or a .env: an address of Symfony's kind, else the names of Laravel and of common use. */
export function fromVariables(variables: ReadonlyMap<string, string>): Credentials | 'none' {
  const first = (...names: readonly string[]): string | undefined =>
    names.map((name) => variables.get(name)).find((value) => value !== undefined && value !== '');
  for (const name of ['DATABASE_URL', 'DB_URL', 'MYSQL_URL', 'CLEARDB_DATABASE_URL']) {
    const url = variables.get(name);
    const found = url === undefined ? 'no-url' : fromUrl(url);
    if (typeof found === 'object') return found;
    // Another kind of database is meant: the words beside it are not about MariaDB.
    if (found === 'other-database') return 'none';
  }
  const kind = variables.get('DB_CONNECTION') ?? variables.get('DB_DRIVER') ?? 'mysql';
  if (!/mysql|mariadb/i.test(kind)) return 'none';
  return credentialsOf({
    user: first('DB_USERNAME', 'DB_USER', 'MYSQL_USER', 'DATABASE_USER'),
    password: first('DB_PASSWORD', 'DB_PASS', 'MYSQL_PASSWORD', 'DATABASE_PASSWORD'),
    database: first('DB_DATABASE', 'DB_NAME', 'MYSQL_DATABASE', 'DATABASE_NAME'),
    host: first('DB_HOST', 'MYSQL_HOST', 'DATABASE_HOST'),
    port: first('DB_PORT', 'MYSQL_PORT', 'DATABASE_PORT'),
    socket: first('DB_SOCKET', 'MYSQL_SOCKET', 'DATABASE_SOCKET'),
  });
}

/** A .env file's variables, as phpdotenv and Symfony read it. Later lines win; `$NAME` inside is looked up. */
export function dotenv(text: string, before: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const found = new Map(before);
  const line =
    /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.]*)[ \t]*=[ \t]*(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^\r\n]*))[^\r\n]*$/gm;
  for (const [, name = '', single, double, bare] of text.matchAll(line)) {
    if (single !== undefined) found.set(name, single);
    else if (double !== undefined)
      found.set(name, expand(double.replace(/\\n/g, '\n').replace(/\\(["\\$])/g, '$1'), found));
    else found.set(name, expand((bare ?? '').replace(/(?:^|[ \t])#.*$/, '').trim(), found));
  }
  return found;
}

function expand(text: string, known: ReadonlyMap<string, string>): string {
  return text.replace(/\$\{(\w+)\}|\$(\w+)/g, (whole, braced, plain) => known.get(braced ?? plain) ?? whole);
}

/** Ports end there. */
const lastPort = 65_535;

/** Can nobody be reached at this port, whatever listens? */
export function isNoPort(place: Place): boolean {
  return place.is === 'tcp' && place.port > lastPort;
}

/** Where a client would go: PHP takes `localhost` for the unix socket, whatever the port. */
export type Place =
  | { readonly is: 'socket'; readonly path: string }
  | { readonly is: 'tcp'; readonly host: string; readonly port: number };

/** Places to try, best first. `sockets` are the ones that are there. */
export function placeOf(
  { socket, host, port }: Pick<Credentials, 'socket' | 'host' | 'port'>,
  sockets: readonly string[],
): { place: Place; because: 'given' | 'localhost' | 'no-socket' } {
  if (socket !== undefined) return { place: { is: 'socket', path: socket }, because: 'given' };
  const local = host === undefined || host.toLowerCase() === 'localhost';
  const [there] = sockets;
  if (local && there !== undefined) return { place: { is: 'socket', path: there }, because: 'localhost' };
  const tcp: Place = { is: 'tcp', host: local ? '127.0.0.1' : host, port: port ?? 3306 };
  return { place: tcp, because: local ? 'no-socket' : 'given' };
}

/** A place as it is shown. */
export function sayPlace(place: Place): string {
  if (place.is === 'socket') return place.path;
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}
