// Help, version, flags and usage: rules 1 to 9.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { expectProblem, run, scratch, site, timeless } from './harness.ts';

describe.concurrent('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])(
    '%j prints the general help on standard output (rule 1)',
    async (args) => {
      const ended = await run(args);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toContain('Commands');
      expect(ended.out).toContain('cronlatch deploy --dry-run');
    },
  );

  test.each(commands.map((c) => c.name))('help of %s is the same by every way (rule 1)', async (name) => {
    const ways = await Promise.all(
      [
        [name, '--help'],
        [name, '-h'],
        ['help', name],
        ['-h', name],
      ].map((w) => run(w)),
    );
    for (const ended of ways) {
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toBe(ways[0]?.out);
    }
    expect(ways[0]?.out).toContain(`cronlatch ${name}`);
  });

  test.each([['-h'], ['--help'], ['-yh'], ['-hy'], ['-nvh']])(
    '%s at the end of a rollback wins and touches nothing (rule 2)',
    async (flag) => {
      const state = join(scratch(), 'state');
      const ended = await run(['rollback', '--to', 'x', '--state-dir', state, flag]);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toContain('Usage');
      expect(existsSync(state)).toBe(false);
    },
  );

  test('grouped with a y, the h of a rollback that could be done still wins (rule 2)', async () => {
    const at = site();
    const before = at.read();
    await run(['deploy', ...at.on, '--all', '--ci', '--without', 'verify']);
    const after = at.read();
    expect(after).not.toEqual(before);
    const ended = await run(['rollback', ...at.stateFlags, '-yh']);
    expect(ended.out).toContain('Usage');
    expect(at.read()).toEqual(after);
  });

  test.each(['', ...commands.map((c) => c.name)])(
    'help of "%s" has examples first, a link, and fits 80 columns (rule 3)',
    async (name) => {
      const { out } = await run([...(name === '' ? [] : [name]), '--help']);
      expect(out.indexOf('Examples')).toBeGreaterThan(0);
      expect(out.indexOf('Examples')).toBeLessThan(out.indexOf(name === '' ? 'Commands' : 'Flags'));
      for (const line of out.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
      expect(out.endsWith('\n')).toBe(true);
      expect(out).toMatch(/docs/);
    },
  );

  test.each([['--version'], ['-V'], ['deploy', '-V']])(
    'the bare version is all that %s prints (rule 4)',
    async (...args) => {
      const ended = await run(args);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toMatch(/^\d+\.\d+\.\d+\n$/);
    },
  );
});

