// What a site may write into its credentials never makes the driver throw, and never makes it read a file.
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type Credentials, credentialsOf } from '../../src/database/credentials.ts';
import { localDatabases } from '../../src/server/database.ts';

const account = credentialsOf({ user: 'u12345_app', ca: '/a/file/that/is/not/there' }) as Credentials;
const nobody = { is: 'tcp', host: '127.0.0.1', port: 1 } as const;

test('a port that is none is a failure like any other', async () => {
  const opened = await localDatabases.open({ ...nobody, port: 99999 }, account, 2000);
  expect(opened.is).toBe('failed');
});

test('the authority’s file is no matter without TLS, and is never opened here', async () => {
  expect(await localDatabases.open(nobody, account, 2000)).toMatchObject({ code: 'ECONNREFUSED' });
  const encrypted: Credentials = { ...account, tls: 'verify' };
  // What another has read counts, not what stands at the path.
  expect(await localDatabases.open(nobody, { ...encrypted, ca: '/etc/hostname' }, 2000)).toMatchObject({
    code: 'TLS_CA',
  });
});

/** A server that lets everybody in and then says nothing more, not even goodbye. */
async function silentServer(): Promise<{ port: number; sockets: Socket[]; close(): void }> {
  const salt = Buffer.alloc(21, 0x41);
  salt[20] = 0;
  const hello = Buffer.concat([
    Buffer.from('\x0a10.11.0-silent\0\x01\0\0\0', 'latin1'),
    salt.subarray(0, 8),
    // Capabilities: protocol 4.1, secure connection, plugin authentication.
    Buffer.from([0, 0x00, 0x82, 0x21, 0x02, 0x00, 0x08, 0x00, 21]),
    Buffer.alloc(10),
    salt.subarray(8, 20),
    Buffer.from('\0mysql_native_password\0', 'latin1'),
  ]);
  const packet = (body: Buffer, number: number): Buffer =>
    Buffer.concat([Buffer.from([body.length, 0, 0, number]), body]);
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(packet(hello, 0));
    socket.once('data', () => socket.write(packet(Buffer.from([0, 0, 0, 2, 0, 0, 0]), 2)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a server that falls silent keeps neither a socket of ours nor this process', async () => {
  const silent = await silentServer();
  try {
    const opened = await localDatabases.open({ ...nobody, port: silent.port }, account, 2000);
    if (opened.is !== 'open') throw new Error(opened.message);
    expect(await opened.session.ask('SELECT 1', [], 50)).toMatchObject({ code: 'ETIMEDOUT' });
    const [socket] = silent.sockets;
    const gone = new Promise((done) => socket?.once('close', done));
    // Half closed it would take whatever comes; gone it answers with a reset.
    const knocking = setInterval(() => socket?.write('x'), 20);
    await gone;
    clearInterval(knocking);
  } finally {
    silent.close();
  }
});
