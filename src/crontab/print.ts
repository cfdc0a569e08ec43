// A crontab back to its bytes.
import type { Bytes, Crontab } from './crontab.ts';

/** The crontab's bytes, put together from its lines: equal to the text that was parsed. */
export function printCrontab(crontab: Crontab): Bytes {
  return crontab.lines.map((line) => crontab.text.slice(line.span.start, line.span.end)).join('');
}
