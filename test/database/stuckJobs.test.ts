// Whose job is nobody's any more: a dead owner's, one whose named lock is free, or one without a sign for too long.
import { expect, test } from 'vitest';
import { type JobTable, stuckAfterOf, usualStates } from '../../src/database/jobs.ts';
import { isStuck, requeueOf, type Witnesses } from '../../src/database/stuckJobs.ts';

const witnesses: Witnesses = {
  here: 'web1',
  alive: new Map([[4711, '123456']]),
  free: new Map(),
  stuckAfter: 300,
  beats: false,
};

test.each([
  ['a living worker of this machine', { owner: 'web1:4711', silent: 9000 }, {}, false],
  ['the same, with the start it wrote', { owner: 'web1.example.com:4711:123456', silent: 9000 }, {}, false],
  ['its PID was given to another process', { owner: 'web1:4711:99999', silent: 1 }, {}, true],
  ['something of the worker’s own behind the PID', { owner: 'web1:4711:ab12', silent: 1 }, {}, false],
  ['a dead worker of this machine', { owner: 'web1:4712', silent: 1 }, {}, true],
  ['a worker of another machine, fresh', { owner: 'web2:4712', silent: 299 }, {}, false],
  ['a worker of another machine, silent for long', { owner: 'web2:4712', silent: 301 }, {}, true],
  ['… where jobs take that long', { owner: 'web2:4712', silent: 301 }, { stuckAfter: 900 }, false],
  ['nobody knows since when', { owner: 'web2:4712' }, {}, false],
  ['a living worker that stopped giving signs', { owner: 'web1:4711', silent: 301 }, { beats: true }, true],
  [
    'its named lock is free',
    { owner: 'web2:4712', silent: 1 },
    { free: new Map([['web2:4712', true]]) },
    true,
  ],
  [
    'its named lock is held',
    { owner: 'web2:4712', silent: 9000 },
    { free: new Map([['web2:4712', false]]) },
    false,
  ],
  ['no owner was written', { owner: '', silent: 301 }, {}, true],
] as const)('%s', (_, job, more, stuck) => {
  expect(isStuck(job, { ...witnesses, ...more })).toBe(stuck);
});

test('five minutes, or three times what nineteen of twenty jobs took', () => {
  expect(stuckAfterOf([])).toBe(300);
  expect(stuckAfterOf([1, 2, 3])).toBe(300);
  const hundred = Array.from({ length: 100 }, (_, i) => (i < 95 ? 200 : 5000));
  expect(stuckAfterOf(hundred)).toBe(600);
});

test('the statement that gives them back is one, whatever an owner is called', () => {
  const table = {
    is: 'states',
    table: 'im`port',
    status: 'status',
    owner: 'locked_by',
    touched: [],
  } as JobTable;
  expect(requeueOf(table, usualStates, ["a'; DROP TABLE x", 'b\u001b[31m', "a'; DROP TABLE x"])).toBe(
    "UPDATE `im``port` SET `status` = 'pending', `locked_by` = NULL WHERE `status` = 'processing' AND `locked_by` IN ('a''; DROP TABLE x', 'b?[31m')",
  );
});
