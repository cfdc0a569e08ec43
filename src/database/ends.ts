// Which client's socket belongs to a connection: the process list and the kernel's view laid over each other.
import type { SocketView, TcpEnds } from '../server/server.ts';
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
}

/** The client's end of every connection, by its id. */
export function endsOf(
  rows: readonly ThreadRow[],
  { view, threads, complete }: Ends,
): Map<number, ClientEnd> {
  const found = new Map<number, ClientEnd>();
  for (const row of rows) {
    const { host, port } = hostOf(row.host);
    if (port !== undefined) found.set(row.id, tcpEnd(host, port, view));
  }
  const unix = view.unix === 'unseen' ? [] : view.unix;
  const local = rows.filter((row) => !found.has(row.id));
  const taken = new Set<number>();
  const open: ThreadRow[] = [];
  for (const row of local) {
    const server = row.tid === undefined ? undefined : threads.get(row.tid);
    const ends = unix.find((one) => one.server === server);
    // The server's own threads have no client.
    if (ends === undefined) {
      if (row.command !== 'Daemon') open.push(row);
      found.set(row.id, { is: 'unseen' });
      continue;
    }
    taken.add(ends.server);
    found.set(row.id, unixEnd(ends.client, view));
  }
  const left = unix.filter((one) => !taken.has(one.server));
  const [row] = open;
  const [ends] = left;
  // A thread at work is not found by what it waits for; it is the one that is left over.
  if (complete && open.length === 1 && left.length === 1 && row !== undefined && ends !== undefined)
    found.set(row.id, unixEnd(ends.client, view));
  return found;
}

function unixEnd(client: number, view: SocketView): ClientEnd {
  return client === 0 ? { is: 'dead' } : held(client, view);
}

function held(inode: number, { holders, blind }: SocketView): ClientEnd {
  return { is: 'held', holders: holders.get(inode) ?? [], blind };
}

function tcpEnd(host: string, port: number, view: SocketView): ClientEnd {
  const numeric = /^[\d.]+$|:/.test(host);
  const loopback = host === 'localhost' || host.startsWith('127.') || host === '::1';
  const candidates = view.tcp.filter((ends) => ends.port === port && belongs(ends, host, numeric, loopback));
  const [ends] = candidates;
  if (ends === undefined) return loopback ? { is: 'unseen' } : { is: 'remote' };
  // One port on two addresses: which of them is meant cannot be told.
  if (candidates.length > 1) return { is: 'unseen' };
  if (ends.inode === undefined) return isLoopback(ends.client) ? { is: 'unseen' } : { is: 'remote' };
  if (ends.inode !== 0) return held(ends.inode, view);
  return ends.serverState === 'CLOSE-WAIT' ? { is: 'dead' } : { is: 'unseen' };
}

/** A name in the process list was looked up from an address: only the server's own end says that it is this one. */
function belongs(ends: TcpEnds, host: string, numeric: boolean, loopback: boolean): boolean {
  if (numeric) return ends.client === host || (host === '::1' && ends.client === '0:0:0:0:0:0:0:1');
  return loopback ? isLoopback(ends.client) : ends.serverState !== undefined;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '0:0:0:0:0:0:0:1';
}
