// A watch as metrics for the textfile collector of Prometheus' node_exporter (PMM reads the same form).
import type { Summary, WorkerSummary } from '../monitor/summary.ts';

interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly values: (
    worker: WorkerSummary,
    summary: Summary,
  ) => readonly (readonly [labels: string, value: number])[];
}

const one = (value: number | null | undefined): readonly (readonly [string, number])[] =>
  value === undefined || value === null ? [] : [['', value]];

const metrics: readonly Metric[] = [
  {
    name: 'worker_db_connections',
    type: 'gauge',
    help: 'Database connections of the account at the last look.',
    values: ({ series }) => one(series.connections.at(-1)?.[1]),
  },
  {
    name: 'worker_db_connections_limit',
    type: 'gauge',
    help: 'Connections the account may have.',
    values: ({ connections }) => one(connections?.limit?.connections),
  },
  {
    name: 'worker_db_connections_peak',
    type: 'gauge',
    help: 'Most connections of the account since the watch began.',
    values: ({ connections }) => one(connections?.peak?.value),
  },
  {
    name: 'worker_connect_refused_total',
    type: 'counter',
    help: 'Refused connections since the watch began: lines of the log, and lower and upper bound by the counters of the whole server.',
    values: ({ refusals }) => [
      ...(refusals.log === 'unknown' ? [] : [['by="log"', refusals.log] as const]),
      ...(refusals.low === undefined
        ? []
        : [['by="counter_low"', refusals.low + (refusals.full ?? 0)] as const]),
      ...(refusals.high === undefined
        ? []
        : [['by="counter_high"', refusals.high + (refusals.full ?? 0)] as const]),
    ],
  },
  {
    name: 'worker_instances',
    type: 'gauge',
    help: 'Instances that run.',
    values: ({ series }) => one(series.instances.at(-1)?.[1]),
  },
  {
    name: 'worker_instances_peak',
    type: 'gauge',
    help: 'Most instances at one time since the watch began.',
    values: ({ instances }) => one(instances.most),
  },
  {
    name: 'worker_ticks_missed_total',
    type: 'counter',
    help: 'Runs that were due and did not begin.',
    values: ({ ticks }) => one(ticks.missed),
  },
  {
    name: 'worker_jobs',
    type: 'gauge',
    help: 'Jobs in the table, by their state.',
    values: ({ jobs }) =>
      jobs === undefined
        ? []
        : (['pending', 'processing', 'done', 'failed', 'stuck'] as const).flatMap((status) =>
            one(jobs.after[status]).map(([, value]) => [`status="${status}"`, value] as const),
          ),
  },
  {
    name: 'worker_last_success_timestamp_seconds',
    type: 'gauge',
    help: 'When the last run ended by itself.',
    values: ({ lastEnd }) => one(lastEnd === undefined ? undefined : Date.parse(lastEnd) / 1000),
  },
  {
    name: 'worker_verify_ok',
    type: 'gauge',
    help: '1 when every criterion is met so far, 0 when one is not, absent while that is open.',
    values: (worker, { criteria }) => {
      const mine = criteria.filter((verdict) => verdict.worker === worker.name);
      if (mine.some(({ is }) => is === 'fail')) return one(0);
      return mine.some(({ is }) => is === 'inconclusive') ? [] : one(1);
    },
  },
];

/** The text of the file; a metric nobody knows a value of is left out whole. */
export function metricsText(summary: Summary): string {
  const lines = metrics.flatMap(({ name, type, help, values }) => {
    const found = summary.workers.flatMap((worker) =>
      values(worker, summary).map(([labels, value]) => {
        const all = [
          `worker="${escaped(worker.name || worker.script)}"`,
          `user="${escaped(worker.user)}"`,
          labels,
        ];
        return `${name}{${all.filter((label) => label !== '').join(',')}} ${value}`;
      }),
    );
    return found.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...found];
  });
  return `${lines.join('\n')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
