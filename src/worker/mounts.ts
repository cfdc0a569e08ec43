// The file system a path lies on, from the kernel's own list: on some a lock does not hold what it promises.
import type { Bytes } from '../crontab/crontab.ts';

export interface Mount {
  readonly at: string;
  readonly type: string;
  readonly from: string;
}

/** The mount that holds an absolute path without links, from the text of /proc/self/mountinfo. */
export function mountOf(mountinfo: Bytes, path: string): Mount | 'unknown' {
  let best: Mount | 'unknown' = 'unknown';
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const at = plainPath(left.split(' ')[4] ?? '');
    const [type = '', from = ''] = right.split(' ');
    if (at === '' || type === '') continue;
    const holds = at === '/' || path === at || path.startsWith(`${at}/`);
    // Of two at the same place the later one covers the earlier.
    if (holds && (best === 'unknown' || at.length >= best.at.length))
      best = { at, type, from: plainPath(from) };
  }
  return best;
}

/** Blanks and the like stand as octal numbers there. */
function plainPath(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** 'network': the lock is another machine's word, may hang, and may not be there at all. 'layered': gone with the container. */
export function trustOf({ type }: Mount): 'local' | 'network' | 'memory' | 'layered' | 'unknown' {
  if (/^(?:ext[234]|xfs|btrfs|zfs|f2fs|bcachefs|reiserfs|jfs|simfs|ploop)$/.test(type)) return 'local';
  if (
    /^(?:nfs\d?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|lustre|gfs2?|ocfs2|virtiofs|fuse\..+|fuse)$/.test(type)
  )
    return 'network';
  if (/^(?:tmpfs|ramfs)$/.test(type)) return 'memory';
  return /^(?:overlay|overlayfs|aufs|unionfs)$/.test(type) ? 'layered' : 'unknown';
}
