// One deployer at a time: a kernel lock on an inherited descriptor, so that a dead holder never blocks the next.
import * as fs from 'node:fs';
import { Problem, reasonOf } from '../problem.ts';
import { plainEnvironment, spawnNow } from './child.ts';
import { sweepScratch } from './scratch.ts';
import type { Holder, Latch } from './server.ts';

export const localLatch: Latch = {
  async take(path, holder) {
    let fd: number;
    try {
      fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_NOFOLLOW, 0o600);
    } catch (error) {
      throw new Problem('lock-impossible', { path, reason: reasonOf(error) }, { cause: error });
    }
    const got = lock(fd);
    if (got === 'impossible') {
      fs.closeSync(fd);
      throw new Problem('lock-impossible', { path, reason: 'neither flock nor perl could take it' });
    }
    if (got === 'busy') {
      const held = await holderOf(fd);
      fs.closeSync(fd);
      return { is: 'held', holder: held };
    }
    const before = record(fd);
    note(fd, JSON.stringify(holder));
    // Whoever is to write cleans up after those who were killed while they did.
    sweepScratch();
    return {
      is: 'mine',
      ...(before === 'unknown' ? {} : { leftBy: before }),
      release: async () => {
        // The name stays: removing a lock file is what lets two in.
        note(fd, '');
        fs.closeSync(fd);
      },
    };
  },
};

/** Who holds it, for whoever meets it. The lock is the kernel's: a full disk may not keep anybody from a rollback. */
function note(fd: number, text: string): void {
  try {
    fs.ftruncateSync(fd, 0);
    if (text !== '') fs.writeSync(fd, text, 0);
  } catch {
    // Then its holder stays unknown.
  }
}

/** flock(2) belongs to the open file, not to the process that asked: a child can take it for us. */
function lock(fd: number): 'mine' | 'busy' | 'impossible' {
  const ways: readonly (readonly [string, readonly string[], number])[] = [
    // 1 is what flock ends with when anything is wrong; only 75 is 'busy'.
    ['flock', ['-n', '-E', '75', '3'], 75],
    ['perl', ['-e', 'open(my $f,"+<&=",3) or exit 2; exit(flock($f,6) ? 0 : 75)'], 75],
  ];
  for (const [program, args, busy] of ways) {
    const ran = spawnNow(program, args, {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: plainEnvironment(),
    });
    if (ran.status === 0) return 'mine';
    if (ran.status === busy) return 'busy';
  }
  return 'impossible';
}

/**
 * Who has just taken it has not written his note yet, and that of somebody who was killed may still stand there: a
 * moment's patience tells the one who is meant. A holder in another container is never seen alive from here.
 */
async function holderOf(fd: number): Promise<Holder | 'unknown'> {
  for (let tries = 0; ; tries++) {
    const seen = record(fd);
    if (tries === 40 || (seen !== 'unknown' && fs.existsSync(`/proc/${seen.pid}`))) return seen;
    await new Promise((done) => setTimeout(done, 50));
  }
}

function record(fd: number): Holder | 'unknown' {
  try {
    const text = Buffer.alloc(4096);
    const got = fs.readSync(fd, text, 0, text.length, 0);
    return got === 0 ? 'unknown' : (JSON.parse(text.toString('utf8', 0, got)) as Holder);
  } catch {
    return 'unknown';
  }
}
