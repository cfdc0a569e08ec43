// Reports as text: what deploy, verify and history say to a person.
import type { RewriteNote } from '../command/command.ts';
import type { Fate } from '../journal/fate.ts';
import type { Journal } from '../journal/records.ts';
import type { Finding } from '../survey/facts.ts';
import type { Verdict } from '../verify/verdict.ts';
import { sayFinding } from './findings.ts';
import { wrap } from './snippet.ts';
import type { Theme } from './theme.ts';
import { sayVerdict } from './verdicts.ts';

/**
 * Findings, one or two lines each; `place` says how much of where they stand is not clear from what is around them. On a
 * terminal of so many columns words stay whole.
 */
export function findingLines(
  findings: readonly Finding[],
  theme: Theme,
  { place = 'whole', width }: { place?: 'whole' | 'line' | 'said'; width?: number | undefined } = {},
): string[] {
  return findings.flatMap((finding) => {
    const { what, fix } = sayFinding(finding);
    const paint = finding.level === 'stop' ? theme.bad : finding.level === 'warn' ? theme.odd : theme.dim;
    const { source, line = 0, column } = finding.where ?? {};
    const at = [
      ...(place === 'whole' && source !== undefined ? [source] : []),
      ...(place !== 'said' && line > 0 ? [`line ${line}`] : []),
      ...(column ? [`column ${column}`] : []),
    ].join(', ');
    const text = `${what}${at ? ` (${at})` : ''}`;
    const code = `[${finding.code}]`;
    const [head = '', ...more] = hanging(`${text}  ${code}`, 8, width);
    const marked = [head, ...more].map((row) => row.replace(code, theme.dim(code)));
    const lines = marked.map(
      (row, index) => `${index === 0 ? `  ${paint(finding.level)}  ` : '        '}${row}`,
    );
    const arrow = theme.mark.arrow;
    const fixes = fix === undefined ? [] : hanging(fix, 9 + arrow.length, width);
    return [
      ...lines,
      ...fixes.map((row, index) => `        ${index === 0 ? arrow : ' '.repeat(arrow.length)} ${row}`),
    ];
  });
}

/** The text in lines that leave room for an indent; as one where the output is no terminal. */
function hanging(text: string, indent: number, width: number | undefined): string[] {
  return width === undefined ? [text] : wrap(text, Math.max(24, width - indent));
}

/** Text of a stranger's file on a terminal: no control characters. */
function safe(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

const notes: Record<RewriteNote['code'], string> = {
  'cd-added': 'its directory is said',
  'cd-joint': 'nothing runs when the cd fails',
  'cd-absolute': 'its directory is absolute',
  interpreter: 'the interpreter has its full path',
  'once-added': '--once ends each run',
  'pass-added': 'the framework’s own flag ends each run',
  'log-added': 'its output goes to a log (cron sends no mail for it any more)',
  'log-kept': 'its log is kept',
  'null-replaced': 'its output goes to a log instead of /dev/null',
  'truncate-to-append': 'the log is kept from run to run',
  'stderr-added': 'errors go to the log too (cron sends no mail for them any more)',
  'background-removed': 'it runs in the foreground, so that the lock covers it',
  'nohup-removed': 'it runs in the foreground, so that the lock covers it',
  'pgrep-removed': 'the lock takes the place of the look with pgrep',
  'flock-kept': 'its own flock stays, in case another entry uses the same file',
  'pipe-kept': 'its output goes on through the pipe',
};

/** What a rewrite changed, in one line. */
export function noteLine(
  source: string,
  line: number,
  changed: readonly RewriteNote[],
  theme: Theme,
  width?: number,
): string {
  const text = `${source}, line ${line}: ${[...new Set(changed.map((note) => notes[note.code]))].join('; ')}.`;
  return hanging(text, 2, width)
    .map((row) => theme.dim(`  ${row}`))
    .join('\n');
}

/** The checklist, one line a check, with evidence for what did not pass. */
export function verdictLines(verdicts: readonly Verdict[], theme: Theme, verbose: boolean): string[] {
  const out: string[] = [];
  for (const worker of new Set(verdicts.map((v) => v.worker))) {
    out.push(theme.bold(worker === '' ? 'The server' : worker));
    for (const verdict of verdicts.filter((v) => v.worker === worker)) {
      const { expected, saw } = sayVerdict(verdict);
      const paint = {
        pass: theme.good,
        warn: theme.odd,
        fail: theme.bad,
        inconclusive: theme.odd,
        skip: theme.dim,
      }[verdict.is];
      out.push(`  ${paint(`${theme.mark[verdict.is]} ${verdict.is}`)}  ${expected}: ${saw}`);
      if (verbose || verdict.is === 'fail')
        out.push(...verdict.evidence.map((line) => theme.dim(`        ${safe(line)}`)));
    }
  }
  return out;
}

/** Deployments, newest first. */
export function historyLines(
  journals: readonly Journal[],
  fates: ReadonlyMap<string, Fate>,
  theme: Theme,
): string[] {
  if (journals.length === 0) return ['Nothing was deployed yet.'];
  return [...journals].reverse().map((journal) => {
    const { open } = journal;
    const fate = fates.get(open.id) ?? { is: 'unfinished' };
    const paint =
      fate.is === 'stands' ? theme.good : fate.is === 'unfinished' ? theme.bad : (text: string) => text;
    const word = paint(fate.by === undefined ? fate.is : `${fate.is} by ${fate.by}`);
    const what =
      open.command === 'deploy'
        ? open.plan.workers.map((w) => w.name || w.script).join(', ')
        : `${open.of} to ${open.to}`;
    return `${theme.bold(open.id)}  ${open.command}  ${word}  ${open.at.slice(0, 16).replace('T', ' ')} UTC by ${open.by.user}  ${what}`;
  });
}
