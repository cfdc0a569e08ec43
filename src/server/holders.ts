// Who has a socket open: the process, what it runs, and whether whoever started it is still there.
import * as fs from 'node:fs';
import { basename } from 'node:path/posix';
import { scriptOfArgv } from '../command/argv.ts';
import { interpreterKind } from '../command/interpreter.ts';
import type { SocketHolder } from '../database/owners.ts';

/** Linux counts the birth of a process in these (USER_HZ). */
const ticks = 100;

interface Stat {
  readonly state: string;
  readonly ppid: number;
  readonly session: number;
  readonly start: string;
}

function statOf(pid: number): Stat | 'gone' {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: rest[0] ?? '?', ppid: Number(rest[1]), session: Number(rest[3]), start: rest[19] ?? '0' };
  } catch {
    return 'gone';
  }
}

/** Programs that run a pool of others' requests. */
const pools =
  /^(?:php-fpm|php-cgi|lsphp|apache2?|httpd|nginx|litespeed|openlitespeed|uwsgi|caddy|frankenphp)/;
/** Whoever runs one of these may be a worker of any kind: better protected than sorry. */
const interpreters = /^(?:php|node|bun|deno|python|perl|ruby|java|lua|hhvm)/;

/** A process that has a socket open, as far as it can be seen. */
export function holderOf(pid: number): SocketHolder | 'gone' {
  const stat = statOf(pid);
  if (stat === 'gone' || stat.state === 'Z') return 'gone';
  const argv = textOf(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
  const exe = basename(linkOf(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ''));
  const title = (argv[0] ?? '').replace(/:.*$/, '');
  const pool = pools.test(exe) || /^php-fpm/.test(title);
  const kind = interpreterKind(exe);
  const runs = kind === 'none' ? 'none' : scriptOfArgv(kind, argv);
  const uid = Number(/^Uid:\t(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? -1);
  const up = Number(textOf('/proc/uptime').split(' ')[0]);
  return {
    pid,
    ppid: stat.ppid,
    start: stat.start,
    age: Math.max(0, up - Number(stat.start) / ticks),
    uid,
    state: stat.state,
    // A program that cannot be named may be a worker.
    kind: pool ? 'pool' : exe === '' || kind !== 'none' || interpreters.test(exe) ? 'interpreter' : 'other',
    name: exe === '' ? textOf(`/proc/${pid}/comm`).trim() : exe,
    ...(runs === 'none' ? {} : { script: runs.script }),
    parent: parentOf(pid, stat),
  };
}

/** Who forks a child is in the child's session; who is in another one has adopted it. */
function parentOf(pid: number, { ppid, session }: Stat): SocketHolder['parent'] {
  if (ppid === 1) return 'reaper';
  const parent = statOf(ppid);
  if (parent === 'gone') return 'unseen';
  return parent.session !== session && session !== pid ? 'reaper' : 'forker';
}

/** A file of the kernel's; '' where there is none. */
export function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}
