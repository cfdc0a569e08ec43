// One look at a database: limits, counters, every connection and who owns it. With no way in, what the kernel tells.
import { endsOf } from '../database/ends.ts';
import { hostOf, type Limit } from '../database/limits.ts';
import { classOf, type Owned, type SocketHolder, type Transaction } from '../database/owners.ts';
import { type Counters, noTries, type OwnTries } from '../database/refusals.ts';
import { type AccountUse, type Told, usesOf } from '../database/uses.ts';
import type { DatabaseSession, SocketView } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';
import type { FoundCredentials } from './credentials.ts';
import { enter, type Inside, type Refused } from './ladder.ts';
import {
  accountRows,
  askAccount,
  processList,
  readCounters,
  transactionsOf,
  variablesOf,
} from './questions.ts';

export type Unseen = 'transactions' | 'other-accounts' | 'own-limit' | 'unix-owners' | 'connections';

export interface DatabaseLook {
  readonly by: 'account' | 'administrator' | 'kernel';
  readonly how?: string;
  readonly tries: number;
  /** Tries of ours that failed after the look before this one: they are in its counters, and nobody else's refusals. */
  readonly own: OwnTries;
  /** Every administrator was denied: see `administrators` of `LookOptions`. */
  readonly denied: boolean;
  readonly refused?: Refused;
  readonly version?: string;
  readonly mariadb: boolean;
  /** The account asked about, as the server keeps it. */
  readonly account?: string;
  readonly limit?: Limit;
  readonly uses: readonly AccountUse[];
  readonly counters?: Counters;
  /** Connections of this user name, our own left out. */
  readonly connections: readonly Owned[];
  /** How many connections to this database each process holds. */
  readonly processes: readonly { readonly holder: SocketHolder; readonly connections: number }[];
  /** Server ends that no client has any more. */
  readonly dead: number;
  readonly unseen: readonly Unseen[];
}

/** A look that goes on: `again` takes another with the same sessions, `close` ends them. */
export interface OpenLook {
  readonly look: DatabaseLook;
  readonly session?: DatabaseSession;
  again(): Promise<DatabaseLook>;
  close(): Promise<void>;
}

export interface LookOptions {
  /** 'leave' after they were denied once: each further round would only be counted as refusals. */
  readonly administrators?: 'ask' | 'leave';
  /** Numbers of all sessions that are ours at this place; those opened here are added. They are nobody's connections. */
  readonly ours?: Set<number>;
}

/** Opens what can be opened, and looks. Nothing is changed. */
export async function lookAtDatabase(
  server: Server,
  found: FoundCredentials,
  { administrators = 'ask', ours = new Set() }: LookOptions = {},
): Promise<OpenLook> {
  const { place } = found;
  const kernel = await server.sockets.look(
    place.is === 'socket' ? { socket: place.path } : { port: place.port },
  );
  const inside = await enter(server, found, kernel.server?.socket, administrators);
  for (const one of [inside.account, inside.admin?.session]) if (one !== undefined) ours.add(one.id);
  const told = inside.account === undefined ? undefined : await askAccount(inside.account);
  // The account's own connection is one of the few there are: with an administrator inside it is given back at once.
  if (inside.admin !== undefined) await inside.account?.close();
  const session = inside.admin?.session ?? inside.account;
  const first = await lookOnce(server, found, inside, told, ours);
  const again = async (): Promise<DatabaseLook> => ({
    ...(await lookOnce(server, found, inside, told, ours)),
    own: noTries,
  });
  return {
    look: first,
    ...(session === undefined ? {} : { session }),
    again,
    close: async () => session?.close(),
  };
}

