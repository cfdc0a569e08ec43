// Answers: where each comes from, what is no consent, what makes no sense.
import { describe, expect, test } from 'vitest';
import { answer, consent, envName, type Surroundings, seconds, settle } from '../../src/ask/settle.ts';
import { type Line, readLine } from '../../src/cli/line.ts';
import { Problem } from '../../src/problem.ts';

const line = (text: string): Line => readLine(text.split(' ').filter((w) => w !== '')) as Line;
const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  env: {},
  cwd: '/work',
  root: true,
  home: '/root',
  terminal: true,
  config: {},
  ...more,
});

describe('consent', () => {
  const table: [string, string, boolean, string | undefined, { given: boolean; prompts: boolean }][] = [
    ['nothing, in a terminal', 'deploy', true, undefined, { given: false, prompts: true }],
    ['nothing, no terminal', 'deploy', false, undefined, { given: false, prompts: false }],
    ['CI set', 'deploy', true, 'true', { given: false, prompts: false }],
    ['CI=1', 'deploy', true, '1', { given: false, prompts: false }],
    ['CI=TRUE', 'deploy', true, 'TRUE', { given: false, prompts: false }],
    ['CI=false', 'deploy', true, 'false', { given: false, prompts: true }],
    ['CI empty', 'deploy', true, '', { given: false, prompts: true }],
    ['--yes, in a terminal', 'deploy --yes', true, undefined, { given: true, prompts: true }],
    ['--yes, no terminal', 'deploy --yes', false, undefined, { given: true, prompts: false }],
    ['--yes with CI', 'deploy --yes', true, '1', { given: true, prompts: false }],
    ['--ci', 'deploy --ci', true, undefined, { given: true, prompts: false }],
  ];
  test.each(table)('%s', (_, words, terminal, ci, expected) => {
    const env = ci === undefined ? {} : { CI: ci };
    expect(consent(line(words), around({ terminal, env }))).toMatchObject(expected);
  });
});

describe('an answer', () => {
  const all = { env: { CRONLATCH_LOG: '/env' }, config: { log: '/config' } };
  test('flag before environment before config file before default', () => {
    expect(answer(line('deploy --log /flag'), around(all), 'log')).toEqual({ value: '/flag', from: 'flag' });
    expect(answer(line('deploy'), around(all), 'log')).toEqual({ value: '/env', from: 'environment' });
    expect(answer(line('deploy'), around({ config: all.config }), 'log')).toEqual({
      value: '/config',
      from: 'config',
    });
    expect(answer(line('deploy'), around(), 'log')).toEqual({ value: undefined, from: 'nowhere' });
  });
  test('every flag with a value has a variable of its own name', () => {
    expect(envName('max-wait')).toBe('CRONLATCH_MAX_WAIT');
  });
  test('no file and no variable can say --ci', () => {
    expect(
      consent(line('deploy'), around({ terminal: false, env: { CRONLATCH_CI: '1' }, config: { ci: true } }))
        .given,
    ).toBe(false);
  });
});

describe('settling', () => {
  test.each([
    ['30s', 30],
    ['10m', 600],
    ['2h', 7200],
    ['45', 45],
  ])('a time of %s is %i seconds', (text, expected) => expect(seconds(text, '--grace')).toBe(expected));

  test.each([
    'deploy --grace soon',
    'deploy --entry 0',
    'deploy --entry x',
    'deploy --guard both',
    'deploy --interpreter php',
    'deploy --php /a --node /b',
    'deploy --script a --all',
    'deploy --without everything',
    'scan --system',
    'scan --dialect vixie',
    'scan --file a --user b',
  ])('%s makes no sense: exit 2', (words) => {
    expect(() => settle(line(words), around())).toThrow(expect.objectContaining({ code: 'usage', exit: 2 }));
  });

  test('--php and --node are other names of --interpreter', () => {
    expect(settle(line('deploy --php /usr/bin/php'), around()).latching.interpreter).toBe('/usr/bin/php');
    expect(settle(line('deploy --node /usr/bin/node'), around()).latching.interpreter).toBe('/usr/bin/node');
  });

  test('journals of root and of a user stand where each may write', () => {
    expect(settle(line('scan'), around()).stateDirectory).toBe('/var/lib/cronlatch');
    expect(settle(line('scan'), around({ root: false, home: '/home/u12345_app' })).stateDirectory).toBe(
      '/home/u12345_app/.local/state/cronlatch',
    );
    expect(settle(line('scan --state-dir here'), around()).stateDirectory).toBe('/work/here');
  });

  test('without --kill-after nothing is ever killed', () => {
    expect(settle(line('deploy'), around()).latching).toEqual({ once: 'auto', grace: 30, without: [] });
  });
});

test('a problem is an Error with a code, so that JSON and people get the same', () => {
  expect(new Problem('declined')).toBeInstanceOf(Error);
});
