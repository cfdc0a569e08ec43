// Answers as a command line and as a file: whatever is in them, they come back as they were.
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commandLine, configOf } from '../../src/ask/answers.ts';
import { readAnswers } from '../../src/ask/config.ts';
import { flagNames, readLine } from '../../src/cli/line.ts';

/** The words that a POSIX shell makes of the line. */
function words(line: string): string[] {
  const ran = spawnSync('sh', ['-c', `set -- ${line}\nprintf '%s\\0' "$@"`], { encoding: 'utf8' });
  return ran.stdout.split('\0').slice(0, -1);
}

describe('a command line', () => {
  test('a shell and our own reader make the answers of it again, whatever letters are in them', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
      .filter((v) => !v.includes('\0'));
    fc.assert(
      fc.property(value, value, value, (script, log, user) => {
        const line = commandLine({ user, script, log, 'lock-in-docroot': true });
        const [program, ...rest] = words(line);
        expect(program).toBe('cronlatch');
        const read = readLine(rest);
        expect(read.command === 'deploy' && read.flags).toEqual({
          user,
          script,
          log,
          'lock-in-docroot': true,
          ci: true,
        });
      }),
      { numRuns: 40 },
    );
  });

  test.each(['--once', '-x', "it's", '$(id)', '`id`', 'a b', '*', '~', '#', 'a\nb', '"', '\\', '!', ''])(
    'the value %j stands in it and starts nothing',
    (value) => {
      const [, ...rest] = words(commandLine({ script: '/w.php', log: value }));
      const read = readLine(rest);
      expect(read.command === 'deploy' && read.flags['log']).toBe(value);
    },
  );

  test('several files are said one by one, and none of them in the config file', () => {
    expect(commandLine({ file: ['a', 'b c'] })).toBe("cronlatch deploy --file a --file 'b c' --ci");
    expect(configOf([{ file: ['a'], script: 's' }], { file: ['a'], grace: '5s' })).toEqual({
      $schema: 'urn:cronlatch:config-1',
      grace: '5s',
      workers: [{ script: 's' }],
    });
  });

  test('the file is one that --config takes, and says the same', () => {
    const config = configOf(
      [
        { user: 'u', script: '/w.php', once: 'yes' },
        { user: 'u', entry: '3' },
      ],
      { without: 'verify' },
    );
    expect(readAnswers('c', config, flagNames())).toEqual({
      shared: { without: 'verify' },
      workers: [
        { user: 'u', script: '/w.php', once: 'yes' },
        { user: 'u', entry: '3' },
      ],
    });
  });
});
