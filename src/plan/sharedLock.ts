// A second lock that was asked for: can the worker read what it needs for it, and what does it cost?
import { readable } from '../change/encode.ts';
import { dotenv, fromVariables } from '../database/credentials.ts';
import type { Facts, Finding, Job } from '../survey/facts.ts';
import { readShared } from '../worker/line.ts';
import type { Guarding } from './guard.ts';

/** What there is to say about it; nothing without one. Better said now than by the guard at every tick (exit 76). */
export function sharedLockFindings(facts: Facts, job: Job, { shared, place }: Guarding): Finding[] {
  if (shared === undefined || job.places === 'none') return [];
  const { from, as = job.places.name } = readShared(shared.from);
  const say = (code: string, level: Finding['level'], args: Finding['args'] = {}): Finding => ({
    level,
    code,
    where: { source: job.sourceName, line: job.line },
    args: { from, as, place, ...args },
  });
  const cost = say('shared-lock', 'note');
  if (from === 'env' || !job.live) return [cost];
  const seen = facts.paths.get(from);
  if (seen?.is !== 'file') return [say('shared-lock-unreadable', 'stop', { user: job.user.name })];
  const found = fromVariables(dotenv(readable(seen.bytes)));
  if (found === 'none' || found.database === undefined) return [say('shared-lock-no-database', 'stop')];
  return [cost];
}
