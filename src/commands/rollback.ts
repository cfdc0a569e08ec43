// rollback: another plan on the same road, made from the journal alone.
import { apply } from '../apply/apply.ts';
import { settle, tidy } from '../apply/carry.ts';
import { oneOf } from '../ask/settle.ts';
import { isEmpty, planToJson } from '../change/plan.ts';
import { targetOf } from '../change/step.ts';
import { closeJournal, openJournal, readJournals, reopenJournal, standing } from '../journal/journal.ts';
import { type Journal, stateOf } from '../journal/records.ts';
import { type Now, type PlannedRollback, planBefore, planForm, type Standing } from '../plan/rollback.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource } from '../server/server.ts';
import { showPlan } from '../show/diff.ts';
import { findingLines } from '../show/text.ts';
import { sourceName } from '../survey/facts.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { findingJson } from './scan.ts';
import { alone, bellFor } from './work.ts';

type Form = 'before' | 'long-running' | 'disabled';

/** Puts a deployment back; without an id the last one that stands, or the one that was cut off. */
export async function rollback(ctx: Context): Promise<Result> {
  const to: Form =
    oneOf(word(ctx, 'to'), ['before', 'long-running', 'disabled'] as const, '--to') ?? 'before';
  const dryRun = flag(ctx, 'dry-run');
  if (!dryRun && !ctx.consent.given && !ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: 'cronlatch rollback --ci',
    });
  }
  if (dryRun) return look(ctx, to);
  return alone(ctx, 'rollback', () => putBack(ctx, to));
}

/** The plan and nothing else: reads without the lock. */
async function look(ctx: Context, to: Form): Promise<Result> {
  const { journal, planned } = await prepare(ctx, to);
  await show(ctx, planned);
  ctx.screen.print('Dry run: nothing was changed.');
  const refused = refusal(ctx, planned);
  const exit = refused.length > 0 ? 5 : 0;
  return { json: report(ctx, journal, planned, { is: exit === 0 ? 'planned' : 'refused', exit }), exit };
}

async function putBack(ctx: Context, to: Form): Promise<Result> {
  const { journal, journals, planned } = await prepare(ctx, to);
  await show(ctx, planned);
  const refused = refusal(ctx, planned);
  if (refused.length > 0) {
    if (refused.includes('foreign-edits')) {
      throw new Problem('foreign-edits', {
        what: planned.foreign.join(', '),
        reason: 'Their lines would be kept and ours taken back, as shown above.',
      });
    }
    ctx.screen.say(`Stopped by: ${refused.join(', ')}. Nothing was changed.`);
    return { json: report(ctx, journal, planned, { is: 'refused', exit: 5, codes: refused }), exit: 5 };
  }
  if (!ctx.consent.given && !(await (await ctx.ask()).confirm(`Put back ${journal.open.id}?`)))
    throw new Problem('declined');
  return ctx.interrupts.guard(() => carryOut(ctx, to, { journal, journals, planned }));
}

type Prepared = Awaited<ReturnType<typeof prepare>>;

async function carryOut(ctx: Context, to: Form, { journal, journals, planned }: Prepared): Promise<Result> {
  const { server, settings } = ctx;
  for (const step of journal.open.plan.steps) await tidy(server, step);
  if (isEmpty(planned.plan)) {
    await settleOpen(ctx, journals, journal, to, undefined);
    ctx.screen.print(
      to === 'before' ? 'Crontab and files are as they were before already.' : 'Nothing to change.',
    );
    return { json: report(ctx, journal, planned, { is: 'rolled-back', exit: 0 }), exit: 0 };
  }
  const pen = await openJournal(server, settings.stateDirectory, {
    command: 'rollback',
    plan: planned.plan,
    version: ctx.version,
    of: journal.open.id,
    to,
  });
  await apply(server, pen, planned.plan.steps, bellFor(ctx, pen));
  if (to === 'before' && planned.foreign.length === 0) await readBack(ctx, journal);
  await closeJournal(server, pen, 'rolled-back');
  await settleOpen(ctx, journals, journal, to, pen.id);
  ctx.screen.print(...done(journal, to));
  return { json: report(ctx, journal, planned, { is: 'rolled-back', exit: 0, as: pen.id }), exit: 0 };
}

function done(journal: Journal, to: Form): string[] {
  if (to === 'before')
    return [
      `Put back: crontab and files are as they were before ${journal.open.id}, read back and compared.`,
    ];
  const how =
    to === 'disabled'
      ? 'The entries are commented out; the command to run by hand stands above each.'
      : 'The workers run in their long-running form; cron looks every five minutes whether they live.';
  return [how, `To go all the way back: cronlatch rollback ${journal.open.id}`];
}

/** "Put back" is said only after every step was found as before. A directory with logs in it is kept. */
async function readBack(ctx: Context, journal: Journal): Promise<void> {
  for (const step of journal.open.plan.steps) {
    if (step.kind === 'stop-process') continue;
    const state = await settle(ctx.server, step);
    if (state === 'before') continue;
    if (step.kind === 'make-directory') ctx.screen.say(`Kept, since there is something in it: ${step.path}`);
    else throw new Problem('read-back', { what: targetOf(step) }, { exit: 4 });
  }
}

