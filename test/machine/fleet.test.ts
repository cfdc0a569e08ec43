// Criteria of the fleet, with real sshd's and Debian's Ansible: foretold, applied, idempotent, put back, told apart, silent on secrets.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostFigures } from '../../src/fleet/report.ts';
import { closeWorkshop, type Ran, until } from '../support/cron.ts';
import { type Fleet, fleetMissing, ground, type Host, startFleet } from '../support/fleet.ts';
import {
  inventory,
  read,
  secrets,
  sha256,
  site,
  snapshot,
  type TaskResult,
  type Told,
  toldIn,
} from '../support/fleetSite.ts';
import { bin, root } from '../terminal/harness.ts';

const hasLint = spawnSync('ansible-lint', ['--version']).status === 0;

describe.skipIf(fleetMissing !== '')(
  `a fleet of hosts${fleetMissing ? ` (skipped: ${fleetMissing})` : ''}`,
  () => {
    let directory: string;
    let fleet: Fleet;
    let [a, b]: Host[] = [];
    const at = (...parts: readonly string[]): string => join(directory, ...parts);
    const collection = (): string => at('collections/ansible_collections/cronlatch/fleet');

    beforeAll(async () => {
      directory = ground();
      const made = spawnSync(process.execPath, [bin, 'export', 'ansible', collection()]);
      expect(made.status, made.stderr.toString()).toBe(0);
      fleet = await startFleet(directory, [
        { name: 'a' },
        { name: 'b' },
        { name: 'bare', withoutNode: true },
      ]);
      [a, b] = fleet.hosts;
      for (const host of fleet.hosts) site(host);
    }, 60_000);
    afterAll(async () => {
      await fleet?.stop();
      closeWorkshop(directory);
    });

    const env = (more: Readonly<Record<string, string>> = {}) => ({
      ANSIBLE_COLLECTIONS_PATH: at('collections'),
      ...more,
    });
    /** A playbook of the collection on these hosts, in this order. */
    async function play(
      name: string,
      hosts: readonly string[],
      flags: readonly string[] = [],
      vars: Readonly<Record<string, unknown>> = {},
      more: Readonly<Record<string, string>> = { ANSIBLE_STDOUT_CALLBACK: 'fleetCallback' },
    ): Promise<Ran> {
      writeFileSync(at('controller/hosts.yml'), inventory(fleet, hosts, vars));
      return fleet.run(
        ['ansible-playbook', '-i', 'hosts.yml', `cronlatch.fleet.${name}`, ...flags],
        env(more),
      );
    }
    /** The module alone, on one host. */
    function ask(
      host: string,
      args: Readonly<Record<string, unknown>>,
      ...flags: readonly string[]
    ): Promise<Ran> {
      writeFileSync(at('controller/hosts.yml'), inventory(fleet, [host]));
      const words = ['-m', 'cronlatch.fleet.cronlatch', '-a', JSON.stringify(args), ...flags];
      return fleet.run(['ansible', '-i', 'hosts.yml', host, ...words], env());
    }
    const latch = 'Latch the worker and watch its next runs';
    const did = (told: Told, task: string, host: string): TaskResult | undefined =>
      told.tasks.find(({ name, hosts }) => name === task && host in hosts)?.hosts[host];
    /** Of each task and host whether it changed something; tasks stand once in each batch. */
    const changes = (told: Told): string[] =>
      told.tasks.flatMap(({ name, hosts }) =>
        Object.entries(hosts).map(([host, result]) => `${host}, ${name}: ${result.changed === true}`),
      );
    const diffOf = (told: Told, host: string) => did(told, latch, host)?.diff ?? [];

    describe('the rollout', () => {
      let before: Record<string, ReturnType<typeof snapshot>>;
      let foretold: Told;
      const both = () => Object.fromEntries([a!, b!].map((host) => [host.name, snapshot(host)]));

      test('a check mode writes nothing on any host, and foretells each change', async () => {
        before = both();
        const ran = await play('deploy', ['a', 'b'], ['--check', '--diff']);
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        foretold = toldIn(ran.stdout);
        expect(both()).toEqual(before);
        for (const name of ['a', 'b']) {
          expect(foretold.stats[name]).toMatchObject({ failures: 0, unreachable: 0 });
          expect(foretold.stats[name]?.changed).toBeGreaterThan(0);
        }
        for (const host of ['a', 'b']) expect(changes(foretold)).toContain(`${host}, ${latch}: true`);
      });

      test('the run changes what was foretold and nothing else, and its diff is the change', async () => {
        const texts = Object.fromEntries(
          [a!, b!].map((host) => [host.name, ['crontab', 'site/worker.mjs'].map((name) => read(host, name))]),
        );
        const ran = await play('deploy', ['a', 'b'], ['--diff']);
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        const told = toldIn(ran.stdout);
        expect(changes(told)).toEqual(changes(foretold));
        for (const host of [a!, b!]) {
          const diff = diffOf(told, host.name);
          expect(diff).toEqual(diffOf(foretold, host.name));
          const shown = (name: string) => diff.find((one) => one.before_header === `${host.home}/${name}`);
          for (const [index, name] of ['crontab', 'site/worker.mjs'].entries()) {
            const one = shown(name);
            expect(one?.before, name).toBe(hidden(texts[host.name]?.[index] ?? ''));
            expect(one?.after, name).toBe(hidden(read(host, name)));
            expect(one?.after, name).not.toBe(one?.before);
          }
          expect(shown('site/cronlatch-guard.mjs')?.after).toContain(
            sha256(join(host.directory, 'site/cronlatch-guard.mjs')),
          );
          // And nothing was changed that the diff does not show: what is new is ours or stands in it.
          const after = snapshot(host);
          const touched = Object.keys(after).filter(
            (name) => JSON.stringify(after[name]) !== JSON.stringify(before[host.name]?.[name]),
          );
          const ours = /^(?:program|state|lock)(?:\/|$)/;
          expect(touched.filter((name) => !ours.test(name) && shown(name) === undefined)).toEqual([]);
        }
      });

      test('a second run changes nothing on any host', async () => {
        const stands = both();
        const ran = await play('deploy', ['a', 'b']);
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        const told = toldIn(ran.stdout);
        for (const name of ['a', 'b'])
          expect(told.stats[name]).toMatchObject({ changed: 0, failures: 0, unreachable: 0 });
        for (const host of [a!, b!])
          expect(snapshot(host, ['lock'])).toEqual(
            Object.fromEntries(
              Object.entries(stands[host.name] ?? {}).filter(([name]) => !name.startsWith('lock')),
            ),
          );
        // What stood already is checked all the same.
        expect(did(told, 'Check what was deployed before', 'b')?.checks?.length).toBeGreaterThan(0);
      });

      test('the command for whoever works on a host runs the program with the Node found there', async () => {
        const ran = await fleet.run(
          [
            'ansible',
            '-i',
            'hosts.yml',
            'b',
            '-m',
            'ansible.builtin.command',
            '-a',
            `${b?.home}/program/cronlatch --version`,
          ],
          env(),
        );
        const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
          version: string;
        };
        expect(ran.stdout).toContain(version);
      });

      test('a watch goes on everywhere at once, and one report tells of each host, of the unreached one too', async () => {
        const vars = {
          cronlatch_watch_seconds: 10,
          cronlatch_watch_poll: 1,
          cronlatch_watch_node: process.execPath,
        };
        const ran = await play('watch', ['nowhere', 'a', 'b'], [], vars);
        expect(ran.code, ran.stdout + ran.stderr).toBe(4);
        const seen = (host: string) =>
          JSON.parse(readFileSync(at('controller/watches', `${host}.json`), 'utf8')) as {
            report: { watch: { from: string; to: string; workers: unknown[] } };
          };
        const [first, second] = [seen('a').report.watch, seen('b').report.watch];
        expect(first.from < second.to && second.from < first.to).toBe(true);
        expect([first.workers.length, second.workers.length]).toEqual([1, 1]);

        const told = spawnSync(process.execPath, [bin, 'report', at('controller/watches'), '--json'], {
          encoding: 'utf8',
        });
        const report = JSON.parse(told.stdout) as { hosts: HostFigures[]; outcome: object };
        // No cron reads the file, so that no run can be seen: that is said, and is no pass.
        expect(report.hosts.map(({ host, is, because }) => [host, is, because])).toEqual([
          ['nowhere', 'unwatched', expect.stringMatching(/Connection refused$|Broken pipe$/)],
          ['a', 'inconclusive', undefined],
          ['b', 'inconclusive', undefined],
        ]);
        expect(told.status).toBe(6);
        const page = readFileSync(at('controller/watches/report.html'), 'utf8');
        for (const host of ['nowhere', 'a', 'b'])
          expect(page).toContain(`<th scope="row" role="rowheader">${host}<`);
        expect(did(toldIn(ran.stdout), 'Say what the watch came to', 'a')?.msg).toContain(
          '3 hosts: 2 open, 1 not watched.',
        );
        expect(did(toldIn(ran.stdout), 'Fail where a host did not pass', 'b')?.failed).toBeUndefined();
      });

      test('what a host has seen can be fetched later, too', async () => {
        const ran = await play('collect', ['b'], [], {
          cronlatch_watch_dir: 'later',
          cronlatch_watch_node: '',
        });
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        const later = JSON.parse(readFileSync(at('controller/later/b.json'), 'utf8'));
        const then = JSON.parse(readFileSync(at('controller/watches/b.json'), 'utf8'));
        expect(later.report.watch.id).toBe(then.report.watch.id);
      });

      test('the rollback brings every host back to the byte, and a second one finds nothing to do', async () => {
        const ran = await play('rollback', ['a', 'b']);
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        expect(toldIn(ran.stdout).stats).toMatchObject({ a: { changed: 1 }, b: { changed: 1 } });
        for (const host of [a!, b!]) expect(snapshot(host, ['program', 'state'])).toEqual(before[host.name]);
        const again = await play(
          'rollback',
          ['b'],
          ['-e', `cronlatch_id=${historyOf(b!).find(({ command }) => command === 'deploy')?.id}`],
        );
        expect(again.code, again.stdout + again.stderr).toBe(0);
        expect(toldIn(again.stdout).stats['b']).toMatchObject({ changed: 0, failures: 0 });
      });

      test('a host where a check fails is put back to the byte, and the next batch is not touched', async () => {
        const untouched = snapshot(b!);
        // The trial of the guard is run with this: it says what a guard does that lets a second instance in.
        const node = join(a?.directory ?? '', 'node');
        writeFileSync(node, letsIn(), { mode: 0o755 });
        const ran = await play('deploy', ['a', 'b'], [], { cronlatch_interpreter: `${a?.home}/node` });
        expect(ran.code, ran.stdout + ran.stderr).toBe(2);
        const told = toldIn(ran.stdout);
        expect(told.stats['a']).toMatchObject({ failures: 1, unreachable: 0 });
        expect(told.stats['b']).toBeUndefined();
        expect(snapshot(b!)).toEqual(untouched);
        expect(snapshot(a!, ['program', 'state', 'node'])).toEqual(before['a']);
        const deployed = did(told, latch, 'a');
        expect(deployed).toMatchObject({ failed: true, changed: false, outcome: 'rolled-back', exit: 1 });
        expect(deployed?.checks?.filter((one) => one.is === 'fail').map((one) => one.check)).toEqual([
          'second-refused',
        ]);
      });

      test('a host that fails a check of one’s own is put back too, and -vvv --diff tells no secret on the way', async () => {
        const untouched = snapshot(b!);
        writeFileSync(
          at('controller/own.yml'),
          '- name: The shop answers\n  ansible.builtin.fail:\n    msg: it does not\n',
        );
        const vars = {
          cronlatch_check_tasks: at('controller/own.yml'),
          cronlatch_db_password: secrets.database,
        };
        const ran = await play('deploy', ['a', 'b'], ['-vvv', '--diff'], vars, {});
        expect(ran.code, ran.stdout + ran.stderr).toBe(2);
        expect(snapshot(b!)).toEqual(untouched);
        expect(snapshot(a!, ['program', 'state', 'node'])).toEqual(before['a']);
        expect(ran.stdout).toMatch(/The shop answers: it does not\s+Put back, read back and compared\./);
        // It was long enough to have said it.
        expect(ran.stdout).toContain('cronlatch-guard.mjs');
        expect(ran.stdout).toContain('EXEC');
        for (const secret of Object.values(secrets)) expect(ran.stdout + ran.stderr).not.toContain(secret);
      });

      test('a host whose connection is lost while the guard is tried puts itself back', async () => {
        const mark = (name: string): string => join(a?.directory ?? '', name);
        const slow = `: > ${a?.home}/probing; until [ -e ${a?.home}/go ]; do sleep 0.1; done`;
        writeFileSync(mark('node'), letsIn(slow), { mode: 0o755 });
        const ran = play('deploy', ['a', 'b'], [], { cronlatch_interpreter: `${a?.home}/node` });
        await until('the guard is being tried', () => existsSync(mark('probing')), 60);
        fleet.cut('a');
        expect((await ran).code).toBe(4);
        expect(toldIn((await ran).stdout).stats['a']).toMatchObject({ unreachable: 1, failures: 0 });
        expect(read(a!, 'crontab')).toContain('cronlatch');
        writeFileSync(mark('go'), '');
        await until('it was put back', () => historyOf(a!)[0]?.state === 'rolled-back');
        expect(snapshot(a!, ['program', 'state', 'node', 'probing', 'go'])).toEqual(before['a']);
      });
    });

    test('a host that cannot be reached is told apart from one that failed', async () => {
      const ran = await play('deploy', ['nowhere', 'a'], ['--check']);
      expect(ran.code, ran.stderr).toBe(4);
      const told = toldIn(ran.stdout);
      expect(told.stats['nowhere']).toMatchObject({ failures: 0, unreachable: 1 });
      expect(told.stats['a']).toBeUndefined();
    });

    test('what is refused fails with the reason in one line, and changes nothing', async () => {
      const before = snapshot(a!);
      const ran = await ask('a', { command: 'deploy', file: [`${a?.home}/none`], all: true });
      expect(ran.code).toBe(2);
      expect(ran.stdout).toContain(`There is no file ${a?.home}/none.`);
      expect(snapshot(a!)).toEqual(before);
    });

    test('a watch that would lose its program is refused', async () => {
      const ran = await ask(
        'a',
        { command: 'monitor', lasts: '10s', program: '/nonexistent' },
        '-B',
        '60',
        '-P',
        '0',
      );
      expect(ran.code).toBe(2);
      expect(ran.stdout).toContain('cronlatch is not installed on this host');
    });

    describe('a host’s Node', () => {
      test('that is named and is none is said', async () => {
        const ran = await ask('a', { command: 'version', node_path: '/nonexistent/node' });
        expect(ran.code).toBe(2);
        expect(ran.stdout).toContain(
          'No Node 20.17 or newer on this host: node_path names it; /nonexistent/node is not there.',
        );
      });

      const bare = () => fleet.hosts.find(({ name }) => name === 'bare');
      test('is missing: that is said, with where it was looked for', async ({ skip }) => {
        if (bare() === undefined) skip('it takes a namespace to hide a Node');
        const ran = await ask('bare', { command: 'scan' });
        expect(ran.code).toBe(2);
        expect(ran.stdout).toContain(
          'No Node 20.17 or newer on this host: looked at PATH and /opt/plesk/node/*/bin/node.',
        );
        expect(ran.stdout).toContain('set node_path');
      });

      test('is the newest of Plesk’s that will do', async ({ skip }) => {
        if (bare() === undefined) skip('it takes a namespace to hide a Node');
        const real = at('bare/real-node');
        spawnSync('cp', [process.execPath, real]);
        const plesk = (name: string, version: string): void => {
          const bin = at('bare/plesk/node', name, 'bin');
          mkdirSync(bin, { recursive: true });
          const says = `#!/bin/sh\n[ "$1" = --version ] && [ $# = 1 ] && { echo v${version}; exit 0; }\nexec ${real} "$@"\n`;
          writeFileSync(join(bin, 'node'), says, { mode: 0o755 });
        };
        plesk('18', '18.20.4');
        const old = await ask('bare', { command: 'version' });
        expect(old.code).toBe(2);
        expect(old.stdout).toContain('/opt/plesk/node/18/bin/node is 18.20.4');
        plesk('9', '9.11.2');
        plesk('20', '20.18.0');
        plesk('22', '22.2.0');
        const found = await ask('bare', { command: 'version' });
        expect(found.code, found.stdout).toBe(0);
        expect(found.stdout).toContain('"node": "/opt/plesk/node/22/bin/node"');
      });
    });

    describe('the collection', () => {
      test.skipIf(!hasLint)('passes ansible-lint at its production profile', async () => {
        const ran = await fleet.run(
          [
            'env',
            '-C',
            collection(),
            'ansible-lint',
            '--offline',
            '--profile',
            'production',
            '--strict',
            '--nocolor',
          ],
          env(),
        );
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        expect(ran.stderr).toMatch(/0 failure.*on [1-9]\d* files/);
      });

      test('ansible-doc shows the module with every option, and the role with every variable', async () => {
        const doc = async (...args: readonly string[]) => {
          const ran = await fleet.run(['ansible-doc', '-j', ...args, 'cronlatch.fleet.cronlatch'], env());
          expect(ran.code, ran.stderr).toBe(0);
          return JSON.parse(ran.stdout)['cronlatch.fleet.cronlatch'];
        };
        const options = (await doc()).doc.options as Record<string, { description: readonly string[] }>;
        const source = readFileSync(join(collection(), 'plugins/modules/cronlatch.py'), 'utf8');
        const spec = [
          ...(/argument_spec=dict\(([\s\S]*?)\n {8}\),/
            .exec(source)?.[1]
            ?.matchAll(/^\s+(\w+)=|, (\w+)=(?:text|flag)/gm) ?? []),
        ];
        expect(Object.keys(options).sort()).toEqual(spec.map((match) => match[1] ?? match[2]).sort());
        const role = (await doc('-t', 'role')).entry_points.main.options as Record<string, unknown>;
        const defaults = readFileSync(join(collection(), 'roles/cronlatch/defaults/main.yml'), 'utf8');
        expect(Object.keys(role).sort()).toEqual(
          [...defaults.matchAll(/^(cronlatch_\w+):/gm)].map((match) => match[1]).sort(),
        );
      });

      test('does what docs/ansible.md says: its inventory is read, and each of its command lines is one', async () => {
        const page = readFileSync(join(root, 'docs/ansible.md'), 'utf8');
        writeFileSync(at('controller/hosts.yml'), /^```yaml\n([\s\S]*?)^```/m.exec(page)?.[1] ?? '');
        const lines = [...page.matchAll(/^ansible.*$/gm)].map(([line]) => line);
        expect(lines.length).toBeGreaterThan(4);
        for (const line of lines) {
          const ran = await fleet.run(['sh', '-c', `${line} --list-hosts`], env());
          expect(ran.code, line + ran.stderr).toBe(0);
          expect(ran.stdout, line).toContain('hosts (2)');
          for (const host of ['web1.example.com', 'web2.example.com'])
            expect(ran.stdout, line).toContain(host);
        }
      });

      test('can be installed by ansible-galaxy from where it was exported to', async () => {
        const ran = await fleet.run(
          ['ansible-galaxy', 'collection', 'install', '--offline', '-p', at('installed'), collection()],
          {},
        );
        expect(ran.code, ran.stdout + ran.stderr).toBe(0);
        const program = 'ansible_collections/cronlatch/fleet/roles/cronlatch/files/cronlatch.cjs';
        expect(existsSync(at('installed', program))).toBe(true);
      });
    });
  },
  120_000,
);

/** As the output has it: the values of secrets left out. */
function hidden(text: string): string {
  return Object.values(secrets).reduce((all, secret) => all.replaceAll(secret, '***'), text);
}

/** A Node whose trial of the guard says that it lets a second instance in. */
function letsIn(first = ':'): string {
  const says = JSON.stringify({
    refused: { exit: 1, message: 'two' },
    stale: { recovered: true, message: '' },
  });
  return `#!/bin/sh\n[ "$2" = probe ] && { ${first}; echo '${says}'; exit 0; }\nexec ${process.execPath} "$@"\n`;
}

/** The deployments on a host, the newest first. */
function historyOf(host: Host): { id: string; command: string; state: string }[] {
  const history = spawnSync(
    process.execPath,
    [bin, 'history', '--json', '--state-dir', join(host.directory, 'state')],
    { encoding: 'utf8' },
  );
  return (JSON.parse(history.stdout) as { deployments: ReturnType<typeof historyOf> }).deployments;
}
