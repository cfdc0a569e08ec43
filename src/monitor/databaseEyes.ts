// Looks at a worker's database that cost it next to nothing: an administrator's session is kept, the account's own is
// opened for one question and given back at once. A look that is refused is a finding and is never tried again in a loop.
import type { Limit } from '../database/limits.ts';
import { accountOf, hostOf, rowFor } from '../database/limits.ts';
import { countersOf, failureOf } from '../database/refusals.ts';
import type { DatabaseFailure, DatabaseRow, DatabaseSession } from '../server/databasePort.ts';
import type { Server } from '../server/server.ts';
import type { FoundCredentials } from '../survey/credentials.ts';
import { type DatabaseLook, lookAtDatabase, type OpenLook } from '../survey/database.ts';
import { countJobs, type JobSettings, type JobSource, jobSource } from '../survey/jobs.ts';
import { asAccount, type Refused } from '../survey/ladder.ts';
import { noteLook, noteTry, type Together, triesSince } from './ownTries.ts';
import type { DatabaseSample } from './records.ts';

const connectTimeout = 3000;
/** Milliseconds between two looks: an administrator's cost nothing, the account's own take one of its few places. */
const pace = { administrator: 900, account: 5000, jitter: 3000, tight: 30_000, again: 5000 };
/** Jobs are counted once a minute, and more rarely where the question takes long: at most a thousandth of the time. */
const jobsEvery = 60_000;
const share = 1000;

type Look = Omit<DatabaseSample, 'is' | 'worker' | 't' | 'w'>;

export interface DatabaseEyes {
  /** Milliseconds of the watch's clock from which on the next look is due. */
  due(): number;
  /** `last`: the jobs are counted once more, too. */
  look(t: number, which: 'one' | 'last'): Promise<Look>;
  close(): Promise<void>;
}

export interface EyesOn {
  readonly server: Server;
  readonly found: FoundCredentials;
  readonly jobs: JobSettings;
  /** From 0 to 1, anew each time: looks must not fall in step with anything. */
  readonly chance: () => number;
  readonly together: Together;
}

interface State {
  due: number;
  /** Kept open where it is an administrator's. */
  admin: DatabaseSession | undefined;
  /** What the first whole look has told; before it nothing is known. */
  first: DatabaseLook | undefined;
  limit: Limit | undefined;
  /** Was more than one way in tried already? Once is enough. */
  tried: boolean;
  /** Administrators were denied: asking again would only be counted. */
  denied: boolean;
  /** Of the tries in common those that a look of ours has told already. */
  told: Omit<Together, 'ours'>;
  jobsDue: number;
  source: JobSource | 'none' | 'unasked';
}

/** Opens nothing yet. */
export function databaseEyes(on: EyesOn): DatabaseEyes {
  const state: State = {
    due: 0,
    admin: undefined,
    first: undefined,
    limit: undefined,
    tried: false,
    denied: false,
    told: { own: on.together.own, full: on.together.full },
    jobsDue: 0,
    source: 'unasked',
  };
  return {
    due: () => state.due,
    async look(t, which) {
      if (which === 'last') state.jobsDue = Math.min(state.jobsDue, t);
      const found = state.first === undefined ? await begin(on, state, t) : await goOn(on, state, t);
      const { connections } = state.limit ?? { connections: Number.POSITIVE_INFINITY };
      const every =
        state.admin !== undefined
          ? pace.administrator
          : found.unreached !== undefined
            ? pace.again
            : connections <= 2
              ? pace.tight
              : pace.account + on.chance() * pace.jitter;
      state.due = t + every;
      return found;
    },
    async close() {
      await state.admin?.close();
      state.admin = undefined;
    },
  };
}

