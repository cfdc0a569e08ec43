// One report of many hosts: for each its peak, refusals, most instances, jobs and verdict, the worst first.
import type { SaidIncident, WorkerSummary } from '../monitor/summary.ts';
import type { Verdict } from '../verify/verdict.ts';
import type { HostResult, HostWatch } from './results.ts';

const fleetSchema = 1;

export interface HostFigures {
  readonly host: string;
  /** 'unwatched': no watch of it could be collected. */
  readonly is: 'pass' | 'fail' | 'inconclusive' | 'unwatched';
  readonly because?: string;
  readonly watch?: Pick<HostWatch, 'id' | 'version' | 'from' | 'to' | 'ended' | 'seconds'>;
  readonly workers: number;
  /** The highest share of a limit on the host, else the most connections where no limit is known. */
  readonly peak?: {
    readonly percent?: number;
    readonly connections: number;
    readonly limit?: number;
    readonly worker: string;
  };
  readonly refusals?: {
    /** Lines in the logs of its workers; 'unknown' where one has no log. */
    readonly log: number | 'unknown';
    /** By the servers' counters, of anybody; absent when none was read twice. */
    readonly low?: number;
    readonly high?: number;
  };
  readonly instances?: { readonly most: number; readonly worker: string };
  readonly jobsPerMinute?: number;
  readonly ticksMissed?: number;
  /** Criteria that failed or could not be measured. */
  readonly open: readonly Verdict[];
  readonly firstViolation?: SaidIncident;
}

export interface FleetReport {
  readonly schema: typeof fleetSchema;
  readonly from?: string;
  readonly to?: string;
  readonly counts: Readonly<Record<HostFigures['is'] | 'hosts', number>>;
  readonly hosts: readonly HostFigures[];
  readonly outcome: { readonly is: 'pass' | 'fail' | 'inconclusive'; readonly exit: 0 | 3 | 6 };
}

const order: readonly HostFigures['is'][] = ['fail', 'unwatched', 'inconclusive', 'pass'];

/** The report of these results. A host that was not watched leaves it open, as one that could not be measured does. */
export function fleetReport(results: readonly HostResult[]): FleetReport {
  const hosts = results
    .map(figuresOf)
    .sort(
      (a, b) =>
        order.indexOf(a.is) - order.indexOf(b.is) ||
        (b.peak?.percent ?? -1) - (a.peak?.percent ?? -1) ||
        (a.host < b.host ? -1 : 1),
    );
  const count = (is: HostFigures['is']): number => hosts.filter((one) => one.is === is).length;
  const counts = {
    hosts: hosts.length,
    pass: count('pass'),
    fail: count('fail'),
    inconclusive: count('inconclusive'),
    unwatched: count('unwatched'),
  };
  const froms = hosts.flatMap(({ watch }) => (watch === undefined ? [] : [watch.from])).sort();
  const tos = hosts.flatMap(({ watch }) => (watch === undefined ? [] : [watch.to])).sort();
  const [from] = froms;
  const to = tos.at(-1);
  return {
    schema: fleetSchema,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    counts,
    hosts,
    outcome:
      counts.fail > 0
        ? { is: 'fail', exit: 3 }
        : counts.pass === counts.hosts && counts.hosts > 0
          ? { is: 'pass', exit: 0 }
          : { is: 'inconclusive', exit: 6 },
  };
}

function figuresOf(result: HostResult): HostFigures {
  const { host } = result;
  if (result.is === 'unwatched')
    return { host, is: 'unwatched', because: result.because, workers: 0, open: [] };
  const { watch } = result;
  const { id, version, from, to, ended, seconds, workers } = watch;
  const peak = peakOf(workers);
  const most = workers.reduce<WorkerSummary | undefined>(
    (top, one) => (top === undefined || one.instances.most > top.instances.most ? one : top),
    undefined,
  );
  const rate = jobsOf(workers);
  const violation = watch.incidents.find(({ level }) => level === 'violation');
  return {
    host,
    is: watch.outcome.is,
    watch: { id, version, from, to, ended, seconds },
    workers: workers.length,
    ...(peak === undefined ? {} : { peak }),
    refusals: refusalsOf(workers),
    ...(most === undefined ? {} : { instances: { most: most.instances.most, worker: most.name } }),
    ...(rate === undefined ? {} : { jobsPerMinute: rate }),
    ticksMissed: sum(workers.map(({ ticks }) => ticks.missed)),
    open: watch.criteria.filter(({ is }) => is === 'fail' || is === 'inconclusive'),
    ...(violation === undefined ? {} : { firstViolation: violation }),
  };
}

function peakOf(workers: readonly WorkerSummary[]): HostFigures['peak'] {
  const peaks = workers.flatMap(({ name, connections: use }) =>
    use?.peak === undefined
      ? []
      : [
          {
            ...(use.share === undefined ? {} : { percent: use.share }),
            connections: use.peak.value,
            ...(use.limit === undefined ? {} : { limit: use.limit.connections }),
            worker: name,
          },
        ],
  );
  return peaks.sort((a, b) => (b.percent ?? -1) - (a.percent ?? -1) || b.connections - a.connections)[0];
}

/** Counters are a server's: workers with one database see the same ones, so the highest stands for all. */
function refusalsOf(workers: readonly WorkerSummary[]): NonNullable<HostFigures['refusals']> {
  const logs = workers.map(({ refusals }) => refusals.log);
  const counted = workers.flatMap(({ refusals: { low, high, full = 0 } }) =>
    low === undefined || high === undefined ? [] : [{ low: low + full, high: high + full }],
  );
  return {
    log: logs.includes('unknown') ? 'unknown' : sum(logs as number[]),
    ...(counted.length === 0
      ? {}
      : {
          low: Math.max(...counted.map(({ low }) => low)),
          high: Math.max(...counted.map(({ high }) => high)),
        }),
  };
}

/** Workers of one account look at the same table: the highest of them stands for it. */
function jobsOf(workers: readonly WorkerSummary[]): number | undefined {
  const rates = new Map<string, number>();
  for (const { name, connections, jobs } of workers) {
    if (jobs?.perMinute === undefined) continue;
    const table = connections?.account ?? name;
    rates.set(table, Math.max(rates.get(table) ?? 0, jobs.perMinute));
  }
  return rates.size === 0 ? undefined : Math.round(sum([...rates.values()]) * 10) / 10;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
