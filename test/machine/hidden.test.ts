// Processes that are not to be seen, or seen in another PID namespace: what is ours is found, what cannot be seen is said.
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { cronMissing, until } from '../support/cron.ts';
import { isAlive, rowsOf, startOf } from '../support/cronProcesses.ts';
import type { Lane } from '../support/lane.ts';
import { lanesFor } from '../support/points.ts';

const why = cronMissing;
/** In front of a program: it sees /proc as this option shows it. */
const withProc = (option: string): string[] => [
  ...['unshare', '-m', '--propagation', 'private', 'sh', '-c'],
  ...[`mount -t proc -o ${option} proc /proc && exec "$@"`, 'sh'],
];
/** In front of a program: it is in a container of processes of its own. */
const alone = ['unshare', '-pf', '--mount-proc', '--kill-child'];

describe.skipIf(why !== '')(`hidden processes${why ? ` (skipped: ${why})` : ''}`, () => {
  const lanes = lanesFor('hidden');
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  const fresh = async (kind: 'spool' | 'own'): Promise<Lane> => {
    const lane = lanes.make(kind);
    await lane.reset();
    return lane;
  };
  /** The worker as the only process of a container: the first of its PID namespace. */
  async function contained(lane: Lane): Promise<{ pid: number; alive(): boolean }> {
    const { uid, gid } = lane.owner;
    const become = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
    const argv = [...alone, ...become, '/usr/bin/php', lane.script];
    children.push(spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', cwd: '/' }));
    const mine = () => rowsOf().find((row) => row.uid === uid && row.ppid === children.at(-1)?.pid);
    await until('the worker runs in its container', () => mine()?.argv[1] === lane.script);
    const pid = mine()?.pid ?? 0;
    const start = startOf(pid);
    return { pid, alive: () => isAlive(pid, start) };
  }

  test.each(['hidepid=1', 'hidepid=2'])(
    '%s: a user stops his own old instance, and is told that he cannot see whether a cron runs',
    async (option) => {
      const lane = await fresh('own');
      const { code, err, out } = await lane.runBehind(withProc(option), ...lane.deploy);
      expect(code, err).toBe(0);
      expect(lane.running()).toBe(false);
      expect(out).toMatch(/note {2}No cron was seen, but other users. processes are hidden/);
    },
  );

  test('hidepid=2: root sees all the same, and stops the user’s old instance', async () => {
    const lane = await fresh('spool');
    const { code, err, out } = await lane.runBehind(withProc('hidepid=2'), ...lane.deploy);
    expect(code, err).toBe(0);
    expect(lane.running()).toBe(false);
    expect(out).not.toContain('are hidden');
  });

  test('an old instance in a container is found from outside; the first process there cannot be ended by SIGTERM, which is said', async () => {
    const lane = await fresh('spool');
    const before = lane.picture();
    const inside = await contained(lane);
    const refused = await lane.run(...lane.deploy, '--grace', '1s');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(new RegExp(`PID ${inside.pid}\\b[\\s\\S]*\\[still-running\\]\\s*$`));
    expect(inside.alive()).toBe(true);
    expect(lane.picture()).toEqual(before);
    const killed = await lane.run(...lane.deploy, '--kill-after', '1s');
    expect(killed.code, killed.err).toBe(0);
    expect(inside.alive()).toBe(false);
  });

  test('from inside a container the instances outside are left alone, and that they may be there is said', async () => {
    const lane = await fresh('spool');
    const { code, err, out } = await lane.runBehind(alone, ...lane.deploy);
    expect(code, err).toBe(0);
    expect(lane.running()).toBe(true);
    expect(err).toContain('Only the processes of this container (PID namespace) can be seen');
    expect(out).toMatch(/note {2}No cron was seen in this container/);
  });
});
