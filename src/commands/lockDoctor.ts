// lock doctor: do locks work here? Asked of the real directory, with the site's own interpreter and user.
import { dirname } from 'node:path/posix';
import type { Server } from '../server/server.ts';
import { type Symptom, saySymptom, symptomLines } from '../show/locks.ts';
import { peek } from '../survey/peek.ts';
import { mountOf, trustOf } from '../worker/mounts.ts';
import { docrootAbove, releaseLayout } from '../worker/place.ts';
import { type Context, type Result, reportSchema } from './context.ts';
import { askNode, askPhp, type Heard } from './lockAsk.ts';
import { type LockTarget, lockPath, lockTargets } from './lockTargets.ts';
import { tryTwo } from './lockTwo.ts';

/** Exit 0 when nothing is wrong, 3 when something is, 6 when something could not be told. */
export async function lockDoctor(ctx: Context): Promise<Result> {
  const found = [];
  for (const target of await lockTargets(ctx)) {
    const symptoms = await examine(ctx.server, target);
    ctx.screen.print(ctx.screen.out.bold(lockPath(target)), ...symptomLines(symptoms, ctx.screen.out));
    found.push({ target, symptoms });
  }
  const all = found.flatMap(({ symptoms }) => symptoms.map(({ is }) => is));
  const is = all.includes('fail') ? 'fail' : all.includes('inconclusive') ? 'inconclusive' : 'pass';
  const exit = ({ pass: 0, fail: 3, inconclusive: 6 } as const)[is];
  return {
    json: {
      schema: reportSchema,
      command: 'lock doctor',
      locks: found.map(({ target, symptoms }) => ({
        path: lockPath(target),
        user: target.user,
        symptoms: symptoms.map((s) => ({ ...s, message: saySymptom(s).what })),
      })),
      outcome: { is, exit },
    },
    exit,
  };
}

/** Everything about one lock, in the order a person would ask. */
async function examine(server: Server, target: LockTarget): Promise<Symptom[]> {
  const { at, state } = await directoryOf(server, target);
  const found: Symptom[] = [...state, ...placeOf(target), await driveOf(server, at), chrootOf(target)];
  const { interpreter } = target;
  if (interpreter === undefined) return [...found, { code: 'interpreter', is: 'inconclusive', args: {} }];
  const heard = interpreter.kind === 'php' ? await askPhp(server, target, at) : await askNode(server, target);
  found.push(...symptomsOf(interpreter, heard));
  if (heard.is === 'silent' || state.some(({ is }) => is === 'fail')) return found;
  return [...found, await tryTwo(server, target, at)];
}

/** The lock's directory, or the nearest one above that is there: the guard would make the rest in it. */
async function directoryOf(server: Server, target: LockTarget): Promise<{ at: string; state: Symptom[] }> {
  const path = target.directory;
  const seen = await peek(server, path, target.owner);
  const bad = (why: string): Symptom[] => [{ code: 'directory', is: 'fail', args: { path, why } }];
  if (seen.is === 'absent') {
    let at = dirname(path);
    while (at !== '/' && (await peek(server, at, target.owner)).is === 'absent') at = dirname(at);
    return { at, state: [{ code: 'directory', is: 'skip', args: { path } }] };
  }
  if (seen.is === 'link') return { at: path, state: bad('link') };
  if (seen.is === 'other')
    return { at: path, state: bad(seen.what === 'unreadable' ? 'unreadable' : 'not-a-directory') };
  if (seen.is === 'file') return { at: path, state: bad('not-a-directory') };
  if (seen.uid !== target.owner.uid) return { at: path, state: bad('owner') };
  if ((seen.mode & 0o022) !== 0) return { at: path, state: bad('writable') };
  return { at: path, state: [{ code: 'directory', is: 'pass', args: { path, user: target.user } }] };
}

function placeOf(target: LockTarget): Symptom[] {
  const path = lockPath(target);
  const docroot = docrootAbove(path);
  const release = releaseLayout(path) === 'releases';
  return [
    docroot === 'no'
      ? { code: 'docroot', is: 'pass', args: {} }
      : { code: 'docroot', is: 'fail', args: { docroot } },
    { code: 'release', is: release ? 'fail' : 'pass', args: {} },
  ];
}

async function driveOf(server: Server, at: string): Promise<Symptom> {
  const info = await peek(server, '/proc/self/mountinfo', server.self.owner);
  const mount = info.is === 'file' ? mountOf(info.bytes, at) : 'unknown';
  if (mount === 'unknown') return { code: 'drive', is: 'inconclusive', args: { type: 'no answer' } };
  const trust = trustOf(mount);
  if (trust === 'unknown') return { code: 'drive', is: 'inconclusive', args: { type: mount.type } };
  return { code: 'drive', is: trust === 'local' ? 'pass' : 'warn', args: { type: mount.type, trust } };
}

function chrootOf({ chroot }: LockTarget): Symptom {
  return chroot === undefined
    ? { code: 'chroot', is: 'pass', args: {} }
    : { code: 'chroot', is: 'warn', args: { shell: chroot } };
}

function symptomsOf(interpreter: { readonly kind: string; readonly path: string }, heard: Heard): Symptom[] {
  const { path, kind } = interpreter;
  if (heard.is === 'silent') return [{ code: 'interpreter', is: 'fail', args: { path, said: heard.said } }];
  const runs: Symptom = {
    code: 'interpreter',
    is: 'pass',
    args: { path, kind: kind === 'php' ? 'PHP' : 'Node', version: heard.version },
  };
  if (heard.is === 'node') {
    const locker: Symptom =
      heard.locker === 'none'
        ? { code: 'locker', is: 'fail', args: {} }
        : { code: 'locker', is: 'pass', args: { program: heard.locker } };
    return [runs, locker];
  }
  const yes = (code: string, there: boolean): Symptom => ({ code, is: there ? 'pass' : 'warn', args: {} });
  return [
    ...(heard.sapi === 'cli'
      ? [runs]
      : [{ code: 'sapi', is: 'fail', args: { path, sapi: heard.sapi } } as const]),
    yes('pcntl', heard.pcntl),
    yes('posix', heard.posix),
    yes('proc', heard.proc),
    yes('proc-open', heard.procOpen),
    { code: 'open-basedir', is: heard.reachable ? 'pass' : 'fail', args: { basedir: heard.basedir } },
  ];
}
