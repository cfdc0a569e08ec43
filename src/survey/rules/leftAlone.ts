// Entries that are not latched: those that start no worker of ours, and those we cannot follow.
import { readable } from '../../change/encode.ts';
import type { EntryRule } from './rule.ts';

export const noWorker: EntryRule = {
  code: 'no-worker',
  check: ({ reading }) =>
    // A line that starts no worker of ours is nobody's fault.
    reading.is === 'opaque' && reading.why === 'no-worker'
      ? [{ args: { why: reading.why, detail: readable(reading.detail) } }]
      : [],
};

export const opaque: EntryRule = {
  code: 'opaque',
  check({ reading }) {
    if (reading.is !== 'opaque' || reading.why === 'no-worker') return [];
    return [{ args: { why: reading.why, detail: readable(reading.detail) } }];
  },
};
