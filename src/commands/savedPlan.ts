// deploy --plan: a plan that was reviewed before, applied exactly or refused.
import { settle as settleStep } from '../apply/carry.ts';
import { lockless } from '../apply/stop.ts';
import { type Plan, planToJson } from '../change/plan.ts';
import { type Step, targetOf } from '../change/step.ts';
import { readJournals } from '../journal/journal.ts';
import { readPlans } from '../plan/saved.ts';
import { Problem } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { sourceName } from '../survey/facts.ts';
import { agree, carryOut, report } from './carryOut.ts';
import { type Context, flag, type Result } from './context.ts';
import { refuseUntrusted } from './trust.ts';
import { alone, refuseUnfinished } from './work.ts';

/** Applies a plan as it was reviewed: every step must find the server as the plan saw it. */
export async function deploySaved(ctx: Context, path: string): Promise<Result> {
  const absolute = path.startsWith('/') ? path : `${ctx.around.cwd}/${path}`;
  if (ctx.server.self.root) await refuseUntrusted(ctx.server, absolute);
  const { plans, labels } = await readPlans(ctx.server, absolute);
  const [first] = plans;
  if (labels === 'alone' && first !== undefined) return deployPlan(ctx, path, first);
  const { eachPlan } = await import('./deployEach.ts');
  return eachPlan(ctx, plans, labels === 'alone' ? [] : labels, (one, plan) => deployPlan(one, path, plan));
}

async function deployPlan(ctx: Context, path: string, plan: Plan): Promise<Result> {
  refuseOtherSources(ctx, plan);
  const dryRun = flag(ctx, 'dry-run');
  if (!dryRun && !ctx.consent.given && !ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: `cronlatch deploy --plan ${path} --ci`,
    });
  }
  const json = { plan: planToJson(plan), findings: [] };
  const standing = await standingOf(ctx, plan);
  if (standing.every((s) => s === 'after')) {
    ctx.screen.print('Already deployed.');
    return { json: report(ctx, { ...json, outcome: { is: 'already-deployed', exit: 0 } }), exit: 0 };
  }
  ctx.screen.print(...(await showPlan(plan, ctx.screen.out)));
  refuseStale(plan, standing);
  if (dryRun) {
    ctx.screen.print('Dry run: nothing was changed.');
    return { json: report(ctx, { ...json, outcome: { is: 'planned', exit: 0 } }), exit: 0 };
  }
  await agree(ctx, 'Apply exactly this plan?');
  return alone(ctx, 'deploy --plan', async () => {
    refuseUnfinished(ctx, await readJournals(ctx.server, ctx.settings.stateDirectory));
    refuseStale(plan, await standingOf(ctx, plan));
    return carryOut(ctx, plan, json);
  });
}

/** A crontab named beside a plan that is about another one is a slip, which must not be passed over in silence. */
export function refuseOtherSources(ctx: Context, plan: Plan): void {
  const { scope } = ctx.settings;
  for (const step of plan.steps) {
    if (step.kind !== 'put-crontab' && step.kind !== 'put-task') continue;
    const { source } = step;
    const other =
      (scope.is === 'files' && (source.is === 'user' || !scope.paths.includes(source.path))) ||
      (scope.is === 'user' && (source.is !== 'user' || source.user !== scope.name));
    if (other)
      throw new Problem('usage', { what: `The plan is about ${sourceName(source)}, which was not named.` });
  }
}

/** Stopping is the last thing a plan does and follows from the rest; where it is all there is, processes tell. */
async function standingOf(ctx: Context, plan: Plan): Promise<Awaited<ReturnType<typeof settleStep>>[]> {
  const found: Awaited<ReturnType<typeof settleStep>>[] = [];
  const onlyStops = plan.steps.every((step) => step.kind === 'stop-process');
  for (const step of plan.steps) {
    if (step.kind !== 'stop-process') found.push(await settleStep(ctx.server, asFound(plan, step)));
    else found.push(onlyStops && (await lockless(ctx.server, step)).length > 0 ? 'before' : 'after');
  }
  return found;
}

/** Tasks of Plesk are changed after the other lines of their crontab: nothing is done yet, and the text is that of before both. */
function asFound(plan: Plan, step: Step): Step {
  if (step.kind !== 'put-task') return step;
  const first = plan.steps.find(
    (other) => other.kind === 'put-crontab' && sourceName(other.source) === sourceName(step.source),
  );
  return first?.kind === 'put-crontab' && first.after === step.before
    ? { ...step, before: first.before }
    : step;
}

function refuseStale(plan: Plan, standing: readonly string[]): void {
  const index = plan.steps.findIndex((step, i) => step.kind !== 'stop-process' && standing[i] !== 'before');
  const step = plan.steps[index];
  if (step === undefined) return;
  throw new Problem('plan-stale', { what: `${targetOf(step)} is not as it was` });
}
