// Sites in directories with odd names: deployed and put back to the byte, or refused with nothing touched.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run, scratch } from './harness.ts';

const worker = `import { argv } from 'node:process';
if (!argv.includes('--once')) setInterval(() => {}, 1000);
`;
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
/** Names as bytes, one character each; `plain` are those that have to work. */
const names: readonly (readonly [string, string, 'works' | 'may be refused'])[] = [
  ['a blank', 'my site', 'works'],
  ['two blanks and a tab', 'my  si\tte', 'may be refused'],
  ['an apostrophe', "o'brien.example", 'works'],
  ['quotes', 'the "shop"', 'works'],
  ['a leading dash', '-rf', 'works'],
  ['a dollar sign', 'pay$HOME', 'works'],
  ['a backslash', 'back\\slash', 'may be refused'],
  ['a semicolon and an ampersand', 'a;b&c', 'works'],
  ['a back-tick', 'a`id`b', 'works'],
  ['a percent sign', '100%', 'may be refused'],
  ['a hash and a question mark', 'a#b?c', 'may be refused'],
  ['UTF-8', 'gr\xc3\xb6\xc3\x9fer', 'works'],
  ['what is not UTF-8', 'caf\xe9', 'may be refused'],
  ['a newline', 'two\nlines', 'may be refused'],
  ['a star and brackets', 'a*[b]', 'works'],
];

/** Everything below, by the system's own tools: names are bytes there. */
const picture = (directory: string): string => {
  const find = ['.', '-path', './state', '-prune', '-o', '-type', 'f'];
  const shown = spawnSync(
    'find',
    [...find, '-printf', '%p %m %u:%g %T@ %s\\0', '-exec', 'sha256sum', '-z', '{}', ';'],
    {
      cwd: directory,
      encoding: 'latin1',
    },
  );
  return shown.stdout.split('\0').sort().join('\n');
};

/** A command as a file, since an argument cannot be given as bytes. */
function bytesFile(home: string, command: string): string {
  const path = join(home, 'state', 'command');
  writeFileSync(path, bytes(`${command}\n`));
  return path;
}

/** What the run has left in its log and lock is the worker's, and stays after a rollback: here it is in the way. */
function clean(home: string): void {
  for (const path of spawnSync('find', ['.', '-path', '*/cronlatch/*', '-type', 'f', '-print0'], {
    cwd: home,
    encoding: 'buffer',
  })
    .stdout.toString('latin1')
    .split('\0'))
    if (path !== '') rmSync(Buffer.concat([bytes(`${home}/`), bytes(path)]));
}

describe.concurrent('a site in a directory with', () => {
  test.each(names)('%s in its name', async (_, name, wanted) => {
    const home = scratch();
    const directory = Buffer.concat([bytes(`${home}/`), bytes(name)]);
    mkdirSync(Buffer.concat([directory, bytes('/scripts')]), { recursive: true });
    const script = Buffer.concat([directory, bytes('/scripts/worker.mjs')]);
    writeFileSync(script, worker, { mode: 0o640 });
    const tab = join(home, 'crontab');
    // As one writes it by hand: in quotes, a percent sign escaped for cron.
    const quoted = `'${`${home}/${name}`.replaceAll("'", `'\\''`)}'`.replaceAll('%', '\\%');
    writeFileSync(
      tab,
      bytes(
        `HOME=${home}\n*/2 * * * * cd ${quoted} && ${process.execPath} scripts/worker.mjs\n1 1 * * * true\n`,
      ),
    );
    const before = picture(home);
    expect(before).toContain('worker.mjs');
    const state = ['--state-dir', join(home, 'state')];
    const ended = await run(['deploy', '--file', tab, ...state, '--all', '--ci', '--without', 'verify']);
    expect(ended.err).not.toMatch(/^\s+at /m);
    const done = ended.out.includes('Deployed as');
    if (wanted === 'works') expect([ended.code, done], ended.out + ended.err).toEqual([0, true]);
    if (done) {
      expect(picture(home)).not.toBe(before);
      // The new entry is one that a shell can run, and the guarded worker with --once ends by itself.
      const entry = readFileSync(tab, 'latin1').split('\n')[1] ?? '';
      const command = entry.split(' ').slice(5).join(' ').replaceAll('\\%', '%');
      const ran = spawnSync('/bin/sh', ['-c', '. "$0"', bytesFile(home, command)], {
        env: { PATH: '/usr/bin:/bin', HOME: home },
      });
      expect([ran.status, String(ran.stderr)]).toEqual([0, '']);
      clean(home);
      const back = await run(['rollback', ...state, '--ci']);
      expect(back.code, back.err).toBe(0);
    } else {
      expect([0, 1, 2, 5]).toContain(ended.code);
      expect(`${ended.out}${ended.err}`.length).toBeGreaterThan(20);
    }
    expect(picture(home)).toBe(before);
  });
});
