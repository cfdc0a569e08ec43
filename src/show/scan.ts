// The scan as text: each line with its findings, a mark under the very spot, the sentence and the fix.
import { readable } from '../change/encode.ts';
import type { Crontab } from '../crontab/crontab.ts';
import { columnsOf, lineText } from '../survey/columns.ts';
import type { EntryFacts, Facts, Finding } from '../survey/facts.ts';
import type { Reported } from '../survey/reported.ts';
import { sayFinding } from './findings.ts';
import { sayEntry } from './schedule.ts';
import { excerpt, markUnder, type Snippet, snippetOf, wrap } from './snippet.ts';
import type { Theme } from './theme.ts';

export interface Look {
  readonly theme: Theme;
  /** Columns of the terminal; undefined where the output is none, and nothing is cut or wrapped. */
  readonly width: number | undefined;
  readonly verbose: boolean;
}

/** The scan as text: crontabs with their entries, line by line as they stand. */
export function scanLines(
  facts: Facts,
  reported: readonly Reported[],
  rest: readonly Finding[],
  look: Look,
): string[] {
  const { theme } = look;
  const out: string[] = [];
  let workers = 0;
  for (const one of reported) {
    // Not spread: a call takes no more than some hundred thousand arguments.
    for (const line of crontabLines(one, look)) out.push(line);
    out.push('');
    workers += one.crontab.entries.filter((entry) => entry.job !== 'none').length;
  }
  out.push(...rest.flatMap((finding) => sayLines(finding, look, '  ')));
  if (facts.crontabs.length === 0) out.push('No crontab found.');
  out.push(...unseenLines(facts, theme));
  out.push(...pleskLines(facts, theme));
  out.push(...leftOutLines(reported, theme));
  out.push(
    `${count(workers, 'worker', 'workers')} in ${count(facts.crontabs.length, 'crontab', 'crontabs')}. ${workers > 0 ? 'To see what deploy would do, say deploy --dry-run instead of scan' : ''}`.trimEnd(),
  );
  return out;
}

/** What this user may not see. */
export function unseenLines({ unseen }: Pick<Facts, 'unseen'>, theme: Theme): string[] {
  return unseen.map((one) =>
    theme.dim(
      one === 'other-users'
        ? 'Not seen: crontabs of other users (run as root to see them).'
        : `Not seen: ${one} (a symbolic link, or closed to this user; cron may read it all the same).`,
    ),
  );
}

function crontabLines(reported: Reported, look: Look): string[] {
  const { theme, verbose } = look;
  const { crontab, byLine } = reported;
  const shown = crontab.entries.filter(
    (entry) =>
      verbose ||
      byLine.get(entry.line)?.some((finding) => finding.level !== 'note') ||
      entry.reading.is === 'worker' ||
      entry.reading.why !== 'no-worker',
  );
  const out = [
    theme.bold(
      `${crontab.name}  (${count(crontab.entries.length, 'entry', 'entries')}, read as ${crontab.dialect}'s cron does)`,
    ),
    ...(byLine.get(0) ?? []).flatMap((finding) => sayLines(finding, look, '  ')),
  ];
  const entries = new Map(shown.map((entry) => [entry.line, entry]));
  const all = new Set(crontab.entries.map((entry) => entry.line));
  const lines = [...byLine.keys()].filter((line) => line > 0 && !all.has(line));
  for (const line of [...lines, ...entries.keys()].sort((a, b) => a - b)) {
    const entry = entries.get(line);
    const findings = byLine.get(line) ?? [];
    out.push(
      headLine(reported, line, entry, findings, theme),
      ...spotLines(reported, line, entry, findings, look),
    );
  }
  const hidden = crontab.entries.length - shown.length;
  if (hidden > 0)
    out.push(
      theme.dim(
        `  ${count(hidden, 'other entry starts', 'other entries start')} no PHP or Node script (--verbose shows them)`,
      ),
    );
  if (verbose)
    for (const { finding, reason, by } of reported.suppressed)
      out.push(
        theme.dim(
          `  suppressed  line ${finding.where?.line ?? 0}: ${sayFinding(finding).what} [${finding.code}], by line ${by}: ${reason}`,
        ),
      );
  return out;
}

function headLine(
  { crontab }: Reported,
  line: number,
  entry: EntryFacts | undefined,
  findings: readonly Finding[],
  theme: Theme,
): string {
  const mark = findings.some((f) => f.level === 'stop')
    ? theme.bad(theme.mark.fail)
    : findings.some((f) => f.level === 'warn')
      ? theme.odd(theme.mark.warn)
      : theme.good(theme.mark.pass);
  if (entry === undefined) return `  ${mark} line ${line}`;
  const { start, end } = entry.entry.scheduleSpan;
  const written = readable(crontab.crontab.text.slice(start, end));
  const user = entry.user ? theme.dim(` as ${entry.user}`) : '';
  return `  ${mark} line ${line}  ${theme.bold(sayEntry(entry.entry, written))}${user}`;
}

const INDENT = '      ';

