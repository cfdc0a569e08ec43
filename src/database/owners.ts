// Who owns a connection: what a process list and /proc together prove, and which connections may be ended.

/** One row of the process list. */
export interface Connection {
  readonly id: number;
  readonly user: string;
  /** As the server prints it: a name, or an address and a port. */
  readonly host: string;
  readonly db: string;
  /** Sleep, Query … */
  readonly command: string;
  /** Seconds since it began to do what it does; with milliseconds where the server tells them. */
  readonly time: number;
  readonly state: string;
}

/** A process that has the client's end of a connection open. */
export interface SocketHolder {
  readonly pid: number;
  readonly ppid: number;
  /** Ticks since boot, with the PID a name for ever. */
  readonly start: string;
  /** Seconds since it was born. */
  readonly age: number;
  readonly uid: number;
  /** R, S, D, T … */
  readonly state: string;
  readonly kind: 'interpreter' | 'pool' | 'other';
  /** Its program, and the script it runs where that can be told. */
  readonly name: string;
  readonly script?: string;
  /** Is its parent the process that forked it? 'reaper' when that one is gone. */
  readonly parent: 'forker' | 'reaper' | 'unseen';
}

/** What the kernel says of the client's end. */
export type ClientEnd =
  /** `blind`: some processes could not be looked into, so there may be more holders. */
  | { readonly is: 'held'; readonly holders: readonly SocketHolder[]; readonly blind: boolean }
  /** The server's end is in CLOSE-WAIT, or has no peer: nobody will ever read the answer. */
  | { readonly is: 'dead' }
  | { readonly is: 'remote' }
  /** A unix socket that nobody here can match with an id, or a client in another namespace. */
  | { readonly is: 'unseen' };

export type Transaction = 'none' | 'open' | 'unseen';

export type OwnerClass =
  | 'self'
  | 'live-worker'
  | 'web'
  | 'orphan-child'
  | 'dead-client-running'
  | 'remote-unknown'
  | 'hung'
  /** A living local program that is no worker: somebody's client, a daemon. */
  | 'program'
  | 'unseen';

export interface Owned extends Connection {
  readonly end: ClientEnd;
  readonly transaction: Transaction;
  readonly class: OwnerClass;
}

/** The class of a connection. When in doubt it is one that nobody ends. */
export function classOf(connection: Connection, end: ClientEnd, self: ReadonlySet<number>): OwnerClass {
  if (self.has(connection.id)) return 'self';
  if (end.is === 'dead') return 'dead-client-running';
  if (end.is === 'remote') return 'remote-unknown';
  if (end.is === 'unseen' || end.holders.length === 0) return 'unseen';
  const { holders, blind } = end;
  if (holders.some((one) => one.kind === 'pool')) return 'web';
  const interpreters = holders.filter((one) => one.kind === 'interpreter');
  if (interpreters.length > 0)
    return interpreters.every((one) => /^[TtD]$/.test(one.state)) ? 'hung' : 'live-worker';
  return !blind && isOrphan(connection, holders) ? 'orphan-child' : 'program';
}

/**
 * Only what was born after the connection's last command holds it, and whoever started it is gone. A daemon of its own is
 * adopted by init too, but it is older than what it last asked: it opened its connection itself.
 */
function isOrphan(connection: Connection, holders: readonly SocketHolder[]): boolean {
  if (connection.command !== 'Sleep') return false;
  const pids = new Set(holders.map((one) => one.pid));
  return holders.every(
    (one) =>
      // Both are rounded to hundredths by the kernel; whole seconds are rounded down by the server.
      one.age + 0.05 < connection.time && (pids.has(one.ppid) || one.parent === 'reaper'),
  );
}

/** What a person allows beyond the default. */
export interface KillLimits {
  /** Seconds a connection must have been idle. */
  readonly minIdle: number;
  /** Hosts whose idle connections may be ended. */
  readonly hosts: readonly string[];
  /** Also where open transactions cannot be seen. */
  readonly unseenTransactions: boolean;
}

export type Protection =
  | 'self'
  | 'alive'
  | 'web'
  | 'hung'
  | 'unseen-owner'
  | 'transaction'
  | 'transaction-unseen'
  | 'not-idle'
  | 'too-short'
  | 'host-not-named';

/** May this connection be ended? The reason why not, else 'may'. */
export function mayEnd(one: Owned, limits: KillLimits): 'may' | Protection {
  switch (one.class) {
    case 'self':
      return 'self';
    case 'live-worker':
    case 'program':
      return 'alive';
    case 'web':
      return 'web';
    case 'hung':
      return 'hung';
    case 'unseen':
      return 'unseen-owner';
    case 'remote-unknown':
      if (!limits.hosts.includes(plainHost(one.host))) return 'host-not-named';
      break;
    case 'orphan-child':
    case 'dead-client-running':
      break;
  }
  // A dead client's statement is at work for nobody: there is nothing to be idle.
  if (one.class !== 'dead-client-running') {
    if (one.command !== 'Sleep') return 'not-idle';
    if (one.time < limits.minIdle) return 'too-short';
  }
  if (one.transaction === 'open') return 'transaction';
  if (one.transaction === 'unseen' && !limits.unseenTransactions) return 'transaction-unseen';
  return 'may';
}

/** Other machines from which the account works: what a lock on a file does not keep apart. */
export function otherMachines(connections: readonly Owned[]): string[] {
  const remote = connections.filter(({ end }) => end.is === 'remote');
  return [...new Set(remote.map(({ host }) => plainHost(host)))].sort();
}

function plainHost(column: string): string {
  return column.replace(/:\d+$/, '');
}
