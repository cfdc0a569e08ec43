// monitor: watches workers for an hour, tells incidents as they come, and leaves a report.
import { seconds } from '../ask/settle.ts';
import { Problem } from '../problem.ts';
import { type Context, flag, type Result, word } from './context.ts';
import { checkDatabaseFlags } from './databaseAccess.ts';
import { inBackground } from './monitorBackground.ts';
import { checkOutputs } from './monitorOutputs.ts';
import { resumeWatch, runWatch } from './monitorRun.ts';
import { stopWatch, watchStatus } from './monitorStatus.ts';
import { jobSettings } from './workerDatabase.ts';

/** Longer than a day a watch is another tool's work. */
const longest = 24 * 3600;

/** Exit 0 when all criteria were met, 3 on a violation, 6 when something could not be measured, 130/143 when interrupted. */
export async function monitor(ctx: Context): Promise<Result> {
  const acts = ['status', 'stop', 'background'].filter((name) => flag(ctx, name));
  const resume = word(ctx, 'resume');
  if (resume !== undefined) acts.push('resume');
  const [act, other] = acts;
  if (other !== undefined && !(acts.length === 2 && acts.includes('background') && resume !== undefined))
    throw new Problem('usage', { what: `--${act} and --${other} cannot be used together.` });
  if (act === 'status') return watchStatus(ctx);
  if (act === 'stop') return stopWatch(ctx);
  // A slip in a flag is refused before anything is begun, and before nobody sees it any more.
  const lasts = seconds(word(ctx, 'for') ?? '1h', '--for');
  if (lasts < 10 || lasts > longest)
    throw new Problem('usage', { what: `--for ${word(ctx, 'for')}: from 10s to 24h.` });
  if (word(ctx, 'max-runtime') !== undefined) seconds(word(ctx, 'max-runtime') ?? '', '--max-runtime');
  jobSettings(ctx);
  await checkDatabaseFlags(ctx);
  await checkOutputs(ctx);
  if (flag(ctx, 'background')) return inBackground(ctx);
  return resume === undefined ? runWatch(ctx, lasts) : resumeWatch(ctx, resume);
}
