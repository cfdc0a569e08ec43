// scan as people meet it: the mark under the spot, what can be chosen, suppressed and read by other programs.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bin, ESC, json, plainEnv, run, scratch } from './harness.ts';

/** A crontab of its own; `more` is put behind the lines every test wants. */
function tab(text: string | Buffer): { on: string[]; directory: string; path: string } {
  const directory = scratch();
  const path = join(directory, 'crontab');
  writeFileSync(path, text);
  return {
    on: ['--file', path, '--dialect', 'debian', '--state-dir', join(directory, 'state')],
    directory,
    path,
  };
}
const lines = (out: string): string[] => out.split('\n');
/** The line above a mark, cut to what stands over it. */
const marked = (out: string): string[] =>
  lines(out).flatMap((line, at, all) => {
    if (!/^ +\^~*$/.test(line)) return [];
    const above = all.slice(0, at).findLast((one) => /^ {6}[0-9*@#]/.test(one)) ?? '';
    return [above.slice(line.indexOf('^'), line.length)];
  });

describe.concurrent('the report', () => {
  const text = '*/5\t* * * *\t/usr/local/bin/x 2>&1 > /srv/log\n0 3 * * * nice cd /srv && /usr/local/bin/y\n';

  test('shows each line with a mark under the very spot, the sentence and the fix', async () => {
    const { out, code } = await run(['scan', ...tab(text).on]);
    expect(code).toBe(3);
    expect(marked(out)).toEqual(['2>&1 > /srv/log', 'cd']);
    const at = lines(out).findIndex((line) => line.includes('[redirect-order]'));
    expect(lines(out)[at - 1]).toMatch(/^ +\^~+$/);
    expect(lines(out)[at + 1]).toMatch(/^ +→ write > \/srv\/log 2>&1$/);
  });

  test('is the same in letters and columns without colours, and in ASCII where the locale has no more', async () => {
    const { on } = tab(text);
    const plain = await run(['scan', ...on], { env: { NO_COLOR: '1' } });
    const coloured = await run(['scan', ...on, '--color']);
    expect(plain.out).not.toContain(ESC);
    expect(coloured.out).toContain(ESC);
    expect(coloured.out.replace(/\x1b\[\d+m/g, '')).toBe(plain.out);
    const ascii = await run(['scan', ...on], { env: plainEnv({ LC_ALL: 'C' }) });
    expect(ascii.out).toMatch(/^[\x20-\x7e\n]*$/);
    expect(marked(ascii.out)).toEqual(marked(plain.out));
  });

  test('keeps the mark in its column behind wide signs and bytes that are no text', async () => {
    const wide = await run(['scan', ...tab('0 3 * * * /usr/local/日本 2>&1 > f\n').on]);
    const mark = lines(wide.out).find((line) => /^ +\^~+$/.test(line)) ?? '';
    // Two signs of two columns each stand in front.
    expect(mark.indexOf('^')).toBe(6 + '0 3 * * * /usr/local/日本 '.length + 2);
    const bytes = await run([
      'scan',
      ...tab(Buffer.from('0 3 * * * /usr/local/\xff\xe9 2>&1 > f\n', 'latin1')).on,
    ]);
    expect(marked(bytes.out)).toEqual(['2>&1 > f']);
    const control = await run(['scan', ...tab('0 3 * * * /usr/local/\x07\x1b[31m 2>&1 > f\n').on]);
    expect(control.out).not.toMatch(/[\x07\x1b]/);
    expect(marked(control.out)).toEqual(['2>&1 > f']);
  });

  test('hides a secret and marks where it stands', async () => {
    const { out } = await run(['scan', ...tab('0 3 * * * x --password=correct-horse 2>&1 > f\n').on]);
    expect(out).not.toContain('correct-horse');
    expect(marked(out)).toEqual(['***', '2>&1 > f']);
  });
});

describe.skipIf(spawnSync('script', ['--version']).status !== 0)('on a terminal of 50 columns', () => {
  test('nothing is wider, and the mark stays under its spot', () => {
    const long = `0 3 * * * /usr/local/bin/${'a'.repeat(60)} 2>&1 > /srv/log ${'b'.repeat(60)}\n`;
    const command = ['stty cols 50;', process.execPath, bin, 'scan', '--no-color', ...tab(long).on].join(' ');
    const ran = spawnSync('script', ['-qec', command, '/dev/null'], { env: plainEnv(), encoding: 'utf8' });
    const shown = lines(ran.stdout.replaceAll('\r', ''));
    const at = shown.findIndex((line) => /^ +\^~+$/.test(line));
    const mark = shown[at] ?? '';
    expect(shown[at - 1]?.slice(mark.indexOf('^'), mark.length)).toBe('2>&1 > /srv/log');
    expect(shown[at - 1]).toMatch(/^ {6}\.\.\..*\.\.\.$/);
    // The first line has the file's path, which is one word.
    expect(shown.slice(1).filter((line) => line.length > 50)).toEqual([]);
  });
});

describe.concurrent('choosing rules', () => {
  const text = '0 3 * * * /usr/local/bin/x 2>&1 > f\n0 4 * * * nice cd /srv && y\n';

  test('--only and --ignore leave out the rest, and say how many', async () => {
    const { on } = tab(text);
    const only = json(await run(['scan', ...on, '--json', '--only', 'redirect-order']));
    expect(JSON.stringify(only)).not.toContain('cd-behind-wrapper');
    expect(only['counts']).toMatchObject({ warn: 1, leftOut: 3 });
    const ignored = await run([
      'scan',
      ...on,
      '--ignore',
      'redirect-order,cd-behind-wrapper',
      '--ignore',
      'no-worker',
    ]);
    expect(ignored.code).toBe(0);
    expect(ignored.out).toContain('4 findings are left out by --only or --ignore.');
  });

  test('a config file takes a list', async () => {
    const at = tab(text);
    const config = join(at.directory, 'config.json');
    writeFileSync(config, '{"ignore": ["redirect-order", "cd-behind-wrapper"]}');
    expect((await run(['scan', ...at.on, '--config', config])).code).toBe(0);
  });

  test('what cron does not load is said all the same', async () => {
    const { code, out } = await run([
      'scan',
      ...tab('61 * * * * x\n').on,
      '--only',
      'no-lock',
      '--ignore',
      'bad-field',
    ]);
    expect(code).toBe(3);
    expect(out).toContain('[bad-field]');
  });

  test.each([
    [['--only', 'no-locks'], 'Did you mean'],
    [['--ignore', 'nonsense'], "there is no rule 'nonsense'"],
    [['--format', 'xml'], 'it can be text, json, sarif, github'],
    [['--format', 'sarif', '--json'], 'cannot be used together'],
  ])('a slip is refused: %s', async (args, says) => {
    const ended = await run(['scan', ...tab(text).on, ...args]);
    expect(ended.code).toBe(2);
    expect(ended.err + ended.out).toContain(says);
  });
});

describe.concurrent('comments that speak for a finding', () => {
  const text =
    '# cronlatch-ignore: redirect-order -- its mail is read\n0 3 * * * /usr/local/bin/x 2>&1 > f\n';

  test('take it out of the report and of the exit code, are counted, and listed with --verbose', async () => {
    const { on } = tab(text);
    const short = await run(['scan', ...on]);
    expect(short.code).toBe(0);
    expect(short.out).toContain('1 finding is suppressed by comments (--verbose lists them).');
    expect(short.out).not.toContain('[redirect-order]');
    const long = await run(['scan', ...on, '--verbose']);
    expect(long.out).toMatch(/suppressed {2}line 2: .*\[redirect-order\], by line 1: its mail is read/);
  });

  test('cannot speak for what cron does not load: exit 3, and a note says so', async () => {
    const ended = await run([
      'scan',
      ...tab('# cronlatch-ignore-file: bad-field crontab-ignored -- hush\n61 * * * * x\n').on,
    ]);
    expect(ended.code).toBe(3);
    expect(ended.out).toContain('[bad-field]');
    expect(ended.out).toContain('[suppression-refused]');
  });
});

describe.concurrent('other forms', () => {
  test('SARIF and annotations are all there is on standard output, with the exit code of the findings', async () => {
    const { on, directory } = tab('0 3 * * * x --password=correct-horse 2>&1 > f\n');
    const sarif = await run(['scan', ...on, '--format', 'sarif'], { cwd: directory });
    expect([sarif.code, sarif.err]).toEqual([3, '']);
    expect(JSON.parse(sarif.out)).toMatchObject({ version: '2.1.0' });
    expect(sarif.out).toContain('"uri": "crontab"');
    expect(sarif.out).not.toContain('correct-horse');
    const github = await run(['scan', ...on, '--format=github', '--fail-on', 'never'], { cwd: directory });
    expect([github.code, github.err]).toEqual([0, '']);
    expect(
      lines(github.out.trimEnd()).every((line) =>
        /^::(?:error|warning|notice) file=crontab,line=\d/.test(line),
      ),
    ).toBe(true);
  });
});
