// What Plesk may make of a crontab, and what is told as its doing: the task's own line may change, nothing else.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeCrontab } from '../../src/plesk/judge.ts';
import type { TaskText } from '../../src/plesk/task.ts';

const exec = (command: string): TaskText => ({ type: 'exec', command, args: '' });
const php = (args: string): TaskText => ({ type: 'php', command: 'httpdocs/x.php', args });
const base =
  'MAILTO=""\nSHELL="/bin/sh"\n*/5\t*\t*\t*\t*\tphp old.php\n# by hand\n0 3 * * *  /usr/bin/true\n';
const now = base.replace('php old.php', 'php new.php');
const judge = (text: string, texts = [exec('php new.php')], from = base, line = 3) => {
  const judged = judgeCrontab(from, text, [{ line, texts }], 'debian');
  return judged.is === 'as-meant' ? judged.is : judged.why;
};

describe('a crontab after an update', () => {
  test.each([
    ['its own line alone', now, 'as-meant'],
    ['its line in parentheses', base.replace('php old.php', '(php new.php)  > /dev/null'), 'as-meant'],
    ['blank lines', `\n${now}\n\n`, 'as-meant'],
    ['a setting that was there twice', now.replace('MAILTO=""\n', 'MAILTO=""\nMAILTO=""\n'), 'as-meant'],
    ['nothing', base, 'no-line'],
    ['its line at another time', now.replace('*/5', '*/7'), 'no-line'],
    ['its line gone', base.replace(/^.*old.php\n/m, ''), 'no-line'],
    ['a comment gone', now.replace('# by hand\n', ''), 'others-changed'],
    ['another line gone', now.replace(/^0 3.*\n/m, ''), 'others-changed'],
    ['another line with other blanks', now.replace('*  /usr', '* /usr'), 'others-changed'],
    ['another line more', `${now}* * * * * /usr/bin/false\n`, 'others-changed'],
    [
      'another shell for another line',
      now.replace('# by hand\n', '# by hand\nSHELL=/bin/bash\n'),
      'others-changed',
    ],
    ['another shell for its own', now.replace('"/bin/sh"', '"/bin/bash"'), 'others-changed'],
    ['the order of others', now.replace(/(# by hand\n)(0 3.*\n)/, '$2$1'), 'others-changed'],
  ])('%s: %s', (_, text, verdict) => {
    expect(judge(text)).toBe(verdict);
  });

  test('a task that becomes one that runs a PHP script may move to another block, out of the chroot', () => {
    const line =
      "*/5\t*\t*\t*\t*\t(/opt/plesk/php/8.3/bin/php -f 'httpdocs/x.php' -- '--once')  > /dev/null\n";
    const chrooted = base.replace('"/bin/sh"', '"/opt/psa/bin/chrootsh"');
    const without = chrooted.replace(/^.*old.php\n/m, '');
    expect(judge(`${without}SHELL="/bin/sh"\n${line}`, [php('--once')], chrooted)).toBe('as-meant');
    expect(judge(`${without}${line}`, [php('--once')], chrooted)).toBe('chrooted');
  });

  test('whatever is done to a line that is not the task’s, it is told', () => {
    const lines = now.split('\n');
    fc.assert(
      fc.property(fc.constantFrom(3, 4), fc.string({ unit: 'grapheme-ascii', minLength: 1 }), (at, more) => {
        fc.pre(/\S/.test(more) && !more.includes('%'));
        const text = lines.map((line, i) => (i === at ? `${line} ${more.trim()}` : line)).join('\n');
        expect(judge(text)).not.toBe('as-meant');
      }),
    );
  });
});
