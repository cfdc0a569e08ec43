// How far apart a schedule's runs are, where they are always equally far apart.
import type { Schedule } from './crontab.ts';

/** Seconds between two runs, the same all year round; undefined where that differs. */
export function everySeconds(schedule: Schedule): number | undefined {
  if (schedule.is === 'reboot') return undefined;
  const { minutes, hours, days, months, weekdays } = schedule;
  const everyDay = days.length === 31 && months.length === 12 && weekdays.length === 7;
  if (!everyDay || minutes.length === 0 || hours.length === 0) return undefined;
  const minuteGap = gap(minutes, 60);
  if (hours.length === 24) return minuteGap === undefined ? undefined : minuteGap * 60;
  const hourGap = gap(hours, 24);
  return minutes.length === 1 && hourGap !== undefined ? hourGap * 3600 : undefined;
}

/** The distance of sorted numbers on a circle, where it is the same between all neighbours. */
function gap(numbers: readonly number[], circle: number): number | undefined {
  const gaps = numbers.map((n, i) => (numbers[i + 1] ?? (numbers[0] ?? 0) + circle) - n);
  return gaps.every((g) => g === gaps[0]) ? gaps[0] : undefined;
}
