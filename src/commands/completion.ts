// completion: prints the completion script of a shell; where it goes is in the command's help.
import { completionFor, type Shell } from '../show/completion.ts';
import { type Context, type Result, reportSchema } from './context.ts';

/** Prints it. The word behind the command was checked when the command line was read. */
export async function completion(ctx: Context): Promise<Result> {
  const shell = ctx.line.action as Shell;
  const script = completionFor(shell);
  return {
    json: { schema: reportSchema, command: 'completion', shell, outcome: { is: 'printed', exit: 0 } },
    document: script,
    exit: 0,
  };
}
