// One worker as it is about to be latched: what is settled, and the reason for each.
import { readable } from '../change/encode.ts';
import type { Guarding } from '../plan/guard.ts';
import type { Ending } from '../plan/pass.ts';
import type { Job } from '../survey/facts.ts';
import type { Program } from '../survey/programs.ts';
import { docrootAbove } from '../worker/place.ts';
import { sayEntry } from './schedule.ts';
import { wrap } from './snippet.ts';
import type { Theme } from './theme.ts';
import { shortScript } from './workers.ts';

export interface Card {
  readonly job: Job;
  readonly place: { readonly number: number; readonly of: number };
  /** The next starts. */
  readonly next: readonly number[];
  readonly programs: readonly Program[];
  readonly ending: Ending;
  readonly guard: Guarding['place'];
  /** Why the guard is to stand there, as a code. */
  readonly because: string;
  /** The second lock: where its credentials are. */
  readonly shared: string | undefined;
  readonly becomesPhp: boolean;
  readonly now: number;
  readonly zone: string | undefined;
}

const LABEL = 9;

/** The card as lines. */
export function cardLines(card: Card, theme: Theme, width: number): string[] {
  const { job, place } = card;
  const head = place.of === 1 ? '' : `Worker ${place.number} of ${place.of}: `;
  const rows = [
    ['starts', ...startLines(card)],
    [job.interpreter.kind === 'php' ? 'PHP' : 'Node', ...programLines(card)],
    ['a run', sayEnding(card)],
    ...logRow(card),
    ...lockRow(card),
    ['guard', sayGuard(card)],
    ...(job.task === undefined ? [] : [['task', sayTask(card)]]),
    ...(job.instances.length === 0 ? [] : [['now', sayInstances(job)]]),
  ];
  return [
    theme.bold(`${head}${shortScript(job)}`),
    theme.dim(`  line ${job.line} of ${job.sourceName}, as ${job.user.name}`),
    ...rows.flatMap(([label = '', ...texts]) =>
      texts
        .flatMap((text) => wrap(text, Math.max(24, width - LABEL - 3)))
        .map((text, row) => `  ${theme.dim((row === 0 ? label : '').padEnd(LABEL))}${text}`),
    ),
  ];
}

function startLines({ job, next, now, zone }: Card): string[] {
  const { start, end } = job.entry.scheduleSpan;
  const written = readable(job.crontab.text.slice(start, end));
  const says = sayEntry(job.entry, written);
  const first = says.includes(written) ? says : `${says} (${written})`;
  return [
    `${first}: stays as it is`,
    ...(next.length === 0 ? [] : [`next: ${next.map((at) => sayMoment(at, now, zone)).join(', ')}`]),
  ];
}

/** The clock time, with the day where that is not today. */
function sayMoment(at: number, now: number, zone: string | undefined): string {
  const parts = (moment: number, options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat('en-GB', {
      ...options,
      ...(zone === undefined ? {} : { timeZone: zone }),
    }).format(moment);
  const day = { day: 'numeric', month: 'short' } as const;
  const clock = parts(at, { hour: '2-digit', minute: '2-digit' });
  return parts(at, day) === parts(now, day) ? clock : `${parts(at, { weekday: 'short', ...day })} ${clock}`;
}

function programLines({ job, programs }: Card): string[] {
  const { path, asked, nameStays, asks } = job.interpreter;
  if (nameStays) return [`${job.interpreter.wanted}: the login it is started with decides which`];
  if (path === 'missing') return ['not found'];
  const program = programs.find((one) => one.path === path);
  const version = program?.version ?? job.interpreter.version;
  const reason = asked ? 'as you chose' : sayOrigin(program);
  return [
    `${path}${version === undefined ? '' : ` (${version})`}: ${reason}`,
    ...(asks === undefined ? [] : [`but ${asks.file} asks for ${asks.range}`]),
  ];
}

/** Where a program comes from, in a few words. */
export function sayOrigin(program: Program | undefined): string {
  switch (program?.from) {
    case 'site':
      return `what Plesk has ${program.site ?? 'the site'} run with`;
    case 'plesk':
      return 'one of Plesk’s';
    case 'cloudlinux':
      return 'one of CloudLinux’';
    case 'hoster':
      return 'one of the hoster’s';
    case 'system':
      return 'the system’s own';
    default:
      return 'what the entry starts today';
  }
}

function sayEnding({ job, ending }: Card): string {
  const { flag } = ending;
  if (flag === undefined) {
    if (job.entry.schedule.is === 'reboot') return 'goes on until it is stopped: it is started once a boot';
    return job.framework === 'none'
      ? 'ends as it does now (no --once is added)'
      : 'ends as it does now: nothing is added';
  }
  if (job.args.includes(flag)) return `ends after one pass: the entry says ${flag}`;
  const known = typeof job.script !== 'string' && job.script.once === 'yes' && flag === '--once';
  return `ends after one pass: ${flag} is added${known ? ', which its source understands' : ''}`;
}

function logRow({ job, becomesPhp }: Card): string[][] {
  const { places } = job;
  if (places === 'none') return [];
  if (becomesPhp || job.task?.task.type === 'php')
    return [['log', 'none of its own: Plesk keeps the output']];
  if (places.logIs === 'piped') return [['log', 'its output goes on through its pipe']];
  const open = docrootAbove(places.log) === 'no' ? '' : '; a browser may get it there';
  const reason = {
    kept: `the entry’s own${open}`,
    asked: `as you chose${open}`,
    ours: 'it had none; no browser gets it there',
  }[places.logIs];
  return [['log', `${places.log}`, reason]];
}

function lockRow({ job, guard, shared }: Card): string[][] {
  if (job.places === 'none' || guard === 'none') return [];
  const lock = ['lock', `${job.places.directory}/${job.places.name}.lock`];
  return [shared === undefined ? lock : [...lock, `and one in the database, as ${shared} says`]];
}

const guardReasons: Readonly<Record<string, string>> = {
  asked: 'as you chose',
  there: 'where it stands already',
  console: 'the script is many workers in one',
  vendor: 'the next update would overwrite the script',
  'several-jobs': 'other entries start the same script for something else',
  git: 'the script lies in a git checkout',
  releases: 'the next release would overwrite the script',
  owners: 'the script belongs to somebody else',
};

function sayGuard({ guard, because }: Card): string {
  if (guard === 'none') return 'none';
  const reason = guardReasons[because];
  if (guard === 'script') return `a line in the script: ${reason ?? 'keeps out runs started by hand, too'}`;
  return `in the entry, the script stays as it is${reason === undefined ? '' : `: ${reason}`}`;
}

function sayTask({ job, becomesPhp }: Card): string {
  const { id = 0, type } = job.task?.task ?? {};
  const whole = `task ${id} of Plesk is changed with it`;
  if (becomesPhp && type !== 'php')
    return `${whole}, and becomes one that runs a PHP script${job.chroot === undefined ? '' : ': a command is locked into a chroot here'}`;
  return whole;
}

function sayInstances({ instances }: Job): string {
  const free = instances.filter(({ holds }) => holds === false).length;
  const running = instances.length === 1 ? 'one is running' : `${instances.length} are running`;
  if (free === 0) return `${running}, with the lock: left to finish`;
  return `${running}; ${free === 1 ? 'one without a lock is' : `${free} without a lock are`} told to end (SIGTERM)`;
}
