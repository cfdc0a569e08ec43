// The life of a guarded worker in both languages: what it leaves behind however it ends. Numbers: docs/guard.md.
import { execFileSync } from 'node:child_process';
import { readdirSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kinds, loud, report, stage, startOf, stress } from './harness.ts';

let at: ReturnType<typeof stage>;
beforeEach(() => {
  at = stage();
});
afterEach(() => at.end());

describe.each(kinds)('the %s guard', { timeout: 120_000 }, (kind) => {
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

  it('#5: a killed worker blocks nobody', async () => {
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
    '#6: a child from %s does not keep the lock',
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

  it.runIf(kind === 'php')('#6: a forked child does, and is named', async () => {
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
    '#6: lockChildren keeps the lock with the children, when that is wanted',
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

  it('#7: a left-over PID file is a note, dead or not', async () => {
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

  it('#10: signals stop a worker that asks, between two jobs', async () => {
    for (const [signal, number] of [
      ['SIGTERM', 15],
      ['SIGINT', 2],
      ['SIGHUP', 1],
    ] as const) {
      const running = await hold({}, 'hold');
      await running.says('asked');
      running.child.kill(signal);
      expect(await running.ended).toMatchObject({ code: 0, out: `ran\nasked\nsignal ${number}\n` });
      expect(at.record()).toMatchObject({ state: 'done', why: `signal ${number}` });
      expect(at.has('.pid')).toBe(false);
    }
  });

  it.runIf(stress)(
    '#5, #10: a signal is answered in 50 ms, a killed worker’s lock is free in 100',
    async () => {
      const ms = { SIGTERM: [] as number[], SIGKILL: [] as number[] };
      for (const signal of ['SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
        const running = await hold({}, 'hold');
        await running.says('asked');
        const since = process.hrtime.bigint();
        const free = new Promise<void>((done) => running.child.on('exit', () => done()));
        running.child.kill(signal);
        if (signal === 'SIGTERM') await free;
        else execFileSync('flock', ['-s', at.file('.lock'), 'true']);
        ms[signal].push(Number(process.hrtime.bigint() - since) / 1e6);
        await running.ended;
      }
      report(`#10: ${kind} ends ${ms.SIGTERM.map((t) => t.toFixed(1))} ms after SIGTERM`);
      report(`#5: ${kind}'s lock is free ${ms.SIGKILL.map((t) => t.toFixed(1))} ms after SIGKILL`);
      expect(Math.min(...ms.SIGTERM)).toBeLessThan(50);
      expect(Math.min(...ms.SIGKILL)).toBeLessThan(100);
    },
  );

  it('#10: a worker that never asks dies from a signal as before, and tidily', async () => {
    const running = await hold({}, 'deaf');
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
    expect(at.record()).toMatchObject({ state: 'failed', why: 'signal 15' });
    expect(at.has('.pid')).toBe(false);
  });

  it.each(kind === 'php' ? ['oom', 'throw'] : ['throw'])(
    '#10: a job that fails (%s) is written down',
    async (mode) => {
      expect((await at.run([...worker(), mode])).code).toBe(kind === 'php' ? 255 : 1);
      expect(at.record()).toMatchObject({ state: 'failed' });
      expect(at.has('.pid')).toBe(false);
    },
  );

  it('#15: a stuck holder is reported once an hour, and stopped only when that is asked for', async () => {
    const running = await hold({}, 'stuck');
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
    at.tamper({ started: now - 100, start: startOf(running.pid) });
    expect(await at.run(worker({ maxRuntime: 10, killStuck: true }))).toMatchObject({ code: 75 });
    expect(at.read('.log')).toContain('Sent signal 15.'); // not heard: its handler waits for the call that hangs
    at.tamper({ started: now - 1000, state: 'running' });
    expect(await at.run(worker({ maxRuntime: 10, killStuck: true }))).toMatchObject({ code: 75 });
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(at.read('.log')).toContain('Sent signal 9.');
    expect(await at.run(worker())).toMatchObject({ code: 0, out: 'ran\n' });
    expect(at.has('.stuck')).toBe(false);
  });

  it('#16: a deployed script or a deleted lock file ends the worker in order', async () => {
    const other = stage(); // both at once: each takes the 5 seconds between two looks
    const deployed = async () => {
      const running = await hold({}, 'hold', other);
      await running.says('asked');
      utimesSync(other.script(kind), new Date(), new Date(Date.now() + 5000)); // PHP sees whole seconds
      expect(await running.ended).toMatchObject({ code: 0, out: 'ran\nasked\nthe code was deployed anew\n' });
    };
    const deleted = async () => {
      const running = await hold({}, 'hold');
      const script = join(at.root, kind === 'php' ? 'worker.php' : 'worker.mjs');
      await running.says('asked');
      unlinkSync(at.file('.lock'));
      const text = `The lock file was deleted while another instance still runs (PID: ${running.pid}). Not starting a second one.\n`;
      expect(await at.run([kind, script])).toMatchObject({ code: 75, err: text });
      expect(await running.ended).toMatchObject({ code: 0, out: 'ran\nasked\nthe lock file was replaced\n' });
      expect(await at.run([kind, script])).toMatchObject({ code: 0, out: 'ran\n' });
    };
    await Promise.all([deployed(), deleted()]).finally(() => other.end());
  });

  it('stops at its time and memory limits', async () => {
    expect(await at.run([...worker({ maxTime: 1 }), 'hold'])).toMatchObject({
      code: 0,
      out: 'ran\nasked\ntime limit\n',
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
});
