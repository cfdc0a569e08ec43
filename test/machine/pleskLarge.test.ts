// The built program on a server of 1,000 subscriptions with 10,000 tasks: how much longer a scan takes for asking Plesk.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeWorkshop, cronMissing, installProgram, workshop } from '../support/cron.ts';
import { type Installed, installPlesk } from '../support/plesk/install.ts';
import { largeHost } from '../support/plesk/large.ts';

// Times are compared: in the stress run only.
const wanted = process.env['CRONLATCH_STRESS'] === '1' && cronMissing === '';

describe.skipIf(!wanted)('1,000 subscriptions', () => {
  let directory: string;
  let bin: string;
  let plesk: Installed;
  const at = (name: string): string => join(directory, name);

  beforeAll(() => {
    directory = workshop('plesk-large');
    bin = installProgram(directory);
    const { panel, users, crontabs } = largeHost(1000);
    for (const name of ['etc', 'etc.work', 'sbin', 'sbin.work', 'spool/crontabs', 'state'])
      mkdirSync(at(name), { recursive: true });
    plesk = installPlesk(directory, { etc: at('etc'), sbin: at('sbin'), vhosts: '/var/www/vhosts' }, panel);
    const rows = users.map(({ name, uid, home }) => `${name}:x:${uid}:${uid}::${home}:/bin/bash\n`);
    writeFileSync(at('etc/passwd'), `${readFileSync('/etc/passwd', 'utf8')}${rows.join('')}`);
    for (const { name, uid } of users) {
      const file = at(`spool/crontabs/${name}`);
      writeFileSync(file, crontabs.get(name) ?? '');
      chmodSync(file, 0o600);
      chownSync(file, uid, 0);
    }
  }, 120_000);
  afterAll(() => closeWorkshop(directory));

  const scan = (): { readonly seconds: number; readonly out: string; readonly err: string } => {
    const overlay = (path: string, name: string): string =>
      `mount -t overlay overlay -o lowerdir=${path},upperdir=${at(name)},workdir=${at(`${name}.work`)} ${path}`;
    const enter = `${overlay('/etc', 'etc')} && ${overlay('/usr/sbin', 'sbin')} && mount --bind ${at('spool')} /var/spool/cron && exec "$@"`;
    const argv = ['-m', '--propagation', 'private', 'sh', '-c', enter, 'sh', process.execPath, bin];
    const since = performance.now();
    const ran = spawnSync('unshare', [...argv, 'scan', '--fail-on', 'never', '--state-dir', at('state')], {
      ...{ encoding: 'utf8', maxBuffer: 1 << 28, cwd: directory },
    });
    expect(ran.status, ran.stderr).toBe(0);
    return { seconds: (performance.now() - since) / 1000, out: ran.stdout, err: ran.stderr };
  };

  test('are read with four questions, in at most ten times the time of their crontabs alone', () => {
    const times = [1, 2, 3].map(() => scan());
    expect(times[0]?.out).toContain('1000 sites, 10000 tasks.');
    expect(times[0]?.out).not.toContain('task-drift');
    expect(plesk.calls().length).toBe(4 * times.length);
    rmSync(at('etc/psa'), { recursive: true });
    const alone = [1, 2, 3].map(() => scan());
    expect(alone[0]?.out).not.toMatch(/plesk obsidian/i);
    const best = (all: readonly { seconds: number }[]): number =>
      Math.min(...all.map(({ seconds }) => seconds));
    const ratio = best(times) / best(alone);
    process.stderr.write(
      `with Plesk ${best(times).toFixed(2)} s, without ${best(alone).toFixed(2)} s: ${ratio.toFixed(2)} times\n`,
    );
    expect(ratio).toBeLessThanOrEqual(10);
  }, 600_000);
});
