// Which script a running process runs, judged by its argument list; tells a worker from whatever else names its file.
import type { InterpreterKind } from './command.ts';
import { readInterpreter } from './interpreter.ts';

/**
 * The script and its arguments of a process whose argv[0] is an interpreter of this kind; 'none' when it runs no script
 * file (`-r`, `-l`, `-e`, a prompt, code from standard input). The script is as written: relative to the process's
 * working directory.
 */
export function scriptOfArgv(
  kind: InterpreterKind,
  argv: readonly string[],
): { readonly script: string; readonly args: readonly string[] } | 'none' {
  const words = argv.slice(1);
  const reading = readInterpreter(kind, words);
  if (reading.is !== 'script') return 'none';
  const script = words[reading.script]?.slice(reading.glue);
  return script === undefined || script === '' ? 'none' : { script, args: words.slice(reading.args) };
}
