// A deploy as Markdown: for the summary of a build or a comment on a change, read by people who decide by it.
import { stepFromJson } from '../change/encode.ts';
import { cannotUndoOf, planOf } from '../change/plan.ts';
import { showPlan } from './diff.ts';
import { themeOf } from './theme.ts';

interface Report {
  readonly worker?: string;
  readonly plan?: {
    readonly for: 'deploy' | 'rollback';
    readonly steps: readonly object[];
    readonly workers: readonly never[];
  };
  readonly findings?: readonly {
    readonly level: string;
    readonly code: string;
    readonly message: string;
    readonly fix?: string;
    readonly where?: { readonly source: string; readonly line: number };
  }[];
  readonly checks?: readonly { readonly is: string; readonly expected: string; readonly saw: string }[];
  readonly deployment?: string;
  readonly deployments?: readonly Report[];
  readonly outcome: { readonly is: string; readonly exit: number; readonly message?: readonly string[] };
}

const said: Readonly<Record<string, string>> = {
  planned: 'Planned: nothing was changed.',
  'already-deployed': 'Already deployed: nothing to do.',
  'nothing-to-do': 'Nothing to do.',
  refused: 'Refused: nothing was changed.',
  deployed: 'Deployed.',
  'rolled-back': 'A check failed: everything was put back.',
  problem: 'Not done.',
};

/** The document of `deploy --format markdown`, made of what `--json` prints. GitHub's and GitLab's Markdown alike. */
export async function planMarkdown(json: Record<string, unknown>): Promise<string> {
  const report = json as unknown as Report;
  if (report.deployments === undefined) return `# cronlatch deploy\n\n${await section(report)}`;
  const parts: string[] = [];
  for (const one of report.deployments) parts.push(`## ${code(one.worker ?? '')}\n\n${await section(one)}`);
  const failed = report.deployments.filter((one) => one.outcome.exit !== 0).length;
  const count = `${report.deployments.length} workers, ${failed === 0 ? 'none failed' : `${failed} failed`} (exit ${report.outcome.exit}).`;
  return `# cronlatch deploy\n\n${count}\n\n${parts.join('\n')}`;
}

async function section(report: Report): Promise<string> {
  const { outcome } = report;
  const lines = [`**${said[outcome.is] ?? outcome.is}** (exit ${outcome.exit})`, ''];
  if (outcome.message !== undefined) lines.push(...outcome.message.map((line) => `> ${plain(line)}`), '');
  const { findings = [], checks = [] } = report;
  if (findings.length > 0) {
    lines.push('| level | where | finding | fix |', '| --- | --- | --- | --- |');
    for (const { level, where, code: name, message, fix = '' } of findings) {
      const place =
        where === undefined ? '' : `${where.source}${where.line > 0 ? `, line ${where.line}` : ''}`;
      lines.push(`| ${level} | ${plain(place)} | ${plain(message)} (${code(name)}) | ${plain(fix)} |`);
    }
    lines.push('');
  }
  if (report.plan !== undefined && report.plan.steps.length > 0) {
    const steps = report.plan.steps.map((step) => stepFromJson(step as never));
    const { for: purpose, workers } = report.plan;
    const plan = planOf({ for: purpose, steps, workers, cannotUndo: cannotUndoOf(steps) });
    const shown = await showPlan(plan, await themeOf({ color: false, unicode: true }));
    lines.push(...fenced(shown[0] === '' ? shown.slice(1) : shown, 'diff'), '');
  }
  if (checks.length > 0) {
    lines.push('| check | verdict |', '| --- | --- |');
    for (const { is, expected, saw } of checks) lines.push(`| ${plain(`${expected}: ${saw}`)} | ${is} |`);
    lines.push('');
  }
  if (report.deployment !== undefined && outcome.is === 'deployed')
    lines.push(`Undo: ${code(`cronlatch rollback ${report.deployment}`)}`, '');
  return lines.join('\n');
}

/** A fence longer than any in the text: what a crontab says cannot end it. */
function fenced(lines: readonly string[], language: string): string[] {
  const longest = Math.max(2, ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines, fence];
}

function code(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  const room = longest > 0 ? ' ' : '';
  return `${fence}${room}${text.replace(/\s+/g, ' ')}${room}${fence}`;
}

/** Text that stays text: no markup of a stranger's path or command comes through, nor a mention. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]#!|~]/g, '\\$&')
    .replace(/[<>@&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
