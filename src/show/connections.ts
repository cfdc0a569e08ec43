// The account of a database in words: limit, use, owners, refusals, and what to do next.
import { sayPlace } from '../database/credentials.ts';
import type { Limit } from '../database/limits.ts';
import {
  type Owned,
  type OwnerClass,
  otherMachines,
  type Protection,
  type SocketHolder,
} from '../database/owners.ts';
import { type Failure, type Interval, refusalsBetween } from '../database/refusals.ts';
import type { FoundCredentials } from '../survey/credentials.ts';
import type { DatabaseLook, Unseen } from '../survey/database.ts';
import { sayDuration } from './schedule.ts';
import type { Theme } from './theme.ts';

type State = { readonly is: 'room' | 'tight' | 'full' | 'unreached'; readonly because?: string };

interface Told {
  readonly look: DatabaseLook;
  readonly found: FoundCredentials;
  readonly looked: readonly string[];
}

/** The whole account, for a person. */
export function connectionLines({ look, found, looked }: Told, theme: Theme): string[] {
  const { credentials, place } = found;
  const out = [
    `Database  ${credentials.user} at ${sayPlace(place)}${found.placeBecause === 'localhost' ? ' (localhost is the unix socket, as in PHP)' : found.placeBecause === 'no-socket' ? ' (no unix socket is there, so TCP)' : ''}, password hidden`,
    `          from ${found.where}; looked at in this order: ${looked.join(', ')}`,
    ...(found.worldReadable
      ? [theme.odd(`          ${found.where} can be read by everybody: chmod o-r ${found.where}`)]
      : []),
  ];
  if (look.refused !== undefined) {
    const tried = look.tries > 1 ? ` (${look.tries} tries)` : '';
    out.push(theme.bad(`Refused   ${sayFailure(look.refused.failure, look.refused.errno)}${tried}`));
  }
  if (look.by === 'administrator') out.push(`Seen by   ${look.how}`);
  if (look.limit !== undefined) out.push(`Limit     ${sayLimit(look.limit)}`);
  for (const { account, used, limit, certain } of look.uses) {
    // Another row of the same name that nobody uses is only clutter.
    if (used === 0 && account !== look.account && look.uses.length > 1) continue;
    const share = limit.connections > 0 ? ` (${Math.round((100 * used) / limit.connections)} %)` : '';
    const line = `In use    ${used} of ${limit.connections} by ${account}${share}${certain ? '' : ', perhaps counted together with accounts that cannot be seen'}`;
    out.push(used >= 0.6 * limit.connections ? theme.bad(line) : line);
  }
  if (look.counters !== undefined) {
    const zero = { aborted: 0, preauth: 0, denied: 0, full: 0, uptime: 0 };
    const since = sayDuration(look.counters.uptime * 1000);
    out.push(
      `Refusals  ${sayInterval(refusalsBetween(zero, look.counters, look.own))} in the ${since} since the server started`,
    );
  }
  for (const one of look.connections) out.push(connectionLine(one, theme));
  if (look.by === 'kernel' || look.unseen.includes('unix-owners')) out.push(...processLines(look));
  if (look.unseen.length > 0)
    out.push(theme.dim(`Not seen  ${look.unseen.map((u) => unseen[u]).join('; ')}.`));
  return out;
}

function connectionLine(one: Owned, theme: Theme): string {
  const paint = { protect: (text: string) => text, offer: theme.odd, show: theme.odd, never: theme.dim }[
    actionOf[one.class]
  ];
  const open = one.transaction === 'open' ? ', transaction open' : '';
  return paint(
    `  ${String(one.id).padStart(6)}  ${one.command} ${sayDuration(one.time * 1000)}${open}  ${one.class}${sayEnd(one)}`,
  );
}

const actionOf: Record<OwnerClass, 'protect' | 'offer' | 'show' | 'never'> = {
  'live-worker': 'protect',
  program: 'protect',
  web: 'protect',
  unseen: 'protect',
  'orphan-child': 'offer',
  'dead-client-running': 'offer',
  'remote-unknown': 'offer',
  hung: 'show',
  self: 'never',
};

function sayEnd({ end, host }: Owned): string {
  switch (end.is) {
    case 'held':
      return `  ${end.holders.map(sayHolder).join(', ')}`;
    case 'dead':
      return '  its client is gone';
    case 'remote':
      return `  from ${host}`;
    case 'unseen':
      return `  from ${host}`;
  }
}

function sayHolder({ pid, name, script, state }: SocketHolder): string {
  const stopped = /^[TtD]$/.test(state) ? ` (state ${state})` : '';
  return `PID ${pid} ${name}${script === undefined ? '' : ` ${script}`}${stopped}`;
}

function processLines({ processes, dead }: DatabaseLook): string[] {
  if (processes.length === 0 && dead === 0)
    return ['Processes no process that can be seen holds a connection to it'];
  return [
    ...processes.map(
      ({ holder, connections }) =>
        `  ${connections} connection${connections === 1 ? '' : 's'} held by ${sayHolder(holder)}`,
    ),
    ...(dead > 0 ? [`  ${dead} without a client: their query still runs`] : []),
  ];
}

const unseen: Record<Unseen, string> = {
  transactions: 'open transactions (not visible without the PROCESS privilege)',
  'other-accounts': 'other accounts',
  'own-limit': 'whether the limit is the account’s own or the server’s',
  'unix-owners': 'which process owns which connection of the unix socket (root can see it)',
  connections: 'the database’s own list of connections',
};

