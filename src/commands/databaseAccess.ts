// Which database is meant: what the flags say, else what the application has written down.
import { resolve } from 'node:path/posix';
import { answer } from '../ask/settle.ts';
import { type Credentials, credentialsOf, fromUrl, type Tls } from '../database/credentials.ts';
import { Problem } from '../problem.ts';
import type { Owner } from '../server/server.ts';
import { type CredentialSource, findCredentials, type Search } from '../survey/credentials.ts';
import { type Context, word } from './context.ts';

/** Whose application it is, and where it lies. */
export interface Application {
  readonly as: Owner;
  readonly home: string;
  readonly directory: string;
}

/** Credentials for an application; flags and named files go before everything that is found. */
export async function credentialsFor(ctx: Context, { as, home, directory }: Application): Promise<Search> {
  const given = await givenCredentials(ctx);
  // Variables of this process are about the application only when it is one's own.
  const own = as.uid === ctx.server.self.owner.uid;
  const env = new Map(
    Object.entries(own ? ctx.around.env : {}).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
  return findCredentials(ctx.server, { as, home, directory, env, ...(given === 'none' ? {} : { given }) });
}

/** Reads what the flags say and forgets it: a slip in them is refused before anything is changed. */
export async function checkDatabaseFlags(ctx: Context): Promise<void> {
  await givenCredentials(ctx);
  tlsOf(ctx);
}

type Given = { readonly credentials: Credentials; readonly source: CredentialSource; readonly where: string };

async function givenCredentials(ctx: Context): Promise<Given | 'none'> {
  const named = answer(ctx.line, ctx.around, 'db-url');
  const file = word(ctx, 'db-url-file');
  const url = typeof named.value === 'string' ? named.value : undefined;
  if (url !== undefined && file !== undefined)
    throw new Problem('usage', { what: '--db-url and --db-url-file cannot be used together.' });
  const tls = tlsOf(ctx);
  const ca = word(ctx, 'db-tls-ca');
  const dress = (found: Credentials): Credentials => ({
    ...found,
    ...(tls === undefined ? {} : { tls }),
    ...(ca === undefined ? {} : { ca: resolve(ctx.around.cwd, ca) }),
  });
  if (file !== undefined) {
    const text = (await privateFile(ctx, '--db-url-file', file)).trim();
    return { credentials: dress(readUrl(text, '--db-url-file')), source: 'url-file', where: file };
  }
  const secretText = await passwordGiven(ctx);
  if (url !== undefined) {
    // The environment is seen by its owner only; argv and a config file by whoever looks.
    if (named.from !== 'environment' && /^[a-z0-9+-]+:\/\/[^/@]*:[^/@]+@/i.test(url))
      throw new Problem('usage', {
        what: '--db-url: a password in it can be read by everybody on this machine who lists processes.',
        next: 'Give it in CRONLATCH_DB_PASSWORD or CRONLATCH_DB_URL, or in a file of mode 0600: --db-url-file FILE or --db-password-file FILE',
      });
    const read = readUrl(url, '--db-url');
    const parts = secretText === undefined ? read : withPassword(read, secretText);
    const from = named.from === 'environment' ? 'environment' : 'flags';
    return {
      credentials: dress(parts),
      source: from,
      where: from === 'flags' ? '--db-url' : 'CRONLATCH_DB_URL',
    };
  }
  const user = word(ctx, 'db-user');
  const found = credentialsOf({
    user,
    password: secretText,
    database: word(ctx, 'db-name'),
    host: word(ctx, 'db-host'),
    port: word(ctx, 'db-port'),
    socket: word(ctx, 'db-socket'),
  });
  return found === 'none' ? 'none' : { credentials: dress(found), source: 'flags', where: '--db-user' };
}

function withPassword(found: Credentials, password: string): Credentials {
  const made = credentialsOf({ user: found.user, password });
  return made === 'none' ? found : { ...found, password: made.password };
}

function readUrl(text: string, name: string): Credentials {
  const found = fromUrl(text);
  if (typeof found === 'object') return found;
  const why = {
    'no-url': 'this is no address of a database, such as mysql://user@localhost/app',
    'other-database': 'only MariaDB and MySQL are known',
    'no-user': 'there is no user in it',
  }[found];
  throw new Problem('usage', { what: `${name}: ${why}.` });
}

function tlsOf(ctx: Context): Tls | undefined {
  const given = word(ctx, 'db-tls');
  if (given === undefined) return undefined;
  if (given === 'off' || given === 'on' || given === 'verify') return given;
  throw new Problem('usage', { what: `--db-tls ${given}: it can be off, on, verify.` });
}

/** The password's file, else its variable; never argv. */
async function passwordGiven(ctx: Context): Promise<string | undefined> {
  const file = word(ctx, 'db-password-file');
  if (file !== undefined) return (await privateFile(ctx, '--db-password-file', file)).replace(/\r?\n$/, '');
  return ctx.around.env['CRONLATCH_DB_PASSWORD'];
}

/** What stands in a file that nobody else may read. */
export async function privateFile(ctx: Context, flag: string, path: string): Promise<string> {
  const seen = await ctx.server.files.look(resolve(ctx.around.cwd, path), ctx.server.self.owner);
  if (seen.is !== 'file') throw new Problem('usage', { what: `${flag} ${path}: no file.` });
  if ((seen.mode & 0o077) !== 0)
    throw new Problem('usage', {
      what: `${flag} ${path}: others may read it (mode ${seen.mode.toString(8).padStart(4, '0')}).`,
      next: `chmod 600 ${path}`,
    });
  return Buffer.from(seen.bytes, 'latin1').toString('utf8');
}
