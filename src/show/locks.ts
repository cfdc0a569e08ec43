// Locks in words: who holds one, what the doctor found, what the trial showed.
import type { LockState } from '../commands/lockLook.ts';
import type { Theme } from './theme.ts';

/** One lock: held or free, by whom, since when, last sign of life. */
export function holderLines(path: string, state: LockState, now: number, theme: Theme): string[] {
  const { held, because, record, holder, writer } = state;
  const mark = { held: theme.mark.pass, free: theme.mark.skip, unknown: theme.mark.inconclusive }[held];
  const paint = { held: theme.good, free: theme.dim, unknown: theme.odd }[held];
  const word = held === 'unknown' ? `cannot be told: ${because ?? 'no answer'}` : held;
  const lines = [`${theme.bold(path)}`, `  ${paint(`${mark} ${word}`)}`];
  if (holder.is === 'verified') {
    const { pid, argv } = holder.process;
    lines.push(`  by PID ${pid} (checked by start time and boot): ${argv.join(' ')}`);
    if (holder.descriptor === 'unseen')
      lines.push(theme.dim('  whether it is that process’s own descriptor cannot be seen from here'));
  }
  if (holder.is === 'other')
    for (const { pid, argv } of holder.processes)
      lines.push(theme.odd(`  by PID ${pid}, which did not write its record: ${argv.join(' ')}`));
  if (holder.is === 'unknown' && held === 'held') lines.push(theme.odd('  by whom cannot be seen from here'));
  if (typeof record !== 'string') {
    const at = (seconds: number | undefined): string =>
      seconds === undefined
        ? 'not said'
        : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z, ${ago(now / 1000 - seconds)} ago`;
    if (held === 'held' && writer === 'alive')
      lines.push(
        `  since ${at(record.started)}`,
        `  last sign of life ${at(record.heartbeat)}`,
        ...(record.shared === '' ? [] : [`  with the second lock ${record.shared} in the database`]),
      );
    else if (held === 'held' && writer === 'dead')
      lines.push(theme.bad(`  its record names PID ${record.pid}, which is dead`));
    else if (record.state === 'running' && writer === 'dead')
      lines.push(`  the last run (PID ${record.pid}) ended without cleaning up; the next one recovers`);
    else if (record.ended !== undefined)
      lines.push(
        `  the last run ${record.state} ${at(record.ended)}${record.why === '' ? '' : ` (${record.why})`}`,
      );
  } else if (record === 'none') lines.push(theme.dim('  nobody has locked it yet'));
  else if (record === 'foreign') lines.push(theme.odd('  the file holds no record of a guard'));
  return lines;
}

function ago(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  return whole < 172_800 ? `${Math.round(whole / 3600)} h` : `${Math.round(whole / 86_400)} days`;
}

/** One thing the doctor looked at. */
export interface Symptom {
  readonly code: string;
  readonly is: 'pass' | 'warn' | 'fail' | 'inconclusive' | 'skip';
  readonly args: Readonly<Record<string, string | number>>;
}

type Say = (a: Record<string, string>) => { readonly what: string; readonly next?: string };

const symptoms: Record<string, Say> = {
  'interpreter/pass': (a) => ({ what: `${a['path']} is ${a['kind']} ${a['version']}` }),
  'interpreter/fail': (a) => ({
    what: `${a['path']} does not run: ${a['said']}`,
    next: 'name one that does with --interpreter',
  }),
  'interpreter/inconclusive': () => ({
    what: 'no interpreter is known here',
    next: 'name one with --interpreter',
  }),
  'sapi/fail': (a) => ({
    what: `${a['path']} is not the PHP of the command line (${a['sapi']})`,
    next: 'use its php beside it, not php-cgi or php-fpm',
  }),
  'directory/pass': (a) => ({ what: `${a['path']} belongs to ${a['user']} and nobody else may write it` }),
  'directory/skip': (a) => ({ what: `${a['path']} is not there yet; deploy or the first run makes it` }),
  'directory/fail': (a) => ({
    what: `${a['path']}: ${directory[a['why'] ?? ''] ?? a['why']}`,
    next: 'the guard refuses to run there (exit 77)',
  }),
  'docroot/pass': () => ({ what: 'outside any document root' }),
  'docroot/fail': (a) => ({
    what: `below the document root ${a['docroot']}: anybody may download the lock and its log`,
    next: 'move it beside the document root',
  }),
  'release/pass': () => ({ what: 'outside any release directory' }),
  'release/fail': () => ({
    what: 'inside a release directory: each release has a lock of its own, so two workers run',
    next: 'move it to a directory that all releases share',
  }),
  'drive/pass': (a) => ({ what: `on a local drive (${a['type']})` }),
  'drive/warn': (a) => ({ what: `on ${a['type']}: ${drives[a['trust'] ?? ''] ?? ''}` }),
  'drive/inconclusive': (a) => ({ what: `what kind of drive it lies on cannot be told (${a['type']})` }),
  'flock/pass': () => ({
    what: 'a second process is kept out while the first holds the lock, and let in afterwards',
  }),
  'flock/fail': (a) => ({
    what: `a lock keeps nobody out here: ${a['said']}`,
    next: 'move the lock to a local drive',
  }),
  'flock/inconclusive': (a) => ({ what: `locks could not be tried: ${a['said']}` }),
  'pcntl/pass': () => ({ what: 'pcntl is there: a kill is heard, and a time limit ends a blocked query' }),
  'pcntl/warn': () => ({
    what: 'no pcntl: a kill ends the worker without cleaning up, and no time limit ends a blocked query',
    next: 'the lock works all the same; a stuck worker is reported by the next start',
  }),
  'posix/pass': () => ({ what: 'posix is there' }),
  'posix/warn': () => ({ what: 'no posix: the guard reads the user from /proc' }),
  'proc/pass': () => ({ what: '/proc can be read: a holder is told from a stranger with its number' }),
  'proc/warn': () => ({ what: '/proc cannot be read: whether a holder is dead or stuck cannot be told' }),
  'proc-open/pass': () => ({ what: 'programs can be started from PHP' }),
  'proc-open/warn': () => ({
    what: 'PHP may start no programs (disable_functions): lock test cannot run here',
  }),
  'open-basedir/pass': (a) => ({ what: a['basedir'] === '' ? 'no open_basedir' : `inside open_basedir` }),
  'open-basedir/fail': (a) => ({
    what: `outside open_basedir (${a['basedir']}): the guard cannot open its lock (exit 73)`,
    next: 'move it inside, or add the directory to open_basedir',
  }),
  'locker/pass': (a) => ({ what: `Node takes the lock with ${a['program']}` }),
  'locker/fail': () => ({
    what: 'none of flock, perl and php is here: Node cannot take a lock (exit 69)',
    next: 'install util-linux',
  }),
  'chroot/pass': () => ({ what: 'the user’s shell is no chroot' }),
  'chroot/warn': (a) => ({
    what: `the user's shell is a chroot: where the crontab says SHELL=${a['shell']}, as Plesk writes it, these paths do not exist`,
    next: 'use a Plesk task that runs a PHP script, or another shell',
  }),
};

