// The wizard's talk about one worker: what is open is asked, what is settled is shown, and each of it can be changed.
import { join } from 'node:path/posix';
import type { Option, Prompter, Query, Said } from '../ask/prompter.ts';
import { type AboutWorker, aboutWorker, type Own, type QuestionName, questions } from '../ask/questions.ts';
import type { Latching, Settings } from '../ask/settings.ts';
import { answer, settle } from '../ask/settle.ts';
import { readable } from '../change/encode.ts';
import { isZone } from '../crontab/jumps.ts';
import { nextRuns } from '../crontab/schedule.ts';
import { cronZone } from '../crontab/settings.ts';
import { meantBy } from '../plan/choose.ts';
import { guarding } from '../plan/guard.ts';
import { lockDirFindings } from '../plan/lockDir.ts';
import { changeable, openFor, presetProgram } from '../plan/open.ts';
import { endingOf } from '../plan/pass.ts';
import { Problem, words } from '../problem.ts';
import { cardLines } from '../show/card.ts';
import { choices, sayChange, sayLog, sayProgram, sayShared, wordsOf } from '../show/questions.ts';
import { findingLines } from '../show/text.ts';
import { shortScript } from '../show/workers.ts';
import { type Facts, type Job, jobsOf } from '../survey/facts.ts';
import { type Program, programsFor } from '../survey/programs.ts';
import { survey } from '../survey/survey.ts';
import type { Context } from './context.ts';
import { type Elsewhere, seenElsewhere } from './elsewhere.ts';

export interface Which {
  readonly source: string;
  readonly line: number;
}

/** Where in the talk we are. */
export interface Place {
  readonly number: number;
  readonly of: number;
  /** There is a question before. */
  readonly back: boolean;
}

interface Sight {
  readonly facts: Facts;
  readonly job: Job;
  readonly programs: readonly Program[];
  readonly latching: Latching;
  readonly elsewhere: Elsewhere | 'none';
}

/** Was this answered before anybody was asked? */
export function isGiven(ctx: Context, name: QuestionName): boolean {
  return questions[name].flags.some((flag) => answer(ctx.line, ctx.around, flag).from !== 'nowhere');
}

/** The question as it is put. */
export function query(name: QuestionName, back: boolean): Query {
  return { ...wordsOf(name), back };
}

/** How a worker with these answers is latched. Throws 'usage' for one that makes no sense. */
export function latchingWith(ctx: Context, own: Own): Latching {
  return settle({ ...ctx.line, flags: { ...ctx.line.flags, ...own } }, ctx.around).latching;
}

/** Asks about one worker. `known` are the answers of before, when one comes back to it. */
export async function askWorker(
  ctx: Context,
  settings: Settings,
  which: Which,
  place: Place,
  known: Own | undefined,
): Promise<Own | 'back'> {
  const guide = await ctx.ask();
  let own = known ?? {};
  const first = await lookAt(ctx, settings, which, own);
  const elsewhere = isGiven(ctx, 'second') ? 'none' : await seenElsewhere(ctx, first.job);
  let sight: Sight = { ...first, elsewhere };
  if (known === undefined) {
    const usual = openFor(sight.facts, sight.job, sight.programs, sight.latching);
    const open = [...usual, ...(elsewhere === 'none' ? [] : (['second'] as const))].filter(
      (name) => !isGiven(ctx, name),
    );
    if (open.length > 0) guide.show('', ctx.screen.err.bold(headOf(sight.job, place)));
    for (let at = 0; at < open.length; ) {
      const name = open[at] as AboutWorker;
      const said = await askOne(ctx, guide, sight, own, name, at > 0 || place.back);
      if (said.is === 'back' && at === 0) return 'back';
      if (said.is === 'answer') own = said.value;
      at += said.is === 'back' ? -1 : 1;
    }
    if (open.length > 0) sight = { ...(await lookAt(ctx, settings, which, own)), elsewhere };
  }
  if (isGiven(ctx, 'review')) return own;
  for (;;) {
    guide.show('', ...(await card(ctx, sight, place, guide.columns())));
    const { job, programs } = sight;
    const named = [...changeable(job, programs), ...(elsewhere === 'none' ? [] : (['second'] as const))];
    const changes = named.filter((name) => !isGiven(ctx, name));
    const options: Option<'go' | 'back' | AboutWorker>[] = [
      { name: choices.goOn, value: 'go' },
      ...aboutWorker
        .filter((name) => changes.includes(name))
        .map((name) => ({ name: sayChange(name, job), value: name })),
      ...(place.back ? [{ name: choices.backToList, value: 'back' as const }] : []),
    ];
    const said = await guide.pick(query('review', place.back), options);
    if (said.is === 'back' || said.value === 'back') return 'back';
    if (said.value === 'go') return own;
    const changed = await askOne(ctx, guide, sight, own, said.value, true);
    if (changed.is === 'back') continue;
    const next = await lookAt(ctx, settings, which, changed.value);
    const wrong = lockDirFindings(next.facts, next.job, next.latching).filter(
      ({ level }) => level === 'stop',
    );
    guide.show(...findingLines(wrong, ctx.screen.err, { place: 'said', width: guide.columns() }));
    if (wrong.length > 0) continue;
    own = changed.value;
    sight = { ...next, elsewhere };
  }
}

