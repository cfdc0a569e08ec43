// Hand-written locks, as people write them, and what is wrong with each.
import { expect, test } from 'vitest';
import { type LockFault, lockFaults } from '../../src/worker/lockFaults.ts';

const php: readonly (readonly [string, readonly LockFault[], string])[] = [
  ['kept well', [], "$fp = fopen($lock, 'c+e'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit(0); work();"],
  ['no lock at all', [], "echo 'flock'; unlink($tmp); fopen($x, 'w');"],
  [
    'the recipe',
    ['unlinked', 'eperm-as-dead'],
    `$lockFile = $dir . '/w.lock'; $pidFile = $dir . '/w.pid';
if (file_exists($pidFile) && !posix_kill((int) file_get_contents($pidFile), 0)) { @unlink($lockFile); @unlink($pidFile); }
$fp = fopen($lockFile, 'c'); if (!$fp || !flock($fp, LOCK_EX | LOCK_NB)) exit(0);
file_put_contents($pidFile, getmypid());
register_shutdown_function(function () use ($fp, $lockFile, $pidFile) { flock($fp, LOCK_UN); fclose($fp); @unlink($lockFile); @unlink($pidFile); });`,
  ],
  [
    'deletes its file',
    ['unlinked'],
    "$fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; work(); flock($fp, LOCK_UN); unlink($f);",
  ],
  [
    'deletes its file by its name',
    ['unlinked'],
    "$fp = fopen(__DIR__ . '/w.lock', 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; unlink(__DIR__ . '/w.lock');",
  ],
  [
    'deletes another file',
    [],
    "$fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; unlink($csv);",
  ],
  ['opened with w', ['truncated'], "$fp = fopen($f, 'w'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit;"],
  [
    'another file opened with w',
    [],
    "$out = fopen($csv, 'w'); $fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit;",
  ],
  [
    'opened with w+ in a condition',
    ['truncated'],
    "if (($fp = fopen($f, 'w+')) === false || !flock($fp, LOCK_NB | LOCK_EX)) exit;",
  ],
  ['waits', ['waits'], "$fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX)) exit;"],
  ['numbers for names', [], "$fp = fopen($f, 'c'); if (!flock($fp, 6)) exit;"],
  ['nobody asks', ['unused-result'], "$fp = fopen($f, 'c'); flock($fp, LOCK_EX | LOCK_NB); work();"],
  ['nobody asks, quietly', ['unused-result'], "$fp = fopen($f, 'c'); @flock($fp, LOCK_EX | LOCK_NB);"],
  [
    'the answer is kept',
    [],
    "$fp = fopen($f, 'c'); $mine = flock($fp, LOCK_EX | LOCK_NB); if (!$mine) exit;",
  ],
  ['unlocking is no taking', [], 'flock($fp, LOCK_UN);'],
  [
    'local',
    ['local-handle'],
    "function lock($f) { $fp = fopen($f, 'c'); return flock($fp, LOCK_EX | LOCK_NB); }",
  ],
  [
    'local, in two steps',
    ['local-handle'],
    "function lock($f) { $fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) return false; return true; }",
  ],
  [
    'handed out',
    [],
    "function lock($f) { $fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) return false; return $fp; }",
  ],
  [
    'static',
    [],
    "function lock($f) { static $fp; $fp = fopen($f, 'c'); return flock($fp, LOCK_EX | LOCK_NB); }",
  ],
  [
    'global',
    [],
    "function lock($f) { global $fp; $fp = fopen($f, 'c'); return flock($fp, LOCK_EX | LOCK_NB); }",
  ],
  [
    'a property',
    [],
    "class L { private $fp; function lock($f) { $this->fp = fopen($f, 'c'); return flock($this->fp, LOCK_EX | LOCK_NB); } }",
  ],
  [
    'stored in a property',
    [],
    "class L { private $h; function lock($f) { $fp = fopen($f, 'c'); $this->h = $fp; return flock($fp, LOCK_EX | LOCK_NB); } }",
  ],
  [
    'works to its end',
    [],
    "function main($f) { $fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) { return; } work(); }",
  ],
  [
    'starts programs',
    ['inherited'],
    "$fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; exec('ffmpeg x y');",
  ],
  [
    'starts programs, closed for them',
    [],
    "$fp = fopen($f, 'ce'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; exec('ffmpeg x y');",
  ],
  ['in /tmp', ['in-tmp'], "$fp = fopen('/tmp/w.lock', 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit;"],
  [
    'in the system’s temporary directory',
    ['in-tmp'],
    "$f = sys_get_temp_dir() . '/w'; $fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit;",
  ],
  [
    'a PID file',
    ['eperm-as-dead', 'pid-only'],
    'if (is_file($p) && posix_kill((int) file_get_contents($p), 0)) exit; file_put_contents($p, getmypid());',
  ],
  [
    'a PID file that knows EPERM',
    ['pid-only'],
    'if (posix_kill($pid, 0) || posix_get_last_error() === 1) exit; file_put_contents($p, getmypid());',
  ],
  [
    'a PID written for information',
    [],
    "$fp = fopen($f, 'c'); if (!flock($fp, LOCK_EX | LOCK_NB)) exit; fwrite($fp, (string) getmypid());",
  ],
  ['unparsable', [], 'flock('],
];

test.each(php)('PHP: %s', async (_, expected, code) => {
  expect(await lockFaults(`<?php\n${code}\n`, 'php')).toEqual(expected);
});

const node: readonly (readonly [string, readonly LockFault[], string])[] = [
  ['a kernel lock', [], "import { flockSync } from 'fs-ext'; flockSync(fd, 'exnb');"],
  ['a lease', ['expires'], "import lockfile from 'proper-lockfile'; await lockfile.lock('w');"],
  [
    'another kind of lock',
    ['unseen-by-flock'],
    "const { tryLock } = require('fs-native-extensions'); tryLock(fd);",
  ],
  [
    'a PID file',
    ['eperm-as-dead', 'pid-only'],
    'try { process.kill(pid, 0); process.exit(); } catch {} fs.writeFileSync(f, `${process.pid}`);',
  ],
  [
    'a PID file that knows EPERM',
    ['pid-only'],
    "try { process.kill(pid, 0); } catch (e) { if (e.code === 'EPERM') process.exit(); }",
  ],
  ['a signal', [], "process.kill(pid, 'SIGTERM'); child.kill(0);"],
  ['nothing', [], "import { once } from 'node:events'; run();"],
];

test.each(node)('Node: %s', async (_, expected, code) => {
  expect(await lockFaults(code, 'node')).toEqual(expected);
});