const directory: Record<string, string> = {
  link: 'it is a link, no directory',
  'not-a-directory': 'it is no directory',
  unreadable: 'it cannot be read',
  owner: 'it belongs to another user',
  writable: 'others may write it',
};

const drives: Record<string, string> = {
  network: 'another machine keeps the lock there; it may hang, and two servers need a lock in the database',
  memory: 'the lock’s history is gone after a restart, and a second mount of it would be a second lock',
  layered: 'the lock is gone with the container, and every container has one of its own',
};

/** The doctor's findings, one line each. */
export function symptomLines(found: readonly Symptom[], theme: Theme): string[] {
  const paint = {
    pass: theme.good,
    warn: theme.odd,
    fail: theme.bad,
    inconclusive: theme.odd,
    skip: theme.dim,
  };
  return found.map((symptom) => {
    const { what, next } = saySymptom(symptom);
    return `  ${paint[symptom.is](`${theme.mark[symptom.is]} ${symptom.is}`)}  ${what}${next === undefined ? '' : theme.dim(` ${theme.mark.arrow} ${next}`)}`;
  });
}

/** One finding in words. */
export function saySymptom({ code, is, args }: Symptom): { readonly what: string; readonly next?: string } {
  const flat = Object.fromEntries(Object.entries(args).map(([k, v]) => [k, String(v)]));
  return (symptoms[`${code}/${is}`] ?? (() => ({ what: `${code}: ${is}` })))(flat);
}

/** What one test script found. */
export interface Tried {
  readonly title: string;
  readonly tests: readonly {
    readonly name: string;
    readonly is: 'pass' | 'fail' | 'skip';
    readonly saw: string;
  }[];
}

/** One line a test, and how it ended. */
export function testLines({ title, tests }: Tried, theme: Theme): string[] {
  const paint = { pass: theme.good, fail: theme.bad, skip: theme.dim };
  const failed = tests.filter(({ is }) => is === 'fail').length;
  return [
    ...tests.map(
      ({ name, is, saw }) =>
        `  ${paint[is](theme.mark[is])} ${name}${saw === '' ? '' : theme.dim(`  (${saw})`)}`,
    ),
    failed === 0 ? `All ${title} passed.` : theme.bad(`${failed} of the ${title} failed.`),
  ];
}
