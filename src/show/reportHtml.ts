// The report of a watch as one HTML file: it loads nothing, runs nothing, prints, and can be sent to a customer.
import type { Summary, WorkerSummary } from '../monitor/summary.ts';
import type { Answer } from '../verify/verdict.ts';
import { type Lane, stepChart, timeline } from './reportChart.ts';
import { coursesOf, holesOf, lengthOf, toldHoles } from './reportCourse.ts';
import { figuresTable, minutesTable } from './reportFigures.ts';
import { escaped, foldedTable, mark, page, tableHtml } from './reportPage.ts';
import {
  coverageTable,
  criteriaTables,
  environmentTable,
  headline,
  incidentTable,
  nameOf,
  unseen,
  utc,
} from './reportTables.ts';
import { sayDuration } from './schedule.ts';

/** It is sent by mail: no larger than this, if it can be helped. */
const mostBytes = 150_000;
/** Minutes and columns that all workers share. */
const mostMinutes = 150;
const mostColumns = 1440;
/** Workers that are drawn: fewer where the file would get too large. The figures of all stand in the tables. */
const drawnAtMost = [8, 4, 2, 0];

/** The page. The same numbers stand in it as in the JSON form, save for those of series too long to print. */
export function reportHtml(summary: Summary): string {
  for (const drawn of drawnAtMost) {
    const html = drawing(summary, drawn);
    if (Buffer.byteLength(html) <= mostBytes) return html;
  }
  return drawing(summary, 0);
}

function drawing(summary: Summary, most: number): string {
  const { workers, outcome, seconds, host } = summary;
  const [goals, others] = criteriaTables(summary);
  const names = workers.map(nameOf).join(', ');
  const is = outcome.is;
  const body = `<header>
<p class="brand">cronlatch · report of a watch</p>
<h1>The watch of ${escaped(host)}</h1>
<p>${escaped(names)}</p>
<p class="soft">${utc(summary.from)} to ${utc(summary.to)} UTC, ${escaped(sayDuration(seconds.watched * 1000))}</p>
</header>
<main>
<div class="verdict ${is}"><span class="sign">${mark(is)}</span><p>${escaped(headline(summary))}</p></div>
${workers.map((worker) => tiles(summary, worker)).join('\n')}
<h2>Success criteria</h2>
${tableHtml(goals)}
<h3>Also watched</h3>
${tableHtml(others)}
<h2>Over time</h2>
${courses(summary, most)}
<h2>Incidents</h2>
${incidents(summary)}
<h2>Figures</h2>
${workers.map((worker) => figures(summary, worker)).join('\n')}
<h2>Coverage, and what could not be seen</h2>
${tableHtml(coverageTable(summary))}
${notSeen(summary)}
<h2>Environment</h2>
${tableHtml(environmentTable(summary))}
</main>
<footer>All times are UTC. Written by cronlatch ${escaped(summary.version)}; it ended with exit code ${outcome.exit}. The same numbers
stand in the JSON and the Markdown form of this report. This file loads nothing and runs no script.</footer>`;
  return page({ title: `${word(is)}: the watch of ${host}, ${utc(summary.from)} UTC`, body });
}

const word = (is: Summary['outcome']['is']): string =>
  ({ pass: 'No violation', fail: 'Violation', inconclusive: 'Not everything known' })[is];

function tiles(summary: Summary, worker: WorkerSummary): string {
  const answer = (check: string): Answer =>
    summary.criteria.find((one) => one.check === check && one.worker === worker.name)?.is ?? 'skip';
  const { instances, connections: use, refusals, ticks, runs, jobs } = worker;
  const tile = (name: string, check: string, big: string | number, sub: string): string => {
    const is = answer(check);
    const sign = is === 'skip' ? '' : `${mark(is)} `;
    return `<div><dt>${name}</dt><dd class="big ${is === 'skip' ? '' : is}">${sign}${escaped(String(big))}</dd><dd class="sub">${escaped(sub)}</dd></div>`;
  };
  const counted = refusals.low !== undefined && refusals.high !== undefined;
  const log = refusals.log === 'unknown' ? 'no log' : `${refusals.log} in the log`;
  const title = summary.workers.length > 1 ? `<h3>${escaped(nameOf(worker))}</h3>` : '';
  return `${title}<dl class="tiles">${[
    tile('Instances at once', 'single-instance', instances.most, 'at most; one is right'),
    use?.peak === undefined
      ? tile('Connections', 'database', '–', 'not counted')
      : tile(
          'Connections',
          'database',
          use.limit === undefined ? use.peak.value : `${use.peak.value} of ${use.limit.connections}`,
          use.share === undefined ? 'at most' : `at most: ${use.share} % of the limit`,
        ),
    counted
      ? tile(
          'Refusals',
          'refusals',
          refusals.low === refusals.high ? `${refusals.low}` : `${refusals.low}–${refusals.high}`,
          `by the server; ${log}`,
        )
      : tile('Refusals', 'refusals', refusals.log === 'unknown' ? '–' : refusals.log, log),
    tile('Ticks missed', 'ticks', ticks.missed, `of ${ticks.due} due, ${ticks.skipped} skipped`),
    runs?.share === undefined
      ? tile(
          'Longest run',
          'run-length',
          runs === undefined ? '–' : `${runs.longest} s`,
          runs === undefined ? 'no run was seen' : 'no interval known',
        )
      : tile('Longest run', 'run-length', `${runs.share} %`, `of the interval: ${runs.longest} s`),
    jobs?.done === undefined
      ? tile('Jobs', 'jobs', '–', 'not counted')
      : tile('Jobs done', 'jobs', jobs.done, `${jobs.perMinute ?? 0} a minute, ${jobs.after.pending} wait`),
  ].join('')}</dl>`;
}

