// deploy --resume: carries on a deployment that a crash cut off. Until it is done its journal stays open.
import { orTakeBack, resume } from '../apply/apply.ts';
import { planToJson } from '../change/plan.ts';
import { canResume, fateOf } from '../journal/fate.ts';
import { type Pen, readJournals, reopenJournal } from '../journal/journal.ts';
import type { Journal } from '../journal/records.ts';
import { Problem, reasonOf } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { agree, finish, report } from './carryOut.ts';
import { type Context, flag, type Result } from './context.ts';
import { refuseOtherSources } from './savedPlan.ts';
import { alone, bellFor, stateFlag, unfinishedProblem } from './work.ts';

/** Carries on the deployment `id`, or with --dry-run shows what it is to become. */
export async function resumeDeployment(ctx: Context, id: string): Promise<Result> {
  if (flag(ctx, 'dry-run')) {
    const found = await find(ctx, id);
    return found.is === 'finished' ? finished(ctx, id) : look(ctx, found.journal);
  }
  if (!ctx.consent.given && !ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: `cronlatch deploy --resume ${id} --ci`,
    });
  }
  return alone(ctx, 'deploy --resume', async () => {
    const found = await find(ctx, id);
    if (found.is === 'finished') return finished(ctx, id);
    const { plan } = found.journal.open;
    refuseOtherSources(ctx, plan);
    ctx.screen.print(...(await showPlan(plan, ctx.screen.out)));
    await agree(ctx, 'Carry this deployment on?');
    return ctx.interrupts.guard(async () => {
      const pen = await reopenJournal(ctx.server, found.journal);
      await carryOn(ctx, pen, found.journal);
      return orTakeBack(
        ctx.server,
        pen,
        () => plan.steps,
        bellFor(ctx, pen),
        () => finish(ctx, pen, plan, { plan: planToJson(plan), findings: [] }),
      );
    });
  });
}

async function look(ctx: Context, { open }: Journal): Promise<Result> {
  ctx.screen.print(...(await showPlan(open.plan, ctx.screen.out)), 'Dry run: nothing was changed.');
  const json = { deployment: open.id, plan: planToJson(open.plan), findings: [] };
  return { json: report(ctx, { ...json, outcome: { is: 'planned', exit: 0 } }), exit: 0 };
}

function finished(ctx: Context, id: string): Result {
  ctx.screen.print('Already finished.');
  return { json: report(ctx, { deployment: id, outcome: { is: 'deployed', exit: 0 } }), exit: 0 };
}

async function find(ctx: Context, id: string): Promise<{ is: 'open' | 'finished'; journal: Journal }> {
  const journals = await readJournals(ctx.server, ctx.settings.stateDirectory);
  const journal = journals.find((j) => j.open.id === id && j.open.command === 'deploy');
  if (journal === undefined) throw new Problem('no-deployment', { id });
  const fate = fateOf(journals, journal);
  if (canResume(journals, journal)) return { is: 'open', journal };
  if (fate.is === 'unfinished') throw unfinishedProblem(ctx, journals, journal);
  if (fate.is === 'stands') return { is: 'finished', journal };
  throw new Problem('taken-back', { id, state: fate.is, by: fate.by ?? '' });
}

/** Nothing of an earlier run is taken back on a failure: it stays as far as it got, and that is said. */
async function carryOn(ctx: Context, pen: Pen, { open }: Journal): Promise<void> {
  try {
    await resume(ctx.server, pen, open.plan.steps, bellFor(ctx, pen));
  } catch (error) {
    if (error instanceof Problem && error.code === 'half-done') throw error;
    const interrupted = error instanceof Problem && error.code === 'interrupted';
    throw new Problem(
      'still-unfinished',
      {
        id: `${open.id}${stateFlag(ctx)}`,
        reason: interrupted ? 'interrupted between two steps' : reasonOf(error),
      },
      { cause: error, ...(interrupted ? { exit: error.exit } : {}) },
    );
  }
}
