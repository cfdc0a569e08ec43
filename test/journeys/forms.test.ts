// Entries that are more than a cd and a worker: other users, groups, pipes, shells inside shells, deployed and taken back.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script, spool } from '../support/site.ts';

const rootSpool = '/var/spool/cron/crontabs/root';
const log = `${home}/cronlatch/process_import_jobs/output.log`;

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.directory('/root', { mode: 0o700 });
});

const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';
const run = async (line: string) => {
  const told = await contextFor(memoryServer(machine), line);
  const command = { deploy, rollback, scan }[line.split(' ')[0] as 'deploy'];
  return { ...(await command(told.ctx)), ...told };
};

/** Deploys an entry of the user's or of root's, and gives the command it has become. */
async function deployed(command: string, of = spool): Promise<string> {
  machine.put(spool, '', { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  machine.put(of, `*/2 * * * * ${command}\n`, {
    uid: of === spool ? exampleUser.uid : 0,
    gid: 104,
    mode: 0o600,
  });
  const before = textOf(of);
  expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
  const after = textOf(of);
  expect((await run('deploy --all --ci --without verify')).out()).toContain('Already deployed.');
  expect((await run('rollback --ci')).exit).toBe(0);
  expect(textOf(of)).toBe(before);
  return after.slice('*/2 * * * * '.length, -1);
}

describe('a group', () => {
  test('keeps its parentheses, and the worker gets its log inside', async () => {
    expect(await deployed(`( sleep 30; cd ${home}; php httpdocs/scripts/process_import_jobs.php )`)).toBe(
      `( sleep 30; cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once >> ${log} 2>&1 )`,
    );
  });

  test('that writes a log for all in it goes on writing it', async () => {
    expect(await deployed(`( php httpdocs/scripts/process_import_jobs.php ) > ${home}/w.log`)).toBe(
      `( cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once ) >> ${home}/w.log 2>&1`,
    );
  });
});

test('a string of sh -c is rewritten in its quotes', async () => {
  expect(
    await deployed(`nice sh -c 'cd ${home} && php httpdocs/scripts/process_import_jobs.php > /dev/null'`),
  ).toBe(
    `nice sh -c 'cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once >> ${log} 2>&1'`,
  );
});

test('what goes through a pipe goes on through it, and no log of ours is promised', async () => {
  const after = await deployed(`php ${script} 2>&1 | logger -t import`);
  expect(after).toBe(`cd ${home} && /usr/bin/php ${script} --once 2>&1 | logger -t import`);
  expect(machine.live.has(log)).toBe(false);
});

test('the look with pgrep that never starts the worker makes room for the lock', async () => {
  expect(await deployed(`pgrep -f process_import_jobs.php || php ${script} >> ${home}/w.log 2>&1 &`)).toBe(
    `cd ${home} && /usr/bin/php ${script} --once >> ${home}/w.log 2>&1`,
  );
});

test('without a guard the look with pgrep stays, and nothing comes between it and the worker', async () => {
  machine.put(spool, `* * * * * pgrep -f [p]rocess_import || php ${script}\n`, {
    uid: exampleUser.uid,
    gid: 104,
    mode: 0o600,
  });
  await run('deploy --all --ci --without guard,verify');
  expect(textOf(spool)).toBe(
    `* * * * * pgrep -f [p]rocess_import || /usr/bin/php ${script} --once >> ${log} 2>&1\n`,
  );
});

test('a flock of the entry stays in front of the worker', async () => {
  expect(await deployed(`flock -n ${home}/l php ${script}`)).toBe(
    `cd ${home} && flock -n ${home}/l /usr/bin/php ${script} --once >> ${log} 2>&1`,
  );
});

describe('a worker that root starts as the site’s user', () => {
  test('has its lock with that user, and its log, which root’s shell opens, with root', async () => {
    machine.put(rootSpool, `*/2 * * * * sudo -u example-user php ${script}\n`, { mode: 0o600 });
    machine.put(spool, '', { uid: exampleUser.uid, gid: 104, mode: 0o600 });
    expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
    expect(textOf(rootSpool)).toBe(
      `*/2 * * * * cd /root && sudo -u example-user /usr/bin/php ${script} --once >> /root/cronlatch/process_import_jobs/output.log 2>&1\n`,
    );
    const ownerOf = (path: string) => machine.live.get(path)?.uid;
    expect(ownerOf(`${home}/cronlatch/process_import_jobs`)).toBe(exampleUser.uid);
    expect(ownerOf('/root/cronlatch/process_import_jobs')).toBe(0);
    expect(ownerOf(`${home}/httpdocs/scripts/cronlatch-guard.php`)).toBe(exampleUser.uid);
    expect(machine.signals).toEqual(['SIGTERM 501', 'SIGTERM 502']);
  });

  test('by su writes its log as that user; the name that the login looks up stays', async () => {
    expect(
      await deployed(
        `su - example-user -c "cd ${home} && php httpdocs/scripts/process_import_jobs.php"`,
        rootSpool,
      ),
    ).toBe(
      `su - example-user -c "cd ${home} && php httpdocs/scripts/process_import_jobs.php --once >> ${log} 2>&1"`,
    );
  });

  test('whom nobody knows is left alone', async () => {
    machine.put(rootSpool, `*/2 * * * * sudo -u u12345 php ${script}\n`, { mode: 0o600 });
    const { json } = await run('scan --user root --json');
    const crontabs = json['crontabs'] as { entries: { opaque?: { why: string; detail: string } }[] }[];
    const opaque = crontabs.flatMap(({ entries }) => entries.map((entry) => entry.opaque));
    expect(opaque).toEqual([{ why: 'unknown-user', detail: 'u12345' }]);
  });
});

test('in a crontab of another machine users need not exist here', async () => {
  machine.put(
    '/repo/crontab',
    '* * * * * su - u12345 -c "cd /srv && php w.php"\n* * * * * sudo -u u12345 php /srv/w.php\n',
  );
  const { json } = await run('deploy --file /repo/crontab --all --dry-run --json');
  const plan = json['plan'] as { steps: { kind: string; after: string }[] };
  expect(plan.steps.find(({ kind }) => kind === 'put-crontab')?.after.split('\n')).toEqual([
    '* * * * * su - u12345 -c "cd /srv && php w.php >> /var/lib/cronlatch-workers/u12345/cronlatch/w/output.log 2>&1"',
    '* * * * * cd /root && sudo -u u12345 /usr/bin/php /srv/w.php >> /root/cronlatch/w/output.log 2>&1',
    '',
  ]);
});

test('a console whose first line names another program is none of PHP’s', async () => {
  machine.put(`${home}/bin/console`, '#!/bin/sh\nexec true\n', {
    uid: exampleUser.uid,
    gid: exampleUser.gid,
    mode: 0o755,
  });
  machine.put(spool, `*/2 * * * * ${home}/bin/console app:work\n`, {
    uid: exampleUser.uid,
    gid: 104,
    mode: 0o600,
  });
  const { out } = await run('scan');
  expect(out()).toContain('is run by /bin/sh, as its first line says, not by PHP');
});
