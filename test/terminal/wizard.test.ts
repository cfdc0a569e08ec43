// The wizard as people meet it: the built program in a real terminal (rules 10 to 12, 16, 18, 19, 25, 27, 28).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  enterThrough,
  hasTmux,
  inTerminal,
  rollback,
  run,
  type Site,
  site,
  type Terminal,
} from './harness.ts';

/** A site with two workers that are alike. */
function two(): Site {
  const at = site('node', (d, e) => `HOME=${d}\n${e}\n${e.replace('worker.mjs', 'other.mjs')}\n`);
  writeFileSync(join(at.directory, 'scripts/other.mjs'), readFileSync(at.script));
  return at;
}

const line = (at: Site, ...more: string[]): string =>
  `cronlatch ${[...at.on, '--without', 'verify', ...more].join(' ')}`;
const list = 'Which of them';
const log = 'Where is its output to go?';
const review = 'Is this right?';
const keep = 'Keep these answers';
const consent = 'Do this now?';

/** The question that is open: nothing stands below its line of keys. */
async function open(terminal: Terminal, question: string): Promise<void> {
  await terminal.shows(new RegExp(`^\\? ${question.replace('?', '\\?')}`, 'm'));
}

/** Goes as far as this question with what is offered. */
async function upTo(terminal: Terminal, question: string): Promise<void> {
  for (const one of [list, log, review, keep, consent]) {
    await open(terminal, one);
    if (one === question) return;
    if (one === list) terminal.keys('Down', 'Space');
    terminal.keys('Enter');
  }
}

