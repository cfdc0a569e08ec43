// Paths as text: where a relative name leads from a directory, without asking the file system.
import type { Bytes } from '../crontab/crontab.ts';

/** The last part of a path. */
export function baseName(path: Bytes): Bytes {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The absolute path of `path` seen from `directory`, without `.` and empty parts. `..` stays: behind a symbolic link
 * it leads elsewhere than the text suggests, and only the kernel knows.
 */
export function pathFrom(directory: Bytes, path: Bytes): Bytes {
  const whole = path.startsWith('/') ? path : `${directory}/${path}`;
  return `/${whole
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}

/** Where `cd` leads: like `pathFrom`, with `..` taken back by text, as the shell's own `cd` does it. */
export function directoryFrom(directory: Bytes, path: Bytes): Bytes {
  const parts: Bytes[] = [];
  for (const part of pathFrom(directory, path).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
