// The sandbox's database: the one that was given, else a MariaDB of its own, else none. On a given server nothing is changed.
import { resolve } from 'node:path/posix';
import { Problem } from '../problem.ts';
import { findProgram, type Stage } from '../server/stage.ts';
import { type Context, word } from './context.ts';

/** Connections the sandbox's own database allows its account. */
const limit = 2;
/** An account with more is not filled: that would take too long, and may be somebody's. */
const mostToFill = 5;

export interface Database {
  readonly text: string;
  /** What `--json` says of it. */
  readonly says: {
    readonly is: 'given' | 'own' | 'none';
    readonly at?: string;
    readonly limit?: number;
    readonly why?: string;
  };
  /** What tells the worker of it. */
  readonly env: Record<string, string>;
  /** Connections that will be opened until one is refused. */
  readonly fills: number;
}

/** Where a database is and who asks it; its password is kept apart. */
interface Place {
  readonly dsn: string;
  readonly user: string;
  readonly shown: string;
}

/** Finds or starts the database. Throws when one was given that cannot be used: then no other is meant. */
export async function databaseFor(ctx: Context, stage: Stage, kind: 'php' | 'node'): Promise<Database> {
  const given = word(ctx, 'database');
  const place = given === undefined ? undefined : readPlace(given, ctx.server.self.user);
  const missing = kind === 'node' ? 'the Node worker uses none' : await driverMissing(ctx);
  if (missing !== '')
    return none(place === undefined ? missing : `${missing}; the one given was not asked anything`);
  if (place !== undefined) return useGiven(ctx, place, await password(ctx));
  ctx.screen.say('   starting MariaDB …');
  const own = await stage.startDatabase(limit);
  if ('none' in own) return none(own.none);
  return {
    text: `a MariaDB of its own that allows the account ${limit} connections`,
    says: { is: 'own', limit },
    env: { SANDBOX_DSN: `mysql:unix_socket=${own.socket}`, SANDBOX_USER: 'u12345_app' },
    fills: limit,
  };
}

function none(why: string): Database {
  return { text: `skipped: no database (${why})`, says: { is: 'none', why }, env: {}, fills: 0 };
}

async function driverMissing(ctx: Context): Promise<string> {
  const as = ctx.server.self.owner;
  const modules = await ctx.server.programs.run([findProgram('php'), '-m'], { as, timeout: 10_000 });
  return /^pdo_mysql$/m.test(modules.stdout) ? '' : 'this PHP has no pdo_mysql';
}

/** `mysql://user@host:port/name`, with `?socket=PATH` for a socket, or the path of a socket alone. */
export function readPlace(given: string, self: string): Place {
  const bad = (what: string): Problem =>
    new Problem('usage', {
      what: `--database: ${what}`,
      next: 'It is mysql://USER@HOST:PORT/NAME, mysql://USER@localhost/NAME?socket=PATH or the path of a socket.',
    });
  if (given.startsWith('/'))
    return { dsn: `mysql:unix_socket=${part(given, bad)}`, user: self, shown: `${self} at ${given}` };
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw bad('this is no address of a database.');
  }
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:')
    throw bad(`${url.protocol}// is no MariaDB or MySQL.`);
  if (url.password !== '')
    throw new Problem('usage', {
      what: '--database: a password in it can be read by everybody on this machine who lists processes.',
      next: 'Give it in the variable CRONLATCH_DATABASE_PASSWORD or in a file of mode 0600: --database-password-file FILE',
    });
  const user = decodeURIComponent(url.username) || self;
  const name = decodeURIComponent(url.pathname.slice(1));
  const socket = url.searchParams.get('socket') ?? '';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (socket === '' && host === '') throw bad('there is no host in it.');
  if (socket !== '' && !socket.startsWith('/')) throw bad('the socket is an absolute path.');
  const where =
    socket === ''
      ? `host=${part(host, bad)}${url.port === '' ? '' : `;port=${url.port}`}`
      : `unix_socket=${part(socket, bad)}`;
  return {
    dsn: `mysql:${where}${name === '' ? '' : `;dbname=${part(name, bad)}`}`,
    user,
    shown: `${user} at ${socket || `${host}${url.port === '' ? '' : `:${url.port}`}`}`,
  };
}

/** A semicolon would begin another part of PDO's address. */
function part(text: string, bad: (what: string) => Problem): string {
  if (/[;\x00-\x1f]/.test(text)) throw bad('a semicolon or a control character has no place in it.');
  return text;
}

/** From the environment or a file that only its owner may read; never from the command line. */
async function password(ctx: Context): Promise<string> {
  const path = word(ctx, 'database-password-file');
  const variable = ctx.around.env['CRONLATCH_DATABASE_PASSWORD'] ?? '';
  if (path === undefined) return variable;
  const seen = await ctx.server.files.look(resolve(ctx.around.cwd, path), ctx.server.self.owner);
  if (seen.is !== 'file') throw new Problem('usage', { what: `--database-password-file ${path}: no file.` });
  if ((seen.mode & 0o077) !== 0)
    throw new Problem('usage', {
      what: `--database-password-file ${path}: others may read it (mode ${seen.mode.toString(8).padStart(4, '0')}).`,
      next: `chmod 600 ${path}`,
    });
  return Buffer.from(seen.bytes.replace(/\r?\n$/, ''), 'latin1').toString('utf8');
}

/** Asks the given server three things about ourselves; needs no privilege and changes nothing. */
const ask = `try {
  $db = new PDO(getenv('SANDBOX_DSN'), getenv('SANDBOX_USER'), getenv('SANDBOX_PASSWORD'), [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 5]);
  echo json_encode($db->query('SELECT VERSION() AS version, @@session.max_user_connections AS max')->fetch(PDO::FETCH_ASSOC));
} catch (PDOException $e) { echo json_encode(['error' => $e->getMessage()]); }`;

async function useGiven(ctx: Context, place: Place, secret: string): Promise<Database> {
  const env = { SANDBOX_DSN: place.dsn, SANDBOX_USER: place.user, SANDBOX_PASSWORD: secret };
  ctx.screen.say(`   asking the database of ${place.shown} …`);
  const ran = await ctx.server.programs.run([findProgram('php'), '-r', ask], {
    as: ctx.server.self.owner,
    env: { PATH: '/usr/bin:/bin', ...env },
    timeout: 10_000,
  });
  let said: { error?: string; version?: string; max?: string | number };
  try {
    said = JSON.parse(ran.stdout);
  } catch {
    said = { error: ran.code === 'timeout' ? 'no answer within 10 s' : ran.stderr.trim() || 'no answer' };
  }
  if (said.error !== undefined)
    throw new Problem('database-unusable', { at: place.shown, reason: said.error.split('\n')[0] ?? '' });
  const max = Number(said.max);
  if (max === 1)
    throw new Problem('database-unusable', {
      at: place.shown,
      reason: 'the account may have one connection only, so nothing can pile up',
    });
  const says = { is: 'given', at: place.shown, limit: max } as const;
  const what = `the one given, ${place.shown} (${said.version}), where nothing is changed`;
  if (max > mostToFill || max < 1) {
    const why = max < 1 ? 'without a limit of connections' : `with ${max} connections, too many to fill here`;
    return { text: `${what}; the account is ${why}, so none will be refused`, says, env, fills: 0 };
  }
  return { text: `${what}; the account may have ${max} connections`, says, env, fills: max };
}
