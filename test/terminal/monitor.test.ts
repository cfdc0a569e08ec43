// The watch as people meet it: on a terminal that changes its size, in a pipe, in the background, killed and taken up again.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { begin, ESC, hasTmux, inTerminal, json, run, type Site, site, until } from './harness.ts';

const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

const watched = (at: Site, ...more: string[]): string[] => [
  'monitor',
  ...at.on,
  '--script',
  at.script,
  '--without',
  'database',
  ...more,
];
const records = (at: Site): string => {
  const directory = join(at.state, 'watches');
  const name = existsSync(directory)
    ? readdirSync(directory).find((one) => one.endsWith('.jsonl'))
    : undefined;
  return name === undefined ? '' : join(directory, name);
};
const samples = (at: Site): number =>
  records(at) === '' ? 0 : (readFileSync(records(at), 'utf8').match(/"is":"sample"/g) ?? []).length;

/** An instance of the site's worker that stays. */
function instance(at: Site): ChildProcess {
  const child = spawn(process.execPath, [at.script], { cwd: at.directory, stdio: 'ignore' });
  children.push(child);
  return child;
}

describe.skipIf(!hasTmux)('on a terminal', () => {
  test('a screen that fits, follows the terminal’s size, shows an incident, and gives the terminal back', async () => {
    const at = site();
    await inTerminal(async (terminal) => {
      terminal.start(`trap : INT; cronlatch ${watched(at, '--for', '1h').join(' ')}`);
      await terminal.shows(/^cronlatch {2}✔ no violation +\d+ s of 1 h/m);
      await terminal.shows('Instances    0 now');
      expect(terminal.cursorShown()).toBe(false);
      const first = instance(at);
      const second = instance(at);
      await terminal.shows(/✖ VIOLATION since \d\d:\d\d:\d\d/);
      await terminal.shows(new RegExp(`2 instances at once \\(PID ${first.pid}, ${second.pid}\\), goes on`));
      first.kill('SIGKILL');
      await terminal.shows(/2 instances at once .*, for \d+ s/);
      terminal.resize(120, 30);
      await terminal.shows(/^cronlatch {2}.{90,118}left$/m);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
      await terminal.shows(/Watched for \d+ s of 1 h, until it was interrupted/);
      expect(terminal.cursorShown()).toBe(true);
      expect(terminal.screen()).not.toContain('Ctrl-C ends it');
    });
  });

  test('in ASCII, and with NO_COLOR in plain lines', async () => {
    const at = site();
    await inTerminal(async (terminal) => {
      terminal.start(`trap : INT; cronlatch ${watched(at, '--for', '1h').join(' ')}`, {
        LANG: 'C',
        LC_ALL: 'C',
      });
      await terminal.shows('cronlatch  ok no violation');
      expect(terminal.screen()).toMatch(/^[\n -~]*$/);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
    });
    const other = site();
    await inTerminal(async (terminal) => {
      terminal.start(`trap : INT; cronlatch ${watched(other, '--for', '1h').join(' ')}`, { NO_COLOR: '1' });
      await terminal.shows('Watching');
      await until('it watches', () => samples(other) > 1);
      terminal.keys('C-c');
      expect(await terminal.exit()).toBe(130);
      await terminal.shows('not everything could be measured');
      expect(terminal.colours()).not.toContain(ESC);
    });
  });
});

