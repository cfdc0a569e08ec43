// How one worker gets its guard: which place, and the file steps that put it there.
import { basename, dirname } from 'node:path/posix';
import type { Latching } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { FileText, PutFile } from '../change/step.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Owner, Seen, SeenFile } from '../server/server.ts';
import { type Facts, type Finding, type Job, type ScriptFacts, tellingArgs } from '../survey/facts.ts';
import { isGuarded, isScheduler } from '../survey/rules/lock.ts';
import { entryFlags, entryGuard } from '../worker/entry.ts';
import { guardFile, isNewer, sharedFile } from '../worker/guard.ts';
import { injectGuard } from '../worker/inject.ts';
import { findGuard } from '../worker/line.ts';
import { guardFileName, isConsole, sharedFileName } from '../worker/place.ts';

export interface Guarding {
  readonly place: 'script' | 'entry' | 'none';
  readonly guard?: string;
  /** The file of the second lock, and where its credentials are. */
  readonly shared?: { readonly file: string; readonly from: string };
  readonly files: readonly PutFile[];
  /** Interpreter options for the entry. */
  readonly flags: readonly string[];
  readonly findings: readonly Finding[];
  readonly obstacles: readonly Finding[];
}

/** Decides where the guard of this job stands and what has to be written for it. */
export async function guarding(facts: Facts, job: Job, latching: Latching): Promise<Guarding> {
  const nothing = { place: 'none', files: [], flags: [], findings: [], obstacles: [] } as const;
  if (isScheduler(job) && latching.guard === undefined && !isGuarded(job)) {
    const args = { script: job.scriptPath, job: job.args[0] ?? '' };
    return { ...nothing, findings: [note(job, 'scheduler', 'note', args)] };
  }
  if (latching.without.includes('guard') || typeof job.script === 'string' || job.places === 'none') {
    return latching.worker === undefined
      ? nothing
      : { ...nothing, obstacles: [note(job, 'worker-needs-script', 'stop', {})] };
  }
  const place = placeOf(job, job.script, facts.workers, namedElsewhere(facts, job), latching);
  if (place.is === 'script') {
    const inScript = await guardInScript(facts, job, job.script, place.because, latching);
    // A script that cannot take the line gets its guard in the entry, unless the script was asked for.
    if (inScript.obstacles.length === 0 || latching.guard === 'script' || latching.worker !== undefined)
      return inScript;
    const inEntry = guardInEntry(facts, job, latching);
    return {
      ...inEntry,
      findings: [...inScript.obstacles.map((f) => ({ ...f, level: 'note' as const })), ...inEntry.findings],
    };
  }
  const inEntry = guardInEntry(facts, job, latching);
  if (latching.worker !== undefined && !ownsScript(job, job.script)) {
    return {
      ...inEntry,
      obstacles: [note(job, 'script-owners-differ', 'stop', { script: job.script.path })],
    };
  }
  const shipped =
    latching.worker === undefined ? [] : [shippedScript(facts, job, job.script)].filter((s) => s !== 'same');
  return {
    ...inEntry,
    files: [...inEntry.files, ...shipped],
    findings: [note(job, 'guard-in-entry', 'note', { because: place.because }), ...inEntry.findings],
  };
}

/** Does an entry that cannot be followed (flock, pgrep, a pipe …) name this script? It may start it, too. */
function namedElsewhere(facts: Facts, job: Job): boolean {
  const name = bytesOf(basename(job.scriptPath));
  return facts.crontabs.some((crontab) =>
    crontab.entries.some((e) => e.reading.is === 'opaque' && e.entry.command.text.includes(name)),
  );
}

