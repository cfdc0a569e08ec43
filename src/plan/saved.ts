// A plan from a file: read back, checked for its schema, never guessed at.
import { stepFromJson } from '../change/encode.ts';
import { cannotUndoOf, type Plan, planOf, planSchema } from '../change/plan.ts';
import type { Bytes } from '../crontab/crontab.ts';
import { Problem, reasonOf } from '../problem.ts';
import type { Server } from '../server/server.ts';

export interface SavedPlans {
  readonly plans: readonly Plan[];
  /** The worker of the config file that each was made for; 'alone' where there was none. */
  readonly labels: readonly string[] | 'alone';
}

/**
 * Reads what `deploy --save` wrote: a plan, or one for each worker of a config file, in order. Throws 'plan-unreadable' for
 * anything else, also for a plan that was edited.
 */
export async function readPlans(server: Server, path: string): Promise<SavedPlans> {
  const seen = await server.files.look(path, server.self.owner);
  if (seen.is === 'absent') throw new Problem('file-missing', { path });
  if (seen.is !== 'file') throw new Problem('plan-unreadable', { path, reason: 'it is not a file' });
  let json: { plan?: unknown; plans?: unknown; workers?: unknown } | null;
  try {
    json = JSON.parse(Buffer.from(seen.bytes, 'latin1').toString('utf8'));
  } catch (error) {
    throw new Problem('plan-unreadable', { path, reason: reasonOf(error) }, { cause: error });
  }
  if (Array.isArray(json?.plans)) {
    const plans = json.plans.map((plan) => planFrom(plan, path, seen.bytes));
    const { workers } = json;
    if (!Array.isArray(workers) || workers.length !== plans.length || plans.length === 0)
      throw new Problem('plan-unreadable', { path, reason: 'it does not say whose its plans are' });
    return { plans, labels: workers.map(String) };
  }
  // The report of `--dry-run --json` holds the same plan.
  return { plans: [planFrom(json?.plan ?? json, path, seen.bytes)], labels: 'alone' };
}

function planFrom(json: unknown, path: string, bytes: Bytes): Plan {
  const inner = json as Plan | null;
  if (typeof inner !== 'object' || inner === null)
    throw new Problem('plan-unreadable', { path, reason: 'it holds no plan' });
  if (inner.schema !== planSchema || !Array.isArray(inner.steps) || !Array.isArray(inner.workers)) {
    throw new Problem('plan-unreadable', {
      path,
      reason: `it has schema ${String(inner.schema)}, this version reads ${planSchema}`,
    });
  }
  let plan: Plan;
  try {
    const steps = inner.steps.map((s) => stepFromJson(s as never));
    plan = planOf({ for: inner.for, steps, workers: inner.workers, cannotUndo: cannotUndoOf(steps) });
  } catch (error) {
    throw new Problem('plan-unreadable', { path, reason: reasonOf(error) }, { cause: error });
  }
  if (plan.id !== inner.id || plan.for !== 'deploy') {
    // --json hides passwords, so what it printed cannot be applied: --save keeps the bytes, readable for you alone.
    const reason = bytes.includes('***')
      ? 'its secrets are hidden, as --json prints them'
      : 'it is not what it was saved as';
    throw new Problem('plan-unreadable', { path, reason });
  }
  return plan;
}
