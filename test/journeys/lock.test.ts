// The lock commands on a server in memory: who holds it, and that nothing is signalled that is not known to be the worker.
import { describe, expect, it, test } from 'vitest';
import type { Result } from '../../src/commands/context.ts';
import { lock } from '../../src/commands/lock.ts';
import { Problem } from '../../src/problem.ts';
import { contextFor, scripted } from '../support/context.ts';
import { exampleUser, type FakeProcess, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, instance, lock as lockFile, script, source } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const directory = `${home}/cronlatch/process_import_jobs`;
const call = `(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${directory}', 'name' => 'process_import_jobs']); // cronlatch: one instance at a time\n`;
const noon = Date.UTC(2026, 10, 23, 12) / 1000;

interface Situation {
  /** The record's process; none leaves the record away. */
  readonly record?: Record<string, unknown>;
  readonly processes?: readonly FakeProcess[];
  /** What a trial of the lock says. */
  readonly trial?: 'held' | 'free' | 'impossible';
  readonly absent?: boolean;
}

/** The site with its guard in the script, and the lock as the situation has it. */
function site({ record, processes = [], trial, absent = false }: Situation): Machine {
  const machine = incident();
  machine.put(script, source.replace('$options', `${call}$options`), { ...own, mode: 0o640 });
  machine.directory(`${home}/cronlatch`, { ...own, mode: 0o700 });
  machine.directory(directory, { ...own, mode: 0o700 });
  if (!absent) {
    const text =
      record === undefined
        ? ''
        : `${JSON.stringify({ v: 1, state: 'running', started: noon, hb: noon + 20, why: '', ...record }).padEnd(511)}\n`;
    machine.put(lockFile, text, { ...own, mode: 0o600 });
  }
  const inode = machine.live.get(lockFile)?.inode;
  machine.processes = processes.map((p) => (p.holds === 'it' ? { ...p, holds: `1:${inode}` } : p));
  machine.programs = () => {
    const held = machine.processes.some((p) => p.holds === `1:${inode}`);
    const says = trial ?? (held ? 'held' : 'free');
    return { code: { held: 11, free: 0, impossible: 1 }[says], stdout: '', stderr: '' };
  };
  return machine;
}

const at = { pid: 501, start: '5010' };
const holder = instance(501, { holds: 'it' });

async function run(
  machine: Machine,
  words: string,
  how: Parameters<typeof contextFor>[2] = {},
): Promise<Result & { text: string }> {
  const told = await contextFor(memoryServer(machine), `lock ${words}`, how);
  return { ...(await lock(told.ctx)), text: told.out() };
}
const refusal = async (act: Promise<unknown>): Promise<string> => {
  const error = await act.then(
    () => 'nothing was refused',
    (e: unknown) => e,
  );
  if (!(error instanceof Problem)) throw error;
  return `${error.code} ${error.exit}`;
};
const lockOf = ({ json }: Result) => (json['locks'] as Record<string, unknown>[])[0];

