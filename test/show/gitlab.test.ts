// GitLab's Code Quality report, by the fields its documentation asks for.
import { expect, test } from 'vitest';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, memoryServer } from '../support/memory-server.ts';
import { incident, spool } from '../support/site.ts';

interface Issue {
  readonly description: string;
  readonly check_name: string;
  readonly fingerprint: string;
  readonly severity: string;
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
}

const issues = async (crontab: string): Promise<Issue[]> => {
  const machine = incident();
  machine.put(spool, crontab, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  const { ctx } = await contextFor(memoryServer(machine), 'scan --user example-user --format gitlab');
  return JSON.parse(`${(await scan(ctx)).document}`);
};

const line = '*/2 * * * *  php httpdocs/scripts/process_import_jobs.php\n';

test('each finding is an issue with a fingerprint of its own', async () => {
  const found = await issues(`${line}${line}`);
  expect(found.length).toBeGreaterThan(2);
  expect(new Set(found.map((one) => one.fingerprint)).size).toBe(found.length);
  for (const one of found) {
    expect(Object.keys(one).sort()).toEqual([
      'check_name',
      'description',
      'fingerprint',
      'location',
      'severity',
    ]);
    expect(['info', 'minor', 'major', 'critical', 'blocker']).toContain(one.severity);
    expect(one.location.lines.begin).toBeGreaterThan(0);
  }
});

test('a line put in further up makes no old finding look new', async () => {
  const marks = async (crontab: string) => (await issues(crontab)).map((one) => one.fingerprint).sort();
  expect(await marks(`# a comment\n${line}`)).toEqual(await marks(line));
});
