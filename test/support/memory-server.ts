// A server in memory that forgets like a disk: names and bytes that were not fsynced are gone after a power cut.
// It can fail or be killed at any numbered call, before or after the call has had its effect.
import { createHash } from 'node:crypto';
import { dirname } from 'node:path/posix';
import { Problem } from '../../src/problem.ts';
import type { DatabaseFailure, DatabaseSession, SocketView } from '../../src/server/databasePort.ts';
import { panel } from '../../src/server/plesk.ts';
import type {
  CrontabSource,
  Daemon,
  Doing,
  Files,
  Holder,
  Owner,
  Person,
  ProcessRow,
  Ran,
  Route,
  Seen,
  SeenCrontab,
  Server,
} from '../../src/server/server.ts';

interface Node {
  kind: 'file' | 'directory' | 'link';
  bytes: string;
  /** What the disk has of the bytes. */
  synced: string | 'never';
  mode: number;
  uid: number;
  gid: number;
  mtime: string;
  inode: number;
}

export interface Fault {
  /** Number of the call, from 1. */
  readonly at: number;
  readonly kind: 'kill' | 'fail';
  readonly when: 'before' | 'after';
}

/** The process is gone: nothing it does afterwards has any effect. */
export class Killed extends Error {}

export interface FakeProcess extends ProcessRow {
  readonly script: string;
  /** Inode of a lock it holds. */
  holds?: string;
  /** Where its standard output goes. */
  output?: string;
  readonly children?: Doing['children'];
  /** Survives SIGTERM. */
  readonly stubborn?: boolean;
}

const root: Owner = { uid: 0, gid: 0 };
export type MemoryPerson = Person;

export const exampleUser: Person = {
  name: 'example-user',
  uid: 10001,
  gid: 10001,
  home: '/var/www/vhosts/example.com',
  shell: '/bin/bash',
};

