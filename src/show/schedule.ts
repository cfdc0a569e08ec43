// A schedule in plain language, and times as people write them.
import type { Schedule } from '../crontab/crontab.ts';
import { rhythm } from '../crontab/describe.ts';

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** "every 2 minutes", "daily at 03:00" …; other schedules are said as they are written. */
export function saySchedule(schedule: Schedule, written: string): string {
  const said = rhythm(schedule);
  switch (said.is) {
    case 'every-minutes':
      return said.n === 1 ? 'every minute' : `every ${said.n} minutes`;
    case 'hourly':
      return `hourly at minute ${said.minute}`;
    case 'daily':
      return `daily at ${clock(said.hour, said.minute)}`;
    case 'every-hours':
      return `every ${said.n} hours at minute ${said.minute}`;
    case 'weekly':
      return `${said.weekdays.map((day) => `${days[day]}s`).join(', ')} at ${clock(said.hour, said.minute)}`;
    case 'monthly':
      return `monthly on day ${said.day} at ${clock(said.hour, said.minute)}`;
    case 'boot':
      return 'at boot';
    case 'never':
      return 'never';
    default:
      return `at ${written}`;
  }
}

function clock(hour: number, minute: number): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/** 95 → "1 min 35 s". */
export function sayDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}
