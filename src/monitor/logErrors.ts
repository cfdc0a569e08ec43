// Lines of a worker's log that speak of an error, other than a refused connection, which is told by itself.
import { refusalLines } from '../database/logLines.ts';

const shapes = [
  /\bPHP (?:Fatal|Parse|Recoverable fatal) error\b/,
  /\bFatal error: /,
  /\bUncaught [\w\\]*(?:Exception|Error)\b/,
  /\bSQLSTATE\[/,
  /^\s*(?:\w*Error|Error): /,
  /\b(?:ERROR|CRITICAL|EMERGENCY|ALERT)\b[:\]]/,
  /\bAllowed memory size of \d+ bytes exhausted\b/,
  /\bMaximum execution time of \d+ seconds exceeded\b/,
  /\bjavascript heap out of memory\b/i,
];

/** The lines, in order. A fatal error of PHP stands in two lines where it is shown and logged: both count. */
export function errorLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => shapes.some((shape) => shape.test(line)) && refusalLines(line).length === 0);
}
