// The list of processes for who asks once a second: a process that has not changed its program is not read anew.
import * as fs from 'node:fs';
import type { ProcessRow } from './server.ts';

interface Known {
  readonly row: ProcessRow;
  /** The name that exec(2) gives it; with the start time it tells whether the program is still the same. */
  readonly name: string;
  /** The listing in which it was first there. */
  readonly first: number;
}

type Read = (pid: number) => ProcessRow | 'gone';

/** Young ones change: a shell becomes its program, a child of cron becomes a user's. */
const young = 3;
/** Who has been there for so many listings, and is no interpreter and nothing that turns into one, is a daemon. */
const settled = 10;
const turns =
  /^(?:php|node|nodejs|sh|bash|dash|ksh|zsh|cron|crond|su|sudo|flock|timeout|nice|ionice|env|setpriv)/;
/** A daemon is looked at in every tenth listing; all is read whole in every sixtieth, an interpreter in every tenth. */
const [now, whole] = [10, 60];

/** Lists again and again at a fraction of the cost; `read` reads one process whole. */
export function following(read: Read): () => Promise<readonly ProcessRow[]> {
  let known = new Map<number, Known>();
  let round = 0;
  return async () => {
    round++;
    const next = new Map<number, Known>();
    const rows: ProcessRow[] = [];
    for (const file of fs.readdirSync('/proc')) {
      const code = file.charCodeAt(0);
      if (code < 48 || code > 57) continue;
      const pid = Number(file);
      const one = again(pid, known.get(pid), round, read);
      if (one === 'gone') continue;
      next.set(pid, one);
      rows.push(one.row);
    }
    known = next;
    return rows;
  };
}

function again(pid: number, before: Known | undefined, round: number, read: Read): Known | 'gone' {
  // Spread over the listings, so that none of them takes longer than the others.
  const beat = pid + round;
  if (before !== undefined && round - before.first > settled && !turns.test(before.name) && beat % now !== 0)
    return before;
  const stat = statOf(pid);
  if (stat === 'gone') return 'gone';
  const end = stat.lastIndexOf(')');
  const name = stat.slice(stat.indexOf('(') + 1, end);
  const rest = stat.slice(end + 2).split(' ');
  const isSame = before !== undefined && before.name === name && before.row.start === rest[19];
  const due = beat % (turns.test(name) ? now : whole) === 0 || (isSame && round - before.first <= young);
  if (isSame && !due) {
    const { row } = before;
    const [state = '?', parent] = rest;
    if (row.state === state && row.ppid === Number(parent)) return before;
    return { ...before, row: { ...row, state, ppid: Number(parent) } };
  }
  const row = read(pid);
  if (row === 'gone') return 'gone';
  return { row, name, first: before?.row.start === row.start ? before.first : round };
}

/** One line, into one buffer for all. */
const buffer = Buffer.alloc(1024);

function statOf(pid: number): string | 'gone' {
  try {
    const fd = fs.openSync(`/proc/${pid}/stat`, 'r');
    try {
      return buffer.toString('latin1', 0, fs.readSync(fd, buffer, 0, buffer.length, 0));
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return 'gone';
  }
}
