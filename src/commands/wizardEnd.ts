// The wizard's last questions, the answers as a command line and a file, and what it says when all is done.
import { resolve } from 'node:path/posix';
import { commandLine, configOf, type Said } from '../ask/answers.ts';
import type { Prompter } from '../ask/prompter.ts';
import type { Own } from '../ask/questions.ts';
import { answer, seconds } from '../ask/settle.ts';
import type { Plan } from '../change/plan.ts';
import { answerFlags, readLine } from '../cli/line.ts';
import { journalPath } from '../journal/journal.ts';
import type { Name } from '../plan/naming.ts';
import { Problem, words as wordsOf } from '../problem.ts';
import { sayChanged } from '../show/diff.ts';
import { choices, sayAnswersKept, sayClosing, sayCommandHead, sayUnnamed } from '../show/questions.ts';
import type { Job } from '../survey/facts.ts';
import { type Context, word } from './context.ts';
import { refuseUntrusted } from './trust.ts';
import { isGiven, query } from './wizardWorker.ts';
import { stateFlag } from './work.ts';

/** A worker with the answers for it and how it is called on a command line. */
export interface Named {
  readonly job: Job;
  readonly own: Own;
  readonly name: Name | 'none';
}

/** The last questions, those about files and the future first; Enter alone never deploys. */
export async function agreement(
  ctx: Context,
  guide: Prompter,
  named: readonly Named[],
): Promise<{ readonly watch: string } | 'back'> {
  guide.show('', ...sayCommands(ctx, named));
  if (isGiven(ctx, 'keep')) await keep(ctx, guide, named, word(ctx, 'answers') ?? '');
  let watch = word(ctx, 'watch') ?? 'no';
  if (watch !== 'no') seconds(watch, '--watch');
  const watched = named.some(({ job }) => job.live) && !isGiven(ctx, 'watch');
  const asks = [
    ...(isGiven(ctx, 'keep') ? [] : [() => askToKeep(ctx, guide, named)]),
    ...(watched
      ? [
          async () => {
            const said = await guide.pick(query('watch', true), [
              { name: choices.watchNot, value: 'no' },
              { name: choices.watchHour, value: '1h' },
            ]);
            if (said.is === 'answer') watch = said.value;
            return said.is === 'back' ? ('back' as const) : ('done' as const);
          },
        ]
      : []),
    ...(ctx.consent.given ? [] : [() => consent(guide)]),
  ];
  for (let at = 0; at < asks.length; ) {
    const said = await asks[at]?.();
    at += said === 'back' ? -1 : 1;
    if (at < 0) return 'back';
  }
  return { watch };
}

async function consent(guide: Prompter): Promise<'done' | 'back'> {
  const said = await guide.sure(query('consent', true));
  if (said.is === 'back') return 'back';
  if (!said.value) throw new Problem('declined');
  return 'done';
}

/** Starts the watch, as a command line of its own; where it cannot begin, the deployment stands all the same. */
export async function watchAfter(ctx: Context, id: string, lasts: string): Promise<void> {
  const words = ['monitor', id, '--for', lasts, '--background', '--state-dir', ctx.settings.stateDirectory];
  const line = readLine(words);
  if (line.command !== 'monitor') return;
  const program = [...(ctx.around.program ?? []).slice(0, 2), ...words];
  const { monitor } = await import('./monitor.ts');
  try {
    await monitor({ ...ctx, line, around: { ...ctx.around, program } });
    ctx.screen.print(`Undo: cronlatch rollback ${id}${stateFlag(ctx)}`);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    ctx.screen.say(...wordsOf(error));
  }
}

/** The answers as command lines that ask nothing. */
export function sayCommands(ctx: Context, named: readonly Named[]): string[] {
  const lines = named.map(({ job, own, name }) =>
    name === 'none' ? sayUnnamed(job.line, job.sourceName) : `  ${commandLine(saidOf(ctx, name, own))}`,
  );
  return [sayCommandHead(named.length), ...lines];
}

/** Name, answers given before, answers given now. */
function saidOf(ctx: Context, name: Name, own: Own): Said {
  return { ...scopeSaid(ctx), ...name, ...sharedSaid(ctx), ...own };
}

