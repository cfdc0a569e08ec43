// The collected lines, cut into fields by the simplest rule that fits them all.
import type { Surroundings } from '../../src/command/command.ts';

/** An entry of worker-lines.tsv: the command's text and what stands around it. */
export interface CorpusEntry {
  /** Line of the file, from 1. */
  readonly number: number;
  readonly command: string;
  readonly surroundings: Surroundings;
}

const home = '/home/example-user';

/** What the collected lines are read with: users with a shell, whatever theirs is on a given machine. */
const surroundings: Surroundings = {
  shell: '/bin/sh',
  home,
  variables: new Map([['HOME', home]]),
  people: new Map(
    [
      'www-data /var/www',
      'http /srv/http',
      'site.example.com_abcdefghijk /var/www/vhosts/site.example.com',
    ].map((row) => {
      const [name = '', at = ''] = row.split(' ');
      return [name, { home: at, shell: '/bin/sh' }] as const;
    }),
  ),
};

/** The entries of the file's text. */
export function entriesOf(text: string): readonly CorpusEntry[] {
  return text.split('\n').flatMap((row, at): CorpusEntry[] => {
    if (row === '' || row.startsWith('#')) return [];
    const tab = row.indexOf('\t');
    const line = row.slice(tab + 1);
    const fields = line.startsWith('@') ? 1 : 5;
    const withUser = row.slice(0, tab).includes('system crontab') ? 1 : 0;
    const command = line.replace(new RegExp(`^(?:\\S+[ \\t]+){${fields + withUser}}`), '');
    return [{ number: at + 1, command, surroundings }];
  });
}
