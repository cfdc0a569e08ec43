// Facts → findings: what can pile up, fail in silence, or must not be touched. Pure; one small function a rule.
import { dirname } from 'node:path/posix';
import { readable } from '../change/encode.ts';
import { logOf } from '../command/redirects.ts';
import type { Crontab, Mark } from '../crontab/crontab.ts';
import { everySeconds } from '../crontab/every.ts';
import { neverFires } from '../crontab/schedule.ts';
import type { CrontabSource, Seen } from '../server/server.ts';
import { onePass } from '../worker/frameworks.ts';
import { docrootAbove } from '../worker/place.ts';
import type { EntryFacts, Finding, Job, Level } from './facts.ts';

/** Findings about the file as a whole and about lines that are no entries. */
export function crontabFindings(source: string, kind: CrontabSource, crontab: Crontab): Finding[] {
  const found = crontab.marks.map((mark) => ofMark(source, crontab, mark, 0));
  for (const line of crontab.lines) {
    if (line.is === 'entry') continue;
    found.push(...line.marks.map((mark) => ofMark(source, crontab, mark, line.number)));
  }
  if (!crontab.accepted) {
    found.push({
      level: 'stop',
      code: 'crontab-ignored',
      where: { source, line: 0 },
      args: { dialect: crontab.dialect },
    });
  }
  if (
    kind.is === 'cron.d' &&
    !/^[A-Za-z0-9_-]+$/.test(kind.path.slice(kind.path.lastIndexOf('/') + 1)) &&
    crontab.dialect === 'debian'
  ) {
    found.push({ level: 'note', code: 'cron-d-name', where: { source, line: 0 }, args: { path: kind.path } });
  }
  return found;
}

/** Findings about one entry's schedule, user and command text. */
export function entryFindings(
  source: string,
  facts: Pick<EntryFacts, 'entry' | 'line' | 'user' | 'reading'>,
  userKnown: boolean,
  undefinedVariable: boolean,
): Finding[] {
  const { entry, line } = facts;
  const where = { source, line };
  const found = entry.marks.map((mark) => ofMark(source, undefined, mark, line, entry.span.start));
  if (neverFires(entry.schedule)) found.push({ level: 'warn', code: 'never-fires', where, args: {} });
  if (!userKnown) found.push({ level: 'warn', code: 'unknown-user', where, args: { user: facts.user } });
  if (undefinedVariable)
    found.push({ level: 'warn', code: 'undefined-variable', where, args: { name: 'HTTPD_VHOSTS_D' } });
  if (facts.reading.is === 'opaque') {
    const { why, detail } = facts.reading;
    // A line that starts no worker of ours is nobody's fault; one that starts one in a way we cannot follow is worth a look.
    const level: Level = why === 'undefined-variable' ? 'warn' : 'note';
    if (entry.command.stdin !== undefined && why === 'syntax-error')
      found.push({ level: 'warn', code: 'percent', where, args: {} });
    found.push({
      level,
      code: why === 'no-worker' ? 'no-worker' : 'opaque',
      where,
      args: { why, detail: readable(detail) },
    });
  } else if (entry.command.stdin !== undefined)
    found.push({ level: 'warn', code: 'percent', where, args: {} });
  return found;
}

type Bare = Omit<Job, 'obstacles' | 'findings'>;
type Rule = (
  job: Bare,
  paths: ReadonlyMap<string, Seen>,
) => { level: Level; code: string; args?: Finding['args']; obstacle?: boolean } | 'fine';