function placeOf(
  job: Job,
  script: ScriptFacts,
  workers: Facts['workers'],
  namedElsewhere: boolean,
  latching: Latching,
): { is: 'script' | 'entry'; because: string } {
  if (latching.guard !== undefined) return { is: latching.guard, because: 'asked' };
  if (script.guard !== 'none') return { is: 'script', because: 'there' };
  if (isGuarded(job)) return { is: 'entry', because: 'there' };
  if (isConsole(script.path)) return { is: 'entry', because: 'console' };
  // wp-cron.php and the like: the next update writes them anew, and web requests start them, too.
  if (job.framework !== 'none') return { is: 'entry', because: 'vendor' };
  // Whoever else starts this script, chosen or not, would find the guard in it and be refused by this job's lock.
  const others = workers.some((other) => isOtherJob(other, job, script)) || namedElsewhere;
  if (others) return { is: 'entry', because: 'several-jobs' };
  if (script.releasedBy !== 'nobody') return { is: 'entry', because: script.releasedBy };
  if (!ownsScript(job, script)) return { is: 'entry', because: 'owners' };
  return { is: 'script', because: 'default' };
}

/** Does this entry start the same script for a job of its own: with other arguments, or as another user? */
function isOtherJob(other: Facts['workers'][number], job: Job, script: ScriptFacts): boolean {
  if (typeof other.script === 'string' || other.script.path !== script.path) return false;
  return (
    other.owner.uid !== job.owner.uid ||
    JSON.stringify(tellingArgs(other.args)) !== JSON.stringify(tellingArgs(job.args))
  );
}

async function guardInScript(
  facts: Facts,
  job: Job,
  script: ScriptFacts,
  because: string,
  latching: Latching,
): Promise<Guarding> {
  const kind = job.interpreter.kind;
  const places = job.places === 'none' ? undefined : job.places;
  const empty: Guarding = { place: 'script', files: [], flags: [], findings: [], obstacles: [] };
  if (script.file.links > 1)
    return { ...empty, obstacles: [note(job, 'script-hard-linked', 'stop', { script: script.path })] };
  if (!ownsScript(job, script)) {
    return { ...empty, obstacles: [note(job, 'script-owners-differ', 'stop', { script: script.path })] };
  }
  if (script.file.bytes.length > 512 * 1024) {
    return {
      ...empty,
      obstacles: [note(job, 'guard-refused', 'stop', { why: 'too-large', detail: '', script: script.path })],
    };
  }
  const guard = `${dirname(script.path)}/${guardFileName(kind)}`;
  const source = facts.worker?.bytes ?? script.file.bytes;
  const tokens = facts.worker === undefined ? facts.tokens?.get(script.path) : undefined;
  const found = findGuard(source);
  const held = found === 'none' ? script.guard : found;
  const shared = latching.shared === undefined ? sharedOf(held) : bytesOf(latching.shared);
  const injected = await injectGuard(source, {
    kind,
    dir: bytesOf(places?.directory ?? ''),
    name: bytesOf(places?.name ?? ''),
    guardPath: `./${guardFileName(kind)}`,
    ...moduleOf(script.path),
    ...(shared === undefined ? {} : { more: { shared } }),
    ...(tokens === undefined ? {} : { tokens }),
  });
  if (injected.is === 'refused') {
    return {
      ...empty,
      obstacles: [
        note(job, 'guard-refused', 'stop', {
          why: injected.why,
          detail: injected.detail,
          script: script.path,
        }),
      ],
    };
  }
  const files: PutFile[] = [];
  const own = { uid: job.owner.uid, gid: script.file.gid };
  const look = { ...own, mode: 0o644 & (script.file.mode | 0o600) };
  const second = secondLock(guard, kind, shared);
  // The guard's file last: it is the first one that names the other.
  if (second !== undefined) files.push(...guardStep(facts, second.file, sharedFile(kind), look, job.owner));
  files.push(...guardStep(facts, guard, guardFile(kind), look, job.owner));
  const after = injected.is === 'already' ? source : injected.text;
  if (after !== script.file.bytes) files.push(scriptStep(job, script, after));
  return {
    ...empty,
    guard,
    ...(second === undefined ? {} : { shared: second }),
    files,
    findings: because === 'there' ? [] : [note(job, 'guard-in-script', 'note', { because })],
  };
}

