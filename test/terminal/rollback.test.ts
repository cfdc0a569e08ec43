// The way back: every byte, mode and nanosecond; other forms; lines that others edited since.
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deploy, expectProblem, hasPhp, json, rollback, run, type Site, site, snapshot } from './harness.ts';

describe.concurrent('rollback', () => {
  test.for([
    ['node', []],
    ['node', ['--guard', 'entry']],
    ['php', []],
    ['php', ['--guard', 'entry']],
  ] as const)(
    'of a %s worker deployed with %j restores bytes, mode, owner and mtime to the nanosecond',
    async ([kind, flags], { skip }) => {
      skip(kind === 'php' && !hasPhp, 'there is no php');
      const at = site(kind);
      const before = snapshot(at.directory, ['state']);
      expect(Object.values(before).some((look) => look.includes('123456789'))).toBe(true);
      expect((await deploy(at, ...flags)).code).toBe(0);
      expect(snapshot(at.directory, ['state'])).not.toEqual(before);
      const ended = await rollback(at, '--json');
      expect(json(ended).outcome).toMatchObject({ is: 'rolled-back', exit: 0 });
      expect(ended.code).toBe(0);
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    },
  );

  test('a second one finds nothing to take back', async () => {
    const at = site();
    await deploy(at);
    expect((await rollback(at)).code).toBe(0);
    expectProblem(await rollback(at), 'no-deployment', 2);
  });

  test('a dry run shows the diff and changes nothing', async () => {
    const at = site();
    await deploy(at);
    const before = snapshot(at.directory);
    const ended = await run(['rollback', ...at.stateFlags, '--dry-run']);
    expect(ended.code).toBe(0);
    expect(ended.out).toContain('Dry run: nothing was changed.');
    expect(ended.out).toMatch(/^-\*\/2 .*--once/m);
    expect(snapshot(at.directory)).toEqual(before);
  });

  test('the log a worker has written in the meantime is kept', async () => {
    const at = site();
    await deploy(at);
    const log = join(at.directory, 'cronlatch/worker/output.log');
    writeFileSync(log, 'a day’s work\n');
    const ended = await rollback(at);
    expect(ended.code).toBe(0);
    expect(ended.err).toContain(
      `Kept, since there is something in it: ${join(at.directory, 'cronlatch/worker')}`,
    );
    expect(readFileSync(log, 'utf8')).toBe('a day’s work\n');
  });

  test('a crontab with a second name is refused, and nothing is left of the attempt', async () => {
    const at = site();
    linkSync(at.tab, join(at.directory, 'crontab.old'));
    const before = snapshot(at.directory, ['state']);
    const ended = await deploy(at);
    expectProblem(ended, 'unkeepable', 5);
    expect(ended.err).toContain('2 names (hard links)');
    expect(snapshot(at.directory, ['state'])).toEqual(before);
    rmSync(join(at.directory, 'crontab.old'));
    expect((await deploy(at)).code).toBe(0);
  });

  test('deploy, back, deploy, back: the same each time', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state']);
    for (let round = 0; round < 2; round++) {
      expect((await deploy(at)).code).toBe(0);
      expect((await rollback(at)).code).toBe(0);
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    }
  });
});