/** The line itself, then its findings from left to right, each below its mark; those about all of it come last. */
function spotLines(
  { crontab }: Reported,
  line: number,
  entry: EntryFacts | undefined,
  findings: readonly Finding[],
  look: Look,
): string[] {
  const { text } = crontab.crontab;
  const at = entry?.entry.span.start ?? crontab.crontab.lines.find((l) => l.number === line)?.span.start ?? 0;
  const snippet = snippetOf(readable(lineText(text, at).bytes), look.theme.unicode);
  // Findings about the whole command: no mark is drawn under all of it.
  const whole = entry === undefined ? '' : commandSpot(crontab.crontab, entry);
  const spots = findings
    .filter((finding) => hasSpot(finding) && spotOf(finding) !== whole)
    .sort((a, b) => (a.where?.column ?? 0) - (b.where?.column ?? 0));
  const room = look.width === undefined ? undefined : look.width - INDENT.length;
  const fits = room === undefined || (snippet.columns.at(-1) ?? 0) <= room;
  const out = fits || spots.length === 0 ? [`${INDENT}${cut(snippet, room)}`] : [];
  let last = '';
  for (const finding of spots) {
    if (spotOf(finding) !== last) out.push(...spotLine(snippet, finding, room, fits, look.theme));
    last = spotOf(finding);
    out.push(...sayLines(finding, look, INDENT));
  }
  const others = findings.filter((finding) => !spots.includes(finding));
  return [...out, ...others.flatMap((finding) => sayLines(finding, look, INDENT))];
}

const hasSpot = ({ where }: Finding): boolean => where?.column !== undefined && where.endColumn !== undefined;
const spotOf = ({ where }: Finding): string => `${where?.column} ${where?.endColumn}`;

function commandSpot(crontab: Crontab, { entry }: EntryFacts): string {
  const { column, endColumn } = columnsOf(crontab, entry.commandSpan);
  return `${column} ${endColumn}`;
}

function cut(snippet: Snippet, room: number | undefined): string {
  return room === undefined ? snippet.text : excerpt(snippet.text, '^', room).line;
}

function spotLine(
  snippet: Snippet,
  { where, level }: Finding,
  room: number | undefined,
  fits: boolean,
  theme: Theme,
): string[] {
  const mark = markUnder(snippet, where?.column ?? 1, where?.endColumn ?? 1);
  const paint = paintOf(level, theme);
  if (fits || room === undefined) return [`${INDENT}${paint(mark)}`];
  // A line wider than the terminal is shown again around each spot.
  const part = excerpt(snippet.text, mark, room);
  return [`${INDENT}${part.line}`, `${INDENT}${paint(part.mark)}`];
}

function paintOf(level: Finding['level'], theme: Theme): (text: string) => string {
  return level === 'stop' ? theme.bad : level === 'warn' ? theme.odd : theme.dim;
}

/** Level, sentence, code; the fix below. */
function sayLines(finding: Finding, { theme, width }: Look, indent: string): string[] {
  const { what, fix } = sayFinding(finding);
  const inner = `${indent}      `;
  const level = paintOf(finding.level, theme)(finding.level);
  if (width === undefined) {
    const head = `${indent}${level}  ${what}  ${theme.dim(`[${finding.code}]`)}`;
    return fix === undefined ? [head] : [head, `${inner}${theme.mark.arrow} ${fix}`];
  }
  const room = Math.max(30, width - inner.length);
  const [first = '', ...more] = wrap(`${what}  [${finding.code}]`, room);
  const code = (text: string): string => text.replace(/\[[a-z0-9-]+\]$/, (found) => theme.dim(found));
  const out = [`${indent}${level}  ${code(first)}`, ...more.map((line) => `${inner}${code(line)}`)];
  if (fix === undefined) return out;
  const [head = '', ...tail] = wrap(fix, room - 3);
  return [...out, `${inner}${theme.mark.arrow} ${head}`, ...tail.map((line) => `${inner}  ${line}`)];
}

/** What the panel said, and what it did not say or not to this user. */
function pleskLines({ plesk }: Facts, theme: Theme): string[] {
  if (plesk === 'none') return [];
  if (plesk.is === 'closed')
    return [
      theme.dim(
        'Not seen: Plesk’s scheduled tasks, sites and PHP handlers (its program answers root alone). What is changed here, the next save in the panel may change back: deploy --print DIR says what to enter there.',
      ),
    ];
  const product = plesk.version === 'unknown' ? 'Plesk' : plesk.version;
  const told = `${product}: ${count(plesk.sites, 'site', 'sites')}, ${count(plesk.tasks, 'task', 'tasks')}.`;
  return [theme.dim(told), ...plesk.gaps.map((gap) => theme.dim(`Not seen: ${gap.asked} (${gap.said}).`))];
}

/** Nothing is left out in silence. */
function leftOutLines(reported: readonly Reported[], theme: Theme): string[] {
  const suppressed = reported.reduce((sum, one) => sum + one.suppressed.length, 0);
  const leftOut = reported.reduce((sum, one) => sum + one.leftOut, 0);
  return [
    ...(suppressed > 0
      ? [
          theme.dim(
            `${count(suppressed, 'finding is', 'findings are')} suppressed by comments (--verbose lists them).`,
          ),
        ]
      : []),
    ...(leftOut > 0
      ? [theme.dim(`${count(leftOut, 'finding is', 'findings are')} left out by --only or --ignore.`)]
      : []),
  ];
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
