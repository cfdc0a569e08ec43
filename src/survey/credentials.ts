// Finding an application's database credentials, read only, in a stated order; every place that was looked at is kept.
import { dirname, join } from 'node:path/posix';
import {
  type Credentials,
  dotenv,
  fromVariables,
  isNoPort,
  type Place,
  placeOf,
} from '../database/credentials.ts';
import { clientOptions, fromMyCnf, type MyCnfLine, readMyCnf } from '../database/myCnf.ts';
import { fromPhpConfig } from '../database/phpConfig.ts';
import type { Owner, Server } from '../server/server.ts';
import { parse } from '../worker/tree.ts';
import { peek } from './peek.ts';

/** Where credentials came from. */
export type CredentialSource = 'flags' | 'url-file' | 'environment' | 'dotenv' | 'my-cnf' | 'php-config';

export interface FoundCredentials {
  readonly credentials: Credentials;
  readonly place: Place;
  /** Why this place: named, `localhost` means the socket, or no socket is there. */
  readonly placeBecause: 'given' | 'localhost' | 'no-socket';
  readonly source: CredentialSource;
  /** File or variable. */
  readonly where: string;
  /** Its mode lets others read the password. */
  readonly worldReadable: boolean;
  /** The port is none: nobody is asked there. `at` is the file and line it stands in, or the flag. */
  readonly wrongPort?: { readonly port: number; readonly at: string };
}

export interface Search {
  readonly found: FoundCredentials | 'none';
  /** Every place looked at, in order, until one had them. */
  readonly looked: readonly string[];
}

export interface SearchFor {
  /** Whose files they are; files are read with this user's rights. */
  readonly as: Owner;
  readonly home: string;
  /** Where the application lies: its files are looked for here and above, up to the home. */
  readonly directory: string;
  /** Settled already: by flags or a file that was named. */
  readonly given?: {
    readonly credentials: Credentials;
    readonly source: CredentialSource;
    readonly where: string;
  };
  /** The environment of whoever asks. Empty when another user's application is meant. */
  readonly env: ReadonlyMap<string, string>;
}

/** Sockets of the usual systems; PHP's own default cannot be known without running it. */
const usualSockets = [
  '/run/mysqld/mysqld.sock',
  '/var/run/mysqld/mysqld.sock',
  '/var/lib/mysql/mysql.sock',
  '/tmp/mysql.sock',
];

const phpConfigs = [
  'config.php',
  'wp-config.php',
  'configuration.php',
  'config/config.php',
  'config/database.php',
  'config/db.php',
  'config/autoload/local.php',
  'includes/config.php',
  'inc/config.php',
  'app/etc/env.php',
  'app/config/parameters.php',
  'sites/default/settings.php',
];

/** Looks in the stated order: what was given, the environment, .env, my.cnf, then PHP configuration. */
export async function findCredentials(server: Server, search: SearchFor): Promise<Search> {
  const looked: string[] = [];
  const done = async (
    credentials: Credentials,
    source: CredentialSource,
    where: string,
    worldReadable = false,
    texts: readonly Text[] = [],
  ): Promise<Search> => {
    const { place, because } = placeOf(forPhp(credentials, source), await socketsThere(server, search, cnf));
    const dressed = await withAuthority(server, credentials, place, search);
    const wrong =
      place.is === 'tcp' && isNoPort(place)
        ? {
            wrongPort: {
              port: place.port,
              at: whereIs(place.port, texts) ?? (where === '--db-user' ? '--db-port' : where),
            },
          }
        : {};
    return {
      found: { credentials: dressed, place, placeBecause: because, source, where, worldReadable, ...wrong },
      looked,
    };
  };
  let cnf: MyCnf | undefined;
  const { given } = search;
  if (given !== undefined) {
    looked.push(given.where);
    return done(given.credentials, given.source, given.where);
  }
  looked.push('environment');
  const inEnv = fromVariables(search.env);
  if (inEnv !== 'none') return done(inEnv, 'environment', 'environment');
  let variables = new Map(search.env);
  const directories = upTo(search.directory, search.home);
  const names = new Map<string, ReadonlySet<string>>();
  for (const directory of directories)
    names.set(directory, new Set(await listed(server, directory, search.as)));
  for (const directory of directories) {
    looked.push(join(directory, '.env'));
    if (![...(names.get(directory) ?? [])].some((name) => name.startsWith('.env'))) continue;
    const env = await readDotenv(server, search, directory);
    if (env === 'none') continue;
    variables = new Map([...variables, ...env.variables]);
    const found = fromVariables(env.variables);
    if (found !== 'none') return done(found, 'dotenv', env.path, env.worldReadable, env.texts);
  }
  cnf = await readOptions(server, search);
  looked.push(...cnf.files);
  const inCnf = fromMyCnf(cnf.options);
  if (inCnf !== 'none') return done(inCnf, 'my-cnf', cnf.files.at(-1) ?? '', cnf.worldReadable, cnf.texts);
  for (const directory of directories) {
    for (const name of phpConfigs) {
      if (!names.get(directory)?.has(name.split('/')[0] ?? '')) continue;
      const path = join(directory, name);
      const seen = await peek(server, path, search.as);
      if (seen.is !== 'file' || seen.bytes.length > 512 * 1024) continue;
      looked.push(path);
      const text = utf8(seen.bytes);
      const tree = await parse(text, 'php');
      if (tree.is !== 'parsed') continue;
      const found = fromPhpConfig(tree.root, variables);
      if (found !== 'none')
        return done(found, 'php-config', path, (seen.mode & 0o004) !== 0, [{ path, text }]);
    }
  }
  return { found: 'none', looked };
}

