// Every fact about Plesk that is only assumed, turned round once in the stand-in: what the tool does then, and that nothing
// wrong is written.
import { describe, expect, test } from 'vitest';
import { type FactName, facts } from '../../src/plesk/known.ts';
import { type Host, pleskHost } from '../support/plesk/host.ts';
import { once, run, said, stores } from '../support/plesk/run.ts';
import type { Wanted } from '../support/plesk/scene.ts';

type AssumedFact = {
  [Name in FactName]: (typeof facts)[Name]['tag'] extends 'assumed' ? Name : never;
}[FactName];

/** Seen from the user's home. */
const php = 'httpdocs/scripts/process_import_jobs.php';

describe('each assumed fact, turned round', () => {
  type Row = { wanted?: Wanted; act?: (host: Host) => void; exit: number; says: string };
  const rows: Record<AssumedFact, Row> = {
    'program-place': {
      act: ({ machine }) => {
        machine.live.delete('/usr/sbin/plesk');
        machine.put('/opt/elsewhere/plesk', 'ELF', { mode: 0o755 });
      },
      ...{ exit: 5, says: 'plesk-unanswered' },
    },
    'batch-escapes': { wanted: { command: `php\t${php}` }, exit: 5, says: 'plesk-unanswered' },
    'active-values': { exit: 5, says: 'plesk-unanswered' },
    'handler-keys': { exit: 0, says: '/opt/plesk/php/8.3/bin/php' },
    'exec-line': { exit: 2, says: 'No entry starts' },
    'php-arguments': { wanted: { type: 'php' }, exit: 1, says: 'plesk-rewrote' },
    'inactive-line': {
      act: (host) => {
        host.task().active = false;
      },
      ...{ exit: 5, says: 'task-drifted' },
    },
    'help-names-verbs': { exit: 5, says: 'verb-unknown' },
    'list-fields': { exit: 0, says: 'Deployed as' },
    'task-login': { exit: 5, says: 'plesk-unanswered' },
    'http-line': { wanted: { type: 'http' }, exit: 2, says: 'No entry starts' },
    'update-keeps-rest': { exit: 1, says: 'rest-changed' },
    'update-writes-line': { exit: 1, says: 'others-changed' },
    'update-arguments': { wanted: { type: 'php' }, exit: 1, says: 'plesk-refused' },
    'kind-leaves-nothing': { wanted: { shell: 'chrooted' }, exit: 0, says: 'task-becomes-php' },
    'php-task-shell': { wanted: { shell: 'chrooted' }, exit: 1, says: 'chrooted' },
    'chroot-line': { wanted: { shell: 'chrooted' }, exit: 2, says: 'No entry starts' },
    'home-is-webspace': { exit: 0, says: 'Deployed as' },
  };

  /** What one source alone has shown is turned round, too. */
  const ofOneSource: Partial<Record<FactName, Row>> = {
    'scheduler-length': { exit: 1, says: 'plesk-refused' },
    'scheduler-php': { wanted: { shell: 'chrooted' }, exit: 1, says: 'plesk-refused' },
  };

  test('the table has them all', () => {
    const assumed = Object.entries(facts).flatMap(([name, { tag }]) => (tag === 'assumed' ? [name] : []));
    expect(Object.keys(rows).sort()).toEqual(assumed.sort());
  });

  test.each(Object.entries({ ...rows, ...ofOneSource }))(
    '%s: the tool adapts or refuses',
    async (name, { wanted, act, exit, says }) => {
      const host = pleskHost({ ...wanted, flipped: [name as FactName] });
      act?.(host);
      const before = stores(host);
      const ended = await run(host, once);
      expect([ended.exit, said(ended)]).toEqual([exit, expect.stringContaining(says)]);
      if (exit !== 0) expect(stores(host)).toEqual(before);
      else {
        const back = await run(host, 'rollback --ci');
        expect(back.exit, said(back)).toBe(0);
        expect(host.crontab()).toBe(before.crontab);
        const { handler: _, ...task } = host.task();
        expect(before.tasks[0]).toMatchObject(task);
      }
    },
  );
});
