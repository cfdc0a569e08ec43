// What every command is given: the server, the settled answers, a screen, a person to ask.
import type { Prompter } from '../ask/prompter.ts';
import type { Settings } from '../ask/settings.ts';
import { answer, type Consent, type Surroundings } from '../ask/settle.ts';
import type { Plan } from '../change/plan.ts';
import type { Line } from '../cli/line.ts';
import type { ExitCode } from '../problem.ts';
import type { Server } from '../server/server.ts';
import type { Screen } from '../show/screen.ts';

export const reportSchema = 1;

/** How a person or the system stops us: between two steps while something is being changed, at once elsewhere. */
export interface Interrupts {
  /** Says that from now on a signal is heard by `heard` and does not end the process. */
  guard<T>(critical: () => Promise<T>): Promise<T>;
  heard(): 'no' | 'SIGINT' | 'SIGTERM';
}

export interface Context {
  readonly server: Server;
  readonly settings: Settings;
  readonly line: Line;
  readonly around: Surroundings;
  readonly consent: Consent;
  readonly screen: Screen;
  readonly ask: () => Promise<Prompter>;
  readonly interrupts: Interrupts;
  readonly version: string;
  readonly verbose: boolean;
  /** A wizard led here: what is wrong with the workers was said, and more is said at the end. */
  readonly wizard?: { readonly closing: (id: string, plan: Plan) => readonly string[] };
}

/** What a command leaves: the document --json prints, and the exit code. Text was printed on the way. */
export interface Result {
  readonly json: Record<string, unknown>;
  /** What stands on standard output in place of text, where another form than those two was asked for. */
  readonly document?: string | Record<string, unknown>;
  readonly exit: ExitCode;
}

/** A yes-or-no answer from flag, environment or config. */
export function flag(ctx: Context, name: string): boolean {
  const { value } = answer(ctx.line, ctx.around, name);
  return value === true || value === 'true' || value === '1' || value === 'yes';
}

/** A word from flag, environment or config. */
export function word(ctx: Context, name: string): string | undefined {
  const { value } = answer(ctx.line, ctx.around, name);
  return typeof value === 'string' ? value : undefined;
}

/** A flag that may be given several times; in a variable its words stand apart. */
export function words(ctx: Context, name: string): readonly string[] {
  const { value } = answer(ctx.line, ctx.around, name);
  if (Array.isArray(value)) return value.map(String);
  return typeof value === 'string' ? value.split(/\s+/).filter((part) => part !== '') : [];
}
