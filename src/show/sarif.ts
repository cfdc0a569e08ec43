// Findings as SARIF 2.1.0, the format code scanning reads (OASIS, sarif-v2.1.0).
import type { Finding, Level } from '../survey/facts.ts';
import { levels, type RuleCode } from '../survey/rules/levels.ts';
import type { Suppressed } from '../survey/suppress.ts';
import { sayFinding, titleOf } from './findings.ts';

const kinds: Readonly<Record<Level, 'error' | 'warning' | 'note'>> = {
  stop: 'error',
  warn: 'warning',
  note: 'note',
};
const codes = Object.keys(levels) as RuleCode[];
const indices = new Map<string, number>(codes.map((code, index) => [code, index]));

/** Where a source is for whoever reads the document: relative to the repository's root, or absolute. */
export interface Artifact {
  readonly uri: string;
  readonly relative: boolean;
}

/** One run with every rule there is, the findings, and those a comment speaks for marked as suppressed. */
export function sarif(
  findings: readonly Finding[],
  suppressed: readonly Suppressed[],
  unseen: readonly string[],
  artifactOf: (source: string) => Artifact,
  version: string,
): Record<string, unknown> {
  const results = [
    ...findings.map((finding) => result(finding, artifactOf)),
    ...suppressed.map(({ finding, reason }) => ({
      ...result(finding, artifactOf),
      suppressions: [{ kind: 'inSource', justification: reason }],
    })),
  ];
  const notifications = unseen.map((what) => ({
    level: 'note',
    message: { text: `Not seen: ${what === 'other-users' ? 'crontabs of other users' : what}.` },
  }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'cronlatch', semanticVersion: version, rules: codes.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: true,
            ...(notifications.length === 0 ? {} : { toolExecutionNotifications: notifications }),
          },
        ],
        results,
      },
    ],
  };
}

function ruleOf(code: RuleCode): Record<string, unknown> {
  const title = titleOf(code);
  const help = `${title}. What it looks like and how it is mended: docs/rules.md, section ${code}.`;
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: `${title}.` },
    help: { text: help, markdown: help.replace(code, `\`${code}\``) },
    defaultConfiguration: { level: kinds[levels[code]] },
  };
}

function result(finding: Finding, artifactOf: (source: string) => Artifact): Record<string, unknown> {
  const { what, fix } = sayFinding(finding);
  const index = indices.get(finding.code);
  return {
    ruleId: finding.code,
    ...(index === undefined ? {} : { ruleIndex: index }),
    level: kinds[finding.level],
    message: { text: fix === undefined ? what : `${what} Fix: ${fix}.` },
    ...(finding.where === undefined ? {} : { locations: [location(finding.where, artifactOf)] }),
  };
}

function location(
  { source, line, column, endColumn }: NonNullable<Finding['where']>,
  artifactOf: (source: string) => Artifact,
): Record<string, unknown> {
  const { uri, relative } = artifactOf(source);
  return {
    physicalLocation: {
      artifactLocation: relative ? { uri, uriBaseId: '%SRCROOT%' } : { uri },
      // What is about the whole file is shown at its first line.
      region: {
        startLine: Math.max(line, 1),
        ...(column === undefined ? {} : { startColumn: column }),
        ...(endColumn === undefined ? {} : { endColumn: Math.max(endColumn, column ?? 1) }),
      },
    },
  };
}
