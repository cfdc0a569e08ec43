// scan: what there is, what can pile up or fail in silence. Reads only.
import { oneOf } from '../ask/settle.ts';
import { readable } from '../change/encode.ts';
import { neverFires, nextRuns } from '../crontab/schedule.ts';
import { standing } from '../journal/fate.ts';
import { readJournals } from '../journal/journal.ts';
import { Problem } from '../problem.ts';
import { sayFinding } from '../show/findings.ts';
import { scanLines } from '../show/text.ts';
import type { CrontabFacts, EntryFacts, Facts, Finding, Level } from '../survey/facts.ts';
import { jobsOf } from '../survey/facts.ts';
import { reaches } from '../survey/findings.ts';
import { isGuarded } from '../survey/rules/lock.ts';
import { survey } from '../survey/survey.ts';
import { type Context, type Result, reportSchema, word } from './context.ts';

/** Scans the crontabs of the settings' scope. Exit 3 when a finding reaches --fail-on. */
export async function scan(ctx: Context): Promise<Result> {
  const failOn =
    oneOf(word(ctx, 'fail-on'), ['note', 'warn', 'stop', 'never'] as const, '--fail-on') ?? 'warn';
  const facts = await survey(ctx.server, ctx.settings);
  const extra = await lostGuards(ctx, facts);
  ctx.screen.print(...scanLines(facts, extra, ctx.screen.out, ctx.verbose));
  const all = [
    ...facts.crontabs.flatMap((c) => [...c.findings, ...c.entries.flatMap((e) => e.findings)]),
    ...extra,
  ];
  const fails = failOn !== 'never' && reaches(all, failOn as Level);
  const crontabs = [];
  // The next runs are worked out only for who reads the document.
  if (ctx.line.flags['json'] === true) {
    for (const crontab of facts.crontabs) crontabs.push(await crontabJson(ctx, crontab, extra));
  }
  const exit = fails ? 3 : 0;
  return {
    json: {
      schema: reportSchema,
      command: 'scan',
      crontabs,
      findings: extra.filter((f) => f.where === undefined).map(findingJson),
      unseen: facts.unseen,
      outcome: { is: fails ? 'findings' : 'clean', exit },
    },
    exit,
  };
}

async function crontabJson(
  ctx: Context,
  facts: CrontabFacts,
  extra: readonly Finding[],
): Promise<Record<string, unknown>> {
  const entries = [];
  for (const entry of facts.entries) entries.push(await entryJson(ctx, facts, entry, extra));
  return {
    source: facts.name,
    dialect: facts.dialect,
    accepted: facts.crontab.accepted,
    entries,
    findings: facts.findings.map(findingJson),
  };
}

async function entryJson(
  ctx: Context,
  crontab: CrontabFacts,
  facts: EntryFacts,
  extra: readonly Finding[],
): Promise<Record<string, unknown>> {
  const { entry, reading } = facts;
  const { start, end } = entry.scheduleSpan;
  const never = neverFires(entry.schedule);
  const next = never ? [] : await nextRuns(entry.schedule, ctx.server.now(), 3, ctx.server.self.zone);
  const own = extra.filter((f) => f.where?.source === crontab.name && f.where.line === facts.line);
  return {
    line: facts.line,
    schedule: readable(crontab.crontab.text.slice(start, end)),
    ...(facts.user === '' ? {} : { user: facts.user }),
    command: readable(entry.command.text),
    ...(entry.command.stdin === undefined ? {} : { stdin: readable(entry.command.stdin) }),
    fires: !never,
    next: next.map((at) => new Date(at).toISOString()),
    worker:
      reading.is === 'opaque'
        ? null
        : {
            cwd: readable(reading.directory),
            interpreter:
              reading.interpreter.word === undefined
                ? reading.interpreter.kind
                : readable(reading.interpreter.word.value),
            kind: reading.interpreter.kind,
            script: readable(reading.scriptPath),
            args: reading.args.map((arg) => readable(arg.value)),
            guarded: facts.job !== 'none' && isGuarded(facts.job),
            instances: facts.job === 'none' ? [] : facts.job.instances.map((i) => i.pid),
          },
    ...(reading.is === 'opaque' ? { opaque: { why: reading.why, detail: readable(reading.detail) } } : {}),
    findings: [...facts.findings, ...own].map(findingJson),
  };
}

/** A finding as JSON: the code and values, and the same in words. */
export function findingJson(finding: Finding): Record<string, unknown> {
  const { what, fix } = sayFinding(finding);
  return { ...finding, message: what, ...(fix === undefined ? {} : { fix }) };
}

/** A release that overwrote the script took the guard with it: only the journal knows that one was there. */
async function lostGuards(ctx: Context, facts: Facts): Promise<Finding[]> {
  let journals: Awaited<ReturnType<typeof readJournals>>;
  try {
    journals = await readJournals(ctx.server, ctx.settings.stateDirectory);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [
      {
        level: 'warn',
        code: 'not-done-elsewhere',
        args: { what: `earlier deployments in ${ctx.settings.stateDirectory}` },
      },
    ];
  }
  const found: Finding[] = [];
  for (const journal of standing(journals)) {
    for (const worker of journal.open.plan.workers) {
      if (worker.lock?.place !== 'script') continue;
      const job = jobsOf(facts).find(
        (j) => typeof j.script !== 'string' && j.script.path === worker.script && j.user.uid === worker.uid,
      );
      if (job === undefined || isGuarded(job)) continue;
      found.push({
        level: 'warn',
        code: 'guard-lost-by-release',
        where: { source: job.sourceName, line: job.line },
        args: { script: worker.script },
      });
    }
  }
  return found;
}
