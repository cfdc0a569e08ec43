// The report of many hosts as text: a table with the worst first, and what is wrong with each.
import type { FleetReport, HostFigures } from '../fleet/report.ts';
import { sayCriterion } from './criteria.ts';
import { sayIncident } from './incidents.ts';
import type { Theme } from './theme.ts';

const verdictWords: Readonly<Record<HostFigures['is'], string>> = {
  pass: 'pass',
  fail: 'FAIL',
  inconclusive: 'open',
  unwatched: 'not watched',
};

export const columns = ['host', 'verdict', 'peak', 'refusals', 'instances', 'jobs/min'] as const;

/** The figures of a host as they stand in the table, in the order of the columns. */
export function cells(host: HostFigures): readonly string[] {
  const { peak, refusals, instances, jobsPerMinute } = host;
  return [
    host.host,
    verdictWords[host.is],
    peak === undefined
      ? '-'
      : peak.percent === undefined
        ? `${peak.connections}, no limit known`
        : `${peak.percent} % (${peak.connections} of ${peak.limit})`,
    refusals === undefined ? '-' : sayRefusals(refusals),
    instances === undefined ? '-' : String(instances.most),
    jobsPerMinute === undefined ? '-' : String(jobsPerMinute),
  ];
}

function sayRefusals({ log, low, high }: NonNullable<HostFigures['refusals']>): string {
  if (low === undefined || high === undefined)
    return log === 'unknown' ? 'unknown' : log === 0 ? '0 in the log' : `${log} in the log`;
  const counted = low === high ? String(low) : `${low} to ${high}`;
  return log === 'unknown' || log === 0 ? counted : `${counted}, ${log} in the log`;
}

/** What is wrong with a host, a line each: what failed, what could not be told, the first violation. */
export function troubles(host: HostFigures): readonly string[] {
  const { because, open, firstViolation: first } = host;
  return [
    ...(because === undefined ? [] : [because]),
    ...open.map((one) => {
      const { expected, saw } = said(() => sayCriterion(one), { expected: one.check, saw: one.because });
      const whose = one.worker === '' ? '' : `${one.worker}: `;
      return `${whose}${expected}: ${one.is === 'fail' ? '' : 'not measured, '}${saw}`;
    }),
    ...(first === undefined
      ? []
      : [
          `first violation at ${first.at}${first.name === '' ? '' : `, ${first.name}`}: ${said(() => sayIncident(first), first.kind)}`,
        ]),
  ];
}

/** A host may have another version, with words that this one does not know. */
function said<T>(say: () => T, otherwise: T): T {
  try {
    return say();
  } catch {
    return otherwise;
  }
}

/** "12 hosts: 10 pass, 1 FAIL, 1 not watched." */
export function countLine({ counts }: FleetReport): string {
  const parts = (['pass', 'fail', 'inconclusive', 'unwatched'] as const)
    .filter((is) => counts[is] > 0)
    .map((is) => `${counts[is]} ${verdictWords[is]}`);
  return `${counts.hosts} ${counts.hosts === 1 ? 'host' : 'hosts'}: ${parts.join(', ')}.`;
}

/** The whole report for a terminal. */
export function fleetLines(report: FleetReport, theme: Theme): string[] {
  const rows = [columns, ...report.hosts.map(cells)];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const paint = { pass: theme.good, fail: theme.bad, inconclusive: theme.odd, unwatched: theme.odd };
  return [
    theme.bold(line(columns)),
    ...report.hosts.flatMap((host) => [
      paint[host.is](line(cells(host))),
      ...troubles(host).map((text) => `    ${text}`),
    ]),
    '',
    theme.bold(countLine(report)),
  ];
}
