// How a program is started with another user's rights: his uid, his gid, and his further groups where he has any.
import { existsSync } from 'node:fs';
import { furtherGroups } from './identity.ts';
import type { Owner } from './server.ts';

/** Of util-linux. Node starts a child of another user without further groups; this sets them. */
const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'];

/** The argument list and Node's options that start `argv` as `as`. */
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
