// How many connections an account may have, where that is set, and whose a connection is counted as.

/** What a server says of limits; a number is absent where whoever asked may not know it. */
export interface LimitFacts {
  /** @@session.max_user_connections: what is in force for the account that asked. */
  readonly session?: number;
  /** @@global.max_user_connections. */
  readonly global: number;
  /** MAX_USER_CONNECTIONS of the account itself. */
  readonly own?: number;
  /** @@global.max_connections. */
  readonly server: number;
}

/** 'account' and 'global' hold for each account by itself, 'server' is shared by everybody. */
export type Limit =
  | { readonly is: 'account' | 'global' | 'account-or-global'; readonly connections: number }
  /** No limit of the account's: only the whole server's. */
  | { readonly is: 'server'; readonly connections: number }
  /** A negative global value lets nobody in but administrators. */
  | { readonly is: 'administrators-only'; readonly connections: 0 };

/** The limit in force. An account's own wins over the global one, upwards too. */
export function limitOf({ session, global, own, server }: LimitFacts): Limit {
  if (own !== undefined && own > 0) return { is: 'account', connections: own };
  const now = session ?? global;
  if (now < 0) return { is: 'administrators-only', connections: 0 };
  if (now === 0) return { is: 'server', connections: server };
  if (own === 0) return { is: 'global', connections: now };
  // Of two equal numbers nobody can tell which one it is without the account's own.
  return { is: now === global ? 'account-or-global' : 'account', connections: now };
}

/** The account's own limit out of `SHOW CREATE USER` or `SHOW GRANTS`, which also hold a hash nobody may see. */
export function ownLimitIn(statement: string): number {
  return Number(/\bMAX_USER_CONNECTIONS (-?\d+)/i.exec(statement)?.[1] ?? 0);
}

/** An account as the server keeps it: connections are counted for each of these by itself, not for each user name. */
export interface AccountRow {
  readonly user: string;
  /** A name, an address, or a pattern with % and _. */
  readonly host: string;
  readonly own: number;
}

/** The two halves of what CURRENT_USER() says; a user's name may hold an @ itself. */
export function accountOf(current: string): { user: string; host: string } {
  const at = current.lastIndexOf('@');
  return { user: current.slice(0, at), host: current.slice(at + 1) };
}

/** Host of a process list's HOST column, which has the port behind it for TCP. */
export function hostOf(column: string): { host: string; port?: number } {
  const match = /^(.*):(\d+)$/.exec(column);
  return match ? { host: match[1] ?? '', port: Number(match[2]) } : { host: column };
}

/** The row a server counts a client under: the most exact host that fits, as the server sorts them. */
export function rowFor(user: string, host: string, rows: readonly AccountRow[]): AccountRow | 'unknown' {
  const fitting = rows.filter((row) => row.user === user && fits(row.host, host));
  return fitting.sort((a, b) => rank(a.host) - rank(b.host))[0] ?? 'unknown';
}

function fits(pattern: string, host: string): boolean {
  if (pattern === '' || pattern === '%') return true;
  const net = /^(\d+\.\d+\.\d+\.\d+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(pattern);
  if (net) {
    const mask = bits(net[2] ?? '');
    const address = /^\d+\.\d+\.\d+\.\d+$/.test(host) ? bits(host) : undefined;
    return address !== undefined && (address & mask) >>> 0 === (bits(net[1] ?? '') & mask) >>> 0;
  }
  const body = pattern
    .toLowerCase()
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${body}$`).test(host.toLowerCase());
}

function bits(address: string): number {
  return address.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0);
}

/** Literal hosts first, then patterns by how much stands before the first wildcard, % last. */
function rank(host: string): number {
  const wild = host === '' ? 0 : host.search(/[%_]/);
  return wild === -1 ? -1 : 1000 - wild;
}

/** Four of five is no reserve: from this share of the limit on a check fails. */
const highest = 0.6;

/** Does so many of a limit still leave room? 2 of 5 does, 3 of 5 does not. */
export function leavesRoom(peak: number, limit: number): boolean {
  return peak < highest * limit;
}
