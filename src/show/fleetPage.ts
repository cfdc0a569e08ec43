// The report of many hosts as one HTML page that needs nothing from anywhere.
import { hideSecrets } from '../command/secrets.ts';
import type { FleetReport, HostFigures } from '../fleet/report.ts';
import { cells, columns, countLine, troubles } from './fleet.ts';

const style = `
:root { color-scheme: light dark; --line: #8886; --good: #176f2c; --bad: #b3261e; --odd: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --good: #6cc98a; --bad: #ff8a80; --odd: #f0b95c; } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .4rem .7rem; text-align: left; vertical-align: top; }
td.n { font-variant-numeric: tabular-nums; white-space: nowrap; }
ul { margin: .2rem 0; padding-left: 1.1rem; font-size: .9em; overflow-wrap: anywhere; }
.pass { color: var(--good); } .fail { color: var(--bad); font-weight: 700; } .inconclusive, .unwatched { color: var(--odd); }
.bar { height: .3rem; max-width: 9rem; background: #8883; margin-top: .3rem; }
.bar i { display: block; height: 100%; background: currentColor; }
footer { margin-top: 1.5rem; font-size: .85em; opacity: .8; }
`;

/** The page. Whatever a host has sent stands in it as text. */
export function fleetPage(report: FleetReport, version: string): string {
  const { from, to, hosts } = report;
  const time = from === undefined || to === undefined ? '' : `${from} to ${to}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>cronlatch: ${text(countLine(report))}</title>
<style>${style}</style>
</head>
<body>
<h1>The watch of ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}</h1>
<p><strong class="${report.outcome.is}">${text(countLine(report))}</strong>${time === '' ? '' : ` ${text(time)}`}</p>
<table>
<caption hidden>What each host came to, the worst first</caption>
<thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>
<tbody>
${hosts.map(row).join('\n')}
</tbody>
</table>
<footer>Peak: the most connections of an account in percent of its limit; the line not to be crossed is 60 %. Refusals: of the
database servers’ counters where they could be read, of anybody; else lines of the workers’ logs. Instances: the most of one
worker at once. cronlatch ${text(version)}</footer>
</body>
</html>
`;
}

function row(host: HostFigures): string {
  const [name = '', verdict = '', peak = '', ...rest] = cells(host);
  const said = troubles(host);
  const list = said.length === 0 ? '' : `<ul>${said.map((one) => `<li>${text(one)}</li>`).join('')}</ul>`;
  const percent = host.peak?.percent;
  const share = percent === undefined ? 0 : Math.min(100, Math.max(0, percent));
  const bar =
    percent === undefined
      ? ''
      : `<div class="bar ${percent < 60 ? 'pass' : 'fail'}"><i style="width:${share}%"></i></div>`;
  return `<tr><th scope="row">${text(name)}${list}</th><td class="${host.is}">${text(verdict)}</td><td class="n">${text(peak)}${bar}</td>${rest.map((cell) => `<td class="n">${text(cell)}</td>`).join('')}</tr>`;
}

function text(raw: string): string {
  return hideSecrets(raw).replace(
    /[&<>"'\x00-\x08\x0b-\x1f\x7f]/g,
    (c) => `&#${c.charCodeAt(0) < 32 || c === '\x7f' ? 65533 : c.charCodeAt(0)};`,
  );
}
