// The pair of entries that keep one worker running, tried out with the real pgrep under a real shell.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Surroundings } from '../../src/command/command.ts';
import { longRunningForm } from '../../src/command/longRunning.ts';
import { readCommand } from '../../src/command/read.ts';

// The real PHP where there is one; Node under its name can do all but PHP's own options.
const PHP = ['/usr/bin/php', '/usr/local/bin/php'].find((path) => existsSync(path));
const user = String(userInfo().uid);

function surroundingsOf(home: string): Surroundings {
  return { shell: '/bin/sh', home, variables: new Map([['HOME', home]]) };
}

function form(text: string, home: string, interpreter: string, log = 'w.log') {
  const command = readCommand(text, surroundingsOf(home));
  if (command.is === 'opaque') throw new Error(`opaque: ${command.why}`);
  return longRunningForm(text, command, { interpreter, log, user });
}

describe('the text', () => {
  test('has an anchored pattern, no --once, and everything the old command said', () => {
    const text =
      "[ -f on ] && cd /srv/shop; A='b c' nice -n 5 nohup php -q bin/worker.php --once --queue=a < in > /dev/null 2>&1 &";
    const command = readCommand(text.replace('[ -f on ] && ', ''), surroundingsOf('/root'));
    if (command.is === 'opaque') throw new Error(command.why);
    const { boot, watchdog } = longRunningForm(text.replace('[ -f on ] && ', ''), command, {
      interpreter: '/opt/php84/bin/php',
      log: 'logs/w.log',
      user: 'u12345_app',
    });
    const start =
      "cd /srv/shop && A='b c' nice -n 5 /opt/php84/bin/php -q bin/worker.php --queue=a < in >> logs/w.log 2>&1";
    expect(boot).toBe(`${start} &`);
    expect(watchdog).toBe(
      "LC_ALL=C pgrep -u u12345_app -f '^/opt/php84/bin/php -q bin/worker[.]php --queue=a$' > /dev/null; [ $? -ne 1 ] || " +
        `( ${start} & )`,
    );
  });

  test('keeps guards on their side of the cd', () => {
    const { boot } = form('export A=b; cd /srv && [ -f on ] && php w.php', '/root', '/opt/php');
    expect(boot).toBe('export A=b; cd /srv && [ -f on ] && /opt/php w.php >> w.log 2>&1 &');
  });

  test('of the watchdog is itself recognised as a guarded command', () => {
    const { watchdog, boot } = form('cd /srv && php w.php', '/root', '/opt/php/bin/php');
    expect(readCommand(watchdog, surroundingsOf('/root'))).toMatchObject({
      is: 'opaque',
      why: 'pgrep-guard',
    });
    expect(readCommand(boot, surroundingsOf('/root'))).toMatchObject({ is: 'worker', background: true });
  });
});

describe('under a real shell', () => {
  let root: string;
  const started = new Set<number>();
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'cronlatch-watchdog-'));
    await mkdir(join(root, 'bin'));
    // By a name of its own, so that its processes are told from any other PHP's.
    await symlink(PHP ?? process.execPath, join(root, 'bin/php'));
  });
  afterEach(async () => {
    for (const pid of started) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone already.
      }
    }
    started.clear();
    await rm(root, { recursive: true, force: true });
  });

  /** Our own workers, told by their working directory, which nothing else is in. */
  async function workers(): Promise<number[]> {
    const found: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^[0-9]+$/.test(name)) continue;
      const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '');
      const line = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
      if (cwd === root && line.startsWith(join(root, 'bin/php'))) found.push(Number(name));
    }
    for (const pid of found) started.add(pid);
    return found;
  }

  async function shell(text: string): Promise<void> {
    const file = join(root, 'text');
    await writeFile(file, text, 'latin1');
    // The shell's own arguments hold the whole text, as under cron.
    const child = spawn('/bin/sh', ['-c', 'exec /bin/sh -c "$(cat "$0")"', file], {
      stdio: 'ignore',
      cwd: '/',
    });
    await new Promise((resolve) => child.on('close', resolve));
    for (let tries = 0; tries < 40 && (await workers()).length === 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Puts a script that stays where the command looks for it. */
  async function makeScript(text: string): Promise<void> {
    const command = readCommand(text, surroundingsOf(root));
    if (command.is === 'opaque') throw new Error(command.why);
    const stays = PHP === undefined ? 'setTimeout(() => {}, 60_000);' : '<?php sleep(60);';
    await writeFile(Buffer.from(command.scriptPath, 'latin1'), stays);
  }

  test.each([
    ['a plain name', 'worker.php', ''],
    ['arguments', 'worker.php', ' --queue=mail -v'],
    ['characters of regular expressions', "'w.(o)[r]{k}+e?r*|^$\\.php'", ' --x="a.*b"'],
    ['blanks and quotes', '"my worker\'s.php"', ' "a  b"'],
    ['an empty argument at the end', 'worker.php', " a ''"],
    ['bytes beyond ASCII', "'caf\xc3\xa9 \xc3\xa9.php'", ' x'],
    ...(PHP === undefined
      ? []
      : [
          ['php -f', '-f worker.php --', ' a'],
          ['a glued -f', '-fworker.php', ''],
          ['options', '-q -d memory_limit=64M worker.php', ' a'],
        ]),
    ['control characters', "'w\tw.php'", " 'a\x01b' '' c"],
    ['an empty argument only the shell knows', 'worker.php', ' "$UNSET"'],
    ['an argument only the shell knows', 'worker.php', ' "$((1 + 1))"'],
  ])(
    'the watchdog starts a worker with %s when there is none, and no second one',
    async (_, script, args) => {
      const interpreter = join(root, 'bin/php');
      const command = `cd ${root} && ${interpreter} ${script}${args}`;
      await makeScript(command);
      const { watchdog } = form(command, root, interpreter);
      expect(await workers()).toHaveLength(0);
      await shell(watchdog);
      const first = await workers();
      expect(first).toHaveLength(1);
      await shell(watchdog);
      await shell(watchdog);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await workers()).toEqual(first);
    },
  );

  test('a look-alike does not count as the worker', async () => {
    const interpreter = join(root, 'bin/php');
    await makeScript(`cd ${root} && ${interpreter} worker.php`);
    const { boot } = form(`cd ${root} && ${interpreter} worker.php --queue=b`, root, interpreter);
    const { watchdog } = form(`cd ${root} && ${interpreter} worker.php`, root, interpreter);
    await shell(boot);
    expect(await workers()).toHaveLength(1);
    await shell(watchdog);
    for (let tries = 0; tries < 40 && (await workers()).length < 2; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    expect(await workers()).toHaveLength(2);
  });

  test('an error of pgrep starts nothing', async () => {
    const interpreter = join(root, 'bin/php');
    const text = `cd ${root} && ${interpreter} worker.php`;
    await makeScript(text);
    const command = readCommand(text, surroundingsOf(root));
    if (command.is === 'opaque') throw new Error(command.why);
    const { watchdog } = longRunningForm(text, command, { interpreter, log: 'w.log', user: 'no-such-user' });
    await shell(watchdog);
    expect(await workers()).toHaveLength(0);
  });
});