/** A file that was read. */
interface Text {
  readonly path: string;
  readonly text: string;
}

/** File and line of a number, the last file first: what stands there wins. */
function whereIs(port: number, texts: readonly Text[]): string | undefined {
  const word = new RegExp(`(?<!\\d)0*${port}(?!\\d)`);
  for (const { path, text } of [...texts].reverse()) {
    const line = text.split('\n').findLastIndex((one) => word.test(one));
    if (line !== -1) return `${path}:${line + 1}`;
  }
  return undefined;
}

/**
 * The authority's file, read only where it is needed, and with the rights of whoever named it: a site may name any file
 * of the machine, or one that never ends.
 */
async function withAuthority(
  server: Server,
  credentials: Credentials,
  place: Place,
  { as, given }: SearchFor,
): Promise<Credentials> {
  const { ca, tls = 'off' } = credentials;
  if (ca === undefined || tls === 'off' || place.is === 'socket') return credentials;
  const who = given === undefined ? as : server.self.owner;
  const at = await server.files.real(ca, who).catch(() => 'absent' as const);
  const seen = at === 'absent' ? undefined : await peek(server, at, who);
  if (seen?.is !== 'file' || seen.bytes.length > 512 * 1024)
    return { ...credentials, authority: 'unreadable' };
  return { ...credentials, authority: { is: 'read', text: utf8(seen.bytes) } };
}

/** In PHP `localhost` is the socket, and its port means nothing. */
function forPhp(
  credentials: Credentials,
  source: CredentialSource,
): Pick<Credentials, 'socket' | 'host' | 'port'> {
  const { port, ...rest } = credentials;
  const asked = source === 'flags' || source === 'url-file' || source === 'my-cnf';
  const local = credentials.host === undefined || credentials.host.toLowerCase() === 'localhost';
  if (!local || port === undefined) return credentials;
  return asked && port !== 3306 ? { ...rest, host: '127.0.0.1', port } : rest;
}

/** From a directory up to the home, or that directory alone when it lies elsewhere. */
function upTo(directory: string, home: string): string[] {
  const found: string[] = [];
  const inside = directory === home || directory.startsWith(`${home}/`);
  for (let at = directory; ; at = dirname(at)) {
    found.push(at);
    if (!inside || at === home || at === '/' || found.length > 8) return found;
  }
}

async function readDotenv(
  server: Server,
  { as }: SearchFor,
  directory: string,
): Promise<
  { variables: Map<string, string>; path: string; worldReadable: boolean; texts: readonly Text[] } | 'none'
> {
  const texts: Text[] = [];
  let variables = new Map<string, string>();
  let path = '';
  let worldReadable = false;
  // Symfony's order: the later file wins. Laravel has the first one only.
  const names = ['.env', '.env.local'];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? '';
    const seen = await peek(server, join(directory, name), as);
    if (seen.is === 'file' && seen.bytes.length < 512 * 1024) {
      path = join(directory, name);
      texts.push({ path, text: utf8(seen.bytes) });
      variables = dotenv(utf8(seen.bytes), variables);
      worldReadable ||= (seen.mode & 0o004) !== 0;
    }
    const stage = variables.get('APP_ENV');
    if (i === 1 && stage !== undefined && /^\w+$/.test(stage))
      names.push(`.env.${stage}`, `.env.${stage}.local`);
  }
  return path === '' ? 'none' : { variables, path, worldReadable, texts };
}

interface MyCnf {
  readonly options: Map<string, string>;
  readonly files: readonly string[];
  readonly worldReadable: boolean;
  readonly texts: readonly Text[];
}

async function readOptions(server: Server, { as, home }: SearchFor): Promise<MyCnf> {
  const files: string[] = [];
  const texts: Text[] = [];
  const lines: MyCnfLine[] = [];
  let worldReadable = false;
  const read = async (path: string, depth: number): Promise<void> => {
    const seen = await peek(server, path, as);
    if (seen.is !== 'file' || depth > 5) return;
    files.push(path);
    texts.push({ path, text: utf8(seen.bytes) });
    const read = readMyCnf(utf8(seen.bytes));
    if (read.some((l) => l.is === 'option' && l.name === 'password'))
      worldReadable = (seen.mode & 0o004) !== 0;
    for (const line of read) await take(line, depth);
  };
  const take = async (line: MyCnfLine, depth: number): Promise<void> => {
    if (line.is === 'option') lines.push(line);
    else if (line.is === 'include') await read(line.path, depth + 1);
    else {
      const names = await listed(server, line.path, as);
      for (const name of names.filter((n) => n.endsWith('.cnf')))
        await read(join(line.path, name), depth + 1);
    }
  };
  for (const path of ['/etc/my.cnf', '/etc/mysql/my.cnf', join(home, '.my.cnf')]) await read(path, 0);
  return { options: clientOptions(lines), files, worldReadable, texts };
}

async function listed(server: Server, path: string, as: Owner): Promise<readonly string[]> {
  const names = await server.files.list(path, as).catch(() => 'absent' as const);
  return names === 'absent' ? [] : names;
}

async function socketsThere(server: Server, search: SearchFor, cnf: MyCnf | undefined): Promise<string[]> {
  const named = (cnf ?? (await readOptions(server, search))).options.get('socket');
  const found: string[] = [];
  for (const path of [...(named === undefined ? [] : [named]), ...usualSockets]) {
    const seen = await peek(server, path, search.as);
    // A socket is neither a file nor a directory.
    if (seen.is === 'other' && seen.what !== 'unreadable') found.push(path);
  }
  return found;
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
