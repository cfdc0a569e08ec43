// Is there a cron at all that starts the entries? Asked where crontabs are meant that this machine's cron reads.
import type { CrontabSource, Server } from '../server/server.ts';
import type { CrontabFacts, Finding } from './facts.ts';
import { levels } from './rules/levels.ts';

/** Is it one of the system's crontabs? A file is read by whoever was told to, the sandbox for one. */
export function isInstalled(source: CrontabSource): boolean {
  return source.is !== 'file';
}

/** The finding that no cron runs, or that none can be seen; none where these crontabs start nothing. */
export async function cronFindings(
  server: Server,
  crontabs: readonly Pick<CrontabFacts, 'source' | 'entries'>[],
): Promise<Finding[]> {
  if (!crontabs.some(({ source, entries }) => isInstalled(source) && entries.length > 0)) return [];
  const cron = await server.processes.cron();
  if (cron.is === 'seen') return [];
  return cron.is === 'none'
    ? [{ level: levels['no-cron'], code: 'no-cron', args: { because: 'none' } }]
    : [{ level: 'note', code: 'no-cron', args: { because: cron.because } }];
}
