// argv in, exit code out: the one file that knows `process`, and the only one that builds a Server.
import { fstatSync, readFileSync, realpathSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path/posix';
import { readAnswers } from './ask/config.ts';
import { answer, consent, type Surroundings, seconds, settle } from './ask/settle.ts';
import { help } from './cli/help.ts';
import { asksForJson, flagNames, type Line, readLine } from './cli/line.ts';
import type { Context, Interrupts, Result } from './commands/context.ts';
import { type ExitCode, Problem, reasonOf, words as wordsOf } from './problem.ts';
import type { Screen } from './show/screen.ts';
import { letters, looksOf, unicodeOf } from './show/theme.ts';

/**
 * One of our two outputs, written synchronously: a stream of Node's costs milliseconds of every start and reports its
 * errors at odd moments. Who reads it may go away (| head, a closed terminal, a full disk). That must not end a deploy
 * half-way, so it falls silent then and the work goes on to its own end.
 */
function output(fd: 1 | 2): {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
} {
  let gone = false;
  return {
    isTTY: isTerminal(fd),
    get columns() {
      return (fd === 1 ? process.stdout : process.stderr).columns || 80;
    },
    get rows() {
      return (fd === 1 ? process.stdout : process.stderr).rows ?? 24;
    },
    write: (text) => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length && !gone; ) {
        try {
          at += writeSync(fd, bytes, at);
        } catch (error) {
          // Somebody who shares the terminal or pipe has made it non-blocking: wait until there is room.
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN')
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          else gone = true;
        }
      }
    },
  };
}

/** Files, pipes and /dev/null are told apart without node:tty, which brings all of node:net. */
function isTerminal(fd: 0 | 1 | 2): boolean {
  try {
    const stat = fstatSync(fd);
    // Major 1 is /dev/null and its like (devices.txt of the kernel).
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === 1) return false;
    return process.getBuiltinModule('node:tty').isatty(fd);
  } catch {
    return false; // closed
  }
}

const out = output(1);
const err = output(2);

const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 } as const;

/** Runs one command line to its exit code. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const words = argv.slice(0, argv.includes('--') ? argv.indexOf('--') : argv.length);
  const wantsJson = asksForJson(words);
  const debug = words.includes('--debug');
  let command = 'cronlatch';
  try {
    const line = readLine(argv);
    command = line.command;
    if (line.command === 'help') {
      out.write(letters(help(line.about), unicodeOf(process.env)));
      return 0;
    }
    if (line.command === 'version') {
      out.write(`${__VERSION__}\n`);
      return 0;
    }
    const result = await run(line as Line, debug);
    if (wantsJson) out.write(await document(result.json));
    else if (result.document !== undefined) out.write(await document(result.document));
    return result.exit;
  } catch (error) {
    return failed(error, command, wantsJson, debug);
  }
}

async function run(line: Line, debug: boolean): Promise<Result> {
  await refuseStrangersConfig(line);
  const around = surroundings(line);
  const settings = settle(line, around);
  const agreed = consent(line, around);
  const { localServer } = await import('./server/local.ts');
  const { makeScreen } = await import('./show/screen.ts');
  const plain = isPlain(line, around);
  const colors = { color: line.flags['color'] === true, noColor: plain || line.flags['no-color'] === true };
  const verbose = line.flags['verbose'] === true || debug;
  const screen = await makeScreen(
    { stdout: out, stderr: err },
    { out: looksOf(out, process.env, colors), err: looksOf(err, process.env, colors) },
    {
      quiet: line.flags['quiet'] === true,
      json: line.flags['json'] === true || line.flags['format'] === 'markdown',
      asks: agreed.prompts && !agreed.given,
      verbose,
      clock: Date.now,
    },
  );
  if (debug) await showSources(line, around, screen.say);
  // Made when it is first asked for: setting one up takes Node longer than reading a crontab.
  let stop: AbortController | undefined;
  let asking = false;
  const stopping = () => (stop ??= new AbortController());
  const ctx: Context = {
    server: localServer(pleskTime(line, around)),
    settings,
    line,
    around,
    consent: agreed,
    screen,
    ask: async () => {
      const surface = {
        stop: stopping().signal,
        theme: screen.err,
        tame: screen.tame,
        // What is said at a question is part of it: --quiet is about progress.
        say: (...lines: readonly string[]) => err.write(lines.map((one) => `${screen.tame(one)}\n`).join('')),
        columns: () => err.columns,
        open: (isOpen: boolean) => {
          asking = isOpen;
        },
      };
      screen.settle();
      if (plain || process.env['TERM'] === 'dumb')
        return (await import('./ask/plainPrompter.ts')).plainPrompter(surface);
      return (await import('./ask/prompter.ts')).terminalPrompter(surface);
    },
    interrupts: interrupts(
      line.command,
      screen,
      (name) => stopping().abort(name),
      () => asking,
    ),
    version: __VERSION__,
    verbose,
  };
  try {
    return await dispatch(ctx);
  } finally {
    screen.settle();
  }
}

/** Nothing is redrawn, and questions are lines: for screen readers. */
function isPlain(line: Line, around: Surroundings): boolean {
  const { value } = answer(line, around, 'plain');
  return value === true || value === '1' || value === 'true' || value === 'yes';
}

