// Tables of jobs: which one it is, what may be asked of it, and what two looks come to.
import { describe, expect, test } from 'vitest';
import { countsOf, type JobCounts, jobTableIn, judgeJobs, statesIn } from '../../src/database/jobs.ts';

const columns = (tables: Record<string, readonly string[]>) =>
  Object.entries(tables).flatMap(([table, names]) => names.map((column) => ({ table, column })));

describe('the table', () => {
  const incident = { import_jobs: ['id', 'payload', 'Status', 'locked_by', 'locked_at', 'created_at'] };
  const laravel = {
    jobs: ['id', 'queue', 'payload', 'attempts', 'reserved_at', 'available_at', 'created_at'],
  };
  const symfony = { messenger_messages: ['id', 'body', 'queue_name', 'available_at', 'delivered_at'] };
  test.each([
    [
      'the incident’s',
      incident,
      undefined,
      { is: 'states', status: 'Status', created: 'created_at', touched: ['locked_at'], owner: 'locked_by' },
    ],
    ['Laravel’s', { ...laravel, failed_jobs: ['id'] }, undefined, { is: 'laravel', failed: true }],
    ['Symfony’s', symfony, undefined, { is: 'messenger' }],
    [
      'with a prefix',
      { app_import_jobs: incident.import_jobs },
      undefined,
      { is: 'states', table: 'app_import_jobs' },
    ],
    [
      'the named one',
      { ...laravel, mails: ['id', 'state'] },
      'mails',
      { is: 'states', table: 'mails', status: 'state' },
    ],
  ] as const)('%s', (_, tables, named, expected) => {
    expect(jobTableIn(columns(tables), named)).toMatchObject(expected);
  });

  test('other tables are none, and a name is not a table of jobs by itself', () => {
    expect(jobTableIn(columns({ users: ['id'], jobs: ['id', 'title'] }))).toBe('none');
    expect(jobTableIn(columns({ users: ['id', 'status'] }), 'import_jobs')).toBe('none');
  });
});

describe('what is given by the user', () => {
  test('words of states replace the usual ones, and a slip is refused', () => {
    expect(statesIn('pending=neu,done=fertig|weg')).toMatchObject({
      pending: ['neu'],
      done: ['fertig', 'weg'],
    });
    expect(statesIn('penidng=x')).toBe('wrong');
  });

  test('a row’s numbers are numbers, whatever the driver makes of them', () => {
    expect(countsOf({ pending: '3', processing: null, done: 7, failed: null })).toEqual({
      pending: 3,
      processing: 0,
      done: 7,
    });
  });
});

describe('two looks', () => {
  const counts = (over: Partial<JobCounts>): JobCounts => ({
    pending: 10,
    processing: 0,
    done: 5,
    failed: 0,
    ...over,
  });
  test.each([
    ['some done, the backlog shrinks', counts({}), counts({ pending: 7, done: 8 }), 1, 'pass', 'done'],
    ['nothing to do', counts({ pending: 0 }), counts({ pending: 0 }), 3, 'inconclusive', 'nothing-pending'],
    [
      'none done, one in work',
      counts({}),
      counts({ pending: 9, processing: 1 }),
      1,
      'inconclusive',
      'none-done-yet',
    ],
    ['none done although it ran', counts({}), counts({}), 2, 'fail', 'none-done'],
    ['none done, no run seen', counts({}), counts({}), 0, 'inconclusive', 'none-done-yet'],
    [
      'one is stuck',
      counts({ stuck: 0 }),
      counts({ pending: 6, done: 8, processing: 1, stuck: 1 }),
      1,
      'fail',
      'stuck',
    ],
    [
      'some were stuck before',
      counts({ stuck: 5 }),
      counts({ pending: 7, done: 8, stuck: 5 }),
      1,
      'warn',
      'stuck-before',
    ],
    [
      'more fail than before',
      counts({ done: 50, failed: 1 }),
      counts({ pending: 7, done: 51, failed: 3 }),
      1,
      'fail',
      'more-failures',
    ],
    [
      'as many fail as before',
      counts({ done: 5, failed: 5 }),
      counts({ pending: 6, done: 7, failed: 7 }),
      1,
      'pass',
      'done',
    ],
    ['more arrive than are done', counts({}), counts({ pending: 20, done: 8 }), 1, 'warn', 'backlog-grows'],
    [
      'some done, but the oldest waits longer and as many wait',
      counts({ oldest: 100 }),
      counts({ pending: 10, done: 8, oldest: 160 }),
      1,
      'warn',
      'waiting-longer',
    ],
    [
      'a backlog of one moment grows older while it shrinks',
      counts({ oldest: 100 }),
      counts({ pending: 7, done: 8, oldest: 160 }),
      1,
      'pass',
      'done',
    ],
    [
      'two workers have jobs in work',
      counts({}),
      counts({ pending: 5, done: 8, processing: 2, workers: 2 }),
      1,
      'warn',
      'several-workers',
    ],
    [
      'nobody waits any longer than before',
      counts({ oldest: 100 }),
      counts({ pending: 10, done: 8, oldest: 101 }),
      1,
      'pass',
      'done',
    ],
    [
      'done ones are deleted: they are missed',
      { pending: 10, processing: 0, highest: 10, remaining: 10 },
      { pending: 8, processing: 0, highest: 11, remaining: 7 },
      1,
      'pass',
      'done',
    ],
    [
      'done ones are deleted, nothing tells',
      { pending: 10, processing: 0 },
      { pending: 8, processing: 0 },
      1,
      'inconclusive',
      'none-done-yet',
    ],
  ] as const)('%s', (_, before, after, runs, is, because) => {
    expect(judgeJobs(before, after, 60, runs)).toMatchObject({ is, because });
  });

  test('says jobs a minute and when the backlog is drained', () => {
    expect(judgeJobs(counts({ pending: 40 }), counts({ pending: 30, done: 15 }), 120, 3).args).toMatchObject({
      done: 10,
      perMinute: 5,
      drain: 360,
    });
  });
});
