// A worker → what somebody without rights on the server does by hand in the panel: what to upload, what to enter, how to undo it.
import { basename, dirname, join } from 'node:path/posix';
import type { Latching } from '../ask/settings.ts';
import { bytesOf, readable } from '../change/encode.ts';
import type { Wish } from '../command/command.ts';
import { rewriteCommand } from '../command/rewrite.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Facts, Job } from '../survey/facts.ts';
import { entryGuard } from '../worker/entry.ts';
import { guardFile, sharedFile } from '../worker/guard.ts';
import { injectGuard } from '../worker/inject.ts';
import { findGuard } from '../worker/line.ts';
import { guardFileName, namesFor, sharedFileName } from '../worker/place.ts';
import { endingOf } from './pass.ts';

/** What is to be done for one worker. Paths are those of the server. */
export interface ByHand {
  readonly line: number;
  readonly now: string;
  readonly script: string;
  /** Directory of the lock, to be made first. */
  readonly directory: string;
  readonly uploads: readonly { readonly name: string; readonly to: string; readonly bytes: Bytes }[];
  /** As a task that runs a PHP script. */
  readonly php?: { readonly script: string; readonly args: string };
  /** As a task that runs a command; not where its shell is a chroot. */
  readonly exec?: string;
}

export type CannotPrint = 'no-script' | 'no-directory' | 'guard-refused' | 'guarded';

/** Works it out, or says what is missing for it. */
export async function byHand(
  facts: Facts,
  job: Job,
  latching: Latching,
): Promise<
  { readonly is: 'steps'; readonly steps: ByHand } | { readonly is: 'not'; readonly why: CannotPrint }
> {
  const source = facts.worker?.bytes ?? (typeof job.script === 'string' ? undefined : job.script.file.bytes);
  if (source === undefined) return { is: 'not', why: 'no-script' };
  if (findGuard(source) !== 'none' || entryGuard(job.command) !== 'none')
    return { is: 'not', why: 'guarded' };
  const { kind } = job.interpreter;
  const script = typeof job.script === 'string' ? job.scriptPath : job.script.path;
  const [plain = 'worker'] = namesFor(script, job.args);
  const asked = latching.lockDir?.startsWith('/') ? latching.lockDir : undefined;
  const own = job.live && job.places !== 'none' ? job.places.directory : undefined;
  const directory = asked ?? own;
  if (directory === undefined) return { is: 'not', why: 'no-directory' };
  const name = job.live && job.places !== 'none' ? job.places.name : plain;
  const guard = guardFileName(kind);
  const injected = await injectGuard(source, {
    ...{ kind, dir: bytesOf(directory), name: bytesOf(name), guardPath: `./${guard}` },
    ...(latching.shared === undefined ? {} : { more: { shared: bytesOf(latching.shared) } }),
  });
  if (injected.is !== 'injected') return { is: 'not', why: 'guard-refused' };
  const shown = pathInPanel(job);
  const shared = sharedFileName(kind);
  const ending = endingOf(job, latching, facts.worker);
  const args = [
    ...job.args,
    ...(ending.flag === undefined || job.args.includes(ending.flag) ? [] : [ending.flag]),
  ];
  const wish: Wish = {
    ...(job.interpreter.path === 'missing' || !job.live
      ? {}
      : { interpreter: bytesOf(job.interpreter.path) }),
    guarded: true,
    once: ending.flag === '--once',
    ...(ending.flag === undefined || ending.flag === '--once' ? {} : { pass: bytesOf(ending.flag) }),
    ...(job.live && job.places !== 'none' && job.places.logIs !== 'piped'
      ? { log: bytesOf(job.places.log) }
      : {}),
  };
  const exec = readable(rewriteCommand(job.entry.command.text, job.command, wish).text);
  return {
    is: 'steps',
    steps: {
      line: job.line,
      now: readable(job.entry.command.text),
      script: shown,
      directory,
      uploads: [
        { name: guard, to: join(dirname(shown), guard), bytes: guardFile(kind) },
        ...(latching.shared === undefined
          ? []
          : [{ name: shared, to: join(dirname(shown), shared), bytes: sharedFile(kind) }]),
        { name: basename(shown), to: shown, bytes: injected.text },
      ],
      ...(kind === 'php' ? { php: { script: shown, args: args.join(' ') } } : {}),
      ...(job.chroot === undefined && job.live ? { exec } : {}),
    },
  };
}

/** The script as the panel names it: seen from the user's home. */
function pathInPanel(job: Job): string {
  const home = job.chroot ?? job.user.home;
  if (job.live && job.scriptPath.startsWith(`${home}/`)) return job.scriptPath.slice(home.length + 1);
  const { cd, script } = job.command;
  const said = readable(script.value);
  return said.startsWith('/') || cd === undefined ? said : join(readable(cd.word.value), said);
}
