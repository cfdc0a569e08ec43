// What a worker's source says about a lock of its own. And the guard in front of it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { entryFlags } from '../../src/worker/entry.ts';
import { guardFile, guardVersion } from '../../src/worker/guard.ts';
import { ownLock } from '../../src/worker/ownLock.ts';

const place = mkdtempSync(join(tmpdir(), 'cronlatch-entry-'));
afterAll(() => rmSync(place, { recursive: true }));

it.each([
  ['flock', 'php', '<?php $f = fopen($l, "c"); if (!flock($f, LOCK_EX | LOCK_NB)) exit(0);'],
  ['get-lock', 'php', '<?php $db->query("SELECT GET_LOCK(\'import\', 0)");'],
  ['get-lock', 'php', '<?php $db->query("SELECT GET_LOCK(\'$name\', 0)");'],
  ['pidfile', 'php', '<?php if (is_file($p) && posix_kill((int) file_get_contents($p), 0)) exit;'],
  ['pidfile', 'php', '<?php file_put_contents($p, getmypid());'],
  ['none', 'php', '<?php // flock() would be good\necho "flock";'],
  ['none', 'php', '<?php posix_kill($pid, SIGTERM);'],
  ['unknown', 'php', '<?php flock('],
  ['flock', 'node', "import { flockSync } from 'fs-ext';"],
  ['pidfile', 'node', "const lock = require('proper-lockfile');"],
  ['pidfile', 'node', 'try { process.kill(pid, 0); } catch {}'],
  ['pidfile', 'node', "import fs from 'node:fs'; fs.writeFileSync('w.pid', `${process.pid}`);"],
  ['get-lock', 'node', 'await db.query(`SELECT GET_LOCK(${name}, 0)`);'],
  ['none', 'node', '// flock\nrun();'],
] as const)('own lock: %s (%s): %s', async (expected, kind, source) => {
  expect(await ownLock(source, kind)).toBe(expected);
});

describe('the guard in front of a script', () => {
  const awkward = [
    `${place}/plain`,
    `${place}/it's "x" $y \${HOME} \\z;#&=%?`,
    `${place}/on; off`,
    `${place}/two words`,
  ];
  const names = ['worker', 'on', 'E_ALL', 'import-jobs', '7', 'none', 'a b', "it's", 'a;b'];

  it.skipIf(spawnSync('php', ['-v']).status !== 0)('PHP gets any path and name as they are', () => {
    writeFileSync(
      join(place, 'show.php'),
      '<?php echo json_encode([get_cfg_var("cronlatch.dir"), get_cfg_var("cronlatch.name")]);',
    );
    writeFileSync(join(place, "it's.php"), '');
    for (const dir of awkward)
      for (const name of names) {
        const flags = entryFlags('php', { guardPath: join(place, "it's.php"), dir, name });
        expect(
          JSON.parse(execFileSync('php', [...flags, join(place, 'show.php')], { encoding: 'utf8' })),
        ).toEqual([dir, name]);
      }
    const more = { maxRuntime: 5, killStuck: true };
    expect(entryFlags('php', { guardPath: '/g', dir: '/d', name: 'w', more }).join(' ')).toBe(
      '-d auto_prepend_file=/g -d cronlatch.dir=/d -d cronlatch.name=w -d cronlatch.max_runtime=5 -d cronlatch.kill_stuck=1',
    );
  });

  it('Node gets any path and name as they are', () => {
    for (const dir of awkward)
      for (const name of names) {
        const [flag, address = ''] = entryFlags('node', { guardPath: `${dir}/guard.mjs`, dir, name });
        const url = new URL(address);
        expect([flag, decodeURIComponent(url.pathname)]).toEqual(['--import', `${dir}/guard.mjs`]);
        expect([url.searchParams.get('dir'), url.searchParams.get('name')]).toEqual([dir, name]);
      }
  });
});

it('the guards are ASCII and state their version', () => {
  for (const kind of ['php', 'node'] as const) {
    expect(guardFile(kind)).toMatch(/^[\n\x20-\x7e]+$/);
    expect(guardVersion(guardFile(kind))).toMatch(/^\d+\.\d+\.\d+$/);
  }
  expect(guardVersion('<?php echo 1;')).toBe('none');
});
