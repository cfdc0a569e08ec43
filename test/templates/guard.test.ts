// The guard against real processes: one at a time, whatever dies, whoever deletes what. Numbers: acceptance tests of locks.md.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contend, hasPhp, isRoot, kinds, stage } from './harness.ts';

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

const stress = process.env['CRONLATCH_STRESS'] !== undefined;
const asNobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];
const has = (...command: string[]) => spawnSync(command[0] ?? '', command.slice(1)).status === 0;
const loud = { CRONLATCH_VERBOSE: '1' };

describe.skipIf(!hasPhp)('PHP and Node on one lock', () => {
  it('1, 4: never two at a time, and not a word', { timeout: 300_000 }, async () => {
    const php = ['php', at.script('php')];
    const node = ['node', at.script('node')];
    const result = await contend(at, [php, php, php, node], stress ? 2400 : 300);
    expect(result.overlaps).toBe(0);
    expect(result.wins).toBeGreaterThan(20);
    expect(result.said).toEqual([]);
    expect(result.ends.filter((end) => end.code !== 0)).toEqual([]);
    report(`mixed: ${result.overlaps} overlaps in ${result.wins} of ${result.ends.length} starts`);
  });

  it('2: not even while somebody deletes the lock file', { timeout: 300_000 }, async () => {
    const adversary = setInterval(() => rmSync(at.file('.lock'), { force: true }), 25);
    const result = await contend(at, [['php', at.script('php')]], stress ? 2400 : 200);
    clearInterval(adversary);
    expect(result.overlaps).toBe(0);
    expect(result.wins).toBeGreaterThan(20);
    report(`adversary: ${result.overlaps} overlaps in ${result.wins} of ${result.ends.length} starts`);
  });

  it.runIf(stress)('1, 2: the recipe fails where the guard passes', { timeout: 600_000 }, async () => {
    const recipe = ['php', at.script('recipe')];
    let plain = { overlaps: 0, wins: 0 };
    for (let round = 0; round < 6 && plain.overlaps === 0; round++) plain = await contend(at, [recipe], 1200);
    const adversary = setInterval(() => rmSync(at.file('.lock'), { force: true }), 25);
    const attacked = await contend(at, [recipe], 1200);
    clearInterval(adversary);
    report(
      `recipe: ${plain.overlaps} overlaps in ${plain.wins}; attacked: ${attacked.overlaps} in ${attacked.wins}`,
    );
    expect(plain.overlaps).toBeGreaterThan(0);
    expect(attacked.overlaps).toBeGreaterThan(attacked.wins * 0.05);
  });

  it('3: of many at once exactly one runs, the others are silent', { timeout: 120_000 }, async () => {
    rmSync(at.dir, { recursive: true });
    const count = stress ? 200 : 80;
    const script = at.script('php');
    const all = Array.from({ length: count }, () => at.start(['php', script, 'block']));
    const winner = await Promise.race(all.map((one) => one.says('ran').then(() => one)));
    const losers = await Promise.all(all.filter((one) => one !== winner).map((one) => one.ended));
    expect(losers.filter((end) => end.code !== 0 || end.out + end.err !== '')).toEqual([]);
    winner.child.stdin?.end();
    expect((await winner.ended).code).toBe(0);
    expect(readFileSync(at.file('.log'), 'utf8').match(/already running/g)).toHaveLength(count - 1);
  });

  it('4: each language refuses the other and names its PID', async () => {
    for (const [holder, second] of [
      ['php', 'node'],
      ['node', 'php'],
    ] as const) {
      const running = at.start([holder, at.script(holder), 'block']);
      await running.says('ran');
      const lost = await at.run([second, at.script(second)], loud);
      expect(lost).toMatchObject({ code: 0, err: '' });
      expect(lost.out).toBe(
        `Another instance is already running (PID: ${running.pid}). If you believe this is an error, look at that process; deleting the lock file ${at.file('.lock')} does not stop it.\n`,
      );
      for (const ask of [second, holder]) {
        const guard = join(at.root, ask === 'php' ? 'cronlatch-guard.php' : 'cronlatch-guard.mjs');
        const status = JSON.parse((await at.run([ask, guard, 'status', at.dir, 'worker'])).out);
        expect(status).toMatchObject({
          held: true,
          holder: 'alive',
          pid: running.pid,
          record: { state: 'running' },
        });
      }
      running.child.stdin?.end();
      expect((await running.ended).code).toBe(0);
    }
  });
});

