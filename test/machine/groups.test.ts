// A user's further groups count as they do for his jobs: a site that only they open is deployed to, and nothing else is.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { makeGroup, makeUser, removeUsers } from '../support/cronPeople.ts';
import { runProgram } from '../support/syscalls.ts';
import { snapshot } from '../terminal/harness.ts';

const why = cronMissing && ` (skipped: ${cronMissing})`;

describe.skipIf(cronMissing !== '')(`a user’s further groups${why}`, () => {
  let directory: string;
  let bin: string;
  beforeAll(() => {
    directory = workshop('groups');
    bin = installProgram(directory);
  });
  afterAll(async () => {
    await removeUsers();
    closeWorkshop(directory);
  });

  /** A worker of the user's behind a directory of root's that only a group may enter, and an entry that switches to him. */
  function lay(
    name: string,
    { member }: { member: boolean },
    switching: (user: string, command: string) => string,
  ) {
    const user = makeUser(directory);
    const at = (...parts: string[]): string => join(directory, name, ...parts);
    const script = at('closed/app/worker.php');
    mkdirSync(at('closed/app'), { recursive: true });
    writeFileSync(script, '<?php\n$once = in_array("--once", $argv, true);\necho "ran\\n";\n', {
      mode: 0o640,
    });
    for (const path of [script, at('closed/app')]) chownSync(path, user.uid, user.gid);
    chownSync(at('closed'), 0, makeGroup(user, member));
    chmodSync(at('closed'), 0o750);
    // What root's own home is: closed to the user, who starts in it all the same.
    mkdirSync(at('root'), { mode: 0o700 });
    const tab = at('crontab');
    const entry = `*/2 * * * * root ${switching(user.name, `/usr/bin/php ${script}`)}`;
    writeFileSync(tab, `HOME=${at('root')}\n${entry}\n`);
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };
    const run = (...args: string[]) =>
      runProgram([process.execPath, bin, ...args, '--ci', '--state-dir', at('state')], '/', env);
    return {
      deploy: () =>
        run('deploy', '--file', tab, '--system', '--all', '--guard', 'script', '--without', 'verify'),
      rollback: () => run('rollback'),
      picture: () => ({ ...snapshot(at(), ['state']), ...snapshot(user.home) }),
      /** Does what cron does at the next tick. */
      tick: () => {
        const command = readFileSync(tab, 'utf8').trimEnd().split(' root ')[1] ?? '';
        return runProgram(['/bin/sh', '-c', command], at('root'), { ...env, HOME: at('root') });
      },
      logs: [join(user.home, 'cronlatch/worker/output.log'), at('root/cronlatch/worker/output.log')],
    };
  }

  const ways: [string, (user: string, command: string) => string][] = [
    ['su', (user, command) => `su ${user} -s /bin/sh -c '${command}'`],
    ['runuser', (user, command) => `runuser -u ${user} -- ${command}`],
    ['sudo', (user, command) => `sudo -u ${user} ${command}`],
  ];
  test.each(ways.filter(([name]) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0))(
    'a site that only a further group opens is deployed to, and runs, when %s makes the user of it',
    async (name, switching) => {
      const at = lay(name, { member: true }, switching);
      const before = at.picture();
      const { code, err, out } = await at.deploy();
      expect(code, err + out).toBe(0);
      expect(at.picture()['closed/app/cronlatch-guard.php']).toBeDefined();
      const ran = await at.tick();
      expect(ran.code, ran.err).toBe(0);
      const log = at.logs.find((path) => existsSync(path));
      expect(log && readFileSync(log, 'utf8')).toBe('ran\n');
      // The log was cron's to write; what is not ours stays.
      const back = await at.rollback();
      expect(back.code, back.err).toBe(0);
      const ours = Object.fromEntries(
        Object.entries(at.picture()).filter(([path]) => !/(?:^|\/)cronlatch(?:\/|$)/.test(path)),
      );
      expect(ours).toEqual(before);
    },
  );

  test('root’s own rights open nothing for a user who is not in the group', async () => {
    const at = lay('stranger', { member: false }, (user, command) => `su ${user} -s /bin/sh -c '${command}'`);
    const closed = (): [string, string][] =>
      Object.entries(at.picture()).filter(([path]) => path.startsWith('closed'));
    const before = closed();
    const { out } = await at.deploy();
    expect(out).toContain('script-unreadable');
    expect(closed()).toEqual(before);
  });
});