/** Journals that a crash left open are settled by this rollback: the deployment itself and earlier tries to take it back. */
async function settleOpen(
  ctx: Context,
  journals: readonly Journal[],
  journal: Journal,
  to: Form,
  by: string | undefined,
): Promise<void> {
  for (const other of journals) {
    const same = other.open.id === journal.open.id || other.open.of === journal.open.id;
    if (!same || stateOf(other) !== 'unfinished') continue;
    const pen = await reopenJournal(ctx.server, other);
    await closeJournal(
      ctx.server,
      pen,
      to === 'before' || other.open.command === 'rollback' ? 'rolled-back' : 'deployed',
      by,
    );
  }
}

async function prepare(
  ctx: Context,
  to: Form,
): Promise<{ journal: Journal; journals: Journal[]; planned: PlannedRollback }> {
  const { server, settings, line } = ctx;
  const journals = await readJournals(server, settings.stateDirectory);
  const journal = target(journals, line.command === 'rollback' && 'id' in line ? line.id : undefined);
  // What was rolled back to another form since then stands on top of the deployment and goes first.
  const chain = [
    journal,
    ...journals.filter(
      (j) =>
        j.open.command === 'rollback' &&
        j.open.of === journal.open.id &&
        j.open.to !== 'before' &&
        stateOf(j) !== 'failed',
    ),
  ];
  const sources = new Map<string, CrontabSource>();
  for (const { open } of chain) {
    for (const step of open.plan.steps)
      if (step.kind === 'put-crontab') sources.set(sourceName(step.source), step.source);
    for (const worker of open.plan.workers) sources.set(worker.source, worker.from);
  }
  const now: Now[] = [];
  for (const source of sources.values()) {
    const seen = await server.crontabs.read(source);
    if (seen.is === 'crontab') now.push({ source, route: seen.route, text: seen.text });
  }
  if (to !== 'before') {
    if (stateOf(journal) === 'unfinished')
      throw new Problem('unfinished', { command: 'deploy', id: journal.open.id, at: journal.open.at });
    const system = (source: CrontabSource): boolean =>
      source.is === 'system' || source.is === 'cron.d' || (source.is === 'file' && source.system);
    return {
      journal,
      journals,
      planned: planForm(to, journal, now, ctx.settings.dialect ?? 'debian', system),
    };
  }
  const standings = new Map<Journal, Standing[]>();
  for (const each of chain) {
    const list: Standing[] = [];
    for (const step of each.open.plan.steps)
      list.push(
        step.kind === 'put-crontab' || step.kind === 'stop-process' ? 'before' : await settle(server, step),
      );
    standings.set(each, list);
  }
  return { journal, journals, planned: planBefore(chain, (j, i) => standings.get(j)?.[i] ?? 'neither', now) };
}

/** The deployment that is meant: the one named, else one that was cut off, else the last that stands. */
function target(journals: readonly Journal[], id: string | undefined): Journal {
  const deployments = journals.filter((j) => j.open.command === 'deploy');
  if (id !== undefined) {
    const named = journals.find((j) => j.open.id === id);
    const found =
      named?.open.command === 'rollback' ? deployments.find((j) => j.open.id === named.open.of) : named;
    if (found === undefined) throw new Problem('no-deployment', { id });
    return found;
  }
  const cutOff = journals.find((j) => stateOf(j) === 'unfinished');
  const last =
    cutOff === undefined
      ? standing(journals).at(-1)
      : deployments.find((j) => j.open.id === (cutOff.open.of ?? cutOff.open.id));
  if (last === undefined) throw new Problem('no-deployment');
  return last;
}

function refusal(ctx: Context, planned: PlannedRollback): string[] {
  const codes = [...new Set(planned.findings.filter((f) => f.level === 'stop').map((f) => f.code))];
  // A person sees the diff and decides; where nobody looks, others' edits need a word of their own.
  if (
    codes.length === 0 &&
    planned.foreign.length > 0 &&
    !flag(ctx, 'keep-foreign-edits') &&
    (!ctx.consent.prompts || ctx.consent.given)
  )
    codes.push('foreign-edits');
  return codes;
}

async function show(ctx: Context, planned: PlannedRollback): Promise<void> {
  ctx.screen.print(...findingLines(planned.findings, ctx.screen.out));
  ctx.screen.print(...(await showPlan(planned.plan, ctx.screen.out)));
  for (const name of planned.foreign)
    ctx.screen.print(`${name} was edited by others since: their lines are kept.`);
}

function report(
  ctx: Context,
  journal: Journal,
  planned: PlannedRollback,
  outcome: Record<string, unknown>,
): Record<string, unknown> {
  return {
    schema: reportSchema,
    command: 'rollback',
    version: ctx.version,
    deployment: journal.open.id,
    plan: planToJson(planned.plan),
    findings: planned.findings.map(findingJson),
    foreign: planned.foreign,
    outcome,
  };
}
