// When a schedule fires: its shortest gap, whether it ever fires, and its next runs with cron's treatment of DST.
import { CYCLE, DAY, firesAt, MINUTE, needsBothDays, nextDay, walk } from './calendar.ts';
import type { Schedule, Times } from './crontab.ts';
import { CATCH_UP, isSteady, type Jump, jumpsBetween, type OffsetAt, offsets } from './jumps.ts';

/** Most days each month can have, January first. */
const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const CYCLE_START = Date.UTC(2000, 0, 1);

/** True when no moment can match: an empty field, or only days that no month has. `@reboot` does fire. */
export function neverFires(schedule: Schedule): boolean {
  if (schedule.is === 'reboot') return false;
  const { minutes, hours, days, months, weekdays } = schedule;
  if (minutes.length === 0 || hours.length === 0 || months.length === 0) return true;
  const first = days[0];
  const possible = first !== undefined && months.some((month) => first <= (LONGEST[month - 1] ?? 0));
  // Over the years every possible date falls on every day of the week, the 29th of February too.
  return needsBothDays(schedule) ? !possible || weekdays.length === 0 : !possible && weekdays.length === 0;
}

/** The least step from one of the sorted values to the next; infinite where there is none. */
function least(values: readonly number[]): number {
  let step = Number.POSITIVE_INFINITY;
  for (let i = 1; i < values.length; i++) step = Math.min(step, (values[i] ?? 0) - (values[i - 1] ?? 0));
  return step;
}

/**
 * The shortest time in seconds between two starts, clock changes left out; `never` when it does not fire, `boot`
 * for `@reboot`. Looked up over 28 years, in which the calendar repeats.
 */
export function shortestGap(schedule: Schedule): number | 'never' | 'boot' {
  if (schedule.is === 'reboot') return 'boot';
  if (neverFires(schedule)) return 'never';
  const { minutes, hours } = schedule;
  const spread = (minutes[minutes.length - 1] ?? 0) - (minutes[0] ?? 0);
  // Within an hour, from one hour to the next that counts, and over night.
  const gap = Math.min(least(minutes), least(hours) * 60 - spread);
  const overnight = ((hours[0] ?? 0) - (hours[hours.length - 1] ?? 0)) * 60 - spread;
  const end = CYCLE_START + 2 * CYCLE * DAY;
  let day = nextDay(schedule, CYCLE_START);
  let nights = Number.POSITIVE_INFINITY;
  // Two days in a row is as short as it gets, so most schedules are through after a few steps.
  while (nights > 1 && day >= 0 && day < end) {
    const next = nextDay(schedule, day + DAY);
    if (next >= 0) nights = Math.min(nights, (next - day) / DAY);
    day = next;
  }
  return Math.min(gap, nights * 1440 + overnight) * 60;
}

/**
 * The next starts after `from`, as milliseconds since 1970, at most `count`; none for `@reboot`.
 *
 * Cron's rules for a clock that jumps by up to three hours (its own daemon is the judge: test/machine/cronDays.test.ts):
 * where the minute or hour field starts with `*` the job follows the wall clock. Any other job of a skipped hour
 * starts right after the jump, and does not start again when an hour is repeated.
 *
 * For several starts in the hole cron starts the job once for each, waiting up to ten seconds for those of one minute
 * to end: in that very minute where the jobs are short, over the next ones where they are long. The moment stands here
 * once.
 *
 * @param zone IANA name; undefined for the zone of this process
 */
export async function nextRuns(
  schedule: Schedule,
  from: number,
  count: number,
  zone: string | undefined,
): Promise<number[]> {
  if (schedule.is === 'reboot' || count < 1 || neverFires(schedule)) return [];
  const offsetAt = offsets(zone);
  const offset = offsetAt(from);
  const runs = walk(schedule, from + offset, count).map((local) => local - offset);
  const last = runs[runs.length - 1];
  if (last === undefined || isSteady(offsetAt, from, last)) return runs;
  return walkZone(schedule, from, count, zone, offsetAt);
}

/** The bitmaps as an expression every value of which is named. The AND of the day fields is left to the caller. */
function expression(times: Times): string {
  const both = needsBothDays(times);
  const allDays = times.days.length === 31;
  const allWeekdays = times.weekdays.length === 7;
  // One day field that matches every day makes an OR match every day.
  const everyDay = !both && (allDays || allWeekdays);
  const days = everyDay || allDays || times.days.length === 0 ? '*' : times.days.join(',');
  // For an AND only the days of the month are handed over: cron-parser would OR the two.
  const weekdays =
    everyDay || allWeekdays || (both && days !== '*') || times.weekdays.length === 0
      ? '*'
      : times.weekdays.join(',');
  return `${times.minutes.join(',')} ${times.hours.join(',')} ${days} ${times.months.join(',')} ${weekdays}`;
}

/** The first start after `at`, told by our own walk from one jump to the next. */
function nextStart(times: Times, at: number, offsetAt: OffsetAt): number {
  for (let from = at; ; ) {
    const offset = offsetAt(from);
    const next = (walk(times, from + offset, 1)[0] ?? from) - offset;
    const jump = jumpsBetween(times, from, next, offsetAt).find(({ start }) => start <= next);
    if (jump === undefined) return next;
    if (jump.start > from && jump.runs.length > 0) return jump.start;
    from = jump.end - MINUTE;
  }
}

/**
 * Moments at which the schedule may start, each after the last; `reset` makes them go on after another moment.
 *
 * cron-parser gives them until it gives up: around the half-hour shift of Australia/Lord_Howe 5.10.5 leaves out starts
 * and throws "loop limit exceeded" for good expressions. From there on our own walk gives them.
 */
async function candidates(times: Times, from: number, zone: string | undefined, offsetAt: OffsetAt) {
  const { walkerOf } = await import('./walker.ts');
  const dates = walkerOf(expression(times), from, zone);
  let last = from;
  let lost = false;
  return {
    next(): number {
      if (!lost) {
        try {
          last = dates.next();
          return last;
        } catch {
          lost = true;
        }
      }
      last = nextStart(times, last, offsetAt);
      return last;
    },
    reset(at: number): void {
      last = at;
      if (!lost) dates.reset(at);
    },
  };
}

/** A candidate counts where our bitmaps agree and the clock does not jump; around a jump our own rules decide. */
async function walkZone(
  times: Times,
  from: number,
  count: number,
  zone: string | undefined,
  offsetAt: OffsetAt,
): Promise<number[]> {
  const dates = await candidates(times, from, zone, offsetAt);
  const runs: number[] = [];
  const jumps: Jump[] = [];
  let scanned = Math.floor(from / MINUTE) * MINUTE - 2 * DAY;
  while (runs.length < count) {
    const at = dates.next();
    const ahead = at + DAY;
    if (ahead > scanned) {
      jumps.push(...jumpsBetween(times, scanned, ahead, offsetAt));
      scanned += Math.ceil((ahead - scanned) / DAY) * DAY;
    }
    for (let jump = jumps[0]; jump !== undefined && jump.end <= at; jump = jumps[0]) {
      runs.push(...jump.runs.filter((run) => run > from));
      jumps.shift();
    }
    const jump = jumps[0];
    if (jump !== undefined && at >= jump.start) {
      dates.reset(jump.end - MINUTE);
      continue;
    }
    const local = at + offsetAt(at);
    if (firesAt(times, local)) runs.push(at);
    else {
      // The other day field says no to this day: go on near its end, not minute by minute.
      const left = DAY - (local % DAY) - CATCH_UP;
      if (left > 0) dates.reset(at + left);
    }
  }
  return runs.slice(0, count);
}
