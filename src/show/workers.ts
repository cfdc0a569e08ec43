// The wizard's first screen: the workers there are and what their owner has to fear, in his words.
import { readable } from '../change/encode.ts';
import { shellQuote } from '../command/quote.ts';
import type { Job } from '../survey/facts.ts';
import { type Risk, risksOf } from '../survey/risks.ts';
import { isGuarded, isScheduler } from '../survey/rules/lock.ts';
import { sayFinding } from './findings.ts';
import { sayDuration, sayEntry } from './schedule.ts';
import { wrap } from './snippet.ts';
import type { Theme } from './theme.ts';

/** As many workers as are shown; the list to choose from has them all. */
const MOST = 20;
/** Below this the columns are given up. */
const NARROW = 60;

/** The workers, in the order they are handed in, each with what is wrong with it. */
export function workerLines(
  jobs: readonly Job[],
  { theme, width }: { theme: Theme; width: number },
): string[] {
  const risky = jobs.filter((job) => job.obstacles.length === 0 && risksOf(job).length > 0).length;
  const shown = jobs.slice(0, MOST);
  const users = Math.min(16, Math.max(4, ...shown.map((job) => job.user.name.length)));
  const columns = { number: `${shown.length}`.length, users, script: width - users - 20 };
  const head =
    width < NARROW
      ? []
      : [
          theme.dim(
            `  ${' '.repeat(columns.number)}  ${'WORKER'.padEnd(columns.script)}  ${'USER'.padEnd(users)}  NOW`,
          ),
        ];
  return [
    theme.bold(
      jobs.length === 1 && risky === 1
        ? 'One worker, and it is at risk:'
        : `${jobs.length === 1 ? 'One worker' : `${jobs.length} workers`}, ${risky === 0 ? 'none' : risky} at risk${jobs.length > 1 && risky > 0 ? ', the worst first' : ''}:`,
    ),
    ...head,
    ...shown.flatMap((job, index) => jobLines(job, index + 1, columns, theme, width)),
    ...(jobs.length > MOST ? [theme.dim(`  and ${jobs.length - MOST} more: cronlatch scan shows them`)] : []),
  ];
}

function jobLines(
  job: Job,
  number: number,
  columns: { readonly number: number; readonly users: number; readonly script: number },
  theme: Theme,
  width: number,
): string[] {
  const indent = ' '.repeat(columns.number + 4);
  const count = `${number}`.padStart(columns.number);
  const now = job.instances.length === 0 ? 'none' : `${job.instances.length} running`;
  const first =
    width < NARROW
      ? [
          `  ${theme.bold(count)}  ${theme.bold(cutLeft(shortScript(job), width - indent.length, theme.unicode))}`,
          ...wrap(`${job.user.name}, ${now === 'none' ? 'none running' : now}`, width - indent.length).map(
            (line) => `${indent}${line}`,
          ),
        ]
      : [
          `  ${theme.bold(count)}  ${theme.bold(cutLeft(shortScript(job), columns.script, theme.unicode).padEnd(columns.script))}  ${cutRight(job.user.name, columns.users, theme.unicode).padEnd(columns.users)}  ${job.instances.length > 1 ? theme.bad(now) : now}`,
        ];
  const said = [sayWhen(job), ...risksOf(job).map((risk) => sayRisk(risk, job, theme))];
  const paints = [theme.dim, ...risksOf(job).map((risk) => paintOf(risk, theme))];
  const marks = ['', ...risksOf(job).map((risk) => `${markOf(risk, theme)} `)];
  if (job.obstacles.length === 0 && isGuarded(job)) {
    said.push('latched: a second one is kept out');
    paints.push(theme.good);
    marks.push(`${theme.mark.pass} `);
  } else if (isScheduler(job)) {
    said.push('a scheduler: it keeps its jobs apart itself');
    paints.push(theme.dim);
    marks.push(`${theme.mark.skip} `);
  }
  return [
    ...first,
    ...said.flatMap((text, index) => {
      const mark = marks[index] ?? '';
      return wrap(text, width - indent.length - mark.length).map((line, row) =>
        (paints[index] ?? theme.dim)(`${indent}${row === 0 ? mark : ' '.repeat(mark.length)}${line}`),
      );
    }),
  ];
}

/** "every 2 minutes; a run takes 3 min 40 s". */
function sayWhen(job: Job): string {
  const { start, end } = job.entry.scheduleSpan;
  const when = sayEntry(job.entry, readable(job.crontab.text.slice(start, end)));
  if (job.runs === undefined) return when;
  const takes = job.runs.measured === 'last run' ? 'the last run took' : 'one has been running for';
  return `${when}; ${takes} ${sayDuration(job.runs.seconds * 1000)}`;
}

function sayRisk(risk: Risk, job: Job, theme: Theme): string {
  switch (risk.is) {
    case 'piled-up':
      return `${risk.count} run at this moment, and nothing keeps the next one out`;
    case 'overlaps':
      return `starts every ${sayDuration(risk.gap * 1000)}, runs ${sayDuration(risk.seconds * 1000)} ${theme.mark.arrow} up to ${risk.atOnce} at once`;
    case 'no-lock':
      return 'nothing keeps a second one from starting beside the first';
    case 'no-end':
      return 'a run may never end by itself: every start adds one';
    case 'output-lost':
      return 'its output and its errors go nowhere';
    case 'log-open':
      return 'its log lies where a browser may get it';
    case 'blocked':
      return `cannot be latched as it is: ${sayFinding(risk.by).what}`;
    case 'more':
      return `${risk.count} more: cronlatch scan${scanFlag(job)}`;
  }
}

function scanFlag({ source }: Job): string {
  if (source.is === 'user') return ` --user ${source.user}`;
  return source.is === 'file' ? ` --file ${shellQuote(source.path)}` : '';
}

function paintOf(risk: Risk, theme: Theme): (text: string) => string {
  if (risk.is === 'piled-up' || risk.is === 'overlaps' || risk.is === 'no-lock') return theme.bad;
  return risk.is === 'more' || risk.is === 'blocked' ? theme.dim : theme.odd;
}

function markOf(risk: Risk, { mark }: Theme): string {
  if (risk.is === 'piled-up' || risk.is === 'overlaps' || risk.is === 'no-lock') return mark.fail;
  return risk.is === 'more' || risk.is === 'blocked' ? mark.skip : mark.warn;
}

/** The script as its owner knows it: below his home, with what it is told to do. */
export function shortScript({ scriptPath, user, args }: Pick<Job, 'scriptPath' | 'user' | 'args'>): string {
  const home = user.home === '/' ? '/' : `${user.home}/`;
  const path = scriptPath.startsWith(home) ? scriptPath.slice(home.length) : scriptPath;
  const told = args.find((arg) => !arg.startsWith('-'));
  return told === undefined ? path : `${path} ${told}`;
}

/** The end of a path is what tells it from others. */
export function cutLeft(text: string, width: number, unicode: boolean): string {
  const sign = unicode ? '…' : '...';
  return text.length <= width ? text : `${sign}${text.slice(text.length - Math.max(1, width - sign.length))}`;
}

function cutRight(text: string, width: number, unicode: boolean): string {
  const sign = unicode ? '…' : '...';
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - sign.length))}${sign}`;
}
