// The end of every deploy, planned now, saved before or carried on: apply, verify, keep or put back, close, report.
import { apply, orTakeBack, takeBack } from '../apply/apply.ts';
import type { Plan } from '../change/plan.ts';
import { closeJournal, openJournal, type Pen } from '../journal/journal.ts';
import { type ExitCode, Problem } from '../problem.ts';
import { baselinesOf } from '../verify/log.ts';
import { type Verdict, worst } from '../verify/verdict.ts';
import { checksJson, runChecks } from './checks.ts';
import { type Context, flag, type Result, reportSchema } from './context.ts';
import { checkDatabaseFlags } from './databaseAccess.ts';
import { bellFor, stateFlag } from './work.ts';
import { databaseBaselines, jobSettings } from './workerDatabase.ts';

/** Applies the plan under a new journal, verifies, and settles how it ends. */
export async function carryOut(ctx: Context, plan: Plan, json: Record<string, unknown>): Promise<Result> {
  jobSettings(ctx);
  await checkDatabaseFlags(ctx);
  return ctx.interrupts.guard(async () => {
    const pen = await openJournal(ctx.server, ctx.settings.stateDirectory, {
      command: 'deploy',
      plan,
      version: ctx.version,
    });
    await apply(ctx.server, pen, plan.steps, bellFor(ctx, pen));
    return orTakeBack(
      ctx.server,
      pen,
      () => plan.steps,
      bellFor(ctx, pen),
      () => finish(ctx, pen, plan, json),
    );
  });
}

/** Verifies what was applied and settles how it ends. */
export async function finish(
  ctx: Context,
  pen: Pen,
  plan: Plan,
  json: Record<string, unknown>,
): Promise<Result> {
  const at = new Date(ctx.server.now()).toISOString();
  const logs = await baselinesOf(ctx.server, plan.workers);
  const databases = await databaseBaselines(ctx, plan.workers);
  await pen.write({ is: 'baseline', at, logs, ...(databases.length === 0 ? {} : { databases }) });
  const checks = ctx.settings.latching.without.includes('verify')
    ? []
    : await runChecks(ctx, plan.workers, logs, databases);
  await pen.write({ is: 'checked', at: new Date(ctx.server.now()).toISOString(), checks });
  const verdict = worst(checks);
  const full = { ...json, deployment: pen.id, steps: plan.steps.length, checks: checksJson(checks) };
  const keep = verdict !== 'fail' || (await keepAnyway(ctx, checks));
  if (keep !== true) {
    await takeBack(
      ctx.server,
      pen,
      plan.steps,
      bellFor(ctx, pen),
      new Problem('read-back', { what: 'a check' }),
    );
    await closeJournal(ctx.server, pen, 'rolled-back');
    if (keep !== false)
      throw new Problem(
        'interrupted',
        { what: 'Interrupted. A check had failed; everything was put back.' },
        { exit: keep },
      );
    ctx.screen.print('A check failed. Put back: crontab and files are as they were before.');
    return { json: report(ctx, { ...full, outcome: { is: 'rolled-back', exit: 1 } }), exit: 1 };
  }
  await closeJournal(ctx.server, pen, 'deployed');
  const exit = exitOf(ctx, verdict, checks);
  ctx.screen.print(
    `Deployed as ${pen.id}.`,
    ...(ctx.wizard?.closing(pen.id, plan) ?? []),
    `Undo: cronlatch rollback ${pen.id}${stateFlag(ctx)}`,
  );
  return { json: report(ctx, { ...full, outcome: { is: 'deployed', exit, checks: verdict } }), exit };
}

function exitOf(ctx: Context, verdict: ReturnType<typeof worst>, checks: readonly Verdict[]): ExitCode {
  const heard = ctx.interrupts.heard();
  if (heard !== 'no') return heard === 'SIGINT' ? 130 : 143;
  if (verdict === 'fail') return 3;
  return flag(ctx, 'strict') && checks.some((c) => c.is === 'inconclusive') ? 6 : 0;
}

/** Enter alone and an interruption put everything back; the latter is then the exit code. */
async function keepAnyway(ctx: Context, checks: readonly Verdict[]): Promise<boolean | ExitCode> {
  if (flag(ctx, 'keep-on-fail')) return true;
  if (!ctx.consent.prompts) return false;
  const failed = checks.filter((c) => c.is === 'fail').length;
  try {
    return await (await ctx.ask()).confirm(`${failed} check(s) failed. Keep the change all the same?`);
  } catch (error) {
    if (error instanceof Problem && error.code === 'interrupted') return error.exit;
    throw error;
  }
}

/** Asks a person; without consent and without a yes nothing is done. */
export async function agree(ctx: Context, question: string): Promise<void> {
  if (ctx.consent.given) return;
  if (!(await (await ctx.ask()).confirm(question))) throw new Problem('declined');
}

/** What `deploy --json` prints. */
export function report(ctx: Context, parts: Record<string, unknown>): Record<string, unknown> {
  return { schema: reportSchema, command: 'deploy', version: ctx.version, ...parts };
}
