// The guard's trial of itself: that a second instance is refused and a dead one's PID file blocks nobody.
import { dirname } from 'node:path/posix';
import type { Latched } from '../change/plan.ts';
import type { Owner, Server } from '../server/server.ts';
import { lockArgv } from '../worker/guard.ts';
import { type Verdict, verdictsOf } from './verdict.ts';

/** What the guard prints in its probe mode (docs/guard.md). */
interface Said {
  readonly acquired?: boolean;
  readonly refused?: { readonly exit: number | null; readonly message: string };
  readonly stale?: { readonly recovered: boolean; readonly message: string };
  readonly errors?: readonly string[];
}

/** The guard tries itself in the real directory, with the real interpreter and user, on a lock of its own. */
export async function probe(server: Server, worker: Latched): Promise<Verdict[]> {
  const verdict = verdictsOf(worker.name);
  const checks = ['second-refused', 'stale-recovered'] as const;
  if (worker.lock === undefined) return checks.map((check) => verdict(check, 'skip', 'no-guard', []));
  const argv = lockArgv('probe', worker.interpreter, worker.lock);
  const as: Owner = { uid: worker.uid, gid: worker.gid };
  const ran = await server.programs.run(argv, {
    as,
    cwd: dirname(worker.lock.guard),
    env: { PATH: '/usr/bin:/bin', HOME: worker.directory },
    timeout: 30_000,
  });
  let said: Said;
  try {
    const json: unknown = JSON.parse(ran.stdout);
    if (typeof json !== 'object' || json === null) throw new Error('no object');
    said = json;
  } catch {
    const words = (ran.stderr || ran.stdout).trim().split('\n')[0] ?? '';
    const command = argv.map((word) => (word.includes('\n') ? '…' : word)).join(' ');
    // An interpreter that cannot run the guard cannot run the guarded worker either; one that is slow says nothing.
    const is = ran.code === 'timeout' ? 'inconclusive' : 'fail';
    return checks.map((check) =>
      verdict(check, is, 'probe-silent', [command, words], { code: String(ran.code) }),
    );
  }
  const errors = said.errors ?? [];
  // Hosters disable proc_open: then the guard works, but cannot start a second instance to try it.
  if (said.acquired === false && said.refused?.exit == null && errors.length > 0) {
    return checks.map((check) =>
      verdict(check, 'inconclusive', 'probe-impossible', errors, { why: errors[0] ?? '' }),
    );
  }
  const refused =
    said.refused?.exit === 0 && /^Another instance is already running/.test(said.refused.message);
  const recovered = said.stale?.recovered === true;
  const seen = (message: string | undefined): string[] => [message ?? '', ...errors].filter((e) => e !== '');
  return [
    verdict(
      'second-refused',
      refused ? 'pass' : 'fail',
      refused ? 'refused' : 'not-refused',
      seen(said.refused?.message),
    ),
    verdict(
      'stale-recovered',
      recovered ? 'pass' : 'fail',
      recovered ? 'recovered' : 'not-recovered',
      seen(said.stale?.message),
    ),
  ];
}
