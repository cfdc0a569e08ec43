// A framework's worker on its way through a deploy: the flag for one pass only where the installed version knows it.
import { describe, expect, it } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { contextFor } from '../support/context.ts';
import { exampleUser, type Machine, memoryServer } from '../support/memory-server.ts';
import { home, incident, spool } from '../support/site.ts';

const own = { uid: exampleUser.uid, gid: exampleUser.gid };
const work = `${home}/httpdocs/vendor/laravel/framework/src/Illuminate/Queue/Console/WorkCommand.php`;
const knows = "<?php class WorkCommand { protected $signature = 'queue:work {--stop-when-empty : Stop}'; }\n";

function site(entry: string, files: Readonly<Record<string, string>>): Machine {
  const machine = incident();
  machine.processes = [];
  for (const [path, text] of Object.entries(files)) machine.put(path, text, { ...own, mode: 0o640 });
  machine.put(spool, `${entry}\n`, { uid: exampleUser.uid, gid: 104, mode: 0o600 });
  return machine;
}

async function planOf(
  machine: Machine,
  flags = '',
): Promise<{ text: string; after: string; codes: string[] }> {
  const told = await contextFor(memoryServer(machine), `deploy --user example-user --all --dry-run ${flags}`);
  const { json } = await deploy(told.ctx);
  const { plan, findings } = json as {
    plan: { steps: { kind: string; after: string }[] };
    findings: { code: string }[];
  };
  const after = plan.steps.find((step) => step.kind === 'put-crontab')?.after ?? '';
  return { text: told.out(), after, codes: findings.map((f) => f.code) };
}

const artisan = { [`${home}/httpdocs/artisan`]: "<?php require 'vendor/autoload.php';\n" };
const queue =
  '* * * * * cd /var/www/vhosts/example.com/httpdocs && php artisan queue:work redis >> q.log 2>&1';

describe('artisan queue:work', () => {
  it('gets --stop-when-empty where its own source shows it, and the plan says so', async () => {
    const { text, after, codes } = await planOf(site(queue, { ...artisan, [work]: knows }));
    expect(after).toContain('queue:work redis --stop-when-empty >> q.log');
    expect(after).not.toContain('--once');
    expect(codes).toContain('pass-added');
    expect(text).toContain('--stop-when-empty is added');
  });

  it('gets nothing, and a note, where the version is too old for it', async () => {
    const old = knows.replace('{--stop-when-empty : Stop}', '{--once}');
    const { after, codes } = await planOf(site(queue, { ...artisan, [work]: old }));
    expect(after).not.toContain('--stop-when-empty');
    expect(codes).toContain('pass-unknown');
  });

  it('gets nothing, and a note, where the source is not to be seen; --once yes adds it all the same', async () => {
    const seen = await planOf(site(queue, artisan));
    expect(seen.after).not.toContain('--stop-when-empty');
    expect(seen.codes).toContain('pass-unseen');
    expect((await planOf(site(queue, artisan), '--once yes')).after).toContain('--stop-when-empty');
  });

  it('is left as it is with --once no, and where it is limited already', async () => {
    const machine = { ...artisan, [work]: knows };
    expect((await planOf(site(queue, machine), '--once no')).after).not.toContain('--stop-when-empty');
    const limited = queue.replace('redis', 'redis --max-time=55');
    expect((await planOf(site(limited, machine))).after).not.toContain('--stop-when-empty');
  });

  it('has its guard in the entry: no file of the application is written', async () => {
    const machine = site(queue, { ...artisan, [work]: knows });
    const { after } = await planOf(machine);
    expect(after).toContain('auto_prepend_file=');
    const told = await contextFor(
      memoryServer(machine),
      'deploy --user example-user --all --ci --without verify',
    );
    expect((await deploy(told.ctx)).exit).toBe(0);
    expect(machine.live.get(`${home}/httpdocs/artisan`)?.bytes).toBe(artisan[`${home}/httpdocs/artisan`]);
  });

  it('is planned once: the second deploy finds nothing to do', async () => {
    const machine = site(queue, { ...artisan, [work]: knows });
    for (const expected of ['deployed', 'already-deployed']) {
      const told = await contextFor(
        memoryServer(machine),
        'deploy --user example-user --all --ci --without verify',
      );
      expect((await deploy(told.ctx)).json['outcome']).toMatchObject({ is: expected });
    }
  });
});

it('--once yes reaches an application’s own command, and no framework’s that would refuse it', async () => {
  const files = {
    [`${home}/httpdocs/artisan`]: '<?php echo 1;\n',
    [`${home}/httpdocs/wp-cron.php`]: '<?php echo 1;\n',
  };
  const own = await planOf(site('* * * * * php httpdocs/artisan app:import', files), '--once yes');
  expect(own.after).toContain('app:import --once');
  expect((await planOf(site('* * * * * php httpdocs/artisan app:import', files))).after).not.toContain(
    '--once',
  );
  const runner = await planOf(site('* * * * * php httpdocs/wp-cron.php', files), '--once yes');
  expect(runner.after).not.toContain('--once');
  expect(runner.codes).toContain('no-pass-flag');
});

it('messenger:consume gets a time limit five seconds short of the next tick', async () => {
  const entry = '*/5 * * * * php httpdocs/bin/console messenger:consume async';
  const command =
    "<?php class C { function configure() { $this->setDefinition([new InputOption('time-limit', 't')]); } }\n";
  const machine = site(entry, {
    [`${home}/httpdocs/bin/console`]: '<?php echo 1;\n',
    [`${home}/httpdocs/vendor/symfony/messenger/Command/ConsumeMessagesCommand.php`]: command,
  });
  expect((await planOf(machine)).after).toContain('messenger:consume async --time-limit=295');
});

it.each([
  ['artisan schedule:run', 'artisan'],
  ['artisan -q schedule:run', 'artisan'],
  ['bin/magento cron:run', 'bin/magento'],
  ['vendor/bin/typo3 scheduler:run', 'vendor/bin/typo3'],
  ['admin/cli/cron.php', 'admin/cli/cron.php'],
])('%s starts what is due at its minute: no lock, and a note says so', async (command, script) => {
  const machine = site(`* * * * * php httpdocs/${command}`, {
    [`${home}/httpdocs/${script}`]: '<?php echo 1;\n',
  });
  const { after, codes } = await planOf(machine);
  expect(after).not.toContain('auto_prepend_file');
  expect(codes).toContain('scheduler');
});

it('wp-cron.php is locked: what a refused run leaves is still due at the next', async () => {
  const machine = site('* * * * * php httpdocs/wp-cron.php', {
    [`${home}/httpdocs/wp-cron.php`]: '<?php echo 1;\n',
  });
  const { after, codes } = await planOf(machine);
  // WordPress' own file, which web requests start too, stays as it is.
  expect(codes).toContain('guard-in-entry');
  expect(after).toContain('auto_prepend_file=');
});
