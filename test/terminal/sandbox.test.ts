// npm start: the incident and its cure, counted from /proc, and nothing left behind, also after Ctrl-C.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/cron.ts';

const cli = resolve(import.meta.dirname, '../../bin/cronlatch.js');
const php = spawnSync('sh', ['-c', 'command -v php']).status === 0;
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cronlatch-test-sandbox-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function start(
  tmp: string,
  path: string,
): { child: ChildProcess; out: () => string; ended: Promise<{ code: number | null }> } {
  const child = spawn(process.execPath, [cli, 'sandbox'], {
    env: { PATH: path, TMPDIR: tmp, NO_COLOR: '1', LANG: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout?.on('data', (d: Buffer) => (text += d.toString()));
  child.stderr?.on('data', (d: Buffer) => (text += d.toString()));
  return {
    child,
    out: () => text,
    ended: new Promise((done) => child.on('close', (code) => done({ code }))),
  };
}

/** Processes whose command line or directory names the sandbox's place. */
function leftOf(tmp: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${tmp}/`);
    } catch {
      return false;
    }
  });
}

describe.concurrent('the sandbox', () => {
  test.skipIf(!php)(
    'with PHP: two or more before, never more than one after, nothing left',
    { timeout: 120_000 },
    async () => {
      const tmp = join(scratch, 'php');
      mkdirSync(tmp);
      const { ended, out } = start(tmp, process.env['PATH'] ?? '');
      expect((await ended).code, out()).toBe(0);
      const [, before, after] =
        /: (\d+) instances at once before, never more than (\d+) after/.exec(out()) ?? [];
      expect(Number(before)).toBeGreaterThanOrEqual(2);
      expect(Number(after)).toBe(1);
      expect(out()).toMatch(/database: (a MariaDB of its own|skipped: no database)/);
      expect(readdirSync(tmp)).toEqual([]);
      expect(leftOf(tmp)).toEqual([]);
    },
  );

  test('on a machine with nothing but Node: the same with the Node worker, and no database', {
    timeout: 120_000,
  }, async () => {
    const tmp = join(scratch, 'node');
    const bin = join(scratch, 'bin');
    mkdirSync(tmp);
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    for (const name of ['flock', 'touch'])
      if (existsSync(`/usr/bin/${name}`)) symlinkSync(`/usr/bin/${name}`, join(bin, name));
    const { ended, out } = start(tmp, bin);
    expect((await ended).code, out()).toBe(0);
    expect(out()).toContain('no PHP here, so Node');
    expect(out()).toContain('skipped: no database');
    expect(readdirSync(tmp)).toEqual([]);
    expect(leftOf(tmp)).toEqual([]);
  });

  test('Ctrl-C while instances pile up: exit 130, everything cleared away', { timeout: 60_000 }, async () => {
    const tmp = join(scratch, 'int');
    mkdirSync(tmp);
    const { child, ended, out } = start(tmp, process.env['PATH'] ?? '');
    await until('1 instance running', () => out().includes('1 instance running'), 50);
    child.kill('SIGINT');
    expect((await ended).code, out()).toBe(130);
    expect(readdirSync(tmp)).toEqual([]);
    expect(leftOf(tmp)).toEqual([]);
  });

  test.each([['watching'], ['5  cronlatch rollback']])(
    'Ctrl-C at “%s” is exit 130 as well, whatever the inner command made of it',
    { timeout: 90_000 },
    async (mark) => {
      const tmp = join(scratch, mark.replaceAll(' ', '-'));
      mkdirSync(tmp);
      const { child, ended, out } = start(tmp, process.env['PATH'] ?? '');
      await until(mark, () => out().includes(mark), 80);
      child.kill('SIGINT');
      expect((await ended).code, out()).toBe(130);
      expect(readdirSync(tmp)).toEqual([]);
      expect(leftOf(tmp)).toEqual([]);
    },
  );

  test('a second Ctrl-C does not wait, and still leaves nothing', { timeout: 60_000 }, async () => {
    const tmp = join(scratch, 'int2');
    mkdirSync(tmp);
    const { child, ended, out } = start(tmp, process.env['PATH'] ?? '');
    await until('1 instance running', () => out().includes('1 instance running'), 50);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect([130, 143]).toContain((await ended).code);
    await until('its processes are gone', () => leftOf(tmp).length === 0);
    expect(readdirSync(tmp)).toEqual([]);
  });
});