describe('lock status', () => {
  test.each<[string, Situation, Record<string, unknown>, number]>([
    ['nobody has ever run', { absent: true }, { held: false, holder: { is: 'none' } }, 0],
    [
      'a finished run',
      { record: { ...at, state: 'done', ended: noon + 60 } },
      { held: false, writer: 'dead' },
      0,
    ],
    ['a crashed run', { record: at }, { held: false, writer: 'dead', holder: { is: 'none' } }, 0],
    [
      'a run',
      { record: at, processes: [holder] },
      { held: true, writer: 'alive', holder: { is: 'verified' } },
      0,
    ],
    [
      'a number that was given to another while a child kept the lock',
      {
        record: { ...at, start: '1' },
        processes: [instance(501), instance(777, { holds: 'it', argv: ['sleep', '99'] })],
      },
      { held: true, writer: 'dead', holder: { is: 'other', processes: [{ pid: 777 }] } },
      0,
    ],
    [
      'an old-style lock without a record',
      { processes: [instance(502, { holds: 'it' })] },
      { held: true, record: null, holder: { is: 'other', processes: [{ pid: 502 }] } },
      0,
    ],
    [
      'a holder nobody can see',
      { record: { ...at, pid: 9 }, trial: 'held' },
      { held: true, holder: { is: 'unknown' } },
      0,
    ],
    [
      'no way to try it: the kernel’s list decides',
      { record: at, processes: [holder], trial: 'impossible' },
      { held: true, by: ['proc-locks'] },
      0,
    ],
  ])('%s', async (_, situation, expected, exit) => {
    const told = await run(site(situation), 'status --user example-user');
    expect(lockOf(told)).toMatchObject(expected);
    expect(told.exit).toBe(exit);
  });

  it('says who, since when, and the last sign of life', async () => {
    const { text } = await run(site({ record: at, processes: [holder] }), 'status --user example-user');
    expect(text).toContain(
      'by PID 501 (checked by start time and boot): php httpdocs/scripts/process_import_jobs.php',
    );
    expect(text).toContain('since 2026-11-23T12:00:00Z, 30 s ago');
    expect(text).toContain('last sign of life 2026-11-23T12:00:20Z, 10 s ago');
  });

  it('exits 3 when it is otherwise than expected, 6 when it cannot tell', async () => {
    const held = () => site({ record: at, processes: [holder] });
    expect((await run(held(), 'status --user example-user --expect held')).exit).toBe(0);
    expect((await run(held(), 'status --user example-user --expect free')).exit).toBe(3);
    expect((await run(site({}), 'status --user example-user --expect held')).exit).toBe(3);
    const link = site({});
    link.put(lockFile, '/etc/passwd', { ...own });
    (link.live.get(lockFile) as { kind: string }).kind = 'link';
    const told = await run(link, 'status --user example-user --expect held');
    expect([told.exit, lockOf(told)?.['held']]).toEqual([6, null]);
    expect(await refusal(run(held(), 'status --user example-user --expect maybe'))).toBe('usage 2');
  });

  it('takes a directory or a lock file instead of a worker', async () => {
    for (const path of [directory, lockFile]) {
      const told = await run(site({ record: at, processes: [holder] }), `status ${path}`);
      expect(lockOf(told)).toMatchObject({ path: lockFile, user: 'example-user', held: true });
    }
    expect(await refusal(run(site({}), `status ${home}/nowhere`))).toBe('file-missing 2');
    expect(await refusal(run(site({}), `status ${home}/httpdocs`))).toBe('no-such-entry 2');
  });

  it('says that nothing locks a file whose worker has no guard', async () => {
    const told = await run(incident(), 'status --user example-user --script process_import_jobs.php');
    expect(lockOf(told)).toMatchObject({ guarded: false, held: false });
    expect(told.text).toContain('has no guard');
  });

  it('says so where no worker has a guard', async () => {
    expect(await refusal(run(incident(), 'status'))).toBe('no-such-entry 2');
  });
});

