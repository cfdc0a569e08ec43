// rollback: another plan on the same road, made from the journal alone.
import { apply } from '../apply/apply.ts';
import { settle, tidy } from '../apply/carry.ts';
import { oneOf } from '../ask/settle.ts';
import { isEmpty, planToJson } from '../change/plan.ts';
import { targetOf } from '../change/step.ts';
import { doneSince, fateOf, held, rollbacksOf, takenBack, unfinished } from '../journal/fate.ts';
import { closeJournal, openJournal, readJournals, reopenJournal } from '../journal/journal.ts';
import { type CloseState, type Journal, stateOf } from '../journal/records.ts';
import { planForm } from '../plan/form.ts';
import { type Case, type PlannedRollback, planBefore } from '../plan/rollback.ts';
import { Problem, reasonOf } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { findingJson } from '../show/findings.ts';
import { findingLines } from '../show/text.ts';
import { sourceName } from '../survey/facts.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { lookAt, readCrontabs, readTasks } from './ground.ts';
import { alone, bellFor, stateFlag, unfinishedProblem } from './work.ts';

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
  const prepared = await prepare(ctx, to);
  if (prepared.is === 'back-already') return backAlready(ctx, prepared);
  const { journal, planned } = prepared;
  await show(ctx, planned);
  ctx.screen.print('Dry run: nothing was changed.');
  const refused = refusal(ctx, planned);
  const exit = refused.length > 0 ? 5 : 0;
  return { json: report(ctx, journal, planned, { is: exit === 0 ? 'planned' : 'refused', exit }), exit };
}

async function putBack(ctx: Context, to: Form): Promise<Result> {
  const prepared = await prepare(ctx, to);
  if (prepared.is === 'back-already') return backAlready(ctx, prepared);
  const { journal, planned } = prepared;
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
  return ctx.interrupts.guard(() => carryOut(ctx, to, prepared));
}

/** Taken back before: a newer deployment with the same bytes is none of its business. */
function backAlready(ctx: Context, { journal, by }: BackAlready): Result {
  const { id } = journal.open;
  ctx.screen.print(by === undefined ? `${id} was put back already.` : `Already put back by ${by}.`);
  const outcome = { is: 'already-rolled-back', exit: 0, ...(by === undefined ? {} : { by }) };
  return {
    json: { schema: reportSchema, command: 'rollback', version: ctx.version, deployment: id, outcome },
    exit: 0,
  };
}

interface Prepared {
  readonly is: 'planned';
  readonly journal: Journal;
  readonly journals: readonly Journal[];
  readonly planned: PlannedRollback;
}

interface BackAlready {
  readonly is: 'back-already';
  readonly journal: Journal;
  readonly by?: string;
}

async function carryOut(ctx: Context, to: Form, prepared: Prepared): Promise<Result> {
  const { server, settings } = ctx;
  const { journal, journals, planned } = prepared;
  for (const step of journal.open.plan.steps) await tidy(server, step);
  if (isEmpty(planned.plan) && to !== 'before') {
    await settleOpen(ctx, journals, journal, to, planned, undefined);
    ctx.screen.print('Nothing to change.');
    return { json: report(ctx, journal, planned, { is: 'rolled-back', exit: 0 }), exit: 0 };
  }
  const pen = await openJournal(server, settings.stateDirectory, {
    command: 'rollback',
    plan: planned.plan,
    version: ctx.version,
    of: journal.open.id,
    to,
  });
  // Nothing to take back, put back by hand perhaps: that it is so is recorded all the same.
  await apply(server, pen, planned.plan.steps, bellFor(ctx, pen));
  try {
    if (to === 'before') await readBack(ctx, journal, planned);
    await closeJournal(server, pen, 'rolled-back');
    await settleOpen(ctx, journals, journal, to, planned, pen.id);
  } catch (error) {
    if (error instanceof Problem && error.code === 'read-back') throw error;
    const again = `${journal.open.id}${to === 'before' ? '' : ` --to ${to}`}${stateFlag(ctx)}`;
    throw new Problem('not-closed', { reason: reasonOf(error), rollback: again }, { cause: error });
  }
  ctx.screen.print(...done(ctx, journal, to, planned));
  return { json: report(ctx, journal, planned, { is: 'rolled-back', exit: 0, as: pen.id }), exit: 0 };
}

