// The first bare % ends the command.
import { offsetOf } from '../../crontab/escape.ts';
import type { EntryRule } from './rule.ts';

export const percent: EntryRule = {
  code: 'percent',
  check({ entry }) {
    const { text, stdin } = entry.command;
    if (stdin === undefined) return [];
    const start = offsetOf(entry.command, text.length);
    return [{ span: { start, end: start + 1 } }];
  },
};
