// Every row of the grammar, in all three readings; what each daemon then runs; and where two crons part.
import { describe, expect, test } from 'vitest';
import { running, verdicts } from '../../src/crontab/dialects.ts';
import { parseCrontab } from '../../src/crontab/parse.ts';
import { printCrontab } from '../../src/crontab/print.ts';
import { cronZone } from '../../src/crontab/settings.ts';
import { rows } from './rows.ts';

const crons = ['debian12', 'debian13', 'cronie'] as const;

describe.each([...new Set(rows.map((row) => row.section))])('%s', (section) => {
  test.each(rows.filter((row) => row.section === section))('$name: $verdict', ({ text, verdict }) => {
    const { accepted, crontabs } = verdicts(text, false);
    const said = crons.map((cron) => (accepted[cron] ? 'Y' : 'n')).join('');
    expect(said).toBe(verdict);
    for (const cron of crons) expect(printCrontab(crontabs[cron])).toBe(text);
  });
});

describe('what the daemon runs of a file that nobody checked', () => {
  test.each([
    ['a good one', '* * * * * root x\n', 'everything', 'everything'],
    ['one bad line', '* * * * * root x\n60 * * * * root y\n', 'nothing', 'the-rest'],
    ['no newline at the end', '* * * * * root x\n* * * * * root y', 'nothing', 'the-rest'],
    ['a line for cronie alone', '~ * * * * root x\n', 'nothing', 'everything'],
    ['a line for Debian alone', '1.5 * * * * root x\n@daily root y\n', 'everything', 'the-rest'],
    [
      'too many comments for crontab -T',
      `#${'x'.repeat(33_000)}\n* * * * * root x\n`,
      'everything',
      'everything',
    ],
    ['an entry on line 10,003', `${'#\n'.repeat(10_002)}* * * * * root x\n`, 'everything', 'everything'],
    ['an entry on line 10,004', `${'#\n'.repeat(10_003)}* * * * * root x\n`, 'nothing', 'everything'],
    ['comments beyond line 10,004', `* * * * * root x\n${'#\n'.repeat(10_010)}`, 'everything', 'everything'],
  ])('%s: Debian %3$s, cronie %4$s', (_, text, debian, cronie) => {
    expect(verdicts(text, true).running).toEqual({ debian12: debian, debian13: debian, cronie });
  });

  test('a crontab is running by the rules of the dialect it was read in', () => {
    expect(running(parseCrontab('60 * * * * x\n', { dialect: 'debian', system: false }))).toBe('nothing');
    expect(running(parseCrontab('60 * * * * x\n', { dialect: 'cronie', system: false }))).toBe('the-rest');
  });
});

describe('the difference, line by line', () => {
  test('says which crons refuse a line', () => {
    const text = '* * * * * x\n1.5 * * * * x\n~ * * * * x\nFOO=\nMAILTO=a b\n60 * * * * x\n';
    expect(verdicts(text, false).lines).toMatchObject([
      { line: 2, refusedBy: ['cronie'], span: { start: 12, end: 26 } },
      { line: 3, refusedBy: ['debian12', 'debian13'] },
      { line: 4, refusedBy: ['debian12'] },
      { line: 5, refusedBy: ['debian13'] },
      { line: 6, refusedBy: ['debian12', 'debian13', 'cronie'] },
    ]);
  });

  test.each([
    ['5~10 * * * * x', 'times'],
    ["* * * * * printf 'a\\\\nb'", 'command'],
    ['* * * * * -n x', 'command'],
    ['* * * * * x%in', 'none'],
    ['A="b "', 'value'],
    [`A=${'b'.repeat(1_200)}`, 'value'],
    ['* * * * * x', 'none'],
  ])('%j is taken by both: they part over %s', (line, parting) => {
    expect(verdicts(`${line}\n`, false).lines.map((one) => one.parting)).toEqual(
      parting === 'none' ? [] : [parting],
    );
  });

  test('CRON_TZ moves the entries below it on cronie, and nothing on Debian', () => {
    const text = '@daily a\nCRON_TZ=Asia/Tokyo\n@daily b\n@reboot c\nCRON_TZ=""\n@daily d\n';
    const { crontabs, lines } = verdicts(text, false);
    expect(lines).toMatchObject([{ line: 3, parting: 'times', refusedBy: [] }]);
    expect([1, 3, 6].map((line) => cronZone(crontabs.cronie, line))).toEqual([
      undefined,
      'Asia/Tokyo',
      undefined,
    ]);
    expect(cronZone(crontabs.debian12, 3)).toBe(undefined);
    const marks = crontabs.debian12.lines[1]?.marks.map((mark) => mark.code);
    expect(marks).toEqual(['inert-setting']);
  });

  test('a NUL splits a line, and one verdict stands for all of it', () => {
    const text = '* * * * * x\x001.5 * * * * y\n* * * * * z\n';
    expect(verdicts(text, false).lines).toMatchObject([
      { line: 1, span: { start: 0, end: 26 }, refusedBy: ['cronie'] },
    ]);
  });
});