/** A limit, and where it is changed. */
function sayLimit(limit: Limit): string {
  const n = limit.connections;
  switch (limit.is) {
    case 'account':
      return `${n}, set for this account (error 1226); to change it: ALTER USER … WITH MAX_USER_CONNECTIONS n`;
    case 'global':
      return `${n}, the server’s max_user_connections (error 1203), in my.cnf; for this account alone: ALTER USER … WITH MAX_USER_CONNECTIONS n`;
    case 'account-or-global':
      return `${n}, the account’s own (1226) or the server’s max_user_connections (1203): the same number`;
    case 'server':
      return `none of the account’s own; the whole server’s max_connections is ${n} (error 1040), in my.cnf`;
    case 'administrators-only':
      return 'the server’s max_user_connections is below 0: only administrators may connect';
  }
}

/** Why a connection was not had, never more than is known. */
function sayFailure(failure: Failure, errno: number): string {
  switch (failure.is) {
    case 'full':
      return {
        global:
          'the account is full (1203): it has reached the server’s max_user_connections. Its password is not the trouble',
        account:
          'the account is full (1226): it has reached its own MAX_USER_CONNECTIONS. Its password is not the trouble',
        server: 'the whole server is full (1040): max_connections is reached',
      }[failure.by];
    case 'hourly':
      return `the account has used up its ${failure.resource} (1226); it is let in again when the hour is over`;
    case 'credentials':
      return `user, password or database are refused (${errno})`;
    case 'unknown-database':
      return `the database does not exist (${errno})`;
    case 'unknown-plugin':
      return 'the account logs in by a way that this client does not know (ed25519 and gssapi are such)';
    case 'no-server':
      return 'no server answers there';
    case 'too-slow':
      return 'no answer in time (3 s)';
    case 'lost':
      return 'the server went away in the middle';
    case 'tls':
      return 'no encrypted connection can be made';
    case 'other':
      return `the server said error ${errno}`;
  }
}

/** Bounds in words. */
function sayInterval(interval: Interval): string {
  if (interval.is === 'reset') return 'unknown, the server was restarted meanwhile';
  const { low, high, full } = interval;
  const account = high === 0 ? 'none' : low === high ? `${low}` : `between ${low} and ${high}`;
  return `${account} for a limit (1203, 1226, at the last place 1040; anybody’s)${full > 0 ? `, ${full} because the server was full (1040)` : ''}`;
}

/** What to do now, most useful first. */
export function nextSteps(look: DatabaseLook, found: FoundCredentials, state: State): string[] {
  const steps: string[] = [];
  if (state.is === 'full') {
    const busiest = look.processes.filter(({ holder }) => holder.kind !== 'pool').slice(0, 5);
    if (busiest.length > 1)
      steps.push(
        `${busiest.length} processes hold ${busiest.reduce((sum, p) => sum + p.connections, 0)} connections: end the surplus ones (kill -TERM ${busiest.map((p) => p.holder.pid).join(' ')}); a slot is free at once`,
      );
    steps.push('so that they do not pile up again: cronlatch deploy');
  } else if (state.is === 'tight')
    steps.push('so that runs do not pile up: cronlatch scan, then cronlatch deploy');
  else if (state.is === 'unreached')
    steps.push(
      state.because === 'credentials'
        ? `check the user and password in ${found.where}`
        : state.because === 'no-server'
          ? `is it running, and is ${sayPlace(found.place)} the right place?`
          : 'try again, or ask the server’s administrator',
    );
  const orphans = look.connections.filter((one) => one.class === 'orphan-child');
  for (const { end } of orphans.slice(0, 3))
    if (end.is === 'held')
      steps.push(
        `end the child that a dead worker left behind: ${end.holders.map((h) => `kill -TERM ${h.pid}`).join(', ')}`,
      );
  if (look.connections.some((one) => one.class === 'orphan-child' || one.class === 'dead-client-running'))
    steps.push('or let cronlatch end what is nobody’s: cronlatch connections --kill');
  const machines = otherMachines(look.connections);
  if (machines.length > 0)
    steps.push(
      `${machines.join(', ')} work${machines.length === 1 ? 's' : ''} with the same account: a lock on a file does not reach there; if the same worker runs on both: cronlatch deploy --shared-lock FILE`,
    );
  return steps;
}

const kept: Record<Protection | 'killed' | 'gone' | 'changed' | 'failed', string> = {
  self: 'kept: it is our own',
  alive: 'kept: its process is alive',
  web: 'kept: a web request’s',
  hung: 'kept: its process hangs but lives',
  'unseen-owner': 'kept: its owner cannot be seen',
  transaction: 'kept: a transaction is open',
  'transaction-unseen':
    'kept: whether a transaction is open cannot be seen without the PROCESS privilege (--unseen-transactions allows it)',
  'not-idle': 'kept: it is at work',
  'too-short': 'kept: not idle for long enough',
  'host-not-named': 'kept: another machine’s (--remote HOST allows it)',
  killed: 'ended',
  gone: 'had ended by itself',
  changed: 'kept: it changed while it was looked at',
  failed: 'could not be ended',
};

/** What became of one connection. */
export function killLine(id: number, what: keyof typeof kept): string {
  return `  ${String(id).padStart(6)}  ${kept[what]}`;
}