const scopes = ['file', 'system', 'dialect', 'user', 'site', 'subscription'];
const paths = new Set(['file', 'worker', 'state-dir', 'db-password-file', 'db-url-file', 'db-tls-ca']);

function scopeSaid(ctx: Context): Said {
  return saidBefore(ctx, scopes);
}

function sharedSaid(ctx: Context): Said {
  return saidBefore(
    ctx,
    answerFlags().filter((flag) => !scopes.includes(flag)),
  );
}

/** Answers from flags, environment and config file, as flags; paths as they are from anywhere. */
function saidBefore(ctx: Context, flags: readonly string[]): Said {
  const here = (flag: string, value: string): string =>
    paths.has(flag) ? resolve(ctx.around.cwd, value) : value;
  const said: Record<string, string | true | readonly string[]> = {};
  for (const flag of flags) {
    const { value } = answer(ctx.line, ctx.around, flag);
    if (value === true) said[flag] = true;
    else if (typeof value === 'string') said[flag] = here(flag, value);
    else if (Array.isArray(value)) said[flag] = value.map((one) => here(flag, one));
  }
  return said;
}

async function askToKeep(ctx: Context, guide: Prompter, named: readonly Named[]): Promise<'done' | 'back'> {
  if (named.some(({ name }) => !hasKeys(name))) return 'done';
  const usual = await usualFile(ctx);
  const options = [
    { name: choices.keepNot, value: 'no' },
    { name: usual, value: 'usual' },
    { name: choices.another, value: 'another' },
  ] as const;
  for (;;) {
    const said = await guide.pick(query('keep', true), options);
    if (said.is === 'back') return 'back';
    if (said.value === 'no') return 'done';
    let file = usual;
    if (said.value === 'another') {
      const typed = await guide.write(query('keep', true), usual, () => undefined);
      if (typed.is === 'back') continue;
      file = typed.value;
    }
    try {
      await keep(ctx, guide, named, file);
      return 'done';
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      guide.show(...wordsOf(error));
    }
  }
}

/** Beside us, or at home where this directory is one that root takes no answers from. */
async function usualFile(ctx: Context): Promise<string> {
  const here = resolve(ctx.around.cwd, 'cronlatch.config.json');
  try {
    await refuseUntrusted(ctx.server, here);
    return here;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return resolve(ctx.server.self.home, 'cronlatch.config.json');
  }
}

/** A config file has no key for the path of a crontab. */
const hasKeys = (name: Named['name']): boolean => name !== 'none' && name.file === undefined;

async function keep(ctx: Context, guide: Prompter, named: readonly Named[], file: string): Promise<void> {
  const { server } = ctx;
  const path = resolve(ctx.around.cwd, file);
  const without = named.find(({ name }) => !hasKeys(name));
  if (without !== undefined)
    throw new Problem('usage', {
      what: `--answers: line ${without.job.line} of ${without.job.sourceName} has a like elsewhere, and a config file cannot tell the two apart.`,
    });
  await refuseUntrusted(server, path);
  const { owner } = server.self;
  if ((await server.files.look(path, owner)).is !== 'absent')
    throw new Problem('usage', { what: `${path} is there already: name another file, or take it away.` });
  const workers = named.map(({ name, own }) => ({ ...(name === 'none' ? {} : name), ...own }));
  const { 'state-dir': state, ...shared } = { ...scopeSaid(ctx), ...sharedSaid(ctx) };
  const all = state === undefined ? shared : { 'state-dir': state, ...shared };
  const text = `${JSON.stringify(configOf(workers, all), null, 2)}\n`;
  await server.files.write(
    path,
    Buffer.from(text, 'utf8').toString('latin1'),
    { mode: 0o600, ...owner },
    owner,
  );
  const files = scopeSaid(ctx)['file'];
  guide.show(
    ...sayAnswersKept(path, commandLine({ ...(files === undefined ? {} : { file: files }), config: path })),
  );
}

/** What was changed, and where that is written down. */
export function closingLines(ctx: Context, id: string, plan: Plan): string[] {
  return sayClosing(sayChanged(plan), journalPath(ctx.settings.stateDirectory, id), `${id}${stateFlag(ctx)}`);
}
