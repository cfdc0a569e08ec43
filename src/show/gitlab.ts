// Findings as a GitLab Code Quality report: an artifact that a merge request shows beside the line.
import { createHash } from 'node:crypto';
import type { Finding } from '../survey/facts.ts';
import { sayFinding } from './findings.ts';

const severities = { stop: 'critical', warn: 'major', note: 'info' } as const;

/** `pathOf` gives a source the path it has in the repository. Fields as GitLab documents them: all that it asks for. */
export function codeQuality(findings: readonly Finding[], pathOf: (source: string) => string): string {
  const seen = new Map<string, number>();
  const issues = findings.map((finding) => {
    const { what, fix } = sayFinding(finding);
    const { source = '', line = 0 } = finding.where ?? {};
    // Without the line's number: an edit further up must not make an old finding look new.
    const essence = JSON.stringify([finding.code, pathOf(source), finding.args]);
    const times = (seen.get(essence) ?? 0) + 1;
    seen.set(essence, times);
    return {
      description: fix === undefined ? what : `${what} Fix: ${fix}.`,
      check_name: finding.code,
      fingerprint: createHash('sha256').update(`${essence} ${times}`).digest('hex'),
      severity: severities[finding.level],
      location: { path: pathOf(source), lines: { begin: Math.max(line, 1) } },
    };
  });
  return `${JSON.stringify(issues, null, 2)}\n`;
}
