// One walk through the PHP guard with every error reported, on PHP 7.4 to 8.5. The native PHP always; the others, which npm
// has as WebAssembly (474 MB), in the stress run, from a cache outside the repository. Those have one process and no signals.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasPhp, report, stage, stress } from './harness.ts';

const packaged = '@php-wasm/cli@3.1.56';
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'cronlatch', 'php-wasm');
const program = join(cache, 'node_modules/@php-wasm/cli/main.js');
const versions = stress ? ['7.4', '8.0', '8.1', '8.2', '8.3', '8.4', '8.5'] : [];

let at: ReturnType<typeof stage>;
beforeAll(() => {
  if (!stress || existsSync(program)) return;
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'package.json'), '{ "private": true }\n');
  const install = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  execFileSync('npm', [...install, packaged], { stdio: ['ignore', 'ignore', 'inherit'] });
}, 1_200_000);
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

/** Also the parts that one process alone would not come to. */
const walk = (dir: string) => `<?php
(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${dir}', 'name' => 'worker', 'maxTime' => 600, 'maxRuntime' => 600, 'verbose' => true]);
(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${dir}', 'name' => 'worker']);
echo Cronlatch\\Guard::shouldStop() ? 'stop' : 'go', "\\n";
Closure::bind(static function () {
    self::quietly(static function () {
        $guard = end(self::$held);
        echo self::holder([]), ' ', self::holder(['pid' => 1]), ' ', self::holder(['pid' => 1, 'start' => 1, 'host' => 'elsewhere']), "\\n";
        echo strpos($guard->leak(), 'PID') === 0 ? 'leak' : '', ' ', $guard->isInstance(1) ? 'instance' : 'stranger', "\\n";
        $guard->log('line');
        $guard->rotateLog();
    });
}, null, Cronlatch\\Guard::class)();
$end = $argv[1] ?? '';
if ($end === 'throw') throw new Exception('job');
if ($end === 'oom') { ini_set('memory_limit', '8M'); for ($x = [];;) $x[] = str_repeat('y', 1000); }
`;

describe.skipIf(!hasPhp)('#19: no error, no deprecation', { timeout: 300_000 }, () => {
  it.each(['native', ...versions])('with PHP %s', async (version) => {
    const script = join(at.root, 'walk.php');
    writeFileSync(script, walk(at.dir));
    const flags = ['-d', 'error_reporting=-1', '-d', 'display_errors=1', '-d', 'log_errors=0'];
    const php =
      version === 'native'
        ? ['php', ...flags]
        : ['env', `PHP=${version}`, process.execPath, program, ...flags];
    const said = 'go\nnone unknown unknown\nleak stranger\n';
    const about = await at.run([...php, '-r', 'echo PHP_VERSION;']);
    report(`#19: ${version} is ${about.out}`);
    if (version !== 'native') expect(about.out).toMatch(new RegExp(`^${version.replace('.', '\\.')}`));

    expect(await at.run([...php, script])).toMatchObject({ code: 0, out: said, err: '' });
    expect(at.record()).toMatchObject({ v: 1, state: 'done', why: '' });
    expect(at.read('.log')).toContain('] line\n');
    expect(at.has('.pid')).toBe(false);

    writeFileSync(at.file('.pid'), '99999\n');
    expect(await at.run([...php, script])).toMatchObject({
      out: `Removing stale lock file from dead process (PID: 99999)\n${said}`,
    });
    for (const end of ['throw', 'oom']) {
      const failed = await at.run([...php, script, end]);
      if (version === 'native') expect(failed.code).toBe(255); // the packages lose it
      expect(failed.out).not.toMatch(/Deprecated|Warning|Notice/);
      expect(at.record()).toMatchObject({ state: 'failed' });
      expect(at.has('.pid')).toBe(false);
    }
    const status = await at.run([...php, ...at.asks('php', 'status').slice(1)]);
    expect(JSON.parse(status.out)).toMatchObject({
      held: false,
      holder: 'none',
      record: { state: 'failed' },
    });

    const entry = ['-d', `auto_prepend_file=${join(at.root, 'cronlatch-guard.php')}`];
    const settings = [`cronlatch.dir=${at.dir}`, 'cronlatch.name=worker', 'cronlatch.max_time=60'];
    const bare = join(at.root, 'bare.php');
    writeFileSync(
      bare,
      `<?php echo implode(' ', array_keys(get_defined_vars())) === '' ? '' : 'ran', "\\n";`,
    );
    const options = [...entry, ...settings.flatMap((setting) => ['-d', setting])];
    expect(await at.run([...php, ...options, bare])).toMatchObject({ code: 0, out: 'ran\n', err: '' });
    expect(JSON.parse(readFileSync(at.file('.lock'), 'utf8'))).toMatchObject({ state: 'done' });
    rmSync(bare);

    // The second lock's file, as far as a server that is not there lets it come. The packages have no network at all.
    const home = join(at.root, '.env');
    const user = version === 'native' ? 'DB_USER=u12345_app\n' : '';
    writeFileSync(home, `DB_HOST="127.0.0.1:1"\nDB_NAME="\${DB_HOST}"\n${user}`);
    const second = join(at.root, 'second.php');
    writeFileSync(
      second,
      `<?php (require __DIR__ . '/cronlatch-guard.php')(['dir' => '${at.dir}', 'name' => 'worker', 'verbose' => true, 'shared' => '${home}']); echo 'ran';`,
    );
    const refused = await at.run([...php, second]);
    expect(refused.out).toBe('');
    expect(refused.err).toMatch(
      /^worker: no second lock, so nothing was started: (?:.*2002|no DB_USERNAME).*\n$/,
    );
    if (version === 'native') expect(refused.code).toBe(76);
  });
});
