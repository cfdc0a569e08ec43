// A site whose owner is an enemy: while root deploys, he swaps links, FIFOs and directories under its hands.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type As, closeWorkshop, cronMissing, installProgram, until, workshop } from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { isAlive, rowsOf, startOf } from '../support/cronProcesses.ts';
import { runProgram } from '../support/syscalls.ts';

const why = cronMissing === '' ? '' : ` (skipped: ${cronMissing})`;
const stress = process.env['CRONLATCH_STRESS'] === '1';
const rounds = stress ? 500 : 20;
const canary = 'Canary-of-root-5b1e';

describe.skipIf(cronMissing !== '')(`a hostile owner of the site${why}`, () => {
  let directory: string;
  let bin: string;
  let enemy: As;
  let other: As;
  const children: ChildProcess[] = [];
  const at = (name: string): string => join(directory, name);
  beforeAll(() => {
    directory = workshop('attack');
    bin = installProgram(directory);
    enemy = makeUser(directory);
    other = makeUser(directory);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await removeUsers();
    closeWorkshop(directory);
  });

  /** Everything outside of the site that he would like to have touched. */
  const outside = (): Record<string, string> => {
    const found: Record<string, string> = {};
    for (const root of [at('victims'), other.home, at('spool')]) {
      for (const name of ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
        const path = join(root, name);
        if (path === join(at('spool'), 'crontabs', enemy.name)) continue; // his own crontab is what we are to change
        const look = lstatSync(path, { bigint: true });
        const head = `${look.mode.toString(8)} ${look.uid}:${look.gid} ${look.isDirectory() ? '' : look.mtimeNs}`;
        if (look.isFile()) found[path] = `${head} ${readFileSync(path, 'latin1')}`;
        else found[path] = look.isSymbolicLink() ? `${head} ${readlinkSync(path)}` : head;
      }
    }
    return found;
  };

  test(
    `${rounds} deploys: nothing outside is created, read into output or changed, and no other’s process signalled`,
    async () => {
      const site = join(enemy.home, 'site');
      mkdirSync(join(site, 'scripts'), { recursive: true });
      const victims = at('victims');
      const worker = `<?php // ${canary}\ndo { sleep(1); } while (true);\n`;
      for (const [path, mode, uid] of [
        ['secret', 0o600, 0],
        ['readable', 0o644, 0],
        ['scripts/worker.php', 0o600, 0],
        ['site/scripts/worker.php', 0o640, other.uid],
      ] as const) {
        mkdirSync(join(victims, path, '..'), { recursive: true });
        writeFileSync(join(victims, path), worker, { mode });
        chownSync(join(victims, path), uid, uid);
      }
      mkdirSync(join(victims, 'open'));
      writeFileSync(join(other.home, 'worker.php'), '<?php\ndo { sleep(1); } while (true);\n', {
        mode: 0o644,
      });
      chownSync(join(other.home, 'worker.php'), other.uid, other.gid);
      spawnSync('mkfifo', ['-m', '666', join(site, 'fifo')]);
      spawnSync('chown', ['-R', `${enemy.uid}:${enemy.gid}`, site]);

      const group = Number(/^crontab:[^:]*:(\d+)/m.exec(readFileSync('/etc/group', 'utf8'))?.[1]);
      mkdirSync(at('spool/crontabs'), { recursive: true });
      chownSync(at('spool/crontabs'), 0, group);
      chmodSync(at('spool/crontabs'), 0o1730);
      const tab = at(`spool/crontabs/${enemy.name}`);
      mkdirSync(at('states'));
      mkdirSync(at('tmp'), { mode: 0o700 });

      // Processes that carry the script's name and are not his: another user's, and root's.
      const bystanders = [
        spawn('/usr/bin/php', [join(other.home, 'worker.php')], {
          stdio: 'ignore',
          uid: other.uid,
          gid: other.gid,
        }),
        spawn('/usr/bin/php', [join(victims, 'scripts/worker.php')], { stdio: 'ignore' }),
      ];
      children.push(...bystanders);
      await until('the bystanders run', () =>
        bystanders.every((one) =>
          rowsOf().some((row) => row.pid === one.pid && /worker/.test(row.argv[1] ?? '')),
        ),
      );
      const starts = bystanders.map((one) => startOf(one.pid ?? 0));
      const racer = at('mallory.mjs');
      writeFileSync(racer, readFileSync(new URL('../support/mallory.mjs', import.meta.url)), { mode: 0o644 });
      const note = join(enemy.home, 'swaps');
      const raced = spawn(process.execPath, [racer, site, victims, note], {
        stdio: 'ignore',
        uid: enemy.uid,
        gid: enemy.gid,
        cwd: '/',
      });
      children.push(raced);
      await until('he is at it', () => existsSync(note));

      const before = outside();
      const exits = new Map<number | null, number>();
      const wrong: string[] = [];
      for (let round = 0; round < rounds; round++) {
        const text = `HOME=${enemy.home}\n*/2 * * * * cd ${site} && /usr/bin/php scripts/worker.php\n`;
        writeFileSync(tab, text);
        chownSync(tab, enemy.uid, group);
        chmodSync(tab, 0o600);
        const state = at(`states/${round}`);
        const ran = await runProgram(
          [
            ...['unshare', '-m', '--propagation', 'private', 'sh', '-c'],
            ...[`mount --bind ${at('spool')} /var/spool/cron && exec "$@"`, 'sh'],
            ...[
              process.execPath,
              bin,
              'deploy',
              '--user',
              enemy.name,
              '--all',
              '--ci',
              '--without',
              'verify',
            ],
            ...['--grace', '1s', '--verbose', '--state-dir', state],
          ],
          '/',
          { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', TMPDIR: at('tmp') },
        );
        exits.set(ran.code, (exits.get(ran.code) ?? 0) + 1);
        const say = (what: string): void => {
          wrong.push(`deploy ${round}, exit ${ran.code}: ${what}`);
        };
        if (![0, 1, 4, 5].includes(ran.code ?? -1)) say(ran.err);
        if (/^\s+at /m.test(ran.err)) say(ran.err);
        const kept = existsSync(state) ? spawnSync('grep', ['-rl', canary, state]).stdout.toString() : '';
        if (`${ran.out}${ran.err}`.includes(canary)) say('a file of somebody else is in the output');
        // What everybody may read is no secret, but it is not the site's script either.
        if (kept !== '') say(`a file of somebody else is in ${kept}`);
        const now = outside();
        for (const path of new Set([...Object.keys(before), ...Object.keys(now)]))
          if (before[path] !== now[path]) say(`${path} was ${before[path]} and is ${now[path]}`);
        bystanders.forEach((one, i) => {
          if (!isAlive(one.pid ?? 0, starts[i] ?? 0)) say(`bystander ${i} is gone`);
        });
        rmSync(state, { recursive: true, force: true });
        if (wrong.length > 0) break;
      }
      process.stdout.write(`exits ${JSON.stringify([...exits])}, ${readFileSync(note, 'utf8')} swaps\n`);
      expect(wrong).toEqual([]);
      // Otherwise nobody raced anybody.
      expect(Number(readFileSync(note, 'utf8'))).toBeGreaterThan(rounds);
      expect(exits.size).toBeGreaterThan(1);
    },
    stress ? 1_800_000 : 120_000,
  );
});
