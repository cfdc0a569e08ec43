// The live screen of a watch, as lines that fit the terminal: what is happening now, the chart, incidents, the time left.
import type { Worker } from '../monitor/ledger.ts';
import type { Incident, WatchStart } from '../monitor/records.ts';
import type { Now } from '../monitor/sampler.ts';
import { chartLines } from './chart.ts';
import { sayIncident } from './incidents.ts';
import { sayDuration } from './schedule.ts';
import { letters, type Theme } from './theme.ts';

export interface Frame {
  readonly start: WatchStart;
  readonly now: Now;
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  /** The zone of the server's clock; undefined is that of this process. */
  readonly zone: string | undefined;
}

/** The frame: at most `height` lines of at most `width` letters, colours not counted. */
export function frameLines(frame: Frame): string[] {
  const { start, now, theme, height } = frame;
  const { fold } = now;
  const focus = focusOf(fold.workers, fold.incidents);
  const violation = fold.incidents.find((one) => one.level === 'violation');
  const left = Math.max(0, start.lasts * 1000 - now.t);
  const state =
    violation === undefined
      ? theme.good(`${theme.mark.pass} no violation`)
      : theme.bad(`${theme.mark.fail} VIOLATION since ${clock(violation.w, frame.zone)}`);
  const head = [
    line(
      frame,
      [theme.bold('cronlatch'), state],
      `${sayDuration(now.t)} of ${sayDuration(start.lasts * 1000)}, ${sayDuration(left)} left`,
    ),
    line(
      frame,
      [`${focus.watched.name || focus.watched.script}  ${theme.dim(focus.watched.schedule)}`],
      countdown(now),
    ),
    '',
  ];
  const below = [
    ...figures(frame, focus),
    ...others(
      frame,
      fold.workers.filter((one) => one !== focus),
    ),
  ];
  const foot = [theme.dim('Ctrl-C ends it, with a report of what was seen until then')];
  // A small terminal gets a lower chart before it loses an incident.
  const room = height - head.length - below.length - foot.length - 4;
  const chart = focus.looks === 0 ? [] : chartOf(frame, focus, Math.max(2, Math.min(6, room - 4)), violation);
  const list = incidentLines(
    frame,
    Math.max(1, height - head.length - chart.length - below.length - foot.length - 2),
  );
  return [...head, ...chart, ...below, '', ...list, ...foot]
    .slice(0, height)
    .map((text) => cutTo(letters(text, theme.unicode), frame.width, theme.unicode ? '…' : '>'));
}

/** The worker in trouble, else the first. */
function focusOf(workers: readonly Worker[], incidents: readonly Incident[]): Worker {
  const last = incidents.findLast((one) => one.level === 'violation' && one.worker >= 0);
  return (workers[last?.worker ?? 0] ?? workers[0]) as Worker;
}

function countdown({ next, w }: Now): string {
  return next === 'none' ? 'no further run is due' : `next run in ${minutes(next - w)}`;
}