function done(ctx: Context, journal: Journal, to: Form, planned: PlannedRollback): string[] {
  const { id } = journal.open;
  if (to === 'before') {
    if (planned.foreign.length > 0 || planned.kept.length > 0)
      return [`Put back: what ${id} had changed. What others need or have changed is kept, as shown above.`];
    return isEmpty(planned.plan)
      ? ['Crontab and files are as they were before already.']
      : [`Put back: crontab and files are as they were before ${id}, read back and compared.`];
  }
  const tasks = journal.open.plan.workers.filter(({ task }) => task !== undefined).length;
  const lines = journal.open.plan.workers.length - tasks;
  const disabled = [
    ...(lines > 0 ? ['The entries are commented out; the command to run by hand stands above each.'] : []),
    ...(tasks > 0 ? ['The tasks are switched off in Plesk, which has taken their lines out.'] : []),
  ];
  const how =
    to === 'disabled'
      ? disabled.join(' ')
      : 'The workers run in their long-running form; cron looks every five minutes whether they live.';
  return [how, `To go all the way back: cronlatch rollback ${id}${stateFlag(ctx)}`];
}

/** "Put back" is said only after every step was found as before. What others need or changed is kept, logs too. */
async function readBack(ctx: Context, journal: Journal, planned: PlannedRollback): Promise<void> {
  const theirs = new Set([...planned.foreign, ...planned.kept]);
  for (const step of journal.open.plan.steps) {
    if (step.kind === 'stop-process') continue;
    if (theirs.has('path' in step ? step.path : sourceName(step.source))) continue;
    // A file whose mode others changed keeps theirs: then the plan says how it is to be.
    // In a crontab that later deployments of ours have changed too, only this one's lines go.
    const back = planned.plan.steps.find(
      (s) =>
        (s.kind === 'put-file' && step.kind === 'put-file' && s.path === step.path) ||
        ('source' in s && 'source' in step && sourceName(s.source) === sourceName(step.source)),
    );
    if (
      back === undefined
        ? (await settle(ctx.server, step)) === 'before'
        : (await settle(ctx.server, back)) === 'after'
    )
      continue;
    if (step.kind === 'make-directory') {
      ctx.screen.say(`Kept, since there is something in it: ${step.path}`);
      continue;
    }
    const again = `${journal.open.id}${stateFlag(ctx)}`;
    throw new Problem('read-back', { what: targetOf(step), rollback: again }, { exit: 4 });
  }
}

/** Journals that a crash left open are settled by this rollback: the deployment itself and earlier tries to take it back. */
async function settleOpen(
  ctx: Context,
  journals: readonly Journal[],
  journal: Journal,
  to: Form,
  planned: PlannedRollback,
  by: string | undefined,
): Promise<void> {
  for (const other of [journal, ...rollbacksOf(journals, journal)]) {
    if (stateOf(other) !== 'unfinished') continue;
    // An earlier try counts as done where this one finished it, or found its edits in the crontab.
    const there = to === 'before' || planned.stood.includes(other.open.id);
    const state: CloseState = there ? 'rolled-back' : 'failed';
    await closeJournal(ctx.server, await reopenJournal(ctx.server, other), state, by);
  }
}

async function prepare(ctx: Context, to: Form): Promise<Prepared | BackAlready> {
  const { server, settings, line } = ctx;
  const journals = await readJournals(server, settings.stateDirectory);
  const journal = target(journals, line.command === 'rollback' && 'id' in line ? line.id : undefined);
  const open = unfinished(journals);
  const other = open.find((j) => (j.open.of ?? j.open.id) !== journal.open.id);
  if (other !== undefined) throw unfinishedProblem(ctx, journals, other);
  const fate = fateOf(journals, journal);
  if (['rolled-back', 'failed', 'unchanged'].includes(fate.is) && open.length === 0) {
    if (to === 'before')
      return { is: 'back-already', journal, ...(fate.by === undefined ? {} : { by: fate.by }) };
    throw new Problem('taken-back', { id: journal.open.id, state: fate.is, by: fate.by ?? '' });
  }
  if (to !== 'before' && fate.is === 'unfinished') throw unfinishedProblem(ctx, journals, journal);

  // What was rolled back to another form since then stands on top of the deployment and goes first.
  const forms = rollbacksOf(journals, journal).filter(
    (j) => j.open.to !== 'before' && stateOf(j) !== 'failed',
  );
  const on: Case = {
    journal,
    forms,
    others: held(journals).filter((j) => j !== journal),
    earlier: takenBack(journals).filter((j) => j !== journal),
    later: doneSince(journals, journal),
  };
  const crontabs = await readCrontabs(ctx, [journal, ...forms]);
  const tasks = await readTasks(ctx, journal);
  const planned =
    to === 'before'
      ? planBefore(on, {
          crontabs,
          files: await lookAt(ctx, [journal, ...on.earlier]),
          tasks,
        })
      : planForm(to, on, { crontabs, tasks }, settings.dialect ?? 'debian');
  return { is: 'planned', journal, journals, planned };
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
      ? held(journals).at(-1)
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
