// The first bare % ends the command.
import type { EntryRule } from './rule.ts';

export const percent: EntryRule = {
  code: 'percent',
  check({ entry }) {
    const { text, stdin, offsets } = entry.command;
    if (stdin === undefined) return [];
    const start = offsets[text.length] ?? entry.commandSpan.start;
    return [{ span: { start, end: start + 1 } }];
  },
};
