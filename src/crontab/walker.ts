// The one home of cron-parser. Loaded only for schedules that meet a clock change: it brings a time zone library.
// A static import in a module of its own, because a bundler gives a dynamic import of CommonJS no named exports.
import { CronExpressionParser } from 'cron-parser';

/** Iterates an expression of five plain lists from a moment (ms since the epoch) in a zone. */
export function walkerOf(
  expression: string,
  from: number,
  zone: string | undefined,
): { next(): number; reset(at: number): void } {
  const dates = CronExpressionParser.parse(expression, {
    currentDate: new Date(from),
    ...(zone === undefined ? {} : { tz: zone }),
  });
  return { next: () => dates.next().getTime(), reset: (at) => dates.reset(new Date(at)) };
}
