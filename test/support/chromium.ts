// A real browser for pages of ours: Debian's Chromium without a screen, spoken to over a pipe. It gets no network.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Its program; 'absent' where there is none. */
export function chromiumProgram(): string {
  for (const name of names)
    if (spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).status === 0) return name;
  return 'absent';
}

type Params = Readonly<Record<string, unknown>>;

export interface Page {
  /** A command of the DevTools protocol. */
  send(method: string, params?: Params): Promise<Record<string, never>>;
  /** What an expression in the page comes to. */
  run<T>(expression: string): Promise<T>;
  /** Opens a file and waits until it is there. */
  open(path: string): Promise<void>;
  /** Events since the last `open`, by their names. */
  readonly events: readonly { readonly method: string; readonly params: Record<string, never> }[];
}

export interface Browser {
  page(): Promise<Page>;
  close(): Promise<void>;
}

/** Begins one with a profile of its own. */
export function startChromium(program: string): Browser {
  const profile = mkdtempSync(join(tmpdir(), 'cronlatch-chromium-'));
  const child: ChildProcess = spawn(
    program,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...['--disable-extensions', '--disable-features=Translate,OptimizationHints,MediaRouter'],
      // Whoever asks for a name gets none.
      ...['--host-resolver-rules=MAP * ~NOTFOUND', '--hide-scrollbars', '--remote-debugging-pipe'],
      `--user-data-dir=${profile}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] },
  );
  const over = new Promise<void>((done) => child.once('close', () => done()));
  const wire = wireOf(child.stdio[3] as Writable, child.stdio[4] as Readable);
  child.once('close', () => wire.fail(new Error('Chromium has ended')));
  child.once('error', (error) => wire.fail(error));
  return {
    async page() {
      const { targetId } = await wire.send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await wire.send('Target.attachToTarget', { targetId, flatten: true });
      return pageOf(wire, String(sessionId));
    },
    async close() {
      await wire.send('Browser.close').catch(() => child.kill('SIGKILL'));
      await over;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Record<string, never>;
  readonly result?: Record<string, never>;
  readonly error?: { readonly message: string };
}

interface Wire {
  send(method: string, params?: Params, sessionId?: string): Promise<Record<string, never>>;
  listen(ear: (message: Message) => void): void;
  fail(error: Error): void;
}

/** One JSON document after the other, a zero byte between them. */
function wireOf(out: Writable, into: Readable): Wire {
  const waiting = new Map<
    number,
    { done: (result: Record<string, never>) => void; failed: (e: Error) => void }
  >();
  const ears: ((message: Message) => void)[] = [];
  let last = 0;
  let rest = '';
  let broken: Error | undefined;
  out.on('error', () => undefined);
  into.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      const one = waiting.get(message.id ?? 0);
      if (one === undefined) for (const ear of ears) ear(message);
      else {
        waiting.delete(message.id ?? 0);
        if (message.error === undefined) one.done(message.result ?? {});
        else one.failed(new Error(message.error.message));
      }
    }
  });
  return {
    send(method, params = {}, sessionId) {
      if (broken !== undefined) return Promise.reject(broken);
      const id = ++last;
      out.write(
        `${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`,
      );
      return new Promise((done, failed) => waiting.set(id, { done, failed }));
    },
    listen: (ear) => ears.push(ear),
    fail(error) {
      broken = error;
      for (const one of waiting.values()) one.failed(error);
      waiting.clear();
    },
  };
}

async function pageOf(wire: Wire, session: string): Promise<Page> {
  const events: { method: string; params: Record<string, never> }[] = [];
  let loaded: () => void = () => undefined;
  wire.listen(({ method, params, sessionId }) => {
    if (sessionId !== session || method === undefined) return;
    events.push({ method, params: params ?? {} });
    if (method === 'Page.loadEventFired') loaded();
  });
  const send: Page['send'] = (method, params) => wire.send(method, params, session);
  for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'DOM', 'CSS', 'Accessibility'])
    await send(`${domain}.enable`);
  return {
    send,
    events,
    async run<T>(expression: string) {
      const { result, exceptionDetails } = (await send('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      })) as { result?: { value?: T }; exceptionDetails?: { text: string } };
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
      return result?.value as T;
    },
    async open(path) {
      events.length = 0;
      const load = new Promise<void>((done) => {
        loaded = done;
      });
      await send('Page.navigate', { url: `file://${path}` });
      await load;
    },
  };
}