function minutes(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return seconds >= 3600
    ? `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
    : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

function chartOf(frame: Frame, worker: Worker, height: number, violation: Incident | undefined): string[] {
  const { theme, start, width } = frame;
  const last = worker.uses.at(-1);
  const limit = worker.limit?.connections;
  const counts = worker.uses.flatMap(({ used, w }) => (used === 'refused' ? [] : [{ used, w }]));
  const peak = counts.reduce<{ used: number; w: number } | undefined>(
    (best, one) => (best === undefined || one.used > best.used ? one : best),
    undefined,
  );
  const share = (used: number): string =>
    limit === undefined || limit === 0 ? '' : ` (${Math.round((100 * used) / limit)} %)`;
  const now =
    last === undefined
      ? 'not known yet'
      : last.used === 'refused'
        ? theme.bad('full: this look was refused')
        : `${last.used}${limit === undefined ? '' : ` of ${limit}`}${share(last.used)}`;
  const text = `Connections  ${now}${peak === undefined ? '' : `, at most ${peak.used}${share(peak.used)} at ${clock(peak.w, frame.zone)}`}`;
  const lines = chartLines({
    points: worker.uses.map(({ t, used }) => [t / 1000, used]),
    seconds: start.lasts,
    limit,
    width: Math.min(100, width - 12),
    height,
    unicode: theme.unicode,
    violation: violation === undefined ? undefined : violation.t / 1000,
  });
  return [text, ...lines];
}

function figures(frame: Frame, worker: Worker): string[] {
  const { theme } = frame;
  const { refusals, ticks, watched } = worker;
  const log = watched.log === undefined ? 'it has no log' : `${worker.logRefused} in the log`;
  const high = refusals.high + refusals.full;
  const low = refusals.low + refusals.full;
  const counted =
    refusals.intervals === 0 ? '' : `, ${low === high ? high : `${low} to ${high}`} by the server’s counters`;
  const refused = worker.logRefused > 0 || low > 0;
  const began =
    worker.starts.length === 0 ? '' : `, last start ${clock(Math.max(...worker.starts), frame.zone)}`;
  const lock =
    watched.lock === undefined
      ? ''
      : worker.now > 0
        ? ', lock held'
        : worker.leftSince === undefined
          ? ', lock free'
          : ', lock held by nobody seen';
  const longest = Math.max(
    worker.running,
    ...worker.recorded.map(({ from, to }) => (to - from) / 1000),
    ...worker.observed.map(({ from, to }) => (to - from) / 1000),
    0,
  );
  const runs =
    longest === 0
      ? ''
      : `the longest took ${sayDuration(longest * 1000)}${
          watched.gap === undefined ? '' : `, ${Math.round((100 * longest) / watched.gap)} % of the interval`
        }`;
  const missed = ticks.missed === 0 ? 'none missed' : theme.bad(`${ticks.missed} missed`);
  return [
    `Refusals     ${refused ? theme.bad(`${log}${counted}`) : `${log}${counted}`}`,
    `Instances    ${worker.now} now, at most ${worker.most}${began}${lock}`,
    `Ticks        ${ticks.run + ticks.skipped} seen${ticks.skipped > 0 ? ` (${ticks.skipped} found a run in their way)` : ''}, ${missed}`,
    ...(runs === '' ? [] : [`Runs         ${runs}`]),
    ...jobs(worker),
  ];
}

function jobs({ firstJobs, lastJobs }: Worker): string[] {
  if (firstJobs === undefined || lastJobs === undefined) return [];
  const { pending, processing, done, failed } = lastJobs.counts;
  const passed = (lastJobs.t - firstJobs.t) / 60_000;
  const made = (done ?? 0) - (firstJobs.counts.done ?? 0);
  const rate = passed > 0 && done !== undefined ? `, ${Math.round((10 * made) / passed) / 10} a minute` : '';
  const shrunk = firstJobs.counts.pending + firstJobs.counts.processing - pending - processing;
  const drain =
    shrunk > 0 && passed > 0
      ? `, drained in about ${sayDuration(((pending + processing) / shrunk) * passed * 60_000)}`
      : '';
  return [
    `Jobs         ${pending} wait, ${processing} in work${done === undefined ? '' : `, ${done} done`}${failed ? `, ${failed} failed` : ''}${rate}${drain}`,
  ];
}

function others(frame: Frame, workers: readonly Worker[]): string[] {
  const shown = workers.slice(0, 3).map((worker) => {
    const use = worker.uses.at(-1)?.used;
    const limit = worker.limit === undefined ? '' : ` of ${worker.limit.connections}`;
    return `${worker.watched.name}  ${worker.now} now, at most ${worker.most}, ${worker.ticks.missed} missed${use === undefined ? '' : `, connections ${use}${limit}`}`;
  });
  const more = workers.length - shown.length;
  return [...shown, ...(more > 0 ? [frame.theme.dim(`and ${more} more`)] : [])];
}

function incidentLines({ now, theme, start, zone }: Frame, room: number): string[] {
  const { incidents } = now.fold;
  if (incidents.length === 0) return [theme.dim('No incidents so far.')];
  const shown = incidents.slice(-room);
  const before = incidents.length - shown.length;
  if (before > 0) shown.shift();
  return [
    ...(before > 0 ? [theme.dim(`${before + 1} incident(s) before these`)] : []),
    ...shown.map((one) => incidentLine(one, start, theme, zone)),
  ];
}

/** An incident in one line: time, worker where there are several, what it is, and how long it lasted. */
export function incidentLine(
  one: Incident,
  start: WatchStart,
  theme: Theme,
  zone: string | undefined,
): string {
  const name = start.workers.length > 1 ? `${start.workers[one.worker]?.name ?? 'the machine'}: ` : '';
  const sign = one.level === 'violation' ? theme.bad(theme.mark.fail) : theme.odd(theme.mark.warn);
  const lasted =
    one.until === undefined
      ? ', goes on'
      : one.until > one.t
        ? `, for ${sayDuration(one.until - one.t)}`
        : '';
  return `${clock(one.w, zone)} ${sign} ${name}${sayIncident(one)}${theme.dim(lasted)}`;
}

/** Making one takes longer than drawing the whole screen. */
const clocks = new Map<string | undefined, Intl.DateTimeFormat>();

/** Hours, minutes and seconds by the server's clock. */
export function clock(wall: number, zone: string | undefined): string {
  let known = clocks.get(zone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      ...(zone === undefined ? {} : { timeZone: zone }),
    });
    clocks.set(zone, known);
  }
  return known.format(wall);
}

const colour = /\x1b\[\d{1,2}m/g;

function line(frame: Frame, left: readonly string[], right: string): string {
  const text = left.join('  ');
  const room = frame.width - text.replace(colour, '').length - right.length;
  return room >= 2 ? `${text}${' '.repeat(room)}${right}` : `${text}  ${right}`;
}

/** Cut to the width; colours take no room and are closed. */
function cutTo(text: string, width: number, sign: string): string {
  if (text.replace(colour, '').length <= width) return text;
  let room = width - 1;
  let kept = '';
  let coloured = false;
  for (const part of text.split(/(\x1b\[\d{1,2}m)/)) {
    if (part.startsWith('\x1b')) {
      kept += part;
      coloured = true;
      continue;
    }
    kept += part.slice(0, room);
    room -= Math.min(room, part.length);
  }
  return `${kept}${coloured ? '\x1b[39m\x1b[22m' : ''}${sign}`;
}