describe.concurrent('other forms', () => {
  test('--to disabled comments the entry out, with the command to run by hand; and from there back to the first byte', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state']);
    await deploy(at);
    const deployed = at.read().toString().split('\n');
    const entry = deployed[at.line - 1] as string;
    expect((await rollback(at, '--to', 'disabled')).code).toBe(0);
    const lines = at.read().toString().split('\n');
    const command = entry.split(' ').slice(5).join(' ');
    expect(lines.slice(at.line - 1, at.line + 1)).toEqual([
      `# cronlatch: disabled. To run it by hand: ${command}`,
      `#${entry}`,
    ]);
    expect(lines.filter((_, i) => i !== at.line - 1 && i !== at.line)).toEqual(
      deployed.filter((_, i) => i !== at.line - 1),
    );
    const back = await rollback(at, '--to', 'before');
    expect(back.code).toBe(0);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });

  test('--to long-running writes @reboot and a watchdog every five minutes; and from there back to the first byte', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state']);
    await deploy(at);
    expect((await rollback(at, '--to', 'long-running')).code).toBe(0);
    const lines = at.read().toString().split('\n');
    expect(lines[at.line - 1]).toMatch(/^@reboot .*worker\.mjs/);
    expect(lines[at.line - 1]).not.toContain('--once');
    expect(lines[at.line]).toMatch(/^\*\/5 \* \* \* \* .*pgrep/);
    expect(at.read().toString()).not.toMatch(/^\*\/2 /m);
    const scan = await run(['scan', ...at.on, '--json', '--fail-on', 'never']);
    expect(JSON.parse(scan.out).crontabs[0].accepted).toBe(true);
    expect((await rollback(at, '--to', 'before')).code).toBe(0);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });

  test('--to long-running, then --to disabled is refused or done, never half, and before is still there', async () => {
    const at = site();
    const before = snapshot(at.directory, ['state']);
    await deploy(at);
    await rollback(at, '--to', 'long-running');
    const second = await rollback(at, '--to', 'disabled');
    expect([0, 5]).toContain(second.code);
    expect((await rollback(at)).code).toBe(0);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });
});

describe.concurrent('edits by others', () => {
  async function edited(
    edit: (text: string) => string,
  ): Promise<{ at: Site; text: string; original: string }> {
    const at = site();
    const original = at.read().toString();
    await deploy(at);
    at.write(edit(at.read().toString()));
    return { at, text: at.read().toString(), original };
  }

  test.each([
    ['a line added above', (t: string) => `# theirs\n${t}`, (o: string) => `# theirs\n${o}`],
    ['a line added below', (t: string) => `${t}5 5 * * * true\n`, (o: string) => `${o}5 5 * * * true\n`],
    [
      'another line removed',
      (t: string) => t.replace(/^17.*\n/m, ''),
      (o: string) => o.replace(/^17.*\n/m, ''),
    ],
    [
      'another line changed',
      (t: string) => t.replace('17 3', '18 4'),
      (o: string) => o.replace('17 3', '18 4'),
    ],
  ])('%s: --ci refuses, --keep-foreign-edits takes back only ours', async (_, edit, wanted) => {
    const { at, text, original } = await edited(edit);
    const before = snapshot(at.directory);
    const refused = await rollback(at, '--json');
    expectProblem(refused, 'foreign-edits', 5);
    expect(json(refused).outcome).toMatchObject({ code: 'foreign-edits', exit: 5 });
    expect(refused.err).toContain('--keep-foreign-edits');
    expect(at.read().toString()).toBe(text);
    expect(Object.keys(snapshot(at.directory))).toEqual(Object.keys(before));
    const done = await rollback(at, '--keep-foreign-edits');
    expect(done.code).toBe(0);
    expect(at.read().toString()).toBe(wanted(original));
    expect(readFileSync(at.script, 'utf8')).not.toContain('cronlatch');
    expect(existsSync(join(at.directory, 'scripts/cronlatch-guard.mjs'))).toBe(false);
  });

  test.each([
    ['edited', (t: string) => t.replace('*/2', '*/3')],
    ['doubled', (t: string) => t.replace(/^\*\/2.*\n/m, (line) => line + line)],
    ['gone', (t: string) => t.replace(/^\*\/2.*\n/m, '')],
  ])('our own line %s: refused, whatever is consented to', async (_, edit) => {
    const { at, text } = await edited(edit);
    for (const ended of [await rollback(at), await rollback(at, '--keep-foreign-edits')]) {
      expect(ended.code).toBe(5);
      expect(ended.err).toMatch(/Nothing was changed/);
      expect(at.read().toString()).toBe(text);
      expect(readFileSync(at.script, 'utf8')).toContain('cronlatch');
    }
    expect(json(await rollback(at, '--json')).outcome).toMatchObject({ is: 'refused', exit: 5 });
  });

  test('the script edited since: refused, and the crontab stays too', async () => {
    const { at, text } = await edited((t) => t);
    writeFileSync(at.script, `${readFileSync(at.script, 'utf8')}// theirs\n`);
    const before = snapshot(at.directory, ['state']);
    const ended = await rollback(at);
    expect(ended.code).toBe(5);
    expect(at.read().toString()).toBe(text);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });
});

