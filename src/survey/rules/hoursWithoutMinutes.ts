// `* 3 * * *`: every minute of the hour, where once was most likely meant.
import { readable } from '../../change/encode.ts';
import type { EntryRule } from './rule.ts';

export const hoursWithoutMinutes: EntryRule = {
  code: 'hours-without-minutes',
  check({ entry, crontab }) {
    const { schedule, scheduleSpan } = entry;
    if (schedule.is !== 'times' || schedule.minutes.length !== 60 || schedule.hours.length > 4) return [];
    const fields = crontab.text.slice(scheduleSpan.start, scheduleSpan.end);
    const found = /^(\*)[ \t]+(\d+(?:,\d+)*)(?=[ \t]|$)/.exec(fields);
    if (found === null) return [];
    const span = { start: scheduleSpan.start, end: scheduleSpan.start + found[0].length };
    return [{ span, args: { hours: readable(found[2] ?? ''), runs: 60 * schedule.hours.length } }];
  },
};
