// The list of processes for who asks once a second: a process that has not changed its program is not read anew.
import * as fs from 'node:fs';
import type { ProcessRow } from './server.ts';

interface Known {
  readonly row: ProcessRow;
  /** The name that exec(2) gives it; with the start time it tells whether the program is still the same. */
  readonly name: string;
  readonly seen: number;
}

/** Every so many listings all is read again: a program may replace itself by one of its own name. */
const afresh = 10;
/** Who has been there for so many listings is a daemon: what becomes of it is found out with the next reading of all. */
const settled = 60;

type Read = (pid: number) => ProcessRow | 'gone';

/** Lists again and again at a fraction of the cost; `read` reads one process whole. */
export function following(read: Read): () => Promise<readonly ProcessRow[]> {
  let known = new Map<number, Known>();
  let round = 0;
  return async () => {
    round++;
    const next = new Map<number, Known>();
    for (const file of fs.readdirSync('/proc')) {
      const code = file.charCodeAt(0);
      if (code < 48 || code > 57) continue;
      const pid = Number(file);
      const one = again(pid, known.get(pid), round, read);
      if (one !== 'gone') next.set(pid, one);
    }
    known = next;
    return [...next.values()].map(({ row }) => row);
  };
}

function again(pid: number, before: Known | undefined, round: number, read: Read): Known | 'gone' {
  const due = (pid + round) % afresh === 0;
  // A kernel thread stays what it is.
  if (!due && before !== undefined && before.row.argv.length === 0 && before.row.ppid === 2) return before;
  const daemon = before !== undefined && round - before.seen > settled && !/^(?:php|node)/.test(before.name);
  if (!due && daemon) return before;
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return 'gone';
  }
  const end = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, end);
  const rest = stat.slice(end + 2).split(' ');
  // Young ones change: a shell becomes its program, a child of cron becomes a user's.
  const same =
    !due &&
    before !== undefined &&
    before.name === name &&
    before.row.start === rest[19] &&
    round - before.seen > 3;
  if (same) return { ...before, row: { ...before.row, state: rest[0] ?? '?', ppid: Number(rest[1]) } };
  const row = read(pid);
  if (row === 'gone') return 'gone';
  const first = before !== undefined && before.row.start === row.start ? before.seen : round;
  return { row, name, seen: first };
}
