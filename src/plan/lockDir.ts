// A lock directory that was asked for: may a lock lie there? Most places people think of are refused, with the reason.
import { dirname, join } from 'node:path/posix';
import type { Latching } from '../ask/settings.ts';
import { readable } from '../change/encode.ts';
import type { Facts, Finding, Job } from '../survey/facts.ts';
import { askedDirectory, docrootAbove, isTemporary, releaseLayout } from '../worker/place.ts';

/** What speaks against the directory. */
export function lockDirFindings(facts: Facts, job: Job, latching: Latching): Finding[] {
  if (latching.lockDir === undefined || job.places === 'none') return [];
  const asked = askedDirectory(latching.lockDir, readable(job.command.directory));
  const say = (code: string, args: Finding['args'], level: Finding['level'] = 'stop'): Finding => ({
    level,
    code,
    where: { source: job.sourceName, line: job.line },
    args,
  });
  const { directory, name } = job.places;
  if (directory !== asked) return [say('lock-elsewhere', { lock: join(directory, `${name}.lock`) })];
  const lock = join(directory, `${name}.lock`);
  if (isTemporary(lock)) return [say('lock-in-tmp', { directory })];
  if (releaseLayout(lock) === 'releases') return [say('lock-in-release', { directory })];
  const docroot = docrootAbove(lock);
  const found =
    docroot === 'no'
      ? []
      : [say('lock-under-docroot', { directory, docroot }, latching.lockInDocroot ? 'warn' : 'stop')];
  return [...found, ...(job.live ? unfit(facts, job, directory, say) : [])];
}

/** The guard refuses a directory that is not the user's alone (exit 77): better said now than at every tick. */
function unfit(
  facts: Facts,
  job: Job,
  directory: string,
  say: (code: string, args: Finding['args']) => Finding,
): Finding[] {
  let at = directory;
  while (at !== '/' && (facts.paths.get(at)?.is ?? 'absent') === 'absent') at = dirname(at);
  const seen = facts.paths.get(at);
  if (seen?.is !== 'directory') return [say('place-taken', { path: at, user: job.user.name })];
  const isOwn = seen.uid === job.owner.uid;
  if (at !== directory) {
    const shift = isOwn ? 6 : seen.gid === job.owner.gid ? 3 : 0;
    const mayMake = job.owner.uid === 0 || ((seen.mode >> shift) & 3) === 3;
    return mayMake ? [] : [say('place-taken', { path: at, user: job.user.name })];
  }
  if (!isOwn) return [say('lock-dir-unfit', { directory, why: 'owner', user: job.user.name })];
  return (seen.mode & 0o022) === 0
    ? []
    : [say('lock-dir-unfit', { directory, why: 'writable', user: job.user.name })];
}
