// docs/wizard.md: the session in it is what the wizard says, line by line, on the server of the incident in memory. After a
// change of words CRONLATCH_WRITE_DOCS=1 writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { questions } from '../../src/ask/questions.ts';
import { wizardFlags } from '../../src/cli/commands.ts';
import { wizard } from '../../src/commands/wizard.ts';
import { wordsOf } from '../../src/show/questions.ts';
import { contextFor } from '../support/context.ts';
import { cronRuns } from '../support/memory-cron.ts';
import { memoryServer } from '../support/memory-server.ts';
import { incident } from '../support/site.ts';

const path = join(resolve(import.meta.dirname, '../..'), 'docs/wizard.md');
const doc = readFileSync(path, 'utf8');
const block = /```text session\n([\s\S]*?)```/;
const [, shown = ''] = block.exec(doc) ?? [];

async function session(): Promise<string> {
  const machine = incident();
  machine.put('/proc/uptime', '1000.00 900.00\n');
  machine.processes = machine.processes.map((row) => ({ ...row, start: '78000' }));
  cronRuns(machine);
  const told = await contextFor(memoryServer(machine), '', {
    terminal: true,
    answers: (question) => (question === wordsOf('consent').message ? true : 'Enter'),
  });
  expect((await wizard(told.ctx)).exit).toBe(0);
  // On a terminal these are one line that is drawn over again and again.
  const lines = told.session().split('\n');
  return lines
    .filter((line) => !/^ {2}(?:watching: |looking at |working out )/.test(line))
    .map((line) => line.replace(/\(the guard, \d+ lines/, '(the guard, N lines'))
    .join('\n')
    .trim();
}

describe('docs/wizard.md', () => {
  test('its session is a real one', async () => {
    const said = await session();
    if (process.env['CRONLATCH_WRITE_DOCS'] === '1')
      writeFileSync(
        path,
        doc.replace(block, () => `\`\`\`text session\n${said}\n\`\`\``),
      );
    else expect(shown.trim()).toBe(said);
  });

  test('its table has every question and its flag', () => {
    for (const [name, { flags }] of Object.entries(questions))
      if (name !== 'refused') for (const flag of flags) expect(doc, name).toContain(`\`--${flag}`);
    for (const [, flag = ''] of doc.matchAll(/^\|.*\| `--([a-z-]+)/gm))
      expect(wizardFlags().map(({ name }) => name)).toContain(flag);
  });
});
