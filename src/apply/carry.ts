// Carrying out one step, and telling by a look at the server whether it was carried out.
import { basename, dirname, join } from 'node:path/posix';
import type { FileText, MakeDirectory, PutCrontab, PutFile, Step } from '../change/step.ts';
import { Problem } from '../problem.ts';
import type { FileLook, Owner, Seen, Server } from '../server/server.ts';
import { type Bell, stopInstances } from './stop.ts';
import { putTask, settleTask } from './task.ts';

/**
 * Does one step and reads it back. `acting` is called immediately before the first change is made: a Problem thrown
 * earlier has changed nothing, after a later one a look tells how far it got (`settle`).
 */
export async function carry(
  server: Server,
  step: Step,
  bell: Bell,
  acting: () => void = () => {},
): Promise<void> {
  switch (step.kind) {
    case 'make-directory':
      await makeDirectory(server, step, acting);
      return;
    case 'remove-directory':
      acting();
      await server.files.removeDirectory(step.path, step.as);
      await syncParent(server, step.path, step.as);
      return;
    case 'put-file':
      await putFile(server, step, acting);
      return;
    case 'put-crontab':
      await putCrontab(server, step, acting);
      return;
    case 'put-task':
      await putTask(server, step, acting, (crontab) => putCrontab(server, crontab, () => {}));
      return;
    case 'stop-process':
      acting();
      await stopInstances(server, step, bell);
      return;
  }
}

/**
 * What the server shows: the state before the step, the one after it, or neither of the two. 'between' is one store of two
 * that is changed and one that is not: both ways lead on from there.
 */
export async function settle(
  server: Server,
  step: Step,
): Promise<'before' | 'between' | 'after' | 'neither'> {
  switch (step.kind) {
    case 'make-directory':
    case 'remove-directory': {
      const there = (await server.files.look(step.path, step.as)).is === 'directory';
      return there === (step.kind === 'make-directory') ? 'after' : 'before';
    }
    case 'put-file': {
      const seen = await server.files.look(step.path, step.as);
      if (same(seen, step.after)) return 'after';
      return same(seen, step.before) ? 'before' : 'neither';
    }
    case 'put-crontab': {
      const text = await crontabText(server, step);
      if (text === step.after) return 'after';
      return text === step.before ? 'before' : 'neither';
    }
    case 'put-task':
      return settleTask(server, step);
    case 'stop-process':
      // What was stopped stays stopped; there is nothing to put back.
      return 'before';
  }
}

/** Removes what a crash may have left of a step: temporary files beside its target. */
export async function tidy(server: Server, step: Step): Promise<void> {
  const target =
    step.kind === 'put-file'
      ? { path: step.path, as: step.as }
      : (step.kind === 'put-crontab' || step.kind === 'put-task') && step.route.by !== 'command'
        ? step.route
        : 'none';
  if (target === 'none') return;
  const directory = dirname(target.path);
  const names = await server.files.list(directory, target.as);
  for (const name of names === 'absent' ? [] : names) {
    const [, base] = /^\.cronlatch-new\.\d+\.(.+)$/s.exec(name) ?? [];
    if (base !== basename(target.path)) continue;
    const path = join(directory, name);
    if ((await server.files.look(path, target.as)).is === 'file') await server.files.remove(path, target.as);
  }
}

/**
 * A leading dot keeps cron and run-parts from taking it for a crontab. Our PID keeps two deployers out of each other's
 * way, and the ending stays last, since Node tells a module by it.
 */
function temporaryName(server: Server, path: string): string {
  return join(dirname(path), `.cronlatch-new.${server.self.pid}.${basename(path)}`);
}

async function makeDirectory(server: Server, step: MakeDirectory, acting: () => void): Promise<void> {
  const { path, mode, owner, as } = step;
  const seen = await server.files.look(path, as);
  if (seen.is === 'absent') {
    acting();
    await server.files.makeDirectory(path, mode, owner, as);
    await syncParent(server, path, as);
  } else if (seen.is !== 'directory' || seen.uid !== owner.uid) {
    throw new Problem('changed-under-us', { what: path });
  }
}

async function putFile(server: Server, step: PutFile, acting: () => void): Promise<void> {
  const { path, as, before, after } = step;
  const expect = async (): Promise<void> => {
    if (!same(await server.files.look(path, as), before))
      throw new Problem('changed-under-us', { what: path });
  };
  await expect();
  if (after === 'absent') {
    acting();
    await server.files.remove(path, as);
    await syncParent(server, path, as);
  } else {
    await replace(server, { path, as, after }, async (temporary) => {
      if (step.judge) await judge(server, step.judge, temporary, path, as);
      await expect();
      acting();
    });
  }
  const seen = await server.files.look(path, as);
  if (!same(seen, after) || !timeKept(seen, after === 'absent' ? undefined : after.mtime)) {
    throw new Problem('read-back', { what: path });
  }
}

