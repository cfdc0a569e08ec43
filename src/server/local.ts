// This machine, behind the Server port.
import { readFileSync } from 'node:fs';
import { localCrontabs } from './crontabs.ts';
import { localFiles } from './files.ts';
import { localLatch } from './latch.ts';
import type { Plesk } from './panelPort.ts';
import { findPerson, localPeople } from './people.ts';
import { localProcesses } from './processes.ts';
import { localPrograms } from './programs.ts';
import type { Self, Server } from './server.ts';

/** The machine cronlatch runs on. `clock` may run faster than the world's: the sandbox shortens its minutes so. */
export function localServer(
  options: { readonly clock?: () => number; readonly pleskPatience?: number } = {},
): Server {
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const me = findPerson(owner.uid);
  const self: Self = {
    // Read when a journal is written: node:os is a millisecond of every start.
    get host() {
      return readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
    },
    user: me === 'unknown' ? String(owner.uid) : me.name,
    owner,
    home: me === 'unknown' ? '/' : me.home,
    root: owner.uid === 0,
    zone: undefined,
    pid: process.pid,
  };
  let plesk: Promise<Plesk | 'none'> | undefined;
  return {
    self,
    files: localFiles,
    processes: localProcesses,
    crontabs: localCrontabs(self),
    programs: localPrograms,
    people: localPeople,
    plesk: () => {
      plesk ??= findPlesk(self, options.pleskPatience);
      return plesk;
    },
    latch: localLatch,
    // Loaded when a database is asked for: most commands never do.
    databases: { open: async (...asked) => (await import('./database.ts')).localDatabases.open(...asked) },
    web: {
      get: async (...asked) => (await import('./web.ts')).localWeb.get(...asked),
      post: async (...asked) => (await import('./web.ts')).localWeb.post(...asked),
    },
    sockets: {
      look: async (at) => (await import('./sockets.ts')).localSockets.look(at),
      threads: async (...asked) => (await import('./sockets.ts')).localSockets.threads(...asked),
    },
    now: options.clock ?? Date.now,
    elapsed: options.clock ?? (() => performance.now()),
    wait: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  };
}

/** What speaks to a panel is loaded where there is one: everybody else pays for one look. */
async function findPlesk(self: Self, patience: number | undefined): Promise<Plesk | 'none'> {
  const seen = await localFiles.look('/etc/psa/psa.conf', self.owner);
  if (seen.is !== 'file') return 'none';
  const { panel } = await import('./plesk.ts');
  return panel(seen.bytes, localFiles, localPrograms, self, patience);
}
