// Changing tasks of Plesk: through its scheduler, then both stores are read again, and both are put back when they are not
// what was meant.
import type { PutCrontab, PutTask } from '../change/step.ts';
import { targetOf } from '../change/step.ts';
import { type Judged, judgeCrontab } from '../plesk/judge.ts';
import { isAs, sameText, type Task, type TaskText, textOf } from '../plesk/task.ts';
import { Problem } from '../problem.ts';
import type { Plesk } from '../server/panelPort.ts';
import type { Server } from '../server/server.ts';

type Change = PutTask['changes'][number];

/** Does the step. `put` writes a crontab as its own bytes. */
export async function putTask(
  server: Server,
  step: PutTask,
  acting: () => void,
  put: (step: PutCrontab) => Promise<void>,
): Promise<void> {
  const state = await settleTask(server, step);
  if (state === 'neither') throw new Problem('changed-under-us', { what: targetOf(step) });
  if (state === 'after' && (step.after === 'plesk' || step.mtime === undefined)) return;
  const plesk = await pleskOf(server);
  acting();
  if (step.after !== 'plesk') {
    await change(plesk, step.changes);
    await putBytes(server, step, step.after, step.mtime, put);
    if ((await settleTask(server, step)) !== 'after' || !(await areAs(plesk, step.changes)))
      throw new Problem('read-back', { what: targetOf(step) });
    return;
  }
  let failed: unknown;
  try {
    await change(plesk, step.changes);
    await server.crontabs.poke(step.route, '');
    if ((await settleTask(server, step)) === 'after' && (await areAs(plesk, step.changes))) return;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    failed = error;
  }
  // Plesk writes the crontab itself: what it made of it is not ours to leave there.
  const saw = failed === undefined ? await whatItSaw(server, step) : {};
  const back = step.changes.map((one) => ({ ...one, before: one.after, after: one.before }));
  await change(plesk, back);
  const mtime = step.route.by === 'command' ? undefined : step.route.look.mtime;
  if (step.before !== 'plesk') await putBytes(server, step, step.before, mtime, put);
  if ((await settleTask(server, step)) !== 'before' || !(await areAs(plesk, back)))
    throw new Problem('read-back', { what: targetOf(step) });
  throw failed ?? new Problem('plesk-rewrote', { what: targetOf(step), ...saw });
}

/** Brings each task to its text, unless it is there. */
async function change(plesk: Plesk, changes: readonly Change[]): Promise<void> {
  for (const one of changes) {
    const now = await textNow(plesk, one.id);
    if (now !== 'gone' && !isAs(now, one.after)) await plesk.update({ ...one, before: textOf(now) });
  }
}

/** Are the tasks as they are to be, their other settings, too? */
async function areAs(plesk: Plesk, changes: readonly Change[]): Promise<boolean> {
  for (const one of changes) {
    const now = await textNow(plesk, one.id);
    if (now === 'gone' || !isAs(now, one.after)) return false;
  }
  return true;
}

async function putBytes(
  server: Server,
  { source, route }: PutTask,
  after: string,
  mtime: string | undefined,
  put: (step: PutCrontab) => Promise<void>,
): Promise<void> {
  const seen = await server.crontabs.read(source);
  if (seen.is === 'none') throw new Problem('changed-under-us', { what: 'the crontab, which is gone' });
  const there = seen.route.by === 'command' ? undefined : seen.route.look.mtime;
  if (seen.text === after && (mtime === undefined || mtime === there)) return;
  // Plesk may have made the file anew: its look is that of before all the same.
  await put({
    kind: 'put-crontab',
    source,
    route,
    before: seen.text,
    after,
    ...(mtime === undefined ? {} : { mtime }),
    edits: [],
  });
}

/** What both stores show. */
export async function settleTask(
  server: Server,
  step: PutTask,
): Promise<'before' | 'between' | 'after' | 'neither'> {
  const plesk = await pleskOf(server);
  const states = new Set<'before' | 'after' | 'neither'>();
  for (const one of step.changes) {
    const now = await textNow(plesk, one.id);
    const is =
      now === 'gone'
        ? 'neither'
        : sameText(now, one.before)
          ? 'before'
          : sameText(now, one.after)
            ? 'after'
            : 'neither';
    states.add(is);
  }
  if (states.has('neither')) return 'neither';
  const seen = await server.crontabs.read(step.source);
  if (seen.is === 'none') return 'neither';
  const shows = (wanted: string, texts: (one: Change) => readonly TaskText[]): boolean =>
    wanted === 'plesk' ? judged(step, seen.text, texts).is === 'as-meant' : seen.text === wanted;
  if (states.size === 1 && states.has('before') && shows(step.before, (one) => [one.before])) return 'before';
  if (states.size === 1 && states.has('after') && shows(step.after, (one) => [one.after])) return 'after';
  const either = judged(step, seen.text, (one) => [one.before, one.after]).is === 'as-meant';
  return either || seen.text === step.before || seen.text === step.after ? 'between' : 'neither';
}

function judged(step: PutTask, text: string, texts: (one: Change) => readonly TaskText[]): Judged {
  const tasks = step.changes.map((one) => ({ line: one.line, texts: texts(one) }));
  return judgeCrontab(step.base, text, tasks, step.dialect);
}

async function whatItSaw(server: Server, step: PutTask): Promise<Record<string, string | number>> {
  const plesk = await pleskOf(server);
  for (const one of step.changes) {
    const now = await textNow(plesk, one.id);
    if (now === 'gone') return { why: 'task-gone', id: one.id };
    if (!sameText(now, one.after)) return { why: 'task-as-before', id: one.id };
    if (!isAs(now, one.after)) return { why: 'rest-changed', id: one.id };
  }
  const seen = await server.crontabs.read(step.source);
  if (seen.is === 'none') return { why: 'crontab-gone' };
  const found = judged(step, seen.text, (one) => [one.after]);
  return found.is === 'as-meant' ? { why: 'not-steady' } : { why: found.why, line: found.line };
}

async function textNow(plesk: Plesk, id: number): Promise<Task | 'gone'> {
  const answer = await plesk.task(id);
  if (answer.is === 'answer') return answer.value;
  throw new Problem('plesk-unanswered', { asked: answer.asked, said: answer.said });
}

async function pleskOf(server: Server): Promise<Plesk> {
  const plesk = await server.plesk();
  if (plesk !== 'none') return plesk;
  throw new Problem('plesk-unanswered', { asked: 'psa.conf', said: 'there is no Plesk here any more' });
}
