// The reproduction gate: without a lock the checklist fails with the incident's own error, after a deploy it passes, after the
// rollback it fails again.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { removeUsers } from '../support/cronPeople.ts';
import { type Gate, playGate } from '../support/databaseGate.ts';
import { canary } from '../support/databaseScene.ts';
import { mariadbMissing } from '../support/mariadb.ts';

const missing =
  cronMissing ||
  mariadbMissing ||
  (spawnSync('php', ['-r', "exit(extension_loaded('pdo_mysql') ? 0 : 1);"]).status === 0 ? '' : 'pdo_mysql');
const why = missing === '' ? '' : ` (skipped: ${missing})`;
/** Once on every machine, ten times where there is time. */
const rounds = process.env['CRONLATCH_STRESS'] ? 10 : 1;

describe.skipIf(missing !== '')(`the incident${why}`, () => {
  let directory: string;
  let program: string;
  beforeAll(() => {
    directory = workshop('gate');
    program = installProgram(directory);
  });
  afterAll(async () => {
    await removeUsers();
    closeWorkshop(directory);
  }, 60_000);

  describe.each(Array.from({ length: rounds }, (_, i) => i + 1))('round %i', (round) => {
    // Both at the same time, each with a cron and a database of its own.
    test.concurrent.each(['global', 'account'] as const)(
      'with the limit of the %s: fails with its error, passes when latched, fails when taken back',
      async (set) => {
        const gate: Gate = await playGate(join(directory, `${set}-${round}`), program, set);
        const error = set === 'global' ? '1203' : '1226';
        expect(gate.refusals.length).toBeGreaterThan(0);
        expect(new Set(gate.refusals)).toEqual(new Set([error]));
        for (const bad of [gate.before, gate.again])
          expect({ exit: bad.exit, ...bad.checks }, bad.errors).toMatchObject({
            exit: 3,
            'single-instance': ['fail', 'several'],
            database: ['fail', 'too-high'],
            refusals: ['fail', 'in-log'],
            'log-clean': ['fail', 'refusals'],
          });
        expect({ exit: gate.deployed.exit, is: gate.deployed.is }, gate.deployed.errors).toEqual({
          exit: 0,
          is: 'deployed',
        });
        for (const good of [gate.deployed, gate.after])
          expect(good.checks, good.errors).toMatchObject({
            'one-entry': ['pass', 'one'],
            'single-instance': ['pass', 'one'],
            'lock-held': ['pass', 'held'],
            database: ['pass', 'room'],
            refusals: ['pass', 'none'],
            'log-clean': ['pass', 'clean'],
            'second-refused': ['pass', 'refused'],
          });
        expect(gate.after.checks['jobs']?.[0]).toMatch(/pass|warn/);
        expect(gate.rolledBack).toBe(0);
        expect(gate.said).not.toContain(canary);
      },
      300_000,
    );
  });
});
