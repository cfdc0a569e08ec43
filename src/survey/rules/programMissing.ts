// The program the text begins with is not there, or is a directory (`/srv/app && php artisan`: the cd is missing).
import type { EntryRule } from './rule.ts';

export const programMissing: EntryRule = {
  code: 'program-missing',
  check({ program }) {
    if (program === 'fine') return [];
    return [{ at: program.at, args: { name: program.name, is: program.is } }];
  },
};
