// A site whose owner is an enemy: while root deploys, he swaps links, FIFOs and directories under its hands.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
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
import { makeSpool, putCrontab, withSpool } from '../support/spool.ts';
import { runProgram } from '../support/syscalls.ts';

const why = cronMissing === '' ? '' : ` (skipped: ${cronMissing})`;
const rounds = process.env['CRONLATCH_STRESS'] === '1' ? 500 : 20;
/** So many sites at a time, each with an enemy, neighbours and victims of its own. */
const width = 2;
const seed = Number(process.env['CRONLATCH_SEED'] ?? Date.now() % 2 ** 31);
const canary = 'Canary-of-root-5b1e';
const worker = `<?php // ${canary}\ndo { sleep(1); } while (true);\n`;

interface Scene {
  readonly enemy: As;
  readonly site: string;
  at(name: string): string;
  /** Everything outside of the site that he would like to have touched. */
  outside(): Record<string, string>;
  /** Which of the processes that carry the script's name and are not his are gone. */
  gone(): number[];
  swaps(): number;
}

describe.skipIf(cronMissing !== '')(`a hostile owner of the site${why}`, () => {
  let directory: string;
  let bin: string;
  const children: ChildProcess[] = [];
  beforeAll(() => {
    directory = workshop('attack');
    bin = installProgram(directory);
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await removeUsers();
    closeWorkshop(directory);
  });

  /** Lays a site among what its owner must not reach, and sets him to work. */
  async function lay(number: number): Promise<Scene> {
    const at = (name: string): string => join(directory, `scene${number}`, name);
    mkdirSync(at('people'), { recursive: true });
    mkdirSync(at('tmp'), { mode: 0o700 });
    const [enemy, other] = [makeUser(at('people')), makeUser(at('people'))];
    const site = join(enemy.home, 'site');
    mkdirSync(join(site, 'scripts'), { recursive: true });
    const victims = at('victims');
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
    writeFileSync(join(other.home, 'worker.php'), '<?php\ndo { sleep(1); } while (true);\n', { mode: 0o644 });
    chownSync(join(other.home, 'worker.php'), other.uid, other.gid);
    spawnSync('mkfifo', ['-m', '666', join(site, 'fifo')]);
    spawnSync('chown', ['-R', `${enemy.uid}:${enemy.gid}`, site]);
    makeSpool(at('spool'));

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
    const raced = spawn(process.execPath, [racer, site, victims, note, String(seed + number)], {
      stdio: 'ignore',
      uid: enemy.uid,
      gid: enemy.gid,
      cwd: '/',
    });
    children.push(raced);
    await until('he is at it', () => existsSync(note));
    return {
      enemy,
      site,
      at,
      outside() {
        const found: Record<string, string> = {};
        for (const root of [victims, other.home, at('spool')]) {
          for (const name of ['', ...readdirSync(root, { recursive: true, encoding: 'utf8' })]) {
            const path = join(root, name);
            if (path === at(`spool/crontabs/${enemy.name}`)) continue; // his own crontab is what we are to change
            const look = lstatSync(path, { bigint: true });
            const head = `${look.mode.toString(8)} ${look.uid}:${look.gid} ${look.isDirectory() ? '' : look.mtimeNs}`;
            if (look.isFile()) found[path] = `${head} ${readFileSync(path, 'latin1')}`;
            else found[path] = look.isSymbolicLink() ? `${head} ${readlinkSync(path)}` : head;
          }
        }
        return found;
      },
      gone: () => [0, 1].filter((i) => !isAlive(bystanders[i]?.pid ?? 0, starts[i] ?? 0)),
      swaps: () => Number(readFileSync(note, 'utf8')),
    };
  }

  /** One deploy under his hands. Returns what is wrong afterwards. */
  async function deploy(scene: Scene, before: Record<string, string>, exits: (number | null)[]) {
    const { enemy, site, at } = scene;
    const text = `HOME=${enemy.home}\n*/2 * * * * cd ${site} && /usr/bin/php scripts/worker.php\n`;
    putCrontab(at('spool'), enemy, text);
    const state = at('state');
    const ran = await runProgram(
      [
        ...withSpool(at('spool')),
        ...[process.execPath, bin, 'deploy', '--user', enemy.name, '--all', '--ci', '--without', 'verify'],
        ...['--grace', '1s', '--verbose', '--state-dir', state],
      ],
      '/',
      { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', TMPDIR: at('tmp') },
    );
    exits.push(ran.code);
    const wrong: string[] = [];
    const say = (what: string): void => {
      wrong.push(`deploy ${exits.length} of ${enemy.name}, exit ${ran.code}: ${what}`);
    };
    if (![0, 1, 4, 5].includes(ran.code ?? -1)) say(ran.err);
    if (/^\s+at /m.test(ran.err)) say(ran.err);
    const kept = existsSync(state) ? spawnSync('grep', ['-rl', canary, state]).stdout.toString() : '';
    if (`${ran.out}${ran.err}`.includes(canary)) say('a file of somebody else is in the output');
    // What everybody may read is no secret, but it is not the site's script either.
    if (kept !== '') say(`a file of somebody else is in ${kept}`);
    const now = scene.outside();
    for (const path of new Set([...Object.keys(before), ...Object.keys(now)]))
      if (before[path] !== now[path]) say(`${path} was ${before[path]} and is ${now[path]}`);
    for (const i of scene.gone()) say(`bystander ${i} is gone`);
    rmSync(state, { recursive: true, force: true });
    return wrong;
  }

  test(
    `${rounds} deploys: nothing outside is created, read into output or changed, and no other’s process signalled`,
    async () => {
      const exits: (number | null)[] = [];
      const wrong: string[] = [];
      const swaps = await Promise.all(
        Array.from({ length: width }, async (_, number) => {
          const scene = await lay(number);
          const before = scene.outside();
          for (let round = 0; round < rounds / width && wrong.length === 0; round++)
            wrong.push(...(await deploy(scene, before, exits)));
          return scene.swaps();
        }),
      );
      const counts = [...new Set(exits)].map((code) => [code, exits.filter((one) => one === code).length]);
      process.stdout.write(
        `${exits.length} deploys, seed ${seed}: exits ${JSON.stringify(counts)}, ${swaps.join(' + ')} swaps\n`,
      );
      expect(wrong).toEqual([]);
      // Otherwise nobody raced anybody. One of them may have had little luck in so few rounds.
      for (const many of swaps) expect(many).toBeGreaterThan(0);
      expect(swaps.reduce((sum, many) => sum + many, 0)).toBeGreaterThan(rounds);
      expect(counts.length).toBeGreaterThan(1);
    },
    rounds * 6000,
  );
});
