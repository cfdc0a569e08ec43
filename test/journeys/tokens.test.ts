// The site's own PHP is asked how it reads a script; where it does not answer, our parser has to do.
import { expect, it } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, script } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
/** Our parser does not know attributes over several lines. */
const newer = '<?php\n#[\n  A,\n]\nclass C {}\n';
const tokens = [
  ['T_OPEN_TAG', 6],
  ['T_ATTRIBUTE', 2],
  ['T_WHITESPACE', 3],
  ['T_STRING', 1],
  [',', 1],
  ['T_WHITESPACE', 1],
  [']', 1],
  ['T_WHITESPACE', 1],
  ['T_CLASS', 5],
  ['T_WHITESPACE', 1],
  ['T_STRING', 1],
  ['T_WHITESPACE', 1],
  ['{', 1],
  ['}', 1],
  ['T_WHITESPACE', 1],
];

async function planned(
  answer: string,
  flags = '',
): Promise<{ codes: string[]; after: string; asked: string[][]; machine: Machine }> {
  const machine = incident();
  machine.put(script, newer, { ...own, mode: 0o640 });
  const asked: string[][] = [];
  machine.programs = (argv) => {
    asked.push([...argv]);
    return { code: 0, stdout: argv.includes('-r') ? answer : '', stderr: '' };
  };
  const told = await contextFor(memoryServer(machine), `deploy --user example-user --all --dry-run ${flags}`);
  const { json } = await deploy(told.ctx);
  const { plan, findings } = json as {
    plan: { steps: { path?: string; after?: { bytes: string } }[] };
    findings: { code: string }[];
  };
  const after = JSON.stringify(plan.steps.filter((s) => s.path === script));
  return { codes: findings.map((f) => f.code), after, asked, machine };
}

it('its answer decides: the guard’s line goes where that PHP may have one', async () => {
  const { codes, after, asked } = await planned(JSON.stringify({ tokens }));
  expect(codes).toContain('guard-in-script');
  expect(after).toContain('cronlatch: one instance at a time');
  expect(asked).toHaveLength(1);
  // As PHP itself, without running what the site prepends, and with the file's name for an argument.
  expect(asked[0]).toEqual(expect.arrayContaining(['/usr/bin/php', 'auto_prepend_file=', '-r', script]));
});

it('what it cannot parse is refused with its own words, and the guard goes into the entry', async () => {
  const { codes, after } = await planned(
    JSON.stringify({ error: 'syntax error, unexpected token "]"', line: 4 }),
  );
  expect(codes).toEqual(expect.arrayContaining(['guard-refused']));
  expect(codes).not.toContain('guard-in-script');
  expect(after).toBe('[]');
});

it.each([
  ['nothing', ''],
  ['no JSON', 'Fatal error'],
  ['nothing of the kind', '{"a":1}'],
  ['null', 'null'],
  ['half of it', JSON.stringify({ tokens: tokens.slice(0, 4) })],
  ['odd tokens', JSON.stringify({ tokens: [['T_OPEN_TAG'], 7] })],
])('an answer that is %s counts for nothing: our parser decides', async (_, answer) => {
  const { codes } = await planned(answer);
  expect(codes).toContain('guard-refused');
});

it('it is not asked where no line would be written', async () => {
  expect((await planned('', '--guard entry')).asked).toEqual([]);
  const machine = incident();
  machine.directory(`${home}/httpdocs/.git`, own);
  let asked = 0;
  machine.programs = () => {
    asked++;
    return { code: 0, stdout: '', stderr: '' };
  };
  await deploy((await contextFor(memoryServer(machine), 'deploy --user example-user --all --dry-run')).ctx);
  expect(asked).toBe(0);
});
