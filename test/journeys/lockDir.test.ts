// --lock-dir: the lock where somebody wants it, unless a lock there would not hold, or could be downloaded.
import { describe, expect, it, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script, source } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };

async function run(machine: Machine, flags: string) {
  const words = `deploy --user example-user --all --ci --without stop,verify ${flags}`;
  const told = await contextFor(memoryServer(machine), words);
  const result = await deploy(told.ctx);
  const { findings } = result.json as { findings: { code: string; level: string }[] };
  return { ...result, text: told.out(), codes: findings.map((f) => `${f.level} ${f.code}`) };
}
const calls = (machine: Machine): string => machine.live.get(script)?.bytes ?? '';

describe('the seed’s storage/', () => {
  it('is a directory like any other: made for the user alone, and named in the guard’s line', async () => {
    const machine = incident();
    const before = machine.picture();
    expect((await run(machine, '--lock-dir storage')).exit).toBe(0);
    expect(calls(machine)).toContain(`'dir' => '${home}/storage', 'name' => 'process_import_jobs'`);
    expect(machine.live.get(`${home}/storage`)).toMatchObject({ kind: 'directory', mode: 0o700, ...own });
    expect((await run(machine, '--lock-dir storage')).json['outcome']).toMatchObject({
      is: 'already-deployed',
    });
    expect((await run(machine, '')).json['outcome']).toMatchObject({ is: 'already-deployed' });
    const told = await contextFor(memoryServer(machine), 'rollback --ci');
    expect((await rollback(told.ctx)).exit).toBe(0);
    expect(machine.picture()).toEqual(before);
  });

  it('is used as it is where it is there already', async () => {
    const machine = incident();
    machine.directory(`${home}/storage`, { ...own, mode: 0o755 });
    expect((await run(machine, `--lock-dir ${home}/storage/`)).exit).toBe(0);
    expect(calls(machine)).toContain(`'dir' => '${home}/storage'`);
  });

  it('is not shared with the script’s own lock, which would shut the worker out', async () => {
    const machine = incident();
    const lock =
      "$fp = fopen(__DIR__ . '/../../storage/process_import_jobs.lock', 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit;\n";
    machine.put(script, source.replace('$options', `${lock}$options`), { ...own, mode: 0o640 });
    machine.directory(`${home}/storage`, { ...own, mode: 0o755 });
    await run(machine, '--lock-dir storage');
    expect(calls(machine)).toMatch(
      /'dir' => '\/var\/www\/vhosts\/example.com\/storage', 'name' => '(?!process_import_jobs')/,
    );
  });

  it('leaves a file of that name alone, which no guard has written', async () => {
    const machine = incident();
    machine.directory(`${home}/storage`, { ...own, mode: 0o755 });
    machine.put(`${home}/storage/process_import_jobs.lock`, '4711\n', own);
    await run(machine, '--lock-dir storage');
    expect(calls(machine)).toContain(`'dir' => '${home}/storage', 'name' => 'scripts-process_import_jobs'`);
  });
});

test.each<[string, string, string, (machine: Machine) => void]>([
  ['below a document root', 'httpdocs/storage', 'lock-under-docroot', () => {}],
  ['in a release', `${home}/releases/7/storage`, 'lock-in-release', () => {}],
  ['in /tmp', '/tmp/locks', 'lock-in-tmp', () => {}],
  ['by dots in /tmp', `${home}/../../../../tmp/x`, 'lock-in-tmp', () => {}],
  [
    'in another user’s directory',
    '/srv/locks',
    'lock-dir-unfit',
    (m) => m.directory('/srv/locks', { mode: 0o755 }),
  ],
  [
    'where the group may write',
    'storage',
    'lock-dir-unfit',
    (m) => m.directory(`${home}/storage`, { ...own, mode: 0o775 }),
  ],
  [
    'where the user may make no directory',
    '/srv/locks',
    'place-taken',
    (m) => m.directory('/srv', { mode: 0o755 }),
  ],
])('a lock %s is refused, and nothing is changed', async (_, directory, code, prepare) => {
  const machine = incident();
  prepare(machine);
  const before = machine.picture();
  const { exit, codes } = await run(machine, `--lock-dir ${directory}`);
  expect([exit, codes]).toEqual([5, expect.arrayContaining([`stop ${code}`])]);
  expect(machine.picture()).toEqual(before);
});

it('below a document root it takes a word of its own, and is warned of all the same', async () => {
  const machine = incident();
  const { exit, codes, text } = await run(machine, '--lock-dir httpdocs/storage --lock-in-docroot');
  expect([exit, codes]).toEqual([0, expect.arrayContaining(['warn lock-under-docroot'])]);
  expect(text).toContain('anybody may download the lock');
});

it('a lock that stands does not move', async () => {
  const machine = incident();
  expect((await run(machine, '')).exit).toBe(0);
  const { exit, codes } = await run(machine, '--lock-dir storage');
  expect([exit, codes]).toEqual([5, expect.arrayContaining(['stop lock-elsewhere'])]);
});

it('--lock-in-docroot alone says nothing', async () => {
  await expect(run(incident(), '--lock-in-docroot')).rejects.toMatchObject({ code: 'usage' });
});
