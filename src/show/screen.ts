// The two output streams: results on standard output, everything else on standard error.
import { type Step, targetOf } from '../change/step.ts';
import { hideSecrets } from '../command/secrets.ts';
import type { Doing } from '../server/server.ts';
import { sayDuration } from './schedule.ts';
import { type Looks, type Theme, tame, themeOf } from './theme.ts';

export interface Event {
  readonly code: string;
  readonly [key: string]: unknown;
}

export interface Screen {
  readonly out: Theme;
  readonly err: Theme;
  /** Columns of standard output, where that is a terminal. */
  readonly width: number | undefined;
  /** A line of the result. */
  print(...lines: readonly string[]): void;
  /** A line for whoever is watching. */
  say(...lines: readonly string[]): void;
  /** Something is going on. */
  tell(event: Event): void;
  /** Columns and rows of a terminal that a screenful can be drawn on, and redrawn; 'none' where lines are said one after the other. */
  size(): { readonly width: number; readonly height: number } | 'none';
  /** Draws a screenful in place of the one before. `settle` gives the terminal back as it was. */
  frame(lines: readonly string[]): void;
  /** A stranger's text as the standard error shows it: no secrets, no control characters. */
  tame(text: string): string;
  /** Ends a line that was being redrawn. */
  settle(): void;
}

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

interface Streams {
  readonly stdout: Stream;
  readonly stderr: Stream;
}

/**
 * Makes the screen. `asks` says that a person will be asked. `quiet` leaves out progress, `json` everything but the document and problems. On a terminal
 * only the current line is redrawn; elsewhere waiting is said once every ten seconds.
 */
export async function makeScreen(
  streams: Streams,
  looks: { out: Looks; err: Looks },
  how: { quiet: boolean; json: boolean; asks: boolean; verbose: boolean; clock: () => number },
): Promise<Screen> {
  const out = await themeOf(looks.out);
  const err = await themeOf(looks.err);
  const redraw = streams.stderr.isTTY === true && looks.err.color;
  let drawn = false;
  let framed = false;
  let lastWait = Number.NEGATIVE_INFINITY;
  const settle = (): void => {
    // Back from the second screen to what was there before, the cursor shown.
    if (framed) streams.stderr.write('\x1b[?25h\x1b[?1049l');
    framed = false;
    if (drawn) streams.stderr.write('\r\x1b[K');
    drawn = false;
  };
  const say = (...lines: readonly string[]): void => {
    settle();
    // One write for all lines: each is a system call.
    if (lines.length > 0)
      streams.stderr.write(lines.map((line) => `${tame(hideSecrets(line), looks.err)}\n`).join(''));
  };
  return {
    out,
    err,
    width: streams.stdout.isTTY === true ? streams.stdout.columns : undefined,
    settle,
    size: () =>
      redraw && !how.quiet && !how.json
        ? { width: streams.stderr.columns || 80, height: streams.stderr.rows ?? 24 }
        : 'none',
    frame: (lines) => {
      const text = lines.map((line) => `${tame(hideSecrets(line), looks.err)}\x1b[K`).join('\r\n');
      streams.stderr.write(`${framed ? '' : '\x1b[?1049h\x1b[?25l'}\x1b[H${text}\x1b[J`);
      framed = true;
    },
    tame: (text) => tame(hideSecrets(text), looks.err),
    print: (...lines) => {
      settle();
      if (!how.json)
        streams.stdout.write(lines.map((line) => `${tame(hideSecrets(line), looks.out)}\n`).join(''));
      // Nobody agrees to a diff that was not shown: with --json it stands beside the question.
      else if (how.asks) say(...lines);
    },
    say: (...lines) => {
      if (!how.quiet) say(...lines);
    },
    tell: (event) => {
      if (how.quiet || how.json) return;
      const said = sayEvent(event, how.verbose, err);
      if (said === undefined) return;
      if (!said.passing) {
        say(said.text);
        return;
      }
      if (redraw) {
        const text = tame(hideSecrets(said.text), looks.err).slice(0, (streams.stderr.columns || 80) - 1);
        streams.stderr.write(`\r\x1b[K${text}`);
        drawn = true;
      } else if (how.clock() - lastWait >= 10_000) {
        lastWait = how.clock();
        say(said.text);
      }
    },
  };
}

