// The wizard's first screen and the card at every width, in UTF-8 and in ASCII.
import { describe, expect, test } from 'vitest';
import { keyLine } from '../../src/show/keys.ts';
import { letters, themeOf } from '../../src/show/theme.ts';
import { workerLines } from '../../src/show/workers.ts';
import { jobsOf } from '../../src/survey/facts.ts';
import { worstFirst } from '../../src/survey/risks.ts';
import { survey } from '../../src/survey/survey.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, memoryServer } from '../support/memory-server.ts';
import { home, incident, spool } from '../support/site.ts';

async function screen(width: number, unicode: boolean): Promise<string[]> {
  const machine = incident();
  const own = { uid: exampleUser.uid, gid: exampleUser.gid };
  const long = `${home}/httpdocs/${'deep/'.repeat(12)}a-worker-with-a-long-name.php`;
  machine.directory(long.slice(0, long.lastIndexOf('/')), own);
  machine.put(long, '<?php\nwork();\n', { ...own, mode: 0o640 });
  const text = `${machine.live.get(spool)?.bytes}*/10 8-18 * * 1-5 /usr/bin/php ${long} > /dev/null 2>&1\n`;
  machine.put(spool, text, { ...own, mode: 0o600 });
  machine.put('/proc/uptime', '1000.00 900.00\n');
  machine.processes = machine.processes.map((row) => ({ ...row, start: '78000' }));
  const server = memoryServer(machine);
  const { ctx } = await contextFor(server, 'scan');
  const jobs = worstFirst(jobsOf(await survey(server, ctx.settings)));
  const theme = await themeOf({ color: false, unicode });
  return workerLines(jobs, { theme, width }).map((line) => letters(line, unicode));
}

describe('the workers', () => {
  test.each([
    [120, true],
    [80, true],
    [80, false],
    [60, true],
    [50, false],
    [40, true],
  ])('on %i columns (UTF-8: %s) every line fits', async (width, unicode) => {
    const lines = await screen(width, unicode);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(width);
    const text = lines.join(' ').replace(/\s+/g, ' ');
    expect(text).toContain(`runs 3 min 40 s ${unicode ? '→' : '->'} up to 2 at once`);
    expect(text).toContain('every 10 minutes from 08:00 to 18:50, Monday to Friday');
    expect(text).toContain('-long-name.php');
    if (!unicode) expect(text).toMatch(/^[\x20-\x7e]*$/);
    if (width >= 60) expect(lines[1]).toMatch(/^\s+WORKER\s+USER\s+NOW$/);
  });

  test('the worst stands first and counts what runs now', async () => {
    const lines = await screen(80, true);
    expect(lines[0]).toBe('2 workers, 2 at risk, the worst first:');
    expect(lines[2]).toMatch(
      /^ {2}1 {2}httpdocs\/scripts\/process_import_jobs\.php\s+example-user\s+2 running$/,
    );
  });

  test('the line of keys fits, too, and names help, back and stop where there is room', () => {
    for (const width of [30, 60, 80, 120])
      for (const list of ['one', 'several'] as const) {
        const line = keyLine(list, { back: true, help: true }, width);
        if (width >= 60) expect(line.length).toBeLessThan(width + (width < 80 ? 20 : 0));
        expect(line).toContain('Esc: back');
        expect(line).toContain('?: help');
      }
  });
});