describe.skipIf(!hasTmux).concurrent('the wizard in a terminal (needs tmux)', () => {
  test('picks one, shows why, asks once, works line by line, and ends with the way back', () =>
    inTerminal(async (terminal) => {
      const at = two();
      const before = at.read();
      terminal.start(line(at));
      await upTo(terminal, consent);
      expect(at.read()).toEqual(before);
      const shown = terminal.screen();
      for (const says of [
        '2 workers, 2 at risk, the worst first:',
        'every 2 minutes (*/2 * * * *): stays as it is',
        'nothing keeps a second one from starting beside the first',
        'Plan: ',
        'The same without questions, for CI:',
      ])
        expect(shown).toContain(says);
      terminal.keys('y', 'Enter');
      expect(await terminal.exit(), terminal.screen()).toBe(0);
      expect(at.read().toString()).toContain('worker.mjs --once');
      expect(at.read().toString()).not.toContain('other.mjs --once');
      const [, changed = '', journal = '', undo = ''] =
        /^Changed: (.*)\nJournal: (\S+)\nTo read it: cronlatch history .*\nUndo: cronlatch (rollback .*)$/m.exec(
          terminal.screen(),
        ) ?? [];
      expect(changed).toContain('1 crontab changed');
      expect(existsSync(journal)).toBe(true);
      expect((await run([...undo.split(' '), '--ci'])).code).toBe(0);
      expect(at.read()).toEqual(before);
    }));

  test('the watch begins when the worker is latched, goes on by itself, and the way back stands last', () =>
    inTerminal(async (terminal) => {
      const at = two();
      terminal.start(line(at, '--script', 'worker.mjs', '--watch', '1h', '--yes'));
      await open(terminal, log);
      terminal.keys('Enter');
      await open(terminal, keep);
      terminal.keys('Enter');
      expect(await terminal.exit(), terminal.screen()).toBe(0);
      try {
        expect(terminal.screen()).toMatch(
          /Watching in the background: \S+-watch[\s\S]*\nUndo: cronlatch rollback \S+/,
        );
        const status = await run(['monitor', '--status', ...at.stateFlags]);
        expect(status.out).toContain('goes on');
        expect(status.out).toContain('of 1 h');
      } finally {
        expect((await run(['monitor', '--stop', ...at.stateFlags])).code).not.toBe(2);
      }
      expect((await rollback(at)).code).toBe(0);
    }));

  test('Enter alone, at every question, deploys nothing (rule 16)', () =>
    inTerminal(async (terminal) => {
      const at = two();
      const before = at.read();
      terminal.start(line(at));
      await enterThrough(terminal);
      terminal.keys('Enter');
      expect(await terminal.exit()).toBe(1);
      expect(terminal.screen()).toMatch(/Nothing was changed\. {2}\[declined\]/);
      expect(at.read()).toEqual(before);
      expect(existsSync(at.state)).toBe(false);
    }));

  test.each([list, log, review, keep, consent])(
    'Ctrl-C at "%s": 130, the cursor is there, nothing was changed (rule 19)',
    (question) =>
      inTerminal(async (terminal) => {
        const at = two();
        const before = at.read();
        terminal.start(line(at));
        await upTo(terminal, question);
        terminal.keys('C-c');
        expect(await terminal.exit()).toBe(130);
        expect(terminal.cursorShown()).toBe(true);
        expect(terminal.screen()).toContain('Nothing was changed.');
        expect(terminal.screen()).not.toMatch(/^\s+at |Error/m);
        expect(at.read()).toEqual(before);
        expect(existsSync(at.state)).toBe(false);
      }),
  );

  test('at every question ? helps and Esc goes back, and what was marked stays marked', () =>
    inTerminal(async (terminal) => {
      const at = two();
      const before = at.read();
      terminal.start(line(at));
      await open(terminal, list);
      terminal.keys('Down', 'Space', '?');
      await terminal.shows('To latch a worker is to give it a lock');
      terminal.keys('Enter');
      await open(terminal, log);
      terminal.keys('?');
      await terminal.shows('Everything the worker prints is added to this file');
      terminal.keys('Enter');
      await open(terminal, review);
      terminal.keys('?');
      await terminal.shows('Nothing is changed yet');
      terminal.keys('Enter');
      await open(terminal, keep);
      terminal.keys('?');
      await terminal.shows('The file holds the answers and no passwords');
      terminal.keys('Enter');
      await open(terminal, consent);
      terminal.keys('?');
      await terminal.shows('Everything as it is now is kept on disk');
      const times = (text: string): number => terminal.screen().split(text).length;
      for (const question of [keep, review, list]) {
        const before = times(`? ${question}`);
        terminal.keys('Escape');
        await terminal.shows(new RegExp(`(?:\\? ${question.replace('?', '\\?')}[\\s\\S]*){${before}}`));
        await open(terminal, question);
      }
      await terminal.shows(/◉ \S*worker\.mjs[^\n]*\n[^\n]*◯ \S*other\.mjs/);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
      expect(at.read()).toEqual(before);
    }));

  test('what is typed wrong is said and asked again; another place for the log gets there', () =>
    inTerminal(async (terminal) => {
      const at = two();
      terminal.start(line(at, '--script', 'worker.mjs'));
      await open(terminal, log);
      terminal.keys('Down', 'Enter');
      await terminal.shows(/^\? Where is its output to go\? \(\//m);
      terminal.keys('logs/mine.log', 'Enter');
      await open(terminal, review);
      expect(terminal.screen()).toContain('logs/mine.log');
      terminal.keys('Enter');
      await open(terminal, keep);
      expect(terminal.screen()).toContain('--log logs/mine.log');
      terminal.keys('Enter');
      await open(terminal, consent);
      terminal.keys('y', 'Enter');
      expect(await terminal.exit()).toBe(0);
      expect(at.read().toString()).toContain(`${at.directory}/logs/mine.log`);
      expect((await rollback(at)).code).toBe(0);
    }));

  test('the file of answers does the same without a question', () =>
    inTerminal(async (terminal) => {
      const at = two();
      const before = at.read();
      const file = join(at.directory, 'answers.json');
      terminal.start(line(at, '--script', 'other.mjs', '--answers', file, '--yes'));
      await open(terminal, log);
      terminal.keys('Enter');
      expect(await terminal.exit(), terminal.screen()).toBe(0);
      const wanted = at.read();
      expect((await rollback(at)).code).toBe(0);
      expect(at.read()).toEqual(before);
      const again = await run(['deploy', '--file', at.tab, '--config', file, '--ci']);
      expect(again.code, again.err).toBe(0);
      expect(at.read()).toEqual(wanted);
    }));

  test.each([
    ['a screen reader’s terminal', 'TERM', 'dumb', ''],
    ['--plain', 'TERM', 'xterm-256color', '--plain'],
  ])(
    '%s: every question is a numbered list of lines, nothing is redrawn (rules 25, 27)',
    (_, name, value, flag) =>
      inTerminal(async (terminal) => {
        const at = two();
        terminal.start(line(at, ...(flag === '' ? [] : [flag])), { [name]: value });
        await terminal.shows('Numbers with commas');
        terminal.keys('?', 'Enter');
        await terminal.shows('To latch a worker is to give it a lock');
        terminal.keys('7', 'Enter');
        await terminal.shows('That is none of the answers.');
        terminal.keys('1', 'Enter');
        await terminal.shows(/Where is its output[\s\S]*A number/);
        terminal.keys('b', 'Enter');
        await terminal.shows(/A number[\s\S]*Numbers with commas/);
        terminal.keys('2', 'Enter');
        await terminal.shows(/Numbers with commas[\s\S]*A number[\s\S]*Numbers with commas[\s\S]*A number/);
        terminal.keys('Enter');
        await terminal.shows(review);
        terminal.keys('Enter');
        await terminal.shows(keep);
        terminal.keys('Enter');
        await terminal.shows('(y/N');
        expect(terminal.colours()).not.toMatch(/\x1b\[[0-9;]*m/);
        terminal.keys('y', 'Enter');
        expect(await terminal.exit()).toBe(0);
        expect(at.read().toString()).toContain('other.mjs --once');
      }),
  );

  test('Ctrl-C and the end of input in the plain mode: 130, nothing was changed (rule 19)', () =>
    inTerminal(async (terminal) => {
      const at = two();
      const before = at.read();
      // The shell gets the signal, too.
      terminal.start(`trap : INT; ${line(at, '--plain')}; echo "first=$?"; ${line(at, '--plain')}`);
      await terminal.shows('Numbers with commas');
      terminal.keys('C-c');
      await terminal.shows('first=130');
      await terminal.shows(/first=130[\s\S]*Numbers with commas/);
      terminal.keys('C-d');
      expect(await terminal.exit()).toBe(130);
      expect(terminal.screen().match(/Nothing was changed\./g)?.length).toBe(2);
      expect(at.read()).toEqual(before);
    }));

  test.each([
    ['LC_ALL', 'C'],
    ['NO_COLOR', '1'],
  ])('%s=%s: plain letters, no colours (rules 25, 28)', (name, value) =>
    inTerminal(async (terminal) => {
      const at = two();
      terminal.start(line(at), { [name]: value });
      await upTo(terminal, consent);
      if (name === 'LC_ALL') expect(terminal.screen()).toMatch(/^[\x20-\x7e\n]*$/);
      else expect(terminal.colours()).not.toMatch(/\x1b\[[0-9;]*3[0-7]m/);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
    }),
  );

  test('without a terminal it asks nothing and says what there is instead (rules 11, 12)', async () => {
    for (const how of [{ stdin: 'open' as const }, { stdin: { text: 'y\n' } }]) {
      const ended = await run([...two().on], how);
      expect(ended.code).toBe(2);
      expect(ended.err).toContain('[answers-missing]');
    }
  });
});
