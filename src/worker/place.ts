// Where a worker's lock, log and guard go, and what the worker is called.
import { basename, dirname, join, normalize } from 'node:path/posix';
import type { InterpreterKind } from '../command/command.ts';
import { consoleNames } from './frameworks.ts';

/** Directories whose files a web server hands out. */
const docroots = new Set(['httpdocs', 'httpsdocs', 'public_html', 'htdocs', 'public', 'web', 'html', 'www']);

/** Does the script run different jobs by its first argument? Then one lock for it would let one job keep out all others. */
export function isConsole(script: string): boolean {
  return consoleNames.includes(basename(script));
}

/** The worker's name: the script's, and for consoles what they are told to do. Letters that any file system keeps. */
function workerName(script: string, args: readonly string[]): string {
  const base = basename(script).replace(/\.(php|phar|mjs|cjs|js)$/, '');
  const telling = isConsole(script) ? args.filter((a) => !a.startsWith('-')).slice(0, 1) : [];
  return (
    [base, ...telling]
      .join('-')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '') || 'worker'
  );
}

/**
 * Names for the worker, best first and without end: the script's own, then with the directories above in front, then
 * numbered from `first` up.
 */
export function* namesFor(script: string, args: readonly string[], first = 2): Generator<string> {
  const plain = workerName(script, args);
  yield plain;
  let name = plain;
  for (let at = dirname(script); at !== '/' && at !== '.'; at = dirname(at)) {
    name = `${workerName(at, [])}-${name}`;
    if (name.length <= 100) yield name;
  }
  for (let n = first; ; n++) yield `${plain}-${n}`;
}

/** Lies the path below a directory that a web server may hand out? The directory's name, or 'no'. */
export function docrootAbove(path: string): string | 'no' {
  const parts = dirname(path).split('/');
  // /var/www is Debian's folder of docroots, not one itself; /var/www/html is.
  const at = parts.findIndex(
    (part, i) => docroots.has(part) && !(part === 'www' && i === 2 && parts[1] === 'var'),
  );
  return at === -1 ? 'no' : parts.slice(0, at + 1).join('/');
}

/** Would the application's next release overwrite a change to this script? Read from the path alone. */
export function releaseLayout(path: string): 'releases' | 'vendor' | 'no' {
  const parts = dirname(path).split('/');
  if (parts.includes('vendor') || parts.includes('node_modules')) return 'vendor';
  return parts.includes('releases') ? 'releases' : 'no';
}

/** Standard places below a site's home. */
export function placesBelow(
  home: string,
  name: string,
  guardFile: string,
): { base: string; directory: string; log: string; guardInBase: string } {
  const base = join(home, 'cronlatch');
  return {
    base,
    directory: join(base, name),
    log: join(base, name, 'output.log'),
    guardInBase: join(base, guardFile),
  };
}

/** A lock directory that was asked for, as the entry would find it. */
export function askedDirectory(asked: string, directory: string): string {
  return asked.startsWith('/')
    ? normalize(asked).replace(/(?<=.)\/$/, '')
    : join(directory, asked).replace(/\/$/, '');
}

/** Where anybody may put a file first, and cleaners delete it: no place for a lock. */
export function isTemporary(path: string): boolean {
  return /^\/(?:tmp|var\/tmp|dev\/shm|run|var\/run)(?:\/|$)/.test(path);
}

/** The name the guard's file has on the server. Here and not beside its text, which a scan has no need to load. */
export function guardFileName(kind: InterpreterKind): string {
  return kind === 'php' ? 'cronlatch-guard.php' : 'cronlatch-guard.mjs';
}

/** The name of the file with the second lock, which lies beside the guard. */
export function sharedFileName(kind: InterpreterKind): string {
  return kind === 'php' ? 'cronlatch-shared.php' : 'cronlatch-shared.mjs';
}