/** The worker as it is, seen with the answers so far. */
async function lookAt(
  ctx: Context,
  settings: Settings,
  which: Which,
  own: Own,
): Promise<Omit<Sight, 'elsewhere'>> {
  const latching = latchingWith(ctx, own);
  const pick = { is: 'chosen', entries: [{ ...which, latching }] } as const;
  const facts = await survey(ctx.server, { ...settings, pick }, meantBy(pick), ctx.screen.tell);
  const job = jobsOf(facts).find(
    ({ sourceName, line }) => sourceName === which.source && line === which.line,
  );
  if (job === undefined)
    throw new Problem('changed-since', { what: `line ${which.line} of ${which.source}` });
  return { facts, job, programs: await programsFor(ctx.server, job), latching };
}

function headOf(job: Job, { number, of }: Place): string {
  return of === 1 ? shortScript(job) : `Worker ${number} of ${of}: ${shortScript(job)}`;
}

async function card(
  ctx: Context,
  { facts, job, programs, latching }: Sight,
  place: Place,
  width: number,
): Promise<string[]> {
  const guard = await guarding(facts, job, latching);
  const because = guard.findings.find((f) => f.args['because'] !== undefined)?.args['because'] ?? 'default';
  const zone = cronZone(job.crontab, job.line) ?? ctx.server.self.zone;
  const now = ctx.server.now();
  const next = isZone(zone) ? await nextRuns(job.entry.schedule, now, 3, zone) : [];
  const php = latching.taskType ?? (job.chroot === undefined ? job.task?.task.type : 'php');
  return cardLines(
    {
      job,
      place,
      next,
      programs,
      ending: endingOf(job, latching, facts.worker),
      guard: guard.place,
      because: latching.guard === undefined ? String(because) : 'asked',
      shared: guard.shared?.from,
      becomesPhp: job.task !== undefined && php === 'php',
      now,
      zone,
    },
    ctx.screen.err,
    width,
  );
}

/** Puts one question; the answer is all answers with this one among them, or without it where it is the usual one. */
async function askOne(
  ctx: Context,
  guide: Prompter,
  { job, programs, elsewhere }: Sight,
  own: Own,
  name: AboutWorker,
  back: boolean,
): Promise<Said<Own>> {
  const put = query(name, back);
  const flag = questions[name].flags[0];
  const with_ = (value: string | undefined): Said<Own> => {
    const { [flag]: _, ...rest } = own;
    return { is: 'answer', value: value === undefined ? rest : { ...rest, [flag]: value } };
  };
  const check = (text: string): string | undefined =>
    whatIsWrong(() => latchingWith(ctx, { ...own, [flag]: text }));
  const from = async (
    options: readonly Option<string | undefined>[],
    preset: number,
    another?: string,
  ): Promise<Said<Own>> => {
    for (;;) {
      const more = another === undefined ? [] : [{ name: choices.another, value: 'another' }];
      const said = await guide.pick(put, [...options, ...more], preset);
      if (said.is === 'back') return said;
      if (another === undefined || said.value !== 'another') return with_(said.value);
      const typed = await guide.write({ ...put, back: true }, another, check);
      if (typed.is === 'answer') return with_(typed.value);
    }
  };
  switch (name) {
    case 'interpreter': {
      // What is taken anyway needs no flag; where nothing is, or the site's files speak against it, it does.
      const usual =
        job.interpreter.asked || job.interpreter.path === 'missing' ? undefined : programs[0]?.path;
      const options = programs.map((program) => ({
        name: sayProgram(program),
        short: program.path,
        value: program.path === usual ? undefined : program.path,
      }));
      return from(options, presetProgram(job, programs), programs[0]?.path ?? '');
    }
    case 'once': {
      const options = [
        { name: choices.noOnce, value: 'no' },
        { name: choices.yesOnce, value: 'yes' },
      ];
      return from(options, own.once === 'yes' ? 1 : 0);
    }
    case 'log':
      return from(logOptions(job), 0, logOptions(job)[0]?.path ?? '');
    case 'lock': {
      if (job.places === 'none') return { is: 'back' };
      const usual = join(job.places.base, job.places.name);
      const said = await guide.write(put, own['lock-dir'] ?? usual, check);
      return said.is === 'back' ? said : with_(said.value === usual ? undefined : said.value);
    }
    case 'second': {
      if (elsewhere === 'none') return { is: 'back' };
      const { machines, from: file } = elsewhere;
      const options = [
        { name: choices.aloneHere, value: undefined },
        { name: sayShared(machines, file), short: file, value: file },
      ];
      return from(options, own['shared-lock'] === undefined ? 0 : 1);
    }
    case 'guard': {
      const options = [
        { name: choices.inScript, value: 'script' },
        { name: choices.inEntry, value: 'entry' },
      ];
      return from(options, own.guard === 'entry' ? 1 : 0);
    }
    case 'task': {
      const options = [
        { name: choices.asCommand, value: 'exec' },
        { name: choices.asPhp, value: 'php' },
      ];
      return from(options, job.chroot === undefined ? 0 : 1);
    }
  }
}

/** Our own place first; the one it has, where that is below a document root. */
function logOptions({ places, command }: Job): (Option<string | undefined> & { readonly path: string })[] {
  if (places === 'none') return [];
  const ours = join(places.base, places.name, 'output.log');
  const kept = places.logIs === 'kept' ? readable(places.log) : undefined;
  const usual = kept === undefined && command.user === undefined;
  return [
    { name: sayLog(ours, 'ours'), short: ours, value: usual ? undefined : ours, path: ours },
    ...(kept === undefined
      ? []
      : [{ name: sayLog(kept, 'kept'), short: kept, value: undefined, path: kept }]),
  ];
}

function whatIsWrong(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return words(error)[0];
    throw error;
  }
}
