// The process list and the kernel's view laid over each other: when they do not prove whose a connection is, nobody's guess counts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endsOf, type ThreadRow } from '../../src/database/ends.ts';
import type { SocketHolder } from '../../src/database/owners.ts';
import type { SocketView } from '../../src/server/databasePort.ts';

const row = (id: number, host: string, tid?: number): ThreadRow => ({
  id,
  user: 'u',
  host,
  db: '',
  command: 'Sleep',
  time: 9,
  state: '',
  ...(tid === undefined ? {} : { tid }),
});
const holder = { pid: 7, name: 'php8.2' } as SocketHolder;
const view = (over: Partial<SocketView>): SocketView => ({
  tcp: [],
  unix: [],
  holders: new Map([[11, [holder]]]),
  blind: false,
  ...over,
});
const end = (one: ThreadRow, over: Partial<SocketView>, threads = new Map<number, number>()): unknown =>
  endsOf([one], { view: view(over), threads, complete: false }).get(one.id);
const held = { is: 'held', holders: [holder], blind: false };
const here = { client: '127.0.0.1', port: 4000, inode: 11, serverState: 'ESTABLISHED' };

describe('over TCP', () => {
  test.each([
    ['a process of this machine', row(1, '127.0.0.1:4000'), { tcp: [here] }, held],
    ['the same by its name', row(1, 'localhost:4000'), { tcp: [here] }, held],
    [
      'an IPv6 address that the server shortens and the kernel does not',
      row(1, '2001:db8::5:4000'),
      { tcp: [{ ...here, client: '2001:db8:0:0:0:0:0:5' }] },
      held,
    ],
    ['the IPv6 loopback', row(1, '::1:4000'), { tcp: [{ ...here, client: '0:0:0:0:0:0:0:1' }] }, held],
    [
      'an IPv4 address mapped into IPv6',
      row(1, '::ffff:10.0.0.5:4000'),
      { tcp: [{ ...here, client: '10.0.0.5' }] },
      held,
    ],
    [
      'another IPv6 address, as near as can be',
      row(1, '2001:db8::15:4000'),
      { tcp: [{ ...here, client: '2001:db8:0:0:0:0:0:5' }] },
      { is: 'remote' },
    ],
    [
      'nobody holds it any more, the server’s end waits to be closed',
      row(1, '127.0.0.1:4000'),
      { tcp: [{ ...here, inode: 0, serverState: 'CLOSE-WAIT' }] },
      { is: 'dead' },
    ],
    [
      'nobody holds it, the server’s end is open',
      row(1, '127.0.0.1:4000'),
      { tcp: [{ ...here, inode: 0 }] },
      { is: 'unseen' },
    ],
    [
      'another machine',
      row(1, '10.0.0.9:4000'),
      { tcp: [{ client: '10.0.0.9', port: 4000, serverState: 'ESTABLISHED' }] },
      { is: 'remote' },
    ],
    [
      'another machine that has gone: no proof, it may only be slow',
      row(1, '10.0.0.9:4000'),
      { tcp: [{ client: '10.0.0.9', port: 4000, serverState: 'CLOSE-WAIT' }] },
      { is: 'remote' },
    ],
    [
      'another machine with a port that is in use here',
      row(1, '10.0.0.9:4000'),
      { tcp: [here] },
      { is: 'remote' },
    ],
    [
      'a loopback of another namespace',
      row(1, '127.0.0.1:4000'),
      { tcp: [{ client: '127.0.0.1', port: 4000, serverState: 'ESTABLISHED' }] },
      { is: 'unseen' },
    ],
    [
      'one port on two loopback addresses',
      row(1, 'localhost:4000'),
      { tcp: [here, { ...here, client: '127.0.0.2' }] },
      { is: 'unseen' },
    ],
    [
      'nobody holds it any more, and the kernel has forgotten the client’s half',
      row(1, '127.0.0.1:4000'),
      { tcp: [{ client: '127.0.0.1', port: 4000, server: '127.0.0.1', serverState: 'CLOSE-WAIT' }] },
      { is: 'dead' },
    ],
    [
      'the same at this machine’s own address',
      row(1, '10.0.0.5:4000'),
      { tcp: [{ client: '10.0.0.5', port: 4000, server: '10.0.0.5', serverState: 'CLOSE-WAIT' }] },
      { is: 'dead' },
    ],
    [
      'another machine that has gone stays another machine’s, whatever the database’s address',
      row(1, '10.0.0.9:4000'),
      { tcp: [{ client: '10.0.0.9', port: 4000, server: '10.0.0.5', serverState: 'CLOSE-WAIT' }] },
      { is: 'remote' },
    ],
  ] as const)('%s', (_, one, over, expected) => {
    expect(end(one, over as Partial<SocketView>)).toEqual(expected);
  });
});

