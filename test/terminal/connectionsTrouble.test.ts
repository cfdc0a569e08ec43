// A database that is down, slow, refuses, hangs or goes away in the middle: an end in bounded time, the right words, the right code.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createDatabase } from 'mysql2';
import { afterAll, describe, expect, test } from 'vitest';
import { json, run } from './harness.ts';

const canary = 'canary-p#w;1';
const directory = mkdtempSync(join(tmpdir(), 'cronlatch-trouble-'));
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
  rmSync(directory, { recursive: true, force: true });
});

/** A socket of its own for each; `greets` says what a client hears. */
function listen(name: string, greets: (socket: Socket) => void): Promise<string> {
  const path = join(directory, name);
  const open = new Set<Socket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    greets(socket);
  });
  closing.push(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return new Promise((done) => server.listen(path, () => done(path)));
}

/** The packet with which a server refuses before it has asked for a password. */
function refusal(errno: number, message: string): Buffer {
  const body = Buffer.concat([Buffer.from([0xff, errno & 255, errno >> 8]), Buffer.from(`#42000${message}`)]);
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
}

/** A database that lets anybody in and does this when it is asked something. */
function database(name: string, onQuery: (connection: { close(): void }) => void): Promise<string> {
  const path = join(directory, name);
  const server = createDatabase(() => {});
  let id = 0;
  server.on('connection', (connection) => {
    connection.on('error', () => {});
    connection.serverHandshake({
      protocolVersion: 10,
      serverVersion: '10.11.19-MariaDB',
      connectionId: ++id,
      statusFlags: 2,
      characterSet: 8,
      capabilityFlags: 0xffffff,
      authCallback: () => connection.writeOk(),
    } as never);
    connection.on('query', () => onQuery(connection as never));
  });
  closing.push(() => server.close(() => {}));
  // The driver's types know ports only.
  return new Promise((done) => (server as unknown as Server).listen(path as never, () => done(path)));
}

const full = "User u12345_app already has more than 'max_user_connections' active connections";

describe.concurrent('a database in trouble', () => {
  const cases: [string, () => Promise<string>, number, string, RegExp][] = [
    ['it is down', async () => join(directory, 'nothing-here'), 6, 'no-server', /no server answers/],
    ['it accepts and says nothing', () => listen('slow', () => {}), 6, 'too-slow', /no answer in time/],
    ['it hangs up at once', () => listen('hangs-up', (socket) => socket.destroy()), 6, 'lost', /went away/],
    [
      'the password is wrong',
      () => listen('denied', (socket) => socket.end(refusal(1045, "Access denied for user 'u12345_app'"))),
      6,
      'credentials',
      /refused \(1045\)/,
    ],
    [
      'the account is full',
      () => listen('full', (s) => s.end(refusal(1203, full))),
      3,
      'full',
      /1203.*password is not/s,
    ],
    [
      'the account’s own limit is reached',
      () =>
        listen('own', (s) =>
          s.end(
            refusal(1226, "User 'u' has exceeded the 'max_user_connections' resource (current value: 5)"),
          ),
        ),
      3,
      'full',
      /1226/,
    ],
    [
      'the server is full',
      () => listen('many', (s) => s.end(refusal(1040, 'Too many connections'))),
      3,
      'full',
      /1040/,
    ],
    [
      'an hourly limit is used up',
      () =>
        listen('hour', (s) =>
          s.end(
            refusal(1226, "User 'u' has exceeded the 'max_queries_per_hour' resource (current value: 9)"),
          ),
        ),
      6,
      'hourly',
      /max_queries_per_hour/,
    ],
    [
      'it goes away in the middle',
      () => database('killed', (connection) => connection.close()),
      6,
      'lost',
      /went away/,
    ],
    ['it answers no question', () => database('mute', () => {}), 6, 'lost', /went away/],
  ];
  test.each(cases)(
    '%s',
    async (_, place, code, because, words) => {
      const flags = ['--db-user', 'u12345_app', '--db-socket', await place()];
      const env = { CRONLATCH_DB_PASSWORD: canary };
      const told = await run(['connections', ...flags], { env });
      const asJson = await run(['connections', ...flags, '--json'], { env });
      expect({ code: told.code, says: words.test(told.out) }).toEqual({ code, says: true });
      const { outcome } = json(asJson) as unknown as {
        outcome: { is: string; exit: number; because?: string };
      };
      expect([outcome.exit, outcome.because ?? outcome.is]).toEqual([code, because]);
      if (because !== 'credentials') expect(told.out).not.toMatch(/denied|1045/);
      expect(told.out + told.err + asJson.out + asJson.err).not.toContain(canary);
    },
    60_000,
  );

  // A site names it, root reads it: opening one that nobody writes to would never end.
  test.each(['a FIFO', 'a device without an end', 'a directory', 'nothing'])(
    'the authority’s file is %s: said at once, and nobody is asked',
    async (what) => {
      const app = mkdtempSync(join(directory, 'app-'));
      const fifo = join(app, 'ca.pem');
      if (what === 'a FIFO') expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
      const ca = { 'a device without an end': '/dev/zero', 'a directory': '/etc' }[what] ?? fifo;
      writeFileSync(
        join(app, '.env'),
        `DATABASE_URL=mysql://u12345_app:x@127.0.0.1:1/app?ssl-mode=verify_ca&ssl-ca=${ca}\n`,
        { mode: 0o600 },
      );
      const ended = await run(['connections', '--app', app, '--json'], { cwd: app });
      const { outcome } = json(ended) as unknown as { outcome: { exit: number; because?: string } };
      expect([ended.code, outcome.because]).toEqual([6, 'tls']);
    },
    15_000,
  );

  test('nothing was written down anywhere: exit 2 at once, naming the places', async () => {
    const ended = await run(['connections', '--app', directory], { cwd: directory });
    expect(ended.code).toBe(2);
    expect(ended.err).toContain(join(directory, '.env'));
  });

  test('a password on the command line is refused and not repeated', async () => {
    const ended = await run([
      'connections',
      '--db-url',
      `mysql://u:${canary.replace('#', '%23')}@localhost/app`,
    ]);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('--db-url-file');
    expect(ended.out + ended.err).not.toContain('canary');
  });

  test('a file with the password that others may read is refused', async () => {
    const file = join(directory, 'url');
    writeFileSync(file, `mysql://u:${canary}@localhost/app\n`, { mode: 0o644 });
    const ended = await run(['connections', '--db-url-file', file]);
    expect({ code: ended.code, says: ended.err.includes('chmod 600') }).toEqual({ code: 2, says: true });
  });
});
