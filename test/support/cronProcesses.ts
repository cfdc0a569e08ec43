// Processes as the tests count them: read from /proc with none of the product's code.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';

export interface Row {
  readonly pid: number;
  readonly ppid: number;
  /** Ticks since boot. */
  readonly start: number;
  readonly uid: number;
  readonly argv: readonly string[];
  readonly ancestors: readonly number[];
}

export interface Counted {
  readonly pid: number;
  readonly start: number;
  readonly argv: readonly string[];
  /** Holds a flock on any file. */
  readonly locks: boolean;
  /** Seconds since its start. */
  readonly age: number;
}

/** Every process that has a command line and is no zombie. */
export function rowsOf(): Row[] {
  const rows: Row[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const row = rowOf(Number(name));
    if (row !== 'gone') rows.push(row);
  }
  const parents = new Map(rows.map((row) => [row.pid, row.ppid]));
  return rows.map((row) => {
    const ancestors: number[] = [];
    for (let at = parents.get(row.pid); at !== undefined && at > 1; at = parents.get(at)) ancestors.push(at);
    return { ...row, ancestors };
  });
}

function rowOf(pid: number): Row | 'gone' {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0');
    const uid = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
    if (fields[0] === 'Z') return 'gone';
    return { pid, ppid: Number(fields[1]), start: Number(fields[19]), uid, argv, ancestors: [] };
  } catch {
    return 'gone';
  }
}

/** The processes of this user whose program is this interpreter and that run this very script file. */
export function instances(kind: 'php' | 'node', script: string, uid: number): Counted[] {
  const found: Counted[] = [];
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!/^\d+$/.test(name)) continue;
    try {
      if (!basename(readlinkSync(`/proc/${pid}/exe`)).startsWith(kind)) continue;
    } catch {
      continue;
    }
    const row = rowOf(pid);
    if (row === 'gone' || row.uid !== uid) continue;
    try {
      const word = row.argv.slice(1).find((arg, i) => !arg.startsWith('-') && row.argv[i] !== '-d');
      if (word === undefined || /^-[re]$/.test(row.argv[1] ?? '')) continue;
      if (realpathSync(resolve(readlinkSync(`/proc/${pid}/cwd`), word)) !== script) continue;
      const locks = readdirSync(`/proc/${pid}/fdinfo`).some((fd) =>
        /^lock:.*FLOCK/m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')),
      );
      found.push({ pid, start: row.start, argv: row.argv, locks, age: uptime - row.start / 100 });
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}

export function isAlive(pid: number, start: number): boolean {
  const row = rowOf(pid);
  return row !== 'gone' && row.start === start;
}

export function startOf(pid: number): number {
  const row = rowOf(pid);
  if (row === 'gone') throw new Error(`PID ${pid} is gone`);
  return row.start;
}

/** Ends the processes that `which` names, by PID, until it names none. Only for what the test itself started. */
export async function endAll(which: () => readonly Row[]): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const rows = which();
    if (rows.length === 0) return;
    for (const { pid, start } of rows) {
      if (!isAlive(pid, start)) continue;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('processes of the test do not end');
}
