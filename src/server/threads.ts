// Which of its sockets a thread of the database server serves: the one it waits for in poll(2). Root only, x86-64 and arm64.
import * as fs from 'node:fs';

/** poll and ppoll by their numbers; what they wait for stands behind their first argument. */
const waits: Readonly<Record<string, readonly number[]>> = { x64: [7, 271], arm64: [73] };

/** Socket inodes by thread. A thread that is busy is not in poll(2): it is left out, except when it is the only one. */
export function threadSockets(pid: number, threads: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  const polls = waits[process.arch] ?? [];
  let memory: number;
  try {
    memory = fs.openSync(`/proc/${pid}/mem`, 'r');
  } catch {
    return found;
  }
  try {
    for (const tid of threads) {
      const fd = polledBy(pid, tid, polls, memory);
      const inode = fd === undefined ? undefined : inodeOf(pid, fd);
      if (inode !== undefined) found.set(tid, inode);
    }
  } finally {
    fs.closeSync(memory);
  }
  return found;
}

/** "7 0x7f… 0x1 …": the call's number and its arguments; a running thread says "running". */
function polledBy(pid: number, tid: number, polls: readonly number[], memory: number): number | undefined {
  try {
    const words = fs.readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1').trim().split(' ');
    if (!polls.includes(Number(words[0])) || Number(words[2]) !== 1) return undefined;
    const pollfd = Buffer.alloc(8);
    const got = fs.readSync(memory, pollfd, 0, 8, BigInt(words[1] ?? '0'));
    // Woken and asleep again elsewhere meanwhile: then the memory is another call's.
    const again = fs.readFileSync(`/proc/${pid}/task/${tid}/syscall`, 'latin1').trim().split(' ');
    if (got !== 8 || again.join(' ') !== words.join(' ')) return undefined;
    const fd = pollfd.readInt32LE(0);
    return fd >= 0 ? fd : undefined;
  } catch {
    return undefined;
  }
}

function inodeOf(pid: number, fd: number): number | undefined {
  try {
    const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
    return link.startsWith('socket:[') ? Number(link.slice(8, -1)) : undefined;
  } catch {
    return undefined;
  }
}
