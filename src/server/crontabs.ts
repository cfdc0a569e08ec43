// Crontabs of this machine: where they are, how their true bytes are read, how crontab(1) is spoken to.
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Problem, reasonOf } from '../problem.ts';
import { plainEnvironment, spawnNow } from './child.ts';
import { localFiles } from './files.ts';
import { findPerson, localPeople } from './people.ts';
import { withScratchFile } from './scratch.ts';
import type { CrontabSource, Crontabs, Owner, SeenCrontab, Self } from './server.ts';

/** Debian keeps users' crontabs in the first, cronie in the second. */
const spools = ['/var/spool/cron/crontabs', '/var/spool/cron'];
const root: Owner = { uid: 0, gid: 0 };

/** The crontabs as `self` may see them. */
export function localCrontabs(self: Self): Crontabs {
  return {
    async sources() {
      const sources: CrontabSource[] = [];
      const unseen: string[] = [];
      if (self.root) {
        const spool = await spoolDirectory();
        const names = spool === 'none' ? [] : await localFiles.list(spool, root);
        for (const user of names === 'absent' ? [] : names) {
          // Temporary files of crontab(1) and editors are no crontabs.
          if (
            !user.startsWith('.') &&
            !user.startsWith('tmp.') &&
            (await localPeople.find(user)) !== 'unknown'
          ) {
            sources.push({ is: 'user', user });
          }
        }
      } else {
        sources.push({ is: 'user', user: self.user });
        unseen.push('other-users');
      }
      // Asked of its directory, since a look would read it, and it may be closed to us.
      if ((await namesIn('/etc', self.owner)).includes('crontab')) {
        sources.push({ is: 'system', path: '/etc/crontab' });
      }
      const names = await namesIn('/etc/cron.d', self.owner);
      if (names === 'closed') unseen.push('/etc/cron.d');
      for (const name of names === 'closed' ? [] : names) {
        if (!name.startsWith('.')) sources.push({ is: 'cron.d', path: join('/etc/cron.d', name) });
      }
      return { sources, unseen };
    },

    async read(source) {
      if (source.is !== 'user') return readFile(source.path, self.owner, source.is === 'file');
      if (self.root) return readSpool(source.user);
      if (source.user !== self.user) {
        throw new Problem('crontab-unreadable', {
          user: source.user,
          reason: 'only root may read the crontab of another user',
        });
      }
      return readByCommand(self.user);
    },

    async check(text) {
      try {
        return await withScratchFile(text, checkFile);
      } catch (error) {
        // No room for a temporary file is no reason to leave a way back untaken.
        if (error instanceof Problem) return { is: 'unavailable' };
        throw error;
      }
    },

    async install(text) {
      await installNow(text, self.user);
    },

    async poke(route, text) {
      if (route.by === 'command') return pokeByCommand(text, self.user);
      if (route.by === 'file' && dirname(route.path) !== '/etc/cron.d') return;
      // cron compares whole seconds of the directory's mtime (cron(8)): a change in the very second in which it
      // looked would go unseen, so the directory is touched once more when the second is over.
      await new Promise((done) => setTimeout(done, 1000 - (Date.now() % 1000) + 5));
      const now = new Date();
      try {
        utimesSync(dirname(route.path), now, now);
      } catch {
        // Not ours to touch; the rename itself has moved the mtime.
      }
    },
  };
}

/** Never through a pipe: a reader that dies half-way installs half a crontab. */
async function installNow(text: string, user: string): Promise<void> {
  const ran = await withScratchFile(text, (path) => crontab([path]));
  if (ran.missing || ran.code !== 0) {
    throw new Problem('not-written', {
      act: 'install',
      path: `the crontab of ${user}`,
      reason: ran.missing ? 'there is no crontab program' : ran.stderr.trim(),
    });
  }
}

function checkFile(path: string): Awaited<ReturnType<Crontabs['check']>> {
  const ran = crontab(['-n', path]);
  if (ran.missing || /invalid option|usage error|unrecognized option/i.test(ran.stderr)) {
    return { is: 'unavailable' }; // Debian 11 and older know no -n
  }
  if (ran.code === 0) return { is: 'ok' };
  const said = ran.stderr.replaceAll(path, 'crontab').trim();
  // "bad minute", "bad command" …: about the text. Anything else says nothing about it (no spool, PAM, cron.deny).
  return /bad |missing newline|premature EOF|too long|errors in/i.test(said)
    ? { is: 'refused', said: said.split('\n')[0] ?? said }
    : { is: 'unavailable' };
}

/**
 * crontab(1) moves the spool's mtime by its temporary file first, then by the rename. A cron that looks between the two
 * takes the old text for that of this second and never looks again. An ordinary user cannot touch the spool, but the
 * same text may be installed again in a second of its own: whatever cron has seen by then, it is not that second.
 */
async function pokeByCommand(text: string, user: string): Promise<void> {
  await nextSecond();
  const now = readByCommand(user);
  if (now.is === 'crontab' && now.text === text) await installNow(text, user);
}

