// Findings as the annotations of a GitHub workflow: one command line each, shown beside the line in the change.
import type { Finding } from '../survey/facts.ts';
import { sayFinding } from './findings.ts';

const kinds = { stop: 'error', warn: 'warning', note: 'notice' } as const;

/** `pathOf` gives a source the path it has in the repository. */
export function annotations(findings: readonly Finding[], pathOf: (source: string) => string): string {
  return findings
    .map((finding) => {
      const { what, fix } = sayFinding(finding);
      const { source = '', line = 0, column, endColumn } = finding.where ?? {};
      const properties = [
        ...(source === '' ? [] : [`file=${property(pathOf(source))}`, `line=${Math.max(line, 1)}`]),
        ...(column === undefined ? [] : [`col=${column}`]),
        ...(endColumn === undefined ? [] : [`endColumn=${endColumn}`]),
        `title=${property(finding.code)}`,
      ];
      const text = fix === undefined ? what : `${what} Fix: ${fix}.`;
      return `::${kinds[finding.level]} ${properties.join(',')}::${data(text)}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replace(
    /[%\r\n]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function property(text: string): string {
  return data(text).replace(/[:,]/g, (sign) => (sign === ':' ? '%3A' : '%2C'));
}
