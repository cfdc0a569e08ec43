// Which workers a watch is about: those of the deployments that stand, or the ones named, deployed or not.
import type { Latched } from '../change/plan.ts';
import { inForm, standing } from '../journal/fate.ts';
import { readJournals } from '../journal/journal.ts';
import { choose, meantBy } from '../plan/choose.ts';
import { asItStands } from '../plan/latched.ts';
import { Problem } from '../problem.ts';
import { survey } from '../survey/survey.ts';
import type { Context } from './context.ts';

export interface Meant {
  readonly workers: readonly Latched[];
  readonly deployment: readonly string[];
}

/** The workers that are meant; throws a Problem where there is none. */
export async function workersMeant(ctx: Context): Promise<Meant> {
  const { settings, line } = ctx;
  if (settings.pick.is !== 'unsaid') return { workers: await asTheyStand(ctx), deployment: [] };
  const journals = await readJournals(ctx.server, settings.stateDirectory);
  const { id } = line;
  const forms = inForm(journals);
  const chosen = standing(journals).filter((one) => id === undefined || one.open.id === id);
  if (chosen.length === 0) {
    const form = forms.find((one) => one.open.id === id);
    if (form !== undefined) throw new Problem('taken-back', { id: form.open.id, state: 'in another form' });
    throw new Problem(
      'no-deployment',
      id === undefined ? { next: 'To watch a worker that was not deployed: --script PATH' } : { id },
    );
  }
  const workers = new Map(
    chosen.flatMap((one) => one.open.plan.workers).map((w) => [`${w.source}:${w.line}:${w.script}`, w]),
  );
  return { workers: [...workers.values()], deployment: chosen.map((one) => one.open.id) };
}

/** Workers as their entries stand: --script, --entry or --all. */
export async function asTheyStand(ctx: Context): Promise<Latched[]> {
  if (ctx.line.id !== undefined)
    throw new Problem('usage', {
      what: `A deployment (${ctx.line.id}) and --script, --entry or --all cannot be used together.`,
    });
  const { settings } = ctx;
  const facts = await survey(ctx.server, settings, meantBy(settings.pick));
  const choice = choose(facts, settings.pick);
  if (choice.is !== 'jobs')
    throw new Problem('no-such-entry', {
      what: choice.is === 'none' && choice.what !== '' ? choice.what : 'No such worker.',
    });
  return choice.jobs.map((job) => asItStands(job, facts));
}
