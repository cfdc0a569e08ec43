// export ansible: the collection as it is written, what it is written over, and what is left alone.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { json, root, run, scratch } from './harness.ts';

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
const program = 'roles/cronlatch/files/cronlatch.cjs';
const list = '.cronlatch-export.json';

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => lstatSync(join(directory, name)).isFile())
    .sort();
const everything = (directory: string): Record<string, string> =>
  Object.fromEntries(filesIn(directory).map((name) => [name, readFileSync(join(directory, name), 'latin1')]));

async function exported(): Promise<string> {
  const directory = join(scratch(), 'fleet');
  const ended = await run(['export', 'ansible', directory]);
  expect(ended.code, ended.err).toBe(0);
  return directory;
}

/** Makes it look as an earlier version would have left it. */
function age(directory: string, to: string): void {
  writeFileSync(join(directory, 'old.txt'), 'of that time\n');
  const digest = createHash('sha256').update('of that time\n').digest('hex');
  writeFileSync(join(directory, 'galaxy.yml'), 'of that time\n');
  const path = join(directory, list);
  const before = JSON.parse(readFileSync(path, 'utf8')) as { files: Record<string, string> };
  const files = { ...before.files, 'old.txt': digest, 'galaxy.yml': digest };
  writeFileSync(path, JSON.stringify({ ...before, version: to, files }));
}

describe.concurrent('export ansible', () => {
  test('writes every template, at this version, and the program all in one file', async () => {
    const directory = await exported();
    const templates = filesIn(join(root, 'templates/ansible'));
    expect(filesIn(directory)).toEqual([...templates, 'LICENSE', program, list].sort());
    expect(readFileSync(join(directory, 'galaxy.yml'), 'utf8')).toContain(`version: "${version}"\n`);
    for (const [name, text] of Object.entries(everything(directory)))
      if (name !== program) expect(text, name).not.toContain('@VERSION@');
    expect(
      readFileSync(join(directory, program)).equals(readFileSync(join(root, 'dist/cronlatch.cjs'))),
    ).toBe(true);
    expect(lstatSync(join(directory, program)).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(directory, 'galaxy.yml')).mode & 0o777).toBe(0o644);
  });

  test('is the same from the single file, which carries itself', async () => {
    const alone = scratch();
    // Under whatever name it was copied to the server.
    copyFileSync(join(root, 'dist/cronlatch.cjs'), join(alone, 'cronlatch'));
    const ended = await run(['export', 'ansible', 'fleet'], { bin: join(alone, 'cronlatch'), cwd: alone });
    expect(ended.code, ended.err).toBe(0);
    expect(everything(join(alone, 'fleet'))).toEqual(everything(await exported()));
  });

  test('a second time changes nothing and says so; --json lists the files', async () => {
    const directory = await exported();
    const before = lstatSync(join(directory, 'galaxy.yml'), { bigint: true }).ino;
    const ended = await run(['export', 'ansible', directory, '--json']);
    expect(json(ended)).toMatchObject({
      command: 'export',
      version,
      directory,
      outcome: { is: 'already-exported', exit: 0 },
    });
    expect(json(ended)['files']).toEqual(filesIn(directory).filter((name) => name !== list));
    expect(lstatSync(join(directory, 'galaxy.yml'), { bigint: true }).ino).toBe(before);
  });

  test('goes over an older export: new files, and none of the old ones that are gone', async () => {
    const directory = await exported();
    const whole = everything(directory);
    age(directory, '0.0.9');
    const ended = await run(['export', 'ansible', directory]);
    expect(ended.code, ended.err).toBe(0);
    expect(everything(directory)).toEqual(whole);
  });

  test.runIf(process.getuid?.() === 0)(
    'root writes through no link below it, into a stranger’s directory',
    async () => {
      const directory = await exported();
      const theirs = join(scratch(), 'theirs');
      mkdirSync(theirs);
      rmSync(join(directory, 'roles'), { recursive: true });
      symlinkSync(theirs, join(directory, 'roles'));
      expect((await run(['export', 'ansible', directory])).code).toBe(5);
      expect(readdirSync(theirs)).toEqual([]);
    },
  );

  test('takes up what was cut off, over nothing and over an older export', async () => {
    const directory = await exported();
    const whole = everything(directory);
    rmSync(join(directory, 'galaxy.yml'));
    expect((await run(['export', 'ansible', directory])).code).toBe(0);
    expect(everything(directory)).toEqual(whole);
    age(directory, '0.0.9');
    writeFileSync(join(directory, 'galaxy.yml'), whole['galaxy.yml'] ?? '');
    expect((await run(['export', 'ansible', directory])).code).toBe(0);
    expect(everything(directory)).toEqual(whole);
  });

  const refused: readonly (readonly [string, (directory: string) => void, string])[] = [
    ['something of somebody else’s', (at) => rmSync(join(at, list)), 'no export of cronlatch'],
    [
      'an export that somebody has edited',
      (at) => writeFileSync(join(at, 'README.md'), 'mine\n'),
      'README.md',
    ],
    ['a later version', (at) => age(at, '99.0.0'), '99.0.0'],
    [
      'a list that leads out of it',
      (at) =>
        writeFileSync(
          join(at, list),
          JSON.stringify({ schema: 1, export: 'ansible', version: '0.0.1', files: { '../a': '' } }),
        ),
      'no export of cronlatch',
    ],
    [
      'a link in place of a file',
      (at) => {
        rmSync(join(at, 'galaxy.yml'));
        symlinkSync('/etc/hostname', join(at, 'galaxy.yml'));
      },
      'galaxy.yml',
    ],
  ];
  test.each(refused)('leaves a directory alone that has %s', async (_, spoil, told) => {
    const directory = await exported();
    spoil(directory);
    const before = everything(directory);
    const ended = await run(['export', 'ansible', directory]);
    expect(ended.code).toBe(5);
    expect(ended.err).toContain('Nothing was written');
    expect(ended.err).toContain(told);
    expect(everything(directory)).toEqual(before);
  });

  test('writes neither over a file nor without being told where', async () => {
    const at = scratch();
    writeFileSync(join(at, 'file'), 'mine\n');
    expect((await run(['export', 'ansible', join(at, 'file')])).code).toBe(5);
    expect(readFileSync(join(at, 'file'), 'utf8')).toBe('mine\n');
    const ended = await run(['export', 'ansible', '--json'], { cwd: at });
    expect(ended.code).toBe(2);
    expect(json(ended).outcome.code).toBe('usage');
  });

  test.skipIf(process.getuid?.() !== 0)('root does not write where others may write', async () => {
    const at = join(scratch(), 'open');
    mkdirSync(at, { mode: 0o777 });
    chmodSync(at, 0o777);
    const ended = await run(['export', 'ansible', join(at, 'fleet')]);
    expect(ended.code).toBe(5);
    expect(existsSync(join(at, 'fleet'))).toBe(false);
  });
});
