// history: what was deployed, by whom, and what became of it; with an id, the diff that was applied.
import { whole } from '../ask/settle.ts';
import { planToJson } from '../change/plan.ts';
import { type Fate, fateOf } from '../journal/fate.ts';
import { readJournals, removeJournals } from '../journal/journal.ts';
import { prunable } from '../journal/prune.ts';
import { type Journal, stepStates } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { historyLines } from '../show/text.ts';
import { agree } from './carryOut.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { alone } from './work.ts';

/** Lists all deployments, newest first, or shows one. With --prune it forgets those that are over. */
export async function history(ctx: Context): Promise<Result> {
  const keep = word(ctx, 'prune');
  if (keep !== undefined) return prune(ctx, whole(keep, '--prune'));
  const journals = await readJournals(ctx.server, ctx.settings.stateDirectory);
  const fates = new Map(journals.map((j) => [j.open.id, fateOf(journals, j)]));
  const { id } = ctx.line;
  const chosen = id === undefined ? journals : journals.filter((j) => j.open.id === id);
  if (id !== undefined && chosen.length === 0) throw new Problem('no-deployment', { id });
  ctx.screen.print(...historyLines(chosen, fates, ctx.screen.out));
  if (id !== undefined)
    for (const journal of chosen) ctx.screen.print(...(await showPlan(journal.open.plan, ctx.screen.out)));
  const deployments = [...chosen]
    .reverse()
    .map((journal) => entry(journal, fates.get(journal.open.id) ?? { is: 'unfinished' }, id !== undefined));
  return {
    json: { schema: reportSchema, command: 'history', deployments, outcome: { is: 'listed', exit: 0 } },
    exit: 0,
  };
}

/** The bytes of before go with a journal: what nothing needs any more is shown, agreed to, and removed. */
async function prune(ctx: Context, keep: number): Promise<Result> {
  const { server, settings } = ctx;
  if (ctx.line.id !== undefined)
    throw new Problem('usage', { what: '--prune chooses by itself which journals go: no ID with it.' });
  const dryRun = flag(ctx, 'dry-run');
  if (!dryRun && !ctx.consent.given && !ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: '--yes or --ci',
      example: `cronlatch history --prune ${keep} --ci`,
    });
  }
  const read = async (): Promise<Journal[]> =>
    prunable(await readJournals(server, settings.stateDirectory), keep);
  const show = async (gone: readonly Journal[]): Promise<void> => {
    const journals = await readJournals(server, settings.stateDirectory);
    const fates = new Map(journals.map((j) => [j.open.id, fateOf(journals, j)]));
    if (gone.length > 0) ctx.screen.print(...historyLines(gone, fates, ctx.screen.out));
  };
  const done = (gone: readonly Journal[], is: string): Result => ({
    json: {
      schema: reportSchema,
      command: 'history',
      removed: gone.map((j) => j.open.id),
      outcome: { is, exit: 0 },
    },
    exit: 0,
  });
  if (dryRun) {
    const gone = await read();
    await show(gone);
    ctx.screen.print('Dry run: nothing was removed.');
    return done(gone, 'planned');
  }
  return alone(ctx, 'history --prune', async () => {
    const gone = await read();
    await show(gone);
    if (gone.length === 0) {
      ctx.screen.print('Nothing to remove.');
      return done(gone, 'nothing-to-do');
    }
    await agree(ctx, `Remove these ${gone.length} journal(s), and with them the texts of before?`);
    await removeJournals(server, settings.stateDirectory, gone);
    ctx.screen.print(`Removed: ${gone.length} journal(s).`);
    return done(gone, 'pruned');
  });
}

function entry(journal: Journal, fate: Fate, whole: boolean): Record<string, unknown> {
  const { open } = journal;
  return {
    id: open.id,
    command: open.command,
    ...(open.of === undefined ? {} : { of: open.of, to: open.to }),
    at: open.at,
    by: open.by,
    state: fate.is === 'stands' ? 'deployed' : fate.is,
    ...(fate.by === undefined ? {} : { madeSoBy: fate.by }),
    stands: fate.is === 'stands',
    steps: stepStates(journal),
    workers: open.plan.workers.map((w) => ({
      name: w.name,
      script: w.script,
      source: w.source,
      line: w.line,
    })),
    ...(whole ? { plan: planToJson(open.plan) } : {}),
  };
}
