// The built program as people meet it: started in a pipe or in a real terminal, on crontab files of its own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { faultsOf } from '../support/schemas.ts';

export const root = join(import.meta.dirname, '../..');
export const bin = join(root, 'bin/cronlatch.js');
if (!existsSync(join(root, 'dist/main.js'))) throw new Error('Build first: npm run build');

export const hasPhp = spawnSync('php', ['-v']).status === 0;
export const hasTmux = spawnSync('tmux', ['-V']).status === 0;
export const hasFlock = spawnSync('flock', ['--version']).status === 0;
/** ESC: what no plain stream may carry. */
export const ESC = '\x1b';

const made: string[] = [];
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

/** A new directory that is removed when the file's tests are over. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'cronlatch-terminal-'));
  made.push(directory);
  return directory;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

export interface How {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** 'open' is a pipe that nobody writes to and nobody closes; a text is piped in and the pipe closed. */
  readonly stdin?: 'closed' | 'open' | { readonly text: string };
  readonly bin?: string;
}

/** An environment that says nothing of who runs the tests. */
export function plainEnv(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LANG: 'C.UTF-8', TERM: 'xterm', ...more };
}

/** Starts cronlatch and hands out the child, for tests that signal it. */
export function begin(
  args: readonly string[],
  how: How = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const started = performance.now();
  const child = spawn(process.execPath, [how.bin ?? bin, ...args], {
    cwd: how.cwd ?? tmpdir(),
    env: plainEnv(how.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const seen = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen.err += text;
  });
  child.stdin.on('error', () => {});
  if (typeof how.stdin === 'object') child.stdin.end(how.stdin.text);
  else if (how.stdin !== 'open') child.stdin.end();
  const ended = new Promise<Ended>((done) => {
    child.on('close', (code, signal) => {
      child.stdin.destroy();
      done({ code, signal, ...seen, ms: performance.now() - started });
    });
  });
  return { child, ended };
}

/** Runs cronlatch to its end. */
export function run(args: readonly string[], how: How = {}): Promise<Ended> {
  return begin(args, how).ended;
}

/** Output without the times in it: a minute may pass between two runs. */
export function timeless(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

/** The one document on standard output. */
export function json(ended: Ended): Record<string, unknown> & {
  schema: number;
  outcome: { is: string; exit: number; code?: string };
} {
  const document = JSON.parse(ended.out);
  // Whatever way a command ends, its document is one that is promised.
  expect(faultsOf(document)).toEqual([]);
  return document;
}

const nodeWorker = `import { argv } from 'node:process';
if (!argv.includes('--once')) setInterval(() => {}, 1000);
`;
const phpWorker = `<?php
declare(strict_types=1);
$once = in_array('--once', $argv, true);
do { usleep(1000); } while (!$once);
`;

export interface Site {
  readonly directory: string;
  readonly tab: string;
  readonly script: string;
  readonly state: string;
  /** What every command line on this site begins with. */
  readonly on: readonly string[];
  readonly stateFlags: readonly string[];
  /** The line number of the worker's entry. */
  readonly line: number;
  read(): Buffer;
  write(bytes: string | Buffer): void;
}

/** A site with one lock-less worker and a crontab file that no cron reads. HOME is the site's own. */
export function site(kind: 'node' | 'php' = 'node', crontab = defaultCrontab): Site {
  const directory = scratch();
  mkdirSync(join(directory, 'scripts'));
  const name = kind === 'php' ? 'worker.php' : 'worker.mjs';
  const script = join(directory, 'scripts', name);
  writeFileSync(script, kind === 'php' ? phpWorker : nodeWorker, { mode: 0o750 });
  const tab = join(directory, 'crontab');
  const interpreter =
    kind === 'php' ? spawnSync('which', ['php']).stdout.toString().trim() : process.execPath;
  const entry = `*/2 * * * * cd ${directory} && ${interpreter} scripts/${name}`;
  const text = crontab(directory, entry);
  writeFileSync(tab, text, { mode: 0o640 });
  // Old, and not on a whole second: what a rollback has to bring back.
  for (const path of [script, tab]) spawnSync('touch', ['-d', '2024-02-03 04:05:06.123456789', path]);
  const state = join(directory, 'state');
  const bytes = typeof text === 'string' ? text : text.toString('latin1');
  return {
    directory,
    tab,
    script,
    state,
    on: ['--file', tab, '--state-dir', state],
    stateFlags: ['--state-dir', state],
    line: bytes.slice(0, bytes.indexOf('*/2')).split('\n').length,
    read: () => readFileSync(tab),
    write: (content) => writeFileSync(tab, content),
  };
}

function defaultCrontab(directory: string, entry: string): string | Buffer {
  return `# jobs of the site\nHOME=${directory}\n${entry}\n17 3 * * * /usr/bin/true\n`;
}

export function deploy(at: Site, ...more: readonly string[]): Promise<Ended> {
  return run(['deploy', ...at.on, '--all', '--ci', ...more]);
}

export function rollback(at: Site, ...more: readonly string[]): Promise<Ended> {
  return run(['rollback', ...at.stateFlags, '--ci', ...more]);
}

/** Everything below a directory: bytes, mode, owner and mtime to the nanosecond. `without` is left out. */
export function snapshot(directory: string, without: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    if (without.some((w) => name === w || name.startsWith(`${w}/`))) continue;
    const path = join(directory, name);
    const look = lstatSync(path, { bigint: true });
    const head = `${look.mode.toString(8)} ${look.uid}:${look.gid}`;
    // A directory's own time moves with every temporary file in it.
    found[name] = look.isFile() ? `${head} ${look.mtimeNs} ${readFileSync(path).toString('base64')}` : head;
  }
  return found;
}

/** Waits for a condition, never for a time. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limit = 20_000,
): Promise<void> {
  const end = Date.now() + limit;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** Was it said in at most four lines, ending with its code? */
export function expectProblem(ended: Ended, code: string, exit: number): void {
  expect(ended.err.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`\\[${code}\\]$`));
  expect(ended.err).not.toMatch(/^\s+at /m);
  expect(ended.code).toBe(exit);
}

