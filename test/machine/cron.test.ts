// A deploy under the real cron daemon with real PHP, from the pile-up to the rollback, for every place an entry can stand.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { removeUsers } from '../support/cronPeople.ts';
import {
  type Case,
  type Failure,
  type RolledBack,
  reportOf,
  type Story,
  tell,
  tellCrashes,
  tellFailure,
} from '../support/cronStory.ts';

const all: readonly Case[] = [
  {
    name: 'root on the crontab of a user',
    by: 'root',
    place: 'crontab',
    worker: 'php',
    command: (home, script) => `cd ${home} && php ${script.slice(home.length + 1)} >> logs/import.log 2>&1`,
  },
  {
    name: 'root on a spool file without crontab’s header, with a worker that ignores SIGTERM',
    by: 'root',
    place: 'bare spool',
    command: (home, script) => `/usr/bin/php ${script} >> ${home}/logs/import.log 2>&1`,
    worker: 'deaf php',
    flags: ['--kill-after', '2s'],
  },
  {
    name: 'the user on his own crontab',
    by: 'user',
    place: 'crontab',
    worker: 'php',
    command: (home, script) => `cd ${home}; php ${script.slice(home.length + 1)} >> logs/import.log 2>&1`,
  },
  {
    name: 'root on a file in /etc/cron.d',
    by: 'root',
    place: 'cron.d',
    worker: 'php',
    command: (home, script) => `php ${script} >> ${home}/logs/import.log 2>&1`,
  },
  {
    name: 'root on the crontab of a user with a Node worker',
    by: 'root',
    place: 'crontab',
    worker: 'node',
    command: (home, script) =>
      `cd ${home} && ${process.execPath} ${script.slice(home.length + 1)} >> logs/import.log 2>&1`,
  },
  {
    name: 'the user on his own crontab, with the guard in the entry',
    by: 'user',
    place: 'crontab',
    worker: 'php',
    command: (home, script) => `cd ${home} && php ${script.slice(home.length + 1)} >> logs/import.log 2>&1`,
    flags: ['--guard', 'entry'],
  },
];

/** CRONLATCH_CASE='own crontab' tells only the stories with these words in their name. */
const cases = all.filter((row) => row.name.includes(process.env['CRONLATCH_CASE'] ?? ''));

/** Nobody allowed SIGKILL, and its workers do not end from SIGTERM in time. */
const stubborn: Case = {
  name: 'stubborn',
  by: 'root',
  place: 'crontab',
  worker: 'deaf php',
  command: (_, script) => `php ${script}`,
  flags: ['--grace', '2s'],
};

/** What is installed for it never reaches cron, as in a container with a spool of its own. */
const unheard: Case = {
  name: 'unheard',
  by: 'root',
  place: 'crontab',
  worker: 'php',
  command: (home, script) => `cd ${home} && php ${script.slice(home.length + 1)} >> logs/import.log 2>&1`,
  apart: true,
  // The run that cron begins while the deploy is under way holds the lock to its end: one that begins later is to be seen.
  endless: 5,
};

/** Bytes, mode, owner, group and mtime; a replaced file has another inode. */
function expectAsBefore({ installed, script, leftBeside }: Omit<RolledBack, 'ran'>): void {
  const still = (look: object | string): object | string =>
    typeof look === 'string' ? look : { ...look, inode: 'any' };
  expect(still(installed.now)).toEqual(still(installed.was));
  expect(still(script.now)).toEqual(still(script.was));
  expect(leftBeside).toEqual([]);
}

const why = cronMissing === '' ? '' : ` (skipped: ${cronMissing})`;