describe('the database is on another machine', () => {
  const client = { client: '10.0.0.1', port: 4000, server: '10.0.0.5', inode: 11 };
  const told = (one: ThreadRow, tcp: SocketView['tcp'], database: string | undefined = '10.0.0.5'): unknown =>
    endsOf([one], {
      view: view({ tcp }),
      threads: new Map(),
      complete: false,
      ...(database === undefined ? {} : { database }),
    }).get(1);

  test('an address and a port of ours, to the very database that told of them', () => {
    expect(told(row(1, '10.0.0.1:4000'), [client])).toEqual(held);
  });

  test('the same port of ours goes to another database, or it is not known where ours is', () => {
    expect(told(row(1, '10.0.0.1:4000'), [{ ...client, server: '10.0.0.6' }])).toEqual({ is: 'unseen' });
    expect(
      endsOf([row(1, '10.0.0.1:4000')], {
        view: view({ tcp: [client] }),
        threads: new Map(),
        complete: false,
      }).get(1),
    ).toEqual({ is: 'unseen' });
    const both = [client, { ...client, server: '10.0.0.6', inode: 12 }];
    expect(told(row(1, '10.0.0.1:4000'), both)).toEqual({ is: 'unseen' });
  });

  // It may be this machine by its name, or by the address of its router: then --remote NAME would end our own workers.
  test.each(['web1.example:4000', '203.0.113.7:4000'])(
    '%s, with a client of ours on that port: it is not called another machine’s',
    (host) => {
      expect(told(row(1, host), [client])).toEqual({ is: 'unseen' });
    },
  );

  test.each(['web2.example:4001', '10.0.0.9:4001'])(
    '%s, where nobody here has that port: another machine’s for sure',
    (host) => {
      expect(told(row(1, host), [client])).toEqual({ is: 'remote' });
    },
  );

  test('whatever the list and the kernel say, nothing is proven dead there, and nobody else’s is ours', () => {
    const address = fc.constantFrom('10.0.0.1', '10.0.0.5', '10.0.0.9', 'web1.example', 'web2.example');
    const ends = fc.record({
      client: fc.constantFrom('10.0.0.1', '10.0.0.2'),
      port: fc.constantFrom(4000, 4001),
      server: fc.constantFrom('10.0.0.5', '10.0.0.6'),
      inode: fc.constantFrom(0, 11),
    });
    fc.assert(
      fc.property(
        address,
        fc.constantFrom(4000, 4001),
        fc.array(ends, { maxLength: 4 }),
        (host, port, tcp) => {
          const is = told(row(1, `${host}:${port}`), tcp) as { is: string };
          const ours = tcp.some((one) => one.client === host && one.port === port && one.inode !== 0);
          expect(is.is).not.toBe('dead');
          if (is.is === 'held') expect(ours).toBe(true);
          // Named by --remote it may be ended: so no client of this machine may have that port.
          if (is.is === 'remote') expect(tcp.some((one) => one.port === port)).toBe(false);
        },
      ),
    );
  });
});

describe('over the unix socket', () => {
  const unix = [
    { server: 20, client: 11 },
    { server: 21, client: 0 },
  ];
  test('by the thread that reads it', () => {
    const threads = new Map([
      [5, 20],
      [6, 21],
    ]);
    expect(end(row(1, 'localhost', 5), { unix }, threads)).toEqual(held);
    expect(end(row(1, 'localhost', 6), { unix }, threads)).toEqual({ is: 'dead' });
  });

  test('MySQL tells no threads, and without root nobody sees them: whose it is stays unknown (MySQL not run)', () => {
    expect(end(row(1, 'localhost'), { unix })).toEqual({ is: 'unseen' });
    expect(end(row(1, 'localhost', 5), { unix: 'unseen' })).toEqual({ is: 'unseen' });
  });

  test('the last one on both sides belongs together, but only where the list is everybody’s', () => {
    const rows = [row(1, 'localhost', 5), row(2, 'localhost', 6)];
    const threads = new Map([[5, 20]]);
    const whole = endsOf(rows, { view: view({ unix }), threads, complete: true });
    expect([whole.get(1), whole.get(2)]).toEqual([held, { is: 'dead' }]);
    const part = endsOf(rows, { view: view({ unix }), threads, complete: false });
    expect(part.get(2)).toEqual({ is: 'unseen' });
    const two = endsOf([...rows, row(3, 'localhost', 7)], { view: view({ unix }), threads, complete: true });
    expect([two.get(2), two.get(3)]).toEqual([{ is: 'unseen' }, { is: 'unseen' }]);
  });
});
