// Comments that speak for a finding: which line they are about, what they cannot do, and what is wrong with them.
import { describe, expect, test } from 'vitest';
import { parseCrontab } from '../../src/crontab/parse.ts';
import type { Finding } from '../../src/survey/facts.ts';
import { type Choice, isWanted } from '../../src/survey/reported.ts';
import { suppress } from '../../src/survey/suppress.ts';

const finding = (code: string, line: number, level: Finding['level'] = 'warn'): Finding => ({
  level,
  code,
  where: { source: 'x', line },
  args: {},
});
const settled = (text: string, ...findings: Finding[]) => {
  const { kept, suppressed } = suppress(
    'x',
    parseCrontab(text, { dialect: 'debian', system: false }),
    findings,
  );
  return {
    kept: kept.map((f) => `${f.code}${f.code.startsWith('suppression') ? ` ${f.args['rule']}` : ''}`),
    suppressed: suppressed.map(({ finding: f, reason, by }) => `${f.code} by ${by}: ${reason}`),
  };
};
const entry = '0 3 * * * x\n';

describe('a suppression', () => {
  test('speaks for the line below it, through further comments, and for no other', () => {
    const text = `# cronlatch-ignore: no-lock -- one a day\n# a word in between\n${entry}${entry}`;
    expect(settled(text, finding('no-lock', 3), finding('no-lock', 4), finding('no-log', 3))).toEqual({
      kept: ['no-lock', 'no-log'],
      suppressed: ['no-lock by 1: one a day'],
    });
  });

  test('names several rules, with commas or blanks, and may stand with others above one line', () => {
    const text = `# cronlatch-ignore: no-lock, no-log -- a\n#cronlatch-ignore:percent\t--\tb -- c\n${entry}`;
    expect(
      settled(text, finding('no-log', 3), finding('percent', 3), finding('no-lock', 3)).suppressed,
    ).toEqual(['no-log by 1: a', 'percent by 2: b -- c', 'no-lock by 1: a']);
  });

  test('for the whole file speaks for every line and for the file itself', () => {
    const text = `${entry}# cronlatch-ignore-file: no-lock cron-d-name -- all known\n${entry}`;
    expect(
      settled(text, finding('no-lock', 1), finding('no-lock', 3), finding('cron-d-name', 0)).kept,
    ).toEqual([]);
  });

  test('above a blank line speaks for nothing', () => {
    expect(settled(`# cronlatch-ignore: no-lock -- a\n\n${entry}`, finding('no-lock', 3)).kept).toEqual([
      'no-lock',
      'suppression-unused no-lock',
    ]);
  });

  test.each([
    '# cronlatch-ignore: no-lock',
    '# cronlatch-ignore: no-lock --',
    '# cronlatch-ignore: no-lock --  ',
  ])('without a reason does nothing and is a finding: %s', (comment) => {
    expect(settled(`${comment}\n${entry}`, finding('no-lock', 2))).toEqual({
      kept: ['no-lock', 'suppression-unexplained no-lock'],
      suppressed: [],
    });
  });

  test('of a rule that does not exist, or of none, is a finding', () => {
    expect(settled(`# cronlatch-ignore: no-locks -- a\n# cronlatch-ignore: -- b\n${entry}`).kept).toEqual([
      'suppression-unknown no-locks',
      'suppression-unknown ',
    ]);
  });

  test('never hides what cron does not load, and says so', () => {
    const text = '# cronlatch-ignore-file: bad-field crontab-ignored -- hush\n61 * * * * x\n';
    expect(settled(text, finding('bad-field', 2, 'stop'), finding('crontab-ignored', 0, 'stop'))).toEqual({
      kept: [
        'bad-field',
        'crontab-ignored',
        'suppression-refused bad-field',
        'suppression-refused crontab-ignored',
      ],
      suppressed: [],
    });
  });

  test('is found in a file with Windows line ends and with bytes that are no UTF-8', () => {
    const text = `# cronlatch-ignore: no-lock -- caf\xe9\r\n${entry}`;
    expect(settled(text, finding('no-lock', 2)).suppressed).toEqual(['no-lock by 1: café']);
  });
});

describe('--only and --ignore', () => {
  const all: Choice = { only: 'all', ignore: new Set() };
  test('choose by rule, and leave stop alone', () => {
    expect(isWanted(finding('no-lock', 1), all)).toBe(true);
    expect(isWanted(finding('no-lock', 1), { only: new Set(['no-log']), ignore: new Set() })).toBe(false);
    expect(isWanted(finding('no-lock', 1), { only: 'all', ignore: new Set(['no-lock']) })).toBe(false);
    expect(
      isWanted(finding('bad-field', 1, 'stop'), {
        only: new Set(['no-log']),
        ignore: new Set(['bad-field']),
      }),
    ).toBe(true);
  });
});
