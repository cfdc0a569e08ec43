// Who owns a connection, and which may be ended: protected unless it is proven dead or orphaned.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClientEnd,
  type Connection,
  classOf,
  type KillLimits,
  mayEnd,
  type Owned,
  type SocketHolder,
} from '../../src/database/owners.ts';

const row: Connection = {
  id: 7,
  user: 'u12345_app',
  host: 'localhost',
  db: 'app',
  command: 'Sleep',
  time: 900,
  state: '',
};
const php: SocketHolder = {
  pid: 100,
  ppid: 99,
  start: '1',
  age: 1000,
  uid: 10001,
  state: 'S',
  kind: 'interpreter',
  name: 'php8.2',
  script: '/var/www/vhosts/example.com/worker.php',
  parent: 'forker',
};
const child: SocketHolder = {
  ...php,
  pid: 101,
  ppid: 1,
  kind: 'other',
  name: 'sleep',
  age: 800,
  parent: 'reaper',
};
const held = (...holders: SocketHolder[]): ClientEnd => ({ is: 'held', holders, blind: false });
const limits: KillLimits = { minIdle: 300, hosts: [], unseenTransactions: false };
const nobody = new Set<number>();

describe('the class', () => {
  test.each([
    ['our own connection, whoever holds it', row, held(child), new Set([7]), 'self'],
    ['a worker that is at something else for long', row, held(php), nobody, 'live-worker'],
    ['a worker and its child', row, held(php, child), nobody, 'live-worker'],
    ['a web server’s process', row, held({ ...php, kind: 'pool', name: 'php-fpm' }), nobody, 'web'],
    ['a stopped worker', row, held({ ...php, state: 'T' }), nobody, 'hung'],
    ['a worker that waits for a dead drive', row, held({ ...php, state: 'D' }), nobody, 'hung'],
    ['a child of a dead worker', row, held(child), nobody, 'orphan-child'],
    [
      'a child’s child',
      row,
      held(child, { ...child, pid: 102, ppid: 101, parent: 'forker' }),
      nobody,
      'orphan-child',
    ],
    ['a child whose parent lives', row, held({ ...child, ppid: 99, parent: 'forker' }), nobody, 'program'],
    ['a child whose parent cannot be seen', row, held({ ...child, parent: 'unseen' }), nobody, 'program'],
    [
      'a daemon, adopted by init, that asked something itself',
      row,
      held({ ...child, age: 90_000 }),
      nobody,
      'program',
    ],
    [
      'a daemon whose birth and last question fall into one second',
      row,
      held({ ...child, age: 900 }),
      nobody,
      'program',
    ],
    [
      'a child that is asking something just now',
      { ...row, command: 'Query', time: 900 },
      held(child),
      nobody,
      'program',
    ],
    [
      'a child, where not every process could be seen',
      row,
      { is: 'held', holders: [child], blind: true },
      nobody,
      'program',
    ],
    ['nobody that could be seen', row, held(), nobody, 'unseen'],
    ['a socket that cannot be matched', row, { is: 'unseen' }, nobody, 'unseen'],
    ['another machine', { ...row, host: '10.0.0.9:4000' }, { is: 'remote' }, nobody, 'remote-unknown'],
    ['a client that is gone', { ...row, command: 'Query' }, { is: 'dead' }, nobody, 'dead-client-running'],
  ] as const)('%s', (_, connection, end, self, expected) => {
    expect(classOf(connection, end as ClientEnd, self)).toBe(expected);
  });
});

const owned = (over: Partial<Owned>): Owned => ({
  ...row,
  end: held(child),
  transaction: 'none',
  class: 'orphan-child',
  ...over,
});

describe('what may be ended', () => {
  test.each([
    ['an orphan, idle for long', owned({}), {}, 'may'],
    ['an orphan, idle for less than the threshold', owned({ time: 299.9 }), {}, 'too-short'],
    ['an orphan with a transaction', owned({ transaction: 'open' }), {}, 'transaction'],
    [
      'an orphan, where transactions are not seen',
      owned({ transaction: 'unseen' }),
      {},
      'transaction-unseen',
    ],
    ['the same, when that is allowed', owned({ transaction: 'unseen' }), { unseenTransactions: true }, 'may'],
    [
      'a seen transaction stays protected then',
      owned({ transaction: 'open' }),
      { unseenTransactions: true },
      'transaction',
    ],
    [
      'a dead client’s query, however young',
      owned({ class: 'dead-client-running', command: 'Query', time: 2 }),
      {},
      'may',
    ],
    [
      'a dead client’s query that has changed rows',
      owned({ class: 'dead-client-running', command: 'Query', transaction: 'open' }),
      {},
      'transaction',
    ],
    [
      'another machine’s, not named',
      owned({ class: 'remote-unknown', host: '10.0.0.9:4000' }),
      {},
      'host-not-named',
    ],
    [
      'another machine’s, named',
      owned({ class: 'remote-unknown', host: '10.0.0.9:4000' }),
      { hosts: ['10.0.0.9'] },
      'may',
    ],
    [
      'another machine’s, named, at work',
      owned({ class: 'remote-unknown', host: '10.0.0.9:4000', command: 'Query' }),
      { hosts: ['10.0.0.9'] },
      'not-idle',
    ],
    ['a living worker’s', owned({ class: 'live-worker' }), {}, 'alive'],
    ['a living program’s', owned({ class: 'program' }), {}, 'alive'],
    ['a web request’s', owned({ class: 'web' }), {}, 'web'],
    ['a hung worker’s', owned({ class: 'hung' }), {}, 'hung'],
    ['ours', owned({ class: 'self' }), {}, 'self'],
    ['nobody knows whose', owned({ class: 'unseen' }), {}, 'unseen-owner'],
  ] as const)('%s', (_, one, more, expected) => {
    expect(mayEnd(one, { ...limits, ...more })).toBe(expected);
  });

  test('whatever a scene looks like, nothing with a living owner may be ended', () => {
    const holder = fc.record({
      pid: fc.integer({ min: 2, max: 6 }),
      ppid: fc.integer({ min: 1, max: 6 }),
      start: fc.constant('1'),
      age: fc.integer({ min: 0, max: 2000 }),
      uid: fc.constant(10001),
      state: fc.constantFrom('R', 'S', 'D', 'T'),
      kind: fc.constantFrom('interpreter' as const, 'pool' as const, 'other' as const),
      name: fc.constant('x'),
      parent: fc.constantFrom('forker' as const, 'reaper' as const, 'unseen' as const),
    });
    fc.assert(
      fc.property(
        fc.array(holder, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('Sleep', 'Query', 'Execute'),
        fc.integer({ min: 0, max: 2000 }),
        fc.boolean(),
        (holders, command, time, blind) => {
          const connection = { ...row, command, time };
          const end: ClientEnd = { is: 'held', holders, blind };
          const is = classOf(connection, end, nobody);
          const may = mayEnd(
            { ...connection, end, transaction: 'none', class: is },
            { ...limits, minIdle: 0 },
          );
          // Who is a PHP or Node process, a pool's, or older than what was last asked, owns it himself.
          const owner = holders.some((one) => one.kind !== 'other' || one.age >= time);
          if (owner || blind || command !== 'Sleep') expect(may).not.toBe('may');
        },
      ),
    );
  });
});
