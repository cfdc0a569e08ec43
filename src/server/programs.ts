// Running other programs: no shell, no standard input, and a time limit that a grandchild cannot outlast.
import { Problem, reasonOf } from '../problem.ts';
import { notStarted, startingAs } from './become.ts';
import type { Programs, Ran } from './server.ts';

export const localPrograms: Programs = {
  async run(argv, options) {
    const { execa } = await import('execa');
    const start = startingAs(argv, options.as, options.cwd ?? '/', options.env ?? {});
    const [file, ...args] = start.argv;
    const input = options.input === undefined ? ('ignore' as const) : Buffer.from(options.input, 'latin1');
    const child = execa(file ?? '', args, {
      cwd: start.cwd,
      env: { ...start.env },
      extendEnv: false,
      stdio: [input, 'pipe', 'pipe', ...(start.said === undefined ? [] : [Buffer.from(start.said, 'utf8')])],
      reject: false,
      stripFinalNewline: false,
      cleanup: false,
      // Its own process group: after the limit the group is killed, or a grandchild would hold the pipes open.
      detached: true,
      maxBuffer: 16 * 1024 * 1024,
      ...start.options,
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
      const stdout = textOf(result.stdout);
      const stderr = textOf(result.stderr);
      // The program has said nothing then.
      const missing = file !== argv[0] && result.exitCode === 127 && stderr === `${notStarted}\n`;
      return { code: missing ? 'missing' : codeOf(result, late), stdout, stderr };
    } finally {
      clearTimeout(limit);
    }
  },

  async detach(argv, output) {
    const { openSync, closeSync, constants } = process.getBuiltinModule('node:fs');
    const { spawn } = process.getBuiltinModule('node:child_process');
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW } = constants;
    try {
      const fd = openSync(output, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW, 0o600);
      try {
        const child = spawn(argv[0] ?? '', argv.slice(1), {
          detached: true,
          stdio: ['ignore', fd, fd],
        });
        child.unref();
        return await new Promise<number>((done, fail) => {
          child.once('error', fail);
          child.once('spawn', () => done(child.pid ?? 0));
        });
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw new Problem(
        'not-written',
        { act: 'start in the background', path: output, reason: reasonOf(error) },
        { cause: error },
      );
    }
  },
};

const textOf = (output: unknown): string => (typeof output === 'string' ? output : '');

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