describe('in a pipe', () => {
  test('lines without control characters; an incident at once; --fail-fast ends with 3 and a report', async () => {
    const at = site();
    const report = join(at.directory, 'report.json');
    const { child, ended } = begin(watched(at, '--for', '1h', '--fail-fast', '--report', report));
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    await until('it watches', () => samples(at) > 1);
    instance(at);
    instance(at);
    const done = await ended;
    expect(done.code).toBe(3);
    expect(said).toMatch(/^\d\d:\d\d:\d\d ✖ 2 instances at once \(PID \d+, \d+\), goes on$/m);
    expect(done.err + done.out).not.toContain(ESC);
    expect(done.out).toContain('until the first violation (--fail-fast)');
    const written = JSON.parse(readFileSync(report, 'utf8')) as { firstViolation: { kind: string } };
    expect(written.firstViolation.kind).toBe('two-instances');
    expect(statSync(report).mode & 0o777).toBe(0o600);
    expect(statSync(records(at)).mode & 0o777).toBe(0o600);
    for (const one of children.splice(0)) one.kill('SIGKILL');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: one document of JSON with what was seen, exit %i', async (signal, code) => {
    const at = site();
    const { child, ended } = begin(watched(at, '--for', '1h', '--json'));
    await until('it watches', () => samples(at) > 1);
    child.kill(signal);
    const done = await ended;
    expect(done.code).toBe(code);
    const said = json(done) as ReturnType<typeof json> & {
      watch: { ended: string; samples: { taken: number } };
    };
    expect(said.outcome.exit).toBe(code);
    expect(said.watch.ended).toBe(signal);
    expect(said.watch.samples.taken).toBeGreaterThan(1);
  });

  test('killed, it has lost nothing but the moment; --status says so, --resume goes on', async () => {
    const at = site();
    const { child, ended } = begin(watched(at, '--for', '10s'));
    await until('it watches', () => samples(at) > 2);
    const before = samples(at);
    child.kill('SIGKILL');
    await ended;
    expect(samples(at)).toBeGreaterThanOrEqual(before);
    const status = await run(['monitor', '--status', '--json', ...at.stateFlags]);
    const [id = ''] = /[\d-]+-watch/.exec(records(at)) ?? [];
    expect(json(status)).toMatchObject({ state: 'cut-off', watch: { id } });
    const again = await run(['monitor', '--resume', id, '--without', 'database', '--json', ...at.stateFlags]);
    const said = json(again) as ReturnType<typeof json> & {
      watch: { ended: string; samples: { taken: number; planned: number }; gaps: { why: string }[] };
    };
    expect(said.watch).toMatchObject({ ended: 'time', samples: { planned: 10 } });
    expect(said.watch.samples.taken).toBeGreaterThan(before);
    expect(again.code).toBe(6);
  });

  test('in the background: it begins, --status sees it, --stop ends it', async () => {
    const at = site();
    const begun = await run(watched(at, '--for', '1h', '--background', '--json'));
    expect(begun.err).toBe('');
    const { id, pid } = json(begun) as unknown as { id: string; pid: number };
    try {
      expect(begun.code).toBe(0);
      await until('it watches', () => samples(at) > 1);
      const status = await run(['monitor', '--status', '--json', ...at.stateFlags]);
      expect(json(status)).toMatchObject({ state: 'running', pid, watch: { id } });
      expect(status.code).toBe(0);
      const refused = await run(['monitor', '--resume', id, ...at.stateFlags]);
      expect(refused.err).toContain(`is still going on (PID ${pid})`);
      const stopped = await run(['monitor', '--stop', '--json', ...at.stateFlags]);
      expect(json(stopped)).toMatchObject({ state: 'over', watch: { id, ended: 'SIGTERM' } });
      const none = await run(['monitor', '--stop', ...at.stateFlags]);
      expect(none.code).toBe(2);
    } finally {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
  });

  test('a background that cannot begin says why at once', async () => {
    const at = site();
    const failed = await run(['monitor', ...at.on, '--script', 'nothing.mjs', '--background']);
    expect(failed.code).toBe(2);
    expect(failed.err).toContain('The watch did not begin.');
  });
});

test('a service is told of the beginning and of a violation, and its address is not printed', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('OK');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const at = site();
    instance(at);
    instance(at);
    const url = `http://127.0.0.1:${port}/secret-uuid`;
    const done = await run(watched(at, '--for', '1h', '--fail-fast', '--ping-url', url));
    expect(done.code).toBe(3);
    expect(asked).toEqual(['/secret-uuid/start', '/secret-uuid/fail']);
    expect(done.out + done.err).not.toContain('secret-uuid');
  } finally {
    server.close();
  }
});
