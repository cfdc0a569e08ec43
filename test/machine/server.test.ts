// src/server against the real kernel: what files, processes, locks, crontab(1) and programs truly do.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { localFiles as files } from '../../src/server/files.ts';
import { localLatch as latch } from '../../src/server/latch.ts';
import { localProcesses as processes } from '../../src/server/processes.ts';
import { localPrograms as programs } from '../../src/server/programs.ts';
import type { Holder, Target } from '../../src/server/server.ts';
import {
  type As,
  type Cron,
  closeWorkshop,
  cronMissing,
  installProgram,
  pause,
  startCron,
  until,
  workshop,
} from '../support/cron.ts';
import { makeUser, removeUsers } from '../support/cronPeople.ts';
import { isAlive, rowsOf, startOf } from '../support/cronProcesses.ts';

const why = cronMissing === '' ? '' : ` (skipped: ${cronMissing})`;
const root = { uid: 0, gid: 0 };

describe.skipIf(cronMissing !== '')(`the local server on this kernel${why}`, () => {
  let directory: string;
  let user: As;
  const children: ChildProcess[] = [];
  const at = (name: string): string => join(directory, name);
  const start = (argv: readonly string[], options: object = {}): number => {
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', ...options });
    children.push(child);
    return child.pid ?? 0;
  };

  beforeAll(() => {
    directory = workshop('server');
    user = makeUser(directory);
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  afterAll(async () => {
    await removeUsers();
    closeWorkshop(directory);
  });

  describe('files', () => {
    test.each([
      ['root', () => root],
      ['a user', () => user],
    ])('%s gives a file its mode past the umask and its time to the nanosecond', async (_, as) => {
      const { uid, gid } = as();
      const path = join(uid === 0 ? directory : user.home, 'dressed');
      const umask = process.umask(0o777);
      try {
        await files.write(
          path,
          'text',
          { mode: 0o754, uid, gid, mtime: '1700000000.123456789' },
          { uid, gid },
        );
      } finally {
        process.umask(umask);
      }
      const seen = await files.look(path, { uid, gid });
      expect(seen).toMatchObject({ mode: 0o754, uid, gid, mtime: '1700000000.123456789', bytes: 'text' });
    });

    test('a directory gets its mode past the umask', async () => {
      const umask = process.umask(0o777);
      try {
        await files.makeDirectory(at('made'), 0o751, user, root);
      } finally {
        process.umask(umask);
      }
      expect(await files.look(at('made'), root)).toMatchObject({
        is: 'directory',
        mode: 0o751,
        uid: user.uid,
      });
    });

    test('a symbolic link at the target is seen as one and never written, read or synced through', async () => {
      writeFileSync(at('victim'), 'untouched');
      symlinkSync(at('victim'), at('link'));
      symlinkSync(at('nothing'), at('dangling'));
      const look = { mode: 0o600, ...root };
      expect(await files.look(at('link'), root)).toEqual({ is: 'link', target: at('victim') });
      for (const link of ['link', 'dangling']) {
        await expect(files.write(at(link), 'x', look, root)).rejects.toThrow();
        await expect(files.append(at(link), 'x', root)).rejects.toThrow();
        await expect(files.sync(at(link), root)).rejects.toThrow();
        await expect(files.tail(at(link), 0, 9, root)).rejects.toThrow();
      }
      expect(readFileSync(at('victim'), 'utf8')).toBe('untouched');
      expect(existsSync(at('nothing'))).toBe(false);
    });

    test('a rename replaces a link and not what it leads to', async () => {
      writeFileSync(at('aim'), 'untouched');
      symlinkSync(at('aim'), at('link2'));
      writeFileSync(at('new'), 'new');
      await files.rename(at('new'), at('link2'), root);
      expect(lstatSync(at('link2')).isFile()).toBe(true);
      expect(readFileSync(at('aim'), 'utf8')).toBe('untouched');
    });

    test('a FIFO keeps nobody waiting', async () => {
      spawnSync('mkfifo', [at('fifo')]);
      const look = { mode: 0o600, ...root };
      expect(await files.look(at('fifo'), root)).toMatchObject({ is: 'other' });
      await files.tail(at('fifo'), 0, 100, root).catch(() => {});
      await files.sync(at('fifo'), root).catch(() => {});
      await expect(files.write(at('fifo'), 'x', look, root)).rejects.toThrow();
      // In a process of its own: a synchronous open that waits would take the test along.
      const module = bundle('files');
      const code = `import { localFiles } from '${module}'; await localFiles.append(process.argv[1], 'x', { uid: 0, gid: 0 }).then(() => process.exit(1), () => process.exit(0));`;
      const ran = spawnSync(process.execPath, ['--input-type=module', '-e', code, at('fifo')], {
        timeout: 30_000,
      });
      expect(ran.status).toBe(0);
    });

    test('hard links are counted, and an existing name is never written over', async () => {
      writeFileSync(at('one'), 'text');
      linkSync(at('one'), at('two'));
      expect(await files.look(at('one'), root)).toMatchObject({ links: 2 });
      await expect(files.write(at('two'), 'x', { mode: 0o600, ...root }, root)).rejects.toThrow();
      expect(readFileSync(at('one'), 'utf8')).toBe('text');
    });

    test('root acting as a user can do there what the user can, and is root again afterwards', async () => {
      mkdirSync(at('closed'), { mode: 0o700 });
      writeFileSync(at('closed/secret'), 'secret');
      const look = { mode: 0o600, uid: user.uid, gid: user.gid };
      await expect(files.write(at('closed/x'), 'x', look, user)).rejects.toThrow();
      await expect(files.write(at('x'), 'x', look, user)).rejects.toThrow();
      await expect(files.remove(at('closed/secret'), user)).rejects.toThrow();
      await expect(files.rename(join(user.home, 'dressed'), at('closed/x'), user)).rejects.toThrow();
      await expect(files.makeDirectory(at('closed/d'), 0o700, user, user)).rejects.toThrow();
      await expect(files.look(at('closed/secret'), user)).rejects.toThrow();
      expect(await files.list(at('closed'), root)).toEqual(['secret']);
      expect(process.geteuid?.()).toBe(0);
      expect(process.getgroups?.()).toContain(0);
    });

    test('a user’s link to a place of root’s leads root nowhere while it acts as that user', async () => {
      mkdirSync(at('vault'), { mode: 0o700 });
      symlinkSync(at('vault'), join(user.home, 'way'));
      const look = { mode: 0o600, uid: user.uid, gid: user.gid };
      await expect(files.write(join(user.home, 'way/x'), 'x', look, user)).rejects.toThrow();
      expect(await files.list(at('vault'), root)).toEqual([]);
    });

    test('what lies behind a group of root’s is out of reach for the user', async () => {
      mkdirSync(at('roots-group'), { mode: 0o770 });
      chmodSync(at('roots-group'), 0o770);
      const look = { mode: 0o600, uid: user.uid, gid: user.gid };
      await expect(files.write(at('roots-group/x'), 'x', look, user)).rejects.toThrow();
    });
  });

  describe('processes', () => {
    const worker = (): Target => {
      const script = join(user.home, 'worker.php');
      writeFileSync(script, '<?php sleep(600);');
      const pid = start(['php', script], { uid: user.uid, gid: user.gid, cwd: '/' });
      return { pid, start: String(startOf(pid)), uid: user.uid, script, word: script };
    };
    const runs = async (target: Target): Promise<void> =>
      until('the worker runs', () => rowsOf().some((r) => r.pid === target.pid && r.argv[1] === target.word));

    test('where a process writes to is told by path, and of one that is gone nothing', async () => {
      const log = at('written');
      const pid = start(['sh', '-c', `exec sleep 600 > ${log}`]);
      await until('sleep runs', () => rowsOf().some((r) => r.pid === pid && r.argv[0] === 'sleep'));
      expect(await processes.output(pid)).toBe(log);
      expect(await processes.output(2 ** 22 + 1)).toBe('unseen');
    });

    test('a signal goes only to the process that was meant', async () => {
      const target = worker();
      await runs(target);
      const other = join(user.home, 'other.php');
      writeFileSync(other, '');
      expect(await processes.signal({ ...target, start: '1' }, 'SIGKILL')).toBe('gone');
      expect(await processes.signal({ ...target, uid: target.uid + 1 }, 'SIGKILL')).toBe('different');
      expect(await processes.signal({ ...target, script: other }, 'SIGKILL')).toBe('different');
      expect(await processes.signal({ ...target, word: 'worker.php' }, 'SIGKILL')).toBe('different');
      expect(isAlive(target.pid, Number(target.start))).toBe(true);
      expect(await processes.signal(target, 'SIGTERM')).toBe('sent');
      await until('it ends', () => !isAlive(target.pid, Number(target.start)));
      expect(await processes.signal(target, 'SIGTERM')).toBe('gone');
    });

    test('a zombie is gone: it gets no signal and has no command line', async () => {
      const script = join(user.home, 'brief.php');
      const parent = start(['sh', '-c', 'sleep 0.1 & exec sleep 600']);
      let zombie = 0;
      await until('a zombie', () => {
        const row = spawnSync('ps', ['-o', 'pid=,stat=', '--ppid', String(parent)]).stdout.toString();
        zombie = Number(/^\s*(\d+) Z/m.exec(row)?.[1] ?? 0);
        return zombie > 0;
      });
      const row = (await processes.list()).find((one) => one.pid === zombie);
      expect(row).toMatchObject({ state: 'Z', argv: [] });
      const target = { pid: zombie, start: row?.start ?? '', uid: 0, script, word: script };
      expect(await processes.signal(target, 'SIGKILL')).toBe('gone');
    });

    test('a lock is seen with its holder, and with nobody else', async () => {
      const path = at('held.lock');
      writeFileSync(path, '');
      const inode = `0:${lstatSync(path, { bigint: true }).ino}`;
      expect(await processes.locked(inode)).toBe(false);
      const holder = start(['flock', '-n', path, 'sleep', '600']);
      await until('the lock is held', () =>
        readFileSync('/proc/locks', 'utf8').includes(`${inode.slice(2)} 0 EOF`),
      );
      expect(await processes.locked(inode)).toBe(true);
      expect(await processes.holds(holder, inode)).toBe(true);
      expect(await processes.holds(process.pid, inode)).toBe(false);
      for (const row of rowsOf().filter((one) => one.ppid === holder)) process.kill(row.pid, 'SIGKILL');
    });
  });

  describe('the latch', () => {
    const holder: Holder = {
      id: '1',
      who: 'example-user',
      command: 'deploy',
      since: 'now',
      pid: process.pid,
    };

    test('a second taker is told who holds it; released, it is free and was left by nobody', async () => {
      const first = await latch.take(at('latch'), holder);
      expect(await latch.take(at('latch'), { ...holder, id: '2' })).toEqual({ is: 'held', holder });
      if (first.is === 'mine') await first.release();
      const next = await latch.take(at('latch'), holder);
      expect(next).not.toHaveProperty('leftBy');
      if (next.is === 'mine') await next.release();
    });

    test('a killed holder never blocks the next, not even while a program it started lives on', async () => {
      const code = `import { localLatch } from '${bundle('latch')}'; import { spawn } from 'node:child_process';
const got = await localLatch.take(process.argv[1], JSON.parse(process.argv[2]));
const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
console.log(got.is, child.pid); setInterval(() => {}, 1000);`;
      const path = at('latch2');
      const child = spawn(process.execPath, [
        '--input-type=module',
        '-e',
        code,
        path,
        JSON.stringify(holder),
      ]);
      children.push(child);
      let said = '';
      child.stdout.on('data', (data) => {
        said += data;
      });
      await until('it has the latch', () => said.includes('\n'));
      const sleeper = Number(said.split(' ')[1]);
      try {
        expect(said).toMatch(/^mine /);
        expect(await latch.take(path, holder)).toEqual({ is: 'held', holder });
        child.kill('SIGKILL');
        await until('it is gone', () => child.signalCode !== null);
        const next = await latch.take(path, { ...holder, id: '2' });
        expect(next).toMatchObject({ is: 'mine', leftBy: holder });
        if (next.is === 'mine') await next.release();
      } finally {
        process.kill(sleeper, 'SIGKILL');
      }
    });

    test('a holder who has not written his note yet is waited for, and a dead one’s note is not believed', async () => {
      const path = at('latch4');
      const dead = spawnSync('true').pid;
      writeFileSync(path, JSON.stringify({ ...holder, pid: dead }));
      start(['flock', path, 'sleep', '600']);
      await until('the lock is held', () => spawnSync('flock', ['-n', path, 'true']).status === 1);
      const asked = latch.take(path, { ...holder, id: '2' });
      await pause(100);
      writeFileSync(path, JSON.stringify(holder));
      expect(await asked).toEqual({ is: 'held', holder });
      for (const row of rowsOf().filter(
        (one) => one.argv[0] === 'sleep' && one.ancestors.includes(process.pid),
      ))
        process.kill(row.pid, 'SIGKILL');
    });

    test('a link where the latch should be is refused', async () => {
      symlinkSync(at('elsewhere'), at('latch3'));
      await expect(latch.take(at('latch3'), holder)).rejects.toMatchObject({ code: 'lock-impossible' });
      expect(existsSync(at('elsewhere'))).toBe(false);
    });
  });

  describe('programs', () => {
    test.each([
      ['a grandchild', 'sleep 600 & echo $! > "$0"; sleep 600'],
      ['a grandchild in a session of its own', 'setsid sleep 600 & echo $! > "$0"; sleep 600'],
    ])('the time limit ends the wait, whatever %s keeps open', async (_, script) => {
      const note = at('grandchild');
      const grandchild = (): number => Number(readFileSync(note, 'utf8'));
      const since = Date.now();
      try {
        const ran = await programs.run(['sh', '-c', script, note], { as: root, timeout: 500 });
        expect(ran.code).toBe('timeout');
        expect(Date.now() - since).toBeLessThan(3000);
        await pause(100);
        const left = rowsOf().some((row) => row.pid === grandchild());
        expect(left).toBe(script.startsWith('setsid')); // whom no group signal can reach
      } finally {
        if (rowsOf().some((row) => row.pid === grandchild())) process.kill(grandchild(), 'SIGKILL');
      }
    });

    test('a program runs with the user’s ids, none of root’s groups, an empty input and only the given environment', async () => {
      const script = 'id -u; id -g; id -G; cat; env | grep -c .; echo "$MARK"';
      const env = { MARK: 'here', PATH: '/usr/bin:/bin' };
      const ran = await programs.run(['sh', '-c', script], { as: user, env, timeout: 30_000 });
      expect(ran.stdout.split('\n')).toEqual([
        String(user.uid),
        String(user.gid),
        String(user.gid),
        expect.stringMatching(/^[2-4]$/), // sh adds PWD, and env itself _
        'here',
        '',
      ]);
      expect(ran.code).toBe(0);
    });

    test('a program that is not there, or may not run, is told apart from one that failed', async () => {
      writeFileSync(at('plain'), '');
      const run = (argv: readonly string[]) => programs.run(argv, { as: root, timeout: 30_000 });
      expect((await run([at('no-such-program')])).code).toBe('missing');
      expect((await run([at('plain')])).code).toBe('missing');
      expect((await run(['sh', '-c', 'exit 3'])).code).toBe(3);
      expect((await run(['sh', '-c', 'kill -9 $$'])).code).toBe('signal');
    });
  });

  describe('crontabs', () => {
    let cron: Cron;
    let other: As;
    let program: string;
    beforeAll(async () => {
      program = installProgram(directory);
      other = makeUser(directory);
      cron = await startCron(at('cron'));
    });
    afterAll(() => cron?.stop());

    const scan = async (
      as: As | undefined,
      ...args: string[]
    ): Promise<{ exit: number | null; code: string; sources: string[]; said: string }> => {
      const argv = [process.execPath, program, 'scan', '--json', '--fail-on', 'never', ...args];
      const ran = await cron.run(argv, as === undefined ? {} : { as });
      const report = JSON.parse(ran.stdout);
      return {
        exit: ran.code,
        code: report.outcome.code ?? report.outcome.is,
        sources: (report.crontabs ?? []).map((one: { source: string }) => one.source),
        said: ran.stderr,
      };
    };

    test('a user without a crontab has none, and that is no error', async () => {
      expect(await scan(user, '--user', user.name)).toMatchObject({ exit: 0, code: 'clean', sources: [] });
      expect(await scan(undefined, '--user', user.name)).toMatchObject({ exit: 0, sources: [] });
    });

    test('a crontab is read alike by its owner and by root', async () => {
      const text = '*/5 * * * * echo example.com\n';
      await cron.run(['crontab', '-'], { as: user, stdin: text });
      const mine = await scan(user, '--user', user.name);
      expect(mine).toMatchObject({ exit: 0, sources: [`user:${user.name}`] });
      expect(await scan(undefined, '--user', user.name)).toMatchObject({ exit: 0, sources: mine.sources });
    });

    test('the crontab of another user is refused, and an unknown user named as such', async () => {
      expect(await scan(other, '--user', user.name)).toMatchObject({ exit: 1, code: 'crontab-unreadable' });
      expect(await scan(undefined, '--user', 'cronlatch-nobody')).toMatchObject({ code: 'no-such-entry' });
    });

    test('a user whom cron.allow leaves out is told so, and never takes it for an empty crontab', async () => {
      await cron.run(['sh', '-c', 'echo root > /etc/cron.allow']);
      try {
        const seen = await scan(user, '--user', user.name);
        expect(seen).toMatchObject({ exit: 1, code: 'crontab-unreadable' });
        expect(seen.said).toContain('not allowed');
      } finally {
        await cron.run(['rm', '/etc/cron.allow']);
      }
    });

    /** The port's own act, as the user, in cron's namespace. */
    const poke = (as: As, text: string): Promise<{ code: number | null; stderr: string }> => {
      const self = { user: as.name, owner: { uid: as.uid, gid: as.gid }, home: as.home, root: false };
      const code = `import { localCrontabs } from '${bundle('crontabs')}';
await localCrontabs(${JSON.stringify(self)}).poke({ by: 'command', user: '${as.name}' }, ${JSON.stringify(text)});`;
      return cron.run([process.execPath, '--input-type=module', '-e', code], { as });
    };

    test('a new crontab in a second that cron has seen goes unnoticed until the user’s own poke', async () => {
      const spool = join(cron.spool, user.name);
      const said = join(user.home, 'said');
      const lines = (): string[] => (existsSync(said) ? readFileSync(said, 'utf8').split('\n') : []);
      const entry = (word: string): string => `* * * * * echo ${word} >> ${said}\n`;
      // In a second of its own: to cron a crontab of the same second as one it has is that one.
      await cron.notice();
      await cron.run(['crontab', '-'], { as: user, stdin: entry('old') });
      await cron.notice();
      const noticed = lines().length;
      await until('cron has looked since', () => lines().length > noticed + 1);
      // As crontab(1) leaves it when cron has looked between its temporary file and its rename.
      const seen = lstatSync(cron.spool).mtime;
      writeFileSync(spool, entry('new'));
      utimesSync(cron.spool, seen, seen);
      const before = lines().length;
      await until('three more ticks', () => lines().length >= before + 3);
      expect(lines()).not.toContain('new');
      expect(await poke(user, entry('new'))).toMatchObject({ code: 0, stderr: '' });
      await until('the new entry runs', () => lines().includes('new'));
      await cron.run(['crontab', '-r'], { as: user });
    });

    test('a poke leaves alone what somebody has installed meanwhile', async () => {
      await cron.run(['crontab', '-'], { as: user, stdin: '5 5 * * * echo theirs\n' });
      const spool = join(cron.spool, user.name);
      const theirs = lstatSync(spool).ino;
      expect(await poke(user, '5 5 * * * echo ours\n')).toMatchObject({ code: 0 });
      expect([lstatSync(spool).ino, readFileSync(spool, 'utf8')]).toEqual([
        theirs,
        expect.stringContaining('theirs'),
      ]);
    });

    test('an install that PAM refuses leaves everything as it was, and says why', async () => {
      const worker = join(user.home, 'jobs/worker.php');
      mkdirSync(join(user.home, 'jobs'));
      writeFileSync(worker, '<?php\nin_array("--once", $argv, true);\n');
      spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, join(user.home, 'jobs')]);
      await cron.run(['crontab', '-'], { as: user, stdin: `*/5 * * * * php ${worker}\n` });
      mkdirSync(at('refusing'));
      writeFileSync(
        at('refusing/crontab'),
        '#!/bin/sh\ncase "$1" in -*) exec /usr/bin/crontab "$@";; esac\necho "You (example-user) are not allowed to access to (crontab) because of pam configuration." >&2\nexit 1\n',
        { mode: 0o755 },
      );
      const before = readFileSync(worker, 'utf8');
      const tab = readFileSync(join(cron.spool, user.name), 'utf8');
      const line = [
        'deploy',
        '--all',
        '--ci',
        '--without',
        'verify',
        '--state-dir',
        join(user.home, 'state'),
      ];
      const argv = ['env', `PATH=${at('refusing')}:/usr/bin:/bin`, process.execPath, program, ...line];
      const ran = await cron.run(argv, { as: user });
      expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining('because of pam configuration')]);
      expect(ran.stderr).toContain('What had been done was put back.');
      expect(readFileSync(worker, 'utf8')).toBe(before);
      expect(readFileSync(join(cron.spool, user.name), 'utf8')).toBe(tab);
      expect(existsSync(join(user.home, 'jobs/cronlatch-guard.php'))).toBe(false);
    });

    // Its patience is half a minute.
    test.skipIf(process.env['CRONLATCH_STRESS'] !== '1')(
      'a crontab(1) that hangs is given up with all it has started (stress)',
      async () => {
        mkdirSync(at('hanging'));
        const child = join(user.home, 'hanging-child');
        writeFileSync(at('hanging/crontab'), `#!/bin/sh\nsleep 600 & echo $! > ${child}\nwait\n`, {
          mode: 0o755,
        });
        const env = { PATH: `${at('hanging')}:/usr/bin:/bin`, HOME: user.home };
        const ran = spawnSync(process.execPath, [program, 'scan', '--user', user.name], {
          env,
          uid: user.uid,
          gid: user.gid,
          encoding: 'utf8',
        });
        expect([ran.status, ran.stderr]).toEqual([1, expect.stringContaining('did not answer within 30 s')]);
        const left = Number(readFileSync(child, 'utf8'));
        await until('its child has ended', () => !rowsOf().some((row) => row.pid === left));
      },
      60_000,
    );

    test('a spool file that is a link is refused', async () => {
      symlinkSync(at('cron/cron.d'), join(cron.spool, other.name));
      expect(await scan(undefined, '--user', other.name)).toMatchObject({ exit: 1, code: 'unreadable' });
    });
  });

  /** A module of the product that plain Node can load. */
  function bundle(name: string): string {
    const outfile = at(`${name}.mjs`);
    const entry = new URL(`../../src/server/${name}.ts`, import.meta.url).pathname;
    buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm' });
    return outfile;
  }
});
