// Plesk's chroot shell: paths of the host do not exist for the command.
import { readable } from '../../change/encode.ts';
import { isChrootShell } from '../../plesk/chroot.ts';
import type { EntryRule } from './rule.ts';

export const chrootedShell: EntryRule = {
  code: 'chrooted-shell',
  check({ shell, person }) {
    if (isChrootShell(shell)) return [{ args: { shell: readable(shell), by: 'setting' } }];
    // cron does not ask for the login shell, Plesk does when it writes the user's tasks.
    if (person !== 'unknown' && isChrootShell(person.shell) && shell === '/bin/sh')
      return [{ args: { shell: person.shell, by: 'login' }, level: 'note' }];
    return [];
  },
};
