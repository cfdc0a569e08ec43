// Rules about the program that runs a worker: which one it is, and whether it is the right one.
import { isPanels } from '../../plesk/places.ts';
import type { BareJob, JobRule } from './rule.ts';

const at = (job: BareJob) =>
  job.command.interpreter.word === undefined ? {} : { at: job.command.interpreter.word.span };

export const interpreterMissing: JobRule = {
  code: 'interpreter-missing',
  check(job) {
    const { because, wanted, path, there } = job.interpreter;
    if (because?.missing !== undefined) return { ...at(job), args: { wanted, instead: path } };
    if (path !== 'missing') return 'fine';
    const absolute = wanted.startsWith('/');
    return {
      ...at(job),
      args: { wanted, ...(there === undefined ? {} : { there: there.join(', ') }) },
      // On the machine the script is for, a missing interpreter is no matter of another machine.
      obstacle: job.live || !absolute || typeof job.script !== 'string' || job.interpreter.asked,
    };
  },
};

export const interpreterKind: JobRule = {
  code: 'interpreter-kind',
  check(job) {
    const { unfit, kind } = job.interpreter;
    if (unfit === undefined) return 'fine';
    return { ...at(job), args: { asked: unfit, kind, script: job.scriptPath }, obstacle: true };
  },
};

export const relativeInterpreter: JobRule = {
  code: 'relative-interpreter',
  check(job) {
    const { how } = job.command.interpreter;
    const { path, nameStays, because } = job.interpreter;
    if (how === 'absolute' || how === 'script' || path === 'missing' || nameStays) return 'fine';
    const site = because?.site === undefined ? {} : { site: because.site };
    return { ...at(job), args: { wanted: job.interpreter.wanted, path, ...site } };
  },
};

export const noInterpreter: JobRule = {
  code: 'no-interpreter',
  check(job) {
    if (job.command.interpreter.how !== 'script' || job.interpreter.path === 'missing') return 'fine';
    return {
      at: job.command.script.span,
      args: { wanted: job.interpreter.wanted, path: job.interpreter.path },
    };
  },
};

/** The kernel starts what the first line names, and hands a file without one to the shell: no PHP, whatever its name. */
export const firstLine: JobRule = {
  code: 'first-line',
  check(job) {
    const { firstLine: line, kind } = job.interpreter;
    const isConsole = !/\.(?:php|phar|[mc]?js)$/.test(job.scriptPath);
    const none = typeof job.script !== 'string' && !job.script.file.bytes.startsWith('#!');
    if (job.command.interpreter.how !== 'script' || (line === undefined && !(none && isConsole)))
      return 'fine';
    const args = { script: job.scriptPath, line: line ?? '', kind: kind === 'php' ? 'PHP' : 'Node' };
    return { at: job.command.script.span, args, obstacle: true };
  },
};

/** A login shell has its own PATH, sudo too: which program the name is stays open, so the name stays in the entry. */
export const nameLeftToLogin: JobRule = {
  code: 'name-left-to-login',
  check(job) {
    const { nameStays, wanted, path } = job.interpreter;
    if (!nameStays || path === 'missing') return 'fine';
    return { ...at(job), args: { wanted, path, by: job.command.lookUp } };
  },
};

export const interpreterVersion: JobRule = {
  code: 'interpreter-version',
  check(job) {
    const { version, asks } = job.interpreter;
    if (version === undefined || asks === undefined) return 'fine';
    const kind = job.interpreter.kind === 'php' ? 'PHP' : 'Node';
    return { ...at(job), args: { kind, version, range: asks.range, file: asks.file } };
  },
};

export const panelJob: JobRule = {
  code: 'panel-job',
  check(job) {
    const path = job.interpreter.path === 'missing' ? job.interpreter.wanted : job.interpreter.path;
    // Its PHP, its own user, or a script of it or of an extension, whatever runs that.
    const by = isPanels(path)
      ? job.interpreter.path
      : job.user.name === 'psaadm'
        ? 'user psaadm'
        : isPanels(job.scriptPath)
          ? job.scriptPath
          : 'none';
    return by === 'none' ? 'fine' : { args: { interpreter: by }, obstacle: true };
  },
};
