// A replaced file keeps its access list and its extended attributes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { localFiles } from '../../src/server/files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-attributes-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const as = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
const say = (program: string, ...args: string[]): string =>
  spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '';
const can = (program: string, ...args: string[]): boolean => {
  const probe = join(scratch, 'probe');
  writeFileSync(probe, '');
  return spawnSync(program, [...args, probe]).status === 0;
};
const xattr = can('setfattr', '-n', 'user.t', '-v', 'x');
const acl = can('setfacl', '-m', 'u:65534:r');

test.skipIf(!xattr)('an extended attribute (needs setfattr and a file system that has them)', async () => {
  const old = join(scratch, 'worker.php');
  writeFileSync(old, 'old', { mode: 0o640 });
  spawnSync('setfattr', ['-n', 'user.owner-note', '-v', 'keep me', old]);
  await localFiles.write(join(scratch, 'new1'), 'new', { mode: 0o640, ...as }, as, old);
  expect(say('getfattr', '--only-values', '-n', 'user.owner-note', join(scratch, 'new1'))).toBe('keep me');
});

test.skipIf(!acl)('an access list, and the mode that goes with it (needs setfacl)', async () => {
  const old = join(scratch, 'listed.php');
  writeFileSync(old, 'old', { mode: 0o640 });
  spawnSync('setfacl', ['-m', 'u:65534:rw', old]);
  const before = await localFiles.look(old, as);
  if (before.is !== 'file') throw new Error(before.is);
  await localFiles.write(
    join(scratch, 'new2'),
    'new',
    { mode: before.mode, ...as, mtime: before.mtime },
    as,
    old,
  );
  expect(say('getfacl', '--omit-header', '--absolute-names', join(scratch, 'new2'))).toBe(
    say('getfacl', '--omit-header', '--absolute-names', old),
  );
  expect(await localFiles.look(join(scratch, 'new2'), as)).toMatchObject({
    mode: before.mode,
    mtime: before.mtime,
  });
});
