// `cd X; command`: the command runs in the wrong directory when the cd fails.
import { readable } from '../../change/encode.ts';
import type { EntryRule } from './rule.ts';

export const cdSemicolon: EntryRule = {
  code: 'cd-semicolon',
  gate: { test: (text) => text.includes('cd') && text.includes(';') },
  check({ syntax, reading }) {
    const flat = syntax();
    if (flat === 'syntax-error') return [];
    return flat.commands
      .filter(({ name, joint, args }) => name?.raw === 'cd' && joint === ';' && args.length > 0)
      .map(({ span, args }) => {
        const worker = reading.is === 'worker' && reading.cd?.span.start === span.start;
        const directory = worker ? reading.directory : (args.at(-1)?.raw ?? '');
        return { at: { start: span.start, end: span.end + 1 }, args: { directory: readable(directory) } };
      });
  },
};
