// A person at a real terminal (tmux): rules 11 and 14 to 19, 25 and 27.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bin, deploy, ESC, hasTmux, inTerminal, rollback, run, type Site, site } from './harness.ts';

const question = 'Do this now?';
const line = (at: Site, ...more: string[]): string =>
  `cronlatch deploy ${[...at.on, '--all', ...more].join(' ')}`;

describe.skipIf(!hasTmux).concurrent('a person at a terminal (needs tmux)', () => {
  test('Enter alone does not deploy: the default is No (rules 16, 18)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const before = at.read();
      terminal.start(line(at));
      await terminal.shows(question);
      expect(terminal.screen()).toContain('y/N');
      terminal.keys('Enter');
      expect(await terminal.exit()).toBe(1);
      expect(terminal.screen()).toContain('Nothing was changed.');
      expect(at.read()).toEqual(before);
      expect(existsSync(at.state)).toBe(false);
    }));

  test.each(['n', 'no', 'N'])('the answer %s changes nothing, says so, and exits 1 (rule 18)', (answer) =>
    inTerminal(async (terminal) => {
      const at = site();
      const before = at.read();
      terminal.start(line(at));
      await terminal.shows(question);
      terminal.keys(answer, 'Enter');
      expect(await terminal.exit()).toBe(1);
      expect(terminal.screen()).toMatch(/Nothing was changed\. {2}\[declined\]/);
      expect(at.read()).toEqual(before);
    }),
  );

  test('an answer that is neither yes nor no is asked for again (rule 18)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const before = at.read();
      terminal.start(line(at));
      await terminal.shows(question);
      terminal.keys('perhaps', 'Enter');
      await terminal.shows('You must answer');
      expect(at.read()).toEqual(before);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
      expect(at.read()).toEqual(before);
    }));

  describe('a check fails after the change', () => {
    const says = '{"refused":{"exit":1,"message":"two at once"},"stale":{"recovered":true,"message":""}}';
    /** An interpreter under which the guard's own trial finds that it does not hold. */
    function failing(): { at: Site; before: Buffer; command: string; pid: string } {
      const at = site();
      const node = join(at.directory, 'node');
      const script = `#!/bin/sh\n[ "$2" = probe ] && echo '${says}' && exit 0\nexec ${process.execPath} "$@"\n`;
      writeFileSync(node, script, { mode: 0o755 });
      const pid = join(at.directory, 'pid');
      const args = [...at.on, '--all', '--yes', '--interpreter', node].join(' ');
      const command = `sh -c 'echo $$ > ${pid}; exec ${process.execPath} "$@"' sh ${bin} deploy ${args}`;
      return { at, before: at.read(), command, pid };
    }
    const keepIt = 'check(s) failed. Keep the change all the same? (y/N)';

    test.each([
      ['Enter', 1, 'A check failed. Put back'],
      ['n', 1, 'A check failed. Put back'],
      ['C-c', 130, 'everything was put back'],
      ['SIGTERM', 143, 'everything was put back'],
    ])('%s puts everything back and exits %i (rules 16, 19, 21)', (key, exit, says) =>
      inTerminal(async (terminal) => {
        const { at, before, command, pid } = failing();
        terminal.start(command);
        await terminal.shows(keepIt);
        expect(at.read()).not.toEqual(before);
        if (key === 'SIGTERM') process.kill(Number(readFileSync(pid, 'utf8')), 'SIGTERM');
        else terminal.keys(...(key === 'n' ? ['n', 'Enter'] : [key]));
        expect(await terminal.exit()).toBe(exit);
        expect(terminal.screen()).toContain(says);
        expect(terminal.screen()).not.toContain('Nothing was changed.');
        expect(at.read()).toEqual(before);
        expect((await deploy(at)).code).toBe(0);
      }),
    );

    test('y keeps it, exit 3, and the rollback is there', () =>
      inTerminal(async (terminal) => {
        const { at, before, command } = failing();
        terminal.start(command);
        await terminal.shows(keepIt);
        terminal.keys('y', 'Enter');
        expect(await terminal.exit()).toBe(3);
        expect(at.read()).not.toEqual(before);
        expect((await rollback(at)).code).toBe(0);
        expect(at.read()).toEqual(before);
      }));
  });

  test('the answer y deploys, and the rollback shows its diff and asks too (rules 16, 17)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const before = at.read();
      terminal.start(
        `${line(at)}; echo "first=$?"; cronlatch rollback ${at.stateFlags.join(' ')}; echo "second=$?"; cronlatch rollback ${at.stateFlags.join(' ')}`,
      );
      await terminal.shows(question);
      terminal.keys('y', 'Enter');
      await terminal.shows('first=0');
      expect(at.read()).not.toEqual(before);
      await terminal.shows(/Put back \d{8}-\S+\? \(y\/N\)/);
      expect(terminal.screen().split('first=0')[1]).toMatch(/^-\*\/2 .*--once/m);
      terminal.keys('Enter');
      await terminal.shows('second=1');
      expect(terminal.screen()).toContain('Nothing was changed.');
      expect(at.read()).not.toEqual(before);
      await terminal.shows(/second=1[\s\S]*Put back \d{8}-\S+\? \(y\/N\)/);
      terminal.keys('y', 'Enter');
      expect(await terminal.exit()).toBe(0);
      expect(at.read()).toEqual(before);
    }));

  test.each([
    ['deploy', 'C-c', 130],
    ['rollback', 'C-c', 130],
  ])('Ctrl-C at the question of %s: the cursor is back, no stack trace (rule 19)', (command, key, exit) =>
    inTerminal(async (terminal) => {
      const at = site();
      if (command === 'rollback') await deploy(at);
      const before = at.read();
      terminal.start(command === 'deploy' ? line(at) : `cronlatch rollback ${at.stateFlags.join(' ')}`);
      await terminal.shows('(y/N)');
      terminal.keys(key);
      expect(await terminal.exit()).toBe(exit);
      expect(terminal.cursorShown()).toBe(true);
      expect(terminal.screen()).toContain('Nothing was changed.');
      expect(terminal.screen()).not.toMatch(/^\s+at |Error/m);
      expect(at.read()).toEqual(before);
      // Nothing stands in the way of the next.
      expect((command === 'deploy' ? await deploy(at) : await rollback(at)).code).toBe(0);
    }),
  );

  test.each(['deploy', 'rollback'])('SIGTERM at the question of %s ends it with 143 (rule 21)', (command) =>
    inTerminal(async (terminal) => {
      const at = site();
      if (command === 'rollback') await deploy(at);
      const before = at.read();
      const pid = join(at.directory, 'pid');
      const args = command === 'deploy' ? [...at.on, '--all'] : at.stateFlags;
      // exec keeps the PID of the shell that wrote it.
      terminal.start(
        `sh -c 'echo $$ > ${pid}; exec ${process.execPath} "$@"' sh ${bin} ${command} ${args.join(' ')}`,
      );
      await terminal.shows('(y/N)');
      process.kill(Number(readFileSync(pid, 'utf8')), 'SIGTERM');
      expect(await terminal.exit()).toBe(143);
      expect(terminal.cursorShown()).toBe(true);
      expect(at.read()).toEqual(before);
    }),
  );

  test('--yes in a terminal is consent: nothing is asked (rule 14)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      terminal.start(line(at, '--yes'));
      expect(await terminal.exit()).toBe(0);
      expect(terminal.screen()).not.toContain('(y/N)');
      expect(at.read().toString()).toContain('--once');
    }));

  test('--yes with an answer still missing asks for that one (rule 14)', () =>
    inTerminal(async (terminal) => {
      const at = site('node', (d, e) => `HOME=${d}\n${e}\n${e.replace('worker.mjs', 'other.mjs')}\n`);
      writeFileSync(join(at.directory, 'scripts/other.mjs'), readFileSync(at.script));
      terminal.start(`cronlatch deploy ${at.on.join(' ')} --yes`);
      await terminal.shows('Which workers');
      expect(terminal.screen()).toContain('scripts/other.mjs');
      terminal.keys('Down', 'Space', 'Enter');
      expect(await terminal.exit()).toBe(0);
      expect(at.read().toString()).toContain('worker.mjs --once');
      expect(at.read().toString()).not.toContain('other.mjs --once');
    }));

  test('of several workers none chosen: nothing to do, nothing changed (rule 18)', () =>
    inTerminal(async (terminal) => {
      const at = site('node', (d, e) => `HOME=${d}\n${e}\n${e.replace('worker.mjs', 'other.mjs')}\n`);
      writeFileSync(join(at.directory, 'scripts/other.mjs'), readFileSync(at.script));
      const before = at.read();
      terminal.start(`cronlatch deploy ${at.on.join(' ')}`);
      await terminal.shows('Which workers');
      terminal.keys('Space', 'Down', 'Space', 'Enter');
      expect([0, 1]).toContain(await terminal.exit());
      expect(at.read()).toEqual(before);
    }));

  test('questions are asked only where standard input and standard error are terminals, and CI is not set (rules 11, 15)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const before = at.read();
      const cases: string[] = [];
      for (const stdin of ['', '</dev/null'])
        for (const stderr of ['', `2>${join(at.directory, 'err')}`])
          for (const ci of ['', 'true', '1', 'TRUE']) {
            if (stdin === '' && stderr === '' && ci === '') continue;
            cases.push(`CI=${ci}; export CI; run ${stdin} ${stderr}; echo "[$?]"`);
          }
      terminal.start(
        `run() { env CI="$CI" ${process.execPath} ${bin} deploy ${[...at.on, '--all'].join(' ')} >/dev/null; }\nunset CI\n${cases.join('\n')}\ntrue`,
      );
      expect(await terminal.exit()).toBe(0);
      expect(terminal.screen().match(/^\[\d+\]$/gm)).toEqual(cases.map(() => '[2]'));
      expect(at.read()).toEqual(before);
    }));

  test('where standard output is a pipe and the rest a terminal, the question is seen and the pipe gets the result alone (rules 11, 23)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const out = join(at.directory, 'out');
      terminal.start(`${line(at)} >${out}`);
      await terminal.shows(question);
      terminal.keys('y', 'Enter');
      expect(await terminal.exit()).toBe(0);
      const said = readFileSync(out, 'utf8');
      expect(said).not.toContain(ESC);
      expect(said).not.toContain(question);
      expect(said).toContain('Deployed as');
    }));

  test('colours on the screen, none with NO_COLOR, and the cursor is there at the end (rules 25, 27)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      terminal.start(`cronlatch scan ${at.on.join(' ')} --fail-on never`);
      expect(await terminal.exit()).toBe(0);
      expect(terminal.colours()).toMatch(/\x1b\[[0-9;]*33m/);
      expect(terminal.cursorShown()).toBe(true);
      await inTerminal(async (plain) => {
        plain.start(`cronlatch scan ${at.on.join(' ')} --fail-on never`, { NO_COLOR: '1' });
        expect(await plain.exit()).toBe(0);
        expect(plain.colours()).not.toMatch(/\x1b\[[0-9;]*m/);
        expect(plain.screen()).toBe(terminal.screen());
      });
    }));

  test('edits by others: a person sees them named, decides, and they stay (rule 17)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const original = at.read().toString();
      await deploy(at);
      at.write(`# theirs\n${at.read()}`);
      terminal.start(`cronlatch rollback ${at.stateFlags.join(' ')}`);
      await terminal.shows('(y/N)');
      expect(terminal.screen().replace(/\s+/g, ' ')).toContain(
        'was edited by others since: their lines are kept.',
      );
      terminal.keys('y', 'Enter');
      expect(await terminal.exit()).toBe(0);
      expect(at.read().toString()).toBe(`# theirs\n${original}`);
    }));

  test('with --json the question still stands on the screen and the document is one (rule 24)', () =>
    inTerminal(async (terminal) => {
      const at = site();
      const out = join(at.directory, 'out');
      terminal.start(`${line(at, '--json')} >${out}`);
      await terminal.shows(question);
      terminal.keys('n', 'Enter');
      expect(await terminal.exit()).toBe(1);
      expect(JSON.parse(readFileSync(out, 'utf8')).outcome).toMatchObject({ code: 'declined', exit: 1 });
      expect((await run(['history', ...at.stateFlags])).out).toBe('Nothing was deployed yet.\n');
    }));
});
