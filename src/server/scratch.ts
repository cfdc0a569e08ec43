// A directory for one file that another program is to read: ours alone, and gone afterwards, if need be by the next run.
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Problem, reasonOf } from '../problem.ts';

/**
 * Calls `act` with the path of a file (0600) that holds `text`, in a directory (0700) that is removed at the end.
 * Throws a Problem when there is no room for it.
 */
export async function withScratchFile<T>(text: string, act: (path: string) => T | Promise<T>): Promise<T> {
  const base = process.getBuiltinModule('node:os').tmpdir();
  let directory = '';
  try {
    try {
      directory = makeDirectory(base);
      fs.writeFileSync(join(directory, 'crontab'), Buffer.from(text, 'latin1'), { mode: 0o600 });
    } catch (error) {
      throw new Problem(
        'not-written',
        { act: 'write a temporary file in', path: base, reason: reasonOf(error) },
        { cause: error },
      );
    }
    return await act(join(directory, 'crontab'));
  } finally {
    if (directory !== '') remove(directory);
  }
}

function makeDirectory(base: string): string {
  return fs.mkdtempSync(join(base, `cronlatch-scratch-${pidNamespace()}-${process.pid}-`));
}

/** Where it cannot be removed now, a later run does it. */
function remove(directory: string): void {
  try {
    fs.rmSync(directory, { recursive: true, force: true });
  } catch {
    // It holds what cron is to read or has read, for nobody's eyes but ours.
  }
}

/**
 * A run that was killed leaves its directory behind. Only one of our own user's goes, and only when the PID in its name
 * is nobody's: in a sticky directory such as /tmp no other user can have made it or put anything in.
 */
export function sweepScratch(): void {
  const base = process.getBuiltinModule('node:os').tmpdir();
  const space = pidNamespace();
  for (const name of namesIn(base)) {
    const [, where, pid] = /^cronlatch-scratch-(\d+)-(\d+)-\w+$/.exec(name) ?? [];
    // A container that shares this directory counts its processes by itself.
    if (pid === undefined || where !== space || fs.existsSync(`/proc/${pid}`)) continue;
    const path = join(base, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() && stat.uid === process.geteuid?.()) remove(path);
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(fs.readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
