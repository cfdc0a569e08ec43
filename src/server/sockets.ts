// Who is connected to a database on this machine, as the kernel tells it: no connection of ours is needed.
import * as fs from 'node:fs';
import type { SocketHolder } from '../database/owners.ts';
import type { Sockets, SocketView, UnixEnds } from './databasePort.ts';
import { holderOf, textOf } from './holders.ts';
import { localPrograms } from './programs.ts';
import { type TcpRow, tcpEnds, tcpRows } from './tcp.ts';
import { threadSockets } from './threads.ts';

export const localSockets: Sockets = {
  async look({ port, socket }) {
    const rows = [...tcpRows('/proc/net/tcp'), ...tcpRows('/proc/net/tcp6')];
    const unix = socket === undefined ? { ends: [], listening: [] } : await unixEnds(socket);
    const open = openSockets();
    const listens = (inode: number): boolean =>
      unix.listening.includes(inode) ||
      rows.some((row) => row.state === 'LISTEN' && row.localPort === port && row.inode === inode);
    const server = serverAmong(open.all, listens, rows);
    const tcp = tcpEnds(port ?? server?.port, rows);
    // Asked for by its port alone, a server may have a socket, too.
    const found = socket === undefined && server?.socket !== undefined ? await unixEnds(server.socket) : unix;
    const wanted = new Set<number>();
    for (const { inode } of tcp) if (inode) wanted.add(inode);
    if (found.ends !== 'unseen') for (const { client } of found.ends) if (client !== 0) wanted.add(client);
    const view: SocketView = {
      tcp,
      unix: found.ends,
      holders: holdersOf(wanted, open.all),
      blind: open.blind,
      ...(server === undefined ? {} : { server }),
    };
    return view;
  },

  async threads(serverPid, threads) {
    return threadSockets(serverPid, threads);
  },
};

/** The process that listens there, and where else it does. */
function serverAmong(
  all: ReadonlyMap<number, ReadonlySet<number>>,
  listens: (inode: number) => boolean,
  rows: readonly TcpRow[],
): SocketView['server'] {
  for (const [pid, inodes] of all) {
    if (![...inodes].some(listens)) continue;
    const port = rows.find((row) => row.state === 'LISTEN' && inodes.has(row.inode))?.localPort;
    const socket = boundSocket(inodes);
    return { pid, ...(port === undefined ? {} : { port }), ...(socket === undefined ? {} : { socket }) };
  }
  return undefined;
}

/** "…: 00000002 00000000 00010000 0001 01 INODE PATH": the flag is that of a socket that listens. */
function boundSocket(inodes: ReadonlySet<number>): string | undefined {
  for (const line of textOf('/proc/net/unix').split('\n')) {
    const match = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\/.*)$/.exec(line);
    if (match && inodes.has(Number(match[1]))) return match[2];
  }
  return undefined;
}

/** /proc/net/unix has no peers; ss(8) asks the kernel for them, and needs no privilege. */
async function unixEnds(path: string): Promise<{ ends: UnixEnds[] | 'unseen'; listening: number[] }> {
  const ran = await localPrograms.run(['ss', '-xnaH'], {
    as: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    timeout: 5000,
  });
  if (ran.code !== 0) return { ends: 'unseen', listening: [] };
  const names = new Set([path, realOf(path)]);
  const ends: UnixEnds[] = [];
  const listening: number[] = [];
  for (const line of ran.stdout.split('\n')) {
    const match = /^u_str\s+(\S+)\s+\d+\s+\d+\s+(.+?)\s+(\d+)\s+(\S+)\s+(\d+)\s*$/.exec(line);
    if (!match) continue;
    const [, state, local = '', inode, , peer] = match;
    if (!names.has(local)) continue;
    if (state === 'LISTEN') listening.push(Number(inode));
    else ends.push({ server: Number(inode), client: Number(peer) });
  }
  return { ends, listening };
}

function realOf(path: string): string {
  try {
    return fs.realpathSync.native(path);
  } catch {
    return path;
  }
}

/** One pass over every process's descriptors. */
function openSockets(): { all: Map<number, ReadonlySet<number>>; blind: boolean } {
  const all = new Map<number, ReadonlySet<number>>();
  const me = process.geteuid?.() ?? 0;
  let blind = false;
  for (const name of fs.readdirSync('/proc')) {
    const code = name.charCodeAt(0);
    if (code < 48 || code > 57) continue;
    const pid = Number(name);
    const open = socketsOf(pid);
    // What another user runs has been given no socket of ours to use; what hides itself among our own may have. The
    // first process of all is older than any connection, so it was given none.
    if (open === 'unseen') blind ||= pid !== 1 && ownedBy(pid, me);
    else if (open.size > 0) all.set(pid, open);
  }
  return { all, blind };
}

function holdersOf(
  wanted: ReadonlySet<number>,
  all: ReadonlyMap<number, ReadonlySet<number>>,
): Map<number, SocketHolder[]> {
  const holders = new Map<number, SocketHolder[]>();
  for (const [pid, open] of all) {
    const mine = [...open].filter((inode) => wanted.has(inode));
    const one = mine.length === 0 ? 'gone' : holderOf(pid);
    if (one === 'gone') continue;
    for (const inode of mine) holders.set(inode, [...(holders.get(inode) ?? []), one]);
  }
  return holders;
}

function socketsOf(pid: number): Set<number> | 'unseen' {
  const found = new Set<number>();
  let names: string[];
  try {
    names = fs.readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'unseen' : found;
  }
  for (const fd of names) {
    try {
      const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
      if (link.startsWith('socket:[')) found.add(Number(link.slice(8, -1)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return 'unseen';
    }
  }
  return found;
}

function ownedBy(pid: number, uid: number): boolean {
  try {
    return new RegExp(`^Uid:\\t${uid}\\t`, 'm').test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false; // it has ended
  }
}
