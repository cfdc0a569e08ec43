// What a watch came to as tables of plain text: the page and the Markdown are made of these, so that they say the same.
import type { SaidIncident, Summary, WorkerSummary } from '../monitor/summary.ts';
import type { Answer, Verdict } from '../verify/verdict.ts';
import { sayCriterion } from './criteria.ts';
import { sayIncident } from './incidents.ts';
import { sayDuration } from './schedule.ts';

/** A cell is a text; with a mark it says how good that is; `more` are lines of less weight below it, `bar` is a percentage. */
export type Cell =
  | string
  | {
      readonly text: string;
      readonly is?: Answer | 'violation' | 'warning';
      readonly more?: readonly string[];
      readonly bar?: number;
    };

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** Columns of short words of ours, which are not broken where there is room. */
  readonly narrow?: readonly number[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Cell[])[];
  /** What stands below it, where it does not say all. */
  readonly note?: string;
}

/** A report is sent by mail and put into tickets: of more incidents than this the rest stands in the JSON form. */
const mostIncidents = 60;
/** Lines of evidence in a cell, and letters of a line. */
const mostLines = 6;
const mostLetters = 240;

interface Goal {
  readonly said: string;
  readonly checks: readonly string[];
}

/** When the repair counts as a success. */
const goals: readonly Goal[] = [
  { said: 'Only one instance runs at any time', checks: ['single-instance', 'second-refused'] },
  { said: 'No refused database connections (max_user_connections)', checks: ['refusals'] },
  { said: 'Database connections are stable, below 60 % of the limit', checks: ['database'] },
  { said: 'Jobs are processed', checks: ['jobs'] },
  { said: 'The lock is taken and given back', checks: ['lock-held', 'lock-free'] },
  { said: 'A stale lock blocks nobody', checks: ['stale-recovered'] },
];
const worstFirst: readonly Answer[] = ['fail', 'inconclusive', 'warn', 'pass', 'skip'];

