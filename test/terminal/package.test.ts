// The package as npm hands it out: only what runs, nothing further to download, and the Nodes it says it runs on.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { json, plainEnv, root, scratch, site, snapshot } from './harness.ts';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

const directory = scratch();
const home = join(directory, 'app');
const installed = join(home, 'node_modules/cronlatch');
let packed: Packed;

beforeAll(() => {
  // The tests run on what was built already; npm is not to build once more beside them.
  const pack = npm(root, 'pack', '--ignore-scripts', '--json', '--pack-destination', directory);
  [packed] = JSON.parse(pack) as [Packed];
  mkdirSync(home);
  npm(home, 'install', '--offline', '--no-audit', '--no-fund', join(directory, packed.filename));
});

function npm(cwd: string, ...args: string[]): string {
  const ran = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, npm_config_cache: join(directory, 'cache') },
  });
  expect(ran.status, ran.stderr).toBe(0);
  return ran.stdout;
}

const started = (node: string, args: readonly string[]) =>
  spawnSync(node, [join(installed, 'bin/cronlatch.js'), ...args], {
    cwd: directory,
    encoding: 'utf8',
    env: plainEnv(),
  });

/** Reads, deploys and puts back, with this Node. */
function wholeRoad(node: string): void {
  const at = site();
  const before = snapshot(at.directory, ['state']);
  expect(started(node, ['--version']).stdout).toBe(`${version()}\n`);
  const scan = started(node, ['scan', ...at.on, '--json', '--fail-on', 'never']);
  expect(JSON.parse(scan.stdout).crontabs, scan.stderr).toHaveLength(1);
  const deployed = started(node, ['deploy', ...at.on, '--all', '--ci', '--json']);
  expect(deployed.status, deployed.stderr).toBe(0);
  expect(json({ ...deployed, out: deployed.stdout } as never).outcome.is).toBe('deployed');
  const asked = started(node, [
    'connections',
    '--db-user',
    'u12345_app',
    '--db-socket',
    join(directory, 'none'),
    '--json',
  ]);
  expect(asked.status, asked.stderr).toBe(6);
  expect(started(node, ['rollback', ...at.stateFlags, '--ci']).status).toBe(0);
  expect(snapshot(at.directory, ['state'])).toEqual(before);
}

const version = (): string => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;

describe('the package', () => {
  test('holds what runs and what explains it, and nothing else', () => {
    const strangers = packed.files
      .map(({ path }) => path)
      .filter(
        (path) =>
          !/^(?:bin|dist|templates|docs)\/|^(?:README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(path),
      );
    expect(strangers).toEqual([]);
    expect(packed.files.filter(({ path }) => /\.map$|\.test\.|\.ts$/.test(path))).toEqual([]);
    for (const path of [
      'bin/cronlatch.js',
      'dist/main.js',
      'dist/LICENSES.txt',
      'dist/cronlatch.1',
      'LICENSE',
    ])
      expect(packed.files.map((file) => file.path)).toContain(path);
  });

  test('is installed without the network, alone, and runs no script of its own then', () => {
    expect(readdirSync(join(home, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
      'cronlatch',
    ]);
    expect(existsSync(join(installed, 'node_modules'))).toBe(false);
    const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as {
      scripts: object;
    };
    expect(Object.keys(scripts).filter((name) => /install/.test(name))).toEqual([]);
  });

  test('names everybody whose work is bundled in it, with their licence', () => {
    const text = readFileSync(join(installed, 'dist/LICENSES.txt'), 'utf8');
    const { bundled } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bundled: string[] };
    for (const name of bundled) expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'));
    expect(text).not.toContain('the package has no file of it');
  });

  test('goes the whole road from where it was installed', () => wholeRoad(process.execPath));
});

// npm's package `node` brings these programs, some 50 MB each: only where the full numbers are asked for, and in .ci/run.
const wide = ['CRONLATCH_STRESS', 'CRONLATCH_NODES'].some((name) => process.env[name] !== undefined);
describe.runIf(wide)('other Nodes', () => {
  test.each(['20.17.0', '22', '24', '26'])('Node %s goes the whole road', { timeout: 180_000 }, (wanted) => {
    const place = join(directory, `node-${wanted}`);
    const binary = `node-${process.platform}-${process.arch}`;
    mkdirSync(place);
    npm(place, 'install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${binary}@${wanted}`);
    wholeRoad(join(place, 'node_modules', binary, 'bin/node'));
  });
});
