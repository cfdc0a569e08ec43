// connections: the limit in force, who owns each connection, what was refused, and what to do. --kill ends what is provably nobody's.
import { resolve } from 'node:path/posix';
import { sayPlace } from '../database/credentials.ts';
import { type Limit, leavesRoom } from '../database/limits.ts';
import { refusalsBetween } from '../database/refusals.ts';
import { type ExitCode, Problem } from '../problem.ts';
import { connectionLines, nextSteps } from '../show/connections.ts';
import type { FoundCredentials } from '../survey/credentials.ts';
import { type DatabaseLook, lookAtDatabase } from '../survey/database.ts';
import { peek } from '../survey/peek.ts';
import { endConnections, killLimits } from './connectionsKill.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { type Application, credentialsFor } from './databaseAccess.ts';

/** Exit 0 when there is room, 3 when the account is full or above 60 % of its limit, 6 when it could not be asked. */
export async function connections(ctx: Context): Promise<Result> {
  const kill = flag(ctx, 'kill');
  if (!kill) refuseWithoutKill(ctx);
  else if (!ctx.consent.given && !ctx.consent.prompts)
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: 'cronlatch connections --kill --yes',
    });
  const limits = kill ? await killLimits(ctx) : undefined;
  const app = await application(ctx);
  const search = await credentialsFor(ctx, app);
  if (search.found === 'none')
    throw new Problem('no-credentials', { looked: search.looked, directory: app.directory });
  const { found } = search;
  if (found.wrongPort !== undefined) throw new Problem('wrong-port', found.wrongPort);
  const open = await lookAtDatabase(ctx.server, found);
  try {
    const { look } = open;
    const state = stateOf(look);
    const steps = nextSteps(look, found, state);
    ctx.screen.print(
      ...connectionLines({ look, found, looked: search.looked }, ctx.screen.out),
      ...steps.map((step) => `Next      ${step}`),
    );
    const killed = limits === undefined ? undefined : await endConnections(ctx, open, limits);
    const exit = exitOf(state, killed?.failed ?? 0);
    return {
      json: {
        ...json(ctx, look, found, search.looked),
        next: steps,
        ...(killed === undefined ? {} : { kill: killed }),
        outcome: { is: state.is, exit, ...(state.is === 'unreached' ? { because: state.because } : {}) },
      },
      exit,
    };
  } finally {
    await open.close();
  }
}

type State =
  | { readonly is: 'room' | 'tight' | 'full' }
  | { readonly is: 'unreached'; readonly because: string };

/** What the look comes to. A refusal for a limit is an answer; anything else that kept us out is none. */
function stateOf(look: DatabaseLook): State {
  const failure = look.refused?.failure;
  if (look.by === 'kernel')
    return failure?.is === 'full' ? { is: 'full' } : { is: 'unreached', because: failure?.is ?? 'lost' };
  if (failure?.is === 'full') return { is: 'full' };
  if (failure !== undefined && look.by === 'administrator') return { is: 'unreached', because: failure.is };
  return { is: look.uses.some(({ used, limit }) => isTight(used, limit)) ? 'tight' : 'room' };
}

function isTight(used: number, limit: Limit): boolean {
  return limit.is === 'administrators-only' || !leavesRoom(used, limit.connections);
}

function exitOf(state: State, failed: number): ExitCode {
  if (failed > 0) return 1;
  return state.is === 'room' ? 0 : state.is === 'unreached' ? 6 : 3;
}

function refuseWithoutKill(ctx: Context): void {
  const given = ['min-idle', 'remote', 'force', 'unseen-transactions']
    .filter((name) => ctx.line.flags[name] !== undefined)
    .map((name) => `--${name}`);
  if (given.length > 0)
    throw new Problem('usage', {
      what: `${given.join(', ')} says something about --kill, which is missing.`,
    });
}

/** Whose application: a directory's owner, a user, or whoever asks. */
async function application(ctx: Context): Promise<Application> {
  const { server, settings } = ctx;
  const directory = word(ctx, 'app');
  const user = settings.scope.is === 'user' ? settings.scope.name : undefined;
  if (user !== undefined) {
    const person = await server.people.find(user);
    if (person === 'unknown') throw new Problem('usage', { what: `There is no user '${user}'.` });
    return {
      as: { uid: person.uid, gid: person.gid },
      home: person.home,
      directory: directory === undefined ? person.home : resolve(ctx.around.cwd, directory),
    };
  }
  const at = resolve(ctx.around.cwd, directory ?? '.');
  const seen = await peek(server, at, server.self.owner);
  if (directory !== undefined && seen.is !== 'directory') throw new Problem('file-missing', { path: at });
  // Root reads a site's files with the rights of whoever owns its directory.
  const as =
    server.self.root && seen.is === 'directory' ? { uid: seen.uid, gid: seen.gid } : server.self.owner;
  const person = await server.people.find(as.uid);
  return {
    as: person === 'unknown' ? as : { uid: person.uid, gid: person.gid },
    home: person === 'unknown' ? at : person.home,
    directory: at,
  };
}

function json(
  ctx: Context,
  look: DatabaseLook,
  found: FoundCredentials,
  looked: readonly string[],
): Record<string, unknown> {
  const { counters, connections: all, ...rest } = look;
  return {
    schema: reportSchema,
    command: 'connections',
    version: ctx.version,
    credentials: {
      user: found.credentials.user,
      password: found.credentials.password,
      database: found.credentials.database ?? null,
      place: sayPlace(found.place),
      because: found.placeBecause,
      source: found.source,
      where: found.where,
      worldReadable: found.worldReadable,
      looked,
    },
    seenBy: rest,
    connections: all,
    ...(counters === undefined
      ? {}
      : {
          refusals: {
            since: new Date(ctx.server.now() - counters.uptime * 1000).toISOString(),
            ...refusalsBetween({ aborted: 0, preauth: 0, denied: 0, full: 0, uptime: 0 }, counters, look.own),
          },
        }),
  };
}
