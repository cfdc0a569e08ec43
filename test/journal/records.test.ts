// Journals read back: torn by a crash, from the future, or not a journal at all.
import { describe, expect, test } from 'vitest';
import { planOf } from '../../src/change/plan.ts';
import {
  type JournalRecord,
  printRecord,
  readJournal,
  stateOf,
  stepStates,
} from '../../src/journal/records.ts';

const plan = planOf({
  for: 'deploy',
  steps: [
    {
      kind: 'make-directory',
      path: '/srv/cronlatch',
      mode: 0o700,
      owner: { uid: 1, gid: 1 },
      as: { uid: 1, gid: 1 },
    },
  ],
  workers: [],
  cannotUndo: [],
});
const open: JournalRecord = {
  is: 'open',
  schema: 1,
  id: 'x',
  at: '2026-11-23T12:00:00.000Z',
  by: { user: 'root', host: 'shop.example', pid: 1, version: '0.1.0' },
  command: 'deploy',
  plan,
};
const at = '2026-11-23T12:00:01.000Z';
const text = (...records: JournalRecord[]): string => records.map(printRecord).join('');

describe('a journal', () => {
  test('says where each step stands', () => {
    const journal = readJournal('/j', text(open, { is: 'begun', step: 0, at }));
    if (journal === 'empty') throw new Error('empty');
    expect(stepStates(journal)).toEqual(['begun']);
    expect(stateOf(journal)).toBe('unfinished');
  });

  test('a last line that a crash cut off is not there, and later records are read past it', () => {
    const torn = `${text(open)}{"is":"beg`;
    const journal = readJournal('/j', torn);
    if (journal === 'empty') throw new Error('empty');
    expect([journal.torn, journal.records.length]).toEqual([true, 1]);
    const mended = readJournal(
      '/j',
      `${torn}\n${text({ is: 'torn' }, { is: 'close', at, state: 'rolled-back' })}`,
    );
    if (mended === 'empty') throw new Error('empty');
    expect(stateOf(mended)).toBe('rolled-back');
  });

  test('without a whole first line nothing had been done yet', () => {
    expect(readJournal('/j', '')).toBe('empty');
    expect(readJournal('/j', text(open).slice(0, 50))).toBe('empty');
  });

  test('a broken line in the middle is an error with its place, never skipped', () => {
    expect(() =>
      readJournal('/j', `${text(open)}garbage\n${text({ is: 'close', at, state: 'deployed' })}`),
    ).toThrow(
      expect.objectContaining({
        code: 'journal-unreadable',
        exit: 4,
        args: expect.objectContaining({ line: 2 }),
      }),
    );
  });

  test('of a newer version is refused', () => {
    expect(() => readJournal('/j', text({ ...open, schema: 99 } as JournalRecord))).toThrow(
      expect.objectContaining({ code: 'journal-unreadable' }),
    );
  });
});
