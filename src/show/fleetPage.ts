// The report of many hosts as one HTML page that needs nothing from anywhere.
import type { FleetReport, HostFigures } from '../fleet/report.ts';
import { cells, columns, countLine, troubles } from './fleet.ts';
import { escaped, mark, page, tableHtml } from './reportPage.ts';
import type { Cell } from './reportTables.ts';

/** The page. Whatever a host has sent stands in it as text. */
export function fleetPage(report: FleetReport, version: string): string {
  const { from, to, hosts, outcome } = report;
  const time =
    from === undefined || to === undefined ? '' : `<p class="soft">${escaped(`${from} to ${to}`)}</p>\n`;
  const title = `The watch of ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}`;
  const body = `<header>
<p class="brand">cronlatch · report of many hosts</p>
<h1>${title}</h1>
${time}</header>
<main>
<div class="verdict ${outcome.is}"><span class="sign">${mark(outcome.is)}</span><p>${escaped(countLine(report))}</p></div>
${tableHtml({ title: 'What each host came to, the worst first', columns, rows: hosts.map(row), narrow: [1, 2, 3, 4, 5] })}
</main>
<footer>Peak: the most connections of an account in percent of its limit; the line not to be crossed is 60 %. Refusals: of the
database servers’ counters where they could be read, of anybody; else lines of the workers’ logs. Instances: the most of one
worker at once. cronlatch ${escaped(version)}</footer>`;
  return page({ title: `cronlatch: ${countLine(report)}`, body });
}

function row(host: HostFigures): readonly Cell[] {
  const [name = '', verdict = '', peak = '', ...rest] = cells(host);
  const percent = host.peak?.percent;
  return [
    { text: name, more: troubles(host) },
    { text: verdict, is: host.is === 'unwatched' ? 'inconclusive' : host.is },
    percent === undefined ? peak : { text: peak, bar: percent },
    ...rest,
  ];
}
