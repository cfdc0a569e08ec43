// What a scan reports: the findings that are left when comments and the person's own choice have had their say. Pure.
import type { CrontabFacts, Finding, Level } from './facts.ts';
import type { RuleCode } from './rules/levels.ts';
import { type Suppressed, suppress } from './suppress.ts';

/** Which rules a person wants to hear of. */
export interface Choice {
  readonly only: ReadonlySet<RuleCode> | 'all';
  readonly ignore: ReadonlySet<RuleCode>;
}

export interface Reported {
  readonly crontab: CrontabFacts;
  /** By line, 0 for the file as a whole; in the order the rules were asked. */
  readonly byLine: ReadonlyMap<number, readonly Finding[]>;
  readonly findings: readonly Finding[];
  readonly suppressed: readonly Suppressed[];
  /** Findings that --only or --ignore left out. */
  readonly leftOut: number;
}

/** Is this finding one to report? What cron does not load is always said: whoever asks for less must not miss that. */
export function isWanted({ code, level }: Finding, { only, ignore }: Choice): boolean {
  if (level === 'stop') return true;
  return (only === 'all' || only.has(code as RuleCode)) && !ignore.has(code as RuleCode);
}

/** The findings of one crontab, its entries included, and what became of them. */
export function report(crontab: CrontabFacts, extra: readonly Finding[], choice: Choice): Reported {
  const all = [
    ...crontab.findings,
    ...crontab.entries.flatMap((entry) => entry.findings),
    ...extra.filter((finding) => finding.where?.source === crontab.name),
  ];
  const { kept, suppressed } = suppress(crontab.name, crontab.crontab, all);
  const findings = kept.filter((finding) => isWanted(finding, choice));
  const byLine = new Map<number, Finding[]>();
  for (const finding of findings) {
    const line = finding.where?.line ?? 0;
    const there = byLine.get(line);
    if (there === undefined) byLine.set(line, [finding]);
    else there.push(finding);
  }
  return { crontab, byLine, findings, suppressed, leftOut: kept.length - findings.length };
}

/** How many there are of each level. */
export function countLevels(findings: readonly Finding[]): Readonly<Record<Level, number>> {
  const counts = { stop: 0, warn: 0, note: 0 };
  for (const { level } of findings) counts[level]++;
  return counts;
}
