// Which file system a lock lies on, from the kernel's own list.
import { expect, test } from 'vitest';
import { mountOf, trustOf } from '../../src/worker/mounts.ts';

const list = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
25 22 0:21 / /proc rw,nosuid - proc proc rw
40 22 0:40 / /var/www rw - nfs4 nas:/export/www rw,vers=4.2
41 40 0:41 / /var/www/vhosts/example.com/my\\040data rw - tmpfs tmpfs rw
42 22 0:42 / /home rw - xfs /dev/vdb rw
43 22 0:43 / /home rw - fuse.sshfs backup:/home rw
44 22 0:44 / /run/user rw master:5 propagate_from:2 - tmpfs tmpfs rw
`;

test.each([
  ['/etc', 'ext4', 'local'],
  ['/var/www', 'nfs4', 'network'],
  ['/var/www/vhosts/example.com/cronlatch', 'nfs4', 'network'],
  ['/var/www2', 'ext4', 'local'],
  ['/var/www/vhosts/example.com/my data/x', 'tmpfs', 'memory'],
  ['/home/u12345/cronlatch', 'fuse.sshfs', 'network'],
  ['/run/user/1', 'tmpfs', 'memory'],
])('%s is on %s', (path, type, trust) => {
  const mount = mountOf(list, path);
  expect(mount).toMatchObject({ type });
  expect(mount === 'unknown' ? mount : trustOf(mount)).toBe(trust);
});

test('nothing is known without a list, and of a file system nobody has heard of', () => {
  expect(mountOf('', '/etc')).toBe('unknown');
  expect(trustOf({ at: '/', type: 'shinyfs', from: '' })).toBe('unknown');
  expect(trustOf({ at: '/', type: 'overlay', from: '' })).toBe('layered');
});