describe('lock stop', () => {
  const stop = 'stop --user example-user --ci';

  it('sends SIGTERM to the verified holder, once, and waits until it is gone', async () => {
    const machine = site({ record: at, processes: [holder, instance(502)] });
    const { exit, text, json } = await run(machine, stop);
    expect(exit).toBe(0);
    expect(machine.signals).toEqual(['SIGTERM 501']);
    expect(machine.processes.map((p) => p.pid)).toEqual([502]);
    expect(text).toContain('PID 501 has ended. The lock is free.');
    expect(json['outcome']).toMatchObject({ is: 'stopped', pid: 501 });
  });

  it('does nothing where nothing holds it', async () => {
    const machine = site({ record: at });
    expect(await run(machine, stop)).toMatchObject({ exit: 0 });
    expect(machine.signals).toEqual([]);
  });

  test.each<[string, Situation]>([
    ['the number was given to another', { record: { ...at, start: '1' }, processes: [holder] }],
    [
      'a child has kept the lock',
      { record: { ...at, pid: 9 }, processes: [instance(777, { holds: 'it', argv: ['sleep', '9'] })] },
    ],
    ['there is no record', { processes: [holder] }],
    ['the holder cannot be seen', { record: { ...at, pid: 9 }, trial: 'held' }],
    ['the record is of another machine’s container', { record: { ...at, start: null }, processes: [holder] }],
    ['another user runs it', { record: at, processes: [{ ...holder, uid: 33 }] }],
    ['it runs another script', { record: at, processes: [{ ...holder, script: '/srv/other.php' }] }],
    [
      'it is no PHP and no Node',
      { record: at, processes: [{ ...holder, exe: '/usr/bin/sleep', argv: ['sleep', '9'] }] },
    ],
  ])('signals nobody when %s', async (_, situation) => {
    const machine = site(situation);
    expect(await refusal(run(machine, stop))).toBe('lock-unverified 5');
    expect(machine.signals).toEqual([]);
  });

  it('never kills without being allowed to; allowed, only after the time', async () => {
    const stubborn = () => site({ record: at, processes: [{ ...holder, stubborn: true }] });
    const kept = stubborn();
    expect(await refusal(run(kept, `${stop} --grace 5s`))).toBe('still-running 1');
    expect(kept.signals).toEqual(['SIGTERM 501']);
    const killed = stubborn();
    const began = killed.clock;
    const { json } = await run(killed, `${stop} --kill-after 20s`);
    expect(killed.signals).toEqual(['SIGTERM 501', 'SIGKILL 501']);
    expect(killed.clock - began).toBeGreaterThanOrEqual(20_000);
    expect(json['outcome']).toMatchObject({ is: 'killed' });
  });

  it('asks first; a no changes nothing, and without a terminal it does not even look', async () => {
    const machine = site({ record: at, processes: [holder] });
    const no = run(machine, 'stop --user example-user', { terminal: true, answers: [false] });
    expect(await refusal(no)).toBe('declined 1');
    expect(machine.signals).toEqual([]);
    const server = memoryServer(machine);
    const blind = await contextFor(server, 'lock stop --user example-user', { env: { CI: '1' } });
    expect(await refusal(lock(blind.ctx))).toBe('answers-missing 2');
    expect(server.calls()).toBe(0);
    await run(machine, 'stop --user example-user', { terminal: true, answers: [true] });
    expect(machine.signals).toEqual(['SIGTERM 501']);
  });

  it('looks again after the answer: another run holds it by then', async () => {
    const machine = site({ record: at, processes: [holder] });
    const told = await contextFor(memoryServer(machine), 'lock stop --user example-user', { terminal: true });
    const ask = async () =>
      scripted(() => {
        const next = { ...holder, pid: 888, start: '8880', holds: machine.processes[0]?.holds ?? '' };
        machine.processes = [next];
        const text = JSON.stringify({ v: 1, pid: 888, start: '8880', state: 'running' });
        const node = machine.live.get(lockFile);
        if (node) node.bytes = text;
        return true;
      });
    expect(await refusal(lock({ ...told.ctx, ask }))).toBe('changed-since 5');
    expect(machine.signals).toEqual([]);
  });

  it('interrupted, it says that the process may still be at it', async () => {
    const machine = site({ record: at, processes: [{ ...holder, stubborn: true }] });
    for (const [name, exit] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const)
      expect(await refusal(run(machine, stop, { heard: () => name }))).toBe(`interrupted ${exit}`);
  });

  it('is about one lock: with several it names them and does nothing', async () => {
    const machine = site({ record: at, processes: [holder] });
    machine.put(`${directory}/second.lock`, '', { ...own, mode: 0o600 });
    expect(await refusal(run(machine, `stop ${directory} --ci`))).toBe('usage 2');
    expect(machine.signals).toEqual([]);
  });
});

it.each([
  ['/bin/bash', 'pass'],
  ['/opt/psa/bin/chrootsh', 'warn'],
])('the doctor speaks of a user’s chroot: %s', async (shell, is) => {
  const machine = site({});
  machine.people = machine.people.map((person) => ({ ...person, shell }));
  const { json } = await run(machine, 'doctor --user example-user');
  const [first] = json['locks'] as { symptoms: { code: string; is: string }[] }[];
  expect(first?.symptoms.find(({ code }) => code === 'chroot')).toMatchObject({ is });
});

it('an ordinary user is not let into another’s directory', async () => {
  const machine = site({ record: at, processes: [holder] });
  machine.people.push({ name: 'bob', uid: 10002, gid: 10002, home: '/home/bob', shell: '/bin/sh' });
  const bob = machine.people.at(-1);
  const told = await contextFor(
    memoryServer(machine, bob === undefined ? {} : { user: bob }),
    `lock status ${directory}`,
  );
  expect(await refusal(lock(told.ctx))).toBe('not-allowed 1');
});
