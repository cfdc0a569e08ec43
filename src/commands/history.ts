// history: what was deployed, by whom, and what became of it; with an id, the diff that was applied.
import { planToJson } from '../change/plan.ts';
import { type Fate, fateOf } from '../journal/fate.ts';
import { readJournals } from '../journal/journal.ts';
import { type Journal, stepStates } from '../journal/records.ts';
import { Problem } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { historyLines } from '../show/text.ts';
import { type Context, type Result, reportSchema } from './context.ts';

/** Lists all deployments, newest first, or shows one. */
export async function history(ctx: Context): Promise<Result> {
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
