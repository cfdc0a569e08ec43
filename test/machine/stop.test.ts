// Who is stopped and who is not: a crowd of look-alikes around one script, in a namespace where PIDs come round quickly.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { crontabGroup, makeSpool } from '../support/spool.ts';
import { runProgram } from '../support/syscalls.ts';

const alone = spawnSync('unshare', ['-pf', '-m', '--mount-proc', 'true']).status === 0;
/** Before Linux 6.14 the highest PID was one for the whole machine, and not ours to lower. */
const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number);
const churn = major > 6 || (major === 6 && minor >= 14);
const why = cronMissing || (alone ? '' : 'no PID namespace');
/** PIDs begin at 300 when they come round. */
const highest = 500;
const rounds = process.env['CRONLATCH_STRESS'] === '1' ? 100 : 3;

describe.skipIf(why !== '')(`stopping${why ? ` (skipped: ${why})` : ''}`, () => {
  let directory: string;
  beforeAll(() => {
    directory = workshop('stop');
  });
  afterAll(async () => {
    await removeUsers();
    closeWorkshop(directory);
  });

  test(
    `exactly the lock-less instances are stopped, in ${rounds} of ${rounds} rounds${churn ? ', while PIDs come round' : ''}`,
    async () => {
      const at = (name: string): string => join(directory, name);
      const user = makeUser(directory);
      const other = makeUser(directory);
      makeSpool(at('spool'));
      mkdirSync(at('tmp'));
      const crowd = fileURLToPath(new URL('../support/crowd.mjs', import.meta.url));
      const told = JSON.stringify({
        rounds,
        home: user.home,
        tab: at(`spool/crontabs/${user.name}`),
        group: crontabGroup(),
        user,
        other,
        bin: installProgram(directory),
        jail: at('jail'),
        state: at('state'),
      });
      const { out, err, code } = await runProgram(
        [
          ...['unshare', '-pf', '-m', '--propagation', 'private', '--mount-proc', 'sh', '-c'],
          // sh stays as the first process: it takes in whom others leave behind.
          `mount --bind ${at('spool')} /var/spool/cron && ${churn ? `echo ${highest} > /proc/sys/kernel/pid_max && ` : ''}"$@"; exit $?`,
          ...['sh', process.execPath, crowd, told],
        ],
        '/',
        { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', TMPDIR: at('tmp') },
        rounds * 30,
      );
      expect(code, err).toBe(0);
      const seen = out
        .trim()
        .split('\n')
        .map((line): { wrong: string[]; started: number; highest: number } => JSON.parse(line));
      expect(seen.flatMap(({ wrong }) => wrong)).toEqual([]);
      expect(seen.length).toBe(rounds);
      // Every number was somebody else's at least once while instances were looked at and stopped.
      if (churn) {
        expect(seen.every((one) => one.started > highest - 300 && one.highest === highest)).toBe(true);
      }
    },
    rounds * 40_000,
  );
});