describe.concurrent('bytes nobody should touch', () => {
  const lines = (d: string, entry: string): string =>
    `# jobs\nHOME=${d}\n${entry}\n17 3 * * * /usr/bin/true\n`;
  const odd: [string, (d: string, entry: string) => string | Buffer][] = [
    ['comments that are not UTF-8', (d, e) => Buffer.from(`# caf\xe9 \xff\xfe\n${lines(d, e)}`, 'latin1')],
    [
      'another entry that is not UTF-8',
      (d, e) => Buffer.from(`${lines(d, e)}1 1 * * * echo \xe9\n`, 'latin1'),
    ],
    ['CRLF in a comment', (d, e) => `# windows\r\n${lines(d, e)}`],
    ['CRLF in another entry', (d, e) => `${lines(d, e)}1 1 * * * /usr/bin/true\r\n`],
    ['blanks, tabs and empty lines', (d, e) => `\n\n  \t\n${lines(d, e)}\n\t\n\n`],
    ['a comment with control characters', (d, e) => `# \x01\x1b[2J\x07\n${lines(d, e)}`],
    ['UTF-8 and a percent sign', (d, e) => `# größer ☃\n${lines(d, e)}1 1 * * * date +\\%F\n`],
  ];

  test.each(odd)('%s: the diff is our line alone, and the way back is exact', async (_, crontab) => {
    const at = site('node', crontab);
    const before = snapshot(at.directory, ['state']);
    const original = at.read().toString('latin1').split('\n');
    const ended = await deploy(at);
    expect(ended.err + ended.out).not.toMatch(/\x1b|\x07|\x01/);
    expect(ended.code, ended.err).toBe(0);
    const now = at.read().toString('latin1').split('\n');
    const changed = original.flatMap((line, i) => (line === now[i] ? [] : [i + 1]));
    expect(changed).toEqual([at.line]);
    expect(now.slice(original.length).join('')).toBe('');
    expect((await deploy(at)).out).toContain('Already deployed.');
    expect((await rollback(at)).code).toBe(0);
    expect(snapshot(at.directory, ['state'])).toEqual(before);
  });

  const refusable: [string, (d: string, entry: string) => string | Buffer][] = [
    ['CRLF everywhere', (d, e) => lines(d, e).replaceAll('\n', '\r\n')],
    ['CRLF on our entry', (d, e) => `HOME=${d}\n${e}\r\n`],
    ['a byte order mark', (d, e) => Buffer.from(`\xef\xbb\xbf${lines(d, e)}`, 'latin1')],
    ['a byte order mark before our entry', (d, e) => Buffer.from(`\xef\xbb\xbf${e}\nHOME=${d}\n`, 'latin1')],
    ['no final newline', (d, e) => lines(d, e).trimEnd()],
    ['our entry last, without a newline', (d, e) => `HOME=${d}\n${e}`],
    ['a zero byte', (d, e) => `${lines(d, e)}# \0\n`],
  ];

  test.each(refusable)(
    '%s: deployed with every other byte kept, or refused with none touched',
    async (_, crontab) => {
      const at = site('node', crontab);
      const before = snapshot(at.directory, ['state']);
      const original = at.read().toString('latin1').split('\n');
      const ended = await run(['deploy', '--file', at.tab, ...at.stateFlags, '--all', '--ci'], {
        env: { HOME: at.directory },
      });
      expect(ended.err + ended.out).not.toMatch(/^\s+at /m);
      const now = at.read().toString('latin1').split('\n');
      const changed = original.flatMap((line, i) => (line === now[i] ? [] : [i + 1]));
      if (ended.out.includes('Deployed as')) {
        expect(ended.code).toBe(0);
        expect(changed.length).toBe(1);
        expect((await rollback(at)).code).toBe(0);
      } else {
        expect([0, 1, 5]).toContain(ended.code);
        expect(changed).toEqual([]);
      }
      expect(snapshot(at.directory, ['state'])).toEqual(before);
    },
  );
});
