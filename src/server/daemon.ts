// Does a cron run here? Told by its PID file, which costs nothing, else by the names of all processes.
import * as fs from 'node:fs';
import type { Daemon } from './server.ts';

/** Debian's cron and cronie keep it here, in the foreground too; /var/run is the same place or an older one. */
const pidFiles = ['/run/crond.pid', '/var/run/crond.pid', '/run/cron.pid'];
/** Has systemd start the entries, with no daemon at all (Debian's systemd-cron). */
const generators = ['/lib/systemd', '/usr/lib/systemd', '/usr/local/lib/systemd'].map(
  (directory) => `${directory}/system-generators/systemd-crontab-generator`,
);
const names = new Set(['cron', 'crond', 'CRON', 'bcron-sched']);

/** Read of /proc below `proc`; `who` is the uid that looks. Other roots than the machine's own are for tests. */
export function findDaemon(root = '', who = process.geteuid?.() ?? 0): Daemon {
  for (const file of pidFiles) {
    const pid = Number.parseInt(read(root + file), 10);
    if (pid > 0 && isDaemon(root, pid)) return { is: 'seen', as: `PID ${pid}` };
  }
  for (const name of fs.readdirSync(`${root}/proc`)) {
    const code = name.charCodeAt(0);
    if (code < 48 || code > 57) continue;
    if (isDaemon(root, Number(name))) return { is: 'seen', as: `PID ${name}` };
  }
  for (const generator of generators)
    if (fs.existsSync(root + generator)) return { is: 'seen', as: generator };
  // hidepid shows an ordinary user his own processes only, and a namespace its own.
  if (who !== 0 && read(`${root}/proc/1/stat`) === '') return { is: 'unseen', because: 'hidden' };
  return isWhole(root) ? { is: 'none' } : { is: 'unseen', because: 'confined' };
}

/** Is this the kernel's first PID namespace, where everybody is seen? It has this number (PROC_PID_INIT_INO). */
export function isWhole(root = ''): boolean {
  return namespaceOf(`${root}/proc/self`) === 'pid:[4026531836]';
}

/** A cron of root's that serves this machine: one in a container has crontabs of its own. */
function isDaemon(root: string, pid: number): boolean {
  const at = `${root}/proc/${pid}`;
  const name = nameOf(`${at}/comm`);
  if (!names.has(name)) {
    if (name !== 'busybox' || read(`${at}/cmdline`).split('\0')[1] !== 'crond') return false;
  }
  try {
    if (fs.statSync(at).uid !== 0) return false;
  } catch {
    return false; // it has just ended
  }
  const its = namespaceOf(at);
  return its === 'unseen' || its === namespaceOf(`${root}/proc/self`);
}

/** A name has at most fifteen bytes. Read without asking for a size first: there may be thousands of them. */
const bytes = new Uint8Array(16);

function nameOf(file: string): string {
  try {
    const fd = fs.openSync(file, fs.constants.O_RDONLY);
    try {
      const got = fs.readSync(fd, bytes);
      // Most names begin otherwise and need not become a string.
      const first = bytes[0] ?? 0;
      if (first !== 0x63 && first !== 0x43 && first !== 0x62) return '';
      return Buffer.from(bytes.buffer, 0, got).toString('latin1').trimEnd();
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return ''; // it has just ended, or is hidden
  }
}

function namespaceOf(at: string): string {
  try {
    return fs.readlinkSync(`${at}/ns/pid`);
  } catch {
    return 'unseen';
  }
}

function read(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
