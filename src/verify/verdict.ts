// The answer of one check: what was expected, what was seen, and how sure we may be.

export type Answer = 'pass' | 'warn' | 'fail' | 'inconclusive' | 'skip';

export interface Verdict {
  /** Code of the check; its sentences are made in show/. */
  readonly check: string;
  /** Name of the worker. */
  readonly worker: string;
  readonly is: Answer;
  /** Why this answer, as a code. */
  readonly because: string;
  readonly args: Readonly<Record<string, string | number>>;
  /** Lines that anyone can go and read: paths, PIDs, log lines. */
  readonly evidence: readonly string[];
}

/** The worst answer decides; 'skip' and 'warn' are as good as a pass. */
export function worst(verdicts: readonly Verdict[]): 'fail' | 'inconclusive' | 'pass' {
  if (verdicts.some((v) => v.is === 'fail')) return 'fail';
  return verdicts.some((v) => v.is === 'inconclusive') ? 'inconclusive' : 'pass';
}

/** Makes the verdicts of one worker. */
export function verdictsOf(
  worker: string,
): (
  check: string,
  is: Answer,
  because: string,
  evidence?: readonly string[],
  args?: Verdict['args'],
) => Verdict {
  return (check, is, because, evidence = [], args = {}) => ({ check, worker, is, because, args, evidence });
}
