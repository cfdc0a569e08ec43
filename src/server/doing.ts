// What a process is at, from /proc: its state, its processor time, and what it has started.
import * as fs from 'node:fs';
import type { Doing } from './server.ts';

/** Linux counts processor time in these, whatever its own clock does (USER_HZ). */
const ticks = 100;
/** Enough to see; a process that starts thousands is not waited for any better with all of them named. */
const most = 50;

/** State, time and family of a process; what may not be read of it is left out. */
export function doingOf(pid: number): Doing | 'gone' {
  const own = statOf(pid);
  if (own === 'gone') return 'gone';
  const sockets = socketsOf(pid);
  const children: Doing['children'][number][] = [];
  for (const queue = childrenOf(pid); queue.length > 0 && children.length < most; ) {
    const child = queue.shift() ?? 0;
    const stat = statOf(child);
    if (stat === 'gone' || stat.state === 'Z') continue;
    const shares = [...socketsOf(child)].some((socket) => sockets.has(socket));
    children.push({ pid: child, start: stat.start, name: stat.name, shares });
    queue.push(...childrenOf(child));
  }
  return { state: own.state, cpu: own.cpu, group: own.group, children };
}

function statOf(
  pid: number,
): { name: string; state: string; group: number; cpu: number; start: string } | 'gone' {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name stands in parentheses and may hold blanks and parentheses itself.
    const end = stat.lastIndexOf(')');
    const rest = stat.slice(end + 2).split(' ');
    return {
      name: stat.slice(stat.indexOf('(') + 1, end),
      state: rest[0] ?? '?',
      group: Number(rest[2]),
      cpu: (Number(rest[11]) + Number(rest[12])) / ticks,
      start: rest[19] ?? '',
    };
  } catch {
    return 'gone';
  }
}

function childrenOf(pid: number): number[] {
  try {
    return fs
      .readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function socketsOf(pid: number): Set<string> {
  const found = new Set<string>();
  try {
    for (const fd of fs.readdirSync(`/proc/${pid}/fd`)) {
      const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
      if (link.startsWith('socket:')) found.add(link);
    }
  } catch {
    // Closed meanwhile, or not ours to see.
  }
  return found;
}
