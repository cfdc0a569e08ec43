// Where each worker's lock, log and guard go: what stands there already keeps its place, and no two workers share one.
import { dirname, isAbsolute, join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import { isPiped, logOf } from '../command/redirects.ts';
import type { Owner, Seen } from '../server/server.ts';
import { askedDirectory, guardFileName, namesFor, placesBelow } from '../worker/place.ts';
import { readRecord } from '../worker/record.ts';
import { type Places, tellingArgs } from './facts.ts';
import { lookAtLog } from './log.ts';
import { type Look, latchingOf, once, realScript, type Sight } from './look.ts';
import { peek, peekLock } from './peek.ts';

/** Users with no home of their own (www-data …) get one here when root deploys. */
const commonHome = '/var/lib/cronlatch-workers';

/** A lock that is spoken for, and the worker it is for. */
interface Claim {
  readonly directory: string;
  readonly name: string;
  readonly worker: string;
}

/** Who has which lock. */
export interface Claims {
  /** By path of the lock, without its ending. */
  readonly byLock: Map<string, Claim>;
  /** The first of each worker. */
  readonly byWorker: Map<string, Claim>;
  /** For names that end in a number, by home and name: the first that may be free. */
  readonly numbered: Map<string, number>;
}

function claim(claims: Claims, one: Claim): void {
  const lock = join(one.directory, one.name);
  if (claims.byLock.has(lock)) return;
  claims.byLock.set(lock, one);
  if (!claims.byWorker.has(one.worker)) claims.byWorker.set(one.worker, one);
}

/** The locks of all guards that stand: spoken for, before any other worker gets a name. */
export function claimsOf(sights: readonly Sight[]): Claims {
  const claims: Claims = { byLock: new Map(), byWorker: new Map(), numbered: new Map() };
  for (const sight of sights) {
    if (sight.held === 'none') continue;
    const directory = readable(sight.held.dir);
    claim(claims, { directory, name: readable(sight.held.name), worker: workerOf(sight) });
  }
  return claims;
}

/** Finds the places of one worker and claims its lock. */
export async function placesFor(look: Look, sight: Sight, claims: Claims): Promise<Places | 'none'> {
  const { command } = sight;
  const home = await homeFor(look, sight);
  if (home === 'none') return 'none';
  const old = logOf(command);
  const asked = askedLog(look, sight);
  const kept = old === 'none' || old === 'null' || old === 'unknown' ? undefined : readable(old);
  const { directory, name } = await lockFor(look, sight, claims, home, kept);
  const below = placesBelow(home, name, guardFileName(command.interpreter.kind));
  const openers = await openersPlace(look, sight, name, below.log);
  const log = asked ?? kept ?? openers;
  const lock = join(directory, `${name}.lock`);
  for (const path of [home, below.base, lock, directory, below.guardInBase]) {
    for (let at = path; !look.paths.has(at); at = dirname(at)) await see(look, sight.eyes, at);
  }
  const { uid, gid } = sight.opener;
  for (let at = dirname(log); !look.paths.has(at); at = dirname(at))
    await see(look, eyesOf(look, { uid, gid }), at);
  return {
    ...below,
    directory,
    name,
    log,
    logAt: await lookAtLog(look, sight.opener, log),
    logIs:
      kept === undefined && isPiped(command)
        ? 'piped'
        : asked !== undefined
          ? 'asked'
          : kept !== undefined
            ? 'kept'
            : 'ours',
    logOwner: { uid, gid },
  };
}

/**
 * Our log lies with whoever opens it. Root's shell in front of a sudo must not write where the other user could have laid a
 * link: it gets a place in root's own home.
 */
async function openersPlace(look: Look, sight: Sight, name: string, own: string): Promise<string> {
  const { opener, person, openersHome, command } = sight;
  if (opener.name === person.name) return own;
  const eyes = eyesOf(look, { uid: opener.uid, gid: opener.gid });
  await see(look, eyes, openersHome);
  return placesBelow(openersHome, name, guardFileName(command.interpreter.kind)).log;
}

function eyesOf({ server }: Look, owner: Owner): Owner {
  return server.self.root ? owner : server.self.owner;
}

/**
 * The lock a guard holds already; else that of another entry for the same worker; else the first name nobody has. A
 * directory that exists belongs to somebody, be it through another crontab, unless a journal or this worker's own log says
 * that it is this worker's: what else could tell is in no file.
 */
async function lockFor(
  look: Look,
  sight: Sight,
  claims: Claims,
  home: string,
  log: string | undefined,
): Promise<{ directory: string; name: string }> {
  const { held } = sight;
  if (held !== 'none') return { directory: readable(held.dir), name: readable(held.name) };
  const worker = workerOf(sight);
  const claimed = claims.byWorker.get(worker);
  if (claimed !== undefined) return claimed;
  const { lockDir } = latchingOf(look, sight);
  if (lockDir !== undefined) return lockIn(look, sight, claims, lockDir);
  const before = look.earlier.findLast((lock) => workerKey(lock.script, lock.args, lock.uid) === worker);
  if (before !== undefined && !claims.byLock.has(join(before.directory, before.name))) {
    claim(claims, { directory: before.directory, name: before.name, worker });
    return before;
  }
  const script = realScript(sight);
  const file = guardFileName(sight.command.interpreter.kind);
  // Where every number up to one is taken, by whichever worker, the next need not ask again; but a log that lies where
  // ours would be belongs to a name, and that may be any.
  const [plain = ''] = namesFor(script, sight.args);
  const key = `${home} ${plain}`;
  const ours = log?.startsWith(`${home}/cronlatch/`) === true;
  const first = ours ? 2 : (claims.numbered.get(key) ?? 2);
  for (const name of namesFor(script, sight.args, first)) {
    const below = placesBelow(home, name, file);
    if (claims.byLock.has(join(below.directory, name))) continue;
    if ((await see(look, sight.eyes, below.directory)).is === 'directory' && log !== below.log) continue;
    claim(claims, { directory: below.directory, name, worker });
    const number = name.startsWith(`${plain}-`) ? Number(name.slice(plain.length + 1)) : Number.NaN;
    if (!ours && number >= first) claims.numbered.set(key, number + 1);
    return { directory: below.directory, name };
  }
  throw new Error('names never end');
}

/**
 * A name in the directory that was asked for. A script that brings a lock of its own may use just that directory under its
 * own name: two locks on one file would shut the worker out for ever, so its plain name is not taken.
 */
async function lockIn(
  look: Look,
  sight: Sight,
  claims: Claims,
  asked: string,
): Promise<{ directory: string; name: string }> {
  const directory = askedDirectory(asked, readable(sight.command.directory));
  const script = realScript(sight);
  const own = typeof sight.script !== 'string' && sight.script.ownLock !== 'none';
  const [plain = ''] = namesFor(script, sight.args);
  for (const name of namesFor(script, sight.args)) {
    if (claims.byLock.has(join(directory, name)) || (own && name === plain)) continue;
    const seen = await see(look, sight.eyes, join(directory, `${name}.lock`), peekLock);
    // Somebody's file of that name: only one that a guard has written is a lock of ours.
    if (seen.is !== 'absent' && (seen.is !== 'file' || typeof readRecord(seen.bytes) === 'string')) continue;
    claim(claims, { directory, name, worker: workerOf(sight) });
    return { directory, name };
  }
  throw new Error('names never end');
}

/** Entries with the same are one worker, which needs one lock. */
function workerOf(sight: Sight): string {
  return workerKey(realScript(sight), sight.args, sight.owner.uid);
}

function workerKey(script: string, args: readonly string[], uid: number): string {
  return JSON.stringify([script, tellingArgs(args), uid]);
}

function askedLog(look: Look, sight: Sight): string | undefined {
  const { log } = latchingOf(look, sight);
  if (log === undefined || isAbsolute(log)) return log;
  return join(readable(sight.command.directory), log);
}

/** Seen once by each pair of eyes; below a directory that is not there, nothing is. */
async function see(look: Look, eyes: Owner, path: string, by: typeof peekLock = peek): Promise<Seen> {
  const seen =
    look.paths.get(dirname(path))?.is === 'absent'
      ? ({ is: 'absent' } as const)
      : await once(look, `seen ${eyes.uid} ${path}`, () => by(look.server, path, eyes));
  look.paths.set(path, seen);
  return seen;
}

/** The site's home: HOME as cron sets it, when it is a directory of the user's own; for users without one, root's common place. */
function homeFor(look: Look, sight: Sight): Promise<string | 'none'> {
  const key = `home ${sight.eyes.uid} ${sight.owner.uid} ${sight.person.name} ${sight.home}`;
  return once(look, key, () => findHome(look, sight));
}

async function findHome(look: Look, sight: Sight): Promise<string | 'none'> {
  const { server } = look;
  if (sight.home.startsWith('/')) {
    const seen = await see(look, sight.eyes, sight.home);
    if (seen.is === 'directory' && seen.uid === sight.owner.uid) return sight.home;
  }
  if (!server.self.root) return 'none';
  const own = join(commonHome, sight.person.name);
  for (const path of [dirname(commonHome), commonHome, own])
    look.paths.set(path, await peek(server, path, server.self.owner));
  return own;
}
