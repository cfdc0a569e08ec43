// The wizard: what there is, which of it is meant, what only a person can say, and then the same deploy as everywhere.
import type { Prompter } from '../ask/prompter.ts';
import type { Own } from '../ask/questions.ts';
import type { Settings } from '../ask/settings.ts';
import { seconds } from '../ask/settle.ts';
import { choose, meantBy } from '../plan/choose.ts';
import { nameOf } from '../plan/naming.ts';
import { Problem } from '../problem.ts';
import { choices } from '../show/questions.ts';
import { unseenLines } from '../show/scan.ts';
import { findingLines } from '../show/text.ts';
import { cutLeft, shortScript, workerLines } from '../show/workers.ts';
import { cronFindings } from '../survey/cron.ts';
import { type Facts, type Job, jobsOf } from '../survey/facts.ts';
import { risksOf, worstFirst } from '../survey/risks.ts';
import { isGuarded, isScheduler } from '../survey/rules/lock.ts';
import { survey } from '../survey/survey.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { earlierLocks, planAndCarryOut } from './deploy.ts';
import { agreement, closingLines, type Named, sayCommands, watchAfter } from './wizardEnd.ts';
import { askWorker, latchingWith, query } from './wizardWorker.ts';

/** `cronlatch` alone: on a terminal only. */
export async function wizard(ctx: Context): Promise<Result> {
  if (!ctx.consent.prompts) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: 'a command; for deploy also --script, --entry or --all; --yes or --ci',
      example: 'cronlatch scan   or   cronlatch deploy --script worker.php --ci',
    });
  }
  if ((ctx.around.workers ?? []).length > 0)
    throw new Problem('usage', {
      what: 'The wizard asks which workers are meant; a config file that lists them goes with deploy.',
      next: 'cronlatch deploy --config FILE',
    });
  const watch = word(ctx, 'watch');
  if (watch !== undefined && watch !== 'no') seconds(watch, '--watch');
  const guide = await ctx.ask();
  const settings = { ...ctx.settings, earlier: await earlierLocks(ctx) };
  ctx.screen.tell({ code: 'looking' });
  const facts = await survey(ctx.server, settings, undefined, ctx.screen.tell);
  // The panel's own jobs are nobody's to latch.
  const jobs = worstFirst(jobsOf(facts).filter((job) => job.obstacles.every((f) => f.code !== 'panel-job')));
  await open(ctx, guide, facts, jobs);
  const able = jobs.filter((job) => job.obstacles.length === 0 || lacksOnlyProgram(job));
  if (able.length === 0) return nothing(ctx, 'Nothing here can be latched.');
  const meant = meantAlready(facts, settings, able);
  const hasList = meant === undefined;
  let picked = meant ?? [];
  const own = new Map<Job, Own>();
  // -1 is the list, then one worker after the other, then the plan.
  for (let at = hasList ? -1 : 0; ; ) {
    if (at === -1) {
      guide.show('');
      const said = await guide.several(query('workers', false), listOf(able, guide, ctx, picked));
      if (said.is === 'answer') picked = inOrder(facts, said.value);
      if (picked.length === 0) return nothing(ctx, 'Nothing was chosen.');
      at = 0;
    } else if (at < picked.length) {
      const job = picked[at] as Job;
      const place = { number: at + 1, of: picked.length, back: at > 0 || hasList };
      const base = { ...settings, scope: scopeOf(facts, settings, [job]) };
      const which = { source: job.sourceName, line: job.line };
      const said = await askWorker(ctx, base, which, place, own.get(job));
      if (said !== 'back') own.set(job, said);
      at += said === 'back' ? -1 : 1;
    } else {
      const named = picked.map(
        (job): Named => ({ job, own: own.get(job) ?? {}, name: nameOf(facts, job, isScoped(settings)) }),
      );
      const result = await carryOn(
        ctx,
        guide,
        { ...settings, scope: scopeOf(facts, settings, picked) },
        named,
      );
      if (result !== 'back') return result;
      at = picked.length - 1;
    }
  }
}

async function open(ctx: Context, guide: Prompter, facts: Facts, jobs: readonly Job[]): Promise<void> {
  const { err } = ctx.screen;
  const cron = await cronFindings(ctx.server, facts.crontabs);
  ctx.screen.settle();
  const width = guide.columns();
  const lines =
    jobs.length === 0
      ? ['No entry here starts a PHP or Node script: there is no worker to latch.']
      : workerLines(jobs, { theme: err, width: Math.min(width, 100) });
  guide.show(
    ...lines,
    ...facts.crontabs
      .filter((c) => !c.crontab.accepted)
      .flatMap((c) => findingLines(c.findings, err, { width })),
    ...findingLines(cron, err, { width }),
    ...unseenLines(facts, err),
  );
}

