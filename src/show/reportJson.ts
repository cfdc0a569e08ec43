// The report of a watch as JSON: docs/schema/monitor-1.json describes it.
import { hideSecrets } from '../command/secrets.ts';
import type { Summary } from '../monitor/summary.ts';

/** The document, without the secrets that a log or a crontab may hold. */
export function reportJson(summary: Summary): string {
  return `${JSON.stringify(summary, hidden, 2)}\n`;
}

const hidden = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? hideSecrets(value) : value;
