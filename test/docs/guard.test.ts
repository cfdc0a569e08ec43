// docs/guard.md: its example workers run as they stand, its options are those of the guards, its table of proofs is true.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kinds, stage } from '../templates/harness.ts';

const root = resolve(import.meta.dirname, '../..');
const doc = readFileSync(join(root, 'docs/guard.md'), 'utf8');

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

describe.each(kinds)('the example worker in %s', (kind) => {
  const fence = kind === 'php' ? 'php' : 'js';
  const example = [...doc.matchAll(new RegExp(`^\`\`\`${fence}\\n([^]*?)^\`\`\``, 'gm'))]
    .map((match) => match[1] ?? '')
    .find((text) => text.includes('/jobs/'));

  const worker = (): string[] => {
    const path = join(at.root, kind === 'php' ? 'mails.php' : 'mails.mjs');
    const place = '/var/www/vhosts/example.com/cronlatch/mails';
    expect(example).toContain(place);
    writeFileSync(path, (example ?? '').replace(place, at.dir));
    mkdirSync(join(at.root, 'jobs'));
    for (const name of ['a', 'b']) writeFileSync(join(at.root, `jobs/${name}.job`), '');
    return [kind, path];
  };

  it('does what is there with --once, and ends', async () => {
    const end = await at.run([...worker(), '--once']);
    expect(end).toMatchObject({ code: 0, err: '', out: 'sending a.job\nsending b.job\nend: nothing left\n' });
  });

  it('waits for more without it, refuses a second one, and stops in order', async () => {
    const command = worker();
    const running = at.start(command);
    await running.says('b.job\n');
    expect(await at.run(command)).toMatchObject({ code: 0, out: '', err: '' });
    running.child.kill('SIGTERM');
    const end = await running.ended;
    expect(end).toMatchObject({ code: 0, out: 'sending a.job\nsending b.job\nend: signal 15\n' });
    expect(JSON.parse(readFileSync(join(at.dir, 'mails.lock'), 'utf8'))).toMatchObject({
      state: 'done',
      why: 'signal 15',
    });
  });
});

it('the table of options names every option of both guards, and no other', () => {
  const php = readFileSync(join(root, 'templates/php/cronlatch-guard.php'), 'utf8');
  const [, list = ''] = /const DEFAULTS = \[([^\]]*)\]/.exec(php) ?? [];
  const options = [...list.matchAll(/'(\w+)' =>/g)].map((match) => match[1] ?? '');
  const rows = [...doc.matchAll(/^\| `(\w+)` +\| `(\w+)` +\|/gm)].map((match) => [match[1], match[2]]);
  const told = options.filter((name) => !['dir', 'name', 'script'].includes(name));
  expect(rows.map(([name]) => name).sort()).toEqual([...told].sort());
  for (const [name = '', ini] of rows) expect(name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)).toBe(ini);
  const node = readFileSync(join(root, 'templates/node/cronlatch-guard.mjs'), 'utf8');
  for (const name of told.filter((one) => one !== 'lockChildren')) expect(node).toContain(`('${name}')`);
});

it('every proof in the table has a test of that number in the file it names', () => {
  const rows = [...doc.matchAll(/^\| #(\d+) +\|[^|]*\| ([^|]*)\|$/gm)];
  expect(rows.map((row) => Number(row[1]))).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
  for (const [, number, files = ''] of rows) {
    for (const file of files.trim().split(', ')) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(readFileSync(join(root, file), 'utf8')).toMatch(
        new RegExp(`['\`][^'\`\\n]*#${number}\\b[^\\n]*:`),
      );
    }
  }
});
