// deploy: ask → survey → plan → show → agree → lock → survey again → apply → verify → close.
import { type EarlierLock, latchingFor, type Settings } from '../ask/settings.ts';
import { oneOf } from '../ask/settle.ts';
import { isEmpty, type Plan, planOf, planToJson } from '../change/plan.ts';
import { targetOf } from '../change/step.ts';
import { readJournals } from '../journal/journal.ts';
import { choose, meantBy } from '../plan/choose.ts';
import { type Planned, planDeploy } from '../plan/deploy.ts';
import { isPanels } from '../plesk/places.ts';
import { Problem } from '../problem.ts';
import { showPlan } from '../show/diff.ts';
import { findingJson } from '../show/findings.ts';
import { findingLines, noteLine } from '../show/text.ts';
import { withAnswers } from '../survey/asked.ts';
import { cronFindings } from '../survey/cron.ts';
import { type Facts, type Finding, type Job, jobsOf } from '../survey/facts.ts';
import { reaches } from '../survey/findings.ts';
import { survey } from '../survey/survey.ts';
import { withTokens } from '../survey/tokens.ts';
import { agree, carryOut, report } from './carryOut.ts';
import { type Context, flag, type Result, reportSchema, word } from './context.ts';
import { deployEach, listedWorkers } from './deployEach.ts';
import { resumeDeployment } from './resume.ts';
import { deploySaved } from './savedPlan.ts';
import { refuseUntrusted } from './trust.ts';
import { alone, refuseUnfinished } from './work.ts';

/** Deploys, or with --dry-run stops after the plan: one choice of workers, or each that the config file lists. */
export async function deploy(ctx: Context): Promise<Result> {
  const format = oneOf(word(ctx, 'format'), ['text', 'json', 'markdown'] as const, '--format');
  const workers = listedWorkers(ctx);
  const one = workers.length === 0 || ['plan', 'resume'].some((made) => word(ctx, made) !== undefined);
  const save = word(ctx, 'save');
  const result = one
    ? await deployOne(ctx)
    : await deployEach(
        ctx,
        workers,
        deployOne,
        save === undefined ? undefined : (kept) => keep(ctx, save, { schema: reportSchema, ...kept }),
      );
  if (format !== 'markdown') return result;
  const { planMarkdown } = await import('../show/planMarkdown.ts');
  return { ...result, document: await planMarkdown(result.json) };
}

async function deployOne(ctx: Context): Promise<Result> {
  const saved = word(ctx, 'plan');
  const cutOff = word(ctx, 'resume');
  if (saved !== undefined && cutOff !== undefined)
    throw new Problem('usage', { what: '--plan and --resume cannot be used together.' });
  if (word(ctx, 'save') !== undefined && !flag(ctx, 'dry-run'))
    throw new Problem('usage', { what: '--save keeps a plan to be looked at: it goes with --dry-run.' });
  if (saved !== undefined) refuseBeside(ctx, '--plan');
  if (cutOff !== undefined) refuseBeside(ctx, '--resume');
  if (saved !== undefined) return deploySaved(ctx, saved);
  if (cutOff !== undefined) return resumeDeployment(ctx, cutOff);

  const { worker } = ctx.settings.latching;
  if (worker !== undefined && ctx.server.self.root) await refuseUntrusted(ctx.server, worker);
  const dryRun = flag(ctx, 'dry-run');
  const settings = { ...ctx.settings, earlier: await earlierLocks(ctx) };
  const facts = await survey(ctx.server, settings, meantBy(settings.pick));
  const print = word(ctx, 'print');
  const chosen = await chooseJobs(ctx, facts, dryRun || print !== undefined);
  if (print !== undefined) {
    const { printSteps } = await import('./print.ts');
    // By hand more is possible than from here: what stands in our way need not stand in a person's.
    const able =
      chosen.length > 0 ? chosen : jobsOf(facts).filter((job) => !isPanels(job.interpreter.wanted));
    return printSteps(ctx, facts, able, print);
  }
  const jobs = chosen;
  if (jobs.length === 0) return nothingToDo(ctx, facts);
  return planAndCarryOut<never>(ctx, settings, facts, jobs, async () => {
    await agree(ctx, 'Do this now?');
    return 'agreed' as const;
  });
}

