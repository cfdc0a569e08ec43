// This machine, behind the Server port.
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { localCrontabs } from './crontabs.ts';
import { localFiles } from './files.ts';
import { localLatch } from './latch.ts';
import { localPeople } from './people.ts';
import { localProcesses } from './processes.ts';
import { localPrograms } from './programs.ts';
import type { Self, Server } from './server.ts';

/** The machine cronlatch runs on. `clock` may run faster than the world's: the sandbox shortens its minutes so. */
export function localServer(options: { readonly clock?: () => number } = {}): Server {
  const me = userInfo();
  const owner = { uid: process.geteuid?.() ?? me.uid, gid: process.getegid?.() ?? me.gid };
  const self: Self = {
    host: hostname(),
    user: me.username,
    owner,
    home: me.homedir,
    root: owner.uid === 0,
    zone: zone(),
    pid: process.pid,
  };
  return {
    self,
    files: localFiles,
    processes: localProcesses,
    crontabs: localCrontabs(self),
    programs: localPrograms,
    people: localPeople,
    latch: localLatch,
    now: options.clock ?? Date.now,
    wait: (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
  };
}

/** Reading a name is a hundred times cheaper than loading the locale data behind Intl. */
function zone(): string {
  const tz = process.env['TZ'];
  if (tz) return tz.replace(/^:/, '');
  try {
    return readFileSync('/etc/timezone', 'utf8').trim() || 'UTC';
  } catch {
    return Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}