describe.each(kinds)('the %s guard', (kind) => {
  const guard = kind === 'php' ? 'cronlatch-guard.php' : 'cronlatch-guard.mjs';
  const worker = (options?: Record<string, number | boolean>, dir?: string) => [
    kind,
    at.script(kind, options, dir),
  ];
  const hold = async (options?: Record<string, number | boolean>, mode = 'block', on = at) => {
    const running = on.start([kind, on.script(kind, options), mode]);
    await running.says('ran');
    return running;
  };

  it('leaves a record and nothing else', async () => {
    const running = await hold();
    expect(at.read('.lock')).toHaveLength(512);
    expect(at.record()).toMatchObject({ v: 1, pid: running.pid, state: 'running', why: '' });
    expect(at.read('.pid')).toBe(`${running.pid}\n`);
    expect(execFileSync('stat', ['-c', '%a', at.file('.lock'), at.file('.pid')], { encoding: 'utf8' })).toBe(
      '600\n600\n',
    );
    running.child.stdin?.end();
    await running.ended;
    expect(at.record()).toMatchObject({ state: 'done' });
    expect(readdirSync(at.dir)).toEqual(['worker.lock']);
  });

  it('5: a killed worker blocks nobody', async () => {
    const running = await hold();
    running.child.kill('SIGKILL');
    await running.ended;
    const next = await at.run(worker(), loud);
    expect(next).toMatchObject({
      code: 0,
      out: `Removing stale lock file from dead process (PID: ${running.pid})\nran\n`,
    });
    expect(at.read('.log')).toContain(`previous run PID ${running.pid} ended without cleaning up`);
  });

  it.each(kind === 'php' ? ['proc_open', 'exec', 'shell_exec', 'popen'] : ['proc_open'])(
    '6: a child from %s does not keep the lock',
    async (mode) => {
      const command = [...worker(), mode, join(at.root, 'child')];
      const running = at.start(command);
      await running.says('ran');
      await pause(50);
      const child = at.stray(join(at.root, 'child'));
      running.child.kill('SIGKILL');
      await running.ended;
      expect(() => process.kill(child, 0)).not.toThrow();
      expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n' });
    },
  );

  it.runIf(kind === 'php')('6: a forked child does, and is named', async () => {
    const running = at.start([...worker(), 'fork', join(at.root, 'child')]);
    await running.says('ran');
    const child = at.stray(join(at.root, 'child'));
    running.child.kill('SIGKILL');
    await running.ended;
    const text = `The worker PID ${running.pid} is dead, but a process it started still holds ${at.file('.lock')}: PID ${child} (php)\n`;
    expect(await at.run(worker())).toMatchObject({ code: 75, out: '', err: text });
    unlinkSync(at.file('.stuck'));
    expect(await at.run(['node', at.script('node')])).toMatchObject({ code: 75, err: text });
  });

  it.runIf(kind === 'php')(
    '6: lockChildren keeps the lock with the children, when that is wanted',
    async () => {
      const running = at.start([...worker({ lockChildren: true }), 'proc_open', join(at.root, 'child')]);
      await running.says('ran');
      at.stray(join(at.root, 'child'));
      running.child.kill('SIGKILL');
      await running.ended;
      expect(await at.run(worker({ lockChildren: true }))).toMatchObject({ code: 75 });
    },
  );

  it.runIf(kind === 'node')('fork() belongs to the instance that holds the lock', async () => {
    expect(await at.run([...worker(), 'fork'])).toMatchObject({ code: 0, out: 'ran\nran\nchild 0\n' });
  });

  it('7: a left-over PID file is a note, dead or not', async () => {
    for (const pid of [99999, process.pid]) {
      writeFileSync(at.file('.pid'), `${pid}\n`);
      const run = await at.run(worker(), loud);
      expect(run).toMatchObject({
        code: 0,
        out: `Removing stale lock file from dead process (PID: ${pid})\nran\n`,
      });
      writeFileSync(at.file('.pid'), `${pid}\n`);
      expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n', err: '' });
    }
  });

  it.runIf(isRoot && has('setpriv', '--version'))('8: the wrong user changes nothing', async () => {
    const before = readdirSync(at.dir);
    const nobody = await at.run([...asNobody, ...worker()]);
    expect(nobody.err).toBe(
      `worker: ${at.dir} belongs to uid 0, this process is uid 65534: run the task as the owner of the directory\n`,
    );
    expect(nobody.code).toBe(77);
    chownSync(at.dir, 65534, 65534);
    expect(await at.run(worker())).toMatchObject({ code: 77, out: '' });
    expect(await at.run(worker({}, join(at.dir, 'new')))).toMatchObject({ code: 77, out: '' });
    expect(readdirSync(at.dir)).toEqual(before);
    expect(await at.run([...asNobody, ...worker()])).toMatchObject({ code: 0, out: 'ran\n' });
  });

  it('9: links are refused or replaced, never followed', async () => {
    const target = join(at.root, 'target');
    for (const exists of [true, false]) {
      rmSync(target, { force: true });
      if (exists) writeFileSync(target, 'theirs');
      symlinkSync(target, at.file('.lock'));
      expect(await at.run(worker())).toMatchObject({
        code: 77,
        err: `worker: ${at.file('.lock')} is a link or belongs to another user\n`,
      });
      unlinkSync(at.file('.lock'));
      expect(existsSync(target) ? readFileSync(target, 'utf8') : 'absent').toBe(exists ? 'theirs' : 'absent');
    }
    writeFileSync(target, '1\n');
    symlinkSync(target, at.file('.pid'));
    symlinkSync(target, at.file('.log'));
    expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n' });
    expect(readFileSync(target, 'utf8')).toBe('1\n');
    const linked = join(at.root, 'linked');
    symlinkSync(at.dir, linked);
    expect(await at.run(worker({}, linked))).toMatchObject({
      code: 77,
      err: `worker: ${linked} is not a real directory\n`,
    });
    chmodSync(at.dir, 0o777);
    expect(await at.run(worker())).toMatchObject({
      code: 77,
      err: `worker: ${at.dir} is writable for everybody\n`,
    });
  });

  it('10: signals stop a worker that asks, between two jobs', async () => {
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
      ['SIGHUP', 1],
    ] as const) {
      const running = await hold({}, 'hold');
      await pause(40);
      const since = Date.now();
      running.child.kill(signal);
      expect(await running.ended).toMatchObject({ code: 0, out: `ran\nsignal ${number}\n` });
      expect(Date.now() - since).toBeLessThan(400); // 50 ms on an idle machine, plus our own pause of 30
      expect(at.record()).toMatchObject({ state: 'done', why: `signal ${number}` });
      expect(at.has('.pid')).toBe(false);
    }
  });

  it('10: a worker that never asks dies from a signal as before, and tidily', async () => {
    const running = at.start([...worker(), kind === 'php' ? 'sleep' : 'block']);
    await running.says('ran');
    await pause(40);
    if (kind === 'php') running.child.stdin?.write('\n'); // out of the blocking read, so that PHP gets to its handler
    running.child.kill('SIGTERM');
    const end = await running.ended;
    expect(end.signal ?? end.code).toSatisfy((is) => is === 'SIGTERM' || is === 0);
    expect(at.has('.pid')).toBe(false);
  });

  it.each(kind === 'php' ? ['oom', 'throw'] : ['throw'])(
    '10: a job that fails (%s) is written down',
    async (mode) => {
      expect((await at.run([...worker(), mode])).code).toBe(kind === 'php' ? 255 : 1);
      expect(at.record()).toMatchObject({ state: 'failed' });
      expect(at.has('.pid')).toBe(false);
    },
  );

  it.runIf(has('cc', '--version'))(
    '11: no lock on this file system is an error, not "already running"',
    async () => {
      writeFileSync(
        join(at.root, 'no.c'),
        '#include <errno.h>\nint flock(int f, int o) { errno = ENOLCK; return -1; }\n',
      );
      execFileSync('cc', ['-shared', '-fPIC', '-o', join(at.root, 'no.so'), join(at.root, 'no.c')]);
      expect(await at.run(worker(), { LD_PRELOAD: join(at.root, 'no.so') })).toMatchObject({
        code: 74,
        out: '',
        err: `worker: flock() is not possible on ${at.file('.lock')} (network file system?): refusing to run without a lock\n`,
      });
    },
  );

  it.runIf(isRoot && has('unshare', '-m', 'mount', '-t', 'tmpfs', 'x', '/mnt'))(
    '12: a full disk stops nothing when the lock file is there',
    async () => {
      const inside = `mount -t tmpfs -o size=8k,mode=700 x ${at.dir} && cd ${at.dir} && : > worker.lock && chmod 600 worker.lock; dd if=/dev/zero of=fill bs=4k 2>/dev/null; `;
      const script = worker();
      const run = await at.run([
        'unshare',
        '-m',
        'sh',
        '-c',
        `${inside} mkfifo ${at.root}/f; ${script.join(' ')} block < ${at.root}/f & exec 9> ${at.root}/f; sleep 0.5; ${script.join(' ')}; echo lost $?; exec 9>&-; wait $!; echo won $?`,
      ]);
      expect(run).toMatchObject({ out: 'ran\nlost 0\nwon 0\n', err: '' });
    },
  );

  it.runIf(isRoot && has('unshare', '-m', 'true'))('13: works without /proc', async () => {
    const hidden = (...command: string[]) => [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount -t tmpfs x /proc && exec ${command.join(' ')}`,
    ];
    const running = at.start(hidden(...worker(), 'block'));
    await running.says('ran');
    expect(await at.run(hidden(...worker()), loud)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Another instance is already running/),
    });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await at.run(hidden(...worker()))).toMatchObject({ code: 0, out: 'ran\n', err: '' });
  });

  it('15: a stuck holder is reported once an hour, and stopped only when that is asked for', async () => {
    const running = await hold();
    const now = Math.floor(Date.now() / 1000);
    at.tamper({ started: now - 100, hb: now - 50 });
    const ticks = [];
    for (let tick = 0; tick < 3; tick++) ticks.push(await at.run(worker({ maxRuntime: 10 })));
    expect(ticks.map((tick) => tick.code)).toEqual([75, 75, 75]);
    expect(ticks.map((tick) => tick.err).join('')).toMatch(
      new RegExp(
        `^The worker PID ${running.pid} holds the lock since 10\\d s \\(limit 10 s, last sign of life 5\\d s ago\\)\\.\n$`,
      ),
    );
    at.tamper({ started: now - 1000, start: 1 });
    expect(await at.run(worker({ maxRuntime: 10, killStuck: true }))).toMatchObject({ code: 75 });
    expect(running.child.exitCode ?? running.child.signalCode).toBe(null);
    at.tamper({ started: now - 1000, start: Number(startOf(running.pid)) });
    expect(await at.run(worker({ maxRuntime: 10, killStuck: true }))).toMatchObject({ code: 75 });
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(at.read('.log')).toContain('Sent signal 9.');
    expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n' });
    expect(at.has('.stuck')).toBe(false);
  });

  it('16: a deployed script or a deleted lock file ends the worker in order', async () => {
    const other = stage(); // both at once: each takes the 5 seconds between two looks
    const deployed = async () => {
      const running = await hold({}, 'hold', other);
      utimesSync(other.script(kind), new Date(), new Date(Date.now() + 5000)); // PHP sees whole seconds
      expect(await running.ended).toMatchObject({ code: 0, out: 'ran\nthe code was deployed anew\n' });
    };
    const deleted = async () => {
      const running = await hold({}, 'hold');
      const script = join(at.root, kind === 'php' ? 'worker.php' : 'worker.mjs');
      await pause(100);
      unlinkSync(at.file('.lock'));
      const text = `The lock file was deleted while another instance still runs (PID: ${running.pid}). Not starting a second one.\n`;
      expect(await at.run([kind, script])).toMatchObject({ code: 75, err: text });
      expect(await running.ended).toMatchObject({ code: 0, out: 'ran\nthe lock file was replaced\n' });
      expect(await at.run([kind, script])).toMatchObject({ code: 0, out: 'ran\n' });
    };
    await Promise.all([deployed(), deleted()]).finally(() => other.end());
  });

  it('stops at its time and memory limits', async () => {
    expect(await at.run([...worker({ maxTime: 1 }), 'hold'])).toMatchObject({
      code: 0,
      out: 'ran\ntime limit\n',
    });
    expect(await at.run([...worker({ maxMemory: 1 }), 'hold'])).toMatchObject({
      code: 0,
      out: 'ran\nmemory limit\n',
    });
  });

  it('waits for its turn when told to', async () => {
    const running = await hold();
    const next = at.start(worker({ wait: 10 }));
    await pause(500);
    running.child.stdin?.end();
    expect(await next.ended).toMatchObject({ code: 0, out: 'ran\n' });
  });

  it('turns its log over at 1 MB', async () => {
    writeFileSync(at.file('.log'), 'x'.repeat(1048576));
    const running = await hold();
    expect(readdirSync(at.dir).sort()).toEqual(['worker.lock', 'worker.log.1', 'worker.pid']);
    running.child.stdin?.end();
    await running.ended;
  });

  it('says why it cannot open the lock', async () => {
    expect(await at.run(worker({}, '/proc/nowhere/x'))).toMatchObject({
      code: 73,
      err: 'worker: cannot create /proc/nowhere/x\n',
    });
    if (!isRoot) return;
    chownSync(at.dir, 65534, 65534);
    chmodSync(at.dir, 0o500);
    expect(await at.run([...asNobody, ...worker()])).toMatchObject({
      code: 73,
      err: expect.stringMatching(/^worker: cannot open .*\.lock: .*permission denied/i),
    });
  });

  it.runIf(has('script', '--version'))('18: a loser at a terminal says so', async () => {
    await hold();
    const lost = await at.run(['script', '-qec', worker().join(' '), '/dev/null']);
    expect(lost.out).toMatch(/^Another instance is already running \(PID: \d+\)\./);
  });

  it('works from the entry, the script untouched', async () => {
    const script = join(at.root, kind === 'php' ? 'bare.php' : 'bare.mjs');
    writeFileSync(
      script,
      kind === 'php' ? '<?php echo "ran\\n"; fgets(STDIN);' : "console.log('ran'); process.stdin.resume();",
    );
    const path = join(at.root, guard);
    const flags =
      kind === 'php'
        ? ['-d', `auto_prepend_file=${path}`, '-d', `cronlatch.dir=${at.dir}`, '-d', 'cronlatch.name=worker']
        : ['--import', `file://${path}?dir=${encodeURIComponent(at.dir)}&name=worker`];
    const running = at.start([kind, ...flags, script]);
    await running.says('ran');
    expect(await at.run([kind, ...flags, script])).toMatchObject({ code: 0, out: '', err: '' });
    expect(await at.run(worker())).toMatchObject({ code: 0, out: '' }); // the other form, the same lock
    running.child.stdin?.end();
    await running.ended;
    // both forms at once: the second call is the same process and does nothing
    expect(await at.run([kind, ...flags, ...worker().slice(1)])).toMatchObject({
      code: 0,
      out: 'ran\n',
      err: '',
    });
  });

  it('probe shows refusal and recovery and leaves nothing', async () => {
    const run = await at.run([kind, join(at.root, guard), 'probe', at.dir, 'worker']);
    const shown = JSON.parse(run.out);
    expect(shown).toMatchObject({
      ok: true,
      acquired: true,
      errors: [],
      refused: { exit: 0 },
      stale: { recovered: true },
    });
    expect(shown.refused.message).toMatch(/^Another instance is already running \(PID: \d+\)\./);
    expect(shown.stale.message).toBe('Removing stale lock file from dead process (PID: 99999)');
    expect([run.code, readdirSync(at.dir)]).toEqual([0, []]);

    const missing = await at.run([kind, join(at.root, guard), 'probe', join(at.root, 'none'), 'worker']);
    expect(JSON.parse(missing.out)).toMatchObject({
      ok: false,
      errors: [`${join(at.root, 'none')} does not exist`],
    });
    expect([missing.code, existsSync(join(at.root, 'none'))]).toEqual([1, false]);
  });

  it('status looks and creates nothing', async () => {
    const ask = async (dir = at.dir) =>
      JSON.parse((await at.run([kind, join(at.root, guard), 'status', dir, 'worker'])).out);
    expect(await ask()).toMatchObject({ held: false, record: null, holder: 'none', pid: null, dir: at.dir });
    expect(await ask(join(at.root, 'none'))).toMatchObject({ held: false, holder: 'none' });
    expect(readdirSync(at.dir)).toEqual([]);
    const running = await hold();
    expect(await ask()).toMatchObject({ held: true, holder: 'alive', pid: running.pid });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await ask()).toMatchObject({
      held: false,
      holder: 'dead',
      pid: running.pid,
      record: { state: 'running' },
    });
    await at.run(worker());
    expect(await ask()).toMatchObject({ held: false, holder: 'none', record: { state: 'done' } });
  });
});

