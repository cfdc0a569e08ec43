// lock: who holds a worker's lock, ending the one that does, and whether locks work on this site.
import type { Context, Result } from './context.ts';

/** Does what the word after `lock` says; the command line knows no others. */
export async function lock(ctx: Context): Promise<Result> {
  switch (ctx.line.action) {
    case 'stop':
      return (await import('./lockStop.ts')).lockStop(ctx);
    case 'doctor':
      return (await import('./lockDoctor.ts')).lockDoctor(ctx);
    case 'test':
      return (await import('./lockTest.ts')).lockTest(ctx);
    default:
      return (await import('./lockStatus.ts')).lockStatus(ctx);
  }
}
