// connections --kill: ends what is provably nobody's, each looked at again right before, and nothing else.
import { seconds } from '../ask/settle.ts';
import { type KillLimits, mayEnd, type Owned, type Protection } from '../database/owners.ts';
import { failureOf } from '../database/refusals.ts';
import { readJournals } from '../journal/journal.ts';
import { Problem } from '../problem.ts';
import type { DatabaseSession } from '../server/databasePort.ts';
import { killLine } from '../show/connections.ts';
import type { OpenLook } from '../survey/database.ts';
import { peekLock } from '../survey/peek.ts';
import { agree } from './carryOut.ts';
import { type Context, flag, word } from './context.ts';

/** Below this an idle connection may be one between two questions. */
const leastIdle = 60;
const usualIdle = 300;

export interface Killed {
  readonly minIdle: number;
  readonly killed: readonly number[];
  /** It had ended by itself. */
  readonly gone: readonly number[];
  /** It had changed when it was looked at again. */
  readonly changed: readonly number[];
  readonly protected: readonly { readonly id: number; readonly why: Protection }[];
  readonly failed: number;
}

/** What the flags allow. Refuses a threshold under which live work would be hit. */
export async function killLimits(ctx: Context): Promise<KillLimits> {
  const force = flag(ctx, 'force');
  const given = word(ctx, 'min-idle');
  const asked = given === undefined ? undefined : seconds(given, '--min-idle');
  if (asked !== undefined && asked < leastIdle && !force)
    throw new Problem('usage', {
      what: `--min-idle ${given}: under ${leastIdle} s a connection may be idle between two questions of a live worker.`,
      next: 'If you mean it: --force',
    });
  const longest = await longestRun(ctx);
  const minIdle = force && asked !== undefined ? asked : Math.max(asked ?? usualIdle, Math.ceil(longest));
  const hosts = ctx.line.flags['remote'];
  return {
    minIdle,
    hosts: Array.isArray(hosts) ? (hosts as readonly string[]) : [],
    unseenTransactions: flag(ctx, 'unseen-transactions'),
  };
}

/** Asks, then ends them one by one. */
export async function endConnections(ctx: Context, open: OpenLook, limits: KillLimits): Promise<Killed> {
  const { look, session } = open;
  const judged = look.connections.map((one) => ({ one, may: mayEnd(one, limits) }));
  const kept = judged.flatMap(({ one, may }) => (may === 'may' ? [] : [{ id: one.id, why: may }]));
  const meant = judged.flatMap(({ one, may }) => (may === 'may' ? [one] : []));
  const done: Killed = {
    minIdle: limits.minIdle,
    killed: [],
    gone: [],
    changed: [],
    protected: kept,
    failed: 0,
  };
  ctx.screen.print(...kept.map(({ id, why }) => killLine(id, why)));
  if (meant.length === 0 || session === undefined) {
    ctx.screen.print('Nothing is provably dead or orphaned: no connection was ended.');
    return done;
  }
  const names = meant.map(({ id, class: is }) => `${id} (${is})`).join(', ');
  await agree(ctx, `End ${meant.length} connection(s): ${names}?`);
  const killed: number[] = [];
  const gone: number[] = [];
  const changed: number[] = [];
  let failed = 0;
  for (const one of meant) {
    // Who owned nothing a moment ago may do so now: the whole look again, then the row itself with the KILL.
    const again = await open.again();
    const now = again.connections.find(({ id }) => id === one.id);
    const end =
      now === undefined
        ? // Without an answer nobody knows what became of it.
          again.by === 'kernel'
          ? 'failed'
          : 'gone'
        : isSame(one, now) && mayEnd(now, limits) === 'may'
          ? await kill(session, look.mariadb, now, limits)
          : 'changed';
    ctx.screen.print(killLine(one.id, end));
    if (end === 'killed') killed.push(one.id);
    else if (end === 'gone') gone.push(one.id);
    else if (end === 'changed') changed.push(one.id);
    else failed++;
  }
  return { ...done, killed, gone, changed, failed };
}

/** The same connection at the same rest, held by the same processes. */
function isSame(before: Owned, now: Owned): boolean {
  const holders = ({ end }: Owned): string =>
    end.is === 'held' ? end.holders.map((one) => `${one.pid}:${one.start}`).join() : end.is;
  return (
    before.user === now.user &&
    before.host === now.host &&
    before.command === now.command &&
    before.class === now.class &&
    now.time >= before.time &&
    holders(before) === holders(now)
  );
}

/**
 * MariaDB compares and kills in one statement, so that nothing comes between. Elsewhere the row is read once more, a
 * fraction of a millisecond before.
 */
async function kill(
  session: DatabaseSession,
  mariadb: boolean,
  one: Owned,
  limits: KillLimits,
): Promise<'killed' | 'gone' | 'changed' | 'failed'> {
  const id = Math.trunc(one.id);
  if (!Number.isSafeInteger(id) || id <= 0 || id === session.id) return 'failed';
  const idle = one.class === 'dead-client-running' ? 0 : Math.max(limits.minIdle, Math.floor(one.time));
  const row = `FROM information_schema.PROCESSLIST WHERE ID = ${id} AND USER = ? AND HOST = ? AND COMMAND = ? AND TIME >= ${idle}`;
  const values = [one.user, one.host, one.command];
  if (mariadb) {
    const free =
      one.transaction === 'unseen'
        ? ''
        : ` AND NOT EXISTS (SELECT 1 FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = ${id} AND (trx_rows_modified > 0 OR trx_rows_locked > 0 OR '${one.class}' <> 'dead-client-running'))`;
    const answer = await session.ask(
      `BEGIN NOT ATOMIC IF EXISTS (SELECT 1 ${row})${free} THEN KILL ${id}; ELSE SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31999; END IF; END`,
      values,
    );
    if (answer.is === 'rows') return 'killed';
    return answer.errno === 1094 ? 'gone' : answer.errno === 31999 ? 'changed' : 'failed';
  }
  const seen = await session.ask(`SELECT ID ${row}`, values);
  if (seen.is === 'failed')
    return failureOf(seen.errno, seen.code, seen.message).is === 'lost' ? 'gone' : 'failed';
  if (seen.rows.length !== 1) return 'changed';
  const answer = await session.ask(`KILL ${id}`);
  return answer.is === 'rows' ? 'killed' : answer.errno === 1094 ? 'gone' : 'failed';
}

/** The longest run that a worker's own record tells of, in seconds: nothing idle for less is called idle. */
async function longestRun(ctx: Context): Promise<number> {
  const { server, settings } = ctx;
  const journals = await readJournals(server, settings.stateDirectory).catch(() => []);
  let longest = 0;
  for (const { lock, uid, gid } of journals.flatMap((journal) => journal.open.plan.workers)) {
    if (lock === undefined) continue;
    const as = server.self.root ? { uid, gid } : server.self.owner;
    const seen = await peekLock(server, `${lock.directory}/${lock.name}.lock`, as);
    if (seen.is !== 'file') continue;
    try {
      const record = JSON.parse(seen.bytes) as { started?: number; ended?: number | null; hb?: number };
      const end = record.ended ?? record.hb;
      if (typeof record.started === 'number' && typeof end === 'number')
        longest = Math.max(longest, end - record.started);
    } catch {
      // No record of a run: it tells nothing.
    }
  }
  return longest;
}
