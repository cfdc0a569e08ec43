// How many connections each account row has in use, each against its own limit.
import { type AccountRow, accountOf, hostOf, type Limit, limitOf, rowFor } from './limits.ts';
import type { Connection } from './owners.ts';

export interface AccountUse {
  /** USER@HOST as the server keeps it. */
  readonly account: string;
  readonly used: number;
  readonly limit: Limit;
  /** Without an administrator's view, other rows of the same user cannot always be told apart. */
  readonly certain: boolean;
}

/** What only the account itself can be asked. */
export interface Told {
  readonly current: string;
  readonly session: number;
  readonly own?: number;
}

/** What the server is, and its own limits. */
export interface Variables {
  readonly version: string;
  readonly mariadb: boolean;
  readonly port: number;
  readonly socket: string;
  readonly global: number;
  readonly server: number;
}

/** Connections per account row, each against its own limit. */
export function usesOf(
  connections: readonly Connection[],
  accounts: readonly AccountRow[] | 'unseen',
  told: Told | undefined,
  { global, server }: Variables,
  user: string,
): AccountUse[] {
  const mine: AccountRow | undefined =
    told === undefined ? undefined : { ...accountOf(told.current), user, own: told.own ?? 0 };
  const rows = accounts === 'unseen' ? (mine === undefined ? [] : [mine]) : accounts;
  const counts = new Map<string, number>(rows.map((row) => [`${user}@${row.host}`, 0]));
  for (const one of connections) {
    const { host } = hostOf(one.host);
    const row = rowFor(user, host, rows);
    const name = `${user}@${row === 'unknown' ? host : row.host}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([account, used]) => {
    const row = rows.find(({ host }) => account === `${user}@${host}`);
    const asked = account === told?.current ? told : undefined;
    const own = accounts === 'unseen' ? asked?.own : row?.own;
    return {
      account,
      used,
      limit: limitOf({
        ...(asked === undefined ? {} : { session: asked.session }),
        global,
        ...(own === undefined ? {} : { own }),
        server,
      }),
      // A pattern may share its connections with rows that only an administrator sees.
      certain: accounts !== 'unseen' || (row !== undefined && !/[%_]/.test(row.host)),
    };
  });
}
