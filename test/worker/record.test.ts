// Whose lock it is: a number alone is no proof.
import { expect, it, test } from 'vitest';
import { judgeRecord, type LockRecord, type Present, readRecord } from '../../src/worker/record.ts';

const written = {
  v: 1,
  pid: 4711,
  start: 12345,
  boot: 'b-1',
  pidns: 'pid:[1]',
  host: 'shop.example',
  started: 100,
  hb: 160,
  state: 'running',
  ended: null,
  why: '',
};
const record = readRecord(`${JSON.stringify(written).padEnd(511)}\n`) as LockRecord;
const now: Present = { boot: 'b-1', pidns: 'pid:[1]', row: { start: '12345', state: 'S' } };

it('reads what a guard writes', () => {
  expect(record).toEqual({
    pid: 4711,
    start: '12345',
    boot: 'b-1',
    pidns: 'pid:[1]',
    host: 'shop.example',
    started: 100,
    heartbeat: 160,
    state: 'running',
    ended: undefined,
    why: '',
    shared: '',
  });
});

test('cuts what is longer than a guard writes, and drops moments that no calendar has', () => {
  const long = 'x'.repeat(5000);
  const read = readRecord(
    JSON.stringify({ ...written, start: long, boot: long, host: long, why: long, started: 1e300, ended: -1 }),
  ) as LockRecord;
  for (const text of [read.start, read.boot, read.host, read.why]) expect(text).toHaveLength(100);
  expect([read.started, read.ended]).toEqual([undefined, undefined]);
});

test.each([
  ['empty', ''],
  ['empty', ' \n'],
  ['foreign', '4711\n'],
  ['foreign', '{"pid":'],
  ['foreign', '[]'],
  ['foreign', '{"pid":"4711"}'],
  ['foreign', '{"pid":-1}'],
  ['foreign', 'null'],
] as const)('is %s: %j', (expected, text) => {
  expect(readRecord(text)).toBe(expected);
});

test.each<[string, 'alive' | 'dead' | 'unknown', Partial<LockRecord>, Partial<Present>]>([
  ['the process itself', 'alive', {}, {}],
  ['a number that was given to another', 'dead', {}, { row: { start: '99', state: 'S' } }],
  ['a process that is gone', 'dead', {}, { row: 'none' }],
  ['a zombie', 'dead', {}, { row: { start: '12345', state: 'Z' } }],
  ['an earlier boot, where the number is alive again', 'dead', {}, { boot: 'b-2' }],
  ['a container', 'unknown', { pidns: 'pid:[2]' }, {}],
  ['a record without a start time', 'unknown', { start: 'unsaid' }, {}],
  ['a machine that does not tell its boot', 'alive', {}, { boot: '' }],
  ['a record without a boot', 'alive', { boot: '' }, {}],
])('%s is %s', (_, expected, said, present) => {
  expect(judgeRecord({ ...record, ...said }, { ...now, ...present })).toBe(expected);
});
