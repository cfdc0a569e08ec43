// The user an entry is to run as does not exist here.
import { readable } from '../../change/encode.ts';
import type { EntryRule } from './rule.ts';

export const unknownUser: EntryRule = {
  code: 'unknown-user',
  check({ person, user, entry, dialect, reading }) {
    if (reading.is === 'opaque' && reading.why === 'unknown-user')
      return [{ args: { user: readable(reading.detail), dialect: 'switch' } }];
    if (person !== 'unknown') return [];
    return [{ ...(entry.userSpan === undefined ? {} : { span: entry.userSpan }), args: { user, dialect } }];
  },
};
