// The program that runs a worker: where it is, which version it is, and which one the site asks for.
import { basename, dirname, isAbsolute, join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { InterpreterKind } from '../command/command.ts';
import { interpreterKind } from '../command/interpreter.ts';
import type { Owner } from '../server/server.ts';
import type { InterpreterFacts } from './facts.ts';
import { type Look, latchingOf, once, type Sight } from './look.ts';
import { isClosed, peek } from './peek.ts';
import { isLeftOut, rangeIn, versionOfPath } from './version.ts';

/** PATH as sudo and a login set it unless the machine says otherwise (sudoers(5), login.defs(5) on Debian). */
const OTHER_PATHS = {
  sudo: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  login: '/usr/local/bin:/usr/bin:/bin',
} as const;

type Eyed = Pick<Sight, 'source' | 'entry' | 'command' | 'path' | 'eyes' | 'script'>;

/** Finds the interpreter as the shell that starts the worker would, or the one that was asked for. */
export async function findInterpreter(look: Look, sight: Eyed): Promise<InterpreterFacts> {
  const { command, path, script } = sight;
  const { kind, how, word } = command.interpreter;
  const given = latchingOf(look, sight).interpreter;
  const asked = given !== undefined && interpreterKind(basename(given)) === kind ? given : undefined;
  // 'All' means each worker with what fits it; who names a worker and the wrong program has made a mistake.
  const unfit = asked === undefined && given !== undefined && look.pick.is !== 'all' ? { unfit: given } : {};
  const first = how === 'script' && typeof script !== 'string' ? firstLineOf(script.file.bytes) : undefined;
  const fits = first !== undefined && interpreterKind(basename(first)) === kind;
  const own = word === undefined ? (fits ? readable(first) : kind) : readable(word.value);
  const wanted = asked ?? own;
  const found = {
    wanted,
    kind,
    asked: asked !== undefined,
    ...unfit,
    ...(first !== undefined && !fits ? { firstLine: readable(first) } : {}),
  };
  const here = await lookUp(look, sight, wanted, path);
  if (wanted.includes('/') || command.lookUp === 'entry') return { ...found, ...here };
  const there = await lookUp(look, sight, wanted, OTHER_PATHS[command.lookUp]);
  // Only the login's own files can tell what PATH it has.
  const stays = command.lookUp === 'login' || here.path !== there.path;
  return { ...found, ...there, ...(stays ? { nameStays: true } : {}) };
}

async function lookUp(
  look: Look,
  { command, eyes: as, script }: Pick<Sight, 'command' | 'eyes' | 'script'>,
  wanted: string,
  path: string,
): Promise<Pick<InterpreterFacts, 'path' | 'version' | 'asks'>> {
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
    return { path: candidate, ...(await demandOn(look, { command, eyes: as, script }, candidate)) };
  }
  return { path: 'missing' };
}

/** The version of a program, and the range of the site that leaves it out, where there is one. */
export async function demandOn(
  look: Look,
  { command, eyes: as, script }: Pick<Sight, 'command' | 'eyes' | 'script'>,
  path: string,
): Promise<Pick<InterpreterFacts, 'version' | 'asks'>> {
  const { kind } = command.interpreter;
  if (typeof script === 'string') return {};
  const version = await once(look, `version ${path}`, () => versionOf(look, path, kind, as));
  if (version === 'unknown') return {};
  const asks = await once(look, `asks ${as.uid} ${version} ${dirname(script.path)}`, () =>
    demandAbove(look, dirname(script.path), version, kind, as),
  );
  return { version, ...(asks === 'none' ? {} : { asks }) };
}

/** What the first line of a script says runs it; undefined where it says nothing. `env` looks the next word up on PATH. */
function firstLineOf(bytes: string): string | undefined {
  const line = /^#![ \t]*([^\n]*)/.exec(bytes)?.[1] ?? '';
  const [program = '', ...rest] = line.trim().split(/[ \t]+/);
  if (basename(program) === 'env') return rest.find((word) => !word.startsWith('-'));
  return program === '' ? undefined : program;
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
