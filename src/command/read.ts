// Reads the shell text of an entry: which PHP or Node script it starts and how, or why that cannot be told.
import { Buffer, isUtf8 } from 'node:buffer';
import type { Command as CommandNode, PipelineNode, Redirection, Statement } from 'unbash';
import type { Bytes } from '../crontab/crontab.ts';
import { readWrappers, settingsIn, stringFor, sudoScene } from './around.ts';
import { readBystander } from './bystander.ts';
import type { Command, Outlet, Reading, Redirect, Surroundings, Word, Wrapper } from './command.ts';
import { type Core, readCore } from './core.ts';
import { readLead } from './lead.ts';
import { mentionsWorker } from './mention.ts';
import { directoryFrom, pathFrom } from './paths.ts';
import { isTangled, readRedirects } from './redirects.ts';
import { firstScene, innerScene, type Scene } from './scene.ts';
import { foreignIn, type Step, shapeTrouble, statementsOf, stepsOf, wordsOf } from './steps.ts';
import type { Trouble } from './words.ts';

/**
 * Reads a decoded command text. Either everything in it is understood, so that it can be written anew without a change
 * of meaning, or it is opaque.
 */
export function readCommand(text: Bytes, surroundings: Surroundings): Reading {
  return readBystander(text) ?? readClosely(text, surroundings);
}

/** The same without the short cut for texts that have nothing to do with PHP or Node. */
export function readClosely(text: Bytes, surroundings: Surroundings): Reading {
  const span = { start: 0, end: text.length };
  const scene = firstScene(text, surroundings);
  const reading = readText('why' in scene ? { text, trouble: scene } : scene);
  if ('is' in reading) return reading;
  // However involved a text is, the telling thing about one that names no PHP or Node is that it is not our business.
  const { why, needs, ...rest } = reading;
  if (why === 'empty' || why === 'syntax-error' || mentionsWorker(text))
    return { is: 'opaque', why, ...rest, span, ...(needs === undefined ? {} : { needs }) };
  const detail = why === 'no-worker' ? reading.detail : (text.trim().split(/[ \t]/, 1)[0] ?? '');
  return { is: 'opaque', why: 'no-worker', detail, span };
}

function readText(scene: Scene | { readonly text: Bytes; readonly trouble: Trouble }): Command | Trouble {
  const statements = statementsOf(scene.text);
  if (statements === 'syntax-error') return { why: 'syntax-error', detail: '' };
  if (statements.length === 0) return { why: 'empty', detail: '' };
  return 'trouble' in scene ? scene.trouble : readBody(statements, scene);
}

