// The user an entry is to run as does not exist here.
import type { EntryRule } from './rule.ts';

export const unknownUser: EntryRule = {
  code: 'unknown-user',
  check({ person, user, entry, dialect }) {
    if (person !== 'unknown') return [];
    return [{ ...(entry.userSpan === undefined ? {} : { span: entry.userSpan }), args: { user, dialect } }];
  },
};
