// deploy for several workers of one config file or saved plan: each is a deployment of its own, all or nothing.
import type { Answers } from '../ask/config.ts';
import { answer, settle } from '../ask/settle.ts';
import type { Plan } from '../change/plan.ts';
import { onTopOf, settledAs, textsAfter } from '../plan/onTop.ts';
import { type ExitCode, Problem, words } from '../problem.ts';
import type { Route, SeenCrontab } from '../server/server.ts';
import { sourceName } from '../survey/facts.ts';
import { report } from './carryOut.ts';
import type { Context, Result } from './context.ts';

interface Turn {
  readonly label: string;
  readonly ctx: Context;
}

/** Which code tells most of what a person has to do, the worst first. */
const worstFirst: readonly ExitCode[] = [130, 143, 4, 1, 5, 2, 3, 6, 0];

/** The workers of the config file that are meant: `--script` picks one of them. */
export function listedWorkers(ctx: Context): readonly Answers[] {
  const { workers = [] } = ctx.around;
  if (workers.length === 0) return [];
  const said = { ...ctx.around, config: {} };
  for (const name of ['entry', 'all'])
    if (answer(ctx.line, said, name).value !== undefined)
      throw new Problem('usage', {
        what: `--${name} cannot be used with a config file that lists its workers.`,
      });
  const { value: script } = answer(ctx.line, said, 'script');
  if (typeof script !== 'string') return workers;
  const meant = workers.filter((worker) => ends(`${worker['script']}`, script));
  if (meant.length === 0)
    throw new Problem('usage', { what: `The config file lists no worker whose script is ${script}.` });
  return meant;
}

/**
 * Deploys each worker in turn and reports them all. One that fails leaves the others as they are; an interruption and
 * what needs a person (exit 4) end the round. The exit code is the worst one's. With --save the plans are kept together.
 */
export async function deployEach(
  ctx: Context,
  workers: readonly Answers[],
  deploy: (one: Context) => Promise<Result>,
  save: ((kept: { plans: readonly unknown[]; workers: readonly string[] }) => Promise<void>) | undefined,
): Promise<Result> {
  // All answers make sense before the first worker is touched.
  const turns = workers.map((worker) => ({ label: labelOf(worker), ctx: withAnswersOf(ctx, worker) }));
  refuseWithoutConsent(ctx);
  const result = await inTurn(ctx, turns, ({ ctx: one }) => deploy(one));
  if (save !== undefined) {
    if (result.exit !== 0) ctx.screen.say('No plan was kept: not every worker could be planned.');
    else {
      const made = result.json['deployments'] as Record<string, unknown>[];
      await save({ plans: made.map((one) => one['plan']), workers: turns.map(({ label }) => label) });
    }
  }
  return result;
}

/**
 * Applies saved plans in turn, each with the answers of the worker it was made for, where the config file is given again.
 * They were made for one state of the server: each is applied on top of those before it.
 */
export async function eachPlan(
  ctx: Context,
  plans: readonly Plan[],
  labels: readonly string[],
  apply: (one: Context, plan: Plan) => Promise<Result>,
): Promise<Result> {
  refuseWithoutConsent(ctx);
  const listed = ctx.around.workers ?? [];
  const turns = plans.map((plan, index) => {
    const label = labels[index] ?? plan.id;
    // Several entries may start one script: the first one of that label got the first plan.
    const nth = labels.slice(0, index).filter((other) => other === label).length;
    const worker = listed.filter((one) => labelOf(one) === label)[nth];
    if (worker === undefined && listed.length > 0)
      throw new Problem('usage', {
        what: `The plan is about ${label}, which is no worker of the config file: make it anew.`,
      });
    return { label, plan, ctx: worker === undefined ? ctx : withAnswersOf(ctx, worker) };
  });
  // A second run finds the crontab as all of them have left it.
  const found = await crontabsOf(ctx, plans);
  const last = textsAfter(plans, new Map([...found].map(([name, { route }]) => [name, route])));
  const done = new Map([...last].filter(([name, text]) => found.get(name)?.text === text));
  const applied: { plan: Plan; routes: ReadonlyMap<string, Route> }[] = [];
  return inTurn(ctx, turns, async ({ ctx: one, plan }) => {
    const onTop = applied.reduce((left, { plan: other, routes }) => onTopOf(left, other, routes), plan);
    const now = applied.length === 0 ? settledAs(onTop, done) : onTop;
    const result = await apply(one, now);
    const { is } = result.json['outcome'] as { is: string };
    if (is === 'deployed') {
      const crontabs = await crontabsOf(ctx, [now]);
      applied.push({ plan: now, routes: new Map([...crontabs].map(([name, { route }]) => [name, route])) });
    }
    return result;
  });
}

