// A text no shell can read: an open quote, a missing `fi`. Nothing of it runs.
import type { EntryRule } from './rule.ts';

export const shellSyntax: EntryRule = {
  code: 'shell-syntax',
  check({ reading, syntax, entry }) {
    if (reading.is !== 'opaque' || reading.why !== 'syntax-error') return [];
    if (syntax() !== 'syntax-error') return [];
    return [{ args: { cut: entry.command.stdin === undefined ? '' : 'yes' } }];
  },
};
