// The scan as JSON: docs/json.md describes it, docs/schema/scan-1.json is its schema.
import { readable } from '../change/encode.ts';
import { verdicts } from '../crontab/dialects.ts';
import { isZone } from '../crontab/jumps.ts';
import { neverFires, nextRuns, shortestGap } from '../crontab/schedule.ts';
import { cronZone } from '../crontab/settings.ts';
import type { ExitCode } from '../problem.ts';
import type { Server } from '../server/server.ts';
import type { CrontabFacts, EntryFacts, Facts, Finding, TaskFacts } from '../survey/facts.ts';
import { countLevels, type Reported } from '../survey/reported.ts';
import { isGuarded } from '../survey/rules/lock.ts';
import { findingJson } from './findings.ts';
import { sayEntry } from './schedule.ts';

/** The version of the document's form; a new one is said in the changelog. */
const schema = 1;

/** The whole document. */
export async function scanJson(
  server: Pick<Server, 'now' | 'self'>,
  facts: Facts,
  reported: readonly Reported[],
  rest: readonly Finding[],
  exit: ExitCode,
): Promise<Record<string, unknown>> {
  const crontabs = [];
  for (const one of reported) crontabs.push(await crontabJson(server, one));
  const all = [...reported.flatMap(({ findings }) => findings), ...rest];
  return {
    schema,
    command: 'scan',
    crontabs,
    findings: rest.map(findingJson),
    unseen: facts.unseen,
    ...pleskJson(facts),
    counts: {
      ...countLevels(all),
      suppressed: reported.reduce((sum, one) => sum + one.suppressed.length, 0),
      leftOut: reported.reduce((sum, one) => sum + one.leftOut, 0),
    },
    outcome: { is: exit === 0 ? 'clean' : 'findings', exit },
  };
}

/** What the panel said, where there is one. */
function pleskJson({ plesk }: Facts): Record<string, unknown> {
  if (plesk === 'none') return {};
  const { is, version, sites, tasks, gaps } = plesk;
  return {
    plesk: {
      is,
      version,
      sites,
      tasks,
      unanswered: gaps.map(({ asked, why, said }) => ({ asked, why, said })),
    },
  };
}

async function crontabJson(
  server: Pick<Server, 'now' | 'self'>,
  { crontab, byLine, suppressed }: Reported,
): Promise<Record<string, unknown>> {
  const entries = [];
  const entryLines = new Set<number>();
  for (const entry of crontab.entries) {
    entryLines.add(entry.line);
    entries.push(await entryJson(server, crontab, entry, byLine.get(entry.line) ?? []));
  }
  const others = [...byLine].filter(([line]) => !entryLines.has(line)).flatMap(([, found]) => found);
  return {
    source: crontab.name,
    dialect: crontab.dialect,
    accepted: crontab.crontab.accepted,
    ...cronsJson(crontab),
    entries,
    findings: others.map(findingJson),
    suppressed: suppressed.map(({ finding, reason, by }) => ({ ...findingJson(finding), reason, by })),
  };
}

/** What each of the known crons makes of the text, and the lines they do not read alike. */
function cronsJson({ crontab }: CrontabFacts): Record<string, unknown> {
  const { accepted, running, lines } = verdicts(crontab.text, crontab.system);
  const crons = (['debian12', 'debian13', 'cronie'] as const).map((cron) => [
    cron,
    { accepted: accepted[cron], runs: running[cron] },
  ]);
  const differences = lines.map(({ line, refusedBy, parting }) => ({
    line,
    refusedBy,
    ...(parting === 'none' ? {} : { parting }),
  }));
  return { crons: Object.fromEntries(crons), differences };
}

async function entryJson(
  server: Pick<Server, 'now' | 'self'>,
  crontab: CrontabFacts,
  facts: EntryFacts,
  findings: readonly Finding[],
): Promise<Record<string, unknown>> {
  const { entry, reading } = facts;
  const { start, end } = entry.scheduleSpan;
  const never = neverFires(entry.schedule);
  const written = readable(crontab.crontab.text.slice(start, end));
  const gap = shortestGap(entry.schedule);
  const zone = cronZone(crontab.crontab, facts.line) ?? server.self.zone;
  const next = !never && isZone(zone) ? await nextRuns(entry.schedule, server.now(), 3, zone) : [];
  return {
    line: facts.line,
    schedule: written,
    says: sayEntry(entry, written),
    ...(facts.user === '' ? {} : { user: facts.user }),
    command: readable(entry.command.text),
    ...(entry.command.stdin === undefined ? {} : { stdin: readable(entry.command.stdin) }),
    fires: !never,
    gap: typeof gap === 'number' ? gap : null,
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
    ...(facts.task === undefined ? {} : { task: taskJson(facts.task) }),
    findings: findings.map(findingJson),
  };
}

function taskJson({ task, drift }: TaskFacts): Record<string, unknown> {
  const { id, type, command, args, active, schedule } = task;
  return { id, type, command, args, active, schedule, drift: drift.map(({ is }) => is) };
}
