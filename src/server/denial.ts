// Why the kernel refuses root: modes do not bind it, so something else does.
import { readFileSync } from 'node:fs';

/** Reads a small file of /sys; '' when it is not there. */
type Read = (path: string) => string;

/**
 * What to look at when an act with root's rights was refused, as the end of a reason; '' where the modes say enough.
 * Which of them it was only the log of the security module tells.
 */
export function denialHint(error: unknown, uid: number, read: Read = fromSystem): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (uid !== 0 || (code !== 'EACCES' && code !== 'EPERM')) return '';
  if (read('/sys/fs/selinux/enforce').trim() === '1')
    return '; SELinux is enforcing, and refuses even root: ausearch -m avc -ts recent';
  if (read('/sys/module/apparmor/parameters/enabled').trim() === 'Y')
    return '; AppArmor is on, and refuses even root: journalctl -k --grep apparmor';
  return '; even root is refused: an immutable file (lsattr), a network file system, or a container without that right';
}

function fromSystem(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
