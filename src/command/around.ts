// What stands around the worker in a simple command: wrappers, switches to another user, shells that get it as a string.
import type { Bytes } from '../crontab/crontab.ts';
import type { Word, Wrapper } from './command.ts';
import { valuesOf } from './core.ts';
import { baseName } from './paths.ts';
import { personOf, type Scene } from './scene.ts';
import { type HandOver, isShell, readShell, readSwitch, switchName } from './switches.ts';
import type { ReadWord, Trouble } from './words.ts';
import { readWrapper, wrapperName } from './wrappers.ts';

/** The wrappers in front, and what they change for what they wrap. */
export interface Wrapped {
  readonly wrappers: Wrapper[];
  readonly at: number;
  readonly user?: Bytes;
  readonly sudo: boolean;
}

/** Walks over the wrappers at the front of a command's words. */
export function readWrappers(words: readonly ReadWord[], scene: Scene): Wrapped | Trouble {
  const wrappers: Wrapper[] = [];
  let user: Bytes | undefined;
  let sudo = false;
  let at = 0;
  while (at < words.length) {
    const first = words[at];
    if (first === undefined || first.trouble !== undefined) break;
    const base = baseName(first.word.value);
    const rest = words.slice(at + 1);
    const other = switchName(base);
    if (other !== undefined) {
      const given = readSwitch(other, valuesOf(rest));
      if (given.is === 'string') break;
      if (given.is !== 'runs') return handOverTrouble(given, rest, 'user-switch', first);
      const person = personOf(scene, given.user);
      if ('why' in person) return person;
      user = given.user;
      sudo ||= other === 'sudo' || other === 'doas';
      wrappers.push({ name: other, words: words.slice(at, at + 1 + given.next).map(({ word }) => word) });
      at += 1 + given.next;
      continue;
    }
    const name = wrapperName(base);
    if (name === undefined) break;
    // `A=$B` behind env stays one assignment of env's, whatever B is.
    const isSetting = (word: Word) => name === 'env' && /^[A-Za-z_][A-Za-z0-9_]*=/.test(word.raw);
    const reading = readWrapper(name, valuesOf(rest, isSetting));
    if (reading.is === 'nothing') return { why: 'no-worker', detail: name };
    const stop = reading.is === 'wraps' ? undefined : rest[reading.at];
    if (stop?.trouble !== undefined) return stop.trouble;
    if (reading.is !== 'wraps') return { why: 'unknown-wrapper', detail: `${name} ${stop?.word.raw ?? ''}` };
    const next = at + 1 + reading.next;
    wrappers.push({ name, words: words.slice(at, next).map(({ word }) => word) });
    at = next;
  }
  return user === undefined ? { wrappers, at, sudo } : { wrappers, at, user, sudo };
}

function handOverTrouble(
  given: HandOver,
  words: readonly ReadWord[],
  why: Trouble['why'],
  first: ReadWord,
): Trouble {
  const stop = 'at' in given ? words[given.at] : undefined;
  return (
    stop?.trouble ?? { why: given.is === 'nothing' ? 'no-worker' : why, detail: (stop ?? first).word.raw }
  );
}

/** The string that the words from `at` on hand to a shell, if that is what they do. */
export function stringFor(
  words: readonly ReadWord[],
  at: number,
  wrappers: readonly Wrapper[],
  scene: Scene,
):
  | { word: Word; given: Extract<HandOver, { is: 'string' }>; program: Bytes | undefined }
  | Trouble
  | undefined {
  const first = words[at];
  if (first === undefined) return undefined;
  // `flock FILE -c TEXT`: flock(1) gives the text to $SHELL.
  const afterLock = wrappers.at(-1)?.name === 'flock' && /^(?:-c|--command)$/.test(first.word.value);
  const base = first.trouble === undefined ? baseName(first.word.value) : '';
  const other = switchName(base);
  if (!afterLock && other === undefined && !isShell(base)) return undefined;
  const rest = words.slice(at + 1);
  const values = valuesOf(rest, (word) => word === rest.at(-1)?.word);
  const given: HandOver = afterLock
    ? { is: rest.length === 1 ? 'string' : 'unknown', at: 0, login: false, goesHome: false }
    : other === undefined
      ? readShell(values)
      : readSwitch(other, values);
  const why = other === undefined ? 'nested-shell' : 'user-switch';
  if (given.is === 'nothing' && other === undefined) return { why: 'nested-shell', detail: first.word.raw };
  if (given.is !== 'string') return handOverTrouble(given, rest, why, first);
  const text = rest[given.at];
  if (text === undefined || text.trouble !== undefined) return text?.trouble;
  const program = afterLock ? scene.shellPath : other === undefined ? first.word.value : undefined;
  return { word: text.word, given, program };
}

/** Names that env sets for what it runs. */
export function settingsIn(wrappers: readonly Wrapper[]): Bytes[] {
  return wrappers.flatMap(({ name, words }) =>
    name === 'env' ? words.flatMap(({ raw }) => /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(raw)?.slice(1) ?? []) : [],
  );
}

/** sudo gives what it runs an environment of its own, so nothing known outside holds inside. */
export function sudoScene({ sudo }: Wrapped, { shell }: Scene): Partial<Scene> {
  if (!sudo) return {};
  const none = new Map<Bytes, Bytes>();
  return { env: none, shell: { bash: shell.bash, home: undefined, variables: none } };
}
