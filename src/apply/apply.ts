// Doing a change, or putting it back: knows only steps, never whether they are a deploy or a rollback.
import { invert, type Step, targetOf } from '../change/step.ts';
import { closeJournal, type Pen } from '../journal/journal.ts';
import { Problem, reasonOf } from '../problem.ts';
import type { Server } from '../server/server.ts';
import { carry, settle, tidy } from './carry.ts';
import type { Bell } from './stop.ts';

/**
 * Carries out the steps in order, each written to the journal before and after. On a failure, or when interrupted
 * between two steps, what was done is taken back, the journal is closed as 'failed' and the Problem is thrown on.
 * Where taking back fails too, the journal stays open and 'half-done' (exit 4) is thrown.
 */
export async function apply(server: Server, pen: Pen, steps: readonly Step[], bell: Bell): Promise<void> {
  // Steps that this run has changed something by. Another deployer with a state directory of his own may have done the
  // very same step in the meantime: that one is his, and taking it back would break what he deployed.
  let ours = 0;
  const done = (): readonly Step[] => steps.slice(0, ours);
  await orTakeBack(server, pen, done, bell, async () => {
    for (const [index, step] of steps.entries()) {
      checkInterrupt(bell);
      bell.tell({ code: 'step', step });
      await pen.write({ is: 'begun', step: index, at: stamp(server) });
      await carry(server, step, bell, () => {
        ours = index + 1;
      });
      ours = index + 1;
      await pen.write({ is: 'done', step: index, at: stamp(server) });
    }
    checkInterrupt(bell);
  });
}

/** Runs `act`; when it fails, the steps done until then are taken back and the journal is closed as 'failed'. */
export async function orTakeBack<T>(
  server: Server,
  pen: Pen,
  done: () => readonly Step[],
  bell: Bell,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    // 'half-done' says that taking back was tried already.
    if (error instanceof Problem && error.code === 'half-done') throw error;
    await takeBack(server, pen, done(), bell, error);
    let settled = 'put-back';
    try {
      await closeJournal(server, pen, 'failed');
    } catch {
      // What went wrong first is what counts; that the journal is still open is said with it.
      settled = 'journal-open';
    }
    if (!(error instanceof Problem)) throw error;
    throw new Problem(error.code, { ...error.args, settled }, { cause: error, exit: error.exit });
  }
}

/** Carries on a change that a crash cut off: what is done stays, the rest is done. Steps must fit what is there. */
export async function resume(server: Server, pen: Pen, steps: readonly Step[], bell: Bell): Promise<void> {
  for (const [index, step] of steps.entries()) {
    checkInterrupt(bell);
    await tidy(server, step);
    const state = await settle(server, step);
    if (state === 'neither') {
      await stuck(server, pen, index, step, 'it is neither as before nor as after the step');
    }
    if (state === 'before' || state === 'between') {
      bell.tell({ code: 'step', step });
      await pen.write({ is: 'begun', step: index, at: stamp(server) });
      await carry(server, step, bell);
    }
    await pen.write({ is: 'done', step: index, at: stamp(server) });
  }
}

/** Takes the steps back, last first, each judged by what the server shows. */
export async function takeBack(
  server: Server,
  pen: Pen,
  steps: readonly Step[],
  bell: Bell,
  because: unknown,
): Promise<void> {
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index] as Step;
    const back = invert(step);
    if (back === 'none') continue;
    try {
      const state = await settle(server, step);
      if (state === 'before') {
        await pen.write({ is: 'undone', step: index, at: stamp(server) });
        continue;
      }
      if (state === 'neither') throw new Problem('changed-under-us', { what: targetOf(step) });
      bell.tell({ code: 'undo', step: back });
      await pen.write({ is: 'undoing', step: index, at: stamp(server) });
      await carry(server, back, { ...bell, interrupted: () => 'no' });
      await pen.write({ is: 'undone', step: index, at: stamp(server) });
    } catch (error) {
      const why = `${reasonOf(error)} (it began with: ${reasonOf(because)})`;
      await stuck(server, pen, index, step, why, error);
    }
  }
}

async function stuck(
  server: Server,
  pen: Pen,
  index: number,
  step: Step,
  why: string,
  cause?: unknown,
): Promise<never> {
  try {
    await pen.write({ is: 'stuck', step: index, at: stamp(server), why });
  } catch {
    // A full disk may be the very cause; the problem below says all the same where things stand.
  }
  throw new Problem(
    'half-done',
    { what: `step ${index + 1}, ${targetOf(step)}`, reason: why, journal: pen.path },
    { cause },
  );
}

function checkInterrupt(bell: Bell): void {
  const by = bell.interrupted();
  if (by !== 'no') {
    throw new Problem(
      'interrupted',
      { what: 'Interrupted. What had been done was put back.' },
      { exit: by === 'SIGINT' ? 130 : 143 },
    );
  }
}

function stamp(server: Server): string {
  return new Date(server.now()).toISOString();
}