/** A time of day and the day, in UTC as all of the report. */
export function utc(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

/** Seconds as they stand in the JSON, and in words where those are easier. */
export function inSeconds(value: number): string {
  return value < 120 ? `${value} s` : `${value} s (${sayDuration(value * 1000)})`;
}

/** The name of a worker, also where it has none. */
export const nameOf = ({ name, script }: { readonly name: string; readonly script: string }): string =>
  name || script;

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function cut(line: string): string {
  return line.length > mostLetters ? `${line.slice(0, mostLetters)}…` : line;
}

function evidenceOf(args: Readonly<Record<string, string | number>>, lines: readonly string[]): string[] {
  const measured = Object.entries(args).map(([name, value]) => `${name} ${value}`);
  const once = [...new Set(lines)].map((line) => (instant.test(line) ? `${utc(line)} UTC` : line));
  const kept = once.slice(0, mostLines).map(cut);
  const rest = once.length > mostLines ? [`and ${once.length - mostLines} more`] : [];
  return [...(measured.length === 0 ? [] : [measured.join(', ')]), ...kept, ...rest];
}

/** The success criteria, and what else was watched. */
export function criteriaTables(summary: Summary): readonly [goals: ReportTable, others: ReportTable] {
  const several = summary.workers.length > 1;
  const columns = ['Criterion', 'Result', 'What was seen', 'Evidence'];
  const whose = (text: string, worker: string): Cell =>
    several && worker !== '' ? { text, more: [worker] } : text;
  const known = new Set(goals.flatMap(({ checks }) => checks));
  return [
    {
      title: 'Success criteria',
      columns,
      rows: summary.workers.flatMap((worker) =>
        goals.map(({ said, checks }) => {
          const mine = summary.criteria.filter(
            (one) => one.worker === worker.name && checks.includes(one.check),
          );
          const is = worstFirst.find((answer) => mine.some((one) => one.is === answer)) ?? 'skip';
          return [
            whose(said, nameOf(worker)),
            { text: answerWord(is), is },
            mine.length === 0
              ? worker.lock === undefined
                ? 'skipped: deployed without a guard'
                : 'not tried in this watch'
              : saidTogether(mine),
            {
              text: '',
              more: [...new Set(mine.flatMap(({ args, evidence }) => evidenceOf(args, evidence)))],
            },
          ];
        }),
      ),
    },
    {
      title: 'Also watched',
      columns,
      rows: summary.criteria.filter(({ check }) => !known.has(check)).map((one) => verdictRow(one, whose)),
    },
  ];
}

/** Where one row speaks for several checks each says what it is about, unless they say the same. */
function saidTogether(several: readonly Verdict[]): string {
  const said = several.map(sayCriterion);
  const texts = [...new Set(said.map(({ saw }) => saw))];
  return texts.length === 1
    ? texts.join('')
    : said.map(({ expected, saw }) => `${expected}: ${saw}`).join('; ');
}

function verdictRow(one: Verdict, whose: (text: string, worker: string) => Cell): readonly Cell[] {
  const { expected, saw } = sayCriterion(one);
  return [
    whose(capital(expected), one.worker),
    { text: answerWord(one.is), is: one.is },
    saw,
    { text: '', more: evidenceOf(one.args, one.evidence) },
  ];
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** An answer as people say it. */
function answerWord(is: Answer): string {
  return {
    pass: 'met',
    warn: 'warning',
    fail: 'not met',
    inconclusive: 'not known',
    skip: 'not tested',
  }[is];
}

/** The incidents, in the order in which they were noticed; violations are kept first where there are very many. */
export function incidentTable({ incidents, workers }: Summary): ReportTable {
  const kept = new Set(
    [...incidents].sort((a, b) => rank(a) - rank(b) || a.number - b.number).slice(0, mostIncidents),
  );
  const left = incidents.length - kept.size;
  return {
    title: 'Incidents',
    columns: ['No.', 'Time (UTC)', 'Level', 'What happened', 'Lasted', 'Evidence'],
    narrow: [0, 1, 2, 4],
    rows: incidents
      .filter((one) => kept.has(one))
      .map((one) => [
        String(one.number),
        { text: utc(one.at), more: [`second ${one.second}`] },
        { text: one.level, is: one.level },
        { text: sayIncident(one), more: whoseIncident(one, workers) },
        one.lasted === undefined ? 'to the end' : one.lasted === 0 ? '0 s' : inSeconds(one.lasted),
        {
          text: '',
          more: [
            ...(one.pids.length > 8 ? [cut(`PID ${one.pids.join(', ')}`)] : []),
            ...evidenceOf(one.args, one.evidence),
          ],
        },
      ]),
    ...(left === 0 ? {} : { note: `${left} more incidents stand in the JSON form of this report.` }),
  };
}

const rank = ({ level }: SaidIncident): number => (level === 'violation' ? 0 : 1);
const whoseIncident = (one: SaidIncident, workers: Summary['workers']): string[] =>
  one.name === '' ? (workers.length > 1 ? ['the machine'] : []) : workers.length > 1 ? [one.name] : [];

const whyGap: Readonly<Record<string, string>> = {
  late: 'the machine or the watch stood still',
  clock: 'the wall clock was set',
  resumed: 'nobody watched until the watch was taken up again',
};
const cronWords: Readonly<Record<Summary['cron'], string>> = {
  seen: 'seen running',
  none: 'none runs',
  unseen: 'could not be seen',
  unasked: 'not looked for',
};
const endWords: Readonly<Record<Summary['ended'], string>> = {
  time: 'to its end',
  'fail-fast': 'until the first violation (--fail-fast)',
  'too-large': 'until its records became too large',
  SIGINT: 'until it was interrupted',
  SIGTERM: 'until it was told to end',
  'cut-off': 'as far as is known: nothing says that it is over',
};

/** How much of the time was seen. */
export function coverageTable({ seconds, samples, gaps, clock, cron, ended }: Summary): ReportTable {
  return {
    title: 'Coverage',
    columns: ['What', 'Value'],
    rows: [
      ['Watched', `${inSeconds(seconds.watched)} of ${inSeconds(seconds.planned)}, ${endWords[ended]}`],
      [
        'Samples',
        `${samples.taken} of ${samples.planned} (${samples.share} %), one every ${samples.every} ms`,
      ],
      [
        'Gaps',
        gaps.length === 0
          ? 'none'
          : {
              text: `${gaps.length}; nothing is known of them, and nothing is drawn there`,
              more: gaps.map(
                ({ from, to, samples: missing, why, jump }) =>
                  `${utc(from)} to ${utc(to)}: ${missing} sample(s), ${whyGap[why]}${jump === undefined ? '' : ` by ${jump} ms`}`,
              ),
            },
      ],
      ['Clock', `wall clock off by ${clock.drift} ms at the end; a sample at most ${clock.late} ms late`],
      ['cron', cronWords[cron]],
    ],
  };
}

/** What the watch could not see, said as plainly as what it saw. */
export function unseen({ criteria, workers }: Summary): string[] {
  const several = workers.length > 1;
  const of = (name: string): string => (several && name !== '' ? `${name}: ` : '');
  return [
    ...criteria
      .filter(({ is }) => is === 'inconclusive' || is === 'skip')
      .map((one) => {
        const { expected, saw } = sayCriterion(one);
        return `${of(one.worker)}${expected}: ${saw}`;
      }),
    ...workers.flatMap((worker) => unseenOf(worker).map((text) => `${of(nameOf(worker))}${text}`)),
  ];
}

function unseenOf({ ticks, refusals, connections }: WorkerSummary): string[] {
  return [
    ...(ticks.unseen > 0 ? [`${ticks.unseen} tick(s): whether a run began could not be told`] : []),
    ...(ticks.open > 0 ? [`${ticks.open} tick(s) were not yet decided when the watch ended`] : []),
    ...(refusals.log === 'unknown' ? ['it has no log that would tell of refusals and errors'] : []),
    ...(refusals.low !== undefined
      ? ['the server’s counters do not tell whose connections were refused']
      : connections === undefined
        ? []
        : ['the server’s counters of refusals could not be read twice']),
    ...(connections?.by === 'kernel'
      ? ['connections were counted from outside, by the kernel: those from other machines are not among them']
      : []),
  ];
}

/** Where and with what it was watched. */
export function environmentTable(summary: Summary): ReportTable {
  const { host, by, version, id, deployment, from, to, schema, workers } = summary;
  return {
    title: 'Environment',
    columns: ['What', 'Value'],
    rows: [
      ['Host', host],
      ['Watched by', `${by}, with cronlatch ${version}`],
      ['Time (UTC)', `${utc(from)} to ${utc(to)}`],
      ['Watch', `${id}, report form ${schema}`],
      [
        'Deployment',
        deployment.length === 0 ? 'none: the workers are watched as they are' : deployment.join(', '),
      ],
      ...workers.map((worker): readonly Cell[] => [
        workers.length > 1 ? { text: 'Worker', more: [nameOf(worker)] } : 'Worker',
        {
          text: worker.script,
          more: [
            `${worker.source}, line ${worker.line}: ${worker.schedule}, as ${worker.user}`,
            worker.lock === undefined ? 'no lock' : `lock: ${worker.lock}`,
            worker.log === undefined ? 'no log' : `log: ${worker.log}`,
            ...(worker.connections?.account === undefined
              ? []
              : [`database account: ${worker.connections.account}`]),
          ],
        },
      ]),
    ],
  };
}

/** The whole in one sentence. */
export function headline(summary: Summary): string {
  const { outcome, firstViolation, criteria, workers } = summary;
  if (outcome.is === 'pass') {
    const [goals] = criteriaTables(summary);
    const untested = goals.rows.some(([, answer]) => typeof answer === 'object' && answer.is === 'skip');
    return untested
      ? 'All that could be tested was met; not everything was tested.'
      : 'All criteria were met.';
  }
  if (outcome.is === 'inconclusive') return 'No violation was seen, but not everything could be measured.';
  if (firstViolation === undefined) {
    const failed = criteria.filter(({ is }) => is === 'fail');
    return `${failed.length === 1 ? 'One criterion was' : `${failed.length} criteria were`} not met.`;
  }
  const whose = workers.length > 1 && firstViolation.name !== '' ? `${firstViolation.name}: ` : '';
  return `Violation, first at ${utc(firstViolation.at)} UTC: ${whose}${sayIncident(firstViolation)}.`;
}