function guardInEntry(facts: Facts, job: Job, latching: Latching): Guarding {
  const kind = job.interpreter.kind;
  const empty: Guarding = { place: 'entry', files: [], flags: [], findings: [], obstacles: [] };
  if (job.places === 'none') return { ...empty, place: 'none' };
  const { guardInBase: guard, directory: dir, name } = job.places;
  const there = entryGuard(job.command);
  const shared = latching.shared === undefined ? sharedOf(there) : bytesOf(latching.shared);
  const second = secondLock(guard, kind, shared);
  const look = { ...job.owner, mode: 0o600 };
  return {
    ...empty,
    guard,
    ...(second === undefined ? {} : { shared: second }),
    files: [
      ...(second === undefined ? [] : guardStep(facts, second.file, sharedFile(kind), look, job.owner)),
      ...guardStep(facts, guard, guardFile(kind), look, job.owner),
    ],
    flags: entryFlags(kind, {
      guardPath: bytesOf(guard),
      dir: bytesOf(dir),
      name: bytesOf(name),
      more: {
        // In PHP's entries these have words of their own.
        ...(kind === 'php' || there === 'none' ? {} : there.more),
        ...(shared === undefined ? {} : { shared }),
      },
    }),
  };
}

function sharedOf(held: { readonly shared?: Bytes } | 'none'): Bytes | undefined {
  return held === 'none' ? undefined : held.shared;
}

/** The second lock's file lies beside the guard, which looks for it there. */
function secondLock(
  guard: string,
  kind: 'php' | 'node',
  shared: Bytes | undefined,
): { file: string; from: string } | undefined {
  if (shared === undefined) return undefined;
  return { file: `${dirname(guard)}/${sharedFileName(kind)}`, from: readable(shared) };
}

/** The step that puts a file of the guard's in place, or brings an older one up to date; none where it is there. */
function guardStep(
  facts: Facts,
  path: string,
  bytes: Bytes,
  look: Owner & { mode: number },
  as: Owner,
): PutFile[] {
  const seen: Seen = facts.paths.get(path) ?? { is: 'absent' };
  if (seen.is === 'file') {
    if (seen.bytes === bytes || isNewer(seen.bytes, bytes)) return [];
    const before = asText(seen);
    return [{ kind: 'put-file', what: 'guard', path, as, before, after: { ...withoutTime(before), bytes } }];
  }
  const after = { bytes, mode: look.mode, uid: look.uid, gid: look.gid };
  return [{ kind: 'put-file', what: 'guard', path, as, before: 'absent', after }];
}

/**
 * Only a script that the job's own user owns, in a directory of his own, is ever written: the entry names both the
 * script and the program that judges it, so anything else would lend the script's owner's rights to the entry's author.
 */
function ownsScript(job: Job, script: ScriptFacts): boolean {
  return script.file.uid === job.owner.uid && script.directory.uid === job.owner.uid;
}

function shippedScript(facts: Facts, job: Job, script: ScriptFacts): PutFile | 'same' {
  const bytes = facts.worker?.bytes ?? script.file.bytes;
  return bytes === script.file.bytes ? 'same' : scriptStep(job, script, bytes);
}

function scriptStep(job: Job, script: ScriptFacts, bytes: string): PutFile {
  const before = asText(script.file);
  const judge =
    job.interpreter.path === 'missing'
      ? undefined
      : [job.interpreter.path, job.interpreter.kind === 'php' ? '-l' : '--check'];
  return {
    kind: 'put-file',
    what: 'script',
    path: script.path,
    as: job.owner,
    before,
    after: { ...withoutTime(before), bytes },
    ...(judge === undefined ? {} : { judge }),
  };
}

function asText(file: SeenFile): FileText {
  const { bytes, mode, uid, gid, mtime } = file;
  return { bytes, mode, uid, gid, mtime };
}

function withoutTime(text: FileText): FileText {
  const { mtime: _, ...rest } = text;
  return rest;
}

function note(job: Job, code: string, level: Finding['level'], args: Finding['args']): Finding {
  return { level, code, where: { source: job.sourceName, line: job.line }, args };
}

/** What the script's ending says about it; `.js` says nothing (its package.json would). */
function moduleOf(path: string): { module?: 'esm' | 'commonjs' } {
  if (path.endsWith('.mjs')) return { module: 'esm' };
  return path.endsWith('.cjs') ? { module: 'commonjs' } : {};
}
