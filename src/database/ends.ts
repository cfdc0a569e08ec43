// Which client's socket belongs to a connection: the process list and the kernel's view laid over each other.
import type { SocketView, TcpEnds } from '../server/databasePort.ts';
import { hostOf } from './limits.ts';
import type { ClientEnd, Connection } from './owners.ts';

/** A row of the process list with the thread that serves it, where the server tells. */
export interface ThreadRow extends Connection {
  readonly tid?: number;
}

export interface Ends {
  readonly view: SocketView;
  /** The server's own sockets by thread. */
  readonly threads: ReadonlyMap<number, number>;
  /** Is the process list everybody's? Then what is left over on both sides belongs together. */
  readonly complete: boolean;
  /** Where our own connection goes to, when that is over TCP. */
  readonly database?: string;
}

/** The client's end of every connection, by its id. */
export function endsOf(rows: readonly ThreadRow[], ends: Ends): Map<number, ClientEnd> {
  const { view, threads, complete } = ends;
  const found = new Map<number, ClientEnd>();
  for (const row of rows) {
    const { host, port } = hostOf(row.host);
    if (port !== undefined) found.set(row.id, tcpEnd(host, port, ends));
  }
  const unix = view.unix === 'unseen' ? [] : view.unix;
  const local = rows.filter((row) => !found.has(row.id));
  const taken = new Set<number>();
  const open: ThreadRow[] = [];
  for (const row of local) {
    const server = row.tid === undefined ? undefined : threads.get(row.tid);
    const pair = unix.find((one) => one.server === server);
    // The server's own threads have no client.
    if (pair === undefined) {
      if (row.command !== 'Daemon') open.push(row);
      found.set(row.id, { is: 'unseen' });
      continue;
    }
    taken.add(pair.server);
    found.set(row.id, unixEnd(pair.client, view));
  }
  const left = unix.filter((one) => !taken.has(one.server));
  const [row] = open;
  const [pair] = left;
  // A thread at work is not found by what it waits for; it is the one that is left over.
  if (complete && open.length === 1 && left.length === 1 && row !== undefined && pair !== undefined)
    found.set(row.id, unixEnd(pair.client, view));
  return found;
}

function unixEnd(client: number, view: SocketView): ClientEnd {
  return client === 0 ? { is: 'dead' } : held(client, view);
}

function held(inode: number, { holders, blind }: SocketView): ClientEnd {
  return { is: 'held', holders: holders.get(inode) ?? [], blind };
}

function tcpEnd(host: string, port: number, { view, database }: Ends): ClientEnd {
  const numeric = /^[\d.]+$|:/.test(host);
  const loopback = host === 'localhost' || isLoopback(host);
  const there = view.tcp.filter((ends) => ends.port === port);
  const candidates = there.filter((ends) => belongs(ends, host, numeric, loopback));
  const [ends] = candidates;
  if (ends === undefined) {
    // The database is elsewhere and a client of ours has that port: by a name, or behind a router, it may be ours.
    const perhaps = there.some((one) => one.inode !== undefined && one.serverState === undefined);
    return loopback || perhaps ? { is: 'unseen' } : { is: 'remote' };
  }
  // One port on two addresses, or to two servers: which of them is meant cannot be told.
  if (candidates.length > 1) return { is: 'unseen' };
  // A socket that goes to another database than ours proves nothing about ours.
  if (ends.serverState === undefined && ends.server !== undefined && ends.server !== database)
    return { is: 'unseen' };
  if (ends.inode === undefined) {
    if (!isHere(ends)) return { is: 'remote' };
    // A minute after its client's end the kernel forgets that half; the server's has been told to close, and waits.
    return ends.serverState === 'CLOSE-WAIT' ? { is: 'dead' } : { is: 'unseen' };
  }
  if (ends.inode !== 0) return held(ends.inode, view);
  return ends.serverState === 'CLOSE-WAIT' ? { is: 'dead' } : { is: 'unseen' };
}

/** A name in the process list was looked up from an address: only the server's own end says that it is this one. */
function belongs(ends: TcpEnds, host: string, numeric: boolean, loopback: boolean): boolean {
  if (numeric) return plainAddress(ends.client) === plainAddress(host);
  return loopback ? isLoopback(ends.client) : ends.serverState !== undefined;
}

/** Both ends have one address: nothing that comes from another machine has. */
function isHere({ client, server }: TcpEnds): boolean {
  return isLoopback(client) || (server !== undefined && plainAddress(server) === plainAddress(client));
}

function isLoopback(address: string): boolean {
  const plain = plainAddress(address);
  return plain.startsWith('127.') || plain === '0:0:0:0:0:0:0:1';
}

/** One spelling for each address: the server shortens IPv6 with `::`, the kernel's list does not, and each may map IPv4. */
function plainAddress(text: string): string {
  const bare = text.toLowerCase().replace(/%.*$/, '');
  if (!bare.includes(':')) return bare;
  const words = bare.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...four) => {
    const [a = 0, b = 0, c = 0, d = 0] = four.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = words.split('::');
  const list = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [front, back] = [list(head), list(tail ?? '')];
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array<string>(gap).fill('0'), ...back].map((group) =>
    Number.parseInt(group, 16),
  );
  const [g = 0, h = 0] = groups.slice(6);
  if (groups.length === 8 && groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return [g >> 8, g & 255, h >> 8, h & 255].join('.');
  return groups.map((group) => group.toString(16)).join(':');
}