/** The road from the plan on. `agreed` asks whoever has to agree; what it returns instead of a yes ends the deploy. */
export async function planAndCarryOut<T = never>(
  ctx: Context,
  settings: Settings,
  facts: Facts,
  jobs: readonly Job[],
  agreed: (plan: Plan) => Promise<'agreed' | T>,
): Promise<Result | T> {
  const dryRun = flag(ctx, 'dry-run');
  const planned = await planWith(ctx, settings, facts, jobs);
  await show(ctx, planned, facts, jobs);
  const json = { plan: planToJson(planned.plan), findings: planned.findings.map(findingJson) };
  if (reaches(planned.findings, 'stop')) return stopped(ctx, planned.findings, json);
  if (isEmpty(planned.plan)) {
    ctx.screen.print('Already deployed.');
    return { json: report(ctx, { ...json, outcome: { is: 'already-deployed', exit: 0 } }), exit: 0 };
  }
  const save = word(ctx, 'save');
  if (save !== undefined) await keep(ctx, save, planToJson(planned.plan));
  if (dryRun) {
    ctx.screen.print('Dry run: nothing was changed.');
    return { json: report(ctx, { ...json, outcome: { is: 'planned', exit: 0 } }), exit: 0 };
  }
  const said = await agreed(planned.plan);
  if (said !== 'agreed') return said;
  return alone(ctx, 'deploy', async () => {
    refuseUnfinished(ctx, await readJournals(ctx.server, ctx.settings.stateDirectory));
    const again = await survey(ctx.server, settings, meantBy(settings.pick));
    const now = await planWith(ctx, settings, again, sameJobs(again, jobs));
    if (now.plan.id !== planned.plan.id)
      throw new Problem('changed-since', { what: difference(planned.plan, now.plan) });
    return carryOut(ctx, now.plan, json);
  });
}

/** The plan, with the scripts as their own PHP reads them, and what only a deploy asks the panel. */
async function planWith(
  ctx: Context,
  settings: Settings,
  facts: Facts,
  jobs: readonly Job[],
): Promise<Planned> {
  const own = (job: Job) => latchingFor(settings, job.sourceName, job.line);
  const asked = await withAnswers(ctx.server, facts, jobs);
  const read = await withTokens(ctx.server, asked.facts, jobs, (job) => own(job).guard);
  const planned = await planDeploy(read, jobs, settings.latching, own);
  const meant = facts.crontabs.filter(({ name }) => jobs.some((job) => job.sourceName === name));
  const cron = await cronFindings(ctx.server, meant);
  return { ...planned, findings: [...planned.findings, ...asked.findings, ...cron] };
}

/** Flags that shape a plan: beside one that is made already they would be passed over in silence. */
const shaping = [
  ...['script', 'entry', 'all', 'interpreter', 'php', 'node', 'log'],
  ...[
    'through',
    'task-type',
    'guard',
    'lock-dir',
    'lock-in-docroot',
    'shared-lock',
    'once',
    'worker',
    'grace',
    'kill-after',
    'save',
  ],
];

function refuseBeside(ctx: Context, made: string): void {
  const given = shaping.filter((name) => ctx.line.flags[name] !== undefined).map((name) => `--${name}`);
  if (given.length > 0)
    throw new Problem('usage', {
      what: `${given.join(', ')} cannot be used with ${made}: it does exactly what was planned.`,
    });
}

/** Locks of earlier deployments. Journals that cannot be read stop whoever writes; here they only mean new names. */
export async function earlierLocks(ctx: Context): Promise<EarlierLock[]> {
  let journals: Awaited<ReturnType<typeof readJournals>>;
  try {
    journals = await readJournals(ctx.server, ctx.settings.stateDirectory);
  } catch (error) {
    if (error instanceof Problem) return [];
    throw error;
  }
  return journals
    .flatMap((journal) => journal.open.plan.workers)
    .flatMap(({ script, uid, args, lock }) =>
      lock === undefined ? [] : [{ script, uid, args, directory: lock.directory, name: lock.name }],
    );
}

/** No entry can be latched. Where cron ignores the whole crontab, or every worker is blocked, that is no success. */
function nothingToDo(ctx: Context, facts: Facts): Result {
  const findings = [
    ...facts.crontabs.filter((c) => !c.crontab.accepted).flatMap((c) => c.findings),
    ...blockedBy(facts),
  ];
  const json = {
    plan: planToJson(planOf({ for: 'deploy', steps: [], workers: [], cannotUndo: [] })),
    findings: findings.map(findingJson),
  };
  if (reaches(findings, 'stop')) {
    ctx.screen.print(...findingLines(findings, ctx.screen.out));
    return stopped(ctx, findings, json);
  }
  const able = jobsOf(facts).some((job) => job.obstacles.length === 0);
  ctx.screen.print(able ? 'Nothing was chosen.' : 'Nothing here can be latched.');
  return { json: report(ctx, { ...json, outcome: { is: 'nothing-to-do', exit: 0 } }), exit: 0 };
}

