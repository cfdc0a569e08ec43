// What happened between a deployment and its rollback: later deployments of ours, sites that are gone, clocks set back.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { history } from '../../src/commands/history.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { crontab, home, incident, script, spool } from '../support/site.ts';

let machine: Machine;
beforeEach(() => {
  machine = incident();
  machine.processes = [];
});
const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const tab = { uid: exampleUser.uid, gid: 104, mode: 0o600 };
const run = async (line: string) => {
  machine.clock += 1000;
  const told = await contextFor(memoryServer(machine), line);
  const { exit, json } = await (line.startsWith('deploy') ? deploy(told.ctx) : rollback(told.ctx));
  return { exit, json, out: told.out(), err: told.err() };
};
const deployed = async (name: string): Promise<string> =>
  (await run(`deploy --script ${name} --ci --without verify`)).json['deployment'] as string;
const textOf = (path: string): string => machine.live.get(path)?.bytes ?? '(absent)';

describe('deployments of ours on the same crontab', () => {
  const plain = '<?php\necho 1;\n';
  const three = ['one', 'two', 'three'].map((name) => `* * * * * php ${name}/${name}.php\n`).join('');
  beforeEach(() => {
    for (const name of ['one', 'two', 'three'])
      machine.put(`${home}/${name}/${name}.php`, plain, { ...own, mode: 0o640 });
    machine.put(spool, three, tab);
  });

  test.each([
    ['oldest first', ['one', 'two', 'three']],
    ['newest first', ['three', 'two', 'one']],
    ['the middle one first', ['two', 'one', 'three']],
    ['the middle one last', ['three', 'one', 'two']],
  ])('are no foreign edits: taken back in CI without a word more, %s', async (_, order) => {
    const before = machine.picture();
    const ids = new Map<string, string>();
    for (const name of ['one', 'two', 'three']) ids.set(name, await deployed(`${name}.php`));
    for (const [i, name] of order.entries()) {
      const { exit, out } = await run(`rollback ${ids.get(name)} --ci`);
      expect([exit, out.includes('edited by others')]).toEqual([0, false]);
      for (const [k, other] of order.entries())
        expect(textOf(spool).includes(`${other}.php --`) || textOf(spool).includes(`/${other}/`)).toBe(k > i);
    }
    const paths = (picture: Record<string, string>): string[] => Object.keys(picture);
    expect(paths(machine.picture())).toEqual(paths(before));
    expect(textOf(spool)).toBe(three);
    for (const name of order) expect(textOf(`${home}/${name}/${name}.php`)).toBe(plain);
  });

  test('do not hide what somebody else did as well', async () => {
    const first = await deployed('one.php');
    await deployed('two.php');
    machine.put(spool, `${textOf(spool)}# theirs\n`, tab);
    const refused = await run(`rollback ${first} --ci`).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({ code: 'foreign-edits', exit: 5 });
    expect((await run(`rollback ${first} --ci --keep-foreign-edits`)).exit).toBe(0);
    expect(textOf(spool)).toContain('# theirs\n');
  });
});

test('a site that was moved away: the crontab comes back, and what cannot is named', async () => {
  await run('deploy --all --ci --without verify');
  for (const path of [...machine.live.keys()]) if (path.startsWith(home)) machine.live.delete(path);
  const { exit, out } = await run('rollback --ci');
  expect(exit).toBe(0);
  expect(textOf(spool)).toBe(crontab);
  expect(out).toContain(`${script} is not there any more`);
  expect(out).toContain('[script-gone]');
  expect([...machine.live.keys()].filter((path) => path.startsWith(home))).toEqual([]);
});

test('history with an id shows the diff that was applied, also when it is taken back', async () => {
  const id = await deployed('process_import_jobs.php');
  await run('rollback --ci');
  const told = await contextFor(memoryServer(machine), `history ${id}`);
  await history(told.ctx);
  expect(told.out()).toContain(id);
  expect(told.out()).toMatch(/^-\*\/2 \* \* \* \* {2}php httpdocs/m);
  expect(told.out()).toMatch(/^\+\*\/2 .*--once >> /m);
});

test('a clock that was set back a day: the last deployment is still the last one', async () => {
  machine.put(`${home}/other.php`, '<?php\necho 1;\n', own);
  machine.put(spool, `${crontab}* * * * * php other.php\n`, tab);
  const first = await deployed('process_import_jobs.php');
  machine.clock -= 86_400_000;
  const second = await deployed('other.php');
  const { json } = await run('rollback --ci');
  expect(json['deployment']).toBe(second);
  expect((await run('rollback --ci')).json['deployment']).toBe(first);
  expect(textOf(spool)).toBe(`${crontab}* * * * * php other.php\n`);
});
