// A machine without a running cron: said before and after a deploy, and no reason to put anything back.
import { describe, expect, test } from 'vitest';
import { deploy } from '../../src/commands/deploy.ts';
import { scan } from '../../src/commands/scan.ts';
import { verifyDeployment } from '../../src/commands/verify.ts';
import type { Daemon } from '../../src/server/server.ts';
import { contextFor } from '../support/context.ts';
import { memoryServer } from '../support/memory-server.ts';
import { incident, spool } from '../support/site.ts';

const dead: Daemon = { is: 'none' };
const hidden: Daemon = { is: 'unseen', because: 'hidden' };

function machine(cron: Daemon) {
  const one = incident();
  one.cron = cron;
  return one;
}
async function run(on: ReturnType<typeof machine>, line: string) {
  const told = await contextFor(memoryServer(on), line);
  const command = line.startsWith('scan') ? scan : line.startsWith('verify') ? verifyDeployment : deploy;
  const { json, exit } = await command(told.ctx);
  return { json, exit, out: told.out() };
}
const line = 'deploy --user example-user --all --ci --without verify';

describe('where no cron runs', () => {
  test('a scan of the installed crontabs warns', async () => {
    const { json, exit, out } = await run(machine(dead), 'scan --only no-cron --json');
    expect(out).toContain('No cron runs on this machine');
    expect(json).toMatchObject({ findings: [{ level: 'warn', code: 'no-cron', args: { because: 'none' } }] });
    expect(exit).toBe(3);
  });

  test('a scan of a file says nothing of it', async () => {
    const on = machine(dead);
    on.put('/srv/crontab', on.live.get(spool)?.bytes ?? '');
    const { out } = await run(on, 'scan --file /srv/crontab');
    expect(out).not.toContain('no-cron');
  });

  test('a scan of empty crontabs says nothing of it', async () => {
    const on = machine(dead);
    on.put(spool, '# nothing\n', { mode: 0o600 });
    expect((await run(on, 'scan')).out).not.toContain('no-cron');
  });

  test('a deploy says it with the plan and goes on', async () => {
    const on = machine(dead);
    const { json, exit, out } = await run(on, line);
    expect(out).toContain('No cron runs on this machine');
    expect(json['findings']).toContainEqual(expect.objectContaining({ code: 'no-cron', level: 'warn' }));
    expect(exit).toBe(0);
  });

  test('verify says that none runs', async () => {
    const on = machine(dead);
    await run(on, line);
    const { json } = await run(on, 'verify --ticks 1 --max-wait 1s');
    expect(json['checks']).toContainEqual(
      expect.objectContaining({ check: 'cron-alive', is: 'warn', because: 'none' }),
    );
  });
});

describe('where processes are hidden', () => {
  test('a scan says that it does not know, as a note', async () => {
    const { json, exit } = await run(machine(hidden), 'scan --only no-cron --json');
    expect(json).toMatchObject({ findings: [{ level: 'note', args: { because: 'hidden' } }] });
    expect(exit).toBe(0);
  });

  test('verify does not call it dead', async () => {
    const on = machine(hidden);
    await run(on, line);
    const { json } = await run(on, 'verify --ticks 1 --max-wait 1s');
    expect(json['checks']).toContainEqual(
      expect.objectContaining({ check: 'cron-alive', is: 'inconclusive', because: 'hidden' }),
    );
  });
});