describe.concurrent('usage', () => {
  test.each([
    [['deploy', '--dryrun'], '--dryrun', '--dry-run'],
    [['scan', '--jason'], '--jason', '--json'],
    [['scan', '--fail_on', 'warn'], '--fail_on', '--fail-on'],
    [['deploy', '--interpeter=/usr/bin/php'], '--interpeter', '--interpreter'],
  ])('%j is refused with the nearest flag (rule 5)', async (args, wrong, near) => {
    const ended = await run(args);
    expectProblem(ended, 'usage', 2);
    expect(ended.out).toBe('');
    expect(ended.err).toContain(`There is no flag ${wrong}. Did you mean ${near}?`);
  });

  test('a flag like no other is named without a guess (rule 5)', async () => {
    const ended = await run(['scan', '--zzzzzzzzzz']);
    expectProblem(ended, 'usage', 2);
    expect(ended.err).toContain('There is no flag --zzzzzzzzzz.');
    expect(ended.err).not.toContain('Did you mean');
  });

  test('a flag of another command is refused by name (rule 5)', async () => {
    const ended = await run(['history', '--keep-on-fail']);
    expectProblem(ended, 'usage', 2);
    expect(ended.err).toContain("--keep-on-fail is no flag of 'history'");
  });

  test.each(['depl', 'deplo', 'deploys', 'Deploy', 'rolback'])(
    '%s is no command: no abbreviations, no catch-all (rule 6)',
    async (word) => {
      const ended = await run([word]);
      expectProblem(ended, 'usage', 2);
      expect(ended.out).toBe('');
      expect(ended.err).toContain(`There is no command '${word}'.`);
    },
  );

  test('the nearest command is offered (rule 6)', async () => {
    expect((await run(['rolback'])).err).toContain("Did you mean 'rollback'?");
  });

  test('flags may stand before or after the command (rule 7)', async () => {
    const at = site();
    const after = await run(['scan', ...at.on, '--json', '--fail-on', 'never']);
    const before = await run([...at.on, '--json', '--fail-on', 'never', 'scan']);
    expect(after.code).toBe(0);
    expect(timeless(before.out)).toBe(timeless(after.out));
  });

  test('values stand after a blank or an equals sign, short flags group, -- ends flags (rule 8)', async () => {
    const at = site();
    const blank = await run([
      'scan',
      '--file',
      at.tab,
      '--state-dir',
      at.state,
      '--json',
      '--fail-on',
      'stop',
    ]);
    const equals = await run([
      'scan',
      `--file=${at.tab}`,
      `--state-dir=${at.state}`,
      '--json',
      '--fail-on=stop',
    ]);
    const grouped = await run(['scan', '-qv', ...at.on, '--json', '--fail-on', 'stop']);
    const ended = await run(['scan', ...at.on, '--json', '--fail-on', 'stop', '--']);
    expect(blank.code).toBe(0);
    for (const other of [equals, grouped, ended]) expect(timeless(other.out)).toBe(timeless(blank.out));
    const positional = await run(['history', ...at.stateFlags, '--', '--json']);
    expectProblem(positional, 'no-deployment', 2);
    expect(positional.err).toContain('There is no deployment --json.');
    expect(positional.out).toBe('');
  });

  test('a file may be named twice, and both are scanned in that order (rule 8)', async () => {
    const [one, two] = [site(), site()];
    const ended = await run([
      'scan',
      '--file',
      one.tab,
      '--file',
      two.tab,
      '--json',
      '--state-dir',
      one.state,
    ]);
    const crontabs = JSON.parse(ended.out).crontabs as { source: string }[];
    expect(crontabs.map((c) => c.source)).toEqual([one.tab, two.tab]);
  });

  test.each([
    [['scan', '--fail-on'], '--fail-on: a value is missing'],
    [['scan', '--json=yes'], '--json: takes no value'],
    [['scan', '--fail-on', 'bad'], '--fail-on bad: it can be note, warn, stop, never'],
    [['deploy', '--grace', 'soon'], '--grace soon: a time is a number'],
    [['deploy', '--entry', '0'], '--entry 0: a whole number above 0'],
    [['deploy', '--script', 'a', '--all'], '--script and --all cannot be used together'],
    [['deploy', '--file', 'a', '--user', 'b'], '--file and --user cannot be used together'],
    [['deploy', '--system'], '--system says something about --file'],
    [['deploy', '--interpreter', 'php'], 'an absolute path is needed'],
    [['deploy', '--interpreter', '/bin/sh'], 'neither PHP nor Node'],
    [['deploy', '--php', '/a', '--node', '/b'], 'name different programs'],
    [['deploy', '--without', 'lock'], '--without lock: it can be guard, stop, verify'],
    [['deploy', '--dialect', 'bsd'], '--dialect bsd: it can be debian, cronie'],
    [['deploy', '--plan', 'a', '--resume', 'b'], '--plan and --resume cannot be used together'],
    [['deploy', '--ticks', 'x', '--ci', '--file', '/nonexistent'], '--ticks x: a whole number'],
    [['verify', '--max-wait', 'x'], '--max-wait x: a time'],
    [['rollback', '--to', 'now', '--ci'], '--to now: it can be before, long-running, disabled'],
    [['scan', '--config', '/nonexistent/config.json'], 'Cannot read the config file'],
  ])('%j is refused with what is wrong (rule 8)', async (args, says) => {
    const state = join(scratch(), 'state');
    const ended = await run([...args, ...(args.at(-1)?.startsWith('--') ? [] : ['--state-dir', state])]);
    expectProblem(ended, 'usage', 2);
    expect(ended.err.split('\n')[0]).toContain(says);
    expect(existsSync(state)).toBe(false);
  });

  test.each([
    [['scan', 'extra']],
    [['deploy', 'extra', '--ci', '--file', '/nonexistent']],
    [['verify', 'id', 'extra']],
    [['rollback', 'id', 'extra', '--ci']],
    [['history', 'id', 'extra']],
    [['sandbox', 'extra']],
  ])('%j has one word too many (rule 9)', async (args) => {
    const ended = await run(args);
    expectProblem(ended, 'usage', 2);
    expect(ended.err).toContain("'extra' is one word too many.");
    expect(ended.err).toContain('Usage: cronlatch');
  });
});
