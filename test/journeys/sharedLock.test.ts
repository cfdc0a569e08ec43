// --shared-lock: the guard with a second lock in the database, put there, checked, changed and taken back.
import { expect, it } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script, spool } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const env = `${home}/httpdocs/.env`;
const beside = script.replace(/[^/]*$/, 'cronlatch-shared.php');
const crontabOf = (machine: Machine): string => machine.live.get(spool)?.bytes ?? '';
const call = (machine: Machine): string =>
  machine.live
    .get(script)
    ?.bytes?.split('\n')
    .find((line) => line.includes('cronlatch-guard.php')) ?? '';

function site(): Machine {
  const machine = incident();
  machine.put(env, 'DB_DATABASE=app\nDB_USERNAME=u12345_app\nDB_PASSWORD="p#w"\n', { ...own, mode: 0o600 });
  return machine;
}

async function run(machine: Machine, flags: string) {
  const words = `deploy --user example-user --all --ci --without stop,verify ${flags}`;
  const told = await contextFor(memoryServer(machine), words);
  const result = await deploy(told.ctx);
  const { findings } = result.json as { findings: { code: string; level: string }[] };
  return { ...result, text: told.out(), codes: findings.map((f) => `${f.level} ${f.code}`) };
}
const back = async (machine: Machine) => {
  const told = await contextFor(memoryServer(machine), 'rollback --ci');
  return { ...(await rollback(told.ctx)), text: told.out() };
};

it('puts a file more beside the guard, says in its line where the credentials are, and takes both back', async () => {
  const machine = site();
  const before = machine.picture();
  const done = await run(machine, `--shared-lock ${env}`);
  expect(done.exit).toBe(0);
  expect(done.codes).toContain('note shared-lock');
  expect(done.text).toContain("one connection of the account's limit");
  expect(call(machine)).toContain(`'name' => 'process_import_jobs', 'shared' => '${env}']);`);
  expect(machine.live.get(beside)?.bytes).toContain('GET_LOCK');
  expect(JSON.stringify(done.json) + done.text).not.toContain('p#w');

  for (const flags of [`--shared-lock ${env}`, ''])
    expect((await run(machine, flags)).json['outcome']).toMatchObject({ is: 'already-deployed' });
  expect((await back(machine)).exit).toBe(0);
  expect(machine.picture()).toEqual(before);
});

it('in the entry as an option of PHP’s, and a rollback leaves nothing of it', async () => {
  const machine = site();
  const before = machine.picture();
  expect((await run(machine, `--guard entry --shared-lock ${env}`)).exit).toBe(0);
  const crontab = crontabOf(machine);
  expect(crontab).toContain(`-d cronlatch.shared=${env}`);
  const file = `${home}/cronlatch/cronlatch-shared.php`;
  expect(machine.live.get(file)?.bytes).toContain('GET_LOCK');
  for (const flags of [`--shared-lock ${env}`, ''])
    expect((await run(machine, flags)).json['outcome']).toMatchObject({ is: 'already-deployed' });
  expect((await back(machine)).exit).toBe(0);
  expect(machine.picture()).toEqual(before);
});

it.each(['script', 'entry'])('added to a guard in the %s later, and taken back by itself', async (place) => {
  const machine = site();
  await run(machine, `--guard ${place}`);
  const guarded = machine.picture();
  const added = await run(machine, `--guard ${place} --shared-lock ${env}`);
  expect(added.exit).toBe(0);
  const all = `${crontabOf(machine)}${call(machine)}`;
  expect(all.match(/shared/g)).toHaveLength(1);
  const other = await run(machine, `--guard ${place} --shared-lock env`);
  expect(other.exit).toBe(0);
  expect(`${crontabOf(machine)}${call(machine)}`).not.toContain(env);
  await back(machine);
  expect(`${crontabOf(machine)}${call(machine)}`).toBe(all);
  expect((await back(machine)).exit).toBe(0);
  expect(machine.picture()).toEqual(guarded);
});

it('what stands in the line by hand stays', async () => {
  const machine = site();
  await run(machine, '');
  const text = machine.live.get(script)?.bytes ?? '';
  machine.put(script, text.replace("process_import_jobs']", "process_import_jobs', 'maxRuntime' => 600]"), {
    ...own,
    mode: 0o640,
  });
  await run(machine, `--shared-lock ${env}`);
  expect(call(machine)).toContain(`'shared' => '${env}', 'maxRuntime' => 600]);`);
});

it.each([
  ['a file that is not there', `--shared-lock ${home}/none/.env`, 'stop shared-lock-unreadable'],
  ['a file of another kind', `--shared-lock ${script}`, 'stop shared-lock-no-database'],
])('%s stops the deploy, and nothing is changed', async (_, flags, code) => {
  const machine = site();
  const before = machine.picture();
  const refused = await run(machine, flags);
  expect([refused.exit, refused.codes]).toEqual([5, expect.arrayContaining([code])]);
  expect(machine.picture()).toEqual(before);
});

it('a name behind the file is the lock’s, and the file is looked at without it', async () => {
  const machine = site();
  const done = await run(machine, `--shared-lock ${env}#mails`);
  expect([done.exit, done.text]).toEqual([0, expect.stringContaining("'mails' here")]);
  expect(call(machine)).toContain(`'shared' => '${env}#mails'`);
  expect((await run(site(), `--shared-lock ${env}`)).text).toContain("'process_import_jobs' here");
});

it('a relative path is refused: the worker may start anywhere', async () => {
  await expect(run(site(), '--shared-lock .env')).rejects.toMatchObject({ code: 'usage' });
});
