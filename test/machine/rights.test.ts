// Programs with a user's rights: what he chooses, variables and the directory to start in, is never used with root's.
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localPrograms } from '../../src/server/programs.ts';
import { closeWorkshop, cronMissing, workshop } from '../support/cron.ts';
import { makeGroup, makeUser, removeUsers } from '../support/cronPeople.ts';

const why = cronMissing && ` (skipped: ${cronMissing})`;

// Both at once: a number that is given again would have the groups of the one before.
const users = new Map<string, ReturnType<typeof makeUser>>();
let workplace: string;
beforeAll(() => {
  if (cronMissing !== '') return;
  workplace = workshop('rights');
  users.set('without', makeUser(workplace));
  const grouped = makeUser(workplace);
  makeGroup(grouped, true);
  users.set('with', grouped);
});
afterAll(async () => {
  if (cronMissing !== '') return;
  await removeUsers();
  closeWorkshop(workplace);
});

describe.skipIf(cronMissing !== '').each(['without', 'with'])(`a user %s further groups${why}`, (which) => {
  let directory: string;
  let as: { uid: number; gid: number };
  let home: string;
  beforeAll(() => {
    const user = users.get(which);
    if (user === undefined) throw new Error('no user');
    as = { uid: user.uid, gid: user.gid };
    home = user.home;
    directory = join(workplace, which);
    mkdirSync(directory);
  });
  const run = (argv: readonly string[], cwd: string, env: Record<string, string> = {}) =>
    localPrograms.run(argv, { as, cwd, env: { PATH: '/usr/bin:/bin', ...env }, timeout: 30_000 });

  test('gets his loader variables only when root’s rights are gone', async () => {
    const traces = join(directory, 'traces');
    mkdirSync(traces);
    chmodSync(traces, 0o1777);
    // The loader writes such a file with the rights of each process that it loads under these variables.
    const ran = await run(['/usr/bin/id', '-u'], home, {
      LD_DEBUG: 'libs',
      LD_DEBUG_OUTPUT: `${traces}/seen`,
    });
    expect(ran).toMatchObject({ code: 0, stdout: `${as.uid}\n` });
    const owners = readdirSync(traces).map((name) => statSync(join(traces, name)).uid);
    expect(owners).toContain(as.uid);
    expect(owners).not.toContain(0);
  });

  test('does not start in a directory that is closed to him', async () => {
    const closed = join(directory, 'closed');
    mkdirSync(join(closed, 'app'), { recursive: true });
    writeFileSync(join(closed, 'app/config.php'), 'canary', { mode: 0o644 });
    chmodSync(join(closed, 'app'), 0o755);
    chownSync(closed, 0, 0);
    chmodSync(closed, 0o700);
    const ran = await run(['/bin/cat', 'config.php'], join(closed, 'app'));
    expect(ran.stdout).not.toContain('canary');
    expect(ran.code).toBe('missing');
  });

  test('starts in his own, with exactly what was given', async () => {
    const given = { A: `it's "b" $c \`d\`\\n`, 'odd-name': '1', EMPTY: '', LINES: 'a\nb' };
    const ran = await run(['/usr/bin/env', '-0'], home, given);
    const seen = new Map(
      ran.stdout.split('\0').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
    );
    for (const [name, value] of Object.entries(given)) expect(seen.get(name)).toBe(value);
    expect(seen.get('PATH')).toBe('/usr/bin:/bin');
    for (const shells of ['PWD', 'OLDPWD', 'SHLVL', '_', '']) seen.delete(shells);
    expect([...seen.keys()].sort()).toEqual([...Object.keys(given), 'PATH'].sort());
    expect((await run(['/bin/pwd'], home)).stdout).toBe(`${home}\n`);
  });

  test('is told what is not there from what failed', async () => {
    expect((await run(['/no/such/program'], home)).code).toBe('missing');
    expect((await run(['no-such-program'], home)).code).toBe('missing');
    expect((await run(['/bin/sh', '-c', 'no-such-program'], home)).code).toBe(127);
    expect((await run(['/bin/sh', '-c', 'exit 3'], home)).code).toBe(3);
  });
});
