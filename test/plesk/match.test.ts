// Tasks and crontab lines, paired: which line is whose, and where the panel and cron no longer say the same.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carries, lineAfter, phpLineOf } from '../../src/plesk/line.ts';
import { type Line, pairTasks } from '../../src/plesk/match.ts';
import type { Task } from '../../src/plesk/task.ts';

const task = (id: number, more: Partial<Task> = {}): Task => ({
  ...{
    id,
    user: 'example_user',
    active: true,
    type: 'exec',
    handler: '',
    command: 'php httpdocs/import.php',
  },
  ...{ args: '', description: '', notify: 'ignore', schedule: '*/5 * * * *' },
  ...more,
});
const php = (id: number, more: Partial<Task> = {}): Task =>
  task(id, { type: 'php', handler: 'plesk-php83-fpm', command: 'httpdocs/cron.php', ...more });
const line = (number: number, raw: string, schedule = '*/5 * * * *'): Line => ({
  line: number,
  schedule,
  raw,
  text: raw.replaceAll('\\%', '%'),
});
const plesks = (script: string, args = '', version = '8.3') =>
  `(/opt/plesk/php/${version}/bin/php -f '${script}'${args})  > /dev/null`;

describe('a pair', () => {
  test.each([
    ['a php task', php(1), plesks('httpdocs/cron.php')],
    ['a php task with an argument', php(1, { args: '--once' }), plesks('httpdocs/cron.php', " -- '--once'")],
    [
      'a php task with an argument, unquoted',
      php(1, { args: '--once' }),
      plesks('httpdocs/cron.php', ' --once'),
    ],
    ['an exec task', task(1), 'php httpdocs/import.php'],
    ['an exec task in parentheses', task(1), '(php httpdocs/import.php)  > /dev/null'],
    ['a percent sign', task(1, { command: 'date +\\%F' }), 'date +\\%F'],
    ['a percent sign the panel keeps bare', task(1, { command: 'date +%F' }), 'date +\\%F'],
    [
      'an http task',
      task(1, { type: 'http', command: 'https://example.com/x.php?a=1' }),
      "curl 'https://example.com/x.php?a=1'",
    ],
  ])('%s', (_, one, raw) => {
    expect(pairTasks([one], [line(4, raw)])).toEqual([{ task: one, line: 4, drift: [] }]);
  });

  test('a removed PHP that the panel no longer shows (plesk/centos2alma#146)', () => {
    const one = php(1);
    expect(pairTasks([one], [line(4, plesks('httpdocs/cron.php', '', '5.6'))])).toEqual([
      { task: one, line: 4, drift: [{ is: 'php', panel: '8.3', crontab: '5.6' }] },
    ]);
  });

  test.each([
    ['another schedule', task(1), line(4, 'php httpdocs/import.php', '0 1 * * *'), ['schedule']],
    ['a command edited by hand', task(1), line(4, 'cd /x && php httpdocs/import.php --once'), ['command']],
    ['no line at all', task(1), line(4, '/usr/bin/backup'), ['no-line']],
    [
      'switched off, and it runs',
      task(1, { active: false }),
      line(4, 'php httpdocs/import.php'),
      ['runs-though-off'],
    ],
    ['switched off, and no line', task(1, { active: false }), line(4, '/usr/bin/backup'), []],
  ])('drift: %s', (_, one, there, drift) => {
    expect(pairTasks([one], [there])[0]?.drift.map(({ is }) => is)).toEqual(drift);
  });

  test('a script that two lines name is nobody’s by its name alone', () => {
    const lines = [line(4, 'nice php import.php'), line(5, 'php import.php --other')];
    expect(pairTasks([task(1)], lines)[0]).toMatchObject({ line: 'none', drift: [{ is: 'no-line' }] });
  });

  test('two tasks with the same text have two lines, each its own', () => {
    const lines = [line(4, 'php httpdocs/import.php'), line(9, 'php httpdocs/import.php')];
    expect(pairTasks([task(1), task(2)], lines).map((p) => p.line)).toEqual([4, 9]);
  });

  test('whatever the tasks and lines, each line is one task’s at most and a pair without drift fits', () => {
    const command = fc.constantFrom('php a.php', 'php b.php', 'php a.php --once', '/bin/true', 'date +\\%F');
    const schedule = fc.constantFrom('* * * * *', '*/5 * * * *');
    fc.assert(
      fc.property(
        fc.array(fc.record({ command, schedule, active: fc.boolean() })),
        fc.array(fc.tuple(command, schedule)),
        (some, others) => {
          const tasks = some.map((more, i) => task(i + 1, more));
          const lines = others.map(([raw, when], i) => line(i + 1, raw, when));
          const pairs = pairTasks(tasks, lines);
          const taken = pairs.flatMap((p) => (p.line === 'none' ? [] : [p.line]));
          expect(new Set(taken).size).toBe(taken.length);
          for (const pair of pairs) {
            const there = lines.find((l) => l.line === pair.line);
            if (pair.drift.length > 0 || there === undefined) continue;
            expect(carries(there.raw, pair.task) && there.schedule === pair.task.schedule).toBe(true);
          }
        },
      ),
    );
  });
});

describe('the line after an update', () => {
  test.each([
    [plesks('httpdocs/cron.php'), php(1), { args: '--once' }, plesks('httpdocs/cron.php', " -- '--once'")],
    ['(php httpdocs/import.php)  > /dev/null', task(1), { command: 'php x.php' }, '(php x.php)  > /dev/null'],
    ['php httpdocs/import.php', task(1), { command: 'php x.php' }, 'php x.php'],
    [
      'cd /httpdocs && php import.php',
      task(1, { command: 'cd /httpdocs && php import.php' }),
      { type: 'php', command: 'httpdocs/import.php', args: '--once' } as const,
      "(/php -f 'httpdocs/import.php' -- '--once')  > /dev/null",
    ],
  ])('%j', (raw, before, change, wanted) => {
    const after = { ...before, ...change };
    const made = lineAfter(raw, before, after, '/php');
    expect(made).toBe(wanted);
    expect(carries(made, after)).toBe(true);
  });

  test('a line that is no php task’s has no parts of one', () => {
    expect(phpLineOf('php httpdocs/x.php')).toBeUndefined();
    expect(phpLineOf(plesks('a b.php'))).toMatchObject({ script: 'a b.php', args: '' });
  });
});
