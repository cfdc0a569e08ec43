// The wizard: a look at what there is, then the same deploy with a person to ask.
import { Problem } from '../problem.ts';
import { cronFindings } from '../survey/cron.ts';
import { jobsOf } from '../survey/facts.ts';
import { survey } from '../survey/survey.ts';
import { type Context, type Result, reportSchema } from './context.ts';
import { deploy } from './deploy.ts';
import { showScan } from './scan.ts';

/** `cronlatch` alone: on a terminal only. */
export async function wizard(ctx: Context): Promise<Result> {
  if (!ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: 'a command; for deploy also --script, --entry or --all; --yes or --ci',
      example: 'cronlatch scan   or   cronlatch deploy --script worker.php --ci',
    });
  }
  const facts = await survey(ctx.server, ctx.settings);
  showScan(ctx, facts, await cronFindings(ctx.server, facts.crontabs));
  ctx.screen.print('');
  if (jobsOf(facts).every((job) => job.obstacles.length > 0)) {
    return {
      json: { schema: reportSchema, command: 'wizard', outcome: { is: 'nothing-to-do', exit: 0 } },
      exit: 0,
    };
  }
  return deploy(ctx);
}
