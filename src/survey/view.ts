// An entry as the rules about its text see it, with the two things only the machine can tell: is the program there,
// and which variables does the machine set for every session.
import { isAbsolute, join } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import type { Reading } from '../command/command.ts';
import { baseName } from '../command/paths.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Owner } from '../server/server.ts';
import { type Look, once } from './look.ts';
import { isClosed, peek } from './peek.ts';
import type { EntryView, Program } from './rules/rule.ts';

/** Set by cron, by the shell itself, or by PAM where the machine has a locale: never taken for forgotten. */
const STANDARD = new Set(
  'HOME LOGNAME SHELL PATH PWD OLDPWD IFS PPID OPTIND OPTARG PS1 PS2 PS4 LINENO _ LANG LANGUAGE TZ'.split(
    ' ',
  ),
);
const BASH = new Set(
  'UID EUID RANDOM SECONDS HOSTNAME HOSTTYPE MACHTYPE OSTYPE SHLVL SHELLOPTS GROUPS DIRSTACK FUNCNAME TERM EPOCHSECONDS EPOCHREALTIME SRANDOM REPLY'.split(
    ' ',
  ),
);

/** What is the same for all entries of one user below the same settings. */
export interface Surroundings {
  readonly view: Pick<EntryView, 'dialect' | 'dash' | 'isSet'>;
  /** This machine's cron runs the entries. */
  readonly live: boolean;
  readonly around: { readonly path: string; readonly home: string; readonly eyes: Owner };
}

/** Puts it together. */
export async function surroundings(
  look: Look,
  shell: Bytes,
  settings: ReadonlyMap<Bytes, Bytes>,
  live: boolean,
  around: Surroundings['around'],
): Promise<Surroundings> {
  const session = live ? await once(look, 'session', () => sessionVariables(look)) : new Set<Bytes>();
  const name = baseName(shell);
  const bash = name === 'bash';
  return {
    live,
    around,
    view: {
      dialect: look.dialect,
      // cronie's systems have bash under the name of sh.
      dash: name === 'dash' || (name === 'sh' && look.dialect === 'debian'),
      isSet: (variable) =>
        settings.has(variable) ||
        STANDARD.has(variable) ||
        variable.startsWith('LC_') ||
        session.has(variable) ||
        (look.dialect === 'cronie' && variable === 'USER') ||
        (bash && (BASH.has(variable) || variable.startsWith('BASH'))),
    },
  };
}

/** pam_env gives every session, cron's too, what stands in these two files. */
async function sessionVariables(look: Look): Promise<ReadonlySet<Bytes>> {
  const names = new Set<Bytes>();
  for (const path of ['/etc/environment', '/etc/default/locale']) {
    const seen = await peek(look.server, path, look.server.self.owner);
    if (seen.is !== 'file') continue;
    for (const match of seen.bytes.matchAll(/^\s*(?:export\s+)?([A-Za-z_]\w*)=/gm)) names.add(match[1] ?? '');
  }
  return names;
}

/** Words the shell knows itself, and those that open what is no simple command. */
const SHELLS_OWN = new Set(
  `. : [ [[ alias bg break case cd command continue coproc declare disown echo eval exec exit export false fc fg for
  function getopts hash help if jobs kill let local mapfile popd printf pushd pwd read readonly return select set shift
  shopt source test time times trap true type typeset ulimit umask unalias unset until wait while`.split(
    /\s+/,
  ),
);

/** A plain first word, behind one `cd DIR &&` perhaps. Anything more involved is not judged. */
const FIRST = /^[ \t]*(cd[ \t]+[^\s;&|<>'"$`\\]+[ \t]*(?:&&|;)[ \t]*)?([A-Za-z0-9_.+@/-]+)(?=[ \t;&|]|$)/;

/** What is wrong with the program a text begins with, on this machine. */
export async function programOf(
  look: Look,
  text: Bytes,
  reading: Reading,
  { path, home, eyes }: { readonly path: string; readonly home: string; readonly eyes: Owner },
): Promise<Program | 'fine'> {
  const found = FIRST.exec(text);
  const word = found?.[2];
  if (found === null || word === undefined || SHELLS_OWN.has(word)) return 'fine';
  const start = found[0].length - word.length;
  // The rules about a worker's interpreter and script speak of those.
  if (reading.is === 'worker' && (reading.interpreter.word ?? reading.script).span.start === start)
    return 'fine';
  const at = { start, end: start + word.length };
  const is = await once(look, `program ${eyes.uid} ${path} ${found[1] ?? ''} ${word}`, async () => {
    if (!word.includes('/')) return onPath(look, word, path, eyes);
    // Behind a cd a relative path is seen from a directory we do not follow here.
    if (!isAbsolute(word) && (found[1] !== undefined || home === '')) return 'fine';
    return atPath(look, isAbsolute(word) ? word : join(home, word), eyes);
  });
  return is === 'fine' ? 'fine' : { at, name: readable(word), is };
}

async function onPath(look: Look, word: string, path: string, as: Owner): Promise<Program['is'] | 'fine'> {
  const places = path.split(':');
  // An empty or relative place is the directory the command starts in: not judged.
  if (places.some((place) => !place.startsWith('/'))) return 'fine';
  for (const place of places) if (await look.server.files.executable(join(place, word), as)) return 'fine';
  return 'not-on-path';
}

async function atPath(look: Look, path: string, as: Owner): Promise<Program['is'] | 'fine'> {
  if (await look.server.files.executable(path, as)) return 'fine';
  const seen = await peek(look.server, path, as);
  if (seen.is === 'directory') return 'directory';
  if (seen.is === 'absent') return 'absent';
  if (seen.is === 'file') return 'not-executable';
  if (seen.is !== 'link') return 'fine';
  try {
    return (await look.server.files.real(path, as)) === 'absent' ? 'absent' : 'fine';
  } catch (error) {
    if (isClosed(error)) return 'fine';
    throw error;
  }
}
