// A password or token in the command: everybody on the machine can read it while the command runs.
import { secretsIn } from '../../command/secrets.ts';
import type { EntryRule } from './rule.ts';

export const secretInCommand: EntryRule = {
  code: 'secret-in-command',
  check: ({ entry }) =>
    // A value that another command or a file gives is no secret of this line.
    secretsIn(entry.command.text).map(({ start, end, by }) => ({ at: { start, end }, args: { by } })),
};
