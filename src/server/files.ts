// The local file system: small acts, each as a given user, none following a symbolic link at the end of a path.
import * as fs from 'node:fs';
import { Problem, reasonOf } from '../problem.ts';
import { becoming } from './become.ts';
import { spawnNow } from './child.ts';
import { denialHint } from './denial.ts';
import { actAs } from './identity.ts';
import type { FileLook, Files, Owner, Part, Seen } from './server.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_APPEND, O_DIRECTORY } = fs.constants;

/** Larger files are no script and no crontab (cron itself reads at most 10,000 lines of 1,000 bytes on Debian). */
const largest = 64 * 1024 * 1024;

export const localFiles: Files = {
  async look(path, as, most) {
    return reading(path, as, () => actAs(as, () => lookNow(path, most)));
  },

  async tail(path, offset, bytes, as) {
    return reading(path, as, () =>
      actAs(as, () =>
        partNow(path, (size) => {
          const from = Math.max(offset, size - bytes, 0);
          return [from, Math.max(0, size - from)];
        }),
      ),
    );
  },

  async part(path, offset, bytes, as) {
    return reading(path, as, () =>
      actAs(as, () => partNow(path, (size) => [offset, Math.max(0, Math.min(bytes, size - offset))])),
    );
  },

  async real(path, as) {
    return reading(path, as, () =>
      actAs(as, () => {
        if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return 'absent';
        try {
          return fs.realpathSync.native(path);
        } catch (error) {
          return absentOr(error);
        }
      }),
    );
  },

  async list(path, as) {
    return reading(path, as, () =>
      actAs(as, () => {
        try {
          return fs.readdirSync(path).sort();
        } catch (error) {
          return absentOr(error);
        }
      }),
    );
  },

  async executable(path, as) {
    return actAs(as, () => {
      try {
        // access(2) asks for the real uid; what counts here is the effective one, so the mode bits decide.
        const stat = fs.statSync(path, { throwIfNoEntry: false });
        if (!stat?.isFile()) return false;
        if (as.uid === 0) return (stat.mode & 0o111) !== 0;
        if (stat.uid === as.uid) return (stat.mode & 0o100) !== 0;
        if (stat.gid === as.gid || process.getgroups?.().includes(stat.gid)) return (stat.mode & 0o010) !== 0;
        return (stat.mode & 0o001) !== 0;
      } catch {
        return false;
      }
    });
  },

  async write(path, bytes, look, as, like) {
    writing('write', path, as, () =>
      actAs(as, () => {
        const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        try {
          fs.writeFileSync(fd, Buffer.from(bytes, 'latin1'));
          dress(fd, look);
        } finally {
          fs.closeSync(fd);
        }
      }),
    );
    if (like !== undefined) copyAttributes(like, path, as);
    if (look.mtime !== undefined) setMtime(path, look.mtime, as);
  },

  async append(path, bytes, as) {
    writing('write to', path, as, () =>
      actAs(as, () => {
        // Without O_NONBLOCK a FIFO at this path would wait for a reader for ever.
        const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, 0o600);
        try {
          fs.writeFileSync(fd, Buffer.from(bytes, 'latin1'));
        } finally {
          fs.closeSync(fd);
        }
      }),
    );
  },

  async sync(path, as) {
    writing('sync', path, as, () =>
      actAs(as, () => {
        const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        try {
          fs.fsyncSync(fd);
        } finally {
          fs.closeSync(fd);
        }
      }),
    );
  },

  async rename(from, to, as) {
    writing('replace', to, as, () => actAs(as, () => fs.renameSync(from, to)));
  },

  async remove(path, as) {
    writing('remove', path, as, () => actAs(as, () => fs.unlinkSync(path)));
  },

  async makeDirectory(path, mode, owner, as) {
    writing('make the directory', path, as, () =>
      actAs(as, () => {
        fs.mkdirSync(path, { mode: 0o700 });
        const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
        try {
          const stat = fs.fstatSync(fd);
          if (stat.uid !== owner.uid || stat.gid !== owner.gid) fs.fchownSync(fd, owner.uid, owner.gid);
          fs.fchmodSync(fd, mode); // past the umask
        } finally {
          fs.closeSync(fd);
        }
      }),
    );
  },

  async removeDirectory(path, as) {
    return writing('remove the directory', path, as, () =>
      actAs(as, () => {
        try {
          fs.rmdirSync(path);
          return 'removed' as const;
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code;
          if (code === 'ENOTEMPTY' || code === 'EEXIST') return 'kept' as const;
          if (code === 'ENOENT') return 'removed' as const;
          throw error;
        }
      }),
    );
  },
};

