// What a start reads and sets up, counted: each of these is milliseconds of every scan (npm run bench has the times).
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { plainEnv, run, scratch } from './harness.ts';

const directory = scratch();

const watch = join(directory, 'watch.cjs');
writeFileSync(
  watch,
  `const fs = require('node:fs');
  const files = [];
  const read = fs.readFileSync;
  fs.readFileSync = (path, ...more) => {
    files.push(String(path));
    return read(path, ...more);
  };
  process.on('exit', () => {
    const node = process.moduleLoadList.filter((name) => name.startsWith('NativeModule '));
    fs.writeFileSync(${JSON.stringify(join(directory, 'seen.json'))}, JSON.stringify({ files, node }));
  });`,
);

function start(crontab: string): { readonly files: readonly string[]; readonly node: readonly string[] } {
  const file = join(directory, 'crontab');
  writeFileSync(file, crontab);
  const args = ['-r', watch, 'bin/cronlatch.js', 'scan', '--file', file, '--fail-on', 'never'];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8', env: plainEnv() });
  expect(ran.stderr).toBe('');
  expect(ran.status).toBe(0);
  return JSON.parse(readFileSync(join(directory, 'seen.json'), 'utf8'));
}

const ordinary = `SHELL=/bin/bash
*/5 * * * * /usr/bin/php  /srv/a.php   --x="a  b" >> /srv/log 2>&1
0 3 * * * echo "two  spaces" | logger -t x
@daily /usr/bin/find /tmp -name "a b" -mtime +3 -exec rm {} \\;
15 4 * * * date +\\%F > /tmp/x-$(date +\\%Y).log
@reboot cd /srv && ./start.sh # trailing words
`;

describe('a scan of an ordinary crontab', () => {
  test('reads the program, its code cache and no dependency', () => {
    const dist = start(ordinary).files.filter((path) => path.includes('/dist/'));
    // The cache of this very Node: 20.17 died of one that 20.20 had made, since V8 tells its own version only.
    const size = statSync(process.execPath).size;
    expect(dist.map((path) => path.slice(path.indexOf('/dist/') + 6)).sort()).toEqual([
      `cache/${process.version}-${process.arch}-${size}/scan.bin`,
      'scan.js',
    ]);
  });

  test('has no need of Node’s streams, digests, sockets and children', () => {
    const { node } = start(ordinary);
    for (const name of ['crypto', 'stream', 'net', 'child_process', 'readline', 'worker_threads', 'os'])
      expect(node).not.toContain(`NativeModule ${name}`);
  });
});

test('a text that takes a full shell parser gets it', () => {
  const { files } = start('* * * * * while sleep 5; do php /srv/a.php; done\n');
  expect(files.some((path) => path.endsWith('/dist/deps/unbash.js'))).toBe(true);
});

test('a crontab with more lines to say than a call takes arguments is scanned to its end', async () => {
  const file = join(directory, 'large');
  writeFileSync(file, '* * * * * x\n'.repeat(50_000));
  const ended = await run(['scan', '--file', file, '--verbose', '--fail-on', 'never']);
  expect(ended.err).toBe('');
  expect(ended.code).toBe(0);
  expect(ended.out).toMatch(/\n0 workers in 1 crontab\.\n$/);
}, 120_000);
