// node:child_process, loaded when a program is first run: a scan as root runs none, and loading costs milliseconds.

/** What a program of the system needs of our environment. A password may stand in the rest of it. */
export function plainEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C' };
}

/** spawnSync of node:child_process. */
export function spawnNow(
  program: string,
  args: readonly string[],
  // Missing in Node's types; spawnSync knows it like spawn.
  options: import('node:child_process').SpawnSyncOptions & { detached?: boolean },
): import('node:child_process').SpawnSyncReturns<Buffer> {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  return spawnSync(program, args, { ...options, encoding: 'buffer' });
}