/** Some bytes of a plain file: from where, and how many, depends on its size. */
function partNow(path: string, span: (size: number) => [from: number, length: number]): Part | 'absent' {
  const fd = openPlain(path);
  if (fd === 'absent') return 'absent';
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw new Problem('unreadable', { path, reason: 'it is no regular file' });
    const size = Number(stat.size);
    const [from, length] = span(size);
    const buffer = Buffer.alloc(length);
    const got = fs.readSync(fd, buffer, 0, length, from);
    return {
      text: buffer.toString('latin1', 0, got),
      size,
      inode: `${stat.dev}:${stat.ino}`,
      mtime: nanoseconds(stat.mtimeNs),
    };
  } finally {
    fs.closeSync(fd);
  }
}

function lookNow(path: string, most?: number): Seen {
  // Most looks of a survey find nothing: an error made for each of them is what a scan's time would go into.
  const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return { is: 'absent' };
  if (stat.isSymbolicLink()) return { is: 'link', target: fs.readlinkSync(path) };
  const mode = Number(stat.mode) & 0o7777;
  const own = { mode, uid: Number(stat.uid), gid: Number(stat.gid), inode: `${stat.dev}:${stat.ino}` };
  if (stat.isDirectory()) return { is: 'directory', ...own };
  if (!stat.isFile()) return { is: 'other', what: 'neither a file nor a directory' };
  if (most === undefined && stat.size > largest)
    return { is: 'other', what: 'a file of more than 64 MiB', own };
  const fd = openPlain(path);
  if (fd === 'absent') return { is: 'absent' };
  try {
    // The open file is what counts: between lstat and open the name may have been given to another.
    const open = fs.fstatSync(fd, { bigint: true });
    if (!open.isFile()) return { is: 'other', what: 'neither a file nor a directory' };
    return {
      is: 'file',
      bytes: most === undefined ? fs.readFileSync(fd).toString('latin1') : beginning(fd, most),
      mode: Number(open.mode) & 0o7777,
      uid: Number(open.uid),
      gid: Number(open.gid),
      inode: `${open.dev}:${open.ino}`,
      mtime: nanoseconds(open.mtimeNs),
      links: Number(open.nlink),
    };
  } finally {
    fs.closeSync(fd);
  }
}

function beginning(fd: number, most: number): string {
  const buffer = Buffer.alloc(most);
  return buffer.toString('latin1', 0, fs.readSync(fd, buffer, 0, most, 0));
}

/** Opens for reading without following a link and without waiting on a FIFO. */
function openPlain(path: string): number | 'absent' {
  try {
    return fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    return absentOr(error);
  }
}

function dress(fd: number, look: FileLook): void {
  const stat = fs.fstatSync(fd);
  if (stat.uid !== look.uid || stat.gid !== look.gid) fs.fchownSync(fd, look.uid, look.gid);
  fs.fchmodSync(fd, look.mode); // after chown, which clears the set-id bits
}

function nanoseconds(ns: bigint): string {
  const text = ns.toString().padStart(10, '0');
  return `${text.slice(0, -9)}.${text.slice(-9)}`;
}

/**
 * cp(1) copies access control lists (with the mode), extended attributes and, under SELinux, the context. Where it
 * cannot, the write fails: a file that silently lost its access rules is worse than no change.
 */
function copyAttributes(from: string, to: string, as: Owner): void {
  const context = fs.existsSync('/sys/fs/selinux/enforce') ? ',context' : '';
  run(
    'copy the attributes to',
    to,
    'cp',
    ['--attributes-only', `--preserve=mode,xattr${context}`, '--', from, to],
    as,
  );
}

/** touch(1) sets nanoseconds; fs.utimes goes through a double and loses the last two or three digits. */
function setMtime(path: string, mtime: string, as: Owner): void {
  run('set the time of', path, 'touch', ['-h', '-c', '-m', '-d', `@${mtime}`, '--', path], as);
}

/** Runs a small program of the system on a file, with the rights of `as`. */
function run(act: string, path: string, program: string, args: readonly string[], as: Owner): void {
  const become = becoming([program, ...args], as);
  const [name = '', ...words] = become.argv;
  const ran = spawnNow(name, words, {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/bin:/bin`, LC_ALL: 'C' },
    ...become.options,
  });
  if (ran.status === 0) return;
  const reason = ran.error ? reasonOf(ran.error) : ran.stderr.toString().trim();
  throw new Problem('not-written', { act, path, reason });
}

function absentOr(error: unknown): 'absent' {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'absent';
  throw error;
}

function reading<T>(path: string, as: Owner, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(
      'unreadable',
      { path, reason: reasonOf(error) + denialHint(error, as.uid) },
      { cause: error },
    );
  }
}

function writing<T>(act: string, path: string, as: Owner, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(
      'not-written',
      { act, path, reason: reasonOf(error) + denialHint(error, as.uid) },
      { cause: error },
    );
  }
}