/** The whole look, once: limit, account, who may be asked. It is the only one that tries more than one way in. */
async function begin(on: EyesOn, state: State, t: number): Promise<Look> {
  if (state.tried) {
    const { place, credentials } = on.found;
    const once = await on.server.databases.open(place, credentials, connectTimeout);
    if (once.is === 'failed') return refusedLook(on, state, once);
    on.together.ours.add(once.session.id);
    await once.session.close();
  }
  state.tried = true;
  const open = await lookWhole(on, state);
  const { look } = open;
  const full = look.refused?.failure.is === 'full';
  if (look.by === 'kernel' && !full) {
    await open.close();
    return { by: 'kernel', unreached: look.refused?.failure.is ?? 'lost', ...tell(on, state) };
  }
  const use = look.uses.find(({ account }) => account === look.account) ?? look.uses[0];
  const limit = look.limit ?? use?.limit;
  state.limit = limit;
  if (look.by !== 'kernel') state.first = look;
  if (look.by === 'administrator') state.admin = open.session;
  // The account's own session answers for the jobs before it is given back.
  const jobs =
    look.by === 'account' && open.session !== undefined ? await askJobs(on, state, open.session, t) : {};
  if (look.by !== 'administrator') await open.close();
  const seen: Look = {
    by: look.by,
    ...(look.by === 'kernel' ? { used: 'refused' as const } : use === undefined ? {} : { used: use.used }),
    ...(look.account === undefined ? {} : { account: look.account }),
    ...(limit === undefined ? {} : { limit }),
    ...(look.counters === undefined ? {} : { counters: look.counters }),
    ...tell(on, state),
    ...holdersOf(look),
  };
  return look.by === 'administrator'
    ? { ...seen, ...(await jobsAsAccount(on, state, t)) }
    : { ...seen, ...jobs };
}

async function lookWhole({ server, found, together }: EyesOn, state: State): Promise<OpenLook> {
  const open = await lookAtDatabase(server, found, {
    administrators: state.denied ? 'leave' : 'ask',
    ours: together.ours,
  });
  state.denied ||= open.look.denied;
  noteLook(together, open.look);
  return open;
}

/** Tries that no look of ours has told yet. */
function tell({ together }: EyesOn, state: State): Pick<Look, 'own' | 'ownFull'> {
  const { told } = state;
  state.told = { own: together.own, full: together.full };
  return triesSince(together, told);
}

async function goOn(on: EyesOn, state: State, t: number): Promise<Look> {
  if (state.first?.by === 'administrator') return asAdministrator(on, state, t);
  const { server, found } = on;
  const opened = await server.databases.open(found.place, found.credentials, connectTimeout);
  if (opened.is === 'failed') return refusedLook(on, state, opened);
  on.together.ours.add(opened.session.id);
  try {
    const look = await ask(on, state, opened.session);
    return look === 'lost'
      ? { by: 'account', unreached: 'lost' }
      : { by: 'account', ...look, ...tell(on, state), ...(await askJobs(on, state, opened.session, t)) };
  } finally {
    await opened.session.close();
  }
}

async function asAdministrator(on: EyesOn, state: State, t: number): Promise<Look> {
  if (state.admin !== undefined) {
    const look = await ask(on, state, state.admin);
    if (look !== 'lost') {
      const seen: Look = { by: 'administrator', ...look, ...tell(on, state) };
      return { ...seen, ...(await jobsAsAccount(on, state, t)) };
    }
    await state.admin.close();
    state.admin = undefined;
    // Somebody ended our connection, or the server is gone: the one is put right at once, the other told.
  }
  const open = await lookWhole(on, state);
  if (open.look.by !== 'administrator' || open.session === undefined) {
    await open.close();
    return { by: 'kernel', unreached: open.look.refused?.failure.is ?? 'lost', ...tell(on, state) };
  }
  state.admin = open.session;
  const look = await ask(on, state, open.session);
  return look === 'lost'
    ? { by: 'kernel', unreached: 'lost', ...tell(on, state) }
    : { by: 'administrator', ...look, ...tell(on, state) };
}

/** A refusal for a limit is what was to be found out; the kernel tells who is in. */
async function refusedLook(on: EyesOn, state: State, failure: DatabaseFailure): Promise<Look> {
  const { server, found, together } = on;
  const { errno, code, message } = failure;
  const refused: Refused = { failure: failureOf(errno, code, message), errno, message };
  const why = refused.failure;
  noteTry(together, refused);
  if (why.is !== 'full') return { by: 'account', unreached: why.is, ...tell(on, state) };
  const { place } = found;
  const view = await server.sockets.look(
    place.is === 'socket' ? { socket: place.path } : { port: place.port },
  );
  const counts = new Map<number, number>();
  for (const holders of view.holders.values())
    for (const { pid } of holders) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  counts.delete(server.self.pid);
  return {
    by: 'kernel',
    used: 'refused',
    ...tell(on, state),
    holders: [...counts].sort(([, a], [, b]) => b - a).slice(0, 20),
  };
}