/** How long Plesk may take for one answer. */
function pleskTime(line: Line, around: Surroundings): { readonly pleskPatience?: number } {
  const { value } = answer(line, around, 'plesk-timeout');
  return typeof value === 'string' ? { pleskPatience: seconds(value, '--plesk-timeout') * 1000 } : {};
}

async function dispatch(ctx: Context): Promise<Result> {
  switch (ctx.line.command) {
    case 'wizard':
      return (await import('./commands/wizard.ts')).wizard(ctx);
    case 'scan':
      return (await import('./commands/scan.ts')).scan(ctx);
    case 'deploy':
      return (await import('./commands/deploy.ts')).deploy(ctx);
    case 'verify':
      return (await import('./commands/verify.ts')).verifyDeployment(ctx);
    case 'rollback':
      return (await import('./commands/rollback.ts')).rollback(ctx);
    case 'lock':
      return (await import('./commands/lock.ts')).lock(ctx);
    case 'connections':
      return (await import('./commands/connections.ts')).connections(ctx);
    case 'monitor':
      return (await import('./commands/monitor.ts')).monitor(ctx);
    case 'history':
      return (await import('./commands/history.ts')).history(ctx);
    case 'export':
      return (await import('./commands/export.ts')).exportAnsible(ctx);
    case 'report':
      return (await import('./commands/fleetReport.ts')).reportFleet(ctx);
    case 'completion':
      return (await import('./commands/completion.ts')).completion(ctx);
    case 'sandbox':
      return (await import('./commands/sandbox.ts')).sandbox(ctx, (clock) =>
        import('./server/local.ts').then((m) => m.localServer({ clock })),
      );
  }
}

function surroundings(line: Line): Surroundings {
  const path = line.flags['config'];
  const { shared, workers } =
    typeof path === 'string' ? readAnswers(path, readConfig(path), flagNames()) : { shared: {}, workers: [] };
  return {
    env: process.env,
    cwd: workingDirectory(),
    root: process.geteuid?.() === 0,
    home: process.env['HOME'] ?? '/',
    terminal: isTerminal(0) && err.isTTY,
    // Looked up only when it is asked for: a link to the program may lie anywhere.
    get templates() {
      return join(dirname(realpathSync(process.argv[1] ?? '')), '../templates');
    },
    get program() {
      return [process.execPath, realpathSync(process.argv[1] ?? ''), ...process.argv.slice(2)];
    },
    config: shared,
    workers,
  };
}

/** Who can write the answers says whose crontab runs what: root takes them from nobody else's hands. */
async function refuseStrangersConfig(line: Line): Promise<void> {
  const path = line.flags['config'];
  if (typeof path !== 'string' || process.geteuid?.() !== 0) return;
  const { localServer } = await import('./server/local.ts');
  const { refuseUntrusted } = await import('./commands/trust.ts');
  await refuseUntrusted(localServer(), resolve(workingDirectory(), path));
}

