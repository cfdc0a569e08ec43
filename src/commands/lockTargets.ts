// Which locks are meant: a path, or the workers that a source, --script or --entry name.
import { basename, dirname, join, resolve } from 'node:path/posix';
import { interpreterKind } from '../command/interpreter.ts';
import { choose } from '../plan/choose.ts';
import { isChrootShell } from '../plesk/chroot.ts';
import { Problem } from '../problem.ts';
import type { Owner } from '../server/server.ts';
import { type Job, jobsOf } from '../survey/facts.ts';
import { isGuarded } from '../survey/rules/lock.ts';
import { survey } from '../survey/survey.ts';
import type { Context } from './context.ts';
import { refuseUntrusted } from './trust.ts';

export interface LockTarget {
  readonly name: string;
  readonly directory: string;
  /** Whose rights everything about it is done with. */
  readonly owner: Owner;
  readonly user: string;
  /** The user's shell, where it is Plesk's chroot. */
  readonly chroot?: string;
  readonly home: string;
  readonly guarded: boolean;
  /** Real path of the script, where an entry says so. */
  readonly script?: string;
  readonly interpreter?: { readonly kind: 'php' | 'node'; readonly path: string };
}

/** The lock's file. */
export function lockPath(target: Pick<LockTarget, 'directory' | 'name'>): string {
  return join(target.directory, `${target.name}.lock`);
}

/** All locks that are meant; throws a Problem where none is. */
export async function lockTargets(ctx: Context): Promise<readonly LockTarget[]> {
  const { id: path } = ctx.line;
  const targets =
    path === undefined ? await ofWorkers(ctx) : await atPath(ctx, resolve(ctx.around.cwd, path));
  const seen = new Set<string>();
  return targets.filter((target) => !seen.has(lockPath(target)) && seen.add(lockPath(target)));
}

/** The one lock that is meant, for what is done to one only. */
export async function oneTarget(ctx: Context, act: string): Promise<LockTarget> {
  const targets = await lockTargets(ctx);
  const [one, ...more] = targets;
  if (one !== undefined && more.length === 0) return one;
  throw new Problem('usage', {
    what: `${act} is about one lock, and ${targets.length} are meant: ${targets.map(lockPath).join(', ')}.`,
    next: 'Name one by its path, or a worker with --script or --entry.',
  });
}

async function ofWorkers(ctx: Context): Promise<readonly LockTarget[]> {
  const facts = await survey(ctx.server, ctx.settings);
  const jobs = jobsOf(facts);
  const { pick } = ctx.settings;
  if (pick.is === 'unsaid' || pick.is === 'all') {
    const found = jobs.filter(isGuarded).flatMap(targetOf);
    if (found.length > 0) return found;
    throw new Problem('no-such-entry', { what: 'No worker here has a guard.' });
  }
  const choice = choose(facts, pick);
  if (choice.is !== 'jobs') {
    const what = choice.is === 'none' && choice.what !== '' ? choice.what : 'No such worker.';
    throw new Problem('no-such-entry', { what });
  }
  const found = choice.jobs.flatMap(targetOf);
  if (found.length === 0)
    throw new Problem('no-such-entry', { what: 'This worker has no place for a lock.' });
  return found;
}

function targetOf(job: Job): LockTarget[] {
  if (job.places === 'none') return [];
  const { path, kind } = job.interpreter;
  return [
    {
      name: job.places.name,
      directory: job.places.directory,
      owner: job.owner,
      user: job.user.name,
      ...(isChrootShell(job.user.shell) ? { chroot: job.user.shell } : {}),
      home: job.user.home,
      guarded: isGuarded(job),
      ...(typeof job.script === 'string' ? {} : { script: job.script.path }),
      ...(path === 'missing' ? {} : { interpreter: { kind, path } }),
    },
  ];
}

/** A lock file, or a directory with some in it: everything is done with the rights of the directory's owner. */
async function atPath(ctx: Context, path: string): Promise<readonly LockTarget[]> {
  const { server } = ctx;
  const isFile = path.endsWith('.lock');
  const directory = isFile ? dirname(path) : path;
  const seen = await server.files.look(directory, server.self.owner);
  if (seen.is !== 'directory') throw new Problem('file-missing', { path: directory });
  const owner: Owner = { uid: seen.uid, gid: seen.gid };
  if (!server.self.root && owner.uid !== server.self.owner.uid)
    throw new Problem('not-allowed', {
      act: `look at the lock in ${directory}`,
      reason: `It belongs to uid ${owner.uid}, and you are uid ${server.self.owner.uid}.`,
    });
  // Root's own directory on a way that others may change could lead root anywhere.
  if (owner.uid === 0) await refuseUntrusted(server, directory);
  const person = await server.people.find(owner.uid);
  const as = person === 'unknown' ? owner : { uid: person.uid, gid: person.gid };
  const names = isFile ? [basename(path, '.lock')] : await namesIn(ctx, directory, as);
  const [first] = names;
  if (first === undefined)
    throw new Problem('no-such-entry', { what: `There is no lock in ${directory} (NAME.lock).` });
  const interpreter = await interpreterFor(ctx, as);
  return names.map((name) => ({
    name,
    directory,
    owner: as,
    user: person === 'unknown' ? String(owner.uid) : person.name,
    ...(person !== 'unknown' && isChrootShell(person.shell) ? { chroot: person.shell } : {}),
    home: person === 'unknown' ? '/' : person.home,
    guarded: true,
    ...(interpreter === 'none' ? {} : { interpreter }),
  }));
}

async function namesIn(ctx: Context, directory: string, as: Owner): Promise<readonly string[]> {
  const names = await ctx.server.files.list(directory, as);
  return (names === 'absent' ? [] : names)
    .filter((name) => name.endsWith('.lock') && !name.startsWith('.'))
    .map((name) => basename(name, '.lock'));
}

/** A path says nothing of a program: the one that was named, else what the user would find. */
async function interpreterFor(
  ctx: Context,
  as: Owner,
): Promise<{ kind: 'php' | 'node'; path: string } | 'none'> {
  const { interpreter } = ctx.settings.latching;
  for (const path of interpreter === undefined
    ? ['/usr/bin/php', '/usr/local/bin/php', '/usr/bin/node']
    : [interpreter]) {
    const kind = interpreterKind(basename(path));
    if (kind !== 'none' && (await ctx.server.files.executable(path, as))) return { kind, path };
  }
  return 'none';
}