function holdersOf({ processes }: DatabaseLook): Pick<Look, 'holders'> {
  if (processes.length === 0) return {};
  return { holders: processes.slice(0, 20).map(({ holder, connections }) => [holder.pid, connections]) };
}

const names =
  "'Aborted_connects','Aborted_connects_preauth','Access_denied_errors','Connection_errors_max_connections','Uptime'";

/** Counters and connections in one question, where the server is a MariaDB; else in two. */
async function ask(
  { found, together }: EyesOn,
  state: State,
  session: DatabaseSession,
): Promise<Pick<Look, 'used' | 'counters' | 'account' | 'limit'> | 'lost'> {
  const { user } = found.credentials;
  const mariadb = state.first?.mariadb ?? true;
  const status = mariadb
    ? await session.ask(
        `SELECT VARIABLE_NAME AS Variable_name, VARIABLE_VALUE AS Value, 0 AS Id FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN (${names}) UNION ALL SELECT 'thread', HOST, ID FROM information_schema.PROCESSLIST WHERE USER = ?`,
        [user],
      )
    : await session.ask(`SHOW GLOBAL STATUS WHERE Variable_name IN (${names})`);
  if (status.is === 'failed') return 'lost';
  const threads = mariadb
    ? status.rows.filter((row) => row['Variable_name'] === 'thread')
    : await processList(session, user);
  if (threads === 'lost') return 'lost';
  const counters = countersOf(status.rows.map(plainNames));
  const rows = (state.first?.uses ?? []).map(({ account }) => ({ ...accountOf(account), user, own: 0 }));
  const account = state.first?.account ?? state.first?.uses[0]?.account;
  const host = account === undefined ? undefined : accountOf(account).host;
  const used = threads.filter((row) => {
    if (together.ours.has(Number(row['Id']))) return false;
    const whose = rowFor(user, hostOf(String(row['Value'])).host, rows);
    return whose === 'unknown' ? rows.length === 0 : host === undefined || whose.host === host;
  }).length;
  return {
    used,
    counters,
    ...(account === undefined ? {} : { account }),
    ...(state.limit === undefined ? {} : { limit: state.limit }),
  };
}

/** information_schema has them in capitals. */
function plainNames(row: DatabaseRow): DatabaseRow {
  const name = String(row['Variable_name']);
  return { ...row, Variable_name: name.charAt(0) + name.slice(1).toLowerCase() };
}

async function processList(session: DatabaseSession, user: string): Promise<DatabaseRow[] | 'lost'> {
  const answer = await session.ask('SHOW PROCESSLIST');
  if (answer.is === 'failed') return 'lost';
  return answer.rows
    .filter((row) => row['User'] === user)
    .map((row) => ({ Id: row['Id'] ?? 0, Value: row['Host'] ?? '' }));
}

/** Counted on the account's own session only: a view of a site's must not run with an administrator's rights. */
async function jobsAsAccount(on: EyesOn, state: State, t: number): Promise<Pick<Look, 'jobs'>> {
  if (t < state.jobsDue || state.source === 'none') return {};
  const counted = await asAccount(
    on.server,
    on.found,
    (session) => askJobs(on, state, session, t),
    on.together.ours,
  );
  if (!('failure' in counted)) return counted;
  state.jobsDue = t + jobsEvery;
  // The counters of this look were read before: the next one tells it.
  noteTry(on.together, counted);
  return {};
}

async function askJobs(
  { server, found, jobs }: EyesOn,
  state: State,
  session: DatabaseSession,
  t: number,
): Promise<Pick<Look, 'jobs'>> {
  if (t < state.jobsDue || state.source === 'none') return {};
  const began = server.elapsed();
  const source =
    state.source === 'unasked' ? await jobSource(session, found.credentials.database, jobs) : state.source;
  if (source === 'unseen') return {};
  state.source = source;
  if (source === 'none') return {};
  const counts = await countJobs(server, session, source, jobs.states);
  state.jobsDue = t + Math.max(jobsEvery, (server.elapsed() - began) * share);
  return counts === 'unseen' ? {} : { jobs: counts };
}
