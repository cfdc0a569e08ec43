// A refusal that modes do not explain is said with where to look. SELinux and AppArmor are simulated here: by the files
// of /sys that tell of them, no module refuses anything.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { denialHint } from '../../src/server/denial.ts';
import { localFiles } from '../../src/server/files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cronlatch-denial-'));
const frozen = join(scratch, 'worker.php');
writeFileSync(frozen, 'old');
const immutable = process.getuid?.() === 0 && spawnSync('chattr', ['+i', frozen]).status === 0;
afterAll(() => {
  if (immutable) spawnSync('chattr', ['-i', frozen]);
  rmSync(scratch, { recursive: true, force: true });
});

const error = (code: string): Error => Object.assign(new Error(code), { code });
const selinux = (path: string): string => (path === '/sys/fs/selinux/enforce' ? '1' : '');
const apparmor = (path: string): string => (path.startsWith('/sys/module/apparmor') ? 'Y\n' : '');

test.each([
  ['SELinux (simulated)', selinux, 'ausearch'],
  ['AppArmor (simulated)', apparmor, 'journalctl'],
  ['neither', () => '', 'lsattr'],
])('root refused under %s is told where to look', (_, read, word) => {
  for (const code of ['EACCES', 'EPERM']) expect(denialHint(error(code), 0, read)).toContain(word);
});

test('a user, a full disk and a read-only one need no such word', () => {
  expect(denialHint(error('EACCES'), 1000, selinux)).toBe('');
  for (const code of ['ENOSPC', 'EROFS', 'EIO']) expect(denialHint(error(code), 0, selinux)).toBe('');
});

test.skipIf(!immutable)('an immutable file of root’s is named with its reason (needs chattr)', async () => {
  const root = { uid: 0, gid: 0 };
  writeFileSync(join(scratch, 'new'), 'new');
  await expect(localFiles.rename(join(scratch, 'new'), frozen, root)).rejects.toMatchObject({
    code: 'not-written',
    args: { reason: expect.stringContaining('lsattr') },
  });
});
