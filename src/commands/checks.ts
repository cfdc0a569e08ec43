// Running the checklist for a deployment: used at the end of deploy and by verify.
import { seconds, whole } from '../ask/settle.ts';
import type { Latched } from '../change/plan.ts';
import type { Baseline, DatabaseBaseline } from '../journal/records.ts';
import { verdictLines } from '../show/text.ts';
import { sayVerdict } from '../show/verdicts.ts';
import { realScript } from '../survey/look.ts';
import { survey } from '../survey/survey.ts';
import type { Verdict } from '../verify/verdict.ts';
import { verify } from '../verify/verify.ts';
import { type Context, flag, word, words } from './context.ts';
import { runNow } from './runNow.ts';
import { beside, watchees } from './workerDatabase.ts';

/** Looks at the crontabs of these workers again and runs every check. Prints the checklist. */
export async function runChecks(
  ctx: Context,
  workers: readonly Latched[],
  baselines: readonly Baseline[],
  databases: readonly DatabaseBaseline[] = [],
): Promise<Verdict[]> {
  const sources = new Map(workers.map((w) => [w.source, w.from]));
  const scripts = new Set(workers.map(({ script }) => script));
  const facts = await survey(
    ctx.server,
    {
      ...ctx.settings,
      scope: { is: 'sources', sources: [...sources.values()] },
      latching: { once: 'auto', grace: ctx.settings.latching.grace, without: [] },
    },
    (worker) => scripts.has(realScript(worker)),
  );
  const watched = await watchees(ctx, workers);
  const runs = new Map<Latched, number>();
  const now = flag(ctx, 'run-now');
  const verdicts = await beside(ctx, watched, databases, async () => ({
    runs,
    verdicts: now
      ? await runNow(ctx, workers, facts, (worker) => runs.set(worker, 1))
      : await verify(ctx.server, workers, {
          ticks: whole(word(ctx, 'ticks') ?? '3', '--ticks'),
          maxWait: seconds(word(ctx, 'max-wait') ?? '10m', '--max-wait'),
          baselines,
          facts,
          urls: words(ctx, 'url'),
          watched: new Set(watched.map(({ worker }) => worker)),
          seenRuns: (worker, count) => runs.set(worker, count),
          tell: (event) => ctx.screen.tell(event),
          interrupted: () => ctx.interrupts.heard() !== 'no',
        }),
  }));
  ctx.screen.print(...verdictLines(verdicts, ctx.screen.out, ctx.verbose));
  return verdicts;
}

/** Verdicts as JSON: codes and values, and the same in words. */
export function checksJson(verdicts: readonly Verdict[]): Record<string, unknown>[] {
  return verdicts.map((verdict) => ({ ...verdict, ...sayVerdict(verdict) }));
}
