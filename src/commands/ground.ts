// What a rollback stands on: crontabs, files and tasks as they are now.
import type { Journal } from '../journal/records.ts';
import type { Now } from '../plan/takeBack.ts';
import type { Task } from '../plesk/task.ts';
import { Problem } from '../problem.ts';
import type { CrontabSource, Owner, Seen } from '../server/server.ts';
import { sourceName } from '../survey/facts.ts';
import type { Context } from './context.ts';

/** The crontabs they have changed, as they are now. */
export async function readCrontabs({ server }: Context, journals: readonly Journal[]): Promise<Now[]> {
  const sources = new Map<string, CrontabSource>();
  for (const { open } of journals) {
    for (const step of open.plan.steps)
      if (step.kind === 'put-crontab' || step.kind === 'put-task')
        sources.set(sourceName(step.source), step.source);
    for (const worker of open.plan.workers) sources.set(worker.source, worker.from);
  }
  const now: Now[] = [];
  for (const source of sources.values()) {
    const seen = await server.crontabs.read(source);
    if (seen.is === 'crontab') now.push({ source, route: seen.route, text: seen.text });
  }
  return now;
}

/** The tasks of Plesk that the deployment changed, as they are now. */
export async function readTasks(ctx: Context, { open }: Journal): Promise<Map<number, Task | 'gone'>> {
  const tasks = new Map<number, Task | 'gone'>();
  const ids = open.plan.steps.flatMap((step) =>
    step.kind === 'put-task' ? step.changes.map((c) => c.id) : [],
  );
  if (ids.length === 0) return tasks;
  const plesk = await ctx.server.plesk();
  for (const id of ids) {
    const answer =
      plesk === 'none'
        ? ({ is: 'unanswered', asked: 'psa.conf', why: 'missing', said: 'there is no Plesk here' } as const)
        : await plesk.task(id);
    if (answer.is === 'unanswered')
      throw new Problem('plesk-unanswered', { asked: answer.asked, said: answer.said });
    tasks.set(id, answer.value);
  }
  return tasks;
}

/** Every file and directory that these deployments made or changed, as it is now. */
export async function lookAt(ctx: Context, journals: readonly Journal[]): Promise<Map<string, Seen>> {
  const paths = new Map<string, Owner>();
  for (const { open } of journals)
    for (const step of open.plan.steps)
      if ('path' in step && !paths.has(step.path)) paths.set(step.path, step.as);
  const seen = new Map<string, Seen>();
  for (const [path, as] of paths) seen.set(path, await ctx.server.files.look(path, as));
  return seen;
}
