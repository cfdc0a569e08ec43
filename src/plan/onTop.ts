// Plans that were made together, for the same state of the server: what is left of one when others of them are done.
import { stepToJson } from '../change/encode.ts';
import { type Plan, planOf } from '../change/plan.ts';
import { spliceEdits } from '../change/splice.ts';
import type { PutCrontab, Step } from '../change/step.ts';
import type { Bytes } from '../crontab/crontab.ts';
import type { Route } from '../server/server.ts';
import { sourceName } from '../survey/facts.ts';

/**
 * The plan as it stands behind another that has just been applied. The same lines are changed, in the text the other one
 * left; a file or directory both would have made is there. Anything else stays as it was planned, and is refused as
 * stale where it does not fit. `routes` are the crontabs as they were read after the other plan.
 */
export function onTopOf(plan: Plan, done: Plan, routes: ReadonlyMap<string, Route>): Plan {
  const made = new Set(done.steps.map(essence));
  const steps = plan.steps.flatMap((step): Step[] => {
    if (step.kind === 'put-file' || step.kind === 'make-directory')
      return made.has(essence(step)) ? [] : [step];
    return [step.kind === 'put-crontab' ? behind(step, done, routes) : step];
  });
  return planOf({ for: plan.for, steps, workers: plan.workers, cannotUndo: plan.cannotUndo });
}

/** What a step makes. A guard has the mode of the first script it was put beside, which is as good for the second. */
function essence(step: Step): string {
  return JSON.stringify(
    step.kind === 'put-file' && step.what === 'guard' && step.before === 'absent' && step.after !== 'absent'
      ? { kind: step.kind, path: step.path, bytes: step.after.bytes, uid: step.after.uid }
      : stepToJson(step),
  );
}

/** The crontabs as they stand when all these plans are done, by the name of their source. */
export function textsAfter(plans: readonly Plan[], routes: ReadonlyMap<string, Route>): Map<string, Bytes> {
  const done: Plan[] = [];
  const texts = new Map<string, Bytes>();
  for (const plan of plans) {
    const now = done.reduce((left, one) => onTopOf(left, one, routes), plan);
    done.push(now);
    for (const step of now.steps)
      if (step.kind === 'put-crontab') texts.set(sourceName(step.source), step.after);
  }
  return texts;
}

/** The plan, with each crontab that already has this text taken for done. */
export function settledAs(plan: Plan, standing: ReadonlyMap<string, Bytes>): Plan {
  const steps = plan.steps.map((step): Step => {
    const text = step.kind === 'put-crontab' ? standing.get(sourceName(step.source)) : undefined;
    return step.kind === 'put-crontab' && text !== undefined ? { ...step, after: text } : step;
  });
  return { ...plan, steps };
}

function behind(step: PutCrontab, done: Plan, routes: ReadonlyMap<string, Route>): PutCrontab {
  const name = sourceName(step.source);
  const route = routes.get(name);
  const other = done.steps.find(
    (one) => one.kind === 'put-crontab' && sourceName(one.source) === name && one.before === step.before,
  );
  if (other?.kind !== 'put-crontab' || route === undefined) return step;
  const spliced = spliceEdits(other.after, step.edits);
  if (spliced.is !== 'spliced') return step;
  return { ...step, route, before: other.after, after: spliced.text };
}