function sayEvent(
  event: Event,
  verbose: boolean,
  theme: Theme,
): { text: string; passing: boolean } | undefined {
  switch (event.code) {
    case 'step':
      return { text: `  ${theme.mark.arrow} ${doing(event['step'] as Step)}`, passing: false };
    case 'undo':
      return { text: `  ${theme.mark.arrow} put back: ${doing(event['step'] as Step)}`, passing: false };
    case 'waiting': {
      const at = (event['doing'] as readonly (Doing & { pid: number })[]).map(sayDoing).join('; ');
      return {
        text: `  waiting for PID ${(event['pids'] as number[]).join(', ')} to end (${event['seconds']} s of ${event['grace']} s)${at === '' ? '' : `: ${at}`}`,
        passing: true,
      };
    }
    case 'confined':
      return {
        text: `    Only the processes of this container (PID namespace) can be seen: instances of ${event['script']} outside of it are not stopped.`,
        passing: false,
      };
    case 'locked-out':
      return {
        text: `  waiting for PID ${event['pid']} (${event['command']} of ${event['who']}) to end (${event['seconds']} s of ${event['grace']} s)`,
        passing: true,
      };
    case 'family':
      return {
        text: `    PID ${event['pid']} (process group ${event['group']}) has started ${sayChildren(event['children'] as Doing['children'])}`,
        passing: false,
      };
    case 'left-running':
      return {
        text: `    PID ${event['pid']} (${event['name']}), started by PID ${event['of']}, still runs${event['shares'] ? ' and keeps a connection of it open' : ''}. It is left alone: end it yourself if it is not wanted.`,
        passing: false,
      };
    case 'looking':
      return { text: '  looking at the crontabs', passing: true };
    case 'planning':
      return { text: '  working out what would be changed', passing: true };
    case 'asking':
      return { text: `  asking Plesk: ${event['what']}`, passing: true };
    case 'reading':
      return { text: `  ${event['done']} of ${event['all']} crontabs read`, passing: true };
    case 'watching':
      return {
        text: `  watching: ${event['ticks']} tick(s) seen${event['next'] ? `, next in ${sayDuration(event['next'] as number)}` : ''}`,
        passing: true,
      };
    case 'signalled':
      return verbose
        ? { text: `    ${event['signal']} to PID ${event['pid']}: ${event['said']}`, passing: false }
        : undefined;
    default:
      return undefined;
  }
}

const states: Readonly<Record<string, string>> = {
  R: 'computing',
  S: 'sleeping',
  D: 'waiting for a disk',
  T: 'stopped',
  t: 'stopped by a debugger',
};

function sayDoing({ pid, state, cpu, children }: Doing & { pid: number }): string {
  const started = children.length === 0 ? '' : `, has started ${sayChildren(children)}`;
  return `${pid} is ${states[state] ?? state} after ${cpu.toFixed(1)} s of processor time${started}`;
}

function sayChildren(children: Doing['children']): string {
  return children.map(({ pid, name }) => `${pid} (${name})`).join(', ');
}

function doing(step: Step): string {
  switch (step.kind) {
    case 'make-directory':
      return `make ${step.path}`;
    case 'remove-directory':
      return `remove ${step.path} if it is empty`;
    case 'put-file':
      return step.after === 'absent' ? `remove ${step.path}` : `write ${step.path}`;
    case 'put-crontab':
      return `replace ${targetOf(step)}`;
    case 'put-task':
      return `change ${targetOf(step)}`;
    case 'stop-process':
      return `stop lock-less instances of ${step.script}`;
  }
}