/** The interpreter itself decides whether the new source is one: `php -l`, `node --check`. */
async function judge(
  server: Server,
  program: readonly string[],
  temporary: string,
  path: string,
  as: Owner,
): Promise<void> {
  const ran = await server.programs.run([...program, temporary], { as, timeout: 30_000 });
  if (ran.code === 0) return;
  const said = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? '';
  throw new Problem(
    'unkeepable',
    { path, reason: `with the guard in it, ${program.join(' ')} refuses it: ${said}` },
    { exit: 1 },
  );
}

async function putCrontab(server: Server, step: PutCrontab, acting: () => void): Promise<void> {
  const { route, before, after } = step;
  const expect = async (): Promise<void> => {
    if ((await crontabText(server, step)) !== before)
      throw new Problem('changed-under-us', { what: nameOf(step) });
  };
  await expect();
  if (step.source.is === 'user') {
    const verdict = await server.crontabs.check(after);
    if (verdict.is === 'refused')
      throw new Problem('crontab-refused', { source: nameOf(step), reason: verdict.said });
  }
  if (route.by === 'command') {
    await expect();
    acting();
    await server.crontabs.install(after);
  } else {
    await refuseSecondName(server, route.path, route.as);
    const { mode, uid, gid } = route.look;
    const look: FileText = {
      bytes: after,
      mode,
      uid,
      gid,
      ...(step.mtime === undefined ? {} : { mtime: step.mtime }),
    };
    await replace(server, { path: route.path, as: route.as, after: look }, async () => {
      await expect();
      acting();
    });
  }
  await server.crontabs.poke(route, after);
  const seen = await server.crontabs.read(step.source);
  const look =
    seen.is === 'crontab' && seen.route.by !== 'command' && route.by !== 'command'
      ? seen.route.look
      : undefined;
  const kept =
    look === undefined ||
    route.by === 'command' ||
    (look.mode === route.look.mode &&
      look.uid === route.look.uid &&
      look.gid === route.look.gid &&
      (step.mtime === undefined || look.mtime === step.mtime));
  if (seen.is === 'none' || seen.text !== after || !kept)
    throw new Problem('read-back', { what: nameOf(step) });
}

/** A replaced file has one name. Under a second one the old text would live on, and whoever edits there edits nothing. */
async function refuseSecondName(server: Server, path: string, as: Owner): Promise<void> {
  const seen = await server.files.look(path, as);
  if (seen.is !== 'file' || seen.links < 2) return;
  throw new Problem('unkeepable', {
    path,
    reason: `it has ${seen.links} names (hard links), and a new file would have one`,
    next: 'What had been done was put back. Leave it one name: find DIRECTORY -samefile FILE shows them.',
  });
}

/** Temporary file beside the target, fsync, a last look, rename, fsync of the directory: never half a file. */
async function replace(
  server: Server,
  { path, as, after }: { path: string; as: Owner; after: FileText },
  lastLook: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(server, path);
  if ((await server.files.look(temporary, as)).is === 'file') await server.files.remove(temporary, as);
  const { bytes, ...look } = after;
  try {
    const there = (await server.files.look(path, as)).is === 'file';
    await server.files.write(temporary, bytes, look satisfies FileLook, as, there ? path : undefined);
    await server.files.sync(temporary, as);
    await lastLook(temporary);
    await server.files.rename(temporary, path, as);
  } catch (error) {
    if ((await server.files.look(temporary, as)).is === 'file') await server.files.remove(temporary, as);
    throw error;
  }
  await syncParent(server, path, as);
}

async function syncParent(server: Server, path: string, as: Owner): Promise<void> {
  await server.files.sync(dirname(path), as);
}

async function crontabText(server: Server, step: PutCrontab): Promise<string | 'none'> {
  const seen = await server.crontabs.read(step.source);
  return seen.is === 'none' ? 'none' : seen.text;
}

/** Only asked right after writing: later a mere touch by others is no change of theirs to the text. */
function timeKept(seen: Seen, mtime: string | undefined): boolean {
  return mtime === undefined || (seen.is === 'file' && seen.mtime === mtime);
}

function same(seen: Seen, wanted: FileText | 'absent'): boolean {
  if (wanted === 'absent') return seen.is === 'absent';
  return (
    seen.is === 'file' &&
    seen.bytes === wanted.bytes &&
    seen.mode === wanted.mode &&
    seen.uid === wanted.uid &&
    seen.gid === wanted.gid
  );
}

function nameOf(step: PutCrontab): string {
  return step.source.is === 'user' ? `the crontab of ${step.source.user}` : step.source.path;
}
