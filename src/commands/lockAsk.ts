// What the site's own interpreter says of itself, asked as the site's user.
import type { Server } from '../server/server.ts';
import type { LockTarget } from './lockTargets.ts';

export type Heard =
  | {
      readonly is: 'php';
      readonly version: string;
      readonly sapi: string;
      readonly pcntl: boolean;
      readonly posix: boolean;
      readonly proc: boolean;
      readonly procOpen: boolean;
      readonly basedir: string;
      /** May PHP look at the directory at all? */
      readonly reachable: boolean;
    }
  | { readonly is: 'node'; readonly version: string; readonly locker: 'flock' | 'perl' | 'php' | 'none' }
  | { readonly is: 'silent'; readonly said: string };

const php = `echo json_encode(['version' => PHP_VERSION, 'sapi' => PHP_SAPI,
  'pcntl' => function_exists('pcntl_signal') && function_exists('pcntl_alarm'), 'posix' => function_exists('posix_kill'),
  'proc' => @is_readable('/proc/self/stat') && @is_readable('/proc/1/stat'),
  'procOpen' => function_exists('proc_open'), 'basedir' => (string) ini_get('open_basedir'),
  'reachable' => @is_dir($argv[1])]);`;

/** Asks PHP, with the php.ini that the worker gets. */
export async function askPhp(server: Server, target: LockTarget, at: string): Promise<Heard> {
  return ask(server, target, ['-d', 'display_errors=0', '-r', php, '--', at], 'php');
}

const node = `const { accessSync, constants } = require('node:fs');
const there = (name) => ['/usr/bin', '/bin', '/usr/local/bin'].some((d) => { try { accessSync(d + '/' + name, constants.X_OK); return true; } catch { return false; } });
console.log(JSON.stringify({ version: process.versions.node, locker: ['flock', 'perl', 'php'].find(there) ?? 'none' }));`;

/** Asks Node, and whether a program is there that takes the lock for it. */
export async function askNode(server: Server, target: LockTarget): Promise<Heard> {
  return ask(server, target, ['-e', node], 'node');
}

async function ask(
  server: Server,
  target: LockTarget,
  args: readonly string[],
  is: 'php' | 'node',
): Promise<Heard> {
  const { interpreter } = target;
  if (interpreter === undefined) return { is: 'silent', said: 'no interpreter' };
  const ran = await server.programs.run([interpreter.path, ...args], {
    as: target.owner,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', HOME: target.home },
    timeout: 15_000,
  });
  try {
    const said: unknown = JSON.parse(ran.stdout.slice(ran.stdout.indexOf('{')));
    if (typeof said === 'object' && said !== null) return { ...(said as Omit<Heard, 'is'>), is } as Heard;
  } catch {
    // Said below: it did not answer.
  }
  const words = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? '';
  return { is: 'silent', said: words === '' ? `exit ${ran.code}` : words };
}