/** Waits until the kernel dates files in another second than now. Its clock counts here, and ours may be another. */
async function nextSecond(): Promise<void> {
  await withScratchFile('', async (path) => {
    const second = (): number => {
      try {
        writeFileSync(path, '');
        return Math.floor(statSync(path).mtimeMs / 1000);
      } catch (error) {
        throw new Problem(
          'not-written',
          { act: 'write to', path, reason: reasonOf(error) },
          { cause: error },
        );
      }
    };
    for (const first = second(); second() === first; ) await new Promise((done) => setTimeout(done, 20));
  });
}

async function namesIn(path: string, as: Owner): Promise<readonly string[] | 'closed'> {
  try {
    const names = await localFiles.list(path, as);
    return names === 'absent' ? [] : names;
  } catch (error) {
    if (error instanceof Problem && error.code === 'unreadable') return 'closed';
    throw error;
  }
}

async function spoolDirectory(): Promise<string | 'none'> {
  for (const path of spools) {
    if ((await localFiles.look(path, root)).is === 'directory') return path;
  }
  return 'none';
}

async function readSpool(user: string): Promise<SeenCrontab> {
  if (!/^[^/.][^/]*$/.test(user)) {
    throw new Problem('crontab-unreadable', { user, reason: 'this is no user name' });
  }
  const spool = await spoolDirectory();
  if (spool === 'none') return { is: 'none' };
  return readFile(join(spool, user), root, false, 'spool');
}

async function readFile(
  path: string,
  reader: Owner,
  named: boolean,
  by: 'file' | 'spool' = 'file',
): Promise<SeenCrontab> {
  const seen = await localFiles.look(path, reader);
  switch (seen.is) {
    case 'absent':
      if (named) throw new Problem('file-missing', { path });
      return { is: 'none' };
    case 'file': {
      const { mode, uid, gid, mtime } = seen;
      // Root writes a stranger's file with the stranger's rights; root's own files and the spool with root's.
      const person = findPerson(uid);
      const owner = { uid, gid: person === 'unknown' ? gid : person.gid };
      const as = by === 'spool' || reader.uid !== 0 ? reader : owner;
      return { is: 'crontab', text: seen.bytes, route: { by, path, as, look: { mode, uid, gid, mtime } } };
    }
    case 'link':
      throw new Problem('unreadable', {
        path,
        reason: `it is a symbolic link to ${seen.target}; name that file itself`,
      });
    default:
      throw new Problem('unreadable', { path, reason: 'it is not a file' });
  }
}

/** Debian's `crontab -l` hides a header of its own and prints a CR and a backspace as two characters. */
function readByCommand(user: string): SeenCrontab {
  const ran = crontab(['-l'], { CRONTAB_NOHEADER: 'N' });
  const route = { by: 'command', user } as const;
  if (ran.missing) return { is: 'none' };
  if (ran.code !== 0) {
    // Exit code 1 means three different things on Debian; only the words tell them apart.
    if (ran.code === 1 && /^no crontab for /m.test(ran.stderr)) return { is: 'none' };
    throw new Problem('crontab-unreadable', { user, reason: ran.stderr.trim() || `exit code ${ran.code}` });
  }
  const artefact = /\\[rb]/.exec(ran.stdout);
  if (artefact) throw new Problem('crontab-artefact', { user, reason: artefact[0] });
  return { is: 'crontab', text: withoutHeader(ran.stdout), route };
}

/** crontab(1) puts these three lines in front when it installs, so they are its own and not the user's. */
function withoutHeader(text: string): string {
  const header = /^# DO NOT EDIT THIS FILE[^\n]*\n# \([^\n]* installed on [^\n]*\)\n# \(Cron version[^\n]*\n/;
  return text.replace(header, '');
}

/** Milliseconds; a PAM module or a directory service that hangs, hangs crontab(1). */
const patience = 30_000;

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

function crontab(
  args: readonly string[],
  env: Record<string, string> = {},
): { code: number | null; stdout: string; stderr: string; missing: boolean } {
  const ran = spawnNow('crontab', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...plainEnvironment(), ...env },
    timeout: patience,
    killSignal: 'SIGKILL',
    // A group of its own: what it has started ends with it, and a Ctrl-C meant for us does not break an install.
    detached: true,
    maxBuffer: 64 * 1024 * 1024,
  });
  const failed = (ran.error as NodeJS.ErrnoException | undefined)?.code;
  const missing = failed === 'ENOENT';
  if (failed === 'ETIMEDOUT') {
    endGroup(ran.pid);
    const stderr = `crontab did not answer within ${patience / 1000} s`;
    return { code: null, stdout: '', stderr, missing: false };
  }
  if (ran.error && !missing) {
    return { code: null, stdout: '', stderr: `crontab did not answer: ${ran.error.message}`, missing: false };
  }
  return {
    code: ran.status,
    stdout: ran.stdout?.toString('latin1') ?? '',
    stderr: ran.stderr?.toString('latin1') ?? '',
    missing,
  };
}
