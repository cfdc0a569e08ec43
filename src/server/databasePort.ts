// The part of the door that is the database: a session in it, and who is connected to it as the kernel sees that.
import type { Credentials, Place } from '../database/credentials.ts';
import type { SocketHolder } from '../database/owners.ts';

/** A row as the database gives it: numbers that a double cannot hold are words. */
export type DatabaseRow = Readonly<Record<string, string | number | null>>;

/** `errno` is 0 where the failure is not the database's; `code` is then the system's or the driver's. */
export interface DatabaseFailure {
  readonly is: 'failed';
  readonly errno: number;
  readonly code: string;
  readonly message: string;
}

export interface DatabaseSession {
  /** The database's own number of this connection. */
  readonly id: number;
  /** One statement; never more, and never longer than `timeout` milliseconds. */
  ask(
    sql: string,
    values?: readonly (string | number)[],
    timeout?: number,
  ): Promise<{ readonly is: 'rows'; readonly rows: readonly DatabaseRow[] } | DatabaseFailure>;
  close(): Promise<void>;
}

export interface Databases {
  /** Connects once. What goes wrong is a value: a refusal is something to report, not a crash. */
  open(
    place: Place,
    credentials: Credentials,
    timeout: number,
  ): Promise<{ readonly is: 'open'; readonly session: DatabaseSession } | DatabaseFailure>;
}

/** Both ends of one TCP connection to a database on this machine, as far as they are here. */
export interface TcpEnds {
  /** Address and port of the client. */
  readonly client: string;
  readonly port: number;
  /** The database's address, as the end that is here names it. */
  readonly server?: string;
  /** The client's own socket; 0 when it has been closed, absent when it is not on this machine. */
  readonly inode?: number;
  /** The database's end: ESTABLISHED, CLOSE-WAIT …; absent when it is not here. */
  readonly serverState?: string;
}

export interface UnixEnds {
  readonly server: number;
  /** The client's socket; 0 when nobody has it any more. */
  readonly client: number;
}

export interface SocketView {
  readonly tcp: readonly TcpEnds[];
  /** 'unseen' where ss(8) is missing. */
  readonly unix: readonly UnixEnds[] | 'unseen';
  /** Who has a client's socket open, by its inode. */
  readonly holders: ReadonlyMap<number, readonly SocketHolder[]>;
  /** There are processes of this user that could not be looked into. */
  readonly blind: boolean;
  /** The database server's own process and where it listens, as far as that can be seen. */
  readonly server?: { readonly pid: number; readonly port?: number; readonly socket?: string };
}

export interface Sockets {
  /** Everybody on this machine who is connected to the database at these places; needs no connection to it. */
  look(at: { readonly port?: number; readonly socket?: string }): Promise<SocketView>;
  /**
   * Which of its own sockets each thread of the database server reads, by thread. Root only; a thread that cannot be
   * told is not in it.
   */
  threads(serverPid: number, threads: readonly number[]): Promise<ReadonlyMap<number, number>>;
}