describe.skipIf(!hasPhp)('what only PHP can show', () => {
  it('13: works without pcntl and posix', async () => {
    // pcntl is built into many a PHP; hosters switch such functions off
    const off = 'disable_functions=pcntl_signal,pcntl_async_signals,pcntl_alarm,getmypid,gethostname';
    const php = ['php', '-n', '-d', off, at.script('php')];
    const running = at.start([...php, 'block']);
    await running.says('ran');
    expect(await at.run(php)).toMatchObject({ code: 0, out: '', err: '' });
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await at.run(php, loud)).toMatchObject({
      code: 0,
      out: `Removing stale lock file from dead process (PID: ${running.pid})\nran\n`,
    });
    const status = await at.run([
      'php',
      '-n',
      '-d',
      off,
      join(at.root, 'cronlatch-guard.php'),
      'status',
      at.dir,
      'worker',
    ]);
    expect(JSON.parse(status.out)).toMatchObject({ pcntl: false, posix: false, held: false });
  });

  it('14: the hard limit ends a blocked worker, the next one runs', async () => {
    const end = await at.run(['php', at.script('php', { maxRuntime: 1 }), 'block']);
    expect(end).toMatchObject({ signal: 'SIGALRM' }); // a shell calls it 142
    expect(end.ms).toBeLessThan(2000);
    expect(await at.run(['php', at.script('php')])).toMatchObject({ code: 0, out: 'ran\n' });
  });

  it('leaves umask, error handling and the last error to the script', async () => {
    const script = join(at.root, 'clean.php');
    const line = `(require __DIR__ . '/cronlatch-guard.php')(['dir' => '${at.dir}', 'name' => 'worker']);`;
    writeFileSync(
      script,
      `<?php declare(strict_types=1);\n${line}\nset_error_handler(function ($n, $m) { throw new Exception($m); });\n` +
        `${line}\nCronlatch\\Guard::shouldStop(); @unlink('${at.dir}/worker.pid');\nvar_dump(umask(), error_get_last(), headers_sent());`,
    );
    const run = await at.run([
      'sh',
      '-c',
      `umask 022; php -d error_reporting=-1 -d display_errors=1 ${script}`,
    ]);
    expect(run).toMatchObject({ code: 0, out: 'int(18)\nNULL\nbool(false)\n', err: '' });
  });

  it('says so when proc_open is switched off', async () => {
    const run = await at.run([
      'php',
      '-d',
      'disable_functions=proc_open',
      join(at.root, 'cronlatch-guard.php'),
      'probe',
      at.dir,
      'worker',
    ]);
    expect(JSON.parse(run.out)).toMatchObject({ ok: false, errors: [expect.stringContaining('proc_open')] });
    expect(readdirSync(at.dir)).toEqual([]);
  });

  it('22: the lock is never unlocked, emptied or deleted, and no PID decides', () => {
    const code = readFileSync(join(at.root, 'cronlatch-guard.php'), 'utf8').replace(
      /^\s*(?:\/\/|\*|\/\*\*).*$/gm,
      '',
    );
    expect(code).not.toMatch(/LOCK_UN|ftruncate|unlink\([^)]*\.lock/);
    expect(code.match(/fopen\(\$\w+(?:->\w+)?(?: \. '\.lock')?, [^)]*\)/g)).toEqual([
      "fopen($lock, $this->options['lockChildren'] ? 'c+' : 'c+e')",
      "fopen($this->path . '.lock', 're')",
    ]);
    expect(code).not.toMatch(/posix_kill\([^)]*, 0\)/);
  });
});

it('Node: perl or php take the lock where flock(1) is missing, and without any the worker does not run', async () => {
  const script = at.script('node');
  for (const tool of ['perl', 'php', 'none']) {
    const path = join(at.root, tool);
    mkdirSync(path);
    if (tool !== 'none' && !has(tool, '-v')) continue;
    if (tool !== 'none')
      symlinkSync(
        execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
        join(path, tool),
      );
    const run = (mode: string) => at.start([process.execPath, script, mode], { PATH: path });
    if (tool === 'none') {
      expect(await run('quick').ended).toMatchObject({
        code: 69,
        err: 'worker: none of flock(1), perl, php is here: no way to take the lock\n',
      });
      continue;
    }
    const holder = run('block');
    await holder.says('ran');
    expect(await run('quick').ended).toMatchObject({ code: 0, out: '' });
    expect(await at.run([process.execPath, script])).toMatchObject({ code: 0, out: '' }); // flock(1) sees that lock
    holder.child.stdin?.end();
    expect(await holder.ended).toMatchObject({ code: 0 });
  }
});

/** A figure for the log of a stress run. */
function report(text: string): void {
  if (stress) process.stdout.write(`${text}\n`);
}

/** The start time of a process as its record has it. */
function startOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