/** The crontabs of these plans as they stand now, by the name of their source. */
async function crontabsOf(
  ctx: Context,
  plans: readonly Plan[],
): Promise<Map<string, Extract<SeenCrontab, { is: 'crontab' }>>> {
  const found = new Map<string, Extract<SeenCrontab, { is: 'crontab' }>>();
  for (const step of plans.flatMap(({ steps }) => steps)) {
    if (step.kind !== 'put-crontab') continue;
    const seen = await ctx.server.crontabs.read(step.source);
    if (seen.is === 'crontab') found.set(sourceName(step.source), seen);
  }
  return found;
}

async function inTurn<T extends Turn>(
  ctx: Context,
  turns: readonly T[],
  run: (turn: T) => Promise<Result>,
): Promise<Result> {
  const done: Record<string, unknown>[] = [];
  const exits: ExitCode[] = [];
  for (const [index, turn] of turns.entries()) {
    ctx.screen.print(
      ...(index > 0 ? [''] : []),
      ctx.screen.out.bold(`${index + 1} of ${turns.length}: ${turn.label}`),
    );
    let exit: ExitCode;
    try {
      const result = await run(turn);
      exit = result.exit;
      done.push({ worker: turn.label, ...result.json });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      exit = error.exit;
      const message = words(error);
      ctx.screen.say(...message);
      const outcome = { is: 'problem', exit, code: error.code, message, args: error.args };
      done.push({ worker: turn.label, ...report(ctx, { outcome }) });
    }
    exits.push(exit);
    if (exit === 130 || exit === 143 || exit === 4) break;
  }
  const exit = worstFirst.find((code) => exits.includes(code)) ?? 0;
  const left = turns.slice(done.length).map(({ label }) => label);
  if (left.length > 0) ctx.screen.say(`Not begun: ${left.join(', ')}.`);
  const failed = done.filter((_, index) => exits[index] !== 0).map((one) => one['worker']);
  const outcome = { is: 'each', exit, failed, notBegun: left };
  return { json: report(ctx, { deployments: done, outcome }), exit };
}

function withAnswersOf(ctx: Context, worker: Answers): Context {
  const around = { ...ctx.around, config: { ...ctx.around.config, ...worker }, workers: [] };
  const { save: _, ...flags } = ctx.line.flags;
  const line = { ...ctx.line, flags };
  return { ...ctx, line, around, settings: settle(line, around) };
}

/** Before the first one, and not once for each. */
function refuseWithoutConsent(ctx: Context): void {
  if (ctx.line.flags['dry-run'] === true || ctx.consent.given || ctx.consent.prompts) return;
  throw new Problem('answers-missing', {
    because: ctx.consent.because,
    missing: '--yes or --ci',
    example: 'cronlatch deploy --config cronlatch.config.json --ci',
  });
}

function labelOf(worker: Answers): string {
  const where = worker['user'] ?? worker['site'] ?? worker['subscription'];
  const what = worker['script'] === undefined ? `line ${worker['entry']}` : `${worker['script']}`;
  return where === undefined ? what : `${what} (${where})`;
}

/** The same path, or one that ends in all the parts of the other. */
function ends(path: string, tail: string): boolean {
  return path === tail || path.endsWith(`/${tail.replace(/^\.?\/+/, '')}`);
}