/** What survives: hand it to the next `memoryServer` to go on after a kill or a power cut. */
export class Machine {
  live = new Map<string, Node>();
  disk = new Map<string, Node>();
  processes: FakeProcess[] = [];
  people: Person[] = [{ name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/bash' }, exampleUser];
  clock = Date.UTC(2026, 10, 23, 12, 0, 30);
  inodes = 100;
  latch: { path: string; holder: Holder } | undefined;
  signals: string[] = [];
  cron: Daemon = { is: 'seen', as: 'PID 400' };
  programs: (argv: readonly string[]) => Ran = defaultPrograms;
  /** What stands at a database's place: a session, or why there is none. */
  database: (user: string) => DatabaseSession | DatabaseFailure = () => ({
    is: 'failed',
    errno: 0,
    code: 'ECONNREFUSED',
    message: 'connect ECONNREFUSED',
  });
  web: (url: string) => { status: number; body: string } | { failed: string } = () => ({
    failed: 'ECONNREFUSED',
  });
  /** What was handed to addresses. */
  posted: [url: string, text: string][] = [];
  detached: (argv: readonly string[]) => number = () => 0;
  sockets: SocketView = { tcp: [], unix: [], holders: new Map(), blind: false };
  /** Called whenever time passes. */
  onTime: (now: number) => void = () => {};

  /** Puts something there, durably, as it was before we came. */
  put(
    path: string,
    bytes: string,
    look: Partial<Omit<Node, 'bytes' | 'synced' | 'inode' | 'kind'>> = {},
  ): void {
    this.makeParents(path, look);
    const node: Node = {
      kind: 'file',
      bytes,
      synced: bytes,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: '1700000000.123456789',
      inode: ++this.inodes,
      ...look,
    };
    this.live.set(path, node);
    this.disk.set(path, node);
  }

  directory(path: string, look: Partial<Node> = {}): void {
    this.makeParents(path, look);
    const node: Node = {
      kind: 'directory',
      bytes: '',
      synced: '',
      mode: 0o755,
      uid: 0,
      gid: 0,
      mtime: '1700000000.000000000',
      inode: ++this.inodes,
      ...look,
    };
    this.live.set(path, node);
    this.disk.set(path, node);
  }

  /** A lock file as the guard makes it. */
  makeLock(path: string, who: Owner): void {
    if (!this.live.has(path)) this.put(path, '', { mode: 0o600, uid: who.uid, gid: who.gid });
  }

  /** A process writes to its log. */
  write(path: string, text: string, who: Owner): void {
    const node = this.live.get(path);
    if (node === undefined) this.put(path, text, { mode: 0o600, uid: who.uid, gid: who.gid });
    else if (text !== '') Object.assign(node, { bytes: node.bytes + text, synced: node.bytes + text });
  }

  private makeParents(path: string, look: { uid?: number; gid?: number }): void {
    const parent = dirname(path);
    if (parent !== path && !this.live.has(parent))
      this.directory(
        parent,
        parent === '/'
          ? {}
          : { ...(look.uid === undefined ? {} : { uid: look.uid, gid: look.gid ?? look.uid }) },
      );
  }

  /** After a kill -9: what was written is there, fsynced or not. */
  restart(): void {
    this.latch = undefined;
  }

  /** After a power cut: only what was fsynced. */
  powerCut(): void {
    this.latch = undefined;
    this.live = new Map(
      [...this.disk].map(([path, node]) => [
        path,
        { ...node, bytes: node.synced === 'never' ? '' : node.synced },
      ]),
    );
    this.disk = new Map(this.live);
  }

  /** Everything outside the state directory, for comparing. */
  picture(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const [path, node] of [...this.live].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (path === '/var/lib/cronlatch' || path.startsWith('/var/lib/cronlatch/')) continue;
      found[path] =
        node.kind === 'directory'
          ? `directory ${node.mode.toString(8)} ${node.uid}:${node.gid}`
          : `${node.mode.toString(8)} ${node.uid}:${node.gid} ${node.mtime} ${createHash('sha256').update(node.bytes, 'latin1').digest('hex').slice(0, 12)}`;
    }
    return found;
  }
}

function defaultPrograms(argv: readonly string[]): Ran {
  if (argv.includes('probe')) {
    const refused = { exit: 0, message: 'Another instance is already running (PID: 1).' };
    return {
      code: 0,
      stdout: JSON.stringify({
        ok: true,
        acquired: true,
        refused,
        stale: { recovered: true, message: '' },
        errors: [],
      }),
      stderr: '',
    };
  }
  return { code: 0, stdout: '', stderr: '' };
}

function partOf(machine: Machine, path: string, span: (size: number) => [number, number]) {
  const node = machine.live.get(path);
  if (node?.kind !== 'file') return 'absent' as const;
  const { bytes, mtime } = node;
  return {
    text: bytes.slice(...span(bytes.length)),
    size: bytes.length,
    inode: `1:${node.inode}`,
    mtime,
  };
}

/** A server on the machine, run by `user`. Counts its calls; `fault` strikes at one of them. */
export function memoryServer(
  machine: Machine,
  options: { fault?: Fault; user?: Person; debian?: boolean } = {},
): Server & { calls: () => number; log: string[] } {
  const user = options.user ?? (machine.people[0] as Person);
  const self = {
    host: 'shop.example',
    user: user.name,
    owner: { uid: user.uid, gid: user.gid },
    home: user.home,
    root: user.uid === 0,
    zone: 'UTC',
    pid: 4242,
  };
  let calls = 0;
  let dead = false;
  const log: string[] = [];

  /** Every act of the port goes through here. */
  const call = async <T>(name: string, act: () => T): Promise<T> => {
    if (dead) throw new Killed();
    calls++;
    log.push(name);
    const strikes = options.fault?.at === calls ? options.fault : undefined;
    if (strikes?.when === 'before') strike(strikes, name);
    const result = act();
    if (strikes?.when === 'after') strike(strikes, name);
    return result;
  };
  const strike = (fault: Fault, name: string): never => {
    if (fault.kind === 'kill') {
      dead = true;
      throw new Killed(`killed ${fault.when} ${name}`);
    }
    throw new Problem('not-written', {
      act: name,
      path: '(injected)',
      reason: 'no space left on the device (ENOSPC)',
    });
  };

  const files: Files = {
    look: (path, _, most) => call(`look ${path}`, () => lookAt(machine, path, most)),
    tail: (path, offset, bytes) =>
      call(`tail ${path}`, () => partOf(machine, path, (size) => [Math.max(offset, size - bytes), size])),
    part: (path, offset, bytes) =>
      call(`part ${path}`, () => partOf(machine, path, () => [offset, offset + bytes])),
    real: (path) => call(`real ${path}`, () => (machine.live.has(path) ? path : 'absent')),
    list: (path) =>
      call(`list ${path}`, () => {
        if (machine.live.get(path)?.kind !== 'directory') return 'absent';
        return [...machine.live.keys()]
          .filter((name) => name !== path && dirname(name) === path)
          .map((name) => name.slice(path === '/' ? 1 : path.length + 1))
          .sort();
      }),
    executable: (path) =>
      call(`executable ${path}`, () => {
        const node = machine.live.get(path);
        return node !== undefined && node.kind !== 'directory' && (node.mode & 0o111) !== 0;
      }),
    write: (path, bytes, look) =>
      call(`write ${path}`, () => {
        if (machine.live.has(path))
          throw new Problem('not-written', { act: 'write', path, reason: 'EEXIST' });
        machine.live.set(path, {
          kind: 'file',
          bytes,
          synced: 'never',
          mode: look.mode,
          uid: look.uid,
          gid: look.gid,
          mtime: look.mtime ?? `${machine.clock}.000000001`,
          inode: ++machine.inodes,
        });
      }),
    append: (path, bytes, as) =>
      call(`append ${path}`, () => {
        const node = machine.live.get(path);
        if (node === undefined)
          machine.live.set(path, {
            kind: 'file',
            bytes,
            synced: 'never',
            mode: 0o600,
            uid: as.uid,
            gid: as.gid,
            mtime: `${machine.clock}.000000001`,
            inode: ++machine.inodes,
          });
        else node.bytes += bytes;
      }),
    sync: (path) =>
      call(`sync ${path}`, () => {
        const node = machine.live.get(path);
        if (node === undefined) throw new Problem('not-written', { act: 'sync', path, reason: 'ENOENT' });
        if (node.kind === 'file') {
          node.synced = node.bytes;
          return;
        }
        for (const name of new Set([...machine.live.keys(), ...machine.disk.keys()])) {
          if (name === path || dirname(name) !== path) continue;
          const now = machine.live.get(name);
          if (now === undefined) machine.disk.delete(name);
          else machine.disk.set(name, now);
        }
      }),
    rename: (from, to) =>
      call(`rename ${to}`, () => {
        const node = machine.live.get(from);
        if (node === undefined)
          throw new Problem('not-written', { act: 'rename', path: from, reason: 'ENOENT' });
        machine.live.set(to, node);
        machine.live.delete(from);
      }),
    remove: (path) =>
      call(`remove ${path}`, () => {
        if (!machine.live.delete(path))
          throw new Problem('not-written', { act: 'remove', path, reason: 'ENOENT' });
      }),
    makeDirectory: (path, mode, owner) =>
      call(`makeDirectory ${path}`, () => {
        machine.live.set(path, {
          kind: 'directory',
          bytes: '',
          synced: '',
          mode,
          uid: owner.uid,
          gid: owner.gid,
          mtime: `${machine.clock}.0`,
          inode: ++machine.inodes,
        });
      }),
    removeDirectory: (path) =>
      call(`removeDirectory ${path}`, () => {
        if ([...machine.live.keys()].some((name) => dirname(name) === path && name !== path)) return 'kept';
        machine.live.delete(path);
        return 'removed';
      }),
  };

  const spool = (name: string): string => `/var/spool/cron/crontabs/${name}`;
  const readAt = (path: string, by: 'file' | 'spool'): SeenCrontab => {
    const seen = lookAt(machine, path);
    if (seen.is !== 'file') return { is: 'none' };
    const { mode, uid, gid, mtime } = seen;
    const as = by === 'spool' ? root : { uid, gid };
    return { is: 'crontab', text: seen.bytes, route: { by, path, as, look: { mode, uid, gid, mtime } } };
  };
  const readSource = (source: CrontabSource): SeenCrontab => {
    if (source.is !== 'user') {
      const seen = readAt(source.path, 'file');
      if (seen.is === 'none' && source.is === 'file')
        throw new Problem('file-missing', { path: source.path });
      return seen;
    }
    if (self.root) return readAt(spool(source.user), 'spool');
    const seen = readAt(spool(source.user), 'spool');
    return seen.is === 'none' ? seen : { ...seen, route: { by: 'command', user: source.user } };
  };

  const programs: Server['programs'] = {
    run: (argv) => call(`run ${argv[0]}`, () => machine.programs(argv)),
    detach: (argv) => call(`detach ${argv[0]}`, () => machine.detached(argv)),
  };
  return {
    self,
    files,
    plesk: async () => {
      const seen = await files.look('/etc/psa/psa.conf', self.owner);
      return seen.is === 'file' ? panel(seen.bytes, files, programs, self) : 'none';
    },
    processes: {
      list: () => call('processes', () => machine.processes.filter((p) => p.state !== 'Z')),
      follow: () => () => call('processes', () => machine.processes.filter((p) => p.state !== 'Z')),
      resolve: (pid) =>
        call(`resolve ${pid}`, () => machine.processes.find((p) => p.pid === pid)?.script ?? 'unseen'),
      holds: (pid, inode) =>
        call(`holds ${pid}`, () => machine.processes.find((p) => p.pid === pid)?.holds === inode),
      output: (pid) =>
        call(`output ${pid}`, () => machine.processes.find((p) => p.pid === pid)?.output ?? 'unseen'),
      locked: (inode) => call('locked', () => machine.processes.some((p) => p.holds === inode)),
      confined: () => Promise.resolve(false),
      cron: () => call('cron', () => machine.cron),
      doing: (pid) => {
        const found = machine.processes.find((p) => p.pid === pid);
        return Promise.resolve(
          found === undefined
            ? 'gone'
            : { state: found.state, cpu: 0, group: found.pid, children: found.children ?? [] },
        );
      },
      signal: (target, signal) =>
        call(`signal ${signal} ${target.pid}`, () => {
          const found = machine.processes.find((p) => p.pid === target.pid && p.start === target.start);
          if (found === undefined) return 'gone';
          machine.signals.push(`${signal} ${target.pid}`);
          if (signal === 'SIGKILL' || !found.stubborn)
            machine.processes = machine.processes.filter((p) => p !== found);
          return 'sent';
        }),
    },
    crontabs: {
      sources: () =>
        call('sources', () => ({
          sources: [
            ...[...machine.live.keys()]
              .filter((p) => dirname(p) === '/var/spool/cron/crontabs')
              .map((p): CrontabSource => ({ is: 'user', user: p.slice(p.lastIndexOf('/') + 1) })),
            ...(machine.live.has('/etc/crontab') ? [{ is: 'system', path: '/etc/crontab' } as const] : []),
            ...[...machine.live.keys()]
              .filter((p) => dirname(p) === '/etc/cron.d')
              .map((path): CrontabSource => ({ is: 'cron.d', path })),
          ],
          unseen: [],
        })),
      read: (source) => call('crontab read', () => readSource(source)),
      check: () => call('crontab check', () => ({ is: 'ok' as const })),
      install: (text) =>
        call('crontab install', () => {
          const path = spool(self.user);
          const node = machine.live.get(path) as Node;
          // crontab(1) renames and syncs by itself: as one act it is there or it is not.
          const next = { ...node, bytes: text, synced: text, inode: ++machine.inodes };
          machine.live.set(path, next);
          machine.disk.set(path, next);
        }),
      poke: (route: Route) => call(`poke ${route.by}`, () => undefined),
    },
    programs,
    people: {
      find: (who) =>
        call(`find ${who}`, () => machine.people.find((p) => p.name === who || p.uid === who) ?? 'unknown'),
    },
    databases: {
      open: (_, { user }) =>
        call(`open ${user}`, () => {
          const session = machine.database(user);
          return 'is' in session ? session : { is: 'open' as const, session };
        }),
    },
    web: {
      get: (url) => call(`get ${url}`, () => machine.web(url)),
      post: (url, text) =>
        call(`post ${url}`, () => {
          const answer = machine.web(url);
          machine.posted.push([url, text]);
          return 'failed' in answer ? answer : { status: answer.status };
        }),
    },
    sockets: {
      look: () => call('sockets', () => machine.sockets),
      threads: () => Promise.resolve(new Map()),
    },
    latch: {
      take: (path, holder) =>
        call('latch', () => {
          if (machine.latch !== undefined) return { is: 'held' as const, holder: machine.latch.holder };
          machine.latch = { path, holder };
          return {
            is: 'mine' as const,
            release: async () => {
              machine.latch = undefined;
            },
          };
        }),
    },
    now: () => machine.clock,
    elapsed: () => machine.clock,
    wait: async (milliseconds) => {
      if (dead) throw new Killed();
      machine.clock += milliseconds;
      machine.onTime(machine.clock);
    },
    calls: () => calls,
    log,
  };
}

function lookAt(machine: Machine, path: string, most?: number): Seen {
  const node = machine.live.get(path);
  if (node === undefined) return { is: 'absent' };
  const { mode, uid, gid, mtime } = node;
  const inode = `1:${node.inode}`;
  if (node.kind === 'directory') return { is: 'directory', mode, uid, gid, inode };
  if (node.kind === 'link') return { is: 'link', target: node.bytes };
  return { is: 'file', bytes: node.bytes.slice(0, most), mode, uid, gid, mtime, inode, links: 1 };
}
