// A schedule no moment fits.
import { neverFires as never } from '../../crontab/schedule.ts';
import type { EntryRule } from './rule.ts';

export const neverFires: EntryRule = {
  code: 'never-fires',
  check: ({ entry }) =>
    // The reader of the crontab says so too, where it can.
    entry.marks.some((mark) => mark.code === 'never-fires') || !never(entry.schedule)
      ? []
      : [{ span: entry.scheduleSpan }],
};
