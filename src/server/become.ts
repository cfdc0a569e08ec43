// How a program is started with another user's rights: his uid, his gid, and his further groups where he has any. Nothing he
// chooses is used before root's rights are gone: neither his variables (LD_PRELOAD, say) nor the directory to start in.
import { existsSync } from 'node:fs';
import { furtherGroups } from './identity.ts';
import type { Owner } from './server.ts';

/** Of util-linux. Node starts a child of another user without further groups; this sets them. */
const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'];

/** The argument list and Node's options that start `argv` as `as`, with an environment of our own and in `/`. */
export function becoming(
  argv: readonly string[],
  as: Owner,
): { readonly argv: readonly string[]; readonly options: { uid?: number; gid?: number } } {
  if (process.geteuid?.() !== 0 || as.uid === 0) return { argv, options: {} };
  const groups = furtherGroups(as);
  const program = groups.length === 0 ? undefined : setpriv.find((path) => existsSync(path));
  if (program === undefined) return { argv, options: { uid: as.uid, gid: as.gid } };
  const ids = [`--reuid=${as.uid}`, `--regid=${as.gid}`, `--groups=${[as.gid, ...groups].join(',')}`];
  return { argv: [program, ...ids, '--inh-caps=-all', '--', ...argv], options: {} };
}

/** What says on standard error, with exit code 127, that the program was not started at all. */
export const notStarted = 'cronlatch: not started';

/** A program to be started: in `cwd`, with exactly `env`. `said` is to be readable on descriptor 3. */
export interface Start {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly options: { uid?: number; gid?: number };
  readonly said?: string;
}

/** The same for a program whose variables and directory are the user's own. */
export function startingAs(
  argv: readonly string[],
  as: Owner,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Start {
  if (process.geteuid?.() !== 0 || as.uid === 0) return { argv, cwd, env, options: {} };
  const become = becoming([], as);
  const switches = become.argv;
  // The kernel changes the ids right before the program is loaded, so that the loader has no more rights than the user.
  if (switches.length === 0 && cwd === '/') return { argv, cwd, env, options: become.options };
  // A shell hands on no variable whose name it would not take itself.
  const { said, odd } = exports(env);
  const program = odd.length === 0 ? argv : ['/usr/bin/env', ...odd, ...argv];
  const shell = ['/bin/sh', '-c'];
  if (switches.length === 0)
    return { argv: [...shell, inDirectory, 'sh', cwd, ...program], cwd: '/', env, options: become.options };
  // The variables are not on the command line either, where everybody would see the values.
  return {
    argv: [...switches, ...shell, `eval "$(cat <&3)"; exec 3<&-; ${inDirectory}`, 'sh', cwd, ...program],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    options: become.options,
    said,
  };
}

/** By the user himself: root could enter what is closed to him. */
const inDirectory = `cd -- "$1" 2>/dev/null || { echo '${notStarted}' >&2; exit 127; }; shift
case $1 in */*) [ -f "$1" ] && [ -x "$1" ] ;; *) command -v "$1" >/dev/null 2>&1 ;; esac || { echo '${notStarted}' >&2; exit 127; }
exec "$@"`;

/** Some shell's own, which it lets nobody set. */
const READONLY = new Set(['PPID', 'UID', 'EUID', 'BASHOPTS', 'SHELLOPTS', 'BASH_VERSINFO']);

/** Shell text that sets the variables, and those whose names a shell does not take, as `NAME=value`. */
function exports(env: Readonly<Record<string, string>>): { said: string; odd: string[] } {
  const lines = env['PATH'] === undefined ? ['unset PATH'] : [];
  const odd: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_]\w*$/.test(name) || READONLY.has(name)) odd.push(`${name}=${value}`);
    else lines.push(`export ${name}='${value.replaceAll("'", `'\\''`)}'`);
  }
  return { said: `${lines.join('\n')}\n`, odd };
}