/** Which program runs it is the one obstacle that a person's answer takes out of the way. */
function lacksOnlyProgram({ obstacles, interpreter }: Job): boolean {
  return interpreter.there !== undefined && obstacles.every(({ code }) => code === 'interpreter-missing');
}

/** The workers that flags have named, or the only one there is; undefined where a person has to choose. */
function meantAlready(facts: Facts, { pick }: Settings, able: readonly Job[]): Job[] | undefined {
  if (pick.is === 'unsaid') return able.length === 1 ? [...able] : undefined;
  const choice = choose(facts, pick);
  switch (choice.is) {
    case 'jobs':
      return [...choice.jobs];
    case 'unclear':
      return undefined;
    case 'none':
      throw new Problem('no-such-entry', { what: choice.what || 'Nothing here can be latched.' });
  }
}

function listOf(able: readonly Job[], guide: Prompter, ctx: Context, picked: readonly Job[]) {
  return able.map((job) => {
    const { unicode } = ctx.screen.err;
    const where = `${job.user.name}, line ${job.line}`;
    const latched = isGuarded(job) ? ', latched' : '';
    const name = cutLeft(shortScript(job), Math.max(16, guide.columns() - where.length - 18), unicode);
    return {
      name: `${name}  (${where}${latched})`,
      short: name,
      value: job,
      checked:
        picked.length > 0
          ? picked.includes(job)
          : !isGuarded(job) && !isScheduler(job) && risksOf(job).length > 0,
    };
  });
}

/** As they stand in the crontabs: the first of two with one name gets it, as in any deploy. */
function inOrder(facts: Facts, jobs: readonly Job[]): Job[] {
  return jobsOf(facts).filter((job) => jobs.includes(job));
}

const isScoped = ({ scope }: Settings): boolean => scope.is !== 'everything';

/** No more is looked at again than what was chosen; for one worker just what its command line names. */
function scopeOf(facts: Facts, settings: Settings, jobs: readonly Job[]): Settings['scope'] {
  const [first] = jobs;
  if (isScoped(settings) || first === undefined) return settings.scope;
  if (jobs.length === 1) {
    const name = nameOf(facts, first, false);
    if (name === 'none') return settings.scope;
    if (name.user !== undefined) return { is: 'user', name: name.user };
    return name.file === undefined
      ? settings.scope
      : { is: 'files', paths: [name.file], system: false, live: false };
  }
  const sources = new Map(jobs.map((job) => [job.sourceName, job.source]));
  return { is: 'sources', sources: [...sources.values()] };
}

/** The plan, the person's word, and the deploy. */
async function carryOn(
  ctx: Context,
  guide: Prompter,
  settings: Settings,
  named: readonly Named[],
): Promise<Result | 'back'> {
  const entries = named.map(({ job, own }) => ({
    source: job.sourceName,
    line: job.line,
    latching: latchingWith(ctx, own),
  }));
  const whole: Settings = { ...settings, pick: { is: 'chosen', entries } };
  const line = { ...ctx.line, command: 'deploy' as const };
  const one: Context = {
    ...ctx,
    settings: whole,
    line,
    wizard: { closing: (id, plan) => closingLines(ctx, id, plan) },
  };
  ctx.screen.tell({ code: 'planning' });
  const facts = await survey(ctx.server, whole, meantBy(whole.pick), ctx.screen.tell);
  const choice = choose(facts, whole.pick);
  const jobs = choice.is === 'jobs' ? choice.jobs : [];
  ctx.screen.settle();
  guide.show('');
  let watch = 'no';
  const result = await planAndCarryOut<'back'>(one, whole, facts, jobs, async () => {
    const said = await agreement(ctx, guide, named);
    if (said === 'back') return said;
    watch = said.watch;
    return 'agreed';
  });
  if (result === 'back') return result;
  if (flag(ctx, 'dry-run')) guide.show('', ...sayCommands(ctx, named));
  const outcome = result.json['outcome'] as { readonly is?: string } | undefined;
  const id = result.json['deployment'];
  if (outcome?.is === 'deployed' && typeof id === 'string' && watch !== 'no')
    await watchAfter(ctx, id, watch);
  if (outcome?.is !== 'refused') return result;
  const options = [
    { name: choices.backToAnswers, value: 'back' },
    { name: choices.leave, value: 'leave' },
  ] as const;
  const said = await guide.pick(query('refused', true), options);
  return said.is === 'back' || said.value === 'back' ? 'back' : result;
}

function nothing(ctx: Context, says: string): Result {
  ctx.screen.print(says);
  return {
    json: { schema: reportSchema, command: 'wizard', outcome: { is: 'nothing-to-do', exit: 0 } },
    exit: 0,
  };
}
