// docs/cure.md shows what deploy makes of the incident's entry: it must be that.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, memoryServer } from '../support/memory-server.ts';
import { home, incident, spool } from '../support/site.ts';

const text = readFileSync(resolve(import.meta.dirname, '../../docs/cure.md'), 'utf8');
const [before = '', after = ''] = [...text.matchAll(/^```\n(\*\/2 .*\n)```$/gm)].map(([, line]) => line);
const withCrontab = (crontab: string) => {
  const machine = incident();
  machine.put(spool, crontab, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  return machine;
};

test('the cure of docs/cure.md is what deploy makes of its incident, but for the PHP that is there', async () => {
  const { ctx } = await contextFor(memoryServer(withCrontab(before)), 'deploy --all --dry-run --json');
  const { plan } = (await deploy(ctx)).json as { plan: { steps: { kind: string; after?: string }[] } };
  const made = plan.steps.find(({ kind }) => kind === 'put-crontab')?.after;
  expect(
    made
      ?.replaceAll('/usr/bin/php', '/opt/plesk/php/8.3/bin/php')
      .replaceAll(home, '/var/www/vhosts/example.com'),
  ).toBe(after);
});

test('its incident is found, and its cure is not', async () => {
  const found = async (crontab: string): Promise<string[]> => {
    const { ctx } = await contextFor(memoryServer(withCrontab(crontab)), 'scan --user example-user --json');
    const { crontabs } = (await scan(ctx)).json as {
      crontabs: { entries: { findings: { code: string }[] }[] }[];
    };
    return crontabs.flatMap(({ entries }) =>
      entries.flatMap(({ findings }) => findings.map(({ code }) => code)),
    );
  };
  expect(await found(before)).toEqual(expect.arrayContaining(['no-once', 'relative-interpreter', 'no-log']));
  const left = await found(after);
  for (const code of ['no-once', 'relative-interpreter', 'no-log']) expect(left).not.toContain(code);
});
