// The program that runs a worker: where it is, which version it is, and which one the site asks for.
import { basename, dirname, isAbsolute, join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { Command, InterpreterKind } from '../command/command.ts';
import { interpreterKind } from '../command/interpreter.ts';
import type { Owner } from '../server/server.ts';
import type { InterpreterFacts, ScriptFacts } from './facts.ts';
import { type Look, once } from './look.ts';
import { isClosed, peek } from './peek.ts';
import { isLeftOut, rangeIn, versionOfPath } from './version.ts';

/** Finds the interpreter as cron's shell would, or the one that was asked for. */
export async function findInterpreter(
  look: Look,
  command: Command,
  path: string,
  as: Owner,
  script: ScriptFacts | 'absent' | 'unreadable',
): Promise<InterpreterFacts> {
  const kind = command.interpreter.kind;
  const given = look.latching.interpreter;
  const asked = given !== undefined && interpreterKind(basename(given)) === kind ? given : undefined;
  // 'All' means each worker with what fits it; who names a worker and the wrong program has made a mistake.
  const unfit = asked === undefined && given !== undefined && look.pick.is !== 'all' ? { unfit: given } : {};
  const wanted =
    asked ?? (command.interpreter.word === undefined ? kind : readable(command.interpreter.word.value));
  const found = { path: 'missing', wanted, kind, asked: asked !== undefined, ...unfit } as const;
  const candidates = wanted.includes('/')
    ? [isAbsolute(wanted) ? wanted : join(readable(command.directory), wanted)]
    : path
        .split(':')
        .filter((d) => d.startsWith('/'))
        .map((d) => join(d, wanted));
  for (const candidate of candidates) {
    const runs = await once(look, `runs ${as.uid} ${candidate}`, () =>
      look.server.files.executable(candidate, as),
    );
    if (!runs) continue;
    if (typeof script === 'string') return { ...found, path: candidate };
    const version = await once(look, `version ${candidate}`, () => versionOf(look, candidate, kind, as));
    if (version === 'unknown') return { ...found, path: candidate };
    const asks = await once(look, `asks ${as.uid} ${version} ${dirname(script.path)}`, () =>
      demandAbove(look, dirname(script.path), version, kind, as),
    );
    return { ...found, path: candidate, version, ...(asks === 'none' ? {} : { asks }) };
  }
  return found;
}

/** `/usr/bin/php` is a link to `php8.2` on Debian: the name at its end tells. */
async function versionOf(
  look: Look,
  path: string,
  kind: InterpreterKind,
  as: Owner,
): Promise<string | 'unknown'> {
  const said = versionOfPath(path, kind);
  if (said !== undefined) return said;
  try {
    const real = await look.server.files.real(path, as);
    return (real === 'absent' ? undefined : versionOfPath(real, kind)) ?? 'unknown';
  } catch (error) {
    if (isClosed(error)) return 'unknown';
    throw error;
  }
}

/** The nearest file above the script that says which version it wants, when this version is not among them. */
async function demandAbove(
  look: Look,
  directory: string,
  version: string,
  kind: InterpreterKind,
  as: Owner,
): Promise<{ range: string; file: string } | 'none'> {
  const name = kind === 'php' ? 'composer.json' : 'package.json';
  for (let at = directory, level = 0; at !== '/' && level < 6; at = dirname(at), level++) {
    const file = join(at, name);
    const seen = await once(look, `demand ${as.uid} ${file}`, () => peek(look.server, file, as));
    if (seen.is !== 'file') continue;
    const range = rangeIn(readable(seen.bytes), kind);
    return range !== undefined && isLeftOut(version, range) ? { range, file } : 'none';
  }
  return 'none';
}