/** What stands in the way of the workers when none is able. The panel's own jobs are nobody's to latch. */
function blockedBy(facts: Facts): Finding[] {
  const jobs = jobsOf(facts).filter((job) => job.obstacles.every((f) => f.code !== 'panel-job'));
  if (jobs.some((job) => job.obstacles.length === 0)) return [];
  return jobs.flatMap((job) => job.obstacles.map((f): Finding => ({ ...f, level: 'stop' })));
}

/** The jobs that are meant. Missing answers are asked for, or named all at once (exit 2). */
async function chooseJobs(ctx: Context, facts: Facts, dryRun: boolean): Promise<readonly Job[]> {
  const choice = choose(facts, ctx.settings.pick);
  const missing: string[] = [];
  if (choice.is === 'unclear' && !ctx.consent.prompts) missing.push('--script, --entry or --all');
  if (!dryRun && !ctx.consent.given && !ctx.consent.prompts) {
    if (ctx.settings.pick.is === 'unsaid' && choice.is === 'none') missing.push('--script, --entry or --all');
    missing.push('--yes or --ci');
  }
  if (missing.length > 0) {
    throw new Problem('answers-missing', {
      because: ctx.consent.because,
      missing: missing.join('; '),
      example: 'cronlatch deploy --script worker.php --ci',
    });
  }
  switch (choice.is) {
    case 'jobs':
      for (const job of choice.left)
        ctx.screen.say(
          ...findingLines(job.obstacles, ctx.screen.err),
          `  left alone: ${job.sourceName}, line ${job.line}`,
        );
      return choice.jobs;
    case 'unclear': {
      const options = choice.among.map((job) => ({
        name: `${job.scriptPath}  (${job.sourceName}, line ${job.line})`,
        value: job,
        checked: job.findings.some((f) => f.code === 'no-lock'),
      }));
      return (await ctx.ask()).choose('Which workers are to be latched?', options);
    }
    case 'none':
      if (choice.because === 'nothing-there') return [];
      throw new Problem('no-such-entry', { what: choice.what });
  }
}

function sameJobs(facts: Facts, jobs: readonly Job[]): Job[] {
  const entries = jobs.map((job) => ({ source: job.sourceName, line: job.line }));
  const choice = choose(facts, { is: 'chosen', entries });
  return choice.is === 'jobs' ? [...choice.jobs] : [];
}

async function show(ctx: Context, planned: Planned, facts: Facts, jobs: readonly Job[]): Promise<void> {
  const risks =
    ctx.wizard === undefined ? jobs.flatMap((job) => job.findings.filter((f) => f.level !== 'note')) : [];
  const { out, width } = ctx.screen;
  ctx.screen.print(
    ...findingLines(
      [
        ...risks,
        ...planned.findings.filter((f) => !risks.some((r) => r.code === f.code && r.level === f.level)),
      ],
      out,
      { width },
    ),
  );
  ctx.screen.print(...(await showPlan(planned.plan, out)));
  ctx.screen.print(...planned.notes.map((n) => noteLine(n.source, n.line, n.notes, out, width)));
  for (const unseen of facts.unseen) if (ctx.verbose) ctx.screen.print(out.dim(`Not seen: ${unseen}`));
}

function stopped(ctx: Context, findings: readonly Finding[], json: Record<string, unknown>): Result {
  const codes = [...new Set(findings.filter((f) => f.level === 'stop').map((f) => f.code))];
  ctx.screen.print(`Stopped by: ${codes.join(', ')}. Nothing was changed.`);
  return { json: report(ctx, { ...json, outcome: { is: 'refused', exit: 5, codes } }), exit: 5 };
}

function difference(before: Plan, now: Plan): string {
  const texts = (plan: Plan): string[] =>
    planToJson(plan)['steps']
      ? (planToJson(plan)['steps'] as object[]).map((s) => JSON.stringify({ ...s, seen: [] }))
      : [];
  const old = new Set(texts(before));
  const index = texts(now).findIndex((t) => !old.has(t));
  const step = now.steps[index] ?? before.steps[0];
  if (step === undefined) return 'the crontab';
  return step.kind === 'stop-process' ? step.script : targetOf(step);
}

async function keep(ctx: Context, path: string, plan: object): Promise<void> {
  const { server } = ctx;
  const absolute = path.startsWith('/') ? path : `${ctx.around.cwd}/${path}`;
  const text = `${JSON.stringify(plan, null, 2)}\n`;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const { uid, gid } = server.self.owner;
  if ((await server.files.look(absolute, server.self.owner)).is === 'file')
    await server.files.remove(absolute, server.self.owner);
  await server.files.write(absolute, bytes, { mode: 0o600, uid, gid }, server.self.owner);
  ctx.screen.say(`The plan is kept in ${path}. To apply exactly this: cronlatch deploy --plan ${path}`);
}
