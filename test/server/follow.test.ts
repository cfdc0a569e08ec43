// The list that is asked for once a second says the same as the whole one, and learns of what comes, goes and becomes another.
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { localProcesses } from '../../src/server/processes.ts';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});
const begin = (...argv: string[]): ChildProcess => {
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'pipe' });
  children.push(child);
  return child;
};

describe('following the processes', () => {
  test('a child is there in the next listing, whole; gone, it is in none', async () => {
    const list = localProcesses.follow();
    for (let i = 0; i < 15; i++) await list();
    const child = begin('sleep', '60');
    const row = (await list()).find(({ pid }) => pid === child.pid);
    const whole = (await localProcesses.list()).find(({ pid }) => pid === child.pid);
    expect({ ...row, state: '', age: 0 }).toEqual({ ...whole, state: '', age: 0 });
    const ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGKILL');
    await ended;
    for (let i = 0; i < 10; i++) await list();
    expect((await list()).some(({ pid }) => pid === child.pid)).toBe(false);
  });

  test('a shell that becomes another program is that program in the next listing, however old it is', async () => {
    const list = localProcesses.follow();
    const child = begin('sh', '-c', 'read x; exec tail -f /dev/null');
    for (let i = 0; i < 40; i++) await list();
    const shell = (await list()).find(({ pid }) => pid === child.pid);
    expect(shell?.argv[0]).toBe('sh');
    child.stdin?.write('go\n');
    const whole = async () => (await localProcesses.list()).find(({ pid }) => pid === child.pid)?.argv[0];
    for (let i = 0; i < 500 && (await whole()) !== 'tail'; i++)
      await new Promise((done) => setTimeout(done, 10));
    const row = (await list()).find(({ pid }) => pid === child.pid);
    expect(row?.argv).toEqual(['tail', '-f', '/dev/null']);
  });

  test('every process of the whole list is in it, and none besides, as it stands', async () => {
    const list = localProcesses.follow();
    for (let i = 0; i < 65; i++) await list();
    const names = (rows: readonly { pid: number; start: string; argv: readonly string[] }[]) =>
      new Map(rows.map((row) => [`${row.pid}:${row.start}`, row.argv.join(' ')]));
    const before = names(await localProcesses.list());
    const followed = names(await list());
    const after = names(await localProcesses.list());
    // What was there before and after was there in between, with the same words.
    for (const [key, argv] of before) if (after.get(key) === argv) expect(followed.get(key)).toBe(argv);
  });
});
