// The report of a watch as Markdown, for a ticket or a comment: the same tables as on the page, the charts in words.
import { hideSecrets } from '../command/secrets.ts';
import type { Summary, WorkerSummary } from '../monitor/summary.ts';
import { plain } from './planMarkdown.ts';
import { coursesOf, toldHoles } from './reportCourse.ts';
import { figuresTable, minutesTable } from './reportFigures.ts';
import {
  type Cell,
  coverageTable,
  criteriaTables,
  environmentTable,
  headline,
  incidentTable,
  nameOf,
  type ReportTable,
  unseen,
  utc,
} from './reportTables.ts';

/** Tickets take 65,536 letters; rows of minutes beyond this stand in the JSON form. */
const mostMinutes = 150;

/** The document. GitHub's and GitLab's Markdown alike. */
export function reportMarkdown(summary: Summary): string {
  const { workers, incidents, outcome } = summary;
  const [goals, others] = criteriaTables(summary);
  const several = workers.length > 1;
  const rows = workers.reduce((sum, { minutes }) => sum + minutes.length, 0);
  const of = (title: string, worker: WorkerSummary): string =>
    several ? `${title}: ${safe(nameOf(worker))}` : title;
  const missing = unseen(summary);
  return [
    `# The watch of ${safe(summary.host)}`,
    `**${safe(headline(summary))}** (exit ${outcome.exit})`,
    `${safe(workers.map(nameOf).join(', '))}; ${utc(summary.from)} to ${utc(summary.to)}. All times are UTC.`,
    '## Success criteria',
    tableMarkdown(goals),
    '### Also watched',
    tableMarkdown(others),
    '## Incidents',
    incidents.length === 0 ? 'None.' : tableMarkdown(incidentTable(summary)),
    ...workers.flatMap((worker) => [
      `## ${of('Figures', worker)}`,
      tableMarkdown(figuresTable(worker)),
      coursesOf(summary, worker)
        .map(({ title, told }) => `- ${safe(title)}: ${safe(told)}${toldHoles(summary)}`)
        .join('\n'),
      ...(rows <= mostMinutes
        ? [
            `<details><summary>${of('Minute by minute', worker)}</summary>`,
            tableMarkdown(minutesTable(worker)),
            '</details>',
          ]
        : ['The rows of each minute stand in the JSON form of this report.']),
    ]),
    '## Coverage, and what could not be seen',
    tableMarkdown(coverageTable(summary)),
    missing.length === 0 ? 'Nothing was left out.' : missing.map((one) => `- ${safe(one)}`).join('\n'),
    '## Environment',
    tableMarkdown(environmentTable(summary)),
    '',
  ].join('\n\n');
}

/** Text that stays text, without secrets and without signs that nobody sees. */
function safe(text: string): string {
  return plain(
    hideSecrets(text)
      .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
      .replace(/\p{Surrogate}/gu, '\ufffd'),
  );
}

function tableMarkdown({ columns, rows, note }: ReportTable): string {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    row(columns.map(safe)),
    row(columns.map(() => '---')),
    ...rows.map((cells) => row(cells.map(cellMarkdown))),
    ...(note === undefined ? [] : ['', safe(note)]),
  ].join('\n');
}

const signs: Readonly<Record<string, string>> = {
  pass: '✅',
  fail: '❌',
  violation: '❌',
  warn: '⚠️',
  warning: '⚠️',
  inconclusive: '❔',
};

function cellMarkdown(cell: Cell): string {
  if (typeof cell === 'string') return safe(cell);
  const sign = cell.is === undefined ? '' : `${signs[cell.is] ?? ''} `;
  return `${sign}${[cell.text, ...(cell.more ?? [])]
    .filter((line) => line !== '')
    .map(safe)
    .join('<br>')}`.trim();
}
