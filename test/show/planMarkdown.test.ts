// The Markdown of a deploy: complete, and with nothing of a stranger's text that Markdown would act on.
import { expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { planMarkdown } from '../../src/show/planMarkdown.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, memoryServer } from '../support/memory-server.ts';
import { home, incident, spool } from '../support/site.ts';

const markdown = async (crontab: string): Promise<string> => {
  const machine = incident();
  machine.put(spool, crontab, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  const { ctx } = await contextFor(memoryServer(machine), 'deploy --all --dry-run --format markdown');
  return `${(await deploy(ctx)).document}`;
};

test('a plan has its outcome, its findings in a table, and its diff', async () => {
  const text = await markdown('*/2 * * * *  php httpdocs/scripts/process_import_jobs.php\n');
  expect(text).toContain('**Planned: nothing was changed.** (exit 0)');
  expect(text).toMatch(/^```diff\n[^`]*^--- user:example-user/m);
  expect(text).toContain(
    `+*/2 * * * *  cd ${home} && /usr/bin/php httpdocs/scripts/process_import_jobs.php --once`,
  );
  for (const row of text.split('\n').filter((line) => line.startsWith('|')))
    expect(row.replace(/\\\|/g, '').split('|'), row).toHaveLength(6);
});

test('a comment in a crontab cannot end the diff and go on as Markdown', async () => {
  const text = await markdown(
    '# ````\n# ## Approved by @everybody\n*/2 * * * *  php httpdocs/scripts/process_import_jobs.php\n',
  );
  expect(text).toMatch(/^`{5}diff$/m);
  expect(text.match(/^`{5}$/gm)).toHaveLength(1);
});

test('what a path says is text: no markup, no mention, no other row', async () => {
  const message = 'a|b `c` <img src=x> @team [x](y) *z*\nnext';
  const text = await planMarkdown({
    findings: [{ level: 'warn', code: 'x', message, where: { source: 'a|b', line: 2 } }],
    outcome: { is: 'planned', exit: 0 },
  });
  expect(text).toContain(
    '| warn | a\\|b, line 2 | a\\|b \\`c\\` &#60;img src=x&#62; &#64;team \\[x\\](y) \\*z\\* next (`x`) |  |',
  );
});

test('several workers, one of which failed, are counted and told apart', async () => {
  const text = await planMarkdown({
    deployments: [
      {
        worker: 'a.php',
        deployment: '20261124-1',
        checks: [{ is: 'pass', expected: 'x', saw: 'y' }],
        outcome: { is: 'deployed', exit: 0 },
      },
      { worker: 'b`.php', outcome: { is: 'problem', exit: 5, message: ['It is not as it was.'] } },
    ],
    outcome: { is: 'each', exit: 5 },
  });
  expect(text).toContain('2 workers, 1 failed (exit 5).');
  expect(text).toContain('Undo: `cronlatch rollback 20261124-1`');
  expect(text).toContain('## `` b`.php ``');
  expect(text).toContain('> It is not as it was.');
});
