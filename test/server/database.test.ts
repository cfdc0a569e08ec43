// What a site may write into its credentials never makes the driver throw, and never makes it read a file.
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
