// Running other programs: no shell, no standard input, and a time limit that a grandchild cannot outlast.
import { becoming } from './become.ts';
import type { Programs, Ran } from './server.ts';

export const localPrograms: Programs = {
  async run(argv, options) {
    const { execa } = await import('execa');
    const become = becoming(argv, options.as);
    const [file, ...args] = become.argv;
    const child = execa(file ?? '', args, {
      cwd: options.cwd ?? '/',
      env: { ...options.env },
      extendEnv: false,
      ...(options.input === undefined
        ? { stdin: 'ignore' as const }
        : { input: Buffer.from(options.input, 'latin1') }),
      reject: false,
      stripFinalNewline: false,
      cleanup: false,
      // Its own process group: after the limit the group is killed, or a grandchild would hold the pipes open.
      detached: true,
      maxBuffer: 16 * 1024 * 1024,
      ...become.options,
    });
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      if (child.pid !== undefined) endGroup(child.pid);
      // A grandchild in a session of its own outlives the group and keeps the pipes open: nobody waits for it.
      child.stdout.destroy();
      child.stderr.destroy();
    }, options.timeout);
    try {
      const result = await child;
      // setpriv says so itself, and the program has said nothing then.
      const missing = result.exitCode === 127 && /^setpriv: failed to execute /.test(result.stderr ?? '');
      const code = missing && file !== argv[0] ? 'missing' : codeOf(result, late);
      return { code, stdout: result.stdout ?? '', stderr: result.stderr ?? '' };
    } finally {
      clearTimeout(limit);
    }
  },
};

function codeOf(
  result: { exitCode?: number | undefined; code?: string | undefined },
  late: boolean,
): Ran['code'] {
  if (late) return 'timeout';
  // execa leaves exitCode undefined when the program could not be started at all.
  if (result.code === 'ENOENT' || result.code === 'EACCES') return 'missing';
  return result.exitCode ?? 'signal';
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
