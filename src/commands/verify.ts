// verify: the checklist for a deployment, or for all that stand.
import type { Latched } from '../change/plan.ts';
import { fateOf, inForm, standing } from '../journal/fate.ts';
import { readJournals } from '../journal/journal.ts';
import type { Baseline, DatabaseBaseline, Journal } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import { baselinesOf } from '../verify/log.ts';
import { worst } from '../verify/verdict.ts';
import { checksJson, runChecks } from './checks.ts';
import { type Context, flag, type Result, reportSchema } from './context.ts';
import { asTheyStand } from './watchWorkers.ts';
import { databaseBaselines } from './workerDatabase.ts';

/** Exit 0 when every check passed or was skipped, 3 when one failed, 6 when one could not be measured. */
export async function verifyDeployment(ctx: Context): Promise<Result> {
  if (flag(ctx, 'run-now') && !ctx.consent.given && !ctx.consent.prompts)
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: 'cronlatch verify --run-now --yes',
    });
  if (ctx.settings.pick.is !== 'unsaid') return verifyUndeployed(ctx);
  const journals = await readJournals(ctx.server, ctx.settings.stateDirectory);
  const { id } = ctx.line;
  const named = (j: Journal): boolean => id === undefined || j.open.id === id;
  // Their entries are gone from the crontab on purpose: there is nothing of the deployed form to check.
  const forms = inForm(journals).filter(named);
  const chosen =
    id === undefined
      ? standing(journals)
      : journals.filter((j) => named(j) && j.open.command === 'deploy' && !forms.includes(j));
  if (chosen.length + forms.length === 0) throw new Problem('no-deployment', id === undefined ? {} : { id });
  const skipped = forms.map((j) => ({ id: j.open.id, form: fateOf(journals, j).is }));
  for (const form of skipped) ctx.screen.print(`Not checked: ${form.id} is in its ${form.form} form.`);
  if (chosen.length === 0) {
    const outcome = { is: 'skip', exit: 0 };
    return {
      json: { schema: reportSchema, command: 'verify', deployment: [], skipped, checks: [], outcome },
      exit: 0,
    };
  }
  const workers = new Map(
    chosen.flatMap((j) => j.open.plan.workers).map((w) => [`${w.source}:${w.line}:${w.script}`, w]),
  );
  const baselines = chosen.flatMap((j) => j.records.flatMap((r) => (r.is === 'baseline' ? r.logs : [])));
  const databases = chosen.flatMap((j) =>
    j.records.flatMap((r) => (r.is === 'baseline' ? (r.databases ?? []) : [])),
  );
  return checked(ctx, [...workers.values()], baselines, databases, {
    deployment: chosen.map((j) => j.open.id),
    ...(skipped.length === 0 ? {} : { skipped }),
  });
}

/** Workers as their entries stand, whether or not anything was deployed: --script, --entry or --all. */
async function verifyUndeployed(ctx: Context): Promise<Result> {
  const workers = await asTheyStand(ctx);
  const logs = await baselinesOf(ctx.server, workers);
  const databases = await databaseBaselines(ctx, workers);
  return checked(ctx, workers, logs, databases, { deployment: [] });
}

async function checked(
  ctx: Context,
  workers: readonly Latched[],
  baselines: readonly Baseline[],
  databases: readonly DatabaseBaseline[],
  more: Record<string, unknown>,
): Promise<Result> {
  // Interrupted, it still says what it has seen.
  const checks = await ctx.interrupts.guard(() => runChecks(ctx, workers, baselines, databases));
  const verdict = worst(checks);
  const heard = ctx.interrupts.heard();
  const exit =
    heard === 'no'
      ? ({ pass: 0, fail: 3, inconclusive: 6 } as const)[verdict]
      : heard === 'SIGINT'
        ? 130
        : 143;
  return {
    json: {
      schema: reportSchema,
      command: 'verify',
      ...more,
      checks: checksJson(checks),
      outcome: { is: verdict, exit },
    },
    exit,
  };
}