function courses(summary: Summary, most: number): string {
  const { workers } = summary;
  const drawn = workers.slice(0, most);
  const columns = Math.min(720, Math.floor(mostColumns / Math.max(1, drawn.length)));
  const left = workers.length - drawn.length;
  return [
    ...drawn.map((worker, at) => {
      const title = workers.length > 1 ? `<h3>${escaped(nameOf(worker))}</h3>\n` : '';
      const charts = coursesOf(summary, worker).map((course, n) =>
        stepChart({ ...course, told: `${course.told}${toldHoles(summary)}`, id: `c${at}-${n}`, columns }),
      );
      return `${title}${charts.join('\n')}`;
    }),
    ...(left === 0
      ? []
      : [
          `<p class="note">${left === workers.length ? left : `${left} more`} workers are not drawn; their figures stand below.</p>`,
        ]),
  ].join('\n');
}

function incidents(summary: Summary): string {
  if (summary.incidents.length === 0) return '<p class="card">No incidents.</p>';
  const violations = summary.incidents.filter(({ level }) => level === 'violation').length;
  return `${timeline({
    begins: Date.parse(summary.from),
    seconds: lengthOf(summary),
    gaps: holesOf(summary),
    told: `${summary.incidents.length} incidents, ${violations} of them violations; the table below lists them.`,
    lanes: lanesOf(summary),
  })}
${tableHtml(incidentTable(summary))}`;
}

const kinds: Readonly<Record<Summary['incidents'][number]['kind'], string>> = {
  'two-instances': 'several instances at once',
  lockless: 'an instance without the lock',
  refused: 'connections refused',
  full: 'the account is full',
  'too-high': 'connections above the 60 % line',
  'missed-tick': 'a tick was missed',
  'long-run': 'a run longer than the interval',
  stalled: 'a run without progress',
  'lock-left': 'a lock held by nobody that runs',
  errors: 'errors in the log',
  'jobs-stuck': 'jobs stuck',
  backlog: 'the backlog grows',
  unreachable: 'the database cannot be asked',
  'no-cron': 'no cron runs',
  gap: 'nobody watched',
};

function lanesOf({ incidents, workers, seconds }: Summary): Lane[] {
  const lanes = new Map<string, Lane['bars'][number][]>();
  for (const { kind, name, second, lasted, level } of incidents) {
    const whose = workers.length > 1 && name !== '' ? `${name}: ` : '';
    const lane = `${whose}${kinds[kind]}`;
    const bar = { from: second, to: lasted === undefined ? seconds.watched : second + lasted, level };
    lanes.set(lane, [...(lanes.get(lane) ?? []), bar]);
  }
  return [...lanes].slice(0, 24).map(([name, bars]) => ({ name, bars }));
}

function figures(summary: Summary, worker: WorkerSummary): string {
  const several = summary.workers.length > 1;
  const rows = summary.workers.reduce((sum, { minutes }) => sum + minutes.length, 0);
  const minutes =
    rows <= mostMinutes
      ? foldedTable({
          ...minutesTable(worker),
          title: several ? `Minute by minute: ${nameOf(worker)}` : 'Minute by minute',
        })
      : '<p class="note">The rows of each minute stand in the JSON form of this report.</p>';
  const table = figuresTable(worker);
  return `${tableHtml(several ? { ...table, title: nameOf(worker) } : table, several ? 'shown' : 'hidden')}
${minutes}`;
}

function notSeen(summary: Summary): string {
  const list = unseen(summary);
  return list.length === 0
    ? '<p class="card">Nothing was left out.</p>'
    : `<div class="card"><h3>Not seen</h3><ul>${list.map((one) => `<li>${escaped(one)}</li>`).join('')}</ul></div>`;
}
