// sandbox --database: the refusals of a real MariaDB that was given, and nothing changed there.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/cron.ts';
import { type Mariadb, mariadbMissing, startMariadb } from '../support/mariadb.ts';

const cli = resolve(import.meta.dirname, '../../bin/cronlatch.js');
const driver = /^pdo_mysql$/m.test(String(spawnSync('php', ['-m']).stdout));
const missing = mariadbMissing || (driver ? '' : 'pdo_mysql');
const canary = 'Canary-7d1f-Geheim';
let scratch: string;
let given: Mariadb;

interface Run {
  readonly child: ChildProcess;
  out(): string;
  readonly ended: Promise<number | null>;
}

function sandbox(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Run & { tmp: string } {
  const tmp = join(scratch, name);
  mkdirSync(tmp);
  const child = spawn(process.execPath, [cli, 'sandbox', ...args], {
    env: { PATH: process.env['PATH'] ?? '', TMPDIR: tmp, NO_COLOR: '1', LANG: 'C.UTF-8', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (d: Buffer) => {
      text += d.toString();
    });
  return { child, tmp, out: () => text, ended: new Promise((done) => child.on('close', done)) };
}

/** Is the word in anybody's argument list? */
function listed(word: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}

const connections = (user: string): string =>
  given.sql(`SELECT COUNT(*) FROM information_schema.processlist WHERE user = '${user}'`).trim();

describe
  .skipIf(missing !== '')
  .concurrent(`a given MariaDB${missing === '' ? '' : ` (skipped: no ${missing})`}`, () => {
    beforeAll(async () => {
      scratch = mkdtempSync(join(tmpdir(), 'cronlatch-test-given-'));
      mkdirSync(join(scratch, 'db'));
      given = await startMariadb(join(scratch, 'db'), ['--max-user-connections=2']);
      given.sql(`CREATE DATABASE app;
      CREATE USER u12345_app@'127.0.0.1' IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS 2;
      CREATE USER u12345_shop@localhost IDENTIFIED BY '${canary}';
      CREATE USER u12345_wide@'127.0.0.1' IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS 30;
      CREATE USER u12345_one@'127.0.0.1' IDENTIFIED BY '${canary}' WITH MAX_USER_CONNECTIONS 1;
      GRANT SELECT ON app.* TO u12345_app@'127.0.0.1', u12345_wide@'127.0.0.1', u12345_one@'127.0.0.1';`);
    });
    afterAll(async () => {
      await given?.stop();
      rmSync(scratch, { recursive: true, force: true });
    });

    const url = (user: string): string => `mysql://${user}@127.0.0.1:${given.port}/app`;

    test('an account with a limit of its own: 1226 is shown, and nothing but three values was asked', {
      timeout: 120_000,
    }, async () => {
      const run = sandbox('account', ['--database', url('u12345_app')], {
        CRONLATCH_DATABASE_PASSWORD: canary,
      });
      await until('2 instances running', () => run.out().includes('2 instances running'), 40);
      expect(listed(canary)).toBe(false);
      expect(await run.ended, run.out()).toBe(0);
      expect(run.out()).toMatch(
        /database: the one given, u12345_app at 127\.0\.0\.1:\d+ \(.*MariaDB.*nothing is changed; the account may have 2 connections/,
      );
      expect(run.out()).toMatch(/the database refused \d+ of them: SQLSTATE.*\[1226\]/);
      expect(run.out()).not.toContain(canary);
      expect(readdirSync(run.tmp)).toEqual([]);
      const ids = [...given.asked().matchAll(/^.*?(\d+) Connect\s+u12345_app@.*$/gm)].map((m) => m[1]);
      expect(ids.length).toBeGreaterThan(2);
      const statements = given
        .asked()
        .split('\n')
        .filter((line) => ids.some((id) => new RegExp(`\\b${id} Query\\b`).test(line)));
      expect(statements.map((line) => line.replace(/^.* Query\s+/, ''))).toEqual([
        'SELECT VERSION() AS version, @@session.max_user_connections AS max',
      ]);
      await until('its connections are gone', () => connections('u12345_app') === '0');
    });

    test('a limit of the server, by socket, with the password in a file: 1203 is shown', {
      timeout: 120_000,
    }, async () => {
      const file = join(scratch, 'password');
      writeFileSync(file, `${canary}\n`, { mode: 0o600 });
      const run = sandbox('server', ['--database-password-file', file], {
        CRONLATCH_DATABASE: `mysql://u12345_shop@localhost/?socket=${given.socket}`,
      });
      expect(await run.ended, run.out()).toBe(0);
      expect(run.out()).toMatch(/the database refused \d+ of them: SQLSTATE.*\[1203\]/);
      expect(run.out()).not.toContain(canary);
    });

    test('Ctrl-C leaves neither files nor connections', { timeout: 60_000 }, async () => {
      const run = sandbox('interrupted', ['--database', url('u12345_wide')], {
        CRONLATCH_DATABASE_PASSWORD: canary,
      });
      await until('1 instance running', () => run.out().includes('1 instance running'), 40);
      expect(run.out()).toContain('with 30 connections, too many to fill here, so none will be refused');
      run.child.kill('SIGINT');
      expect(await run.ended, run.out()).toBe(130);
      expect(readdirSync(run.tmp)).toEqual([]);
      await until('its connections are gone', () => connections('u12345_wide') === '0');
    });

    test('one that cannot be used ends it, with the reason: no other is taken in silence', async () => {
      const run = sandbox('wrong', ['--database', url('u12345_wide')], {
        CRONLATCH_DATABASE_PASSWORD: 'not-the-password',
      });
      expect(await run.ended).toBe(1);
      expect(run.out()).toMatch(
        /The database of u12345_wide at 127\.0\.0\.1:\d+ cannot be used: .*Access denied/,
      );
      expect(run.out()).not.toContain('not-the-password');
      expect(readdirSync(run.tmp)).toEqual([]);
      const one = sandbox('one', ['--database', url('u12345_one')], { CRONLATCH_DATABASE_PASSWORD: canary });
      expect(await one.ended).toBe(1);
      expect(one.out()).toContain('one connection only');
    });

    test('a password on the command line or in a file that others may read is refused', async () => {
      const argv = sandbox('argv', ['--database', 'mysql://u12345_app:seen-by-all@127.0.0.1/app']);
      expect(await argv.ended).toBe(2);
      expect(argv.out()).toContain('CRONLATCH_DATABASE_PASSWORD');
      expect(argv.out()).not.toContain(canary);
      const file = join(scratch, 'open');
      writeFileSync(file, canary);
      chmodSync(file, 0o644);
      const open = sandbox('open-file', ['--database', url('u12345_app'), '--database-password-file', file]);
      expect(await open.ended).toBe(2);
      expect(open.out()).toContain('others may read it (mode 0644)');
      expect(open.out()).not.toContain(canary);
    });
  });
