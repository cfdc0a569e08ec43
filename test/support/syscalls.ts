// The built program under strace: which system calls it makes on our paths, and a signal or an error at one of them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';

/** Why strace cannot be used here; '' when it can. */
export const straceMissing =
  process.getuid?.() !== 0
    ? 'not root'
    : spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0
      ? ''
      : 'no strace, or it may not trace';

/** What writes, renames, syncs, removes, changes owners and times, signals, or starts a program. */
const acting =
  'write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,truncate,ftruncate,fchown,chown,lchown,fchownat,fchmod,chmod,fchmodat,utimensat,link,linkat,symlink,symlinkat,setxattr,fsetxattr,kill,tgkill,clone,vfork,fork,execve,openat';

/** How often a call is aimed at before it counts as missed: what lies before it is never quite the same twice. */
const tries = (what: string): number =>
  process.env['CRONLATCH_STRESS'] !== '1' ? 12 : what.startsWith('error') ? 16 : 25;

export interface Call {
  readonly name: string;
  /** Which call of this name it is among those of its thread, from 1: what strace's `when` counts. */
  readonly nth: number;
  /** The call as it looks in every run: no PIDs, no times, no contents. With its number among equal ones. */
  readonly key: string;
  readonly line: string;
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Program {
  /** Everything before `strace`: namespaces, environment. */
  readonly before: readonly string[];
  readonly argv: readonly string[];
  /** Only calls on something below these count, besides signals and programs started. */
  readonly roots: readonly string[];
  /** Whose rights it has; root's when absent. */
  readonly user?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a program to its end; after so many seconds, or when `enough` says so, it is ended with all it started. */
export function runProgram(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
  seconds = 60,
  enough?: () => boolean,
): Promise<Ran> {
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const end = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  };
  const limit = setTimeout(end, seconds * 1000);
  const look = enough && setInterval(() => enough() && end(), 50);
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      clearTimeout(limit);
      clearInterval(look);
      done({ code: signal === null ? code : 128, out, err });
    });
  });
}

