// Whether a cron runs here, on trees that look like /proc of several machines.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findDaemon } from '../../src/server/daemon.ts';
import { scratch } from '../terminal/harness.ts';

const first = 'pid:[4026531836]';
const other = 'pid:[4026532000]';
const me = process.geteuid?.() ?? 0;

interface Proc {
  readonly comm: string;
  readonly cmdline?: string;
  readonly namespace?: string;
  /** Its files may not be read: what hidepid=1 does to an ordinary user. */
  readonly closed?: boolean;
}

/** A machine with these processes, looked at from the namespace `here`. */
function machine(
  processes: Record<number, Proc>,
  { here = first, files = {} as Record<string, string> } = {},
) {
  const root = scratch();
  const lay = (pid: string, { comm, cmdline = comm, namespace = first, closed = false }: Proc): void => {
    const at = join(root, 'proc', pid);
    mkdirSync(join(at, 'ns'), { recursive: true });
    if (closed) return;
    writeFileSync(join(at, 'comm'), `${comm}\n`);
    writeFileSync(join(at, 'stat'), `${pid} (${comm}) S`);
    writeFileSync(join(at, 'cmdline'), cmdline.replaceAll(' ', '\0'));
    symlinkSync(namespace, join(at, 'ns/pid'));
  };
  for (const [pid, one] of Object.entries(processes)) lay(pid, one);
  lay('self', { comm: 'node', namespace: here });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const init = { comm: 'systemd' };

// The daemon has to be root's, and the files of a test are whoever runs it.
describe.skipIf(me !== 0)('a cron', () => {
  test.each<[string, Record<number, Proc>]>([
    ['Debian’s cron -f under systemd', { 1: init, 402: { comm: 'cron', cmdline: '/usr/sbin/cron -f' } }],
    ['cronie’s crond', { 1: init, 402: { comm: 'crond', cmdline: '/usr/sbin/crond -n' } }],
    [
      'busybox crond, which keeps no PID file',
      { 1: init, 9: { comm: 'busybox', cmdline: 'busybox crond -f' } },
    ],
    ['cron as the first process of a container', { 1: { comm: 'cron', cmdline: 'cron -f' } }],
  ])('is seen: %s', (_, processes) => {
    expect(findDaemon(machine(processes), 0)).toMatchObject({ is: 'seen' });
  });

  test('is told by its PID file, without a look at the others', () => {
    const root = machine({ 1: init, 402: { comm: 'cron' } }, { files: { 'run/crond.pid': '402\n' } });
    expect(findDaemon(root, 0)).toEqual({ is: 'seen', as: 'PID 402' });
  });

  test('is not told by a PID file that a dead one left, whoever has the number now', () => {
    const root = machine({ 1: init, 402: { comm: 'nginx' } }, { files: { 'run/crond.pid': '402\n' } });
    expect(findDaemon(root, 0)).toEqual({ is: 'none' });
  });

  test('is none where systemd starts the entries, and that is said', () => {
    const generator = 'usr/lib/systemd/system-generators/systemd-crontab-generator';
    const root = machine({ 1: init }, { files: { [generator]: '' } });
    expect(findDaemon(root, 0)).toEqual({ is: 'seen', as: `/${generator}` });
  });

  test('of a container on this machine has crontabs of its own', () => {
    expect(findDaemon(machine({ 1: init, 402: { comm: 'cron', namespace: other } }), 0)).toEqual({
      is: 'none',
    });
  });

  test('with another name in front is none', () => {
    const processes = { 1: init, 5: { comm: 'cronolog' }, 6: { comm: 'busybox', cmdline: 'busybox httpd' } };
    expect(findDaemon(machine(processes), 0)).toEqual({ is: 'none' });
  });

  test('may run unseen: other users’ processes are closed or left out for an ordinary user', () => {
    const unseen = { is: 'unseen', because: 'hidden' };
    expect(
      findDaemon(machine({ 1: { ...init, closed: true }, 402: { comm: 'cron', closed: true } }), 1000),
    ).toEqual(unseen);
    expect(findDaemon(machine({ 900: { comm: 'bash' } }), 1000)).toEqual(unseen);
  });

  test('may run unseen: outside of the container we are in', () => {
    const root = machine({ 1: { comm: 'sh', namespace: other } }, { here: other });
    expect(findDaemon(root, 0)).toEqual({ is: 'unseen', because: 'confined' });
  });
});