const rules: readonly Rule[] = [
  function scriptMissing(job) {
    if (typeof job.script !== 'string') return 'fine';
    // A crontab kept in a repository names scripts that stand elsewhere.
    return {
      level: 'warn',
      code: job.script === 'absent' ? 'script-missing' : 'script-unreadable',
      args: { script: job.scriptPath },
      obstacle: job.live,
    };
  },
  function interpreterMissing(job) {
    if (job.interpreter.path !== 'missing') return 'fine';
    const absolute = job.interpreter.wanted.startsWith('/');
    return {
      level: 'warn',
      code: 'interpreter-missing',
      args: { wanted: job.interpreter.wanted },
      // On the machine the script is for, a missing interpreter is no matter of another machine.
      obstacle: job.live || !absolute || typeof job.script !== 'string' || job.interpreter.asked,
    };
  },
  function notOurs(job) {
    return job.foreign
      ? { level: 'warn', code: 'other-users-job', args: { user: job.user.name }, obstacle: true }
      : 'fine';
  },
  function interpreterKind(job) {
    const { unfit, kind } = job.interpreter;
    if (unfit === undefined) return 'fine';
    return {
      level: 'stop',
      code: 'interpreter-kind',
      args: { asked: unfit, kind, script: job.scriptPath },
      obstacle: true,
    };
  },
  function relativeInterpreter(job) {
    const { how } = job.command.interpreter;
    if (how === 'absolute' || job.interpreter.path === 'missing') return 'fine';
    const code = how === 'script' ? 'no-interpreter' : 'relative-interpreter';
    return { level: 'warn', code, args: { wanted: job.interpreter.wanted, path: job.interpreter.path } };
  },
  function panelJob(job) {
    return /^\/(usr\/local|opt)\/psa\//.test(
      job.interpreter.path === 'missing' ? job.interpreter.wanted : job.interpreter.path,
    )
      ? { level: 'note', code: 'panel-job', args: { interpreter: job.interpreter.path }, obstacle: true }
      : 'fine';
  },
  function rootRunsForeignScript(job) {
    if (typeof job.script === 'string' || job.owner.uid !== 0 || job.script.foreignWriter === 'none')
      return 'fine';
    const args = { script: job.script.path, writable: job.script.foreignWriter };
    return { level: 'warn', code: 'root-runs-foreign-script', args, obstacle: true };
  },
  function noLock(job) {
    if (isGuarded(job)) return 'fine';
    if (isScheduler(job))
      return { level: 'note', code: 'scheduler', args: { script: job.scriptPath, job: job.args[0] ?? '' } };
    if (typeof job.script !== 'string' && job.script.ownLock === 'flock')
      return { level: 'note', code: 'own-lock', args: { script: job.scriptPath } };
    return { level: 'warn', code: 'no-lock', args: { script: job.scriptPath } };
  },
  function guardLost(job, paths) {
    if (typeof job.script === 'string' || job.script.guard === 'none' || job.places === 'none') return 'fine';
    const file = job.script.guard.guardPath.replace(/^\.?\//, '');
    const path = `${dirname(job.script.path)}/${file}`;
    return paths.get(path)?.is === 'absent' ? { level: 'warn', code: 'guard-lost', args: { path } } : 'fine';
  },
  function running(job) {
    return job.instances.length > 1
      ? {
          level: 'warn',
          code: 'piling-up',
          args: { count: job.instances.length, pids: job.instances.map((i) => i.pid).join(' ') },
        }
      : 'fine';
  },
  function noOnce(job) {
    if (job.args.includes('--once') || job.entry.schedule.is === 'reboot') return 'fine';
    if (job.framework !== 'none') return 'fine'; // neverEnds speaks of those
    const once = typeof job.script === 'string' ? 'unknown' : job.script.once;
    return once === 'yes' ? { level: 'warn', code: 'no-once' } : 'fine';
  },
  function neverEnds(job) {
    if (job.framework === 'none' || job.entry.schedule.is === 'reboot') return 'fine';
    const { framework } = job;
    const pass = onePass(framework, job.args, everySeconds(job.entry.schedule));
    const args = { framework: framework.name, job: job.args[0] ?? '' };
    if (pass.is === 'limited' && pass.by === '--once' && framework.id === 'laravel-queue')
      return { level: 'note', code: 'once-is-one-job', args };
    if (pass.is === 'instead')
      return { level: 'warn', code: 'never-ends', args: { ...args, instead: pass.command } };
    return pass.is === 'flag'
      ? { level: 'warn', code: 'never-ends', args: { ...args, flag: pass.flag } }
      : 'fine';
  },
  function log(job) {
    const at = logOf(job.command);
    if (at === 'none') return { level: 'warn', code: 'no-log' };
    if (at === 'null') return { level: 'warn', code: 'log-null' };
    if (at === 'unknown') return 'fine';
    const root = docrootAbove(readable(at));
    return root === 'no'
      ? 'fine'
      : { level: 'warn', code: 'log-under-docroot', args: { log: readable(at), docroot: root } };
  },
  function cdJoint(job) {
    return job.command.cd?.joint === ';'
      ? { level: 'warn', code: 'cd-semicolon', args: { directory: readable(job.command.directory) } }
      : 'fine';
  },
  function background(job) {
    return job.command.background ? { level: 'warn', code: 'background' } : 'fine';
  },
  function home(job) {
    return job.places === 'none' && job.live
      ? { level: 'warn', code: 'no-home', args: { user: job.user.name }, obstacle: true }
      : 'fine';
  },
];

/** Findings about one worker entry, those that forbid latching it apart. */
export function jobFindings(
  job: Bare,
  paths: ReadonlyMap<string, Seen>,
): { obstacles: Finding[]; findings: Finding[] } {
  const obstacles: Finding[] = [];
  const findings: Finding[] = [];
  for (const rule of rules) {
    const verdict = rule(job, paths);
    if (verdict === 'fine') continue;
    const finding = {
      level: verdict.level,
      code: verdict.code,
      where: { source: job.sourceName, line: job.line },
      args: verdict.args ?? {},
    };
    findings.push(finding);
    if (verdict.obstacle) obstacles.push(finding);
  }
  return { obstacles, findings };
}

/**
 * A framework's own scheduler starts whatever is due at its minute: a lock would make it miss what is due while an
 * earlier run is still busy. It keeps its jobs apart by itself (withoutOverlapping, cron groups).
 */
export function isScheduler(job: Pick<Job, 'framework'>): boolean {
  return job.framework !== 'none' && job.framework.role === 'scheduler';
}

/** Does a guard of ours stand in the script or in the entry? */
export function isGuarded(job: Pick<Job, 'script' | 'command'>): boolean {
  if (typeof job.script !== 'string' && job.script.guard !== 'none') return true;
  return job.command.flags.some((flag) => flag.value.includes('cronlatch-guard.'));
}

function ofMark(
  source: string,
  crontab: Crontab | undefined,
  mark: Mark,
  line: number,
  lineStart?: number,
): Finding {
  const start = lineStart ?? crontab?.lines[line - 1]?.span.start ?? 0;
  const level = mark.level === 'refuse' ? 'stop' : 'warn';
  return {
    level,
    code: mark.code,
    where: { source, line, column: mark.span.start - start + 1 },
    args: mark.args,
  };
}

const order: readonly Level[] = ['note', 'warn', 'stop'];

/** Is a finding of this level or above among them? */
export function reaches(findings: readonly Finding[], level: Level): boolean {
  return findings.some((f) => order.indexOf(f.level) >= order.indexOf(level));
}
