// The lock tests for people without Node: they pass with our guard, and fail with a lock that is none.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const templates = join(import.meta.dirname, '../../templates/php');
const hasPhp = spawnSync('php', ['-v']).status === 0;
const place = mkdtempSync(join(tmpdir(), 'cronlatch-locktest-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));
const all = ['test_lock_basic.php', 'test_lock_edges.php'] as const;

interface Said {
  readonly title: string;
  readonly tests: readonly { readonly name: string; readonly is: string; readonly saw: string }[];
}

const run = (script: string, args: readonly string[] = [], php: readonly string[] = []) => {
  const ran = spawnSync('php', [...php, join(place, script), ...args], { cwd: place, encoding: 'utf8' });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
};
const failed = (out: string) =>
  (JSON.parse(out) as Said).tests.filter(({ is }) => is === 'fail').map((t) => t.name);

beforeEach(() => {
  for (const name of [...all, 'cronlatch-guard.php']) copyFileSync(join(templates, name), join(place, name));
});

describe.skipIf(!hasPhp)('the lock tests for a tenant', () => {
  test.each(all)('%s passes with the guard and leaves nothing behind', (script) => {
    const before = readdirSync(place);
    const { code, out, err } = run(script);
    expect({ code, err, last: out.trimEnd().split('\n').at(-1) }).toMatchObject({
      code: 0,
      err: '',
      last: expect.stringMatching(/^All .* lock tests passed\.$/),
    });
    expect(readdirSync(place)).toEqual(before);
  });

  test.each(all)('%s passes with a bare PHP, which has no pcntl, no posix and no ini file', (script) => {
    const { code, out } = run(script, ['--json'], ['-n']);
    expect({ code, failed: failed(out) }).toEqual({ code: 0, failed: [] });
    expect((JSON.parse(out) as Said).tests.length).toBeGreaterThan(10);
  });

  test('a guard that deletes its lock file and believes its PID file is found out', () => {
    const recipe = `<?php return static function (array $o): void {
  static $fp; $lock = "{$o['dir']}/{$o['name']}.lock"; $pid = "{$o['dir']}/{$o['name']}.pid";
  if (is_file($pid) && !posix_kill((int) file_get_contents($pid), 0)) { echo 'Removing stale lock file from dead process (PID: ', trim(file_get_contents($pid)), ")\\n"; unlink($lock); unlink($pid); }
  elseif (is_file($pid)) { echo 'Another instance is already running (PID: ', trim(file_get_contents($pid)), ")\\n"; exit(0); }
  $fp = fopen($lock, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit(0);
  file_put_contents($pid, getmypid() . "\\n");
  register_shutdown_function(static function () use ($lock, $pid) { unlink($lock); unlink($pid); });
};`;
    writeFileSync(join(place, 'cronlatch-guard.php'), recipe);
    const basic = run('test_lock_basic.php', ['--json']);
    expect(basic.code).toBe(1);
    expect(failed(basic.out)).toContain('the lock file stays: deleting it is what lets two instances run');
    const edges = run('test_lock_edges.php', ['--json']);
    expect(edges.code).toBe(1);
    expect(failed(edges.out)).toEqual(
      expect.arrayContaining([
        'the PID of another program blocks nothing',
        'a program that outlives its killed worker does not keep the lock',
        'a link in the place of the lock file is refused',
      ]),
    );
  });

  test('a guard that locks nothing is found out', () => {
    writeFileSync(join(place, 'cronlatch-guard.php'), '<?php return static function (array $o): void {};');
    const { code, out } = run('test_lock_basic.php', ['--json']);
    expect(code).toBe(1);
    expect(failed(out)).toContain('a second instance is refused and says who runs');
  });

  test('what cannot be tried here is said, with exit code 2', () => {
    rmSync(join(place, 'cronlatch-guard.php'));
    expect(run('test_lock_basic.php')).toMatchObject({ code: 2, err: expect.stringContaining('no guard') });
    expect(run('test_lock_edges.php', ['--dir', '/nonexistent', '--guard', place])).toMatchObject({
      code: 2,
    });
    expect(run('test_lock_basic.php', ['--nonsense'])).toMatchObject({ code: 2 });
    const off = run('test_lock_basic.php', [], ['-d', 'disable_functions=proc_open']);
    expect(off).toMatchObject({ code: 2, err: expect.stringContaining('proc_open') });
  });

  test.skipIf(process.getuid?.() !== 0)('an ordinary user can run them in a directory of his own', () => {
    chmodSync(place, 0o777);
    const ran = spawnSync(
      'setpriv',
      [
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        'php',
        join(place, 'test_lock_edges.php'),
        '--json',
      ],
      { cwd: place, encoding: 'utf8' },
    );
    expect({ code: ran.status, failed: failed(ran.stdout) }).toEqual({ code: 0, failed: [] });
  });
});
