// Where a piece of shell text stands: what its shell knows, where it starts, and what has been wrapped around it so far.
import type { Bytes, Span } from '../crontab/crontab.ts';
import type { Command, Frame, Known, LookUp, Outlet, Surroundings, Word } from './command.ts';
import { baseName } from './paths.ts';
import type { HandOver } from './switches.ts';
import { isShell } from './switches.ts';
import type { Shell, Trouble } from './words.ts';

export interface Scene {
  readonly text: Bytes;
  readonly frames: readonly Frame[];
  readonly shell: Shell;
  /** The shell's own path: what flock(1) and others call for a string. */
  readonly shellPath: Bytes;
  /** What a program started from here finds in its environment, as far as that is known. */
  readonly env: ReadonlyMap<Bytes, Bytes>;
  /** The directory its commands start in. */
  readonly directory: Bytes | undefined;
  /** A `cd` further out in the same text, which is in force here. */
  readonly cd?: Command['cd'];
  readonly before: readonly Span[];
  readonly pgrep?: Span;
  readonly placed: boolean;
  /** Outward from here. */
  readonly outlets: readonly Outlet[];
  readonly ampersands: Command['ampersands'];
  readonly background: boolean;
  readonly user?: Bytes;
  readonly lookUp: LookUp;
  readonly involved: boolean;
  readonly people: Surroundings['people'];
}

/** The scene of an entry's own text. A shell that reads text by rules of its own (csh, a panel's chroot shell) is trouble. */
export function firstScene(text: Bytes, { shell, home, variables, people }: Surroundings): Scene | Trouble {
  const name = baseName(shell);
  if (!isShell(name)) return { why: 'bash-syntax', detail: name };
  const directory = home.startsWith('/') ? home : undefined;
  return {
    text,
    frames: [],
    shell: { bash: readsBash(name), home: directory, variables },
    shellPath: shell,
    env: variables,
    directory,
    before: [],
    placed: false,
    outlets: [],
    ampersands: [],
    background: false,
    lookUp: 'entry',
    involved: false,
    people,
  };
}

function readsBash(shellName: string): boolean {
  return /^(?:bash|zsh)$/.test(shellName);
}

/** How many shells may stand inside each other before we stop following. */
const DEEPEST = 6;

/**
 * The scene inside a string handed to a shell.
 *
 * @param program the shell's name when the string is for `sh -c` and the like; undefined for su and flock, which choose one
 * @param touched variables the command around the string sets for it
 * @param from the directory the command around the string runs in
 */
export function innerScene(
  scene: Scene,
  word: Word,
  given: Extract<HandOver, { is: 'string' }>,
  program: Bytes | undefined,
  touched: readonly Bytes[],
  from: Bytes,
): Scene | Trouble {
  if (scene.frames.length >= DEEPEST) return { why: 'nested-shell', detail: word.raw };
  const switched = given.user === undefined ? undefined : personOf(scene, given.user);
  if (switched !== undefined && 'why' in switched) return switched;
  const shellPath = program ?? given.shell ?? switched?.shell ?? scene.shellPath;
  const name = baseName(shellPath);
  if (!isShell(name)) return { why: given.user === undefined ? 'nested-shell' : 'no-login', detail: name };
  // A login, another user or sudo's clean environment: nothing that was known outside holds for certain.
  const clean = given.login || switched !== undefined;
  const env = clean
    ? new Map<Bytes, Bytes>()
    : new Map([...scene.env].filter(([key, value]) => scene.shell.variables.get(key) === value));
  for (const key of touched) env.delete(key);
  const inherited = touched.includes('HOME') ? undefined : scene.shell.home;
  const home = switched === undefined ? inherited : switched.home;
  const directory = given.goesHome ? switched?.home : from;
  const user = given.user ?? scene.user;
  return {
    text: word.value,
    frames: [...scene.frames, { text: scene.text, word }],
    shell: { bash: readsBash(name), home, variables: env },
    shellPath,
    env,
    directory,
    before: [],
    placed: !given.goesHome && isSettled(scene),
    outlets: scene.outlets,
    ampersands: scene.ampersands,
    background: scene.background,
    ...(user === undefined ? {} : { user }),
    lookUp: given.login ? 'login' : scene.lookUp,
    involved: true,
    people: scene.people,
  };
}

/** Has a `cd` further out settled the directory for good? */
function isSettled({ cd, placed }: Scene): boolean {
  if (cd === undefined) return placed;
  return cd.joint === '&&' && /^\/[^$~]*$/.test(cd.word.raw);
}

/** Home and shell of a user, or what is in the way. */
export function personOf(scene: Scene, name: Bytes): Known | Trouble {
  const person = scene.people?.get(name);
  if (person === undefined) return { why: 'unknown-user', detail: name, needs: name };
  return person === 'unknown' ? { why: 'unknown-user', detail: name } : person;
}
