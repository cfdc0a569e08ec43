// export ansible DIR: writes the Ansible collection of this version, with the program as one file in it.
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path/posix';
import { bytesOf } from '../change/encode.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { collection, programPath } from '../fleet/collection.ts';
import { type Exported, isLater, listPath, printList, readList } from '../fleet/exported.ts';
import { Problem } from '../problem.ts';
import { type Context, type Result, reportSchema } from './context.ts';
import { refuseUntrusted } from './trust.ts';

/** How the program begins where it is all in one file (scripts/build.mjs). */
const banner = "#!/usr/bin/env node\n'use strict';\nvar cronlatchNode";

/** Writes the collection. A directory with something else in it is left alone (exit 5). */
export async function exportAnsible(ctx: Context): Promise<Result> {
  const { id: to } = ctx.line;
  if (to === undefined)
    throw new Problem('usage', {
      what: 'The directory to write to is missing.',
      next: 'For example: cronlatch export ansible collections/ansible_collections/cronlatch/fleet',
    });
  const directory = resolve(ctx.around.cwd, to);
  const wanted = new Map<string, Bytes>([
    ...[...collection(ctx.version)].map(([path, text]) => [path, bytesOf(text)] as const),
    [programPath, await program(ctx)],
  ]);
  const digests = new Map([...wanted].map(([path, bytes]) => [path, digestOf(bytes)]));
  const now: Exported = { version: ctx.version, files: digests };
  if (ctx.server.self.root) await refuseUntrusted(ctx.server, directory);
  const before = await earlier(ctx, directory, now);
  const is = before !== 'empty' && before.complete ? 'already-exported' : 'exported';
  if (is === 'exported') await write(ctx, directory, before, wanted, now);
  const files = [...wanted.keys()].sort();
  ctx.screen.print(
    is === 'exported'
      ? `Written: the collection cronlatch.fleet ${ctx.version}, ${files.length} files in ${to}.`
      : `The collection of this version is in ${to} already.`,
    `Next: ansible-galaxy collection install ${directory}`,
  );
  return {
    json: {
      schema: reportSchema,
      command: 'export',
      version: ctx.version,
      directory,
      files,
      outcome: { is, exit: 0 },
    },
    exit: 0,
  };
}

/** The program as one file: what was started, or what the build has put beside it. */
async function program(ctx: Context): Promise<Bytes> {
  const { files, self } = ctx.server;
  const started = ctx.around.program?.[1] ?? '';
  const beside = join(dirname(started), '../dist/cronlatch.cjs');
  for (const path of [started, beside]) {
    const seen = await files.look(path, self.owner);
    if (seen.is === 'file' && seen.bytes.startsWith(banner)) return seen.bytes;
  }
  throw new Problem('file-missing', { path: beside });
}

interface Before {
  readonly list: Exported;
  /** It is this very collection, and all of it is there. */
  readonly complete: boolean;
}

/** What an earlier export has left there, none of it changed since; a Problem for everything else. */
async function earlier(ctx: Context, directory: string, now: Exported): Promise<Before | 'empty'> {
  const { files, self } = ctx.server;
  const refuse = (reason: string) => new Problem('not-exported', { directory, reason });
  const seen = await files.look(directory, self.owner);
  if (seen.is === 'absent') return 'empty';
  if (seen.is !== 'directory') throw refuse('it is no directory');
  const names = await files.list(directory, self.owner);
  if (names === 'absent' || names.length === 0) return 'empty';
  const listed = await files.look(join(directory, listPath), self.owner);
  const list = listed.is === 'file' ? readList(Buffer.from(listed.bytes, 'latin1').toString('utf8')) : 'none';
  if (list === 'none') throw refuse('there is something in it that is no export of cronlatch');
  if (isLater(list.version, ctx.version))
    throw refuse(`it has the collection of a later version, ${list.version}`);
  let complete = printList(list) === printList(now);
  for (const path of new Set([...list.files.keys(), ...now.files.keys()])) {
    const file = await files.look(join(directory, path), self.owner);
    const digest = file.is === 'file' ? digestOf(file.bytes) : file.is;
    if (digest !== now.files.get(path)) complete = false;
    // An export that was cut off has left some of the old files and some of the new.
    if (![list.files.get(path), now.files.get(path), 'absent'].includes(digest))
      throw refuse(`${path} was changed, or put there, by somebody else`);
  }
  return { list, complete };
}

async function write(
  ctx: Context,
  directory: string,
  before: Before | 'empty',
  wanted: ReadonlyMap<string, Bytes>,
  now: Exported,
): Promise<void> {
  const { files, self } = ctx.server;
  const as = self.owner;
  const put = async (path: string, bytes: Bytes): Promise<void> => {
    const whole = join(directory, path);
    // The whole way down: a link further below would lead out of it.
    if (ctx.server.self.root) await refuseUntrusted(ctx.server, dirname(whole));
    await makeParents(ctx, dirname(whole));
    // Beside it and renamed: who is cut off here leaves whole files, old or new.
    const beside = join(dirname(whole), `.${path.slice(path.lastIndexOf('/') + 1)}.new`);
    if ((await files.look(beside, as)).is === 'file') await files.remove(beside, as);
    await files.write(beside, bytes, { mode: path === programPath ? 0o755 : 0o644, ...as }, as);
    await files.rename(beside, whole, as);
  };
  // Into an empty directory the list goes first, over an older export last: who is cut off can begin again.
  if (before === 'empty') await put(listPath, bytesOf(printList(now)));
  for (const [path, bytes] of wanted) await put(path, bytes);
  const gone = before === 'empty' ? [] : [...before.list.files.keys()].filter((path) => !wanted.has(path));
  for (const path of gone) {
    if ((await files.look(join(directory, path), as)).is === 'file')
      await files.remove(join(directory, path), as);
  }
  await put(listPath, bytesOf(printList(now)));
}

async function makeParents(ctx: Context, directory: string): Promise<void> {
  const { files, self } = ctx.server;
  if ((await files.look(directory, self.owner)).is !== 'absent') return;
  await makeParents(ctx, dirname(directory));
  await files.makeDirectory(directory, 0o755, self.owner, self.owner);
}

function digestOf(bytes: Bytes): string {
  return createHash('sha256').update(bytes, 'latin1').digest('hex');
}
