// scan: what there is, what can pile up or fail in silence. Reads only.
import { relative } from 'node:path/posix';
import { answer, oneOf } from '../ask/settle.ts';
import { standing } from '../journal/fate.ts';
import { readJournals } from '../journal/journal.ts';
import { Problem } from '../problem.ts';
import { scanLines } from '../show/scan.ts';
import { cronFindings } from '../survey/cron.ts';
import type { Facts, Finding, Level } from '../survey/facts.ts';
import { jobsOf } from '../survey/facts.ts';
import { reaches } from '../survey/findings.ts';
import { type Choice, isWanted, type Reported, report } from '../survey/reported.ts';
import { isRule, levels, type RuleCode } from '../survey/rules/levels.ts';
import { isGuarded } from '../survey/rules/lock.ts';
import { survey } from '../survey/survey.ts';
import { type Context, type Result, word } from './context.ts';

/** Scans the crontabs of the settings' scope. Exit 3 when a finding reaches --fail-on. */
export async function scan(ctx: Context): Promise<Result> {
  const probed = word(ctx, 'probe');
  if (probed !== undefined) return (await import('./probe.ts')).probe(ctx, probed);
  const failOn =
    oneOf(word(ctx, 'fail-on'), ['note', 'warn', 'stop', 'never'] as const, '--fail-on') ?? 'warn';
  const format =
    ctx.line.flags['json'] === true
      ? 'json'
      : (oneOf(word(ctx, 'format'), ['text', 'json', 'sarif', 'github', 'gitlab'] as const, '--format') ??
        'text');
  const choice: Choice = { only: rulesOf(ctx, 'only') ?? 'all', ignore: rulesOf(ctx, 'ignore') ?? new Set() };
  const facts = await survey(ctx.server, ctx.settings, undefined, (event) => ctx.screen.tell(event));
  const panels = facts.plesk === 'none' ? [] : facts.plesk.findings;
  const cron = await cronFindings(ctx.server, facts.crontabs);
  const extra = [...(await lostGuards(ctx, facts)), ...cron, ...panels];
  const reported = facts.crontabs.map((crontab) => report(crontab, extra, choice));
  const rest = extra.filter((finding) => finding.where === undefined && isWanted(finding, choice));
  const all = [...reported.flatMap(({ findings }) => findings), ...rest];
  const exit = failOn !== 'never' && reaches(all, failOn as Level) ? 3 : 0;
  switch (format) {
    case 'sarif': {
      const { sarif } = await import('../show/sarif.ts');
      const suppressed = reported.flatMap((one) => one.suppressed);
      const artifactOf = (source: string) => artifact(ctx.around.cwd, source);
      return { json: {}, document: sarif(all, suppressed, facts.unseen, artifactOf, ctx.version), exit };
    }
    case 'github': {
      const { annotations } = await import('../show/github.ts');
      const pathOf = (source: string) => fromHere(ctx.around.cwd, source) ?? source;
      return { json: {}, document: annotations(all, pathOf), exit };
    }
    case 'gitlab': {
      const { codeQuality } = await import('../show/gitlab.ts');
      const pathOf = (source: string) => fromHere(ctx.around.cwd, source) ?? source;
      return { json: {}, document: codeQuality(all, pathOf), exit };
    }
    case 'json': {
      print(ctx, facts, reported, rest);
      // The next runs are worked out only for who reads the document.
      const { scanJson } = await import('../show/scanJson.ts');
      return { json: await scanJson(ctx.server, facts, reported, rest, exit), exit };
    }
    default:
      print(ctx, facts, reported, rest);
      return { json: {}, exit };
  }
}

/** Shows a survey as scan does; for whoever wants to choose from it. */
export function showScan(ctx: Context, facts: Facts, extra: readonly Finding[]): void {
  const choice: Choice = { only: 'all', ignore: new Set() };
  const reported = facts.crontabs.map((crontab) => report(crontab, extra, choice));
  print(
    ctx,
    facts,
    reported,
    extra.filter((finding) => finding.where === undefined),
  );
}

function print(ctx: Context, facts: Facts, reported: readonly Reported[], rest: readonly Finding[]): void {
  const { out: theme, width } = ctx.screen;
  const lines = scanLines(facts, reported, rest, { theme, width, verbose: ctx.verbose });
  // A call takes no more than some hundred thousand arguments, and a large crontab has more lines to say.
  for (let at = 0; at < lines.length; at += 10_000) ctx.screen.print(...lines.slice(at, at + 10_000));
}

/** The rules a flag names: words with commas between them, or a list in the config file. */
function rulesOf(ctx: Context, name: 'only' | 'ignore'): ReadonlySet<RuleCode> | undefined {
  const { value } = answer(ctx.line, ctx.around, name);
  if (typeof value === 'boolean') throw new Problem('usage', { what: `--${name} takes names of rules.` });
  if (value === undefined) return undefined;
  const named = (typeof value === 'string' ? [value] : value).flatMap((one) => one.split(/[\s,]+/));
  return new Set(
    named
      .filter((code) => code !== '')
      .map((code): RuleCode => {
        if (isRule(code)) return code;
        const near = Object.keys(levels).find((rule) => rule.includes(code) || code.includes(rule));
        const what = `--${name}: there is no rule '${code}'.${near === undefined ? '' : ` Did you mean '${near}'?`}`;
        throw new Problem('usage', { what, next: 'docs/rules.md lists them' });
      }),
  );
}

/** The path as seen from the directory we were started in, when it lies in it. */
function fromHere(cwd: string, source: string): string | undefined {
  const path = source.startsWith('/') ? relative(cwd, source) : '..';
  return path === '' || path.startsWith('..') ? undefined : path;
}

function artifact(cwd: string, source: string): { uri: string; relative: boolean } {
  const encode = (path: string) => path.split('/').map(encodeURIComponent).join('/');
  const here = fromHere(cwd, source);
  if (here !== undefined) return { uri: encode(here), relative: true };
  // A user's crontab has no path of its own here.
  const [kind = '', name = ''] = source.startsWith('/') ? ['file', ''] : source.split(':');
  return { uri: kind === 'file' ? `file://${encode(source)}` : `crontab:${encode(name)}`, relative: false };
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
        level: levels['not-done-elsewhere'],
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
        level: levels['guard-lost-by-release'],
        code: 'guard-lost-by-release',
        where: { source: job.sourceName, line: job.line },
        args: { script: worker.script },
      });
    }
  }
  return found;
}
