// Who is connected to a database on this machine, as the kernel tells it: no connection of ours is needed.
import * as fs from 'node:fs';
import { basename } from 'node:path/posix';
import { scriptOfArgv } from '../command/argv.ts';
import { interpreterKind } from '../command/interpreter.ts';
import type { SocketHolder } from '../database/owners.ts';
import type { Sockets, SocketView, TcpEnds, UnixEnds } from './databasePort.ts';
import { localPrograms } from './programs.ts';
import { threadSockets } from './threads.ts';

/** Linux counts the birth of a process in these (USER_HZ). */
const ticks = 100;

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

const states: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '04': 'FIN-WAIT-1',
  '05': 'FIN-WAIT-2',
  '06': 'TIME-WAIT',
  '08': 'CLOSE-WAIT',
  '0A': 'LISTEN',
};

interface TcpRow {
  readonly local: string;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
  readonly state: string;
  readonly inode: number;
}

function tcpEnds(port: number | undefined, rows: readonly TcpRow[]): TcpEnds[] {
  if (port === undefined) return [];
  const ends = new Map<string, TcpEnds>();
  for (const row of rows)
    if (row.remotePort === port && row.state !== 'TIME-WAIT')
      ends.set(`${row.local}:${row.localPort}`, { client: row.local, port: row.localPort, inode: row.inode });
  for (const row of rows) {
    if (row.localPort !== port || row.state === 'LISTEN' || row.state === 'TIME-WAIT') continue;
    const key = `${row.remote}:${row.remotePort}`;
    const client = ends.get(key) ?? { client: row.remote, port: row.remotePort };
    ends.set(key, { ...client, serverState: row.state });
  }
  return [...ends.values()];
}

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
  for (const line of read('/proc/net/unix').split('\n')) {
    const match = /^\S+ \S+ \S+ 00010000 \S+ \S+ +(\d+) (\/.*)$/.exec(line);
    if (match && inodes.has(Number(match[1]))) return match[2];
  }
  return undefined;
}

function tcpRows(path: string): TcpRow[] {
  let text: string;
  try {
    text = fs.readFileSync(path, 'latin1');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const [, local = '', remote = '', state = ''] = words;
      if (words.length < 10) return [];
      const [a, b] = [addressOf(local), addressOf(remote)];
      return [
        {
          local: a.address,
          localPort: a.port,
          remote: b.address,
          remotePort: b.port,
          state: states[state] ?? state,
          inode: Number(words[9]),
        },
      ];
    });
}

/** The kernel prints an address as the words of its memory. An IPv4 address inside IPv6 is shown as the former. */
function addressOf(text: string): { address: string; port: number } {
  const [hex = '', port = ''] = text.split(':');
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).reverse(),
  );
  const mapped = bytes.length === 16 && bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255;
  const four = bytes.length === 4 ? bytes : mapped ? bytes.slice(12) : undefined;
  const address =
    four?.join('.') ??
    Array.from({ length: 8 }, (_, i) =>
      (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
    ).join(':');
  return { address, port: Number.parseInt(port, 16) };
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

interface Stat {
  readonly state: string;
  readonly ppid: number;
  readonly session: number;
  readonly start: string;
}

function statOf(pid: number): Stat | 'gone' {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: rest[0] ?? '?', ppid: Number(rest[1]), session: Number(rest[3]), start: rest[19] ?? '0' };
  } catch {
    return 'gone';
  }
}

/** Programs that run a pool of others' requests. */
const pools =
  /^(?:php-fpm|php-cgi|lsphp|apache2?|httpd|nginx|litespeed|openlitespeed|uwsgi|caddy|frankenphp)/;
/** Whoever runs one of these may be a worker of any kind: better protected than sorry. */
const interpreters = /^(?:php|node|bun|deno|python|perl|ruby|java|lua|hhvm)/;

function holderOf(pid: number): SocketHolder | 'gone' {
  const stat = statOf(pid);
  if (stat === 'gone' || stat.state === 'Z') return 'gone';
  const argv = read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
  const exe = basename(linkOf(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''));
  const title = (argv[0] ?? '').replace(/:.*$/, '');
  const pool = pools.test(exe) || /^php-fpm/.test(title);
  const kind = interpreterKind(exe);
  const runs = kind === 'none' ? 'none' : scriptOfArgv(kind, argv);
  const uid = Number(/^Uid:\t(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? -1);
  const up = Number(read('/proc/uptime').split(' ')[0]);
  return {
    pid,
    ppid: stat.ppid,
    start: stat.start,
    age: Math.max(0, up - Number(stat.start) / ticks),
    uid,
    state: stat.state,
    // A program that cannot be named may be a worker.
    kind: pool ? 'pool' : exe === '' || kind !== 'none' || interpreters.test(exe) ? 'interpreter' : 'other',
    name: exe === '' ? read(`/proc/${pid}/comm`).trim() : exe,
    ...(runs === 'none' ? {} : { script: runs.script }),
    parent: parentOf(pid, stat),
  };
}

/** Who forks a child is in the child's session; who is in another one has adopted it. */
function parentOf(pid: number, { ppid, session }: Stat): SocketHolder['parent'] {
  if (ppid === 1) return 'reaper';
  const parent = statOf(ppid);
  if (parent === 'gone') return 'unseen';
  return parent.session !== session && session !== pid ? 'reaper' : 'forker';
}

function read(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}
