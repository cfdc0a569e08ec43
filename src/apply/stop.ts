// Ending the old, lock-less instances of one worker: exactly those, and none without a second look.
import type { StopProcess } from '../change/step.ts';
import { Problem } from '../problem.ts';
import type { Doing, Server } from '../server/server.ts';
import { type Instance, instancesOf, lockInode, sameProcess } from '../survey/instances.ts';

/** How apply speaks while it works, and how it is interrupted. */
export interface Bell {
  /** Something worth a line: the code and its values. */
  tell(event: { readonly code: string; readonly [key: string]: unknown }): void;
  /** A person or the system asked to stop: finish the step, then put back. */
  interrupted(): 'no' | 'SIGINT' | 'SIGTERM';
  /** A signal is sent: on the record, durably, before it goes. */
  record(pid: number, signal: string, said: string): Promise<void>;
  /** May what outlived its grace time be killed? Absent where nobody can be asked. */
  mayKill?(script: string, pids: readonly number[], seconds: number): Promise<boolean>;
}

/** A guarded worker needs a moment from its start to its lock; who is lock-less for longer is an old one. */
const secondLook = 700;
const pace = 200;

/** An old run that cron had begun just before may show up while others are being ended; that cannot go on for long. */
const rounds = 3;
/** How long after SIGKILL an end is waited for: a process in the kernel's hands ends when those let go. */
const afterKill = 10;

/**
 * Sends SIGTERM to the worker's lock-less instances and waits. After `killAfter` seconds where that is given, or when a
 * person says so after the grace time, SIGKILL. Throws 'still-running' when one outlives that. What the instances had
 * started is nobody's to end, but whoever is left of it is named.
 */
export async function stopInstances(server: Server, step: StopProcess, bell: Bell): Promise<void> {
  if (await server.processes.confined()) bell.tell({ code: 'confined', script: step.script });
  for (let round = 0; round < rounds; round++) {
    const old = await lockless(server, step);
    if (old.length === 0) return;
    await server.wait(secondLook);
    const again = await lockless(server, step);
    const targets = old.filter((a) => again.some((b) => sameProcess(a, b)));
    // Losers on their way out are none to wait for.
    if (targets.length === 0) return;
    const families = await familiesOf(server, targets, bell);
    for (const target of targets) await signal(server, target, 'SIGTERM', bell);
    await waitForEnd(server, step, targets, bell);
    await tellWhoIsLeft(server, families, bell);
  }
}

async function waitForEnd(
  server: Server,
  step: StopProcess,
  targets: readonly Instance[],
  bell: Bell,
): Promise<void> {
  const asked = server.elapsed();
  let patience = step.killAfter ?? step.grace;
  let killed = false;
  for (;;) {
    const left = await alive(server, targets);
    if (left.length === 0) return;
    const seconds = (server.elapsed() - asked) / 1000;
    await tellWaiting(server, left, Math.floor(seconds), patience, bell);
    if (seconds >= patience) {
      const pids = left.map((t) => t.pid);
      const may =
        !killed && (step.killAfter !== undefined || (await bell.mayKill?.(step.script, pids, patience)));
      if (!may) throw stillRunning(step, left, patience);
      for (const target of left) await signal(server, target, 'SIGKILL', bell);
      killed = true;
      patience = (server.elapsed() - asked) / 1000 + afterKill;
    }
    await server.wait(pace);
  }
}

async function tellWaiting(
  server: Server,
  left: readonly Instance[],
  seconds: number,
  grace: number,
  bell: Bell,
): Promise<void> {
  const doing = [];
  for (const { pid } of left) {
    const at = await server.processes.doing(pid);
    if (at !== 'gone') doing.push({ pid, ...at });
  }
  bell.tell({ code: 'waiting', pids: left.map((t) => t.pid), seconds, grace: Math.ceil(grace), doing });
}

/** What each instance has started, as it is before the first signal: afterwards nothing tells whose it was. */
async function familiesOf(
  server: Server,
  targets: readonly Instance[],
  bell: Bell,
): Promise<Map<number, Doing>> {
  const families = new Map<number, Doing>();
  for (const { pid } of targets) {
    const doing = await server.processes.doing(pid);
    if (doing === 'gone' || doing.children.length === 0) continue;
    families.set(pid, doing);
    bell.tell({ code: 'family', pid, group: doing.group, children: doing.children });
  }
  return families;
}

async function tellWhoIsLeft(
  server: Server,
  families: ReadonlyMap<number, Doing>,
  bell: Bell,
): Promise<void> {
  if (families.size === 0) return;
  const rows = await server.processes.list();
  for (const [of, { children }] of families) {
    for (const { pid, start, name, shares } of children) {
      if (rows.some((row) => row.pid === pid && row.start === start && row.state !== 'Z'))
        bell.tell({ code: 'left-running', pid, name, of, shares });
    }
  }
}

/** The instances that run without the lock now. */
export async function lockless(server: Server, step: StopProcess): Promise<Instance[]> {
  const lock = await lockInode(server, step.lock, step.lockAs);
  // 'unseen' is not 'no': who may hold the lock is left to finish.
  return (await instancesOf(server, step, lock)).filter((instance) => instance.holds === false);
}

/** Until the kernel has buried it: one that is still on its way out has let go of its program, not of its lock. */
async function alive(server: Server, targets: readonly Instance[]): Promise<Instance[]> {
  const rows = await server.processes.list();
  return targets.filter((target) =>
    rows.some((row) => row.pid === target.pid && row.start === target.start && row.state !== 'Z'),
  );
}

async function signal(
  server: Server,
  target: Instance,
  name: 'SIGTERM' | 'SIGKILL',
  bell: Bell,
): Promise<void> {
  await bell.record(target.pid, name, 'sending');
  const said = await server.processes.signal(target, name);
  bell.tell({ code: 'signalled', pid: target.pid, signal: name, said });
}

function stillRunning(step: StopProcess, left: readonly Instance[], seconds: number): Problem {
  return new Problem('still-running', {
    count: left.length,
    script: step.script,
    grace: Math.ceil(seconds),
    pids: left.map((t) => String(t.pid)),
  });
}
