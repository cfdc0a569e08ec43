// A password in every place that cronlatch may read: none of them is printed, logged, or handed to another program.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, installProgram, until, workshop } from '../support/cron.ts';
import { rowsOf } from '../support/cronProcesses.ts';
import { runProgram, straceMissing } from '../support/syscalls.ts';

/** One of its own for each place, so that a leak says where it came from. */
const canary = (place: string): string => `Canary-${place}-4c1d`;
const places = [
  'command',
  'option',
  'url',
  'setting',
  'mailto',
  'dotenv',
  'config',
  'script',
  'environment',
  'argv',
];

describe.skipIf(straceMissing !== '')(
  `a password${straceMissing ? ` (skipped: ${straceMissing})` : ''}`,
  () => {
    let directory: string;
    let bin: string;
    let old: ChildProcess | undefined;
    const at = (name: string): string => join(directory, name);
    beforeAll(() => {
      directory = workshop('canary');
      bin = installProgram(directory);
    });
    afterAll(() => {
      old?.kill('SIGKILL');
      closeWorkshop(directory);
    });

    test('in any place is in no output, in no file of ours but the bytes to be brought back, and in no child', async () => {
      const script = at('site/scripts/worker.mjs');
      mkdirSync(at('site/scripts'), { recursive: true });
      mkdirSync(at('tmp'));
      writeFileSync(
        script,
        `import { argv } from 'node:process';\nconst password = '${canary('script')}';\nif (!argv.includes('--once')) setInterval(() => {}, 1000, password);\n`,
      );
      writeFileSync(at('site/.env'), `DB_PASSWORD=${canary('dotenv')}\n`);
      writeFileSync(at('site/config.php'), `<?php define('DB_PASSWORD', '${canary('config')}');\n`);
      const url = `mysql://app:${canary('url')}@db.example/shop`;
      const args = `--db=${url} --password=${canary('option')}`;
      writeFileSync(
        at('crontab'),
        `MAILTO=ops:${canary('mailto')}@mail.example.com\nHOME=${at('site')}\nAPI_TOKEN="${canary('setting')}"\n` +
          `*/2 * * * * cd ${at('site')} && DB_PASSWORD=${canary('command')} ${process.execPath} scripts/worker.mjs ${args}\n`,
      );
      old = spawn(
        process.execPath,
        [script, `--db=${url}`, `--password=${canary('option')}`, `--token=${canary('argv')}`],
        {
          cwd: at('site'),
          stdio: 'ignore',
        },
      );
      await until('the old instance runs', () => rowsOf().some((row) => row.argv[1] === script));

      const env = {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        TMPDIR: at('tmp'),
        MYSQL_PWD: canary('environment'),
      };
      const state = ['--state-dir', at('state')];
      const tab = ['--file', at('crontab')];
      const leaks: string[] = [];
      const look = (where: string, text: string): void => {
        for (const place of places) if (text.includes(canary(place))) leaks.push(`${place} in ${where}`);
      };
      const note = at('trace');
      const run = async (...line: readonly string[]): Promise<string> => {
        const ran = await runProgram(
          [
            'strace',
            '-f',
            '-v',
            '-s',
            '65536',
            '-e',
            'trace=execve',
            '-o',
            note,
            process.execPath,
            bin,
            ...line,
          ],
          at('site'),
          env,
        );
        look(`the output of ${line[0]} ${line.join(' ')}`, ran.out + ran.err);
        // The first is cronlatch itself, with the environment that it was given.
        const started = readFileSync(note, 'latin1')
          .split('\n')
          .filter((one) => one.includes('execve('))
          .slice(1);
        for (const one of started) look(`a child of ${line[0]}: ${one.slice(0, 80)}`, one);
        expect([0, 3], ran.err).toContain(ran.code);
        return ran.out;
      };

      for (const more of [[], ['--json'], ['--verbose', '--debug']])
        await run('scan', ...tab, ...state, '--fail-on', 'never', ...more);
      await run('deploy', ...tab, ...state, '--all', '--dry-run', '--verbose', '--debug');
      await run('deploy', ...tab, ...state, '--all', '--dry-run', '--json', '--save', at('plan.json'));
      const deployed = await run(
        ...[
          'deploy',
          ...tab,
          ...state,
          '--all',
          '--ci',
          '--verbose',
          '--debug',
          '--kill-after',
          '5s',
          '--max-wait',
          '1s',
        ],
      );
      const id = /Deployed as (\S+)\./.exec(deployed)?.[1] ?? '';
      await run('history', ...state);
      await run('history', id, ...state);
      await run('history', id, ...state, '--json');
      await run('rollback', ...state, '--dry-run', '--json');
      await run('rollback', ...state, '--dry-run', '--verbose');

      // What is ours on the disk: the guard, locks, logs, what lies in the temporary directory.
      const theirs = new Set([script, at('site/.env'), at('site/config.php'), at('crontab'), note]);
      const bytes: string[] = [];
      for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
        const path = at(name);
        if (theirs.has(path) || name.startsWith('program') || !lstatSync(path).isFile()) continue;
        if (path === at('plan.json') || /deployments\/.*\.jsonl$/.test(path)) {
          expect((lstatSync(path).mode & 0o777).toString(8), path).toBe('600');
          bytes.push(readFileSync(path, 'latin1'));
        } else look(path, readFileSync(path, 'latin1'));
      }
      expect(leaks).toEqual([]);
      // A way back without the customer's own bytes would be none.
      for (const place of ['command', 'script', 'mailto']) expect(bytes.join('')).toContain(canary(place));
      // What was never anybody's to read is not even there.
      for (const place of ['dotenv', 'config', 'environment', 'argv'])
        expect(bytes.join('')).not.toContain(canary(place));
      await run('rollback', ...state, '--ci', '--verbose', '--debug');
      expect(readFileSync(script, 'utf8')).toContain(canary('script'));
      expect(leaks).toEqual([]);
      expect(spawnSync('ls', ['-A', at('tmp')]).stdout.toString()).toBe('');
    }, 120_000);
  },
);
