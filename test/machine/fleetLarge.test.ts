// A dozen hosts, the batches of the rollout, and a host whose real cron runs the worker: the long form, CRONLATCH_STRESS=1.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostFigures } from '../../src/fleet/report.ts';
import { closeWorkshop } from '../support/cron.ts';
import { type Fleet, fleetMissing, ground, startFleet } from '../support/fleet.ts';
import { inventory, site, toldIn } from '../support/fleetSite.ts';
import { bin } from '../terminal/harness.ts';

const missing = process.env['CRONLATCH_STRESS'] !== '1' ? 'the long form, CRONLATCH_STRESS=1' : fleetMissing;

describe.skipIf(missing !== '')(
  `many hosts${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    const names = Array.from({ length: 12 }, (_, at) => `web${at + 1}`);
    let directory: string;
    let fleet: Fleet;
    const at = (...parts: readonly string[]): string => join(directory, ...parts);
    const play = (name: string, hosts: readonly string[], vars: Readonly<Record<string, unknown>> = {}) => {
      writeFileSync(at('controller/hosts.yml'), inventory(fleet, hosts, vars));
      return fleet.run(['ansible-playbook', '-i', 'hosts.yml', '-f', '20', `cronlatch.fleet.${name}`], {
        ANSIBLE_COLLECTIONS_PATH: at('collections'),
        ANSIBLE_STDOUT_CALLBACK: 'fleetCallback',
      });
    };
    beforeAll(async () => {
      directory = ground();
      const to = at('collections/ansible_collections/cronlatch/fleet');
      expect(spawnSync(process.execPath, [bin, 'export', 'ansible', to]).status).toBe(0);
      fleet = await startFleet(directory, [
        ...names.map((name) => ({ name })),
        { name: 'live', withCron: true },
      ]);
      for (const host of fleet.hosts) site(host);
    }, 120_000);
    afterAll(async () => {
      await fleet?.stop();
      closeWorkshop(directory);
    });

    test('are deployed one, then a tenth, then the rest, and a second time not at all', async () => {
      const ran = await play('deploy', names);
      expect(ran.code, ran.stdout + ran.stderr).toBe(0);
      const told = toldIn(ran.stdout);
      const batches = told.tasks
        .filter(({ name }) => name.startsWith('Latch the worker'))
        .map(({ hosts }) => Object.keys(hosts).length);
      expect(batches).toEqual([1, 1, 10]);
      const again = await play('deploy', names);
      expect(again.code, again.stdout + again.stderr).toBe(0);
      const { stats } = toldIn(again.stdout);
      expect(Object.keys(stats).sort()).toEqual([...names].sort());
      for (const name of names)
        expect(stats[name]).toMatchObject({ changed: 0, failures: 0, unreachable: 0 });
      process.stderr.write(
        `${names.length} hosts, ${fleet.by}: deployed in ${ran.seconds.toFixed(1)} s, again in ${again.seconds.toFixed(1)} s\n`,
      );
    });

    test('one with a real cron is deployed, its runs are seen, and a watch of them passes', async ({
      skip,
    }) => {
      if (fleet.by === 'ports') skip('it takes a namespace to have a cron of its own');
      const host = fleet.hosts.find(({ name }) => name === 'live');
      const entry = `* * * * * cd ${host?.home}/site && ${process.execPath} worker.mjs --once\n`;
      const vars = {
        cronlatch_files: [],
        cronlatch_user: 'root',
        cronlatch_ticks: 2,
        cronlatch_max_wait: '5m',
      };
      writeFileSync(at('live/home/live-crontab'), entry);
      writeFileSync(at('controller/hosts.yml'), inventory(fleet, ['live']));
      const installed = await fleet.run(
        [
          'ansible',
          '-i',
          'hosts.yml',
          'live',
          '-m',
          'ansible.builtin.command',
          '-a',
          `crontab ${host?.home}/live-crontab`,
        ],
        {},
      );
      expect(installed.code, installed.stdout).toBe(0);
      // A worker that takes some seconds, so that its lock can be seen held.
      writeFileSync(
        at('live/home/site/worker.mjs'),
        'await new Promise((done) => setTimeout(done, 5000));\n',
      );
      const hosts = JSON.parse(inventory(fleet, ['live'])) as {
        cronlatch: { hosts: Record<string, object> };
      };
      hosts.cronlatch.hosts['live'] = { ...hosts.cronlatch.hosts['live'], ...vars };
      const run = (name: string, more: readonly string[] = []) => {
        writeFileSync(at('controller/hosts.yml'), JSON.stringify(hosts));
        return fleet.run(['ansible-playbook', '-i', 'hosts.yml', `cronlatch.fleet.${name}`, ...more], {
          ANSIBLE_COLLECTIONS_PATH: at('collections'),
          ANSIBLE_STDOUT_CALLBACK: 'fleetCallback',
        });
      };
      const deployed = await run('deploy');
      expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
      const checks = toldIn(deployed.stdout).tasks.find(({ name }) => name.startsWith('Latch the worker'))
        ?.hosts['live']?.checks;
      const passed = checks?.filter(({ is }) => is === 'pass').map(({ check }) => check);
      // In a PID namespace of its own the kernel does not say that a lock is free: that one stays open.
      for (const check of ['new-entry', 'single-instance', 'lock-held', 'log-written', 'cron-alive'])
        expect(passed, deployed.stdout).toContain(check);
      const node = `cronlatch_watch_node=${process.execPath}`;
      const watched = await run('watch', [
        '-e',
        'cronlatch_watch_seconds=130',
        '-e',
        'cronlatch_watch_poll=5',
        '-e',
        node,
      ]);
      expect(watched.code, watched.stdout + watched.stderr).toBe(0);
      const report = spawnSync(process.execPath, [bin, 'report', at('controller/watches'), '--json'], {
        encoding: 'utf8',
      });
      const [figures] = (JSON.parse(report.stdout) as { hosts: HostFigures[] }).hosts;
      expect(figures, report.stdout).toMatchObject({ host: 'live', instances: { most: 1 }, ticksMissed: 0 });
      expect(figures?.open.filter(({ is }) => is === 'fail')).toEqual([]);
    });
  },
  600_000,
);
