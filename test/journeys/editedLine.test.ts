// Somebody has edited a line that we had deployed: the rollback touches nothing, shows it all, and has a way out.
import { beforeEach, describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { rollback } from '../../src/commands/rollback.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, crontab as one, source, spool } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const names = ['process_import_jobs', 'send_mails', 'clean_up'];
const scriptOf = (name: string): string => `${home}/httpdocs/scripts/${name}.php`;
const entryOf = (name: string): string => `*/2 * * * *  php httpdocs/scripts/${name}.php\n`;
const before = one.replace(entryOf('process_import_jobs'), names.map(entryOf).join(''));
let machine: Machine;

const text = (path = spool): string => machine.live.get(path)?.bytes ?? '(absent)';
const edit = (to: string): void => machine.put(spool, to, { uid: own.uid, gid: 104, mode: 0o600 });
const lineOf = (name: string): string =>
  text().match(new RegExp(`^.*${name}\\.php.*\\n`, 'm'))?.[0] ?? '(gone)';

async function run(line: string) {
  const told = await contextFor(memoryServer(machine), line);
  const { exit, json } = await (line.startsWith('deploy') ? deploy : rollback)(told.ctx);
  return { exit, json, out: told.out() };
}
/** What a rollback says that refuses, and that it has touched nothing. */
async function refused(line = 'rollback --ci') {
  const files = (): string[] => [spool, ...names.map(scriptOf)].map((path) => text(path));
  const held = files();
  const { exit, json, out } = await run(line);
  expect(exit).toBe(5);
  expect(files()).toEqual(held);
  return { out, findings: json['findings'] as { code: string; args: Record<string, string> }[] };
}

beforeEach(async () => {
  machine = incident();
  machine.processes = [];
  for (const name of names) machine.put(scriptOf(name), source, { ...own, mode: 0o640 });
  edit(before);
  expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
});

describe('a rollback of several entries', () => {
  test('names every line that was edited, what it was before, and what was made of it', async () => {
    const deployed = names.map(lineOf);
    for (const name of names.slice(0, 2))
      edit(text().replace(lineOf(name), lineOf(name).replace('--once', '--fast')));
    const { out, findings } = await refused();
    expect(findings.map(({ code, args }) => [code, args['was'], args['line'], args['now']])).toEqual(
      names
        .slice(0, 2)
        .map((name, i) => [
          'our-line-edited',
          entryOf(name).trimEnd(),
          deployed[i]?.trimEnd(),
          lineOf(name).trimEnd(),
        ]),
    );
    for (const name of names.slice(0, 2)) expect(out).toContain(`${name}.php --fast`);
    expect(out).toContain('then roll back again');
  });

  test('goes on when the edited line is put there as it was deployed', async () => {
    const whole = text();
    edit(whole.replace(lineOf('send_mails'), '# nothing\n'));
    await refused();
    edit(whole);
    expect((await run('rollback --ci')).exit).toBe(0);
    expect(text()).toBe(before);
  });

  test('goes on when the edited line is put back by hand, and takes back the rest', async () => {
    edit(text().replace(lineOf('send_mails'), entryOf('send_mails')));
    const { exit } = await run('rollback --ci --keep-foreign-edits');
    expect(exit).toBe(0);
    expect(text()).toBe(before);
    for (const name of names) expect(text(scriptOf(name))).toBe(source);
  });

  test('an old line that is put back somewhere else counts, once', async () => {
    const moved = `${text().replace(lineOf('send_mails'), '')}${entryOf('send_mails')}`;
    edit(moved);
    expect((await run('rollback --ci --keep-foreign-edits')).exit).toBe(0);
    expect(text()).toBe(`${before.replace(entryOf('send_mails'), '')}${entryOf('send_mails')}`);
  });

  test('is refused when an entry was taken out: whether it is wanted is not ours to say', async () => {
    edit(text().replace(lineOf('send_mails'), ''));
    const { findings } = await refused('rollback --ci --keep-foreign-edits');
    expect(findings).toMatchObject([{ code: 'our-line-edited' }]);
    expect(findings[0]?.args['now']).toBeUndefined();
  });
});

test('of two like entries one put back by hand does not speak for the other, which was edited', async () => {
  machine = incident();
  machine.processes = [];
  const twice = one.replace(entryOf('process_import_jobs'), entryOf('process_import_jobs').repeat(2));
  edit(twice);
  expect((await run('deploy --all --ci --without verify')).exit).toBe(0);
  const [first = ''] = text().match(/^.*process_import_jobs\.php.*\n/m) ?? [];
  edit(text().replace(first + first, entryOf('process_import_jobs') + first.replace('--once', '--fast')));
  const { findings } = await refused('rollback --ci --keep-foreign-edits');
  expect(findings.map(({ code }) => code)).toEqual(['our-line-edited']);
});