/** Reads a list of statements: the steps in front, the worker, and whatever is left to do behind it. */
function readBody(statements: readonly Statement[], scene: Scene): Command | Trouble {
  const { text } = scene;
  const all = stepsOf(statements);
  const at = workerAt(text, all);
  const steps = all.slice(0, at + 1);
  const step = steps.at(-1);
  if (step === undefined) return { why: 'empty', detail: '' };
  const behind = all.slice(at + 1);
  const lead = readLead(text, steps, scene.shell);
  if ('why' in lead) return lead;
  if (lead.cd !== undefined && scene.cd !== undefined)
    return { why: 'several-commands', detail: text.slice(lead.cd.span.start, lead.cd.span.end) };
  // `worker || other` still runs the other when a cd in front fails; behind an `&` nothing tells when the worker is done.
  if (behind.length > 0 && [step, ...behind].some(({ joint }) => joint === '&'))
    return { why: 'several-commands', detail: text.slice(behind[0]?.node.pos, behind.at(-1)?.node.end) };
  const background = step.joint === '&';
  const cd = lead.cd ?? scene.cd;
  const pgrep = lead.pgrep ?? scene.pgrep;
  // Built without optional spreads, which take V8 longer than all the rest of a reading.
  const inner: Draft<Scene> = {
    ...scene,
    shell: lead.shell,
    before: [...scene.before, ...lead.before],
    background: scene.background || background,
    ampersands: background
      ? [...scene.ampersands, { level: scene.frames.length, end: step.node.end }]
      : scene.ampersands,
    involved: scene.involved || behind.length > 0,
  };
  if (cd !== undefined) inner.cd = cd;
  if (pgrep !== undefined) inner.pgrep = pgrep;
  return readNode(step.node, inner);
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** The last step that has to do with PHP or Node; those behind it run other programs and may stay as they are. */
function workerAt(text: Bytes, steps: readonly Step[]): number {
  let at = steps.length - 1;
  while (at > 0) {
    const node = steps[at]?.node;
    if (node?.type !== 'Command' || node.name === undefined) break;
    if (mentionsWorker(text.slice(node.pos, node.end)) || /[$`]/.test(node.name.text)) break;
    if (!steps.slice(0, at).some((step) => mentionsWorker(text.slice(step.node.pos, step.node.end)))) break;
    at--;
  }
  return at;
}

function readNode(node: PipelineNode, scene: Scene): Command | Trouble {
  switch (node.type) {
    case 'Command': {
      const foreign = foreignIn(scene.text, node, scene.shell, 'worker');
      return foreign ?? readSimple(node, scene);
    }
    case 'Subshell':
    case 'BraceGroup':
      return readBody(node.body.commands, { ...scene, involved: true });
    case 'Redirected': {
      const outlet = outletFor(node.redirects, node.pos, node.end, scene);
      if ('why' in outlet) return outlet;
      if (outlet.redirects.some(({ afterAmpersand }) => afterAmpersand))
        return { why: 'bash-syntax', detail: '&>' };
      return readNode(node.command, { ...scene, outlets: [outlet, ...scene.outlets] });
    }
    case 'Pipeline': {
      const foreign = node.operators.includes('|&') && !scene.shell.bash;
      if (foreign || node.prefixes.length > 0) return shapeTrouble(node, scene.text, scene.shell) as Trouble;
      return readPipeline(node.commands, scene);
    }
    default:
      return (
        shapeTrouble(node, scene.text, scene.shell) ?? {
          why: 'compound',
          detail: scene.text.slice(node.pos, Math.min(node.end, node.pos + 40)),
        }
      );
  }
}

/** `worker | program …`: the worker writes into the pipe, and what the others do with it stays as it is. */
function readPipeline(nodes: readonly PipelineNode[], scene: Scene): Command | Trouble {
  const [first, ...others] = nodes;
  const last = others.at(-1);
  const pipe = { why: 'pipe', detail: '|' } as const;
  if (first === undefined || last?.type !== 'Command') return pipe;
  for (const node of others) {
    if (node.type !== 'Command' || mentionsWorker(scene.text.slice(node.pos, node.end))) return pipe;
    const foreign = foreignIn(scene.text, node, scene.shell, 'other');
    if (foreign !== undefined) return foreign;
  }
  const sink = outletFor(last.redirects, last.pos, last.end, scene);
  if ('why' in sink) return sink;
  const outlets = [{ ...sink, sink: true } as const, ...scene.outlets];
  return readNode(first, { ...scene, outlets, involved: true });
}

function outletFor(
  nodes: readonly Redirection[],
  start: number,
  end: number,
  scene: Scene,
): Outlet | Trouble {
  const redirects = readRedirects(scene.text, nodes, scene.shell, end);
  if ('why' in redirects) return redirects;
  const directory = directoryOf(scene);
  if (typeof directory !== 'string') return directory;
  const outlet: Draft<Outlet> = { level: scene.frames.length, redirects, span: { start, end }, directory };
  if (scene.user !== undefined) outlet.user = scene.user;
  return outlet;
}

/** A simple command: wrappers, then the worker, or a shell with a string in which it is. */
function readSimple(node: CommandNode, scene: Scene): Command | Trouble {
  const { text, shell } = scene;
  const words = wordsOf(text, node, shell);
  const wrapped = readWrappers(words, scene);
  if ('why' in wrapped) return wrapped;
  const { wrappers, at } = wrapped;
  // Redirects are opened by the shell, before anything switches to another user.
  const outlet = outletFor(node.redirects, node.pos, node.end, scene);
  if ('why' in outlet) return outlet;
  const here: Draft<Scene> = {
    ...scene,
    lookUp: wrapped.sudo ? 'sudo' : scene.lookUp,
    outlets: [outlet, ...scene.outlets],
  };
  if (wrapped.user !== undefined) {
    here.user = wrapped.user;
    here.involved = true;
  }
  const handed = stringFor(words, at, wrappers, here);
  if (handed !== undefined) {
    if ('why' in handed) return handed;
    const touched = [
      ...node.prefix.flatMap((item) => (item.type === 'Assignment' ? [item.name] : [])),
      ...settingsIn(wrappers),
    ];
    const inner = innerScene(
      { ...here, ...sudoScene(wrapped, here) },
      handed.word,
      handed.given,
      handed.program,
      touched,
      outlet.directory,
    );
    if ('why' in inner) return inner;
    if (scene.pgrep !== undefined) return { why: 'pgrep-guard', detail: 'pgrep' };
    return readText(inner);
  }
  const core = readCore(words.slice(at), wrappers.at(-1)?.name === 'env');
  if ('why' in core) return core;
  return workerOf(node, here, outlet, wrappers, core);
}

function workerOf(
  node: CommandNode,
  scene: Scene,
  outlet: Outlet,
  wrappers: readonly Wrapper[],
  core: Core,
): Command | Trouble {
  const { text } = scene;
  const { directory, redirects, span } = outlet;
  if (isTangled(scene.outlets)) return { why: 'redirect', detail: text.slice(span.start, span.end) };
  const { cd, pgrep, user, frames, before, placed, outlets, ampersands, lookUp, involved } = scene;
  const command: Draft<Command> = {
    is: 'worker',
    text,
    frames,
    before,
    placed,
    directory,
    assignments: node.prefix.flatMap((item): Word[] => {
      if (item.type !== 'Assignment') return [];
      const raw = text.slice(item.pos, item.end);
      return [{ span: { start: item.pos, end: item.end }, raw, value: raw }];
    }),
    wrappers,
    interpreter: core.interpreter,
    flags: core.flags,
    script: core.script,
    args: core.args,
    scriptPath: pathFrom(directory, core.script.value),
    redirects,
    outlets,
    ampersands,
    background: scene.background || redirects.some(({ afterAmpersand }) => afterAmpersand),
    lookUp,
    involved: involved || pgrep !== undefined || wrappers.some(({ name }) => name === 'flock'),
    span,
  };
  if (pgrep !== undefined) command.pgrep = pgrep;
  if (cd !== undefined) command.cd = cd;
  if (user !== undefined) command.user = user;
  if (core.fileOption !== undefined) command.fileOption = core.fileOption;
  return lookUpTrouble(text, command) ?? nameTrouble(command) ?? command;
}

/** Everything behind the port names files in UTF-8: `\xff.php` would become another file's name. */
function nameTrouble({ directory, scriptPath, outlets, interpreter }: Command): Trouble | undefined {
  const targets = outlets.flatMap(({ redirects }) => redirects.map(({ target }: Redirect) => target.value));
  const names = [directory, scriptPath, interpreter.word?.value ?? '', ...targets];
  const odd = names.find((name) => /[\x80-\xff]/.test(name) && !isUtf8(Buffer.from(name, 'latin1')));
  return odd === undefined ? undefined : { why: 'not-utf8', detail: odd };
}

/**
 * What cron's PATH and HOME say does not hold behind a PATH of the command's own, or behind a file it reads in: that
 * may set PATH, and may go to another directory.
 */
function lookUpTrouble(text: Bytes, command: Command): Trouble | undefined {
  const lead = command.before.map(({ start, end }) => text.slice(start, end)).join(' ');
  const sourced = /(?:^|[;&]|\s)(?:\.|source)\s/.test(lead);
  const own = [...command.assignments, ...command.wrappers.flatMap(({ words }) => words)];
  const setsPath = /\bPATH=/.test(lead) || own.some(({ raw }) => raw.startsWith('PATH='));
  if ((sourced || setsPath) && command.interpreter.how !== 'absolute')
    return { why: 'expansion', detail: sourced ? '.' : 'PATH' };
  const fixed = command.placed || command.cd?.word.raw.startsWith('/') === true;
  return sourced && !fixed ? { why: 'expansion', detail: '.' } : undefined;
}

function directoryOf({ cd, directory }: Scene): Bytes | Trouble {
  if (cd?.word.value.startsWith('/')) return directoryFrom('/', cd.word.value);
  if (directory === undefined) return { why: 'home-unknown', detail: cd?.word.raw ?? '' };
  return directoryFrom(directory, cd?.word.value ?? '');
}
