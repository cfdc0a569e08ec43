// Runs commands under a real shell in a scratch directory, with recording stand-ins for PHP and Node.
import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What one run left behind. */
export interface Run {
  /** Its own path and its arguments; undefined when it was not started. */
  readonly argv: readonly string[] | undefined;
  readonly cwd: string | undefined;
  readonly env: readonly string[] | undefined;
  readonly stdin: string | undefined;
  readonly exitCode: number | null;
  /** Where the word OUT on standard output, and ERR on standard error, were found: 'mail', 'nowhere' or a file. */
  readonly out: string;
  readonly err: string;
  /** Files that held the word BEFORE when the run began and no longer do. */
  readonly truncated: readonly string[];
}

export interface Scratch {
  readonly root: string;
  readonly home: string;
  /** Puts a stand-in at an absolute path inside the root. */
  readonly standIn: (path: string) => Promise<void>;
  readonly file: (path: string, text: string) => Promise<void>;
  /** A user made for the test, whose profile has the stand-ins on its PATH; undefined when we are not root. */
  readonly user: string | undefined;
  readonly run: (shell: string, text: string, logs: readonly string[]) => Promise<Run>;
  readonly remove: () => Promise<void>;
}

const SEEN = ['A', 'B', 'C', 'D', 'APP_ENV', 'PHP_PATH'];

/** A root with a home, a bin directory in front of PATH with php and node in it, and a place for records. */
export async function makeScratch(variables: Readonly<Record<string, string>> = {}): Promise<Scratch> {
  const root = await mkdtemp(join(tmpdir(), 'cronlatch-command-'));
  const home = join(root, 'home');
  const record = join(root, 'record');
  const standInText = `#!/bin/sh
printf '%s\\0' "$0" "$@" > ${record}/argv
pwd -P > ${record}/cwd
printf '%s\\0' ${SEEN.map((name) => `"${name}=\${${name}-unset}"`).join(' ')} > ${record}/env
cat > ${record}/stdin
echo OUT
echo ERR >&2
: > ${record}/done
exit 7
`;
  const standIn = async (path: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, standInText);
    await chmod(path, 0o755);
  };
  const file = async (path: string, text: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  };
  await mkdir(home, { recursive: true });
  const user = await makeUser(root, home);
  // sudo takes its PATH from a file of the machine's; this one does what the real one does, with ours.
  await file(
    join(root, 'bin/sudo'),
    `#!/bin/sh
[ "$1" = -u ] || exit 9
who=$2
shift 2
exec setpriv --reuid "$who" --regid "$who" --clear-groups env -i PATH="${join(root, 'bin')}:/usr/bin:/bin" "$@"
`,
  );
  await chmod(join(root, 'bin/sudo'), 0o755);
  for (const name of ['php', 'php7.4', 'node']) await standIn(join(root, 'bin', name));

  const run = async (shell: string, text: string, logs: readonly string[]): Promise<Run> => {
    await rm(record, { recursive: true, force: true });
    await mkdir(record);
    for (const log of logs) await file(log, 'BEFORE\n');
    if (user !== undefined) for (const path of [record, ...logs]) await chmod(path, 0o777);
    const env = {
      HOME: home,
      PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
      SHELL: shell,
      LOGNAME: 'x',
      ...variables,
    };
    const mail = await shellRun(shell, text, home, env, record);
    const argv = await readOr(join(record, 'argv'));
    const places = new Map<string, string>([['mail', mail.output]]);
    for (const log of logs) places.set(log, (await readOr(log)) ?? '');
    const placeOf = (word: string) =>
      [...places].find(([, held]) => held.includes(`${word}\n`))?.[0] ?? 'nowhere';
    return {
      argv: argv?.split('\0').slice(0, -1),
      cwd: (await readOr(join(record, 'cwd')))?.trimEnd(),
      env: (await readOr(join(record, 'env')))?.split('\0').slice(0, -1),
      stdin: await readOr(join(record, 'stdin')),
      exitCode: mail.exitCode,
      out: placeOf('OUT'),
      err: placeOf('ERR'),
      truncated: logs.filter((log) => !places.get(log)?.includes('BEFORE')),
    };
  };
  const remove = async () => {
    if (user !== undefined) execFileSync('userdel', [user], { stdio: 'ignore' });
    await rm(root, { recursive: true, force: true });
  };
  return { root, home, standIn, file, user, run, remove };
}

async function makeUser(root: string, home: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const user = `cl-meaning-${process.pid}`;
  await mkdir(join(root, 'user'));
  await writeFile(join(root, 'user/.profile'), `PATH=${join(root, 'bin')}:/usr/bin:/bin\n`);
  execFileSync('useradd', ['-M', '-d', join(root, 'user'), '-s', '/bin/sh', user], { stdio: 'ignore' });
  for (const path of [root, home, join(root, 'user')]) await chmod(path, 0o777);
  return user;
}

async function shellRun(
  shell: string,
  text: string,
  cwd: string,
  env: Record<string, string>,
  record: string,
): Promise<{ exitCode: number | null; output: string }> {
  // Through a file, since Node hands over arguments as UTF-8 only and a crontab holds any bytes.
  const file = join(record, 'text');
  await writeFile(file, text, 'latin1');
  const child = spawn('/bin/sh', ['-c', 'exec "$0" -c "$(cat "$1")"', shell, file], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString('latin1');
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end('INPUT\n');
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  // A worker in the background with its output in files outlives the shell.
  const joints = text.replaceAll(/&&|[<>]&/g, '');
  if (joints.includes('&')) {
    for (let tries = 0; tries < 300; tries++) {
      const names = await readdir(record);
      if (names.includes('done')) break;
      if (tries > 40 && names.length === 1) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return { exitCode, output };
}

async function readOr(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Does a list of words equal another but for added `--once` and, behind `-f`, the `--` in front of it? */
export function differsByOnce(before: readonly string[], after: readonly string[]): boolean {
  if (before.includes('--once')) return same(before, after);
  const at = after.indexOf('--once');
  if (at < 0) return false;
  const without = after.toSpliced(at, 1);
  if (same(before, without)) return true;
  return after[at - 1] === '--' && same(before, after.toSpliced(at - 1, 2));
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}