describe.skipIf(cronMissing !== '')(`under the real cron${why}`, () => {
  const stories = new Map<Case, Story>();
  const endings: (() => Promise<void>)[] = [];
  let failure: Failure;
  let deaf: Failure;
  let directory: string;

  // The stories are told at the same time, each with a cron of its own; a test waits for its part of one.
  beforeAll(() => {
    directory = workshop('machine');
    const program = installProgram(directory);
    for (const [index, row] of cases.entries()) {
      const { story, close } = tell(row, join(directory, `case-${index + 1}`), program);
      stories.set(row, story);
      endings.push(close);
    }
    const told = tellFailure(stubborn, join(directory, 'stubborn'), program);
    failure = told.story;
    endings.push(told.close);
    if (!process.env['CRONLATCH_STRESS']) return;
    const missed = tellFailure(unheard, join(directory, 'unheard'), program);
    deaf = missed.story;
    endings.push(missed.close);
  });

  afterAll(async () => {
    try {
      await Promise.all(endings.map((close) => close()));
    } finally {
      await removeUsers();
      closeWorkshop(directory);
    }
  }, 120_000);

  const long = process.env['CRONLATCH_STRESS'] ? 300_000 : 120_000;
  describe.each(cases.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const part = (): Story => stories.get(row) as Story;

    test('before, two or more instances run at one time', { timeout: long }, async () => {
      expect((await part().before).most).toBeGreaterThan(1);
    });

    test('deploy succeeds and its checks pass', { timeout: long }, async () => {
      const { ran, report } = await part().deploy;
      const checks = Object.fromEntries(report.checks.map(({ check, is }) => [check, is]));
      expect({ exit: ran.code, is: report.outcome.is, ...checks, stderr: ran.stderr }).toMatchObject({
        exit: 0,
        is: 'deployed',
        'one-entry': 'pass',
        'guard-in-place': 'pass',
        'new-entry': 'pass',
        'single-instance': 'pass',
        'lock-held': 'pass',
        'second-refused': 'pass',
        'stale-recovered': 'pass',
        'cron-alive': 'pass',
      });
      // On a busy machine no look may fall between two runs; that it was seen at all is asked below.
      for (const check of ['lock-free', 'log-clean'])
        expect(['pass', 'inconclusive']).toContain(checks[check]);
    });

    test('deploy ends the old instances and nothing that looks like them', { timeout: long }, async () => {
      const { left, signalled, legacy, seen, lookalikes } = await part().deploy;
      expect(legacy.length).toBeGreaterThan(1);
      expect(left).toEqual([]);
      const last = row.worker === 'deaf php' ? 'SIGKILL' : 'SIGTERM';
      expect(new Set(signalled.map((one) => one.signal))).toEqual(new Set(['SIGTERM', last]));
      const pids = seen.map((one) => one.pid);
      expect(signalled.filter((one) => !pids.includes(one.pid))).toEqual([]);
      expect(lookalikes.filter((one) => !one.alive)).toEqual([]);
    });

    test('after, never more than one runs and jobs still get done', { timeout: long }, async () => {
      const { most, ticks, all, jobs } = await part().after;
      expect(ticks).toBeGreaterThanOrEqual(3);
      expect(most).toBe(1);
      expect(all.every((one) => one.argv.includes('--once'))).toBe(true);
      expect(jobs.slice(1).some((job) => job.end !== 'cut off')).toBe(true);
      for (const [index, job] of jobs.entries())
        expect(jobs[index + 1]?.begin ?? Number.POSITIVE_INFINITY).toBeGreaterThan(
          job.end === 'cut off' ? 0 : job.end,
        );
    });

    test('a run that finds the lock held prints nothing, so cron mails nothing', {
      timeout: long,
    }, async () => {
      const { log, mails, all } = await part().after;
      expect(all.length).toBeGreaterThan(1);
      expect(log.replace(/^job done by \d+ once\n/gm, '')).toBe('');
      expect(mails.length).toBeGreaterThan(0); // the other entry's: mail is sent when there is output
      expect(mails.filter((mail) => !/^Subject: Cron <[^>]*> echo tick;/m.test(mail))).toEqual([]);
    });

    test('a second deploy says so and writes nothing', { timeout: long }, async () => {
      const { ran, first, last } = await part().again;
      expect({ exit: ran.code, is: reportOf(ran).outcome.is }).toEqual({ exit: 0, is: 'already-deployed' });
      expect(last).toEqual(first);
    });

    test('rollback puts crontab and script back to the byte and the nanosecond', {
      timeout: long,
    }, async () => {
      const { ran, ...standing } = await part().rollback;
      expect({ exit: ran.code, stderr: ran.stderr }).toMatchObject({ exit: 0 });
      expectAsBefore(standing);
    });

    test('after the rollback cron runs the old entry again and instances pile up', {
      timeout: long,
    }, async () => {
      const { most, all } = await part().pileUp;
      expect(most).toBeGreaterThan(1);
      expect(all.filter((one) => !one.argv.includes('--once') && !one.locks).length).toBeGreaterThan(1);
    });
  });

  const stress = process.env['CRONLATCH_STRESS'] !== undefined;
  test
    .skipIf(!stress)
    .each(cases.filter((row) => row.worker === 'php').map((row) => [row.name, row] as const))(
    'a deploy that SIGKILL ends anywhere is put back by rollback: %s (CRONLATCH_STRESS)',
    { timeout: 600_000 },
    async (_, row) => {
      const program = join(directory, 'program/bin/cronlatch.js');
      const moments = Array.from({ length: 16 }, (_, i) => 150 + i * 110);
      const { story, close } = tellCrashes(
        row,
        join(directory, `crash-${cases.indexOf(row)}`),
        program,
        moments,
      );
      endings.push(close);
      for (const { at, rollback, ...standing } of await story) {
        const code = reportOf(rollback).outcome.code;
        if (code !== 'no-deployment')
          expect({ at, exit: rollback.code, said: rollback.stdout }).toMatchObject({ exit: 0 });
        expectAsBefore(standing);
      }
    },
  );

  test('the lock was seen free between two runs, and the log clean, in one of the stories at the least', {
    timeout: long,
  }, async () => {
    const reports = await Promise.all(
      [...stories.values()].map(async (story) => (await story.deploy).report),
    );
    for (const wanted of ['lock-free', 'log-clean'])
      expect(
        reports.some(({ checks }) => checks.some(({ check, is }) => check === wanted && is === 'pass')),
        wanted,
      ).toBe(true);
  });

  test('a deploy whose old instances do not end says so and puts everything back', {
    timeout: long,
  }, async () => {
    const { ran, report, signalled, lookalikes, ...standing } = await failure.deploy;
    expect({ exit: ran.code, code: report.outcome.code }).toEqual({ exit: 1, code: 'still-running' });
    expect(new Set(signalled.map((one) => one.signal))).toEqual(new Set(['SIGTERM']));
    expect(lookalikes.filter((one) => !one.alive)).toEqual([]);
    expectAsBefore(standing);
    expect((await failure.pileUp).most).toBeGreaterThan(1);
  });

  // Minutes long, and what it waits for has to be caught by looking: the same on a server in memory is in every run
  // (test/journeys/newEntry.test.ts).
  test.runIf(process.env['CRONLATCH_STRESS'])(
    'a cron that goes on with the old entry fails the deploy, and everything is put back',
    {
      timeout: long,
    },
    async () => {
      const { ran, report, lookalikes, ...standing } = await deaf.deploy;
      const checks = Object.fromEntries(
        report.checks.map(({ check, is, because }) => [check, [is, because]]),
      );
      expect({ exit: ran.code, is: report.outcome.is, ...checks }).toMatchObject({
        exit: 1,
        is: 'rolled-back',
        'new-entry': ['fail', 'old-entry'],
        // Nobody else sees it: the guard stands in the script and holds whoever starts it.
        'single-instance': ['pass', 'one'],
        'lock-held': ['pass', 'held'],
      });
      expect(lookalikes.filter((one) => !one.alive)).toEqual([]);
      expectAsBefore(standing);
      expect((await deaf.pileUp).most).toBeGreaterThan(1);
    },
  );
});