/** The calls that count, in order. `threads` says how many of them were not made by the main thread. */
export async function trace(
  program: Program,
  note: string,
): Promise<Ran & { calls: Call[]; elsewhere: string[] }> {
  // All threads are looked at, so that none is left out; what they start is another program.
  const ran = await straced(program, note, ['-f', '-e', `trace=${acting}`]);
  const lines = readFileSync(note, 'utf8').split('\n');
  rmSync(note);
  const main = /^(\d+) /.exec(lines[0] ?? '')?.[1] ?? '';
  const threads = new Set([main]);
  for (const line of lines) {
    const made = /^(\d+) +clone3?\(.*CLONE_THREAD.* = (\d+)$/.exec(line);
    if (made && threads.has(made[1] ?? '')) threads.add(made[2] ?? '');
  }
  const own = lines.filter((line) => line.startsWith(`${main} `)).map((line) => line.replace(/^\d+ +/, ''));
  const elsewhere = lines
    .filter((line) => {
      const pid = /^\d+/.exec(line)?.[0] ?? '';
      return pid !== main && threads.has(pid);
    })
    .flatMap((line) => callsOf([line.replace(/^\d+ +/, '')], program.roots).map((call) => call.line));
  return { ...ran, calls: callsOf(own, program.roots), elsewhere };
}

/**
 * Runs the program with `what` (`signal=SIGKILL`, `error=EIO`) at one call of its main thread. The number is taken from
 * another run, and what the event loop writes in between differs: the trace says which call was hit, and a run that
 * hit another one is made undone by `again` and repeated. Returns 'missed' when it could not be hit.
 */
export async function strike(
  program: Program,
  target: Call,
  among: readonly Call[],
  what: string,
  note: string,
  again: () => Promise<void>,
): Promise<Ran | 'missed'> {
  let { nth } = target;
  for (let round = 0; round < tries(what); round++) {
    if (round > 0) await again();
    // Without -f only the main thread is traced, so `when` counts its calls alone and no child is hit.
    const inject = `inject=${target.name}:${what}:when=${nth}`;
    const seen = (): string[] => (existsSync(note) ? readFileSync(note, 'utf8').split('\n') : []);
    // A run that was struck elsewhere shows nothing, and an error in the event loop's own pipe makes it wait for ever.
    const elsewhere = (): boolean => {
      const lines = seen();
      const hit = lines.find((line) => line.endsWith('(INJECTED)'));
      return (
        hit !== undefined &&
        !callsOf(lines, program.roots).some(({ key, line }) => key === target.key && line === hit)
      );
    };
    const ran = await straced(program, note, ['-e', `trace=${acting}`, '-e', inject], elsewhere);
    const lines = seen();
    rmSync(note);
    const calls = callsOf(lines, program.roots);
    const aimed = calls.find((call) => call.key === target.key);
    const hit = hitOf(lines);
    if (aimed !== undefined && aimed.line === hit) return ran;
    // Met before the one that was struck: its true number. Not met yet: further on by what came in between until now.
    const last = calls.findLast((call) => call.name === target.name && call.line !== hit);
    const then = among.find((call) => call.key === last?.key);
    const guess = last === undefined || then === undefined ? nth : target.nth + last.nth - then.nth;
    nth = aimed?.nth ?? (guess > nth ? guess : nth + 1);
  }
  return 'missed';
}

/** The line that was struck: the last call before the kill, or the one marked as injected. */
function hitOf(lines: readonly string[]): string | undefined {
  const injected = lines.find((line) => line.endsWith('(INJECTED)'));
  if (injected !== undefined) return injected;
  const killed = lines.findIndex((line) => line.startsWith('+++ killed by SIGKILL'));
  return killed > 0 ? lines[killed - 1] : undefined;
}

function callsOf(lines: readonly string[], roots: readonly string[]): Call[] {
  const numbers = new Map<string, number>();
  const equal = new Map<string, number>();
  const found: Call[] = [];
  for (const line of lines) {
    const name = /^(\w+)\(/.exec(line)?.[1];
    if (name === undefined) continue;
    const nth = (numbers.get(name) ?? 0) + 1;
    numbers.set(name, nth);
    if (!counts(name, line, roots)) continue;
    const plain = keyOf(line);
    const number = (equal.get(plain) ?? 0) + 1;
    equal.set(plain, number);
    // Opening a file that is there already changes nothing; how often others are opened in between is never the same.
    if (name === 'openat' && number > 1 && !/O_EXCL|O_TRUNC/.test(line)) continue;
    found.push({ name, nth, key: `${plain} #${number}`, line });
  }
  return found;
}

function counts(name: string, line: string, roots: readonly string[]): boolean {
  if (/^(kill|tgkill)$/.test(name)) return /, SIG(TERM|KILL)\)/.test(line);
  if (/^(clone|vfork|fork|execve)$/.test(name)) return !line.includes('CLONE_THREAD') && name !== 'execve';
  if (!roots.some((root) => line.includes(root))) return false;
  return name !== 'openat' || /O_CREAT|O_TRUNC/.test(line);
}

/** What is the same in every run. */
function keyOf(line: string): string {
  return line
    .replace(/ <unfinished \.\.\.>$/, ')')
    .replace(/\s+=\s+(?:-?\d+|\?).*$/, '')
    .replace(/^(p?write(?:64)?\([^,]*).*/, '$1)')
    .replace(/, \d+\)$/, ')')
    .replace(/\b\d{8}-\d{6}-[0-9a-f]{4}(?:-\d+)?/g, 'ID')
    .replace(/cronlatch-new\.\d+/g, 'cronlatch-new.PID')
    .replace(/cronlatch-scratch-\d+-\d+-\w{6}/g, 'cronlatch-scratch')
    .replace(/^(t?g?kill)\(\d+, /, '$1(PID, ')
    .replace(/^(clone|v?fork)\(.*/, '$1()')
    .replace(/\b\d+</g, 'FD<')
    .replace(/tv_sec=\d+|tv_nsec=\d+|\/\* .*? \*\//g, '')
    .trim();
}

function straced(
  program: Program,
  note: string,
  options: readonly string[],
  enough?: () => boolean,
): Promise<Ran> {
  return runProgram(
    [
      ...program.before,
      'strace',
      '-y',
      '-s',
      '16',
      '-o',
      note,
      ...(program.user === undefined ? [] : ['-u', program.user]),
      ...options,
      '--',
      ...program.argv,
    ],
    program.cwd,
    program.env,
    undefined,
    enough,
  );
}