async function lookOnce(
  server: Server,
  found: FoundCredentials,
  inside: Inside,
  told: Told | undefined,
  ours: ReadonlySet<number>,
): Promise<DatabaseLook> {
  const { place, credentials } = found;
  const admin = inside.admin !== undefined;
  const session = inside.admin?.session ?? inside.account;
  const variables = session === undefined ? undefined : await variablesOf(session);
  const at = {
    ...(place.is === 'socket' ? { socket: place.path } : { port: place.port }),
    ...(variables === undefined ? {} : { port: variables.port, socket: variables.socket }),
  };
  const common = {
    tries: inside.tries,
    own: inside.own,
    denied: inside.denied,
    ...(inside.refused === undefined ? {} : { refused: inside.refused }),
    ...(inside.admin === undefined ? {} : { how: inside.admin.how }),
  };
  const rows =
    session === undefined || variables === undefined
      ? undefined
      : await processList(session, variables.mariadb);
  if (session === undefined || variables === undefined || rows === undefined) {
    const view = await server.sockets.look(at);
    const unseen: Unseen[] = ['connections', 'transactions'];
    // Let in, and then left without an answer.
    const lost = { refused: { failure: { is: 'lost' as const }, errno: 0, message: '' } };
    return {
      ...common,
      ...(session === undefined ? {} : lost),
      by: 'kernel',
      mariadb: true,
      uses: [],
      connections: [],
      ...kernelOf(view, server.self.pid),
      unseen,
    };
  }
  const open = await transactionsOf(session);
  const counters = await readCounters(session);
  const view = await server.sockets.look(at);
  const threads =
    server.self.root && view.server !== undefined
      ? await server.sockets.threads(
          view.server.pid,
          rows.flatMap((row) => (row.tid === undefined ? [] : [row.tid])),
        )
      : new Map<number, number>();
  const database = place.is === 'tcp' ? serverOf(view, server.self.pid) : undefined;
  const ends = endsOf(rows, {
    view,
    threads,
    complete: admin,
    ...(database === undefined ? {} : { database }),
  });
  // One that was given back a moment ago may be listed yet.
  const others = rows.filter((row) => row.user === credentials.user && !ours.has(row.id));
  const connections = others.map((row): Owned => {
    const end = ends.get(row.id) ?? { is: 'unseen' as const };
    const transaction: Transaction = open === 'unseen' ? 'unseen' : open.has(row.id) ? 'open' : 'none';
    return { ...row, end, transaction, class: classOf(row, end, ours) };
  });
  const accounts = admin ? await accountRows(session, credentials.user) : 'unseen';
  const uses = usesOf(connections, accounts, told, variables, credentials.user);
  const account = told?.current ?? uses[0]?.account;
  const limit = uses.find((use) => use.account === account)?.limit;
  return {
    ...common,
    by: admin ? 'administrator' : 'account',
    version: variables.version,
    mariadb: variables.mariadb,
    ...(account === undefined ? {} : { account }),
    ...(limit === undefined ? {} : { limit }),
    uses,
    ...(counters === undefined ? {} : { counters }),
    connections,
    ...kernelOf(view, server.self.pid),
    unseen: [
      ...(open === 'unseen' ? (['transactions'] as const) : []),
      ...(accounts === 'unseen' ? (['other-accounts'] as const) : []),
      ...(limit?.is === 'account-or-global' ? (['own-limit'] as const) : []),
      ...(connections.some((one) => one.class === 'unseen' && hostOf(one.host).port === undefined)
        ? (['unix-owners'] as const)
        : []),
    ],
  };
}

function kernelOf(view: SocketView, self: number): Pick<DatabaseLook, 'processes' | 'dead'> {
  const counts = new Map<number, { holder: SocketHolder; connections: number }>();
  for (const holders of view.holders.values())
    for (const holder of holders.filter(({ pid }) => pid !== self)) {
      const seen = counts.get(holder.pid) ?? { holder, connections: 0 };
      counts.set(holder.pid, { ...seen, connections: seen.connections + 1 });
    }
  const unix = view.unix === 'unseen' ? [] : view.unix;
  return {
    processes: [...counts.values()].sort(
      (a, b) => b.connections - a.connections || a.holder.pid - b.holder.pid,
    ),
    dead:
      unix.filter((one) => one.client === 0).length +
      view.tcp.filter((one) => one.inode === 0 && one.serverState === 'CLOSE-WAIT').length,
  };
}

/** Where our own connection goes to. */
function serverOf({ tcp, holders }: SocketView, self: number): string | undefined {
  const mine = tcp.filter(({ inode }) => holders.get(inode ?? 0)?.some(({ pid }) => pid === self));
  const servers = new Set(mine.map((ends) => ends.server));
  return servers.size === 1 ? [...servers][0] : undefined;
}
