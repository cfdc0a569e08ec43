// Two processes at one lock: the only proof that locks work on this drive. In a scratch directory, gone afterwards.
import { join } from 'node:path/posix';
import { Problem, reasonOf } from '../problem.ts';
import type { Ran, Server } from '../server/server.ts';
import type { Symptom } from '../show/locks.ts';
import { peek } from '../survey/peek.ts';
import { scratch } from './lockScratch.ts';
import type { LockTarget } from './lockTargets.ts';

/** Takes the lock, says so with a file, and keeps it until that file is gone, at most ten seconds. 0 had it, 1 busy, 5 cannot lock. */
const inPhp = `$f = fopen($argv[1], 'c+e'); if (!$f) exit(3); $w = 0;
if (!flock($f, LOCK_EX | LOCK_NB, $w)) exit($w === 1 ? 1 : 5);
if (isset($argv[2])) { touch($argv[2]); for ($i = 0; $i < 500 && is_file($argv[2]); $i++) { usleep(20000); clearstatcache(); } } exit(0);`;
const inNode = `const fs = require('node:fs'); const { spawnSync } = require('node:child_process');
const [path, ready] = process.argv.slice(1);
const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
const ways = [['flock', '-n', '-E', '1', '3'], ['perl', '-e', 'open(F,"+<&=",3) or exit 5; exit(flock(F,6) ? 0 : $!{EWOULDBLOCK} ? 1 : 5)']];
let got = 4;
for (const [program, ...args] of ways) { const ran = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'ignore', fd] }); if (ran.error) continue; got = ran.status; break; }
if (got !== 0) process.exit(got === 1 ? 1 : 5);
const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
if (ready) { fs.writeFileSync(ready, ''); for (let i = 0; i < 500 && fs.existsSync(ready); i++) pause(); }`;

/** Is a second process kept out while the first holds the lock, and let in when it is gone? */
export async function tryTwo(server: Server, target: LockTarget, at: string): Promise<Symptom> {
  try {
    return await scratch(server, target, at, (directory) => two(server, target, directory));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { code: 'flock', is: 'inconclusive', args: { said: reasonOf(error) } };
  }
}

async function two(server: Server, target: LockTarget, directory: string): Promise<Symptom> {
  const lock = join(directory, 'trial.lock');
  const ready = join(directory, 'ready');
  const start = (...args: string[]): Promise<Ran> => {
    const { path = '', kind } = target.interpreter ?? {};
    const code = kind === 'php' ? ['-d', 'display_errors=0', '-r', inPhp, '--'] : ['-e', inNode, '--'];
    return server.programs.run([path, ...code, ...args], {
      as: target.owner,
      cwd: directory,
      env: { PATH: '/usr/bin:/bin' },
      timeout: 15_000,
    });
  };
  let ended: Ran | 'runs' = 'runs';
  const first = start(lock, ready).then((ran) => {
    ended = ran;
    return ran;
  });
  for (let i = 0; i < 400 && ended === 'runs'; i++) {
    if ((await peek(server, ready, target.owner)).is === 'file') break;
    await server.wait(25);
  }
  if (ended !== 'runs')
    return { code: 'flock', is: 'fail', args: { said: `the first process said ${codeOf(await first)}` } };
  const second = await start(lock);
  if ((await peek(server, ready, target.owner)).is === 'file') await server.files.remove(ready, target.owner);
  const held = await first;
  const third = await start(lock);
  if (second.code === 1 && held.code === 0 && third.code === 0)
    return { code: 'flock', is: 'pass', args: {} };
  const said = `the first process said ${codeOf(held)}, the second ${codeOf(second)}, one afterwards ${codeOf(third)}`;
  return { code: 'flock', is: 'fail', args: { said } };
}

function codeOf({ code, stderr }: Ran): string {
  const words: Readonly<Record<string, string>> = {
    0: '“mine”',
    1: '“busy”',
    3: '“cannot open it”',
    5: '“this drive cannot lock”',
    timeout: 'nothing in time',
  };
  return words[String(code)] ?? `${code} ${stderr.trim().split('\n')[0] ?? ''}`.trim();
}
