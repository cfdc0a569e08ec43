// Ending the old, lock-less instances of one worker: exactly those, and none without a second look.
import type { StopProcess } from '../change/step.ts';
import { Problem } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { type Instance, instancesOf, lockInode, sameProcess } from '../survey/instances.ts';

/** How apply speaks while it works, and how it is interrupted. */
export interface Bell {
  /** Something worth a line: the code and its values. */
  tell(event: { readonly code: string; readonly [key: string]: unknown }): void;
  /** A person or the system asked to stop: finish the step, then put back. */
  interrupted(): 'no' | 'SIGINT' | 'SIGTERM';
  /** A signal is sent: on the record, durably, before it goes. */
  record(pid: number, signal: string, said: string): Promise<void>;
}

/** A guarded worker needs a moment from its start to its lock; who is lock-less for longer is an old one. */
const secondLook = 700;
const pace = 200;

/**
 * Sends SIGTERM to the worker's lock-less instances and waits. After `killAfter` seconds, where it is given,
 * SIGKILL. Throws 'still-running' when one outlives the grace time and killing was not allowed.
 */
export async function stopInstances(server: Server, step: StopProcess, bell: Bell): Promise<void> {
  const old = await lockless(server, step);
  if (old.length === 0) return;
  await server.wait(secondLook);
  const again = await lockless(server, step);
  const targets = old.filter((a) => again.some((b) => sameProcess(a, b)));
  for (const target of targets) await signal(server, target, 'SIGTERM', bell);

  const asked = server.now();
  let killed = false;
  for (;;) {
    const left = await alive(server, step, targets);
    if (left.length === 0) return;
    const seconds = (server.now() - asked) / 1000;
    bell.tell({
      code: 'waiting',
      pids: left.map((t) => t.pid),
      seconds: Math.floor(seconds),
      grace: step.killAfter ?? step.grace,
    });
    if (step.killAfter === undefined) {
      if (seconds >= step.grace) throw stillRunning(step, left, step.grace);
    } else if (!killed && seconds >= step.killAfter) {
      for (const target of left) await signal(server, target, 'SIGKILL', bell);
      killed = true;
    } else if (killed && seconds >= step.killAfter + 10) {
      throw stillRunning(step, left, step.killAfter + 10);
    }
    await server.wait(pace);
  }
}

/** The instances that run without the lock now. */
export async function lockless(server: Server, step: StopProcess): Promise<Instance[]> {
  const lock = await lockInode(server, step.lock, step.lockAs);
  // 'unseen' is not 'no': who may hold the lock is left to finish.
  return (await instancesOf(server, step, lock)).filter((instance) => instance.holds === false);
}

async function alive(server: Server, step: StopProcess, targets: readonly Instance[]): Promise<Instance[]> {
  const now = await instancesOf(server, step, 'none');
  return targets.filter((target) => now.some((instance) => sameProcess(instance, target)));
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
    grace: seconds,
    pids: left.map((t) => String(t.pid)),
  });
}