let sockets = 0;

/** A real terminal of 80 by 24, on a tmux server of its own. */
export class Terminal {
  readonly #socket = `cronlatch-test-${process.pid}-${++sockets}`;
  readonly #directory = scratch();

  #tmux(...args: string[]): string {
    const ran = spawnSync('tmux', ['-L', this.#socket, ...args], {
      encoding: 'utf8',
      env: { ...plainEnv(), TERM: 'xterm-256color' },
    });
    if (ran.status !== 0) throw new Error(`tmux ${args[0]}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** Starts a shell line in it; `$CRONLATCH` is the program. Its exit code is in `exit()` when it ends. */
  start(line: string, env: Readonly<Record<string, string>> = {}): void {
    const script = join(this.#directory, 'line.sh');
    const said = Object.entries(plainEnv({ TERM: 'xterm-256color', ...env })).map(([k, v]) => `${k}='${v}'`);
    writeFileSync(
      script,
      `cronlatch() { env -i ${said.join(' ')} '${process.execPath}' '${bin}' "$@"; }\n${line}\necho "$?" > '${this.#directory}/exit.new'\nmv '${this.#directory}/exit.new' '${this.#directory}/exit'\nexec sleep 60\n`,
    );
    this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', `sh ${script}`);
  }

  keys(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** All that was shown, scrolled lines too. */
  screen(): string {
    return this.#tmux('capture-pane', '-p', '-J', '-S', '-500');
  }

  colours(): string {
    return this.#tmux('capture-pane', '-p', '-e', '-S', '-500');
  }

  cursorShown(): boolean {
    return this.#tmux('display-message', '-p', '#{cursor_flag}').trim() === '1';
  }

  async shows(text: string | RegExp, limit = 20_000): Promise<void> {
    try {
      await until(
        `on the screen: ${text}`,
        () => (typeof text === 'string' ? this.screen().includes(text) : text.test(this.screen())),
        limit,
      );
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.screen()}`);
    }
  }

  async exit(): Promise<number> {
    const path = join(this.#directory, 'exit');
    try {
      await until('the program ended', () => existsSync(path));
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.screen()}`);
    }
    return Number(readFileSync(path, 'utf8'));
  }

  close(): void {
    spawnSync('tmux', ['-L', this.#socket, 'kill-server']);
  }
}

/** Does something in a terminal and closes it, whatever comes. */
export async function inTerminal(act: (terminal: Terminal) => Promise<void>): Promise<void> {
  const terminal = new Terminal();
  try {
    await act(terminal);
  } finally {
    terminal.close();
  }
}

/** Takes what each list of the wizard offers, until one comes that Enter alone does not answer with yes. */
export async function enterThrough(terminal: Terminal): Promise<void> {
  for (let answered = 0; ; answered++) {
    const asks = (): boolean => {
      const screen = terminal.screen();
      const done = screen.match(/^✔ (?!\S+ {2}\S)/gm)?.length ?? 0;
      return done >= answered && /Enter takes it|Enter goes on|\(y\/N\)/.test(screen);
    };
    await until('the next question', asks);
    if (terminal.screen().includes('(y/N)')) return;
    terminal.keys('Enter');
  }
}