/** The directory may have been removed under us. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

function readConfig(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem(
      'usage',
      { what: `Cannot read the config file ${path}: ${reasonOf(error)}.` },
      { cause: error },
    );
  }
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return json as Record<string, unknown>;
    throw new Error('it is not an object');
  } catch (error) {
    throw new Problem(
      'usage',
      { what: `The config file ${path} is not JSON of the kind wanted: ${reasonOf(error)}.` },
      { cause: error },
    );
  }
}

async function showSources(
  line: Line,
  around: Surroundings,
  say: (...lines: string[]) => void,
): Promise<void> {
  for (const name of flagNames()) {
    const { value, from } = answer(line, around, name);
    // The address of a watchdog lets everybody ping it who knows it.
    const shown = name === 'ping-url' ? '***' : String(value);
    if (from !== 'nowhere') say(`answer: ${name} = ${shown} (${from})`);
  }
}

/** Outside of critical work a signal ends us at once; inside, the first is heard and the second ends us. */
function interrupts(
  command: Line['command'],
  screen: Pick<Screen, 'say' | 'settle'>,
  stopAsking: (signal: string) => void,
  isAsking: () => boolean,
): Interrupts {
  let critical = 0;
  const inTheMiddle =
    command === 'monitor'
      ? 'Stopped at once. What was seen is kept: cronlatch monitor --status'
      : 'Stopped in the middle. The journal says where: cronlatch history';
  let first: 'no' | 'SIGINT' | 'SIGTERM' = 'no';
  // A scan writes nothing: the signal's own action ends it as well, and a shell says 130 or 143 all the same.
  if (command === 'scan') return { heard: () => first, guard: (act) => act() };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // At a question nothing is under way: it ends, and says so.
      if (critical === 0 && isAsking()) {
        err.write('\n');
        stopAsking(name);
        return;
      }
      if (critical === 0 || first !== 'no') {
        screen.settle();
        err.write(critical === 0 ? '\n' : `\n${inTheMiddle}\n`);
        process.exit(signals[name]);
      }
      // A terminal that went away is like being told to end: the work is brought to a safe point first.
      first = name === 'SIGINT' ? name : 'SIGTERM';
      const what = command === 'monitor' ? 'Ending the watch…' : 'Stopping after this step…';
      screen.say('', `${what} (Ctrl-C again to stop now)`);
      stopAsking(name);
    });
  }
  return {
    heard: () => first,
    guard: async (act) => {
      critical++;
      try {
        return await act();
      } finally {
        critical--;
      }
    },
  };
}

/** The one document of --json or --format. It may end up in anybody's build log: passwords in commands and texts are not in it. */
async function document(json: unknown): Promise<string> {
  const { hideSecrets } = await import('./command/secrets.ts');
  if (typeof json === 'string') return hideSecrets(json);
  const hide = (_: string, value: unknown): unknown =>
    typeof value === 'string' ? hideSecrets(value) : value;
  return `${JSON.stringify(json, hide, 2)}\n`;
}

async function failed(error: unknown, command: string, json: boolean, debug: boolean): Promise<ExitCode> {
  const { hideSecrets } = await import('./command/secrets.ts');
  const expected = error instanceof Problem;
  const exit: ExitCode = expected ? error.exit : 1;
  const message = expected ? wordsOf(error) : [`An error nobody expected: ${reasonOf(error)}`];
  if (json) {
    const outcome = {
      is: 'problem',
      exit,
      code: expected ? error.code : 'unexpected',
      message,
      ...(expected ? { args: error.args } : {}),
    };
    out.write(await document({ schema: 1, command, outcome }));
  }
  for (const line of message) err.write(`${letters(hideSecrets(line), unicodeOf(process.env))}\n`);
  if (!expected) {
    err.write(
      `${error instanceof Error ? hideSecrets(error.stack ?? '') : ''}\ncronlatch ${__VERSION__}, Node ${process.version}. Please report this with the lines above.\n`,
    );
  } else if (debug) {
    for (let cause = error.cause; cause !== undefined; cause = (cause as Error).cause)
      err.write(hideSecrets(`caused by: ${cause instanceof Error ? cause.stack : String(cause)}\n`));
  }
  return exit;
}

process.exitCode = 1;
main(process.argv.slice(2)).then((exit) => {
  process.exitCode = exit;
});
