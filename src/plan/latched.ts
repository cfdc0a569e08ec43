// What the checks and a rollback need to know of a worker later, kept with the plan.
import { join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { Latched } from '../change/plan.ts';
import { logOf } from '../command/redirects.ts';
import { type Facts, type Job, tellingArgs } from '../survey/facts.ts';
import type { Guarding } from './guard.ts';
import type { Way } from './task.ts';

/** A worker nobody has deployed, as its entry stands: it can be checked, too. */
export function asItStands(job: Job, facts: Facts): Latched {
  const { text } = job.entry.command;
  const log = logOf(job.command);
  const path = log.startsWith('/') ? log : join(job.command.directory, log);
  const plain = log === 'none' || log === 'null' || log === 'unknown' ? undefined : readable(path);
  const guard: Guarding = { place: 'none', files: [], flags: [], findings: [], obstacles: [] };
  return latched(job, guard, false, plain, text, facts, { is: 'nothing', findings: [] });
}

/** Puts it together. `after` is the command as it will stand in the crontab. */
export function latched(
  job: Job,
  guard: Guarding,
  once: boolean,
  log: string | undefined,
  after: string,
  facts: Facts,
  way: Way,
): Latched {
  const { scheduleSpan } = job.entry;
  const crontab = facts.crontabs.find((c) => c.name === job.sourceName);
  const text = crontab?.crontab.text ?? '';
  return {
    name: job.places === 'none' ? '' : job.places.name,
    source: job.sourceName,
    from: job.source,
    ...(crontab === undefined ? {} : { dialect: crontab.dialect }),
    line: job.line,
    script: typeof job.script === 'string' ? job.scriptPath : job.script.path,
    uid: job.user.uid,
    gid: job.user.gid,
    user: job.user.name,
    interpreter: { kind: job.interpreter.kind, path: job.interpreter.path },
    args: tellingArgs(job.args),
    directory: readable(job.command.directory),
    ...(guard.place === 'none' || job.places === 'none'
      ? {}
      : {
          lock: {
            directory: job.places.directory,
            name: job.places.name,
            guard: guard.guard ?? '',
            place: guard.place,
            ...(guard.shared === undefined ? {} : { shared: guard.shared }),
          },
        }),
    ...(log === undefined ? {} : { log }),
    ...(job.places !== 'none' && job.places.logOwner.uid !== job.owner.uid
      ? { logOwner: job.places.logOwner }
      : {}),
    once,
    ...(way.is === 'task' ? { task: way.change.id } : {}),
    command: { before: readable(job.entry.command.text), after: readable(after) },
    schedule: readable(text.slice(scheduleSpan.start, scheduleSpan.end)),
    live: job.live,
  };
}
